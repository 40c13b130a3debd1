"""The band of a curve as anyone would get it: every drawn patient, every threshold, every rate, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

Counts = tuple[int, int, int]
"""Reference pieces, detected ones, false pieces."""


def best_within(
    rates_per_24h: Sequence[float],
    times: Sequence[int],
    counts: Sequence[Sequence[Counts]],
    durations_s: Sequence[float],
) -> list[float | None]:
    """Best sensitivity at no more than each rate; None without a seizure.

    Args:
        rates_per_24h: The rates.
        times: How often each patient was drawn.
        counts: Of each patient at each of the same thresholds.
        durations_s: Recorded time of each patient.
    """
    drawn = [number for number, often in enumerate(times) for _ in range(often)]
    seconds = sum(durations_s[number] for number in drawn)
    best = []
    for rate in rates_per_24h:
        found: list[float] = [0.0]
        for threshold in range(len(counts[0])):
            reference, true, false = (sum(counts[number][threshold][n] for number in drawn) for n in range(3))
            if reference and false * 86_400 <= rate * seconds:
                found.append(true / reference)
        best.append(max(found) if reference else None)
    return best
