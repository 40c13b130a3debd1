"""Channels whose signal cannot be EEG whatever it shows: those that never change, and those at the recorder's limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SATURATED_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What is wrong with a recording's signals.

    Args:
        flat: Labels of channels that have one value throughout.
        saturated: Labels of channels of which over 1 % of samples are at the calibration's limit, or beyond.
    """

    flat: tuple[str, ...]
    saturated: tuple[str, ...]


def flags(signal_uv: npt.NDArray[np.float32], labels: Sequence[str], limits_uv: Sequence[tuple[float, float]]) -> Flags:
    """Flag channels.

    Args:
        signal_uv: (channels, samples).
        labels: Of the channels.
        limits_uv: Lowest and highest value that each channel can hold.
    """
    low, high = (np.array(edge, dtype=np.float32)[:, None] for edge in zip(*limits_uv, strict=True))
    flat = signal_uv.max(axis=1) == signal_uv.min(axis=1)
    at_limit = np.mean((signal_uv <= low) | (signal_uv >= high), axis=1) > SATURATED_SHARE
    return Flags(
        flat=tuple(label for label, flagged in zip(labels, flat, strict=True) if flagged),
        saturated=tuple(label for label, flagged in zip(labels, at_limit & ~flat, strict=True) if flagged),
    )
