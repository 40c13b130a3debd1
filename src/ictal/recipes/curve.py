"""Sensitivity against false alarms of traces: at every threshold, or at some where events have no levels."""

from __future__ import annotations

from collections.abc import Sequence

from ictal.detection.levels import levels
from ictal.detection.sweep import events_by_threshold
from ictal.recipes.config import EventConfig
from ictal.scoring.curves import Curve, Trace, candidate_thresholds, curve_of, require_thresholds
from ictal.scoring.staircase import staircase


def sensitivity_curve(traces: Sequence[Trace], steps_hz: float, events: EventConfig) -> Curve:
    """The pooled curve by SzCORE event scoring.

    Args:
        traces: The recordings with their probabilities.
        steps_hz: Steps per second.
        events: How a trace becomes events; with a refractory time only some thresholds are looked at.

    Raises:
        InputError: if the traces offer no threshold (code `thresholds`).
    """
    probabilities = [trace.probability for trace in traces]
    require_thresholds(probabilities)
    if events.refractory_s == 0.0:
        return staircase(traces, levels(probabilities, steps_hz, events.rule(1.0)), steps_hz).curve()
    thresholds = candidate_thresholds(probabilities)
    rules = [events.rule(threshold) for threshold in thresholds.tolist()]
    return curve_of(traces, thresholds, events_by_threshold(probabilities, steps_hz, rules))
