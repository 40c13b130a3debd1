"""Logits of any number of steps in bounded memory, as calibration needs them: counted by height and truth.

A bin holds, of ictal and of background steps, how many there are and the sum of their logits. To calibrate, the steps
of a bin stand at their mean: what that moves is far below what another second of EEG would. Bins are 2^-30 of a logit
wide, and twice as wide as often as there would be too many; so the logits of a detector that hardly tells its steps
apart lie in as many bins as those of a good one, and no order of recordings gives other bins than another.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.detection import calibration
from ictal.detection.calibration import Calibration, Method

Floats: TypeAlias = npt.NDArray[np.float64]

BINS_MAX = 1 << 15
_FINEST_PER_LOGIT = 2.0**30
_FARTHEST_BIN = 2.0**62


class CountedLogits:
    """Steps by logit and truth; what is held does not grow with the steps.

    Args:
        bins_max: Most bins that are held.
    """

    def __init__(self, bins_max: int = BINS_MAX) -> None:
        self._bins_max, self._per_logit = bins_max, _FINEST_PER_LOGIT
        self._bins = np.empty(0, dtype=np.int64)
        self._mass, self._sums = np.empty((2, 0)), np.empty((2, 0))
        self._lowest, self._highest = np.inf, -np.inf

    def add(self, logits: npt.NDArray[np.floating], ictal: npt.NDArray[np.bool_]) -> None:
        """Count steps.

        Args:
            logits: Of each step, shape (steps,).
            ictal: The truth of each, shape (steps,).
        """
        x = np.asarray(logits, dtype=np.float64)
        assert x.shape == ictal.shape == (x.size,), (x.shape, ictal.shape)
        assert np.isfinite(x).all(), "logits are not finite"
        self._lowest, self._highest = x.min(initial=self._lowest), x.max(initial=self._highest)
        while max(-self._lowest, self._highest) * self._per_logit >= _FARTHEST_BIN:
            self._widen()
        bins, place = np.unique(np.floor(x * self._per_logit).astype(np.int64), return_inverse=True)
        place = place + np.where(ictal, bins.size, 0)
        mass, sums = (
            np.bincount(place, weights=weights, minlength=2 * bins.size).reshape(2, bins.size).astype(np.float64)
            for weights in (None, x)
        )
        both = np.union1d(self._bins, bins)
        self._mass, self._sums = (
            _spread(self._bins, before, both) + _spread(bins, more, both)
            for before, more in ((self._mass, mass), (self._sums, sums))
        )
        self._bins = both
        while self._bins.size > self._bins_max:
            self._widen()

    def fit(self, method: Method) -> Calibration:
        """The calibration by a method, as `calibration.fit` makes it of the steps.

        Raises:
            InputError: as `calibration.fit`.
        """
        held = self._mass > 0.0
        mean = np.clip(self._sums[held] / self._mass[held], self._lowest, self._highest)
        labels = np.repeat([False, True], held.sum(axis=1))
        return calibration.fit(method, mean, labels, self._mass[held])

    def _widen(self) -> None:
        """Make one bin of every two."""
        self._per_logit /= 2
        self._bins, place = np.unique(self._bins >> 1, return_inverse=True)
        self._mass, self._sums = (
            np.array([np.bincount(place, weights=row, minlength=self._bins.size) for row in rows], dtype=np.float64)
            for rows in (self._mass, self._sums)
        )


def _spread(bins: npt.NDArray[np.int64], values: Floats, over: npt.NDArray[np.int64]) -> Floats:
    """Values of some bins, (2, bins), as those of more, zero elsewhere."""
    spread = np.zeros((2, over.size))
    spread[:, np.searchsorted(over, bins)] = values
    return spread
