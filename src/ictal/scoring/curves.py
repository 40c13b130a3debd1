"""Sensitivity against false alarms per 24 h over decision thresholds, by SzCORE event scoring.

`staircase` gives this curve at every threshold there is. What is here samples thresholds, for events that have no
levels: each recording's trace is turned into events alone, by a function that the caller passes in (scoring knows no
detector), and counted alone; only counts are added. The candidates are values that the traces really take: the k-th
highest of all steps for k in geometric progression, so that they lie densest where false alarms are few.
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
    highest: Floats
    """The highest threshold for which each point stands; the thresholds themselves where only some were tried."""
    sensitivity: Floats
    precision: Floats
    f1: Floats
    false_alarms_per_24h: Floats
    every_threshold: bool = False
    """Whether any other threshold gives the counts of one of these."""

    def envelope(self) -> tuple[Floats, Floats]:
        """False alarms per 24 h, ascending, and the highest sensitivity at no more than each."""
        order, best = self._envelope()
        rates, first = np.unique(self.false_alarms_per_24h[order], return_index=True)
        return rates, best[first]

    def outline(self, most: int, around: float) -> Curve:
        """A drawing's points: at most so many, spread over the places in the curve, and those that must not be missed.

        Args:
            most: Points that are spread.
            around: A threshold whose point is kept, as is every corner of the envelope.
        """
        size = self.thresholds.size
        spread = np.rint(np.linspace(0, size - 1, min(most, size))).astype(np.int64)
        order, best = self._envelope()
        corners = order[np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)]
        own = min(int(np.searchsorted(self.highest, around)), size - 1)
        kept = np.unique(np.concatenate([spread, corners, [own]]))
        columns = {name: column[kept] for name, column in vars(self).items() if name != "every_threshold"}
        return Curve(**columns, every_threshold=self.every_threshold)

    def _envelope(self) -> tuple[npt.NDArray[np.int64], Floats]:
        """Points by rising false alarms, and the highest sensitivity up to each."""
        order = np.lexsort((-self.sensitivity, self.false_alarms_per_24h))
        return order, np.maximum.accumulate(self.sensitivity[order])


def candidate_thresholds(probabilities: Sequence[npt.NDArray[np.floating]], most: int = 200) -> Floats:
    """At most `most` values that the traces take, ascending, densest at the top; zero is none of them.

    Args:
        probabilities: Traces of all recordings.
        most: Upper limit of the number of candidates.

    Raises:
        InputError: if a value is not a probability, or none is above zero.
    """
    require_thresholds(probabilities)
    pooled = np.concatenate([np.empty(0), *probabilities])
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
        highest=thresholds,
        sensitivity=np.array([c.sensitivity for c in counts]),
        precision=np.array([c.precision for c in counts]),
        f1=np.array([c.f1 for c in counts]),
        false_alarms_per_24h=np.array([c.false_alarms_per_24h for c in counts]),
    )


def require_thresholds(probabilities: Sequence[npt.NDArray[np.floating]]) -> None:
    """Refuse traces that are no probabilities, or nowhere above 0.

    Raises:
        InputError: with code `thresholds`.
    """
    steps = sum(trace.size for trace in probabilities)
    invalid = sum(int((~((trace >= 0.0) & (trace <= 1.0))).sum()) for trace in probabilities)
    above = sum(int((trace > 0.0).sum()) for trace in probabilities)
    if invalid or not above:
        raise InputError(
            "The traces offer no threshold",
            where="probability traces",
            got=f"{steps} steps, {invalid} of them outside 0..1, {above} above 0",
            expected="probabilities, at least one of them above 0",
            remedy="look at the training run: this detector has collapsed",
            code="thresholds",
        )
