"""A running scale: every channel brought to one typical amplitude, from its own past alone.

A block of 10 s is multiplied by a gain that moves in a straight line from the last block's to the one that the blocks
before it ask for. That is `TYPICAL_UV` over the median of their median absolute values, which an artefact of a few
seconds does not move. Nothing of a block changes its own gain, so a live system computes the same.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

TYPICAL_UV = 10.0
"""Median amplitude that every channel is brought to."""
SILENT_UV = 0.5
"""A channel with a smaller median amplitude is amplified no more than one of this."""
BLOCKS = 6
"""Blocks that the median goes over: a minute."""
MEMORY_BLOCKS = BLOCKS + 3
"""Whole blocks before a sample on which its gain depends, and one to be cut into."""


class RunningScale:
    """Gains of a recording's channels as it goes on; signals are given in order.

    Args:
        channels: Their number.
        block_samples: Length of a block.
        first_sample: Where in the recording they begin; what is heard of that block tells nothing unless it is whole.
    """

    def __init__(self, channels: int, block_samples: int, *, first_sample: int = 0) -> None:
        self._heard = np.empty((channels, block_samples))
        self._filled = first_sample % block_samples
        self._whole = self._filled == 0
        self._medians: deque[npt.NDArray[np.float64]] = deque(maxlen=BLOCKS)
        self._from = self._to = np.ones(channels)

    @property
    def room(self) -> int:
        """Samples until the block in hand is full."""
        return self._heard.shape[1] - self._filled

    def __call__(self, signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scale the next samples, at most `room` of them: (channels, samples)."""
        begin, block = self._filled, self._heard.shape[1]
        stop = begin + signal.shape[1]
        self._heard[:, begin:stop] = signal
        share = np.arange(begin, stop) / block
        scaled = signal * (self._from[:, None] + (self._to - self._from)[:, None] * share)
        self._filled = stop
        if stop == block:
            self._next_block()
        return scaled

    def _next_block(self) -> None:
        if self._whole:
            self._medians.append(np.median(np.abs(self._heard), axis=1))
            self._from = self._to
            self._to = TYPICAL_UV / np.maximum(np.median(self._medians, axis=0), SILENT_UV)
        self._filled, self._whole = 0, True
