"""Several runs on one page: verdicts, key numbers, curves over each other, what is chance and what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawn
from matplotlib.ticker import NullLocator, PercentFormatter

from ictal.report import charts, strips
from ictal.report.contents import Contents, Document, RecordingStrip, SensitivityCurve
from ictal.report.figures import svg
from ictal.report.numbers import FALSE_ALARM_TARGETS, UNDEFINED, count, decimal, level, ratio, short_names
from ictal.report.palette import LIGHT
from ictal.report.parts import Cell, Figure, Section, Table
from ictal.report.tables import (
    ALLOWED,
    BEST_WITHIN,
    FOUND,
    SCORER_NAMES,
    STRIP_COLUMNS,
    found_within,
    in_brackets,
    ranked,
    rate,
    rates,
    shaded,
    strip_cells,
)
from ictal.report.templates import page

_COLOURS = ("detection", "seizure", "good", "false", "prior", "muted")
_STYLES = ("-", "--", ":", "-.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """One of the runs.

    Args:
        name: What it is called on the page; no two alike.
        contents: What its own report would show.
        settings: Every `section.key` with its value.
    """

    name: str
    contents: Contents
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """The first run against another one.

    Args:
        first: Name of the one.
        second: Name of the other.
        document: What `ictal compare --json` says of them; None where they cannot be compared.
        unlike: Why they cannot.
    """

    first: str
    second: str
    document: Document | None = None
    unlike: str = ""


def render(runs: Sequence[Compared], pairs: Sequence[Pair]) -> str:
    """The page. It depends on its arguments only."""
    *others, last = (run.name for run in runs)
    return page("comparison.html.jinja", f"{', '.join(others)} and {last}", sections(runs, pairs), runs=runs)


def sections(runs: Sequence[Compared], pairs: Sequence[Pair]) -> tuple[Section, ...]:
    """All sections, in reading order."""
    return (
        numbers(runs),
        differences(pairs),
        sensitivity(runs),
        training(runs),
        scores(runs),
        recordings(runs),
        settings(runs),
        provenance(runs),
    )


def numbers(runs: Sequence[Compared]) -> Section:
    """The numbers that decide, a row for each run."""
    rows = tuple(_numbers_of(run) for run in runs)
    columns = ("Run", "Verdict", "Scored", "Seizures found", "Sensitivity", "False alarms per 24 h", "Window AUROC",
               "Calibration error", "Skill at the end")  # fmt: skip
    return Section(
        id="numbers",
        heading="Key numbers",
        lead="At each run's own operating point. Runs that were scored on different recordings say nothing about each "
        "other, however alike their names are.",
        parts=(Table(caption="The numbers that decide", columns=columns, rows=rows, numeric=frozenset(range(3, 9))),),
    )


def _numbers_of(run: Compared) -> tuple[Cell, ...]:
    document, curves = run.contents.evaluation, run.contents.training
    skill = "–" if curves is None or not len(curves.skill) else decimal(float(charts.smoothed(curves.skill)[-1]))
    if document is None:
        return (run.name, run.contents.verdict.badge, *["–"] * 6, skill)
    event = document["scorers"]["szcore_event"]
    return (
        run.name,
        run.contents.verdict.badge,
        f"{document.get('part', 'eval')} part, {event['hours']:.1f}\u202fh",
        f"{count(event['true_positives'])} of {count(event['reference'])}",
        rate(event, "sensitivity", 2),
        rate(event, "false_alarms_per_24h", 1),
        ratio(document, "window_auroc", 3) if document["window_auroc"] is None else ranked(document, "window", "auroc"),
        ranked(document, "step", "ece"),
        skill,
    )


def differences(pairs: Sequence[Pair]) -> Section:
    """Differences on the same patients, with their intervals and what chance would give."""
    name, heading = "differences", "Differences, and chance"
    tables = tuple(_differences_of(pair, pair.document) for pair in pairs if pair.document is not None)
    unlike = " ".join(f"{pair.first} and {pair.second}: {pair.unlike}." for pair in pairs if pair.document is None)
    if not tables:
        return Section(id=name, heading=heading, absent=f"No two of them can be compared. {unlike}")
    return Section(
        id=name,
        heading=heading,
        lead="On the same patients, recordings and annotations. p is the chance of so large a difference if the two "
        "were alike, by exchanging them within patients; p (Holm) holds for all rows of a table together. Choose the "
        f"row that matters before you look. {unlike}",
        parts=tables,
    )


def _differences_of(pair: Pair, document: Document) -> Table:
    rows = tuple(
        (f"{SCORER_NAMES.get(scorer, scorer)}: {rate.replace('_', ' ')}", *_difference(row))
        for scorer, compared in document["scorers"].items()
        for rate, row in compared.items()
    )
    columns = ("Rate", pair.first, pair.second, "Difference", f"{level(document['level'])} interval", "p", "p (Holm)")
    return Table(
        caption=f"{pair.second} less {pair.first}, {count(document['patients'])} patients", columns=columns, rows=rows,
        numeric=frozenset(range(1, 7)),
    )  # fmt: skip


def _difference(row: Mapping[str, float | None]) -> tuple[str, ...]:
    shown = {key: UNDEFINED if row[key] is None else f"{row[key]:.3g}" for key in row if key != "exact"}
    interval = UNDEFINED if row["lower"] is None else f"{shown['lower']} to {shown['upper']}"
    return (shown["first"], shown["second"], shown["difference"], interval, shown["p"], shown["p_holm"])


def sensitivity(runs: Sequence[Compared]) -> Section:
    """The curves of sensitivity against false alarms over each other."""
    name, heading = "sensitivity", "Sensitivity against false alarms"
    drawn = [(number, run) for number, run in enumerate(runs) if run.contents.curve is not None]
    if not drawn:
        return Section(id=name, heading=heading, absent="No run was evaluated.")

    def draw(figure: Drawn) -> None:
        _curves(figure.subplots(), drawn)

    names = ", ".join(run.name for _, run in drawn)
    curves = [run.contents.curve for _, run in drawn if run.contents.curve is not None]
    figure = Figure(
        drawing=svg(
            "compared-sensitivity", f"Event sensitivity against false alarms per 24 h of {names}.", 9, 3.9, draw
        ),
        caption="Seizures detected at the best threshold within each rate of false alarms; rings are the operating "
        f"points (SzCORE events; the axis is linear below 1, logarithmic above).{_shaded(curves)}",
        table=_best_within([run for _, run in drawn]),
    )
    return Section(id=name, heading=heading, parts=(figure,))


def _shaded(curves: Sequence[SensitivityCurve]) -> str:
    areas = shaded(curves)
    return f"{areas} They show how uncertain each run is, not whether two differ." if areas else ""


def _curves(ax: Axes, drawn: Sequence[tuple[int, Compared]]) -> None:
    for number, run in drawn:
        curve = run.contents.curve
        assert curve is not None
        alarms, found = charts.best_within(curve)
        colour, style = _line(number)
        charts.shade(ax, curve, colour)
        ax.plot(alarms, found, style, color=colour, linewidth=1.8, drawstyle="steps-post", label=_label(run))
        if curve.operating is not None:
            point = curve.false_alarms_per_24h[curve.operating], curve.sensitivity[curve.operating]
            ax.plot(*point, "o", color=LIGHT["surface"], markeredgecolor=colour, markeredgewidth=2, markersize=8)
    ax.set_xscale("symlog", linthresh=1, linscale=0.35)
    ax.set_xlim(0, 100)
    ticks = (0, 1, 2, 5, 10, 24, 50, 100)
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0, 1.04)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol="\u202f%"))
    charts.tidy(ax)
    charts.label(ax, x="false alarms per 24 h", y="seizures detected")
    _named(ax)


def _line(number: int) -> tuple[str, str]:
    """Colour and style of a run's line: no two of the first 24 are alike, nor two of the first four by style."""
    return LIGHT[_COLOURS[number % len(_COLOURS)]], _STYLES[(number + number // 12) % len(_STYLES)]


def _label(run: Compared) -> str:
    """A run's name; matplotlib leaves those out of a legend that begin with an underscore."""
    return f" {run.name}" if run.name.startswith("_") else run.name


def _named(ax: Axes) -> None:
    legend = ax.legend(fontsize=charts.SMALL, frameon=False, loc="lower right", handlelength=3.5)
    for text in legend.get_texts():
        text.set_color(LIGHT["ink"])


def _best_within(runs: Sequence[Compared]) -> Table:
    curves = [(run.name, run.contents.curve) for run in runs if run.contents.curve is not None]
    rows = tuple(
        (f"≤ {target}", name, *found_within(curve, target)) for target in FALSE_ALARM_TARGETS for name, curve in curves
    )
    return Table(
        caption=BEST_WITHIN, columns=(ALLOWED, "Run", *FOUND), rows=rows, numeric=frozenset({2, 3, 4}),
        note=in_brackets([curve for _, curve in curves]),
    )  # fmt: skip


def training(runs: Sequence[Compared]) -> Section:
    """Skill in training over each other."""
    name, heading = "training", "Training"
    drawn = [
        (number, run)
        for number, run in enumerate(runs)
        if run.contents.training is not None and len(run.contents.training.step)
    ]
    if not drawn:
        return Section(id=name, heading=heading, absent="No run was trained.")

    def draw(figure: Drawn) -> None:
        _skills(figure.subplots(), drawn)

    names = ", ".join(run.name for _, run in drawn)
    figure = Figure(
        drawing=svg("compared-training", f"Skill in training of {names}.", 9, 3.4, draw),
        caption="Running mean. Zero is knowing the drawn prior only, one is knowing everything; runs with "
        "other batches have other priors, so that skill, not loss, is compared.",
        table=_trained([run for _, run in drawn]),
    )
    return Section(id=name, heading=heading, parts=(figure,))


def _skills(ax: Axes, drawn: Sequence[tuple[int, Compared]]) -> None:
    for number, run in drawn:
        curves = run.contents.training
        assert curves is not None
        colour, style = _line(number)
        ax.plot(curves.step, charts.smoothed(curves.skill), style, color=colour, linewidth=1.7, label=_label(run))
    ax.axhline(0, color=LIGHT["prior"], linestyle=":", linewidth=1)
    charts.tidy(ax)
    ax.set_ylim(-0.3, 1.02)
    charts.label(ax, x="step", y="skill")
    _named(ax)


def _trained(runs: Sequence[Compared]) -> Table:
    rows = []
    for run in runs:
        curves = run.contents.training
        assert curves is not None
        skill = charts.smoothed(curves.skill)
        stopped = "–" if curves.stopped_at is None else count(curves.stopped_at)
        warned = count(sum(not one.stopped for one in curves.said))
        rows.append((run.name, count(len(curves.step)), decimal(float(skill[-1])), decimal(float(skill.max())), warned,
                     stopped))  # fmt: skip
    columns = ("Run", "Steps", "Skill at the end", "Best skill", "Warnings of guards", "Stopped at step")
    return Table(caption="Training in numbers", columns=columns, rows=tuple(rows), numeric=frozenset(range(1, 6)))


def scores(runs: Sequence[Compared]) -> Section:
    """Every scorer's rates, run under run."""
    scored = [(run, run.contents.evaluation) for run in runs if run.contents.evaluation is not None]
    if not scored:
        return Section(id="scores", heading="Scores", absent="No run was evaluated.")
    rows = tuple(
        (SCORER_NAMES.get(scorer, scorer), run.name, *rates(document["scorers"][scorer]))
        for scorer in dict.fromkeys(name for _, document in scored for name in document["scorers"])
        for run, document in scored
        if scorer in document["scorers"]
    )  # fmt: skip
    columns = ("Scorer", "Run", "Sensitivity", "Precision", "F1", "False alarms per 24 h")
    table = Table(
        caption="Scores, pooled over each run's recordings", columns=columns, rows=rows, numeric=frozenset(range(2, 6)),
        note="In brackets: intervals over patients, of each run alone.",
    )  # fmt: skip
    return Section(id="scores", heading="Scores", parts=(table,))


def recordings(runs: Sequence[Compared]) -> Section:
    """Recordings in which runs differ, a line for each run."""
    name, heading = "each", "Where they differ"
    by_run = {run.name: {line.recording: line for line in run.contents.strips} for run in runs if run.contents.strips}
    if len(by_run) < 2:
        return Section(id=name, heading=heading, absent="Fewer than two runs were evaluated.")
    common = set.intersection(*(set(lines) for lines in by_run.values()))
    differing = [
        recording for recording in sorted(common) if len({_outcome(by_run[run][recording]) for run in by_run}) > 1
    ]
    if not differing:
        said = (
            f"In all {count(len(common))} common recordings they find and miss alike."
            if common
            else "No recording in common."
        )
        return Section(id=name, heading=heading, absent=said)
    names = short_names(differing)
    rows = tuple(_line_of(names[recording], run, by_run[run][recording]) for recording in differing for run in by_run)
    columns = ("Recording", "Run", *STRIP_COLUMNS)
    return Section(
        id=name,
        heading=heading,
        lead=f"{count(len(differing))} of {count(len(common))} common recordings, by SzCORE's events.",
        legend=strips.LEGEND,
        parts=(Table(caption="Recordings with different outcomes", columns=columns, rows=rows, style="strips",
                     numeric=frozenset({2, 4, 5})),),
    )  # fmt: skip


def _outcome(line: RecordingStrip) -> tuple[int, int]:
    outcome = strips.marks(line)
    return len(outcome.found), len(outcome.false_alarms)


def _line_of(name: str, run: str, line: RecordingStrip) -> tuple[Cell, ...]:
    return (name, run, *strip_cells(line, strips.marks(line)))


def settings(runs: Sequence[Compared]) -> Section:
    """Settings that are not the same in all."""
    keys = sorted({key for run in runs for key in run.settings})
    differing = [key for key in keys if len({run.settings.get(key) for run in runs}) > 1]
    if not differing:
        return Section(id="settings", heading="Settings that differ", absent="All settings are the same.")
    rows = tuple((key, *(run.settings.get(key, "–") for run in runs)) for key in differing)
    table = Table(
        caption=f"{count(len(differing))} of {count(len(keys))} settings differ",
        columns=("Setting", *_names(runs)),
        rows=rows,
    )
    return Section(id="settings", heading="Settings that differ", parts=(table,))


def provenance(runs: Sequence[Compared]) -> Section:
    """Hashes and versions, run beside run."""
    keys = dict.fromkeys(key for run in runs for key in run.contents.provenance)
    rows = tuple((key, *(run.contents.provenance.get(key, "–") for run in runs)) for key in keys)
    table = Table(caption="Commands, versions, seeds and hashes", columns=("What", *_names(runs)), rows=rows,
                  style="provenance")  # fmt: skip
    return Section(id="repeat", heading="How to repeat them", parts=(table,))


def _names(runs: Sequence[Compared]) -> tuple[str, ...]:
    return tuple(run.name for run in runs)
