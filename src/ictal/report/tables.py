"""The numbers of a report as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import numpy as np

from ictal.report.charts import Stage
from ictal.report.contents import (
    Document,
    EegExample,
    LeakageAudit,
    RecordingStrip,
    ReliabilityBins,
    SensitivityCurve,
    TrainingCurves,
)
from ictal.report.eeg import in_view
from ictal.report.numbers import (
    FALSE_ALARM_TARGETS,
    WHY_UNDEFINED,
    any_value,
    chance,
    clock,
    count,
    decimal,
    duration,
    level,
    percent,
    ratio,
    short_names,
)
from ictal.report.parts import Cell, Table, anchored, joined, link, ranged
from ictal.report.strips import Marks, draw, marks

SCORER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "szcore_event": "SzCORE, by event",
        "szcore_sample": "SzCORE, by second",
        "nedc_ovlp": "NEDC OVLP, by event",
        "nedc_taes": "NEDC TAES, in fractions",
        "nedc_epoch": "NEDC EPOCH, in seconds",
        "nedc_dpalign": "NEDC DPALIGN, by order alone",
        "nedc_atwv": "NEDC ATWV, by middles",
    }
)
PART_NAMES: Mapping[str, str] = MappingProxyType(
    {"train": "train (learning)", "dev": "dev (tuning)", "eval": "eval (never seen)"}
)
STRIP_COLUMNS = ("Length", "Annotated above the line, detected below it", "Found", "False alarms")
"""Of `strip_cells`."""
RATES = (("sensitivity", 2), ("precision", 2), ("f1", 2), ("false_alarms_per_24h", 1))
"""Of every scorer, with the decimals that are shown."""
BEST_WITHIN = "Best sensitivity within each false alarm rate"
ALLOWED = "False alarms allowed per 24 h"
FOUND = ("Seizures detected", "False alarms made", "Threshold")
RANKED = MappingProxyType(
    {"auroc": "AUROC", "auprc": "AUPRC", "ece": "Calibration error", "brier": "Brier", "brier_skill": "Brier skill"}
)
_MOST_SAID = 20


def corpus(document: Document) -> Table:
    """What is in the corpus."""
    seconds = 3600 * document["hours"]
    rows = (
        ("Corpus", str(document["corpus"])),
        ("Recordings", count(document["recordings"])),
        ("Patients", count(document["patients"])),
        ("Recorded time", duration(seconds)),
        ("Seizures", count(document["seizures"])),
        ("Seizure time", duration(document["seizure_seconds"])),
        ("Share of time in seizure", percent(document["seizure_seconds"] / seconds if seconds else None)),
    )
    return Table(
        caption="What is on disk", columns=("Quantity", "Value"), rows=rows, numeric=frozenset({1}), style="pair"
    )


def labels(document: Document) -> Table:
    """Labels as they are written in the annotation files."""
    rows = tuple((str(name), count(rows)) for name, rows in document["labels"].items())
    return Table(
        caption="Labels in the annotation files",
        columns=("Label", "Rows"),
        rows=rows,
        numeric=frozenset({1}),
        style="pair",
    )


def findings(document: Document) -> Table | None:
    """What the audit found wrong."""
    rows = tuple((str(f["code"]), str(f["path"]), str(f["message"])) for f in document["findings"])
    return Table(caption="Findings of the audit", columns=("Code", "Where", "What"), rows=rows) if rows else None


def balance(stages: Sequence[Stage]) -> Table:
    """The numbers of the class balance figure."""
    rows = tuple((f"{stage.name} ({stage.group})", percent(stage.share), stage.unit) for stage in stages)
    return Table(
        caption="Class balance in numbers", columns=("Stage", "Share", "Share of what"), rows=rows,
        numeric=frozenset({1}),
    )  # fmt: skip


def splits(document: Document) -> Table:
    """Who is in which part."""
    keys = ("patients", "recordings", "hours", "seizures", "windows", "seizure_windows")
    rows = tuple(
        (PART_NAMES.get(part, part), *(f"{row[k]:.1f}" if k == "hours" else count(row[k]) for k in keys))
        for part, row in document["splits"].items()
    )
    columns = ("Part", "Patients", "Recordings", "Hours", "Seizures", "Windows", "With seizure")
    return Table(
        caption="Split by patient: nobody is in two parts", columns=columns, rows=rows,
        numeric=frozenset(range(1, 7)),
    )  # fmt: skip


def batches(document: Document) -> Table:
    """What a batch holds, counted."""
    made = document["batches"]
    strata = document["strata"]
    rows = (
        ("Windows in all", count(document["windows"])),
        ("Seizure windows: partly / fully ictal", " / ".join(count(strata[k]) for k in ("partial", "full"))),
        ("Background: near a seizure / far from it / in a recording without",
         " / ".join(count(strata[k]) for k in ("peri_ictal", "interictal", "seizure_free"))),
        ("Too little ictal to be either, never drawn", count(strata["ambiguous"])),
        ("Windows in a batch", count(made["size"])),
        ("Seizure windows in a batch: least / mean / most",
         f"{count(made['seizure_min'])} / {made['seizure_mean']:.2f} / {count(made['seizure_max'])}"),
        ("Batches counted to prove it", count(made["checked"])),
    )  # fmt: skip
    seen = tuple(
        (f"{_capital(name.replace('_', ' '))} drawn at least once", percent(share))
        for name, share in document.get("coverage", {}).items()
    )
    return Table(
        caption="The batch plan", columns=("Quantity", "Value"), rows=rows + seen, numeric=frozenset({1}), style="pair"
    )


def feasibility(document: Document) -> Table:
    """What chance would have done, as the plan worked it out before drawing anything."""
    rows = tuple(
        (_capital(str(row["event"])), chance(row["probability"], row["log10_probability"]))
        for row in document["feasibility"]["chances"]
    )
    return Table(
        caption="Chances, worked out before anything was drawn", columns=("Event", "Chance"), rows=rows,
        numeric=frozenset({1}), style="pair",
    )  # fmt: skip


def incident(rows: Sequence[Document]) -> Table:
    """Every strategy's outcome; columns beyond the strategy are shown as they come."""
    names = {
        "probe_found": "Seizure windows in its probe",
        "drawn_seizure_share": "Drawn windows with seizure",
        "batches_without_seizure": "Batches without any",
        "seizure_windows_seen": "Seizure windows ever seen",
    }
    keys = [key for key in rows[0] if key != "strategy"]
    cells = tuple((str(row["strategy"]), *(_outcome(key, row[key]) for key in keys)) for row in rows)
    columns = ("Strategy", *(names.get(key, _capital(key.replace("_", " "))) for key in keys))
    return Table(
        caption="What each way of drawing gave on this corpus", columns=columns, rows=cells,
        numeric=frozenset(range(1, len(columns))),
    )  # fmt: skip


