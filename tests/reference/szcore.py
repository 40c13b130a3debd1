"""SzCORE scoring as a slow loop over events, on exact fractions of a second: no arrays, no ticks, no shared axis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

Interval = tuple[Fraction, Fraction]


def count_events(
    reference: Sequence[Interval], hypothesis: Sequence[Interval], duration: Fraction, min_overlap: Fraction
) -> tuple[int, int, int]:
    """Reference pieces, detected ones, and false hypothesis pieces."""
    references, hypotheses = _pieces(reference), _pieces(hypothesis)
    extended = [(max(Fraction(0), start - 30), min(duration, stop + 60)) for start, stop in references]
    found = [e for e in extended if sum(_overlap(e, h) for h in hypotheses) > min_overlap * (e[1] - e[0])]
    false = [h for h in hypotheses if not any(_overlap(h, e) > 0 for e in found)]
    return len(references), len(found), len(false)


def count_samples(
    reference: Sequence[Interval], hypothesis: Sequence[Interval], duration: Fraction
) -> tuple[int, int, int]:
    """Ictal seconds, detected ones, and falsely detected ones."""
    length = max(round(duration), 1)
    true, said = (set(itertools.chain(*(_seconds(e, length) for e in events))) for events in (reference, hypothesis))
    return len(true), len(true & said), len(said - true)


def united(events: Sequence[Interval]) -> list[Interval]:
    """Sorted and disjoint: what overlaps or touches becomes one."""
    result: list[Interval] = []
    for start, stop in sorted(events):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], stop))
        else:
            result.append((start, stop))
    return result


def _pieces(events: Sequence[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, stop in united(events):
        if merged and start - merged[-1][1] < 90:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    pieces = []
    for onset, stop in merged:
        start = onset
        while stop - start > 300:
            pieces.append((start, start + 300))
            start += 300
        pieces.append((start, stop))
    return pieces


def _overlap(a: Interval, b: Interval) -> Fraction:
    return max(Fraction(0), min(a[1], b[1]) - max(a[0], b[0]))


def _seconds(event: Interval, length: int) -> range:
    """Seconds of an event whose ends are rounded half to even; one second at least."""
    start, stop = round(event[0]), round(event[1])
    if stop <= start:
        start = math.floor(event[0])
    start = min(start, length - 1)
    return range(start, min(max(stop, start + 1), length))
