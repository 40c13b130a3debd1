"""Reading EDF as float32 µV: `edf.read_uv` against MNE and edfio, warm and evicted from the page cache.

One hour of 24 channels at 256 Hz in data records of 1 s, whole; and 60 s from its middle, all 24 channels. Each of the
three opens the file anew, header included. They are run in turn, so that whatever else the machine does falls on all;
before an evicted reading the file's pages are given back (posix_fadvise DONTNEED), and that they were is checked with
mincore. Prints medians in milliseconds and the medians of the paired ratios. Run: `python benchmarks/edf_read.py`.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import edfio
import mne
import numpy as np
import numpy.typing as npt

from ictal.recordings import edf

ROUNDS = 9
HOUR_S, WINDOW_S = 3600, 60
RATE_HZ = 256
CHANNELS = [f"EEG {number}" for number in range(24)]
Uv = npt.NDArray[np.float32]
Reader = Callable[[Path, int, int], Uv]


def main() -> None:
    """Write the hour, read it in turn, print."""
    readers: dict[str, Reader] = {"edf.read_uv": read_ictal, "MNE": read_mne, "edfio": read_edfio}
    spans_s = {"whole hour": (0, HOUR_S), "60 s window": (HOUR_S // 2, HOUR_S // 2 + WINDOW_S)}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # /tmp may be memory, which nothing evicts
        path = Path(folder) / "hour.edf"
        write_hour(path)
        for read in readers.values():
            np.testing.assert_allclose(read(path, 0, 90), read_ictal(path, 0, 90), rtol=1e-6, atol=1e-3)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {ROUNDS}, ratios of pairs")
        for name, span_s in spans_s.items():
            for state, before in (("warm", lambda _: None), ("evicted", evict)):
                print_row(f"{name}, {state}", in_turn(path, readers, span_s, before))


def in_turn(
    path: Path, readers: dict[str, Reader], span_s: tuple[int, int], before: Callable[[Path], None]
) -> dict[str, list[float]]:
    """Seconds of every reader, round by round."""
    times: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, read in readers.items():
            before(path)
            times[name].append(seconds(partial(read, path, *span_s)))
    return times


def print_row(name: str, times: dict[str, list[float]]) -> None:
    """Medians, and how many times as long the others take."""
    ours = times["edf.read_uv"]
    shown = "  ".join(f"{reader} {1e3 * statistics.median(taken):8.2f} ms" for reader, taken in times.items())
    ratios = {
        reader: statistics.median(theirs / own for theirs, own in zip(taken, ours, strict=True))
        for reader, taken in times.items()
        if taken is not ours
    }
    print(f"{name:22} {shown}  " + "  ".join(f"{reader}/ours {ratio:5.1f}" for reader, ratio in ratios.items()))


def write_hour(path: Path) -> None:
    """One hour of noise of 50 µV in data records of one second."""
    rng = np.random.default_rng(0)
    signals = [
        edfio.EdfSignal(rng.standard_normal(HOUR_S * RATE_HZ) * 50.0, RATE_HZ, label=label, physical_dimension="uV")
        for label in CHANNELS
    ]
    edfio.Edf(signals, data_record_duration=1).write(path)


def read_ictal(path: Path, start_s: int, stop_s: int) -> Uv:
    """Ours."""
    return edf.read_uv(edf.read_header(path), CHANNELS, start_s, stop_s)


def read_mne(path: Path, start_s: int, stop_s: int) -> Uv:
    """MNE's, which gives volts in float64."""
    raw = mne.io.read_raw_edf(path, preload=False, verbose="ERROR")
    signal_v = raw.get_data(start=start_s * RATE_HZ, stop=stop_s * RATE_HZ)
    signal_uv = np.empty(signal_v.shape, dtype=np.float32)
    np.multiply(signal_v, 1e6, out=signal_uv, casting="same_kind")
    return signal_uv


def read_edfio(path: Path, start_s: int, stop_s: int) -> Uv:
    """Edfio's, loading only what is asked for."""
    signals = edfio.read_edf(path, lazy_load_data=True).signals
    if stop_s - start_s == HOUR_S:
        return np.stack([signal.data.astype(np.float32) for signal in signals])
    return np.stack([signal.get_data_slice(start_s, stop_s).astype(np.float32) for signal in signals])


def evict(path: Path) -> None:
    """Give the file's pages back to the system, which may need to be asked more than once."""
    with path.open("rb") as file:
        for _ in range(50):
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            share = resident(file.fileno())
            if share == 0:
                return
            time.sleep(0.01)
    raise RuntimeError(f"{share:.1%} of the file is still in memory")


def resident(descriptor: int) -> float:
    """Share of a file's pages that are in memory."""
    with mmap.mmap(descriptor, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as view:
        pages = -(-len(view) // mmap.PAGESIZE)
        states = (ctypes.c_ubyte * pages)()
        start = ctypes.c_char.from_buffer(view)
        failed = ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(view)), states)
        del start
        assert not failed, "mincore failed"
        return sum(state & 1 for state in states) / pages


def seconds(read: Callable[[], Uv]) -> float:
    """Wall time of one reading."""
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