def _outcome(key: str, value: object) -> str:
    if key == "seizure_windows_seen" and isinstance(value, float):
        return percent(value)
    return any_value(key, value)


def training(curves: TrainingCurves) -> Table:
    """Training at a few steps, first and last among them."""
    places = np.unique(np.linspace(0, len(curves.step) - 1, 6).astype(np.int64))
    rows = tuple(
        (
            count(int(curves.step[i])), decimal(float(curves.loss[i]), 3), decimal(float(curves.skill[i])),
            decimal(float(curves.separation[i])), decimal(float(curves.logit_spread[i])),
            f"{curves.learning_rate[i]:.1e}",
        )
        for i in places
    )  # fmt: skip
    columns = ("Step", "Loss (nats)", "Skill", "Separation", "Logit spread", "Learning rate")
    return Table(
        caption="Training in numbers (single batches)", columns=columns, rows=rows, numeric=frozenset(range(6))
    )


def validation(curves: TrainingCurves) -> Table | None:
    """Validations during training."""
    rows = tuple(
        (count(p.step), decimal(p.auprc, 3), decimal(p.sensitivity), "yes" if p.best else "no")
        for p in curves.validation
    )
    if not rows:
        return None
    columns = ("Steps done", "AUPRC of time steps", "Sensitivity to events", "Best so far")
    return Table(
        caption="Whole recordings of the dev part, during training", columns=columns, rows=rows,
        numeric=frozenset(range(3)),
    )  # fmt: skip


def guards(curves: TrainingCurves) -> Table | None:
    """What watched the run."""
    rows = tuple((one.guard, "stops" if one.mode == "stop" else "warns", one.watches) for one in curves.watched)
    columns = ("Guard", "Does", "When")
    return Table(caption="Guards of this run, asked at every step", columns=columns, rows=rows) if rows else None


