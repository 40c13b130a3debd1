"""The signal store: seconds to build an hour of EEG, and milliseconds to read one random 60 s window, warm.

Windows of 19 channels at 256 Hz, every 10 s of 10 minutes, as float32 µV, from four stores of the same numbers: all
windows of the recording, overlaps written again and again, in one compressed NPZ (the incident's way: one window costs
the whole file, so longer recordings cost more), one compressed NPZ for each window, one continuous int16 `.npy` through
`np.load(mmap_mode="r")`, and `ictal`'s 10 s blocks with one positioned read. The candidates take turns in one run, so
that whatever else the machine does falls on all, and must give equal numbers. Building is timed from EDF to finished
files on disk, the fingerprint included. Run: `python benchmarks/store_window.py`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import edfio
import numpy as np
import numpy.typing as npt

from ictal.recordings.channels import SCALP_19
from ictal.recordings.edf import read_header
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import SignalStore, StoredRecording

ROUNDS = 15
WINDOWS_PER_ROUND = 2
WINDOW_SAMPLES = 60 * 256
STRIDE_SAMPLES = 10 * 256
READ_MINUTES = 10
BUILDS = 5
BUILD_RATES_HZ = (256, 250, 400, 512)
EXTRAS = ("A1", "A2", "T1", "T2", "EKG1")

Window = npt.NDArray[np.float32]
Reader = Callable[[int], Window]


def main() -> None:
    """Build, compare, time, print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        benchmark_reads(folder)
        for rate_hz in BUILD_RATES_HZ:
            benchmark_build(folder, rate_hz)


def benchmark_reads(folder: Path) -> None:
    """Read random windows from the three stores in turn."""
    header = read_header(write_edf(folder / "read.edf", READ_MINUTES, 256))
    store = SignalStore(folder / "store")
    recording = store.open(store.build(header, PreprocessConfig())[0].key)
    starts = range(0, recording.samples - WINDOW_SAMPLES + 1, STRIDE_SAMPLES)
    candidates: Mapping[str, Reader] = {
        "compressed NPZ, recording": npz_recording(folder / "all.npz", recording, starts),
        "compressed NPZ, each window": npz_windows(folder / "npz", recording, starts),
        "np.load memmap, continuous": memmap_windows(folder / "whole.npy", recording),
        "ictal store": lambda start: recording.read_uv(start, WINDOW_SAMPLES),
    }
    for start in starts[::20]:
        first, *others = (read(start) for read in candidates.values())
        for other in others:
            np.testing.assert_array_equal(first, other)
    print_times(in_turn(candidates, list(starts)))


def npz_recording(path: Path, recording: StoredRecording, starts: Sequence[int]) -> Reader:
    """One compressed file of float32 with all windows of the recording."""
    np.savez_compressed(path, windows=np.stack([recording.read_uv(start, WINDOW_SAMPLES) for start in starts]))

    def read(start: int) -> Window:
        with np.load(path) as file:
            return np.asarray(file["windows"][start // STRIDE_SAMPLES], dtype=np.float32)

    return read


def npz_windows(folder: Path, recording: StoredRecording, starts: Sequence[int]) -> Reader:
    """One compressed file of float32 for each window, overlaps written again and again."""
    folder.mkdir()
    for start in starts:
        np.savez_compressed(folder / f"{start}.npz", window=recording.read_uv(start, WINDOW_SAMPLES))

    def read(start: int) -> Window:
        with np.load(folder / f"{start}.npz") as file:
            return np.asarray(file["window"], dtype=np.float32)

    return read


def memmap_windows(path: Path, recording: StoredRecording) -> Reader:
    """The continuous recording (channels, samples) as int16, opened anew for each window as a loader's item is."""
    np.save(path, recording.read(0, recording.samples))
    scale_uv = recording.scale_uv[:, None]

    def read(start: int) -> Window:
        window = np.load(path, mmap_mode="r")[:, start : start + WINDOW_SAMPLES]
        return np.asarray(np.multiply(window, scale_uv, dtype=np.float32))

    return read


def in_turn(candidates: Mapping[str, Reader], starts: Sequence[int]) -> dict[str, list[float]]:
    """Seconds for each window in each round, every candidate in every round on the same random windows."""
    rng = np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        chosen = [int(start) for start in rng.choice(starts, WINDOWS_PER_ROUND, replace=False)]
        for name, read in candidates.items():
            times[name].append(seconds(partial(read_all, read, chosen)) / len(chosen))
    return times


def read_all(read: Reader, starts: Sequence[int]) -> None:
    """Read these windows one after the other."""
    for start in starts:
        read(start)


def print_times(times: Mapping[str, Sequence[float]]) -> None:
    """Medians, and the median over rounds of how many times slower each was than the last one named."""
    *_, ours = times.values()
    print(f"One 60 s window, 19 channels, warm: median of {ROUNDS} rounds of {WINDOWS_PER_ROUND}")
    for name, own in times.items():
        ratio = statistics.median(a / b for a, b in zip(own, ours, strict=True))
        print(f"  {name:<28} {1e3 * statistics.median(own):9.3f} ms   {ratio:8.1f} x")


def benchmark_build(folder: Path, rate_hz: int) -> None:
    """One hour of 24 channels into an empty store, several times."""
    header = read_header(write_edf(folder / f"{rate_hz}.edf", 60, rate_hz))
    stores = [SignalStore(folder / f"{rate_hz}-{number}") for number in range(BUILDS)]
    begun_s = time.process_time()
    times = [seconds(partial(store.build, header, PreprocessConfig())) for store in stores]
    cpu_s = (time.process_time() - begun_s) / BUILDS
    stored_bytes = sum(file.stat().st_size for file in stores[0].root.iterdir())
    print(f"Build 1 h x 24 channels, {rate_hz} -> 256 Hz: ", end="")
    print(f"median {statistics.median(times):.3f} s, cpu {cpu_s:.3f} s, {stored_bytes / 1e6:.1f} MB")


def write_edf(path: Path, minutes: int, rate_hz: int) -> Path:
    """An EDF of noise with the 19 scalp channels and 5 others."""
    rng = np.random.default_rng(rate_hz)
    signals = [
        edfio.EdfSignal(
            np.cumsum(rng.uniform(-8, 8, minutes * 60 * rate_hz)) % 1000,
            rate_hz,
            label=f"EEG {name.upper()}-REF",
            physical_dimension="uV",
            physical_range=(-3276, 3276),
        )
        for name in (*SCALP_19, *EXTRAS)
    ]
    edfio.Edf(signals, data_record_duration=1).write(path)
    return path


def seconds(work: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
