"""What every scorer returns: counts that add. Ratios come last, and a ratio with nothing below its line is NaN.

The ratios are those of timescoring 0.0.7: one true positive is one detected reference item, and false positives are
hypothesis items that detect nothing, so that precision = true positives / (true positives + false positives). Counts
are whole numbers except where a scorer counts fractions of events (NEDC TAES) or of seconds (NEDC EPOCH).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SECONDS_PER_DAY = 86_400.0

Column: TypeAlias = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Items (events, or seconds) of one recording or of several added together.

    Args:
        reference: Reference items.
        true_positives: Reference items that the hypothesis detected.
        false_positives: Hypothesis items that detected nothing.
        duration_s: Recorded time scored.
    """

    reference: float = 0
    true_positives: float = 0
    false_positives: float = 0
    duration_s: float = 0.0

    def __post_init__(self) -> None:
        assert 0 <= self.true_positives <= self.reference, self
        assert min(self.false_positives, self.duration_s) >= 0, self

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            reference=self.reference + other.reference,
            true_positives=self.true_positives + other.true_positives,
            false_positives=self.false_positives + other.false_positives,
            duration_s=self.duration_s + other.duration_s,
        )

    @property
    def sensitivity(self) -> float:
        """Detected share of the reference; NaN without a reference item."""
        return _ratio(self.true_positives, self.reference)

    @property
    def precision(self) -> float:
        """True share of the detections; NaN without a detection."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def f1(self) -> float:
        """Harmonic mean of sensitivity and precision, 0 where only one side has items; NaN where neither has."""
        return _ratio(2 * self.true_positives, self.true_positives + self.false_positives + self.reference)

    @property
    def false_alarms_per_24h(self) -> float:
        """False positives per 24 h of recording; NaN without recorded time."""
        return _ratio(self.false_positives * SECONDS_PER_DAY, self.duration_s)


@dataclass(frozen=True, kw_only=True)
class CountTable:
    """Counts of many recordings as columns, one entry per recording."""

    reference: Column
    true_positives: Column
    false_positives: Column
    duration_s: npt.NDArray[np.float64]

    def rows(self) -> list[Counts]:
        """Counts of each recording."""
        columns = (self.reference, self.true_positives, self.false_positives, self.duration_s)
        return [
            Counts(reference=reference, true_positives=true, false_positives=false, duration_s=duration_s)
            for reference, true, false, duration_s in zip(*(c.tolist() for c in columns), strict=True)
        ]

    def pooled(self) -> Counts:
        """All recordings added."""
        return Counts(
            reference=_column_sum(self.reference),
            true_positives=_column_sum(self.true_positives),
            false_positives=_column_sum(self.false_positives),
            duration_s=math.fsum(self.duration_s),
        )


def total(counts: Iterable[Counts]) -> Counts:
    """All counts added, in any order to the same result."""
    rows = list(counts)
    return Counts(
        reference=_added([c.reference for c in rows]),
        true_positives=_added([c.true_positives for c in rows]),
        false_positives=_added([c.false_positives for c in rows]),
        duration_s=math.fsum(c.duration_s for c in rows),
    )


def _added(values: Sequence[float]) -> float:
    """Their sum, whole if all are whole; of fractions rounded once, so that the order does not matter."""
    return sum(values) if all(isinstance(value, int) for value in values) else math.fsum(values)


def _column_sum(column: Column) -> float:
    return int(column.sum()) if column.dtype.kind == "i" else math.fsum(column)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
