"""A model over a whole recording, each time step scored once.

A model that reads time forward only is run as it would be live: from the first sample to the last, with what it
remembers, so that a threshold chosen on recordings holds for a stream. Any other is run on overlapping windows.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ictal.detection.stitching import stitch
from ictal.models.detector import Detector
from ictal.models.streaming import Stream, is_causal
from ictal.timeline.grid import WindowGrid

Floats: TypeAlias = npt.NDArray[np.float64]


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


class Traces(NamedTuple):
    """What a model says of every time step of a recording; the last one may reach past the end by less than a step."""

    logits: Floats
    """(steps,)."""
    types: Floats
    """Log probability of each type of seizure that it tells apart, were the step ictal: (steps, types)."""


def recording_traces(
    model: nn.Module,
    recording: SignalSource,
    *,
    length_samples: int,
    samples_per_step: int,
    batch_size: int,
    device: torch.device,
) -> Traces:
    """A model over a recording, in one pass.

    Windows overlap by half; a model that reads forward only takes as much at once as a batch of windows holds.
    """
    if isinstance(model, Detector) and is_causal(model.config):
        return streamed_traces(model, recording, chunk_samples=batch_size * length_samples)
    model.eval()
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
            found = _side_by_side(
                model,
                torch.from_numpy(signal).to(device),
                torch.from_numpy(valid).to(device),
                channels.expand(len(batch), -1),
            )
            answers.append(found.double().cpu().numpy())
    every = np.concatenate(answers)
    columns = [stitch(every[..., n], starts // samples_per_step, steps) for n in range(every.shape[2])]
    return Traces(logits=columns[0], types=np.stack(columns, axis=1)[:, 1:])


def _side_by_side(model: nn.Module, signal_uv: Tensor, valid_samples: Tensor, valid_channels: Tensor) -> Tensor:
    """Logits and, behind them, types of windows: (B, S, 1 + types)."""
    if not isinstance(model, Detector):
        logits: Tensor = model(signal_uv, valid_samples, valid_channels)
        return logits.unsqueeze(-1)
    answers = model.answers(signal_uv, valid_samples, valid_channels)
    return torch.cat([answers.logits.unsqueeze(-1), answers.types], dim=-1)


def streamed_traces(model: Detector, recording: SignalSource, *, chunk_samples: int) -> Traces:
    """A model that reads forward only over a recording.

    Args:
        model: The model, on its device.
        recording: The signal.
        chunk_samples: How much is given to the model at once; what it says does not depend on it beyond rounding.
    """
    stream = Stream(model, torch.from_numpy(recording.valid_channels))
    answers = []
    for start in range(0, recording.samples, chunk_samples):
        length = min(chunk_samples, recording.samples - start)
        answers.append(stream.push(torch.from_numpy(recording.read_uv(start, length))))
    logits, types = (torch.cat(parts).double().cpu().numpy() for parts in zip(*answers, stream.finish(), strict=True))
    return Traces(logits=logits, types=types)
