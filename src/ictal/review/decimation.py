"""More samples than columns: the exact minimum and maximum of every block of samples, so that no spike is lost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def extremes(signal: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Minimum and maximum of every `factor` samples; the last block may hold fewer.

    Args:
        signal: (channels, samples).
        factor: Samples in a block, at least 1.

    Returns:
        (channels, blocks, 2).
    """
    edges = np.arange(0, signal.shape[1], factor)
    if not edges.size:
        return np.empty((len(signal), 0, 2), dtype=np.float32)
    whole = signal.shape[1] // factor
    blocks = signal[:, : whole * factor].reshape(len(signal), whole, factor)
    out = np.empty((len(signal), len(edges), 2), dtype=np.float32)
    out[:, :whole, 0], out[:, :whole, 1] = blocks.min(axis=2), blocks.max(axis=2)
    if whole < len(edges):
        rest = signal[:, whole * factor :]
        out[:, whole, 0], out[:, whole, 1] = rest.min(axis=1), rest.max(axis=1)
    return out


def merged(pairs: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Extremes of every `factor` blocks of extremes: (channels, blocks, 2) to fewer blocks."""
    low, high = extremes(pairs[:, :, 0], factor), extremes(pairs[:, :, 1], factor)
    return np.stack([low[:, :, 0], high[:, :, 1]], axis=2)
