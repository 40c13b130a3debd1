"""From an EDF to a recording that can be trained on: the store, and the cache of the incident's project.

One hour of 24 channels, of which 19 are used. The peer, written anew from its description: MNE reads the 19 channels,
then float64 resampling, filters and z-score over the whole recording (`preprocess.incident`), then windows of 60 s
every 10 s as float32, overlaps written again and again, in one compressed NPZ. Ours is `SignalStore.build` into an
empty store, the EDF's fingerprint, checksum and fsync included, with either kernel. Candidates take turns; medians by
the clock and of the process's own time, and of the paired ratios. Then what ours cannot be faster than, alone: the EDF
read, and read and hashed; the resampler's products of matrices; the store's bytes written and synced. The last line is
what TUSZ's 1,476 h would take of two cores if all were of this rate, ours with the compiled kernel.

    OMP_NUM_THREADS=1 python benchmarks/store_build.py [--minutes 60] [--rounds 3] [--rates 256 250 400] [--no-peer]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
from preprocess import CONFIG, incident_signal, write_edf

from ictal.recordings.channels import SCALP_19
from ictal.recordings.edf import read_header
from ictal.signals.fingerprint import content_hash
from ictal.signals.kernels import KernelName
from ictal.signals.resampling import design
from ictal.signals.room import Room
from ictal.signals.store import SignalStore

WINDOW_SAMPLES, STRIDE_SAMPLES = 60 * 256, 10 * 256
TUSZ_HOURS, CORES = 1476, 2


@dataclass(frozen=True)
class Taken:
    """Seconds of one build."""

    wall: float
    cpu: float


def main() -> None:
    """Write, build in turn, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rates", type=int, nargs="+", default=[256, 250, 400])
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    for rate_hz in options.rates:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # /tmp may be memory
            edf = write_edf(Path(folder) / "hour.edf", options.minutes, rate_hz)
            compare(edf, options.rounds, options.minutes / 60, peer=options.peer)


def compare(edf: Path, rounds: int, hours: float, *, peer: bool) -> None:
    """All candidates on one recording."""
    candidates: dict[str, Callable[[], int]] = {
        "ictal, compiled": lambda: ours(edf, "compiled"),
        "ictal, scipy": lambda: ours(edf, "scipy"),
    }
    if peer:
        candidates["incident's cache"] = lambda: theirs(edf)
    ours(edf, "compiled")  # compiles, if it never was
    times: dict[str, list[Taken]] = {name: [] for name in candidates}
    sizes = {}
    for _ in range(rounds):
        for name, build in candidates.items():
            wall, cpu = time.perf_counter(), time.process_time()
            sizes[name] = build()
            times[name].append(Taken(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu))
    print(f"\n{hours:g} h x 24 channels at {read_header(edf).signals[0].rate_hz:g} Hz; load {os.getloadavg()[0]:.1f}")
    print(f"  {'':<18} {'clock s':>9} {'CPU s':>9} {'MB':>8}   incident's / this: clock, CPU")
    for name, own in times.items():
        wall, cpu = (statistics.median(getattr(taken, clock) for taken in own) for clock in ("wall", "cpu"))
        line = f"  {name:<18} {wall:9.3f} {cpu:9.3f} {sizes[name] / 1e6:8.1f}"
        for clock in ("wall", "cpu") if peer else ():
            pairs = zip(times["incident's cache"], own, strict=True)
            line += f" {statistics.median(getattr(a, clock) / getattr(b, clock) for a, b in pairs):8.0f} x"
        print(line)
    for name, work in alone(edf, sizes["ictal, compiled"], hours).items():
        took = statistics.median(seconds(work) for _ in range(2 * rounds + 1))
        print(f"  {name:<36} {took:9.3f} CPU s")
    cpu = statistics.median(taken.cpu for taken in times["ictal, compiled"])
    print(f"  TUSZ at this rate: {TUSZ_HOURS * cpu / hours / CORES / 60:.1f} minutes of {CORES} cores")


def alone(edf: Path, store_bytes: int, hours: float) -> dict[str, Callable[[], object]]:
    """Parts of the work that no order of it spares."""
    rate_hz, path = read_header(edf).signals[0].rate_hz, edf.with_name("bytes")
    resampler, samples = design(rate_hz, CONFIG.rate_hz, CONFIG.band_hz[1]), round(60 * rate_hz)
    held, out = np.ones((19, resampler.held_samples(samples)), dtype=np.float32), Room(np.float32)
    room, blocks = np.empty(2 << 20, dtype=np.uint8), np.zeros((store_bytes // 97_280, 97_280), dtype=np.uint8)
    resampled = {"resampled": lambda: [resampler.of_held(held, samples, out) for _ in range(round(60 * hours))]}

    def read() -> None:
        with edf.open("rb", buffering=0) as file:
            while file.readinto(room.data):
                pass

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for block in blocks:
                file.write(block.data)
            os.fsync(file.fileno())

    return {
        "the EDF read": read,
        "the EDF read and hashed": lambda: content_hash(edf),
        **(resampled if resampler.up != resampler.down else {}),
        "the store's bytes written and synced": write,
    }


def seconds(work: Callable[[], object]) -> float:
    """Process time."""
    started = time.process_time()
    work()
    return time.process_time() - started


def ours(edf: Path, kernel: KernelName) -> int:
    """Into an empty store; bytes of its files."""
    store = SignalStore(Path(tempfile.mkdtemp(dir=edf.parent)))
    store.build(read_header(edf), CONFIG, kernel=kernel)
    return sum(file.stat().st_size for file in store.place.own.glob("*.*"))


def theirs(edf: Path) -> int:
    """All windows of the recording in one compressed file; its bytes."""
    raw = mne.io.read_raw_edf(edf, preload=False, verbose="ERROR")
    names = [f"EEG {name.upper()}-REF" for name in SCALP_19]
    signal = incident_signal(1e6 * raw.get_data(picks=names), raw.info["sfreq"])
    starts = range(0, signal.shape[1] - WINDOW_SAMPLES + 1, STRIDE_SAMPLES)
    windows = np.stack([signal[:, start : start + WINDOW_SAMPLES] for start in starts]).astype(np.float32)
    path = Path(tempfile.mkdtemp(dir=edf.parent)) / "cache.npz"
    np.savez_compressed(path, windows=windows)
    return path.stat().st_size


if __name__ == "__main__":
    main()
