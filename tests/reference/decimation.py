"""Minimum and maximum of blocks, sample by sample."""

from __future__ import annotations


def extremes(signal: list[list[float]], factor: int) -> list[list[list[float]]]:
    """Slow twin of `review.decimation.extremes`."""
    out: list[list[list[float]]] = []
    for channel in signal:
        blocks: list[list[float]] = []
        for place, value in enumerate(channel):
            if place % factor == 0:
                blocks.append([value, value])
            blocks[-1][0] = min(blocks[-1][0], value)
            blocks[-1][1] = max(blocks[-1][1], value)
        out.append(blocks)
    return out
