"""What the stored integers can be."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FULL_SCALE = 32767
"""Largest stored value; its negative is the smallest, so that clipping is symmetric."""
Samples: TypeAlias = npt.NDArray[np.float64]
