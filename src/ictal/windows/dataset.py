"""Windows as tensors: signals from the store or the EDFs, labels from the index.

Labels are the exact ictal share of each time step (0 or 1 except in the steps that hold an onset or an offset), and
weights the share of the step that carries a label, so that the weighted mean label equals the prevalence per time step.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ictal.signals.readable import Readable
from ictal.windows.index import WindowIndex
from ictal.windows.pools import Numbers

NO_TYPE = -1
"""In place of a type: of steps that are not ictal, or of a type that is not told apart."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch of windows: B windows, C channels, T samples, S time steps.

    Signals travel as the integers that the store holds, half the bytes of float32, and become microvolts where they are
    used: on the device.
    """

    windows: Numbers
    """Window numbers in the index: (B,)."""
    shift_samples: Numbers
    """Samples that each begins later than the index has it: (B,)."""
    units: Tensor
    """Signals as stored, zero in the padding: (B, C, T) int16."""
    scale_uv: Tensor
    """Microvolts of one unit: (B, C) float32."""
    valid_samples: Tensor
    """Samples inside the recording: (B,) int64."""
    valid_channels: Tensor
    """Channels that the recording has, measured or interpolated: (B, C) bool."""
    labels: Tensor
    """Ictal share of what carries a label in each step: (B, S) float32."""
    weights: Tensor
    """Share of each step that carries a label: inside the recording, outside the margins: (B, S) float32."""
    types: Tensor
    """Place of each ictal step's type among those that are told apart, or NO_TYPE: (B, S) int8."""
    room: Tensor | None = None
    """Memory that `signal_uv` is put into, rather than in memory of its own: (B, C, T) float32."""

    @cached_property
    def signal_uv(self) -> Tensor:
        """Microvolts, zero in the padding: (B, C, T) float32; the same numbers on every device."""
        room = torch.empty(self.units.shape, device=self.units.device) if self.room is None else self.room
        return room.copy_(self.units).mul_(self.scale_uv[:, :, None])

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        if device == self.units.device:
            return self
        moved = {
            name: getattr(self, name).to(device, non_blocking=True)
            for name in ("units", "scale_uv", "valid_samples", "valid_channels", "labels", "weights", "types")
        }
        return replace(self, **moved, room=None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Memory:
    """Memory for the signals of a batch, which may be used again: new memory of this size is slow at first touch."""

    units: Tensor
    """For `Batch.units`; of a larger batch than that which is put into it, perhaps."""
    room: Tensor | None = None
    """For `Batch.signal_uv`; None where that is computed elsewhere."""


class WindowDataset(Dataset[Batch]):
    """Windows of an index over preprocessed recordings; give its plan's batches to a `DataLoader` as `batch_sampler`.

    Args:
        index: The windows.
        stored: The signal of every recording of the index, in its order.
        samples_per_step: Samples that one label stands for; must divide the window's length.
        types: Types of seizures that are told apart.
    """

    def __init__(
        self,
        index: WindowIndex,
        stored: Sequence[Readable],
        samples_per_step: int,
        types: Sequence[str] = (),
    ) -> None:
        assert len(stored) == len(index.recordings)
        assert index.grid.length_samples % samples_per_step == 0
        for recording, signal in zip(index.recordings, stored, strict=True):
            assert recording.samples == signal.samples, f"{recording.id}: index and store differ in length"
        self.index = index
        self.stored = stored
        self.samples_per_step = samples_per_step
        self.types = tuple(types)
        self._memory: Memory | None = None

    def __len__(self) -> int:
        return self.index.windows

    def __getitem__(self, window: int) -> Batch:
        return self.__getitems__([window])

    def __getitems__(self, windows: Iterable[int]) -> Batch:
        """A whole batch at once: what `DataLoader` asks for."""
        numbers = np.fromiter(windows, dtype=np.int64)
        return self.shifted(numbers, np.zeros_like(numbers))

    @property
    def window_shape(self) -> tuple[int, int]:
        """Channels and samples of a window."""
        return len(self.stored[0].scale_uv), self.index.grid.length_samples

    def into(self, memory: Memory) -> WindowDataset:
        """The same windows; every batch is put into this memory, where it replaces the one before."""
        clone = copy.copy(self)
        clone._memory = memory  # noqa: SLF001 - of this class
        return clone

    def shifted(self, numbers: Numbers, shift_samples: Numbers) -> Batch:
        """A whole batch of windows that begin elsewhere than the index has them, inside their recordings.

        Args:
            numbers: Window numbers, (B,).
            shift_samples: Samples that each begins later, (B,).
        """
        recordings, starts = self.index.locate(numbers)
        starts = starts + shift_samples
        memory = self._memory or Memory(units=torch.empty((len(numbers), *self.window_shape), dtype=torch.int16))
        units = memory.units[: len(numbers)]
        self._read(recordings, starts, units.numpy())
        valid = np.minimum(self.index.grid.length_samples, self.index.lengths[recordings] - starts)
        labels, weights = step_labels(self.index, numbers, self.samples_per_step, shift_samples)
        return Batch(
            windows=numbers,
            shift_samples=shift_samples,
            units=units,
            scale_uv=torch.from_numpy(np.stack([self.stored[r].scale_uv for r in recordings])),
            valid_samples=torch.from_numpy(valid),
            valid_channels=torch.from_numpy(np.stack([self.stored[r].valid_channels for r in recordings])),
            labels=torch.from_numpy(labels),
            weights=torch.from_numpy(weights),
            types=torch.from_numpy(step_types(self.index, numbers, labels, self.types, shift_samples)),
            room=None if memory.room is None else memory.room[: len(numbers)],
        )

    def _read(self, recordings: Numbers, starts: Numbers, units: npt.NDArray[np.int16]) -> None:
        """Fill (B, C, T) with signals: first all that are in memory; the others are announced, then waited for."""
        length = units.shape[2]
        wanted = list(zip(map(self.stored.__getitem__, recordings), starts.tolist(), units, strict=True))
        late = [one for one in wanted if not one[0].read_into(one[1], one[2], wait=False)]
        for recording, start, _ in late:
            recording.announce(start, length)
        for recording, start, window in late:
            recording.read_into(start, window)


def step_labels(
    index: WindowIndex, windows: Numbers, samples_per_step: int, shift_samples: Numbers | int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Ictal share among the labelled samples, and share of labelled samples, of every time step of the windows.

    Padding carries no label, nor do the margins of the index's label rule.

    Args:
        index: The windows.
        windows: Window numbers, shape (windows,).
        samples_per_step: Samples of a time step.
        shift_samples: Samples that each window begins later than the index has it.

    Returns:
        Labels and weights, each of shape (windows, steps).
    """
    recording, start = index.locate(windows)
    edges = (start + shift_samples)[:, None] + np.arange(0, index.grid.length_samples + 1, samples_per_step)
    ictal, labelled = index.labels.labelled(recording[:, None], edges[:, :-1], edges[:, 1:])
    labels = np.divide(ictal, labelled, out=np.zeros(ictal.shape, dtype=np.float32), where=labelled > 0)
    return labels, (labelled / samples_per_step).astype(np.float32)


def step_types(
    index: WindowIndex,
    windows: Numbers,
    labels: npt.NDArray[np.float32],
    types: Sequence[str],
    shift_samples: Numbers | int = 0,
) -> npt.NDArray[np.int8]:
    """Place among `types` of the type of the seizure in every ictal step, the first one where a step holds two.

    Args:
        index: The windows.
        windows: Window numbers, shape (windows,).
        labels: What `step_labels` gives for them, (windows, steps).
        types: Types of seizures that are told apart.
        shift_samples: Samples that each window begins later than the index has it.

    Returns:
        Shape (windows, steps); NO_TYPE in steps that are not ictal, and where the type is another or unknown.
    """
    found = np.full(labels.shape, NO_TYPE, dtype=np.int8)
    if not types:
        return found
    recording, start = index.locate(windows)
    step = index.grid.length_samples // labels.shape[1]
    row, place = np.nonzero(labels)
    seizure = index.next_seizure(recording[row], (start + shift_samples)[row] + place * step)
    place_of = {kind: number for number, kind in enumerate(types)}
    codes = np.array([place_of.get(kind, NO_TYPE) for kind in index.seizure_types], dtype=np.int8)
    found[row, place] = codes[seizure]
    return found
