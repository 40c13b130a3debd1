"""Exact window index of a corpus of TUSZ's size: ictal against a mask per recording and a loop over its windows.

Both run interleaved on the same 3,734 synthetic annotation sets; the slow way on every tenth recording, scaled up.

    python benchmarks/index.py
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import union
from ictal.windows.index import IndexedRecording, build

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


if __name__ == "__main__":
    main()
