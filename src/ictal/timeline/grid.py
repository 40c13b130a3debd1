"""The regular grid of windows over a recording: window w covers `[w * stride, w * stride + length)`.

Every sample of a recording is covered: the last window may reach past the end and is then padded and masked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.timeline.spans import Samples


@dataclass(frozen=True, kw_only=True)
class WindowGrid:
    """Windows of one length at one stride, in samples.

    Raises:
        InputError: if the stride is not in 1..length, which would leave samples that no window covers.
    """

    length_samples: int
    stride_samples: int

    def __post_init__(self) -> None:
        if not 1 <= self.stride_samples <= self.length_samples:
            raise InputError(
                "The stride leaves gaps between windows",
                where="windows.stride_s",
                got=f"{self.stride_samples} samples",
                expected=f"1 to {self.length_samples} samples, the window's length",
                remedy="choose a stride no longer than the window",
                code="stride",
            )

    def count(self, recording_samples: npt.ArrayLike) -> Samples:
        """Number of windows over recordings of these lengths; an empty recording has none."""
        samples = np.asarray(recording_samples, dtype=np.int64)
        further = np.maximum(samples - self.length_samples, 0)
        return np.where(samples > 0, 1 + -(-further // self.stride_samples), 0)

    def starts(self, windows: npt.ArrayLike) -> Samples:
        """First sample of each window number."""
        return np.asarray(windows, dtype=np.int64) * self.stride_samples
