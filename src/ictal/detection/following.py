"""Events of a trace that is still arriving: each is said when it is certain, and equals what the whole trace gives.

An event has begun once it is long enough, which nothing that follows can take back; it has ended once no later one can
merge with it, or the trace is over. So a beginning is known `min_duration_s` after the onset and an end `merge_gap_s`
after the stop. What is remembered does not grow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ictal.detection.events import STEP_FRACTION, EventRule, Floats


@dataclass(frozen=True, kw_only=True)
class Change:
    """An event that has begun or ended.

    Args:
        ended: Whether it has ended; if not, it has begun and goes on, and stop and confidence are those of now.
        onset_s: From the trace's beginning.
        earliest_s: From when on the probability rose towards the onset, as in `events.onset_span`.
        stop_s: From the trace's beginning.
        confidence: Mean probability from onset to stop.
        beside: Mean from onset to stop of each number that stands beside the probability.
    """

    ended: bool
    onset_s: float
    earliest_s: float
    stop_s: float
    confidence: float
    beside: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Candidate:
    """Runs that are close enough together to be one event, in steps."""

    onset: int
    earliest: int
    stop: int
    inside: Floats
    """Sums of the probability and of the numbers beside it, from onset to stop."""
    after: Floats
    """Those from the stop to now, which a run that merges takes inside."""
    begun: bool = False


class EventFollower:
    """Follows one trace.

    Args:
        rate_hz: Steps per second.
        rule: When an event starts, lasts and counts.
    """

    def __init__(self, rate_hz: float, rule: EventRule) -> None:
        self.rate_hz, self.rule = rate_hz, rule
        self.steps = 0
        """Steps taken so far."""
        self._high_since: int | None = None
        """Where the trace last rose to `off` or more; None while it is below."""
        self._running = False
        self._candidate: _Candidate | None = None
        self._last_stop: int | None = None

    def push(self, probability: npt.NDArray[np.floating], beside: Floats | None = None) -> list[Change]:
        """What the next steps make certain.

        Args:
            probability: The trace, (steps,).
            beside: Numbers whose means over events are wanted, (steps, numbers), always as many.
        """
        assert probability.ndim == 1, f"a trace has one axis, not {probability.ndim}"
        assert probability.min(initial=0.0) >= 0.0, "a value is below 0 or not a number"
        assert probability.max(initial=0.0) <= 1.0, "a value is above 1"
        numbers = (probability,) if beside is None else (probability, *beside.T)
        return [change for row in np.stack(numbers, axis=1, dtype=np.float64) for change in self._step(row)]

    def finish(self) -> list[Change]:
        """What is certain because nothing more will come."""
        return self._close()

    def _step(self, row: Floats) -> list[Change]:
        value, now = float(row[0]), self.steps
        self.steps += 1
        if value < self.rule.off:
            self._high_since, self._running = None, False
        elif self._high_since is None:
            self._high_since = now
        if value >= self.rule.on:
            self._running = True
        if self._running:
            self._extend(now, row)
            return self._begin()
        if self._candidate is None:
            return []
        self._candidate = replace(self._candidate, after=self._candidate.after + row)
        return self._close() if self._reached(self.steps - self._candidate.stop, self.rule.merge_gap_s) else []

    def _extend(self, now: int, row: Floats) -> None:
        one, nothing = self._candidate, np.zeros_like(row)
        if one is None:
            assert self._high_since is not None
            self._candidate = _Candidate(onset=now, earliest=self._high_since, stop=now + 1, inside=row, after=nothing)
        else:
            self._candidate = replace(one, stop=now + 1, inside=one.inside + one.after + row, after=nothing)

    def _begin(self) -> list[Change]:
        one = self._candidate
        assert one is not None
        apart = self._last_stop is None or self._reached(one.onset - self._last_stop, self.rule.refractory_s)
        if one.begun or not apart or not self._reached(one.stop - one.onset, self.rule.min_duration_s):
            return []
        self._candidate = replace(one, begun=True)
        return [self._change(one, ended=False)]

    def _close(self) -> list[Change]:
        one, self._candidate = self._candidate, None
        if one is None or not one.begun:
            return []
        self._last_stop = one.stop
        return [self._change(one, ended=True)]

    def _reached(self, steps: int, limit_s: float) -> bool:
        return steps >= limit_s * self.rate_hz - STEP_FRACTION

    def _change(self, one: _Candidate, *, ended: bool) -> Change:
        confidence, *beside = (one.inside / (one.stop - one.onset)).tolist()
        return Change(
            ended=ended,
            onset_s=one.onset / self.rate_hz,
            earliest_s=one.earliest / self.rate_hz,
            stop_s=one.stop / self.rate_hz,
            confidence=confidence,
            beside=tuple(beside),
        )
