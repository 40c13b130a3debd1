"""Events from a probability trace as a state machine that sees one step at a time."""

from __future__ import annotations

from collections.abc import Sequence


def hysteresis(probability: Sequence[float], on: float, off: float) -> list[tuple[int, int]]:
    """Half-open step spans."""
    spans, start = [], None
    for step, value in enumerate(probability):
        if start is None and value >= on:
            start = step
        elif start is not None and value < off:
            spans.append((start, step))
            start = None
    if start is not None:
        spans.append((start, len(probability)))
    return spans


def events(
    probability: Sequence[float], on: float, off: float, min_steps: int, merge_steps: int
) -> list[tuple[int, int]]:
    """Hysteresis, then gaps below `merge_steps` closed, then events below `min_steps` dropped."""
    merged: list[tuple[int, int]] = []
    for start, stop in hysteresis(probability, on, off):
        if merged and start - merged[-1][1] < merge_steps:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return [(start, stop) for start, stop in merged if stop - start >= min_steps]
