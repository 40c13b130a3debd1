"""Overlapping windows of logits become one trace per recording.

Invariant: every step of the recording appears in the trace exactly once, as the weighted mean of all windows that cover
it; steps that a window has past the end of the recording are padding and enter nothing. Weights are triangular and
strictly positive: a model sees least context at a window's edges, so the windows that hold a step near their centre
count more, and a step that only an edge covers is still covered.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def triangular_weights(steps: int) -> npt.NDArray[np.float64]:
    """Weight of each step of a window: 1 at both edges, one more with each step towards the centre."""
    from_start = np.arange(1, steps + 1)
    return np.minimum(from_start, from_start[::-1]).astype(np.float64)


def stitch(
    logits: npt.NDArray[np.floating], starts: npt.NDArray[np.integer], length_steps: int
) -> npt.NDArray[np.float64]:
    """One logit per step of a recording.

    Args:
        logits: Shape (windows, steps), all windows of one recording in any order.
        starts: First step of each window, shape (windows,).
        length_steps: Steps in the recording.

    Returns:
        Shape (length_steps,).
    """
    assert logits.ndim == 2, f"logits have shape {logits.shape}, not (windows, steps)"
    assert starts.shape == (len(logits),), f"{len(logits)} windows but starts of shape {starts.shape}"
    assert starts.min(initial=0) >= 0, f"a window starts before the recording, at step {starts.min()}"
    steps = starts[:, None].astype(np.int64) + np.arange(logits.shape[1])
    inside = steps < length_steps
    weights = np.broadcast_to(triangular_weights(logits.shape[1]), logits.shape)[inside]
    weight = np.bincount(steps[inside], weights=weights, minlength=length_steps)
    assert (weight > 0).all(), f"{(weight == 0).sum()} of {length_steps} steps lie in no window"
    weighted_sum = np.bincount(steps[inside], weights=weights * logits[inside], minlength=length_steps)
    trace = weighted_sum / weight
    assert np.isfinite(trace).all(), f"{(~np.isfinite(trace)).sum()} of {length_steps} stitched logits are not finite"
    return trace
