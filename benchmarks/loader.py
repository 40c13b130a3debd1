"""Windows that a loader hands out in a second: `training.loading` against a `DataLoader` over memory maps.

Twelve recordings of 12 minutes, 19 channels at 256 Hz, all in the page cache; random batches of 32 windows of 60 s, the
same for all. Ours hands out int16, as it does for a GPU, or float32 µV, as it does for the processor, with labels and
weights; read by a thread of this process or by one or two others. The other way is what most projects do: a dataset
whose items are float32 windows cut from continuous int16 files by `np.load(mmap_mode="r")`, without labels, joined by
`DataLoader`. Nothing is done with the batches, so that the loader alone is timed, from the ninth on. Candidates take
turns. By the clock, and, where no other process works, of this process's own time: what one core does.

Then how long two processes take to hand out their first batch, and how much memory each has (its share of what is
shared counted), forked from the server or each started anew (`spawn`).

    OMP_NUM_THREADS=1 python benchmarks/loader.py
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import psutil
import torch
from store_reads import LENGTH, RATE_HZ, SAMPLES, STRIDE, signals, stored
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ictal.signals import forking
from ictal.signals.store import StoredRecording
from ictal.timeline.grid import WindowGrid
from ictal.training import loading
from ictal.windows.dataset import Batch, WindowDataset
from ictal.windows.index import IndexedRecording, build

SIZE, BATCHES, WARM, ROUNDS = 32, 40, 8, 5
WORKERS = (0, 1, 2)
SAMPLES_PER_STEP = 32
ELSEWHERE = torch.device("meta")
"""A device that is not the processor: signals stay int16, and nothing is pinned."""


class Mapped(Dataset[Tensor]):
    """Windows as float32 µV, one by one."""

    def __init__(self, files: Sequence[Path], scales: Sequence[np.ndarray], dataset: WindowDataset) -> None:
        self.files, self.scales, self.index = files, scales, dataset.index

    def __len__(self) -> int:
        return self.index.windows

    def __getitem__(self, window: int) -> Tensor:
        recording, start = (int(value[0]) for value in self.index.locate(np.array([window])))
        signal = np.load(self.files[recording], mmap_mode="r")[:, start : start + LENGTH]
        return torch.from_numpy(np.multiply(signal, self.scales[recording], dtype=np.float32))


def main() -> None:
    """Write, load in turn, print."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        recordings = [stored(folder / f"{number}.npy", values, 10) for number, values in enumerate(signals())]
        dataset = windows_of(recordings)
        files = [folder / f"whole-{number}.npy" for number in range(len(recordings))]
        for path, recording in zip(files, recordings, strict=True):
            np.save(path, recording.read(0, SAMPLES))
        mapped = Mapped(files, [recording.scale_uv[:, None] for recording in recordings], dataset)
        rng = np.random.default_rng(0)
        batches = rng.integers(dataset.index.windows, size=(BATCHES, SIZE)).tolist()
        candidates: dict[str, Callable[[], Iterator[object]]] = {}
        for workers in WORKERS:
            ours = partial(loading.batches, dataset, shift=None, workers=workers)
            numbered = partial(enumerate, batches)
            candidates[f"ictal, int16, {workers} processes"] = partial(again, ours, numbered, device=ELSEWHERE)
            candidates[f"ictal, float32, {workers} processes"] = partial(
                again, ours, numbered, device=torch.device("cpu")
            )
            candidates[f"memory maps, {workers} processes"] = partial(theirs, mapped, batches, workers)
        show(in_turn(candidates))
        show_starts(starts(partial(loading.batches, dataset, shift=None, workers=2, device=ELSEWHERE), batches))


def windows_of(recordings: Sequence[StoredRecording]) -> WindowDataset:
    """All windows; a seizure in every recording, so that labels are worked out as in life."""
    seizures = np.array([[100 * RATE_HZ, 160 * RATE_HZ]])
    indexed = [
        IndexedRecording(id=str(number), patient=str(number), samples=SAMPLES, seizures=seizures, types=("",))
        for number in range(len(recordings))
    ]
    index = build(indexed, WindowGrid(length_samples=LENGTH, stride_samples=STRIDE))
    return WindowDataset(index, recordings, SAMPLES_PER_STEP)


def again(
    ours: Callable[..., Iterator[object]], numbered: Callable[[], Iterator[object]], **settings: object
) -> Iterator[object]:
    """Our loader from its beginning."""
    return ours(numbered=numbered(), **settings)


def in_uv(ours: Callable[..., Iterator[Batch]], numbered: Callable[[], Iterator[object]]) -> Iterator[object]:
    """The same, with microvolts computed."""
    return (batch.signal_uv for batch in ours(numbered=numbered(), device=torch.device("cpu")))


def theirs(mapped: Mapped, batches: Sequence[list[int]], workers: int) -> Iterator[object]:
    """The other loader from its beginning."""
    return iter(DataLoader(mapped, batch_sampler=batches, num_workers=workers))


def in_turn(candidates: dict[str, Callable[[], Iterator[object]]]) -> dict[str, list[tuple[float, float]]]:
    """Windows per second by the clock and of this process's time, round by round."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, begin in candidates.items():
            moments = [(time.perf_counter(), time.process_time()) for _ in begin()]
            (wall, cpu), (wall_end, cpu_end) = moments[WARM], moments[-1]
            windows = SIZE * (len(moments) - 1 - WARM)
            rates[name].append((windows / (wall_end - wall), windows / (cpu_end - cpu)))
    return rates


def starts(ours: Callable[..., Iterator[object]], batches: Sequence[list[int]]) -> dict[str, list[tuple[float, float]]]:
    """Seconds to the first batch and megabytes of each process, in turn; the server's own start is in the first."""
    contexts = {"forked": forking.context, "spawned": lambda *_: multiprocessing.get_context("spawn")}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contexts}
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # noqa: SLF001 - whatever was measured before
    for _ in range(ROUNDS):
        for name, context in contexts.items():
            forking.context = context  # type: ignore[assignment]
            before = {process.pid for process in psutil.Process().children(recursive=True)}
            started = time.perf_counter()
            begun = ours(numbered=iter(enumerate(batches)))
            next(begun)
            seconds = time.perf_counter() - started
            family = [p for p in psutil.Process().children(recursive=True) if p.pid not in before and not p.children()]
            taken[name].append((seconds, max(p.memory_full_info().pss for p in family) / 1e6))
            del begun
    return taken


def show_starts(taken: dict[str, list[tuple[float, float]]]) -> None:
    """The first, which starts the server too, and medians of the others."""
    for name, own in taken.items():
        seconds, size_mb = (statistics.median(one[part] for one in own[1:]) for part in (0, 1))
        print(f"  {name:<32} {own[0][0]:9.1f} s at first, {seconds:.1f} s again; {size_mb:.0f} MB each")


def show(rates: dict[str, list[tuple[float, float]]]) -> None:
    """Medians."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; windows/s, medians of {ROUNDS}")
    for name, own in rates.items():
        wall, cpu = (statistics.median(rate[clock] for rate in own) for clock in (0, 1))
        print(f"  {name:<32} {wall:9,.0f} by the clock" + (f" {cpu:9,.0f} a core" if ", 0 " in name else ""))


if __name__ == "__main__":
    main()