def said(curves: TrainingCurves) -> Table | None:
    """What guards said."""
    shown = [one for one in curves.said if one.stopped] + [one for one in curves.said if not one.stopped]
    rows = tuple(
        (count(one.step), one.kind, one.message, "stopped the run" if one.stopped else "warning")
        for one in shown[:_MOST_SAID]
    )
    if not rows:
        return None
    more = len(shown) - len(rows)
    return Table(
        caption="What the guards said", columns=("Step", "Verdict", "What was seen", "What came of it"), rows=rows,
        numeric=frozenset({0}), note=f"{count(more)} further warnings are in train.jsonl." if more else "",
    )  # fmt: skip


def leakage(audit: LeakageAudit) -> Table:
    """What was compared to see that nobody is scored who was learnt from."""
    signals = "not prepared yet" if audit.signals is None else f"0 of {count(audit.signals)}"
    rows = [
        ("Patients in two parts", f"{len(audit.patients_in_two_parts)} of {count(audit.patients)}",
         ", ".join(audit.patients_in_two_parts) or "compared by name, aliases resolved (corpus.same_patient)"),
        ("Signals in two parts or of two patients", signals,
         "compared by the checksum of what is stored; one such signal stops the run"),
        ("Signals twice in one patient and part", count(len(audit.copies)),
         "; ".join(f"{second} is {first}" for first, second in audit.copies) or "–"),
        ("Evaluation part opened", f"{count(audit.openings)} times" if audit.openings != 1 else "once",
         "every opening in this run folder is recorded; each after the first costs some of its worth as a test"),
    ]  # fmt: skip
    return Table(
        caption="Leakage audit", columns=("What", "Found", "How"), rows=tuple(rows), numeric=frozenset({1}),
    )  # fmt: skip


def operating_point(curve: SensitivityCurve, point: Document) -> Table | None:
    """The chosen threshold and what it gives, with intervals."""
    if curve.operating is None:
        return None
    target = "–" if curve.target_false_alarms_per_24h is None else f"≤ {curve.target_false_alarms_per_24h:g} per 24 h"
    alarms, found = curve.false_alarms_per_24h[curve.operating], curve.sensitivity[curve.operating]
    rows = (
        ("Threshold", decimal(float(point.get("threshold", curve.threshold[curve.operating])), 3)),
        ("False alarms asked for", target),
        ("Chosen on", f"{point.get('tuned_on', 'the tuning')} part"),
        ("Seizures detected", ranged(percent(float(found)), curve.sensitivity_interval, percent)),
        ("False alarms per 24 h", ranged(_one_decimal(alarms), curve.false_alarms_interval, _one_decimal)),
    )
    note = "" if curve.sensitivity_interval is None else _of_level(curve.level)
    return Table(
        caption="The operating point", columns=("Quantity", "Value"), rows=rows, numeric=frozenset({1}),
        style="pair", note=note,
    )  # fmt: skip


def _of_level(share: float) -> str:
    return f"In brackets: {level(share)} intervals over patients."


def sensitivity(curve: SensitivityCurve) -> Table:
    """The best sensitivity that each false alarm rate allows."""
    return Table(
        caption=BEST_WITHIN, columns=(ALLOWED, *FOUND),
        rows=tuple((f"≤ {target}", *found_within(curve, target)) for target in FALSE_ALARM_TARGETS),
        numeric=frozenset({1, 2, 3}),
        note=in_brackets((curve,)),
    )  # fmt: skip


def found_within(curve: SensitivityCurve, target_per_24h: float) -> tuple[Cell, ...]:
    """What the best threshold within a rate of false alarms finds, with its interval, and how many it makes."""
    allowed = np.flatnonzero(curve.false_alarms_per_24h <= target_per_24h)
    if not len(allowed):
        return ("unreachable", "–", "–")
    best = allowed[np.argmax(curve.sensitivity[allowed])]
    interval = None if curve.band is None else curve.band.at(target_per_24h)
    found = ranged(percent(float(curve.sensitivity[best])), interval, percent)
    return (found, f"{curve.false_alarms_per_24h[best]:.1f}", f"{curve.threshold[best]:.3f}")


def in_brackets(curves: Sequence[SensitivityCurve]) -> str:
    """What stands in brackets beside a sensitivity; nothing where no curve has a band."""
    return " ".join(map(_of_level, _levels(curves)))


