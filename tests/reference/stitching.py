"""Stitching step by step: for each step of the recording, ask every window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def stitch(logits: npt.NDArray[np.floating], starts: list[int], length_steps: int) -> list[float]:
    """Weighted mean of the windows that hold each step."""
    steps = logits.shape[1]
    trace = []
    for step in range(length_steps):
        weighted_sum = weight_sum = 0.0
        for window, start in enumerate(starts):
            place = step - start
            if 0 <= place < steps:
                weight = min(place + 1, steps - place)
                weighted_sum += weight * float(logits[window, place])
                weight_sum += weight
        trace.append(weighted_sum / weight_sum)
    return trace
