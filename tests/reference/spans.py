"""Slow twins of `ictal.timeline`: spans as plain sets of sample numbers, windows as plain loops."""

from __future__ import annotations

from collections.abc import Iterable


def samples(spans: Iterable[tuple[int, int]]) -> set[int]:
    """Every sample that lies in any span."""
    return {sample for start, stop in spans for sample in range(start, stop)}


def runs(covered: set[int]) -> list[list[int]]:
    """The set as sorted spans that neither overlap nor touch."""
    found: list[list[int]] = []
    for sample in sorted(covered):
        if found and found[-1][1] == sample:
            found[-1][1] = sample + 1
        else:
            found.append([sample, sample + 1])
    return found


def overlap(spans: Iterable[tuple[int, int]], start: int, stop: int) -> int:
    """Samples of the spans inside one query."""
    return len(samples(spans) & set(range(start, stop)))


def window_starts(recording_samples: int, length: int, stride: int) -> list[int]:
    """Windows one after the other until the last sample is covered."""
    starts = [0] if recording_samples else []
    while starts and starts[-1] + length < recording_samples:
        starts.append(starts[-1] + stride)
    return starts
