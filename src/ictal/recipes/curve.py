"""Counts of recordings for the curve: at every threshold, or at some where events have no levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from ictal.detection.levels import levels
from ictal.detection.sweep import events_by_threshold
from ictal.recipes.config import EventConfig
from ictal.scoring.curves import Trace
from ictal.scoring.staircase import Staircase, added, sampled, staircase

Gathered: TypeAlias = Callable[[list[Staircase]], list[Staircase]]

SAMPLED = 200
"""Thresholds that are tried where events have no levels."""


def _alone(found: list[Staircase]) -> list[Staircase]:
    return found


def staircases(
    traces: Callable[[], Iterable[Trace]], steps_hz: float, events: EventConfig, gathered: Gathered = _alone
) -> list[Staircase]:
    """Counts of each recording by SzCORE event scoring; `scoring.staircase.added` makes one of them.

    With a refractory time only some thresholds are looked at: of those at which something changes without it.

    Args:
        traces: Gives the recordings with their probabilities, one after the other; twice with a refractory time.
        steps_hz: Steps per second.
        events: How a trace becomes events.
        gathered: Makes of what was found here what was found everywhere, where processes share the recordings.
    """
    rule = replace(events.rule(1.0), refractory_s=0.0)
    found = gathered([staircase([trace], levels([trace.probability], steps_hz, rule), steps_hz) for trace in traces()])
    if events.refractory_s == 0.0:
        return found
    thresholds = added(found).curve().outline(SAMPLED, 1.0).thresholds
    rules = [events.rule(threshold) for threshold in thresholds.tolist()]
    return gathered(
        [
            sampled(trace, thresholds, [one for (one,) in events_by_threshold([trace.probability], steps_hz, rules)])
            for trace in traces()
        ]
    )
