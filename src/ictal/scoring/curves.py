"""Sensitivity against false alarms per 24 h over decision thresholds: what a curve is, and what is counted for it.

`staircase` counts at every threshold there is, by SzCORE event scoring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One recording to score: what the detector said and what is true.

    Args:
        name: What an error calls the recording.
        probability: One value per step, shape (steps,).
        reference_s: `(onset_s, stop_s)` of each seizure, shape (seizures, 2).
        duration_s: Seconds of the recording.
    """

    name: str
    probability: Floats
    reference_s: Floats
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Pooled results at each threshold, thresholds ascending; NaN where undefined."""

    thresholds: Floats
    highest: Floats
    """The highest threshold for which each point stands; the thresholds themselves where only some were tried."""
    sensitivity: Floats
    precision: Floats
    f1: Floats
    false_alarms_per_24h: Floats
    every_threshold: bool = False
    """Whether any other threshold gives the counts of one of these."""

    def envelope(self) -> tuple[Floats, Floats]:
        """False alarms per 24 h, ascending, and the highest sensitivity at no more than each."""
        order, best = self._envelope()
        rates, first = np.unique(self.false_alarms_per_24h[order], return_index=True)
        return rates, best[first]

    def outline(self, most: int, around: float) -> Curve:
        """A drawing's points: at most so many, spread over the places in the curve, and those that must not be missed.

        Args:
            most: Points that are spread.
            around: A threshold whose point is kept, as is every corner of the envelope.
        """
        size = self.thresholds.size
        spread = np.rint(np.linspace(0, size - 1, min(most, size))).astype(np.int64)
        order, best = self._envelope()
        corners = order[np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)]
        own = min(int(np.searchsorted(self.highest, around)), size - 1)
        kept = np.unique(np.concatenate([spread, corners, [own]]))
        columns = {name: column[kept] for name, column in vars(self).items() if name != "every_threshold"}
        return Curve(**columns, every_threshold=self.every_threshold)

    def _envelope(self) -> tuple[npt.NDArray[np.int64], Floats]:
        """Points by rising false alarms, and the highest sensitivity up to each."""
        order = np.lexsort((-self.sensitivity, self.false_alarms_per_24h))
        return order, np.maximum.accumulate(self.sensitivity[order])
