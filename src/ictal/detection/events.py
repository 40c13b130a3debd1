"""A probability trace becomes events: hysteresis, merging, dropping what is short, then what is refractory; in seconds.

An event starts at the first step whose probability reaches `on` and lasts while the probability stays at or above
`off`. Events less than `merge_gap_s` apart become one; what is then shorter than `min_duration_s` is dropped; and of
the rest, in their order, what begins less than `refractory_s` after the end of an event that was kept. Returned events
are sorted and disjoint, and each holds a step at or above `on`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.timeline.spans import EMPTY, Spans, from_mask

Floats: TypeAlias = npt.NDArray[np.float64]

STEP_FRACTION = 1e-6
"""Steps by which a duration may miss a limit and still meet it: 0.3 s at 10 Hz is 3 steps, whatever a float says."""


@dataclass(frozen=True, kw_only=True)
class EventRule:
    """When a probability trace counts as a seizure.

    Args:
        on: Probability at which an event starts.
        off_ratio: The event lasts while the probability is at least `off = off_ratio * on`.
        min_duration_s: Events shorter than this are dropped.
        merge_gap_s: Events less than this apart are one.
        refractory_s: An event that begins less than this after the one before is dropped.
    """

    on: float = 0.5
    off_ratio: float = 0.7
    min_duration_s: float = 5.0
    merge_gap_s: float = 10.0
    refractory_s: float = 0.0

    def __post_init__(self) -> None:
        _check("on", self.on, valid=0.0 < self.on <= 1.0, expected="above 0, at most 1")
        _check("off_ratio", self.off_ratio, valid=0.0 < self.off_ratio <= 1.0, expected="above 0, at most 1")
        for name in ("min_duration_s", "merge_gap_s", "refractory_s"):
            value = getattr(self, name)
            _check(name, value, valid=0.0 <= value < float("inf"), expected="0 or more seconds")

    @property
    def off(self) -> float:
        """Probability below which an event ends."""
        return self.off_ratio * self.on


def events(probability: npt.NDArray[np.floating], rate_hz: float, rule: EventRule) -> Floats:
    """Events of one recording.

    Args:
        probability: One value per step, shape (steps,).
        rate_hz: Steps per second.
        rule: When an event starts, lasts and counts.

    Returns:
        `(onset_s, stop_s)` of each event, shape (events, 2), sorted and disjoint.
    """
    assert probability.ndim == 1, f"a trace has one axis, not {probability.ndim}"
    assert probability.min(initial=0.0) >= 0.0, "a value is below 0 or not a number"
    assert probability.max(initial=0.0) <= 1.0, "a value is above 1"
    return settled(hysteresis(probability, rule.on, rule.off), rate_hz, rule) / rate_hz


def settled(runs: Spans, rate_hz: float, rule: EventRule) -> Spans:
    """Runs of steps, sorted and disjoint, after merging neighbours, then dropping what is short and refractory."""
    if len(runs) == 0:
        return runs
    runs = _merge(runs, steps_joined(rule, rate_hz))
    long_enough = runs[:, 1] - runs[:, 0] >= steps_kept(rule, rate_hz)
    return _apart(runs[long_enough], rule.refractory_s * rate_hz - STEP_FRACTION)


def steps_joined(rule: EventRule, rate_hz: float) -> int:
    """Steps of the longest gap that makes one event of two."""
    return max(math.ceil(rule.merge_gap_s * rate_hz - STEP_FRACTION) - 1, 0)


def steps_kept(rule: EventRule, rate_hz: float) -> int:
    """Steps of the shortest event that is not dropped."""
    return max(math.ceil(rule.min_duration_s * rate_hz - STEP_FRACTION), 1)


def hysteresis(probability: npt.NDArray[np.floating], on: float, off: float) -> Spans:
    """Half-open step spans that start where the trace reaches `on` and last while it is at least `off`."""
    reached = np.flatnonzero(probability >= on)
    if reached.size == 0:
        return EMPTY
    runs = from_mask(probability >= off)
    first = reached[np.minimum(np.searchsorted(reached, runs[:, 0]), reached.size - 1)]
    starts_inside = (first >= runs[:, 0]) & (first < runs[:, 1])
    return np.stack([first, runs[:, 1]], axis=1)[starts_inside]


def confidence(
    probability: npt.NDArray[np.floating], rate_hz: float, events_s: Floats, statistic: Literal["mean", "max"] = "mean"
) -> Floats:
    """How sure the detector is of each event: mean (or highest) calibrated probability inside it, shape (events,).

    The mean is the expected ictal share of the event's time.

    Args:
        probability: The trace that the events were found in.
        rate_hz: Steps per second.
        events_s: What `events` returned for this trace, perhaps cut at the recording's end.
        statistic: Which of the two.
    """
    reduce = np.mean if statistic == "mean" else np.max
    steps = steps_of(events_s, rate_hz)
    return np.array([reduce(probability[start:stop]) for start, stop in steps], dtype=np.float64)


def means_inside(numbers: Floats, rate_hz: float, events_s: Floats) -> Floats:
    """Mean of each of the numbers that stand beside a trace, (steps, numbers), over each event: (events, numbers)."""
    inside = [numbers[start:stop].mean(axis=0) for start, stop in steps_of(events_s, rate_hz)]
    return np.array(inside, dtype=np.float64).reshape(len(events_s), numbers.shape[1])


def steps_of(events_s: Floats, rate_hz: float) -> Spans:
    """Steps that events consist of, (events, 2); one that ends within its last step, as a recording may, has it all."""
    onset, stop = (events_s * rate_hz).T
    steps: Spans = np.stack([np.rint(onset), np.ceil(stop - STEP_FRACTION)], axis=1).astype(np.int64)
    return steps


def onset_span(probability: npt.NDArray[np.floating], rate_hz: float, events_s: Floats, rule: EventRule) -> Floats:
    """Between when and when each event begins: from where the trace rises over `off` to where it reaches `on`.

    The event's own onset is the later of the two, at which the detector is sure; the width says how long it hesitated.

    Args:
        probability: The trace that the events were found in.
        rate_hz: Steps per second.
        events_s: What `events` returned for this trace and rule.
        rule: The rule.

    Returns:
        `(earliest_s, latest_s)` of each event, shape (events, 2).
    """
    onset = np.rint(events_s[:, 0] * rate_hz).astype(np.int64)
    runs = from_mask(probability >= rule.off)
    earliest = runs[np.searchsorted(runs[:, 0], onset, side="right") - 1, 0]
    return np.stack([earliest, onset], axis=1) / rate_hz


def _apart(runs: Spans, gap_steps: float) -> Spans:
    """The runs without those that begin less than the gap after one that is kept."""
    if gap_steps <= 0:
        return runs
    kept: list[int] = []
    for number, start in enumerate(runs[:, 0].tolist()):
        if not kept or start - runs[kept[-1], 1] >= gap_steps:
            kept.append(number)
    return runs[kept]


def _merge(runs: Spans, longest_gap: int) -> Spans:
    apart = runs[1:, 0] - runs[:-1, 1] > longest_gap
    first, last = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
    return np.stack([runs[first, 0], runs[last, 1]], axis=1)


def _check(name: str, value: float, *, valid: bool, expected: str) -> None:
    if not valid:
        raise InputError(
            "An event rule cannot be applied",
            where=f"events.{name}",
            got=value,
            expected=expected,
            remedy=f"set {name} within its range",
            code="event-rule",
        )
