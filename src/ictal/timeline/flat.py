"""Interval algebra at every height of a signal at once: flat closings and openings.

A signal's runs at a height are the runs of values of at least that height. Filling short gaps between runs and removing
short runs, at every height, makes another signal whose runs at each height are what was filled or left over there
(Serra 1982). Beyond both ends lies `NEVER`, below all heights: no gap there is filled.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

NEVER = -1.0
"""Below every height that is looked at."""


def closed(values: Floats, gap: int) -> Floats:
    """Gaps of at most `gap` values between runs filled, at every height, shape (values,)."""
    return _twice(values, gap + 1, np.maximum, np.minimum)


def opened(values: Floats, shortest: int) -> Floats:
    """Runs of fewer than `shortest` values removed, at every height, shape (values,)."""
    return _twice(values, shortest, np.minimum, np.maximum)


def _twice(values: Floats, width: int, first: np.ufunc, second: np.ufunc) -> Floats:
    """For each value `second`, over all stretches of this width that hold it, of `first` over the stretch."""
    if width <= 1 or values.size == 0:
        return values
    outside = np.full(width - 1, NEVER)
    return _sliding(_sliding(np.concatenate([outside, values, outside]), width, first), width, second)


def _sliding(values: Floats, width: int, of: np.ufunc) -> Floats:
    """`of` every stretch of `width` values, in log2(width) passes, shape (values - width + 1,)."""
    reach = 1
    while 2 * reach <= width:
        values = of(values[:-reach], values[reach:])
        reach *= 2
    rest = width - reach
    return np.asarray(of(values[: values.size - rest], values[rest:]), dtype=np.float64)
