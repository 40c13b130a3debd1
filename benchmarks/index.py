"""Exact window index of a corpus of TUSZ's size: ictal against a mask per recording and a loop over its windows.

Both run interleaved on the same 3,734 synthetic annotation sets; the slow way on every tenth recording, scaled up.

    python benchmarks/index.py
"""

from __future__ import annotations

import statistics
import time
import tracemalloc

import numpy as np

from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import union
from ictal.windows.index import IndexedRecording, build
from ictal.windows.labels import BACKGROUND

RATE_HZ, RECORDINGS, REPEATS, SHARE = 256, 3734, 7, 10
GRID = WindowGrid(length_samples=60 * RATE_HZ, stride_samples=10 * RATE_HZ)


def corpus(rng: np.random.Generator) -> list[IndexedRecording]:
    """Recordings of about 12 minutes; a fifth of them with a few seizures of about a minute."""
    recordings = []
    for number in range(RECORDINGS):
        samples = int(rng.gamma(4, 183) * RATE_HZ) + 60 * RATE_HZ
        count = rng.integers(1, 4) if rng.random() < 0.2 else 0
        onsets = rng.integers(0, samples - 10 * RATE_HZ, count)
        stops = np.minimum(onsets + (rng.gamma(2, 30, count) * RATE_HZ).astype(np.int64) + 1, samples)
        seizures = union(np.stack([onsets, stops], axis=1))
        patient = f"p{number // 7}"
        recordings.append(IndexedRecording(id=f"r{number}", patient=patient, samples=samples, seizures=seizures))
    return recordings


def by_mask(recordings: list[IndexedRecording]) -> int:
    """Ictal samples in all windows, from one mask per recording and a loop over its windows."""
    ictal = 0
    for recording in recordings:
        mask = np.zeros(recording.samples, dtype=bool)
        for start, stop in recording.seizures:
            mask[start:stop] = True
        for window in range(int(GRID.count(recording.samples))):
            ictal += int(mask[window * GRID.stride_samples :][: GRID.length_samples].sum())
    return ictal


def large(recordings: int, stride_s: float, hours: float) -> None:
    """Time and memory of a whole index, seizure windows listed, and of finding windows in its background."""
    rng = np.random.default_rng(1)
    samples = int(hours * 3600 * RATE_HZ)
    grid = WindowGrid(length_samples=60 * RATE_HZ, stride_samples=int(stride_s * RATE_HZ))
    made = []
    for number in range(recordings):
        onset = int(rng.integers(0, samples - 60 * RATE_HZ))
        seizures = np.array([[onset, onset + 40 * RATE_HZ]]) if number % 5 == 0 else np.empty((0, 2), dtype=np.int64)
        made.append(IndexedRecording(id=f"r{number}", patient=f"p{number // 7}", samples=samples, seizures=seizures))
    times_s = []
    for _ in range(3):
        started = time.process_time()
        index = build(made, grid)
        _ = index.seizure_windows, index.background_windows
        times_s.append(time.process_time() - started)
    tracemalloc.start()
    index = build(made, grid)
    _ = index.seizure_windows, index.background_windows
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    pool = index.pool(*BACKGROUND)
    places = rng.integers(0, pool.size, 1_000_000)
    runs = np.cumsum(pool.runs[:, 1] - pool.runs[:, 0])
    table_ns, search_ns = [], []
    for _ in range(5):
        started = time.process_time()
        found = pool.members(places)
        table_ns.append((time.process_time() - started) * 1e9 / len(places))
        started = time.process_time()
        run = np.searchsorted(runs, places, side="right")
        searched = places - runs[run] + pool.runs[run, 1]
        search_ns.append((time.process_time() - started) * 1e9 / len(places))
    assert (found == searched).all()
    print(
        f"{index.windows:,} windows, {len(index.seizure_windows):,} with a seizure, {recordings:,} recordings: "
        f"{statistics.median(times_s) * 1e3:.1f} ms, {peak_mb:.0f} MB; a place in the background "
        f"{statistics.median(table_ns):.0f} ns, by plain search {statistics.median(search_ns):.0f} ns"
    )


def main() -> None:
    """Print times and ratio."""
    recordings = corpus(np.random.default_rng(0))
    sample = recordings[::SHARE]
    ours_s, masks_s = [], []
    for _ in range(REPEATS):
        started = time.perf_counter()
        index = build(recordings, GRID)
        ours_s.append(time.perf_counter() - started)
        started = time.perf_counter()
        ictal = by_mask(sample)
        masks_s.append((time.perf_counter() - started) * SHARE)
    assert int(build(sample, GRID).ictal_samples.sum()) == ictal, "the two ways differ"
    ours, masks = statistics.median(ours_s), statistics.median(masks_s)
    print(f"{index.windows:,} windows, {len(index.seizure_windows):,} with a seizure, {len(recordings):,} recordings")
    print(f"ictal {ours * 1e3:.1f} ms; masks and loops {masks * 1e3:.0f} ms; ratio {masks / ours:.0f}")

    large(recordings=7364, stride_s=10.0, hours=0.205)
    large(recordings=28_000, stride_s=1.0, hours=1.0)


if __name__ == "__main__":
    main()
