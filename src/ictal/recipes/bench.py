"""`ictal bench loader RUN`: how fast this run's windows could come, and what its training waits for.

The plan's own first batches are read twice by the run's own loader: from the disk, after their pages were given back to
the system, and from memory. The same batches are then taken to the device, through the model and back. Reading goes on
while the model computes, so a batch takes as long as the slower of the two; nothing is written to the run.
"""

from __future__ import annotations

import copy
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from ictal.recipes.detector import device_of
from ictal.recipes.plan import Planned
from ictal.recipes.run import Run
from ictal.recipes.train import trainer_of
from ictal.signals.readable import Readable
from ictal.training import loading
from ictal.training.loop import Trainer
from ictal.training.optimiser import adamw
from ictal.training.ranks import ALONE
from ictal.windows.dataset import Batch

BATCHES = 24
WARM = 4
"""First batches that are not timed: processes start, memory is touched for the first time."""
STEPS = 8
"""Batches that go through the model; the first of them is not timed."""

Bound = Literal["disk", "cpu", "transfer", "model"]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Seconds that each part of a batch takes."""

    disk_s: float | None
    """The loader, from the disk; None where the file system keeps its files in memory."""
    memory_s: float
    """The loader, from memory: what its processor can do."""
    transfer_s: float
    """To the device, and there from int16 to microvolts."""
    forward_s: float
    """Augmentation, model and loss."""
    backward_s: float
    """Gradients and the optimiser's step."""

    @property
    def model_s(self) -> float:
        """All that the model takes."""
        return self.forward_s + self.backward_s

    @property
    def step_s(self) -> float:
        """From a batch that was handed out to the next that is asked for."""
        return self.transfer_s + self.model_s

    def bound(self, *, from_disk: bool) -> Bound:
        """What a batch waits for where windows come from the disk, or from memory."""
        reading_s = self.disk_s if from_disk and self.disk_s is not None else self.memory_s
        if reading_s <= self.step_s:
            return "transfer" if self.transfer_s > self.model_s else "model"
        return "disk" if reading_s > 2 * self.memory_s else "cpu"


@dataclass(frozen=True, kw_only=True)
class LoaderBench:
    """What was measured."""

    windows: int
    """Windows of a batch."""
    device: str
    workers: int
    """Processes of the loader; 0 for a thread."""
    store_bytes: int
    """Signals of the training part."""
    memory_bytes: int
    """Memory of this machine."""
    parts: Parts

    @property
    def fits(self) -> bool:
        """Whether the training part's signals can stay in memory after they were read once, at half of it."""
        return self.store_bytes <= self.memory_bytes / 2

    @property
    def sentence(self) -> str:
        """What training is bound by."""
        first, later = self.parts.bound(from_disk=True), self.parts.bound(from_disk=not self.fits)
        if first == later:
            return f"Training is bound by {self._said(later, from_disk=not self.fits)}."
        signals, memory = self.store_bytes / 1e9, self.memory_bytes / 1e9
        return (
            f"While windows are read for the first time training is bound by {self._said(first, from_disk=True)}; "
            f"then {signals:,.2f} GB of signals stay in {memory:,.0f} GB of memory, and it is bound by "
            f"{self._said(later, from_disk=False)}."
        )

    def document(self) -> dict[str, object]:
        """As a JSON object."""
        rates = {
            name.replace("_s", "_windows_per_s"): None if seconds is None else self.windows / seconds
            for name, seconds in asdict(self.parts).items()
        }
        return {
            **{name: value for name, value in asdict(self).items() if name != "parts"},
            "seconds": asdict(self.parts),
            "windows_per_s": rates,
            "bound_from_disk": self.parts.bound(from_disk=True),
            "bound_from_memory": self.parts.bound(from_disk=False),
            "fits_in_memory": self.fits,
            "sentence": self.sentence,
        }

    def _said(self, bound: Bound, *, from_disk: bool) -> str:
        """A part with its seconds, and those of what runs beside it."""
        parts = self.parts
        reading_s = parts.disk_s if from_disk and parts.disk_s is not None else parts.memory_s
        said = {
            "disk": f"the disk: a batch of {self.windows} takes {_ms(reading_s)} to read and {_ms(parts.step_s)} "
            "to learn",
            "cpu": f"the loader's processor: a batch of {self.windows} takes {_ms(reading_s)} to read from memory and "
            f"{_ms(parts.step_s)} to learn; try more machine.loader_workers",
            "transfer": f"the way to the device: {_ms(parts.transfer_s)} of the {_ms(parts.step_s)} of a step",
            "model": f"the model: forward and backward take {_ms(parts.model_s)} for a batch of {self.windows}, "
            f"which is read in {_ms(reading_s)} meanwhile",
        }
        return said[bound]


