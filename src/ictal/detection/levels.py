"""Events at every threshold at once: the *level* of a step is the highest threshold at which it lies in an event.

Invariant: for any `on`, the runs of steps whose level is at least `on` are exactly what `events` finds at that
threshold, to the last bit of a float. Lowering the threshold never takes a step out of the events, for each part of the
rule is monotone and commutes with thresholding:

- hysteresis is the recursion `level = max(p, min(level before, p / off_ratio))`;
- joining neighbours is a flat closing, dropping what is short a flat opening (`timeline.flat`).

The refractory time is not monotone (a first alarm hides a second one), so rules with one have no levels: see `sweep`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.detection.events import EventRule, steps_joined, steps_kept
from ictal.timeline.flat import NEVER, closed, opened

Floats: TypeAlias = npt.NDArray[np.float64]

BLOCK_STEPS = 1 << 20
"""About so many steps are held more than once at a time, or one recording that has more."""


def levels(probabilities: Sequence[npt.NDArray[np.floating]], rate_hz: float, rule: EventRule) -> list[Floats]:
    """The level of every step of every recording, not above 0 for a step that lies in no event.

    Args:
        probabilities: One trace per recording, shape (steps,), values from 0 to 1.
        rate_hz: Steps per second.
        rule: How events are made; its threshold `on` is not looked at, its refractory time must be 0.
    """
    assert rule.refractory_s == 0.0, "events with a refractory time have no levels"
    found: list[Floats] = []
    block: list[npt.NDArray[np.floating]] = []
    for trace in probabilities:
        assert np.ndim(trace) == 1, f"a trace has one axis, not {np.ndim(trace)}"
        assert np.min(trace, initial=0.0) >= 0.0, "a value is below 0 or not a number"
        assert np.max(trace, initial=0.0) <= 1.0, "a value is above 1"
        block.append(trace)
        if sum(map(len, block)) >= BLOCK_STEPS:
            found += _levels(block, rate_hz, rule)
            block = []
    return found + _levels(block, rate_hz, rule)


def _levels(traces: Sequence[npt.NDArray[np.floating]], rate_hz: float, rule: EventRule) -> list[Floats]:
    """Of some recordings at once, far enough from each other on one axis."""
    gap, shortest = steps_joined(rule, rate_hz), steps_kept(rule, rate_hz)
    apart = max(gap, shortest) + 1
    lengths = np.array([len(trace) for trace in traces], dtype=np.int64)
    starts = (np.cumsum(lengths + apart) - lengths).tolist()
    joined = np.full(int((lengths + apart).sum()), NEVER)
    for start, trace in zip(starts, traces, strict=True):
        joined[start : start + len(trace)] = trace
    made = opened(closed(_hysteresis(joined, rule.off_ratio), gap), shortest)
    return [made[start : start + len(trace)].copy() for start, trace in zip(starts, traces, strict=True)]


def _hysteresis(values: Floats, off_ratio: float) -> Floats:
    """The recursion of the module's docstring: every step limits what comes from before to `[p, p / off_ratio]`.

    Limits joined one after the other are again limits, so the axis is folded into blocks that are walked through side
    by side: once for what each block does to whatever enters it, once with what does enter.
    """
    if off_ratio == 1.0 or values.size == 0:
        return values
    length = max(1, math.isqrt(values.size) // 2)
    blocks = -(-values.size // length)
    padded = np.full(blocks * length, NEVER)
    padded[: values.size] = values
    high = highest_above_off(padded, off_ratio).reshape(blocks, length).T.copy()
    low = padded.reshape(blocks, length).T.copy()
    least, most = np.full(blocks, NEVER), np.full(blocks, np.inf)
    for floor, ceiling in zip(low, high, strict=True):
        least = np.maximum(np.minimum(least, ceiling), floor)
        most = np.maximum(np.minimum(most, ceiling), floor)
    level = np.empty(blocks)
    entering = NEVER
    for block, (smallest, largest) in enumerate(zip(least.tolist(), most.tolist(), strict=True)):
        level[block] = entering
        entering = min(max(entering, smallest), largest)
    for step, ceiling in enumerate(high):
        level = np.maximum(np.minimum(level, ceiling), low[step])
        low[step] = level
    return np.ascontiguousarray(low.T).reshape(-1)[: values.size]


def highest_above_off(probability: Floats, off_ratio: float) -> Floats:
    """The highest threshold `on` at which each probability is still at least `off_ratio * on`, as floats round."""
    on = probability / off_ratio
    while (over := np.flatnonzero(off_ratio * on > probability)).size:
        on[over] = np.nextafter(on[over], -np.inf)
    above = np.arange(on.size)
    while above.size:
        higher = np.nextafter(on[above], np.inf)
        fits = (off_ratio * higher <= probability[above]) & (probability[above] > 0.0)
        above = above[fits]
        on[above] = higher[fits]
    return on
