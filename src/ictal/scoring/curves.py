"""Sensitivity against false alarms per 24 h over decision thresholds, by SzCORE event scoring.

Each recording's trace is turned into events alone, by a function that the caller passes in (scoring knows no detector),
and counted alone; only counts are added. The candidates are values that the traces really take: the k-th highest of all
steps for k in geometric progression, so that they lie densest where false alarms are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.scoring.eventlists import event_lists
from ictal.scoring.szcore import count_events_by_recording

Floats: TypeAlias = npt.NDArray[np.float64]
FindEvents: TypeAlias = Callable[[Floats, float], Floats]
"""(probability trace, threshold) -> events `(onset_s, stop_s)`."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One recording to score: what the detector said and what is true.

    Args:
        name: What an error calls the recording.
        probability: One value per step, shape (steps,).
        reference_s: `(onset_s, stop_s)` of each seizure, shape (seizures, 2).
        duration_s: Seconds of the recording.
    """

    name: str
    probability: Floats
    reference_s: Floats
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Pooled results at each threshold, thresholds ascending; NaN where undefined."""

    thresholds: Floats
    sensitivity: Floats
    precision: Floats
    f1: Floats
    false_alarms_per_24h: Floats

    def envelope(self) -> tuple[Floats, Floats]:
        """False alarms per 24 h, ascending, and the highest sensitivity at no more than each."""
        order = np.lexsort((-self.sensitivity, self.false_alarms_per_24h))
        best = np.maximum.accumulate(self.sensitivity[order])
        rates, first = np.unique(self.false_alarms_per_24h[order], return_index=True)
        return rates, best[first]


def candidate_thresholds(probabilities: Sequence[npt.NDArray[np.floating]], most: int = 200) -> Floats:
    """At most `most` values that the traces take, ascending, densest at the top; zero is none of them.

    Args:
        probabilities: Traces of all recordings.
        most: Upper limit of the number of candidates.

    Raises:
        InputError: if a value is not a probability, or none is above zero.
    """
    pooled = np.concatenate([np.empty(0), *probabilities])
    _check_probabilities(pooled)
    highest_first = -np.sort(-pooled)
    ranks = np.rint(np.geomspace(1, pooled.size, most)).astype(np.int64) - 1
    values = np.unique(highest_first[ranks])
    return values[values > 0.0]


def sensitivity_curve(traces: Sequence[Trace], find_events: FindEvents, thresholds: Floats | None = None) -> Curve:
    """The pooled curve of these recordings.

    Args:
        traces: The recordings.
        find_events: Turns one recording's trace into events at a threshold.
        thresholds: Candidates, ascending; by default `candidate_thresholds` of the traces.
    """
    if thresholds is None:
        thresholds = candidate_thresholds([t.probability for t in traces])
    return curve_of(
        traces, thresholds, ([find_events(t.probability, on) for t in traces] for on in thresholds.tolist())
    )


def curve_of(traces: Sequence[Trace], thresholds: Floats, found_s: Iterable[Sequence[Floats]]) -> Curve:
    """The pooled curve of these recordings, given the events at each threshold.

    Args:
        traces: The recordings.
        thresholds: Decision thresholds, ascending.
        found_s: For each threshold the events `(onset_s, stop_s)` of each recording; may be a generator.
    """
    names, durations_s = [t.name for t in traces], [t.duration_s for t in traces]
    reference = event_lists([t.reference_s for t in traces], durations_s, [f"reference of {n}" for n in names])
    said = [f"hypothesis of {n}" for n in names]
    counts = [
        count_events_by_recording(reference, event_lists(found, durations_s, said)).pooled()
        for _, found in zip(thresholds, found_s, strict=True)
    ]
    return Curve(
        thresholds=thresholds,
        sensitivity=np.array([c.sensitivity for c in counts]),
        precision=np.array([c.precision for c in counts]),
        f1=np.array([c.f1 for c in counts]),
        false_alarms_per_24h=np.array([c.false_alarms_per_24h for c in counts]),
    )


def _check_probabilities(pooled: Floats) -> None:
    valid = (pooled >= 0.0) & (pooled <= 1.0)
    if not (valid.all() and (pooled > 0.0).any()):
        raise InputError(
            "The traces offer no threshold",
            where="probability traces",
            got=f"{pooled.size} steps, {int((~valid).sum())} of them outside 0..1, {int((pooled > 0.0).sum())} above 0",
            expected="probabilities, at least one of them above 0",
            remedy="look at the training run: this detector has collapsed",
            code="thresholds",
        )
