"""Batch plans: time and memory from 10^6 to 10^9 windows, beside torch's sampler; and a million batches counted.

    python benchmarks/plan.py [--rounds 3] [--batches 1000000]

The epoch of 10^7 windows is drawn by both ways in turns, each in a process of its own, whose memory is what it has
grown by at its peak. Random corpora, ranks and resumed steps are counted by the index's labels. What the report's probe
would take is reckoned from windows that are read here.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from store_reads import BLOCK_S, CHANNELS, LENGTH, SAMPLES, STARTS, stored

from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import union
from ictal.windows.index import IndexedRecording, WindowIndex, build
from ictal.windows.plan import BatchConfig, balanced, seizure_windows_in

SIZE, SEIZURE_WINDOWS = 32, 16
GRID = WindowGrid(length_samples=60, stride_samples=10)
EPOCH_WINDOWS = 10_000_000
REPORT_PROBE = 20_000
READS = 500
CORPORA, MAX_RANKS = 20, 16
SHAPES = ((10**6, 2_000, 400), (10**7, 10_000, 1000), (10**8, 30_000, 2000), (10**9, 50_000, 2000))
"""Windows, seizures and recordings."""


def corpus(windows: int, seizures: int, recordings: int, seed: int = 0) -> WindowIndex:
    """So many windows in equal recordings, with seizures of five to forty windows' strides."""
    rng = np.random.default_rng(seed)
    samples = windows // recordings * GRID.stride_samples + GRID.length_samples - GRID.stride_samples
    owner = rng.integers(0, recordings, seizures)
    made = []
    for number in range(recordings):
        count = int((owner == number).sum()) if seizures < 100 * recordings else seizures // recordings
        onsets = rng.integers(0, samples - 500, count)
        spans = union(np.stack([onsets, onsets + rng.integers(50, 400, count)], axis=1))
        made.append(IndexedRecording(id=f"r{number}", patient=f"p{number // 4}", samples=samples, seizures=spans))
    return build(made, GRID)


def per_batch_us(windows: int, seizures: int, recordings: int) -> tuple[float, float, float, float]:
    """Microseconds a batch, seconds to make index and plan, and the plan's megabytes beyond the index's."""
    started = time.perf_counter()
    index = corpus(windows, seizures, recordings)
    _ = index.seizure_windows, index.background_windows
    index_s = time.perf_counter() - started
    before = _peak_mb()
    started = time.perf_counter()
    plan = balanced(index, BatchConfig(size=SIZE, seizure_windows=SEIZURE_WINDOWS))
    plan.table(0, 1)
    plan_s = time.perf_counter() - started
    steps = 20_000
    started = time.process_time()
    for first in range(0, steps, 4096):
        plan.table(first, min(first + 4096, steps))
    return (time.process_time() - started) / steps * 1e6, index_s, plan_s, _peak_mb() - before


def epoch_ours() -> float:
    """Seconds to draw an epoch in batches; the index is there already."""
    index = corpus(EPOCH_WINDOWS, 10_000, 1000)
    _ = index.seizure_windows, index.background_windows
    return _timed(lambda: _draw(index))