def shaded(curves: Sequence[SensitivityCurve]) -> str:
    """What the shaded areas of a figure are, where there are any."""
    return "".join(f" Shaded: the middle {level(share)}, at each rate, of the curves that resampled patients give."
                   for share in _levels(curves))  # fmt: skip


def _levels(curves: Sequence[SensitivityCurve]) -> list[float]:
    """Of the bands."""
    return sorted({curve.level for curve in curves if curve.band is not None})


def reliability(bins: ReliabilityBins) -> Table:
    """Calibration by bin."""
    rows = tuple(
        (decimal(float(mean), 3), decimal(float(share), 3), count(int(n)))
        for mean, share, n in zip(bins.mean_probability, bins.observed_share, bins.count, strict=True)
        if n > 0
    )
    return Table(
        caption="Calibration in numbers", columns=("Stated probability", "Share that was ictal", "Time steps"),
        rows=rows, numeric=frozenset({0, 1, 2}),
    )  # fmt: skip


def recordings(lines: Sequence[RecordingStrip], examples: Sequence[EegExample]) -> tuple[Table, ...]:
    """A line for every recording, by patient: those with a seizure or a detection, then the others.

    Args:
        lines: The recordings.
        examples: Stretches of EEG on the page, which their recordings lead to.
    """
    outcomes = [(line, marks(line)) for line in lines]
    names = short_names([line.recording for line in lines])
    eventful = [one for one in outcomes if len(one[0].reference_s) or len(one[0].detections_s)]
    silent = [one for one in outcomes if not (len(one[0].reference_s) or len(one[0].detections_s))]
    led_to: dict[str, list[Cell]] = {}
    for number, one in enumerate(examples, 1):
        led_to.setdefault(one.recording, []).append(link(one.name, eeg_anchor(number)))
    tables = []
    if eventful:
        tables.append(
            Table(
                caption="Recordings with a seizure or a detection, by patient, most errors first",
                columns=("Recording", "Patient", *STRIP_COLUMNS, "EEG"),
                rows=tuple(
                    _strip_row(names[one.recording], one, marked, led_to) for one, marked in _by_errors(eventful)
                ),
                numeric=frozenset({2, 4, 5}),
                style="strips",
            )
        )
    if silent:
        ordered = sorted(silent, key=lambda one: (one[0].patient, one[0].recording))
        rows = tuple(_strip_row(names[one.recording], one, marked, led_to)[:4] for one, marked in ordered)
        columns = ("Recording", "Patient", *STRIP_COLUMNS[:2])
        caption = "Recordings with neither, by patient"
        tables.append(Table(caption=caption, columns=columns, rows=rows, numeric=frozenset({2}), style="strips"))
    return tuple(tables)


def eeg_anchor(number: int) -> str:
    """Id of a stretch of EEG, counted from 1."""
    return f"eeg-{number}"


def recording_anchor(recording: str) -> str:
    """Id of a recording's line."""
    return f"recording-{quote(recording, safe='')}"


def _by_errors(outcomes: Sequence[tuple[RecordingStrip, Marks]]) -> list[tuple[RecordingStrip, Marks]]:
    """By patient, those with most missed seizures, then false alarms, first; likewise the recordings of each."""
    missed: dict[str, int] = {}
    alarms: dict[str, int] = {}
    for line, outcome in outcomes:
        missed[line.patient] = missed.get(line.patient, 0) + len(outcome.missed)
        alarms[line.patient] = alarms.get(line.patient, 0) + len(outcome.false_alarms)

    def order(one: tuple[RecordingStrip, Marks]) -> tuple[int | str, ...]:
        patient = one[0].patient
        own = (-len(one[1].missed), -len(one[1].false_alarms), one[0].recording)
        return (-missed[patient], -alarms[patient], patient, *own)

    return sorted(outcomes, key=order)


def _strip_row(name: str, line: RecordingStrip, outcome: Marks, led_to: Mapping[str, list[Cell]]) -> tuple[Cell, ...]:
    leads = led_to.get(line.recording, [])
    heading = anchored(name, recording_anchor(line.recording)) if leads else name
    return (heading, line.patient, *strip_cells(line, outcome), joined(leads))


def strip_cells(line: RecordingStrip, outcome: Marks) -> tuple[Cell, ...]:
    """Length, picture, seizures found and false alarms of a recording."""
    reference = len(outcome.found) + len(outcome.missed)
    found = f"{len(outcome.found)} of {reference}" if reference else "–"
    return (duration(line.duration_s), draw(line, outcome), found, count(len(outcome.false_alarms)))


