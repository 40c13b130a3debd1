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
    probability: Sequence[float], on: float, off: float, min_steps: int, merge_steps: int, refractory_steps: int = 0
) -> list[tuple[int, int]]:
    """Hysteresis, then gaps below `merge_steps` closed, events below `min_steps` dropped, then refractory ones."""
    merged: list[tuple[int, int]] = []
    for start, stop in hysteresis(probability, on, off):
        if merged and start - merged[-1][1] < merge_steps:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    kept: list[tuple[int, int]] = []
    for start, stop in merged:
        if stop - start >= min_steps and (not kept or start >= kept[-1][1] + refractory_steps):
            kept.append((start, stop))
    return kept


def onset_span(probability: Sequence[float], onset: int, off: float) -> tuple[int, int]:
    """Back from the onset as long as the trace is at least `off`."""
    earliest = onset
    while earliest > 0 and probability[earliest - 1] >= off:
        earliest -= 1
    return earliest, onset
