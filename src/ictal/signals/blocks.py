"""Blocks of the store: a signal that comes in pieces of any length cut into them, and windows put together of them.

A block is written as soon as it is full, from memory that stays in the core's cache: no array of the whole recording is
ever made, and what a build needs of memory does not grow with the recording.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ictal.signals.readable import Window
from ictal.signals.source import Pieces

VALUE = np.dtype("<i2")
"""A stored number."""


def laid_out(blocks: npt.NDArray[np.int16], first_sample: int, out: Window) -> None:
    """Put the samples from one of the first block on, which the blocks hold, into memory of (channels, samples).

    All whole blocks are one assignment: many small ones take half as long again.
    """
    channels, samples = out.shape
    width = blocks.shape[2]
    head = min(-first_sample % width, samples)
    whole = (samples - head) // width
    tail = head + whole * width
    if head:
        out[:, :head] = blocks[0, :, first_sample : first_sample + head]
    if whole:
        begin = 1 if head else 0
        middle = out[:, head:tail].reshape(channels, whole, width)  # one axis made two: never a copy
        middle[...] = blocks[begin : begin + whole].transpose(1, 0, 2)
    if tail < samples:
        out[:, tail:] = blocks[-1, :, : samples - tail]


class Blocks:
    """Gives the blocks, once and in order; what it counts on the way is complete when they have all been taken.

    Args:
        pieces: The recording.
        block_samples: Length of a block.
    """

    def __init__(self, pieces: Pieces, block_samples: int) -> None:
        self._pieces = pieces
        channels = len(pieces.derivation.channels)
        self.shape = (-(-pieces.samples // block_samples), channels, block_samples)
        self.clipped = np.zeros(channels, dtype=np.int64)
        self.silent = np.ones(channels, dtype=bool)
        self.scale_uv = np.ones(channels, dtype=np.float32)

    def __iter__(self) -> Iterator[npt.NDArray[np.int16]]:
        """Blocks of (channels, block_samples), the last one filled up with zeros; each holds until the next is taken.

        Raises:
            InputError: as the pieces do.
        """
        block, filled, samples = np.zeros(self.shape[1:], dtype=VALUE), 0, 0
        for piece in self._pieces.of_signal:
            self._note(piece.values, piece.clipped, piece.scale_uv)
            samples += piece.values.shape[1]
            done = 0
            while done < piece.values.shape[1]:
                part = piece.values[:, done : done + block.shape[1] - filled]
                block[:, filled : filled + part.shape[1]] = part
                done, filled = done + part.shape[1], filled + part.shape[1]
                if filled == block.shape[1]:
                    yield block
                    filled = 0
        assert samples == self._pieces.samples, (samples, self._pieces.samples)
        if filled:
            block[:, filled:] = 0
            yield block

    def _note(
        self, values: npt.NDArray[np.int16], clipped: npt.NDArray[np.int64], scale_uv: npt.NDArray[np.float32]
    ) -> None:
        self.clipped += clipped
        self.scale_uv = scale_uv
        for channel in np.flatnonzero(self.silent):
            self.silent[channel] = not values[channel].any()