def example(one: EegExample) -> Table | None:
    """The events that a stretch of EEG shows."""
    rows = tuple(
        (name, clock(start), clock(stop), duration(stop - start))
        for name, spans_s in (("annotated seizure", one.reference_s), ("detection", one.detections_s))
        for start, stop in in_view(one, spans_s)
    )
    if not rows:
        return None
    caption = f"Events in view from {clock(one.start_s)} of {one.recording}"
    return Table(caption=caption, columns=("Event", "From", "To", "Length"), rows=rows, numeric=frozenset({1, 2, 3}))


def scores(document: Document) -> Table:
    """Pooled scores of every scorer."""
    rows = tuple((SCORER_NAMES.get(name, name), *_score_row(row)) for name, row in document["scorers"].items())
    columns = (
        "Scorer", "Sensitivity", "Precision", "F1", "False alarms per 24 h", "Reference", "True positives",
        "False positives", "Hours",
    )  # fmt: skip
    return Table(
        caption="Scores, pooled over all scored recordings", columns=columns, rows=rows,
        numeric=frozenset(range(1, 9)), note=_provenance_of_scores(document),
    )  # fmt: skip


def _score_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    counts = (_amount(row[key]) for key in ("reference", "true_positives", "false_positives"))
    return (*rates(row), *counts, f"{row['hours']:.2f}")


def rates(row: Document) -> tuple[Cell, ...]:
    """The rates of a scorer, each with its interval where the document has one."""
    return tuple(rate(row, key, digits) for key, digits in RATES)


def rate(row: Document, key: str, digits: int) -> Cell:
    """One of them."""
    return ranged(ratio(row, key, digits), _ends(row.get("intervals", {}).get(key)), lambda end: f"{end:.{digits}f}")


def _ends(interval: Document | None) -> tuple[float | None, float | None] | None:
    return None if interval is None else (interval["lower"], interval["upper"])


def _amount(value: float) -> str:
    """Whole numbers as they are; fractions of events (NEDC TAES) and of seconds (NEDC EPOCH) to two digits."""
    return count(value) if value == int(value) else decimal(value)


def ranking(document: Document) -> Table:
    """How well probabilities order and what they are worth, by window, second and time step."""
    found = document["ranking"]
    rows = tuple(
        (f"{kind}s", count(found[kind]["count"]), count(found[kind]["ictal"]),
         *(ranked(document, kind, measure) for measure in RANKED))
        for kind in ("window", "second", "step")
    )  # fmt: skip
    return Table(
        caption="Ranking and calibration", columns=("Of", "All", "Ictal", *RANKED.values()), rows=rows,
        numeric=frozenset(range(1, 8)),
        note=f"{_of_level(found['level'])} Brier skill: 0 is a constant probability at the prevalence, 1 certainty. "
        f"Scorer: {found['scorer']} {found['scorer_version']}.",
    )  # fmt: skip


def ranked(document: Document, kind: str, measure: str) -> Cell:
    """One of these numbers with its interval."""
    row = document["ranking"][kind]
    digits = 4 if measure in {"ece", "brier"} else 3
    return ranged(decimal(row[measure], digits), _ends(row["intervals"][measure]), lambda end: decimal(end, digits))


def _provenance_of_scores(document: Document) -> str:
    """Scorer versions and NaN policy, wherever the document states them: over all or with each scorer."""
    versions = {f"{row['scorer']} {row['scorer_version']}" for row in _stating(document, "scorer_version")}
    policies = {str(row["nan_policy"]) for row in _stating(document, "nan_policy")}
    levels = {row["intervals"]["level"] for row in document["scorers"].values() if "intervals" in row}
    intervals = "".join(f"{_of_level(share)} " for share in sorted(levels))
    return (
        f"{intervals}Scored by {', '.join(sorted(versions)) or 'scorers that state no version'}. "
        f"NaN policy: {', '.join(sorted(policies)) or 'not stated'}."
    )


def _stating(document: Document, key: str) -> list[Document]:
    return [row for row in (document, *document["scorers"].values()) if key in row]


