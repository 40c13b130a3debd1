"""Batches in the order of their numbers, read ahead by a thread or by other processes: the same ones either way.

Signals are read into memory that is used again, in turn: new memory of that size costs more at first touch than reading
does. A batch therefore holds until `keep` further ones have been asked for.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ictal.errors import InputError
from ictal.signals import forking
from ictal.training.augment import OnsetShift
from ictal.windows.dataset import Batch, Memory, WindowDataset

Numbered = tuple[int, list[int]]
"""Number of a batch among those of all ranks, and its windows."""
Parcel = dict[str, npt.NDArray[Any]]
"""A batch without its signals, which are in memory that both processes share."""

_AHEAD = 1  # batches that the thread reads while one is used
_AHEAD_OF_EACH = 2  # batches that each process reads ahead
_TENSORS = ("scale_uv", "valid_samples", "valid_channels", "labels", "weights", "types")


class Shifted(Dataset[Parcel | InputError]):
    """Whole batches by number and windows, each window read from where it begins in that batch.

    Args:
        dataset: The windows.
        shift: Where they begin; None for where the index has them.
        ring: Memory for them, by turns.
    """

    def __init__(self, dataset: WindowDataset, shift: OnsetShift | None, ring: list[Memory]) -> None:
        self.dataset, self.shift, self.ring = dataset, shift, ring

    def read(self, turn: int, numbered: Numbered) -> Batch:
        """The batch, in the memory whose turn it is."""
        number, windows = numbered
        dataset = self.dataset.into(self.memory(turn))
        if self.shift is None:
            return dataset.__getitems__(windows)
        numbers = np.array(windows, dtype=np.int64)
        return dataset.shifted(numbers, self.shift.samples(dataset.index, numbers, number))

    def memory(self, turn: int) -> Memory:
        """The memory whose turn it is."""
        return self.ring[turn % len(self.ring)]

    def __getitem__(self, turn: tuple[int, Numbered]) -> Parcel | InputError:
        """What another process hands over; the signals are in the ring. Bad input travels whole, to be raised there."""
        try:
            batch = self.read(*turn)
        except InputError as error:
            return error
        tensors = {name: getattr(batch, name).numpy() for name in _TENSORS}
        return {"windows": batch.windows, "shift_samples": batch.shift_samples, **tensors}


def batches(
    dataset: WindowDataset,
    numbered: Iterator[Numbered],
    *,
    shift: OnsetShift | None,
    workers: int,
    device: torch.device,
    keep: int = 1,
) -> Iterator[Batch]:
    """The batches, one after the other, in this process's memory.

    Args:
        dataset: The windows.
        numbered: Which batches.
        shift: Where their windows begin.
        workers: Processes that read ahead; 0 for a thread of this one. They share no lock, thread or file with this
            process (`signals.forking`).
        device: Where they will be used. For the processor, microvolts are computed ahead and in memory of the ring
            too; for a GPU without workers the ring is pinned: its copy must be done before the memory's next turn.
        keep: Batches that are used at the same time.
    """
    first = next(numbered, None)
    if first is None:
        return
    slots = keep + 1 + (workers * _AHEAD_OF_EACH or _AHEAD)
    shape = (len(first[1]), *dataset.window_shape)
    ring = [_memory(shape, device, shared=workers > 0) for _ in range(slots)]
    turns = enumerate(itertools.chain([first], numbered))
    if workers:
        yield from _by_processes(Shifted(dataset, shift, ring), turns, workers)
    else:
        yield from _by_a_thread(Shifted(dataset, shift, ring), turns, device)


def _memory(shape: tuple[int, int, int], device: torch.device, *, shared: bool) -> Memory:
    pinned = device.type == "cuda" and not shared
    units = torch.empty(shape, dtype=torch.int16, pin_memory=pinned)
    if shared:
        units.share_memory_()  # type: ignore[no-untyped-call]
    return Memory(units=units, room=torch.empty(shape) if device.type == "cpu" else None)


def _by_a_thread(windows: Shifted, turns: Iterator[tuple[int, Numbered]], device: torch.device) -> Iterator[Batch]:
    def read(turn: int, numbered: Numbered) -> Batch:
        batch = windows.read(turn, numbered)
        if device.type == "cpu":
            batch.signal_uv  # noqa: B018 - computed here, ahead of its use
        return batch

    pool = ThreadPoolExecutor(1, thread_name_prefix="loader")
    waiting: deque[Future[Batch]] = deque()
    try:
        for turn, numbered in turns:
            waiting.append(pool.submit(read, turn, numbered))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _by_processes(windows: Shifted, turns: Iterator[tuple[int, Numbered]], workers: int) -> Iterator[Batch]:
    loader = DataLoader(
        Shifted(windows.dataset, windows.shift, [replace(memory, room=None) for memory in windows.ring]),
        batch_size=None,
        sampler=turns,
        collate_fn=_as_given,
        num_workers=workers,
        prefetch_factor=_AHEAD_OF_EACH,
        worker_init_fn=_begin,
        multiprocessing_context=forking.context(__name__),
    )
    for turn, parcel in enumerate(loader):
        if isinstance(parcel, InputError):
            raise parcel
        memory, size = windows.memory(turn), len(parcel["windows"])
        tensors: dict[str, Tensor] = {name: torch.from_numpy(parcel[name]) for name in _TENSORS}
        yield Batch(
            windows=parcel["windows"],
            shift_samples=parcel["shift_samples"],
            units=memory.units[:size],
            room=None if memory.room is None else memory.room[:size],
            **tensors,
        )


def _as_given(batch: Any) -> Any:
    """The dataset builds whole batches; there is nothing left to collate."""
    return batch


def _begin(_worker: int) -> None:
    """Ctrl-C and a cluster's SIGTERM reach the whole process group; the run saves itself and ends its workers then."""
    forking.begin(terminable=False)
