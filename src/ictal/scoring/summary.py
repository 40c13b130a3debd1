"""Counts of an evaluation as one JSON document per scorer: pooled, per recording, and averaged over patients.

Pooled ratios come from added counts. *Macro* averages come from patients: each patient's recordings are added, then
each patient's ratio enters the mean once. A patient whose ratio is undefined is left out of that mean and named. Two
rules decide when F1 is undefined, and both are given:

- `current` (timescoring 0.0.7 on): only where there is neither a reference nor a false item; a patient whose seizures
  are all missed in silence has F1 = 0.
- `legacy` (before 0.0.7): wherever sensitivity or precision is undefined, so that silent patients drop out and flatter
  the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring import nedc, szcore
from ictal.scoring.bootstrap import DRAWS, LEVEL, NOTHING, Interval, Rates, mean_bootstrap, patient_bootstrap
from ictal.scoring.counts import Counts, CountTable, total
from ictal.scoring.eventlists import EventLists, event_lists
from ictal.scoring.nedc_events import (
    ATWV_PARAMETERS,
    DPALIGN_PARAMETERS,
    count_atwv_by_recording,
    count_dpalign_by_recording,
    kappa,
    term_weighted_value,
)

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"

NAN_POLICY = "current"

_REASONS: dict[str, str] = {
    "sensitivity": "no reference item",
    "precision": "no detection",
    "f1": "neither a reference item nor a detection",
    "false_alarms_per_24h": "no recorded time",
}


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """What counts, and what is printed beside its numbers."""

    name: str
    version: str
    parameters: Mapping[str, float]
    count: Callable[[EventLists, EventLists], CountTable]
    further: Rates
    """What else this scorer makes of the pooled counts, by name."""


def _szcore(count: Callable[[EventLists, EventLists], CountTable], further: Rates = NOTHING) -> Scorer:
    return Scorer(
        name=szcore.SCORER, version=szcore.SCORER_VERSION, parameters=szcore.PARAMETERS, count=count, further=further
    )


def _nedc(
    count: Callable[[EventLists, EventLists], CountTable],
    parameters: Mapping[str, float],
    further: Rates = NOTHING,
) -> Scorer:
    return Scorer(name=nedc.SCORER, version=nedc.SCORER_VERSION, parameters=parameters, count=count, further=further)


SZCORE_EVENT = _szcore(szcore.count_events_by_recording)
SCORERS: Mapping[str, Scorer] = MappingProxyType(
    {
        "szcore_event": SZCORE_EVENT,
        "szcore_sample": _szcore(szcore.count_samples_by_recording, {"kappa": kappa}),
        "nedc_ovlp": _nedc(nedc.count_ovlp_by_recording, nedc.OVLP_PARAMETERS),
        "nedc_taes": _nedc(nedc.count_taes_by_recording, nedc.TAES_PARAMETERS),
        "nedc_epoch": _nedc(nedc.count_epochs_by_recording, nedc.EPOCH_PARAMETERS, {"kappa": kappa}),
        "nedc_dpalign": _nedc(count_dpalign_by_recording, DPALIGN_PARAMETERS),
        "nedc_atwv": _nedc(count_atwv_by_recording, ATWV_PARAMETERS, {"term_weighted_value": term_weighted_value}),
    }
)


def scores(
    *,
    names: Sequence[str],
    patients: Sequence[str],
    reference_s: Sequence[npt.ArrayLike],
    hypothesis_s: Sequence[npt.ArrayLike],
    durations_s: Sequence[float],
    generator: np.random.Generator,
) -> dict[str, Json]:
    """The scores of a corpus by every scorer, as `document` gives them; one entry per recording in every list.

    Args:
        names: The recordings' ids.
        patients: The patient of each.
        reference_s: `(onset_s, stop_s)` of each recording's seizures.
        hypothesis_s: `(onset_s, stop_s)` of each recording's detections.
        durations_s: Seconds of each recording.
        generator: Source of the bootstrap's draws.
    """
    reference = event_lists(reference_s, durations_s, [f"reference of {name}" for name in names])
    hypothesis = event_lists(hypothesis_s, durations_s, [f"hypothesis of {name}" for name in names])
    patient_of = dict(zip(names, patients, strict=True))
    return {
        key: document(
            dict(zip(names, scorer.count(reference, hypothesis).rows(), strict=True)),
            patient_of,
            scorer=scorer,
            generator=generator,
        )
        for key, scorer in SCORERS.items()
    }


def document(
    per_recording: Mapping[str, Counts],
    patients: Mapping[str, str],
    *,
    generator: np.random.Generator,
    scorer: Scorer = SZCORE_EVENT,
) -> dict[str, Json]:
    """The evaluation by one scorer, ready for `json.dumps(..., allow_nan=False)`: undefined is null, with its reason.

    Args:
        per_recording: Counts of each recording by its id.
        patients: Patient of each recording, by the same ids.
        generator: Source of the bootstrap's draws.
        scorer: What counted.
    """
    assert per_recording.keys() == patients.keys(), per_recording.keys() ^ patients.keys()
    per_patient = by_patient(per_recording, patients)
    intervals = patient_bootstrap(per_patient, generator, further=scorer.further)
    return {
        "scorer": scorer.name,
        "scorer_version": scorer.version,
        "parameters": {**scorer.parameters},
        "nan_policy": NAN_POLICY,
        **ratios(total(per_recording.values())),
        "further": {name: nullable(rate(total(per_recording.values()))) for name, rate in scorer.further.items()},
        "patients": len(per_patient),
        "intervals": {"level": LEVEL, "draws": DRAWS, **{name: bounds(i) for name, i in intervals.items()}},
        "macro": {
            "current": _macro(per_patient, _current_f1, generator),
            "legacy": _macro(per_patient, _legacy_f1, generator),
        },
        "per_patient": {patient: ratios(counts) for patient, counts in per_patient.items()},
        "per_recording": {recording: ratios(counts) for recording, counts in per_recording.items()},
    }


def by_patient(per_recording: Mapping[str, Counts], patients: Mapping[str, str]) -> dict[str, Counts]:
    """Each patient's recordings added, patients in alphabetical order."""
    grouped: dict[str, list[Counts]] = {patient: [] for patient in sorted(set(patients.values()))}
    for recording, counts in per_recording.items():
        grouped[patients[recording]].append(counts)
    return {patient: total(counts) for patient, counts in grouped.items()}


