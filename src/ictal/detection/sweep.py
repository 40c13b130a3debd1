"""The events of many recordings at ascending thresholds, at once: what a curve over thresholds needs.

Invariant: exactly what `events` finds in each recording alone. Recordings lie further apart on one axis than merging
and the refractory time reach, and each threshold looks only at the steps that the one before left, because a step below
one `off` is below all higher ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.detection.events import EventRule, settled
from ictal.timeline.spans import EMPTY, Samples, Spans

Floats: TypeAlias = npt.NDArray[np.float64]


def events_by_threshold(
    probabilities: Sequence[Floats], rate_hz: float, rules: Sequence[EventRule]
) -> Iterator[list[Floats]]:
    """For each rule the events of each recording, as `events` gives them.

    Args:
        probabilities: One trace per recording.
        rate_hz: Steps per second.
        rules: Rules whose `off` does not fall.
    """
    lengths = np.array([p.size for p in probabilities], dtype=np.int64)
    apart = int(max((max(rule.merge_gap_s, rule.refractory_s) for rule in rules), default=0.0) * rate_hz) + 2
    starts = np.cumsum(lengths + apart) - lengths - apart
    value = np.concatenate([np.empty(0), *probabilities])
    place = np.arange(value.size) + np.repeat(apart * np.arange(len(lengths)), lengths)
    lowest = 0.0
    for rule in rules:
        assert rule.off >= lowest, "thresholds must ascend"
        lowest = rule.off
        stays = value >= rule.off
        value, place = value[stays], place[stays]
        yield _by_recording(settled(_runs(value, place, rule.on), rate_hz, rule), starts, rate_hz)


def _runs(value: Floats, place: Samples, on: float) -> Spans:
    """Spans of neighbouring places, each from its first value of at least `on`; without one it is none."""
    reached = np.flatnonzero(value >= on)
    if reached.size == 0:
        return EMPTY
    breaks = np.flatnonzero(place[1:] - place[:-1] != 1)
    begin, last = np.append([0], breaks + 1), np.append(breaks, [place.size - 1])
    first = reached[np.minimum(np.searchsorted(reached, begin), reached.size - 1)]
    inside = (first >= begin) & (first <= last)
    return np.stack([place[first], place[last] + 1], axis=1)[inside]


def _by_recording(runs: Spans, starts: Samples, rate_hz: float) -> list[Floats]:
    recording = np.searchsorted(starts, runs[:, 0], side="right") - 1
    events_s = (runs - starts[recording, None]) / rate_hz
    edges = np.searchsorted(recording, np.arange(len(starts) + 1)).tolist()
    return [events_s[edges[n] : edges[n + 1]] for n in range(len(starts))]