def bench_loader(run: Run, planned: Planned, progress: Callable[[int, int], None]) -> LoaderBench:
    """Read and learn the run's first batches.

    Args:
        run: The run, planned and prepared.
        planned: Its plan.
        progress: Called with (done, total) parts.

    Raises:
        InputError: if a recording is not in the store, or the device is not there.
    """
    config = run.config
    torch.set_num_threads(config.machine.threads)
    trainer, _, _ = trainer_of(run, planned, ranks=ALONE, folder=run.folder, device=device_of(config))
    files = _files(trainer)
    progress(0, 3)
    disk_s = _seconds_each(trainer) if _evicted(files) else None
    progress(1, 3)
    _ = _seconds_each(trainer)
    memory_s = _seconds_each(trainer)
    progress(2, 3)
    transfer_s, forward_s, backward_s = _step(trainer)
    progress(3, 3)
    return LoaderBench(
        windows=config.batch.size,
        device=str(trainer.device),
        workers=config.machine.loader_workers,
        store_bytes=sum(stored.size_bytes for stored in trainer.dataset.stored),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        parts=Parts(
            disk_s=disk_s, memory_s=memory_s, transfer_s=transfer_s, forward_s=forward_s, backward_s=backward_s
        ),
    )


def _batches(trainer: Trainer, count: int) -> Iterator[Batch]:
    """The run's first batches, as training gets them."""
    numbered = enumerate(trainer.plan.batches(0, count))
    shift, workers = trainer.onset_shift, trainer.loader_workers
    return loading.batches(trainer.dataset, numbered, shift=shift, workers=workers, device=trainer.device)


def _seconds_each(trainer: Trainer) -> float:
    """Seconds between two batches that nobody does anything with."""
    moments = [time.perf_counter() for _ in _batches(trainer, BATCHES)]
    return (moments[-1] - moments[WARM]) / (len(moments) - 1 - WARM)


def _files(trainer: Trainer) -> Sequence[Readable]:
    """The recordings that the first batches come from."""
    windows = np.concatenate(list(trainer.plan.batches(0, BATCHES)))
    recordings = np.unique(trainer.dataset.index.locate(windows)[0])
    return [trainer.dataset.stored[recording] for recording in recordings.tolist()]


def _evicted(files: Sequence[Readable]) -> bool:
    """Give back the memory that holds them; whether it is free, which some file systems never let it be."""
    for stored in files:
        stored.evict()
    probe = np.empty((len(files[0].channels), 1), dtype=np.int16)
    return not any(stored.read_into(stored.samples // 2, probe, wait=False) for stored in files)


def _step(trainer: Trainer) -> tuple[float, float, float]:
    """Median seconds to the device, forward and backward, by a copy of the model."""
    model: nn.Module = copy.deepcopy(trainer.model).train()
    optimiser = adamw(model, trainer.config.learning_rate, trainer.config.weight_decay)
    laps: list[tuple[float, float, float]] = []
    for number, read in enumerate(_batches(trainer, STEPS)):
        moments = [_now(trainer.device)]
        batch = read.to(trainer.device)
        batch.signal_uv  # noqa: B018 - computed here, on the device
        moments.append(_now(trainer.device))
        with torch.autocast(trainer.device.type, torch.bfloat16, enabled=trainer.config.precision == "bf16"):
            signal_uv, valid_channels = trainer.augmentation(batch, number)
            answer = model(signal_uv, batch.valid_samples, valid_channels)
        lost, weight = trainer.loss.sums(answer.float(), batch.labels, batch.weights)
        moments.append(_now(trainer.device))
        optimiser.zero_grad()
        (lost / weight).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), trainer.config.clip_norm)
        optimiser.step()
        moments.append(_now(trainer.device))
        laps.append((moments[1] - moments[0], moments[2] - moments[1], moments[3] - moments[2]))
    transfer, forward, backward = (statistics.median(part) for part in zip(*laps[1:], strict=True))
    return transfer, forward, backward


def _now(device: torch.device) -> float:
    """This moment, after a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:,.3g} ms"