def _draw(index: WindowIndex) -> None:
    plan = balanced(index, BatchConfig(size=SIZE, seizure_windows=SEIZURE_WINDOWS))
    for first in range(0, EPOCH_WINDOWS // SIZE, 4096):
        plan.table(first, min(first + 4096, EPOCH_WINDOWS // SIZE))


def epoch_torch() -> float:
    """Seconds to draw an epoch with `WeightedRandomSampler`; the labels are there already."""
    import torch  # noqa: PLC0415 - the other process is to be measured without it
    from torch.utils.data import WeightedRandomSampler  # noqa: PLC0415

    torch.set_num_threads(1)
    index = corpus(EPOCH_WINDOWS, 10_000, 1000)
    seizures = index.seizure_windows
    return _timed(lambda: _draw_torch(torch, WeightedRandomSampler, seizures))


def _draw_torch(torch: object, sampler: Callable[..., object], seizures: np.ndarray) -> None:
    weights = torch.ones(EPOCH_WINDOWS, dtype=torch.float64)  # type: ignore[attr-defined]
    weights[seizures] = (EPOCH_WINDOWS - len(seizures)) / len(seizures)
    for _ in sampler(weights, EPOCH_WINDOWS):  # type: ignore[attr-defined]
        pass


def _timed(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measure(work: Callable[[], float], pipe: Connection) -> None:
    """In a process of its own: seconds, and megabytes grown by beyond what index and imports take."""
    index = corpus(EPOCH_WINDOWS, 10_000, 1000)
    _ = index.seizure_windows, index.background_windows
    if work is epoch_torch:
        import torch.utils.data  # noqa: F401, PLC0415
    before = _peak_mb()
    seconds = work()
    pipe.send((seconds, _peak_mb() - before))


def in_process(work: Callable[[], float]) -> tuple[float, float]:
    """What `_measure` measured."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(work, theirs))
    process.start()
    found: tuple[float, float] = ours.recv()
    process.join()
    return found


def count_quotas(batches: int) -> tuple[int, int]:
    """Batches counted, and how many of them did not hold their quota."""
    rng = np.random.default_rng(1)
    counted = broken = 0
    for number in range(CORPORA):
        recordings = int(rng.integers(8, 60))
        index = corpus(int(rng.integers(2_000, 60_000)), int(rng.integers(40, 400)), recordings, seed=number)
        for ranks in rng.integers(1, MAX_RANKS + 1, 4).tolist():
            size = int(rng.integers(2, 33))
            quota = float(np.round(rng.uniform(1, max(1, size - 1)), 2))
            most = min(index.background_windows, len(index.seizure_windows)) // ranks
            config = BatchConfig(size=max(2, min(size, most)), seizure_windows=min(quota, max(1, min(size, most) - 1)))
            plan = balanced(index, config, ranks=ranks)
            steps = -(-batches // (CORPORA * 4 * ranks))
            for rank in range(ranks):
                first = int(rng.integers(0, 10**7))
                mine = plan.with_rank(rank, ranks)
                found = seizure_windows_in(index, mine.table(first, first + steps))
                broken += int((found != mine.seizure_windows_planned(first, first + steps)).sum())
                low, high = np.floor(config.seizure_windows), np.ceil(config.seizure_windows)
                broken += int(((found < low) | (found > high)).sum())
                counted += steps
    return counted, broken


def store_window_s() -> float:
    """Seconds for one window of 60 s by `read_uv`, from a store that is in the page cache."""
    rng, times = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder:
        units = rng.integers(-9999, 9999, (CHANNELS, SAMPLES)).astype(np.int16)
        recording = stored(Path(folder) / "recording.npy", units, BLOCK_S)
        for start in rng.choice(STARTS, READS).tolist():
            started = time.perf_counter()
            recording.read_uv(start, LENGTH)
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Print times, memory, ratios and counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=1_000_000)
    options = parser.parse_args()
    for windows, seizures, recordings in SHAPES:
        batch_us, index_s, plan_s, megabytes = per_batch_us(windows, seizures, recordings)
        print(
            f"{windows:>13,} windows: {batch_us:5.2f} us a batch of {SIZE}; index {index_s:.2f} s, "
            f"plan {plan_s * 1e3:.1f} ms and {megabytes:.0f} MB more"
        )
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(in_process(epoch_ours))
        theirs.append(in_process(epoch_torch))
    ours_s, ours_mb = (statistics.median(values) for values in zip(*ours, strict=True))
    theirs_s, theirs_mb = (statistics.median(values) for values in zip(*theirs, strict=True))
    ratio, memory = theirs_s / ours_s, ours_mb / theirs_mb
    print(f"epoch of {EPOCH_WINDOWS:,}: ours {ours_s:.2f} s, {ours_mb:.1f} MB", end="; ")
    print(f"WeightedRandomSampler {theirs_s:.2f} s, {theirs_mb:.0f} MB: {ratio:.1f} x; memory {memory:.1%} of it")
    window_s, own_h = store_window_s(), REPORT_PROBE * 3.7 / 3600
    print(f"the report's probe of {REPORT_PROBE:,}: {REPORT_PROBE * window_s:.0f} s from our store", end="")
    print(f" ({1e3 * window_s:.2f} ms a window), {own_h:.0f} h from its own cache")
    started = time.perf_counter()
    counted, broken = count_quotas(options.batches)
    print(f"{broken} of {counted:,} batches without their quota ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
