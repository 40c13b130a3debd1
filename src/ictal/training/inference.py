"""A model over a whole recording, each time step scored once.

A model that reads time forward only is run as it would be live: from the first sample to the last, with what it
remembers, so that a threshold chosen on recordings holds for a stream. Any other is run on overlapping windows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ictal.detection.stitching import stitch
from ictal.models.detector import Detector
from ictal.models.streaming import Stream, is_causal
from ictal.timeline.grid import WindowGrid


class SignalSource(Protocol):
    """A recording at the store's rate."""

    @property
    def samples(self) -> int:
        """Length of the recording."""

    @property
    def valid_channels(self) -> npt.NDArray[np.bool_]:
        """Which channels the recording has: (channels,)."""

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
    """Logit of every time step of a recording: shape (steps,).

    The last step may reach past the end of the recording by less than a step. Windows overlap by half; a model that
    reads forward only takes as much at once as a batch of windows holds.
    """
    if isinstance(model, Detector) and is_causal(model.config):
        return streamed_logits(model, recording, chunk_samples=batch_size * length_samples)
    model.eval()
    return _over_windows(
        lambda *window: model(*window).unsqueeze(-1),
        recording,
        length_samples=length_samples,
        samples_per_step=samples_per_step,
        batch_size=batch_size,
        device=device,
    )[:, 0]


def recording_types(
    model: Detector, recording: SignalSource, *, length_samples: int, batch_size: int, device: torch.device
) -> npt.NDArray[np.float64]:
    """Log probability of each type of seizure, were it one, in every time step of a recording: (steps, types).

    Always on windows: a seizure that is to be named is over.
    """
    model.eval()
    return _over_windows(
        lambda *window: model.types(model.rows(*window)),
        recording,
        length_samples=length_samples,
        samples_per_step=model.config.samples_per_step,
        batch_size=batch_size,
        device=device,
    )


def _over_windows(
    answer: Callable[[Tensor, Tensor, Tensor], Tensor],
    recording: SignalSource,
    *,
    length_samples: int,
    samples_per_step: int,
    batch_size: int,
    device: torch.device,
) -> npt.NDArray[np.float64]:
    """Answers (B, S, numbers) of windows that overlap by half, as one (steps, numbers) of the recording."""
    half = length_samples // samples_per_step // 2 * samples_per_step
    grid = WindowGrid(length_samples=length_samples, stride_samples=half)
    starts = grid.starts(np.arange(int(grid.count(recording.samples))))
    steps = -(-recording.samples // samples_per_step)
    channels = torch.from_numpy(recording.valid_channels).to(device)
    answers = []
    with torch.inference_mode():
        for first in range(0, len(starts), batch_size):
            batch = starts[first : first + batch_size]
            signal = np.stack([recording.read_uv(int(start), length_samples) for start in batch])
            valid = np.minimum(length_samples, recording.samples - batch)
            found = answer(
                torch.from_numpy(signal).to(device),
                torch.from_numpy(valid).to(device),
                channels.expand(len(batch), -1),
            )
            answers.append(found.double().cpu().numpy())
    every = np.concatenate(answers)
    return np.stack([stitch(every[..., n], starts // samples_per_step, steps) for n in range(every.shape[2])], axis=1)


def streamed_logits(model: Detector, recording: SignalSource, *, chunk_samples: int) -> npt.NDArray[np.float64]:
    """Logit of every time step of a recording, by a model that reads forward only: shape (steps,).

    Args:
        model: The model, on its device.
        recording: The signal.
        chunk_samples: How much is given to the model at once; the logits do not depend on it beyond rounding.
    """
    stream = Stream(model, torch.from_numpy(recording.valid_channels))
    logits = []
    for start in range(0, recording.samples, chunk_samples):
        length = min(chunk_samples, recording.samples - start)
        logits.append(stream.push(torch.from_numpy(recording.read_uv(start, length))))
    return torch.cat([*logits, stream.finish()]).double().cpu().numpy()
