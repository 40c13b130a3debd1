"""The numbers that decide, each with what it means for a reader of EEG and for a builder of models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ictal.report.charts import smoothed
from ictal.report.contents import Contents, Document, TrainingCurves
from ictal.report.numbers import count, decimal, duration, is_undefined, level, percent, ratio, undefined
from ictal.report.parts import Cell, Table

ONCE_IN_20 = 0.05
"""How unlikely what was seen may be under what is not ruled out."""


def key_numbers(contents: Contents) -> Table:
    """One row per number, from what the run reached."""
    rows = (*_of_evaluation(contents.evaluation), *_of_training(contents.training), *_of_plan(contents.plan))
    return Table(
        caption="The numbers that decide",
        columns=("Measure", "Value", "For the clinician", "For the engineer"),
        rows=rows,
        numeric=frozenset({1}),
        style="key",
    )


def _of_evaluation(document: Document | None) -> Iterator[tuple[Cell, ...]]:
    if document is None:
        return
    event = document["scorers"]["szcore_event"]
    yield _sensitivity(event, document)
    yield _false_alarms(event, document["operating_point"] or {})
    yield (
        "Precision",
        _share(event, "precision"),
        "How many of its alarms were real seizures.",
        f"{_of(event['true_positives'], 'seizure')} found, {_of(event['false_positives'], 'false event')}.",
    )
    yield (
        "Window AUROC",
        ratio(document, "window_auroc", 3),
        "How often a stretch with a seizure gets a higher score than one without (0.5 is a coin).",
        "Ranking only, blind to thresholds and calibration"
        + _interval(_ranking(document, "window"), "auroc", lambda end: decimal(end, 3))
        + f"; AUPRC {ratio(document, 'window_auprc', 3)}.",
    )
    yield (
        "Calibration error",
        ratio(document, "ece", 4),
        "How far a stated probability lies from what then happens, on average.",
        "Expected calibration error per time step, after the drawn prior was taken out again"
        + _interval(_ranking(document, "step"), "ece", lambda end: decimal(end, 4))
        + ".",
    )


def who(document: Document) -> str:
    """Whose recordings were scored."""
    return "patients never seen in training" if document.get("unseen_patients", True) else "the TRAINING patients"


def _sensitivity(event: Document, document: Document) -> tuple[Cell, ...]:
    found = f"{count(event['true_positives'])} of {count(event['reference'])}"
    chosen = "fixed before these were scored" if document.get("independent_of_tuning", True) else "chosen on these"
    return (
        "Sensitivity",
        _share(event, "sensitivity"),
        f"{found} annotated seizures of {who(document)} were reported{_interval(event, 'sensitivity', percent)}.",
        f"Recall of SzCORE events, pooled over recordings; the threshold was {chosen}.",
    )


def _false_alarms(event: Document, point: Document) -> tuple[Cell, ...]:
    rate: float | None = event["false_alarms_per_24h"]
    target = point.get("target_per_24h")
    where = f"the {point.get('tuned_on', 'tuning')} part"
    asked = "" if target is None else f" {decimal(target, 1)} per 24 h was asked for on {where}."
    if rate is None or is_undefined(rate):
        pace = "There was no time to score."
    elif rate == 0:
        pace = f"None in {event['hours']:.2f} h of EEG."
    else:
        pace = f"One false alarm every {duration(86400 / rate)}{_interval(event, 'false_alarms_per_24h', decimal)}."
    shown = undefined("false_alarms_per_24h") if rate is None or is_undefined(rate) else f"{rate:.1f}"
    made = f"{_of(event['false_positives'], 'false event')} in {event['hours']:.2f} h."
    return ("False alarms per 24 h", shown, pace, made + asked)


def _ranking(document: Document, kind: str) -> Document:
    """Intervals of the measures of windows or steps, with their level, as a scorer's document has them."""
    found = document["ranking"]
    return {"intervals": {"level": found["level"], **found[kind]["intervals"]}}


def _of(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def _share(document: Document, key: str) -> str:
    value: float | None = document[key]
    return undefined(key) if is_undefined(value) else percent(value)


def _interval(event: Document, key: str, show: Callable[[float], str]) -> str:
    """The bootstrap interval in words, where the document has one that is defined."""
    bounds = event.get("intervals", {}).get(key)
    if bounds is None or is_undefined(bounds["lower"]) or bounds["lower"] == bounds["upper"]:
        return ""
    stated = level(event["intervals"]["level"])
    return f" ({stated} interval over patients: {show(bounds['lower'])} to {show(bounds['upper'])})"


def doubts(event: Document) -> Iterator[str]:
    """What cannot be ruled out where nothing was missed, nothing found or no false alarm raised.

    An interval that is drawn from the patients has no width there; the exact one-sided 95 % bound, for seizures and
    false alarms that come independently of each other, has (Clopper and Pearson 1934; for no false alarm Poisson's).
    """
    seizures, found = event["reference"], event["true_positives"]
    if seizures and found in {0, seizures}:
        least = ONCE_IN_20 ** (1 / seizures)
        all_, rate = ("all", least) if found else ("none", 1 - least)
        yield (
            f"Of {_of(seizures, 'seizure')} {all_} found: a detector that finds {percent(rate)} of such seizures does "
            "so too, once in 20 times."
        )
    if event["hours"] and not event["false_positives"]:
        rate = -math.log(ONCE_IN_20) / event["hours"] * 24
        shown = decimal(rate, 0 if rate >= 10 else 1)
        yield (
            f"No false alarm in {duration(3600 * event['hours'])}: a detector with {shown} per 24 h raises none in "
            "that time, once in 20 times."
        )


def _of_training(curves: TrainingCurves | None) -> Iterator[tuple[Cell, ...]]:
    if curves is None:
        return
    yield (
        "Skill at the end",
        decimal(float(smoothed(curves.skill)[-1])),
        "Whether the model learnt to tell seizures at all: 0 is guessing by how common they are, 1 is certainty.",
        f"0 is a loss of {curves.blind_loss:.3f} nats, that of the drawn prior alone; mean of the last steps.",
    )


def _of_plan(plan: Document | None) -> Iterator[tuple[Cell, ...]]:
    if plan is None:
        return
    made = plan["batches"]
    least, most = made["seizure_min"], made["seizure_max"]
    held = count(least) if least == most else f"{count(least)} to {count(most)}"
    yield (
        "Seizures in a batch",
        f"{held} of {count(made['size'])}",
        "Every lesson the model was given showed it real seizures beside ordinary EEG.",
        f"Windows with an ictal sample, counted in {count(made['checked'])} planned batches.",
    )
