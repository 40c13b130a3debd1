"""The audit of a corpus as one HTML file that needs nothing else: what is in it, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import PercentFormatter

from ictal.report import charts, figures, tables
from ictal.report.numbers import count, decimal, duration, percent, power_of_ten
from ictal.report.palette import LIGHT
from ictal.report.parts import Cell, Figure, Section, Table
from ictal.report.templates import page

Document: TypeAlias = Mapping[str, Any]
"""What `ictal audit --json` prints."""

SHOWN, PATIENTS_SHOWN = 200, 25
"""Rows of a long table, and of the patients, those with the most seizure time first; all are in the JSON document."""
_CHANNELS_SHOWN = 30
_STRATA = {
    "full": ("seizure throughout", "seizure"),
    "partial": ("seizure in part", "partial"),
    "ambiguous": ("too little seizure to be either", "prior"),
    "peri_ictal": ("near a seizure", "detection"),
    "interictal": ("far from one, same recording", "quiet"),
    "seizure_free": ("recording without seizure", "quiet"),
}
_GROUPS = {
    "split": "Split",
    "type": "Seizure type",
    "montage": "Montage that the channels allow",
    "rate_hz": "Rate (Hz)",
    "reference": "Reference",
    "patient": "Patient",
}
_FLAGS = {
    "flat": "Flat",
    "saturated": "Saturated",
    "out_of_range": "Out of range",
    "contradictory": "Twice, with different samples",
}


def render(document: Document) -> str:
    """The page. It depends on its argument only."""
    severities = Counter(finding["severity"] for finding in document["findings"])
    found = len(document["findings"])
    badge = "unusable" if severities["error"] else f"{count(found)} finding{'s' * (found != 1)}" if found else "clean"
    return page(
        "audit.html.jinja",
        document["folder"],
        _sections(document),
        clean=not found,
        badge=badge,
        headline=_headline(severities),
        evidence=_evidence(document),
    )


def _headline(severities: Mapping[str, int]) -> str:
    if severities["error"]:
        return "This corpus cannot be planned with as it is: every error below has to be mended first."
    if severities["warning"]:
        return "This corpus can be used; what the warnings name is set aside, or should be known."
    return "Nothing was found wrong with this corpus."


def _evidence(document: Document) -> list[str]:
    lines = [f"{count(n)} × {code}" for code, n in Counter(f["code"] for f in document["findings"]).most_common()]
    test = document["prior"]
    if test is not None:
        lines.append(
            f"Prior test: {count(test['seizure_windows'])} of {count(test['windows'])} windows of 60\u202fs hold a "
            f"seizure; of this corpus {percent(test['prior'])} are published. So few by chance: "
            f"{power_of_ten(test['log10_tail']) if test['log10_tail'] < -2 else percent(10 ** test['log10_tail'])}."
        )
    return lines


def _sections(document: Document) -> tuple[Section, ...]:
    return (
        _findings(document),
        Section(id="corpus", heading="The corpus", parts=(tables.corpus(document), tables.labels(document))),
        _windows(document),
        _groups(document),
        _channels(document),
        _durations(document),
        _electrodes(document),
        _signals(document),
        _others(document),
    )


def _findings(document: Document) -> Section:
    order = sorted(document["findings"], key=lambda finding: (finding["severity"], finding["code"], finding["path"]))
    rows = tuple((f["severity"], f["code"], f["path"], f["message"]) for f in order)
    if not rows:
        return Section(id="findings", heading="Findings", lead="None.")
    return Section(
        id="findings",
        heading="Findings",
        parts=(_long("All that was found", ("Severity", "Code", "Where", "What"), rows),),
    )


def _windows(document: Document) -> Section:
    windows, heading = document["windows"], "Windows by stratum"
    if not windows["strata"]:
        return Section(id="windows", heading=heading, absent="No recording could be labelled.")
    parts = windows["strata"]
    drawn = [(name, sum(strata.values()), strata) for name, strata in parts.items()]
    rows = tuple(
        (name, count(total), *(f"{count(n)} ({percent(n / max(total, 1))})" for n in strata.values()))
        for name, total, strata in drawn
    )
    columns = ("Part", "Windows", *(text.capitalize() for text, _ in _STRATA.values()))
    table = Table(caption="Windows by part and stratum", columns=columns, rows=rows, numeric=frozenset(range(1, 8)))
    words = "; ".join(f"{_STRATA[key][0]} {percent(n / max(drawn[0][1], 1))}" for key, n in parts["all"].items())
    figure = Figure(
        drawing=figures.svg(
            "strata", f"Windows of the corpus: {words}.", 9, 3.0, lambda f: _draw_strata(f, parts["all"])
        ),
        caption="Share of windows in each stratum, on a root scale so that rare ones can be seen.",
        table=table,
    )
    return Section(
        id="windows",
        heading=heading,
        lead=f"Windows of {windows['length_s']:g}\u202fs every {windows['stride_s']:g}\u202fs.",
        parts=(figure,),
    )


def _draw_strata(figure: Drawing, strata: Mapping[str, int]) -> None:
    total = max(sum(strata.values()), 1)
    shares = {_STRATA[key]: n / total for key, n in strata.items()}
    ax = figure.subplots()
    _bars(ax, [name for name, _ in shares], list(shares.values()), [LIGHT[c] for _, c in shares])
    ax.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    ax.set_xticks([0, 0.01, 0.05, 0.25, 0.5, 1])
    charts.label(ax, x="share of the windows (root scale)")


def _bars(ax: Axes, names: Sequence[str], shares: Sequence[float], colours: Sequence[str]) -> None:
    """Shares as horizontal bars, each with its number."""
    places = -np.arange(len(names))
    ax.barh(places, shares, height=0.62, color=colours, linewidth=0)
    for place, share in zip(places, shares, strict=True):
        ax.annotate(percent(share), (share, place), xytext=(5, 0), textcoords="offset points", va="center",
                    fontsize=charts.SMALL, color=LIGHT["ink"])  # fmt: skip
    charts.tidy(ax)
    ax.grid(visible=False, axis="y")
    ax.set_yticks(places, names)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1.12)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol="\u202f%"))


def _groups(document: Document) -> Section:
    parts = tuple(
        _long(
            f"By {heading[0].lower()}{heading[1:]}",
            (heading, "Recordings", "Patients", "Hours", "Seizures", "Seizure time"),
            tuple(_tally_row(key, tally) for key, tally in _ordered(name, document["tallies"][name])),
            numeric=frozenset(range(1, 6)),
            shown=PATIENTS_SHOWN if name == "patient" else SHOWN,
        )
        for name, heading in _GROUPS.items()
        if document["tallies"][name]
    )
    return Section(id="tallies", heading="By split, type, montage, rate and patient", parts=parts)


def _ordered(name: str, tallies: Mapping[str, Document]) -> Iterable[tuple[str, Document]]:
    """Patients with the most seizure time first, all else by name."""
    return (
        sorted(tallies.items(), key=lambda item: -item[1]["seizure_seconds"]) if name == "patient" else tallies.items()
    )


def _tally_row(key: str, tally: Document) -> tuple[Cell, ...]:
    hours, seconds = decimal(tally["hours"]), duration(tally["seizure_seconds"])
    return key, count(tally["recordings"]), count(tally["patients"]), hours, count(tally["seizures"]), seconds


def _channels(document: Document) -> Section:
    heading, total = "Channel coverage", document["recordings"]
    shares = {name: n / total for name, n in document["channels"].items()}
    if not shares:
        return Section(id="channels", heading=heading, absent="No header could be read.")
    shown = dict(list(shares.items())[:_CHANNELS_SHOWN])
    rows = tuple((name, count(document["channels"][name]), percent(share)) for name, share in shares.items())
    figure = Figure(
        drawing=_coverage(shown),
        caption=f"Share of recordings that have a channel: the {len(shown)} most frequent of {len(shares)}.",
        table=_long("Channels", ("Channel", "Recordings", "Share"), rows, numeric=frozenset({1, 2})),
    )
    return Section(id="channels", heading=heading, parts=(figure,))


def _coverage(shares: Mapping[str, float]) -> Markup:
    words = ", ".join(f"{name} {percent(share)}" for name, share in shares.items())
    colours = [LIGHT["good"] if share == 1 else LIGHT["prior"] for share in shares.values()]
    height_in = 0.24 * len(shares) + 0.7

    def draw(figure: Drawing) -> None:
        ax = figure.subplots()
        _bars(ax, list(shares), list(shares.values()), colours)
        charts.label(ax, x="share of the recordings")

    return figures.svg("coverage", f"Channel coverage: {words}.", 9, height_in, draw)


def _durations(document: Document) -> Section:
    """Recordings whose lengths by annotation, header and data bytes are over 1 s apart."""
    rows = []
    for file in document["files"]:
        lengths_s = [file["duration_s"][key] for key in ("annotation", "header", "data")]
        known_s = [length_s for length_s in lengths_s if length_s is not None]
        if known_s and max(known_s) - min(known_s) > 1:
            shown = ("not known" if length_s is None else f"{length_s:.2f}" for length_s in lengths_s)
            rows.append((file["id"], *shown))
    heading = "Durations"
    if not rows:
        return Section(id="durations", heading=heading, lead="Annotation, header and data agree within 1\u202fs.")
    columns = ("Recording", "Annotation (s)", "Header (s)", "Data (s)")
    table = _long("Lengths that disagree", columns, tuple(rows), numeric=frozenset({1, 2, 3}))
    return Section(id="durations", heading=heading, parts=(table,))


def _electrodes(document: Document) -> Section:
    rows = tuple(
        (file["id"], ", ".join(file["missing"]), ", ".join(file["interpolated"]), ", ".join(file["absent"]))
        for file in document["files"]
        if file["missing"]
    )
    heading = "Missing electrodes"
    if not rows:
        return Section(id="electrodes", heading=heading, lead="No recording lacks one.")
    columns = ("Recording", "Missing", "Interpolated", "Left at zero")
    return Section(
        id="electrodes", heading=heading, parts=(_long("What is missing, and what was made of it", columns, rows),)
    )


def _signals(document: Document) -> Section:
    heading = "Signals"
    read = [(file["id"], file["signals"]) for file in document["files"] if file["signals"] is not None]
    if not read:
        absent = "Not read: only a deep audit (ictal audit --deep) reads signals."
        return Section(id="signals", heading=heading, absent=absent)
    flagged = tuple(
        (name, *(", ".join(signals[key]) for key in _FLAGS))
        for name, signals in read
        if any(signals[key] for key in _FLAGS)
    )
    lead = f"{count(len(read))} recordings were read whole; {count(len(flagged))} have a channel with a flag."
    columns = ("Recording", *_FLAGS.values())
    table = (_long("Flagged channels, extras included", columns, flagged),) if flagged else ()
    return Section(id="signals", heading=heading, lead=lead, parts=table)


def _others(document: Document) -> Section:
    rows = tuple((suffix, count(n)) for suffix, n in document["other_files"].items())
    heading = "Other files"
    if not rows:
        return Section(id="others", heading=heading, lead="There is no other file.")
    table = _long("Files that are no recording and no annotation", ("Suffix", "Files"), rows, numeric=frozenset({1}))
    return Section(id="others", heading=heading, parts=(table,))


def _long(
    caption: str,
    columns: tuple[str, ...],
    rows: tuple[tuple[Cell, ...], ...],
    numeric: frozenset[int] = frozenset(),
    shown: int = SHOWN,
) -> Table:
    """A table of so many rows at most, with a word about the rest."""
    rest = len(rows) - shown
    note = f"{count(rest)} more rows are in the JSON document (ictal audit --json)." if rest > 0 else ""
    return Table(caption=caption, columns=columns, rows=rows[:shown], numeric=numeric, note=note)
