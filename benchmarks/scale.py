"""What a corpus takes: bytes, CPU hours and cost of TUSZ, TUEG and a million hours, from a build measured here.

An hour of 19-channel EDF at 250, 256 and 400 Hz is put into a store, again and again in turn, fingerprint, checksum and
fsync included; CPU seconds are those of this process, and the EDF is in the page cache. The largest of the three
medians is taken for all corpora. The rest is multiplication. To see whether it holds where recordings are short and
several processes write at once, twenty recordings of 12 minutes of each rate are prepared by two processes, which are
timed by the clock from the first that is done on.
Run: `python benchmarks/scale.py`; `--price-per-core-hour` and `--price-per-tb-month` are yours.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import edfio
import numpy as np

from ictal.recordings.channels import SCALP_19
from ictal.recordings.corpus import Labelled
from ictal.recordings.edf import read_header
from ictal.recordings.layouts.layout import Recording
from ictal.signals.prepare import Workers, prepare
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import SignalStore

CORPORA = {"TUSZ": 1_476, "TUEG": 27_000, "10^6 h": 1_000_000}
RATES_HZ, ROUNDS = (250, 256, 400), 5
PROCESSES, SHORT_MINUTES, SHORT_RECORDINGS = 2, 12, 20
PATIENT = slice(8, 88)


def write(path: Path, rate_hz: int, minutes: int) -> None:
    """Noise as EDF."""
    generator = np.random.default_rng(rate_hz)
    signals = [
        edfio.EdfSignal(
            np.clip(50 * generator.standard_normal(60 * minutes * rate_hz), -1600, 1600),
            sampling_frequency=rate_hz,
            label=f"EEG {channel.upper()}-REF",
            physical_dimension="uV",
            physical_range=(-1600, 1600),
        )
        for channel in SCALP_19
    ]
    edfio.Edf(signals).write(path)


def built(edf: Path, folder: Path) -> tuple[float, float, int]:
    """CPU seconds, wall seconds and bytes of one build into an empty store."""
    cpu, wall = time.process_time(), time.perf_counter()
    entry, _ = SignalStore(folder).build(read_header(edf), PreprocessConfig(), kernel="compiled")
    return time.process_time() - cpu, time.perf_counter() - wall, entry.npy_bytes


def measured(folder: Path) -> tuple[float, int]:
    """CPU seconds and bytes of an hour; prints each rate's."""
    edfs = {rate_hz: folder / f"{rate_hz}.edf" for rate_hz in RATES_HZ}
    for rate_hz, edf in edfs.items():
        write(edf, rate_hz, 60)
        built(edf, folder / f"warm{rate_hz}")
    rounds = [[built(edf, folder / f"{rate_hz}-{n}") for rate_hz, edf in edfs.items()] for n in range(ROUNDS)]
    for number, rate_hz in enumerate(RATES_HZ):
        cpu_s, wall_s = (statistics.median(one[number][k] for one in rounds) for k in (0, 1))
        print(f"an hour at {rate_hz} Hz: {cpu_s:.3f} s of CPU, {wall_s:.3f} s, {rounds[0][number][2] / 1e6:.1f} MB")
    return max(statistics.median(one[n][0] for one in rounds) for n in range(len(RATES_HZ))), rounds[0][0][2]


def short_recordings(folder: Path) -> Iterator[Labelled]:
    """Recordings of TUSZ's mean length; those of one rate have one signal and other patients, hence other keys."""
    folder.mkdir()
    for rate_hz in RATES_HZ:
        first = folder / f"p{rate_hz}x0.edf"
        write(first, rate_hz, SHORT_MINUTES)
        raw = bytearray(first.read_bytes())
        for number in range(SHORT_RECORDINGS):
            path = first.with_name(f"p{rate_hz}x{number}.edf")
            raw[PATIENT] = path.stem.encode().ljust(80)
            path.write_bytes(raw)
            recording = Recording(id=path.stem, patient=path.stem, split=None, edf=path)
            header = read_header(path)
            yield Labelled(recording=recording, duration_s=header.duration_s, seizures_s=(), header=header)


def by_processes(folder: Path) -> None:
    """Prepare the short recordings; print the pace from the first that is done on, and TUSZ at this pace."""
    recordings = list(short_recordings(folder / "short"))
    done: list[tuple[float, int]] = []

    def note(done_s: int, _total_s: int) -> None:
        done.append((time.perf_counter(), done_s))

    workers = Workers(processes=PROCESSES, kernel="compiled")
    made = prepare(recordings, SignalStore(folder / "store"), PreprocessConfig(), workers=workers, progress=note)
    assert len(made.ready) == len(recordings)
    (first, first_s), (last, last_s) = done[0], done[-1]
    hours, taken_s = (last_s - first_s) / 3600, last - first
    print(
        f"{hours:g} h in recordings of {SHORT_MINUTES} min by {PROCESSES} processes: {taken_s:.2f} s by the clock",
        end="",
    )
    print(f" at a load of {os.getloadavg()[0]:.1f}; TUSZ at this pace {CORPORA['TUSZ'] / hours * taken_s / 60:.1f} min")


def main() -> None:
    """Measure, multiply, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--price-per-core-hour", type=float, default=0.05)
    parser.add_argument("--price-per-tb-month", type=float, default=23.0)
    prices = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # /tmp may be memory
        cpu_s, size_bytes = measured(Path(folder))
        by_processes(Path(folder))
    print("corpus   hours      store/TB  core hours  16 cores/h  build    a month of store")
    for name, hours in CORPORA.items():
        tb, core_hours = hours * size_bytes / 1e12, hours * cpu_s / 3600
        cost, month = core_hours * prices.price_per_core_hour, tb * prices.price_per_tb_month
        print(
            f"{name:8} {hours:9,}  {tb:8.3f}  {core_hours:10.2f}  {core_hours / 16:10.3f}  {cost:7.2f}  {month:10.2f}"
        )


if __name__ == "__main__":
    main()
