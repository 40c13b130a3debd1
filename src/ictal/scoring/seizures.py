"""Seizure by seizure: which was found and how late; by type, length, patient and montage.

SzCORE's events merge neighbours and cut what is long, so that a piece has no type and no onset of its own. Here each
annotated seizure counts as it was annotated: it is found if a detection overlaps it, extended by SzCORE's 30 s before
and 60 s after. Its *latency* is the onset of the first such detection less its own: negative if the detection was
first, but never beyond the 30 s. False alarms are not the seizures' but the recordings', and come from a scorer.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.bootstrap import DRAWS, LEVEL, divided, interval, resamples
from ictal.scoring.counts import SECONDS_PER_DAY, Counts
from ictal.scoring.eventlists import TICKS_PER_S, event_lists
from ictal.scoring.summary import Json, bounds, nullable
from ictal.scoring.szcore import SZCORE, count_events_by_recording
from ictal.timeline.spans import Samples, samples_from_seconds

Floats: TypeAlias = npt.NDArray[np.float64]

SCORER = "ictal-seizures"
SCORER_VERSION = "1.0.0"
PARAMETERS: Mapping[str, float] = {
    "tolerance_start_s": SZCORE.tolerance_start_s,
    "tolerance_end_s": SZCORE.tolerance_end_s,
}
LENGTHS_S = (10.0, 30.0, 60.0, 300.0)
"""Where the table by length is divided."""
UNTYPED = "untyped"

_CHUNK = 1 << 22
"""Weights of seizures in resamples that are held at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """What became of every seizure of a corpus.

    Args:
        recording: Number of its recording, shape (seizures,).
        length_s: Its length, shape (seizures,).
        latency_s: From its onset to its first detection's; NaN where it was missed, shape (seizures,).
    """

    recording: Samples
    length_s: Floats
    latency_s: Floats

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Which were found, shape (seizures,)."""
        return ~np.isnan(self.latency_s)


def outcomes(
    reference_s: Sequence[npt.ArrayLike],
    hypothesis_s: Sequence[npt.ArrayLike],
    durations_s: Sequence[float],
    names: Sequence[str],
) -> Outcomes:
    """Look for every seizure.

    Args:
        reference_s: `(onset_s, stop_s)` of each recording's seizures, in any order.
        hypothesis_s: `(onset_s, stop_s)` of each recording's detections.
        durations_s: Seconds of each recording.
        names: What an error calls each recording.

    Raises:
        InputError: as `event_lists`.
    """
    lists = event_lists(reference_s, durations_s, [f"reference of {name}" for name in names])
    detections = event_lists(hypothesis_s, durations_s, [f"hypothesis of {name}" for name in names]).spans
    pairs = [np.asarray(one, dtype=np.float64).reshape(-1, 2) for one in reference_s]
    recording = np.repeat(np.arange(len(pairs)), [len(pair) for pair in pairs])
    seizures_s = np.concatenate([np.empty((0, 2)), *pairs])
    first = lists.starts[recording]
    ticks = samples_from_seconds(seizures_s, TICKS_PER_S) + first[:, None]
    earliest = np.maximum(ticks[:, 0] - round(SZCORE.tolerance_start_s * TICKS_PER_S), first)
    latest = np.minimum(ticks[:, 1] + round(SZCORE.tolerance_end_s * TICKS_PER_S), first + lists.durations[recording])
    number = np.searchsorted(detections[:, 1], earliest, side="right")
    onset = np.append(detections[:, 0], np.iinfo(np.int64).max)[number]
    latency_s = (np.maximum(onset, earliest) - ticks[:, 0]) / TICKS_PER_S
    return Outcomes(
        recording=recording,
        length_s=seizures_s[:, 1] - seizures_s[:, 0],
        latency_s=np.where(onset < latest, latency_s, np.nan),
    )


def document(
    *,
    names: Sequence[str],
    patients: Sequence[str],
    reference_s: Sequence[npt.ArrayLike],
    hypothesis_s: Sequence[npt.ArrayLike],
    durations_s: Sequence[float],
    types: Sequence[Sequence[str]],
    montages: Sequence[str] = (),
    generator: np.random.Generator,
) -> dict[str, Json]:
    """The tables of a corpus; one entry per recording in every list.

    Args:
        names: The recordings' ids.
        patients: The patient of each.
        reference_s: `(onset_s, stop_s)` of each recording's seizures.
        hypothesis_s: `(onset_s, stop_s)` of each recording's detections.
        durations_s: Seconds of each recording.
        types: The type of each of its seizures, empty where none is stated.
        montages: The montage of each; nothing where montages are not known.
        generator: Source of the bootstrap's draws.

    Raises:
        InputError: as `event_lists`.
    """
    reference = event_lists(reference_s, durations_s, [f"reference of {name}" for name in names])
    hypothesis = event_lists(hypothesis_s, durations_s, [f"hypothesis of {name}" for name in names])
    return tables(
        outcomes(reference_s, hypothesis_s, durations_s, names),
        patients=patients,
        counts=count_events_by_recording(reference, hypothesis).rows(),
        types=[one for own in types for one in own],
        montages=montages,
        generator=generator,
    )


def tables(
    found: Outcomes,
    *,
    patients: Sequence[str],
    counts: Sequence[Counts],
    types: Sequence[str],
    montages: Sequence[str],
    generator: np.random.Generator,
) -> dict[str, Json]:
    """Tables of seizures found, their latency and false alarms, with intervals from resampled patients, as JSON.

    Args:
        found: What became of every seizure.
        patients: The patient of each recording.
        counts: Counts of each recording by SzCORE event scoring, for false alarms.
        types: The type of each seizure; empty where none is stated.
        montages: The montage of each recording; none at all where montages are not known.
        generator: Source of the draws.
    """
    table = _Tables(found, patients, counts, generator)
    place = np.searchsorted(LENGTHS_S, found.length_s, side="right")
    typed = np.array([one or UNTYPED for one in types], dtype=object)
    return {
        "scorer": SCORER,
        "scorer_version": SCORER_VERSION,
        "parameters": {**PARAMETERS},
        "level": LEVEL,
        "draws": DRAWS,
        "all": {**table.seizures(np.ones(len(place), dtype=np.bool_)), **table.alarms(np.arange(len(patients)))},
        "by_type": {name: table.seizures(typed == name) for name in sorted(set(typed.tolist()))},
        "by_length": {name: table.seizures(place == n) for n, name in enumerate(_lengths()) if (place == n).any()},
        "by_patient": table.recordings(patients),
        "by_montage": table.recordings(montages) if len(montages) else {},
    }


class _Tables:
    """Rows of tables, all from the same resamples."""

    def __init__(
        self, found: Outcomes, patients: Sequence[str], counts: Sequence[Counts], generator: np.random.Generator
    ) -> None:
        self.found = found
        self.names, owner = np.unique(np.array(patients, dtype=object).astype(str), return_inverse=True)
        self.patient_of_recording = owner.astype(np.int64)
        self.patient = self.patient_of_recording[found.recording]
        self.false = np.array([c.false_positives for c in counts], dtype=np.float64)
        self.days = np.array([c.duration_s for c in counts], dtype=np.float64) / SECONDS_PER_DAY
        self.times = resamples(len(self.names), generator)

    def seizures(self, chosen: npt.NDArray[np.bool_]) -> dict[str, Json]:
        """Of some seizures: how many, how many found, how late."""
        patient, latency_s = self.patient[chosen], self.found.latency_s[chosen]
        hit = ~np.isnan(latency_s)
        everyone = self._by_patient(patient, np.ones(len(patient)))
        drawn = divided(self.times @ self._by_patient(patient, hit.astype(np.float64)), self.times @ everyone)
        owners = np.unique(patient)
        late_s = latency_s[hit]
        undefined: list[Json] = [] if len(patient) else ["sensitivity: no seizure"]
        undefined += [] if hit.any() else ["latency: no seizure was found"]
        return {
            "seizures": len(patient),
            "patients": len(owners),
            "found": int(hit.sum()),
            "sensitivity": float(hit.mean()) if len(patient) else None,
            "median_latency_s": float(np.median(late_s)) if hit.any() else None,
            "latency_quartiles_s": [float(q) for q in np.quantile(late_s, [0.25, 0.75])] if hit.any() else None,
            "intervals": {
                "sensitivity": bounds(interval(drawn, patients=len(owners))),
                "median_latency_s": bounds(interval(self._medians(patient[hit], late_s), patients=len(owners))),
            },
            "undefined": undefined,
        }

    def recordings(self, groups: Sequence[str]) -> dict[str, Json]:
        """Of the recordings of each group: their seizures, hours and false alarms."""
        group = np.array(groups, dtype=object)
        rows: dict[str, Json] = {}
        for name in sorted(set(groups)):
            chosen = group == name
            rows[name] = {**self.seizures(chosen[self.found.recording]), **self.alarms(np.flatnonzero(chosen))}
        return rows

    def alarms(self, recordings: Samples) -> dict[str, Json]:
        """Hours and false alarms of some recordings."""
        patient = self.patient_of_recording[recordings]
        false, days = (self._by_patient(patient, column[recordings]) for column in (self.false, self.days))
        rate = divided(np.array([false.sum()]), np.array([days.sum()]))[0]
        drawn = divided(self.times @ false, self.times @ days)
        return {
            "hours": float(days.sum() * 24.0),
            "false_alarms": float(false.sum()),
            "false_alarms_per_24h": nullable(float(rate)),
            "false_alarms_interval": bounds(interval(drawn, patients=len(np.unique(patient)))),
        }

    def _by_patient(self, patient: Samples, weights: Floats) -> Floats:
        return np.bincount(patient, weights=weights, minlength=len(self.names)).astype(np.float64)

    def _medians(self, patient: Samples, values: Floats) -> Floats:
        """Median of the values in each resample, those of a patient drawn twice counted twice; NaN without one."""
        order = np.argsort(values, kind="stable")
        values, patient = np.append(values[order], np.nan), patient[order]
        rows = max(1, _CHUNK // max(len(patient), 1))
        chunks = [_medians(values, self.times[a : a + rows, patient]) for a in range(0, len(self.times), rows)]
        return np.concatenate(chunks)


def _medians(values: Floats, weights: Floats) -> Floats:
    """Weighted median of ascending values (n, and NaN after the last) for each row of whole weights (rows, n)."""
    reached = np.cumsum(weights, axis=1)
    half = weights.sum(axis=1, keepdims=True) / 2
    lower, upper = (reached < half).sum(axis=1), (reached <= half).sum(axis=1)
    return np.where(half[:, 0] > 0, (values[lower] + values[upper]) / 2, np.nan)


def _lengths() -> list[str]:
    edges = [f"{edge:g}" for edge in LENGTHS_S]
    middle = [f"{low} to {high} s" for low, high in itertools.pairwise(edges)]
    return [f"under {edges[0]} s", *middle, f"{edges[-1]} s or more"]
