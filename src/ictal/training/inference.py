"""A model over a whole recording: overlapping windows, each time step scored once."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ictal.detection.stitching import stitch
from ictal.timeline.grid import WindowGrid


class SignalSource(Protocol):
    """A recording at the store's rate."""

    @property
    def samples(self) -> int:
        """Length of the recording."""

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """Microvolts from a sample on, zero past the end: (channels, length_samples)."""


def recording_logits(
    model: nn.Module,
    recording: SignalSource,
    *,
    length_samples: int,
    samples_per_step: int,
    batch_size: int,
    device: torch.device,
) -> npt.NDArray[np.float64]:
    """Logit of every time step of a recording, from windows that overlap by half: shape (steps,).

    The last step may reach past the end of the recording by less than a step.
    """
    half = length_samples // samples_per_step // 2 * samples_per_step
    grid = WindowGrid(length_samples=length_samples, stride_samples=half)
    starts = grid.starts(np.arange(int(grid.count(recording.samples))))
    steps = -(-recording.samples // samples_per_step)
    logits = np.full((len(starts), length_samples // samples_per_step), np.nan)
    model.eval()
    with torch.inference_mode():
        for first in range(0, len(starts), batch_size):
            batch = starts[first : first + batch_size]
            signal = np.stack([recording.read_uv(int(start), length_samples) for start in batch])
            valid = np.minimum(length_samples, recording.samples - batch)
            answer = model(torch.from_numpy(signal).to(device), torch.from_numpy(valid).to(device))
            logits[first : first + len(batch)] = answer.double().cpu().numpy()
    return stitch(logits, starts // samples_per_step, steps)