def ratios(counts: Counts) -> dict[str, Json]:
    """Ratios and counts of one row of the document, with the reasons of what is undefined."""
    values = {name: getattr(counts, name) for name in _REASONS}
    return {
        **{name: nullable(value) for name, value in values.items()},
        "reference": counts.reference,
        "true_positives": counts.true_positives,
        "false_positives": counts.false_positives,
        "hours": counts.duration_s / 3600.0,
        "undefined": [f"{name}: {_REASONS[name]}" for name, value in values.items() if math.isnan(value)],
    }


def _macro(
    per_patient: Mapping[str, Counts], f1: Callable[[Counts], float], generator: np.random.Generator
) -> dict[str, Json]:
    rates: dict[str, Callable[[Counts], float]] = {
        "sensitivity": lambda counts: counts.sensitivity,
        "precision": lambda counts: counts.precision,
        "f1": f1,
        "false_alarms_per_24h": lambda counts: counts.false_alarms_per_24h,
    }
    values = {name: {p: rate(c) for p, c in per_patient.items()} for name, rate in rates.items()}
    defined = {name: [v for v in of.values() if not math.isnan(v)] for name, of in values.items()}
    undefined: dict[str, Json] = {name: [p for p, v in of.items() if math.isnan(v)] for name, of in values.items()}
    means: dict[str, Json] = {name: math.fsum(v) / len(v) if v else None for name, v in defined.items()}
    spread = mean_bootstrap({name: list(of.values()) for name, of in values.items()}, generator)
    return {**means, "undefined": undefined, "intervals": {name: bounds(one) for name, one in spread.items()}}


def _current_f1(counts: Counts) -> float:
    return counts.f1


def _legacy_f1(counts: Counts) -> float:
    either_undefined = math.isnan(counts.sensitivity) or math.isnan(counts.precision)
    return math.nan if either_undefined else counts.f1


def bounds(interval: Interval) -> dict[str, Json]:
    """An interval as JSON, undefined bounds as null."""
    return {
        "lower": nullable(interval.lower),
        "upper": nullable(interval.upper),
        "undefined_draws": interval.undefined_draws,
    }


def nullable(value: float) -> float | None:
    """A number as JSON, NaN as null."""
    return None if math.isnan(value) else value
