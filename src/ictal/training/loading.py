"""Batches in the order of their numbers, read here or ahead of time by other processes: the same ones either way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from ictal.training.augment import OnsetShift
from ictal.windows.dataset import Batch, WindowDataset

Numbered = tuple[int, list[int]]
"""Number of a batch among those of all ranks, and its windows."""


class Shifted(Dataset[Batch]):
    """Whole batches by number and windows, each window read from where it begins in that batch.

    Args:
        dataset: The windows.
        shift: Where they begin; None for where the index has them.
    """

    def __init__(self, dataset: WindowDataset, shift: OnsetShift | None) -> None:
        self.dataset, self.shift = dataset, shift

    def __getitem__(self, numbered: Numbered) -> Batch:
        number, windows = numbered
        if self.shift is None:
            return self.dataset.__getitems__(windows)
        numbers = np.array(windows, dtype=np.int64)
        return self.dataset.shifted(numbers, self.shift.samples(self.dataset.index, numbers, number))


def batches(
    dataset: WindowDataset, numbered: Iterator[Numbered], *, shift: OnsetShift | None, workers: int
) -> Iterator[Batch]:
    """The batches, one after the other.

    Args:
        dataset: The windows.
        numbered: Which batches.
        shift: Where their windows begin.
        workers: Processes that read ahead; 0 reads here. They start anew from nothing (`spawn`), so that they share no
            lock or thread with this process.
    """
    loader = DataLoader(
        Shifted(dataset, shift),
        batch_size=None,
        sampler=numbered,
        collate_fn=_as_given,
        num_workers=workers,
        worker_init_fn=_leave_signals_to_the_run,
        multiprocessing_context="spawn" if workers else None,
    )
    yield from loader


def _as_given(batch: Any) -> Any:
    """The dataset builds whole batches; there is nothing left to collate."""
    return batch


def _leave_signals_to_the_run(_worker: int) -> None:
    """Ctrl-C and a cluster's SIGTERM reach the whole process group; the run saves itself and ends its workers then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