def patients(document: Document) -> Table | None:
    """Event scores by patient, where the document holds them."""
    by_patient = document["scorers"].get("szcore_event", {}).get("per_patient")
    if not by_patient:
        return None
    rows = tuple(
        (str(patient), f"{count(row['true_positives'])} of {count(row['reference'])}" if row["reference"] else "–",
         *(decimal(row[key]) for key in ("sensitivity", "precision", "f1")), decimal(row["false_alarms_per_24h"], 1),
         f"{row['hours']:.2f}")
        for patient, row in by_patient.items()
    )  # fmt: skip
    columns = ("Patient", "Found", "Sensitivity", "Precision", "F1", "False alarms per 24 h", "Hours")
    return Table(
        caption="SzCORE event scores by patient",
        columns=columns,
        rows=rows,
        numeric=frozenset(range(1, 7)),
        note="Undefined where there is nothing to divide by. "
        + "; ".join(
            f"{name}: {WHY_UNDEFINED[key]}"
            for key, name in zip(("sensitivity", "precision", "f1"), columns[2:5], strict=True)
        )
        + ".",
    )


def macro(document: Document) -> Table | None:
    """Ratios averaged over patients under both rules for an undefined F1, where the document holds them."""
    averages = document["scorers"].get("szcore_event", {}).get("macro")
    if not averages:
        return None
    keys = ("sensitivity", "precision", "f1", "false_alarms_per_24h")
    rows = tuple(
        (str(rule), *(f"{decimal(row[key])} ({len(row['undefined'][key])} left out)" for key in keys))
        for rule, row in averages.items()
    )
    return Table(
        caption="SzCORE event scores, averaged over patients", rows=rows, numeric=frozenset(range(1, 5)),
        columns=("NaN policy", "Sensitivity", "Precision", "F1", "False alarms per 24 h"),
        note="Every patient counts once; those without a value are left out and counted. The current rule takes F1 as "
        "0 where seizures were missed in silence, the legacy rule (timescoring before 0.0.7) left such patients out.",
    )  # fmt: skip


def seizures(document: Document, group: str) -> Table:
    """What was found of each kind of seizure, how late, and the false alarms where they belong to the kind.

    Args:
        document: The part `seizures` of an evaluation.
        group: `type`, `length`, `montage` or `patient`.
    """
    own = document[f"by_{group}"]
    alarming = "false_alarms_per_24h" in next(iter(own.values()))
    listed = {"all": document["all"], **own} if alarming else own
    rows = tuple((name, *_seizure_row(row, alarming=alarming)) for name, row in listed.items())
    columns = (_capital(group), "Found", "Sensitivity", "Median latency (s)", "False alarms per 24 h")[: len(rows[0])]
    return Table(
        caption=f"By {group}", columns=columns, rows=rows, numeric=frozenset(range(1, len(columns))),
        note=f"{_of_level(document['level'])} {document['scorer']} {document['scorer_version']}.",
    )  # fmt: skip


def types(document: Document) -> Table:
    """Annotated and named types of seizures.

    Args:
        document: The part `types` of an evaluation.
    """
    told, others = document["types"], document["others"]
    rows = tuple(
        (kind, *map(count, row), percent(recall))
        for kind, row, recall in zip(told, document["counts"], document["recalls"], strict=True)
    )
    return Table(
        caption="Types of seizures: annotated (rows) and named (columns)",
        columns=("Annotated", *told, "Named as annotated"),
        rows=rows,
        numeric=frozenset(range(1, len(told) + 2)),
        note="Each annotated seizure as a whole, by the mean log probability of each type over its annotated time. "
        f"Named as annotated: {percent(document['accuracy'])}; always naming the commonest: "
        f"{percent(document['commonest'])}. {count(others)} of another type, or of none, are left out.",
    )


def _seizure_row(row: Document, *, alarming: bool) -> Iterator[Cell]:
    intervals = row["intervals"]
    yield f"{count(row['found'])} of {count(row['seizures'])}"
    yield ranged(percent(row["sensitivity"]), _ends(intervals["sensitivity"]), percent)
    yield ranged(decimal(row["median_latency_s"], 1), _ends(intervals["median_latency_s"]), _one_decimal)
    if alarming:
        yield ranged(decimal(row["false_alarms_per_24h"], 1), _ends(row["false_alarms_interval"]), _one_decimal)


def _one_decimal(value: float) -> str:
    return f"{value:z.1f}"


def provenance(items: Mapping[str, str]) -> Table:
    """What to keep to repeat the run."""
    return Table(
        caption="Commands, versions, seeds and hashes", columns=("What", "Value"), rows=tuple(items.items()),
        style="provenance",
    )  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
