"""Counts at a threshold as anyone would get them: one recording, one step, one event after the other."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ictal.detection.events import EventRule
from tests.reference import hysteresis, szcore

Recording = tuple[Sequence[float], Sequence[tuple[float, float]], float]
"""Probabilities, seizures in seconds, duration in seconds."""


def counts_at(threshold: float, recordings: Sequence[Recording], rate_hz: int, rule: EventRule) -> tuple[int, int, int]:
    """Reference pieces, detected ones, and false pieces of all recordings."""
    sums = (0, 0, 0)
    for probability, seizures_s, duration_s in recordings:
        runs = hysteresis.events(
            probability,
            threshold,
            rule.off_ratio * threshold,
            int(rule.min_duration_s * rate_hz),
            int(rule.merge_gap_s * rate_hz),
        )
        end = Fraction(duration_s)
        said = [(Fraction(a, rate_hz), min(Fraction(b, rate_hz), end)) for a, b in runs]
        true = [(Fraction(a), Fraction(b)) for a, b in seizures_s]
        counted = szcore.count_events(true, said, end, Fraction(0))
        sums = (sums[0] + counted[0], sums[1] + counted[1], sums[2] + counted[2])
    return sums


def thresholds_of(recordings: Sequence[Recording], rule: EventRule) -> list[float]:
    """Every threshold at which anything may change: each probability, as what begins and as what ends an event."""
    values = {value for probability, _, _ in recordings for value in probability}
    return sorted(t for t in values | {value / rule.off_ratio for value in values} if 0 < t <= 1)
