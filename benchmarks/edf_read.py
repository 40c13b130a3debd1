"""Reading one hour of EDF (24 channels, 256 Hz) as float32 µV of 19 channels: `edf.read_uv` against edfio.

The two are run in turn, so that whatever else the machine does falls on both. Prints medians in milliseconds and the
median of the paired ratios. Run: `python benchmarks/edf_read.py`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import edfio
import numpy as np
import numpy.typing as npt

from ictal.recordings import edf

ROUNDS = 9
HOUR_S = 3600
RATE_HZ = 256
CHANNELS = [f"EEG {number}" for number in range(24)]


def main() -> None:
    """Write the hour, read it in turn, print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.edf"
        write_hour(path)
        np.testing.assert_allclose(read_ictal(path), read_edfio(path), rtol=1e-6, atol=1e-3)
        times = [(seconds(read_ictal, path), seconds(read_edfio, path)) for _ in range(ROUNDS)]
    ours, theirs = zip(*times, strict=True)
    ratio = statistics.median(b / a for a, b in times)
    print(f"edf.read_uv  {1e3 * statistics.median(ours):8.1f} ms")
    print(f"edfio        {1e3 * statistics.median(theirs):8.1f} ms")
    print(f"ratio        {ratio:8.1f} (median of {ROUNDS} pairs)")


def write_hour(path: Path) -> None:
    """One hour of noise in data records of one second."""
    rng = np.random.default_rng(0)
    signals = [edfio.EdfSignal(noise(rng), RATE_HZ, label=label, physical_dimension="uV") for label in CHANNELS]
    edfio.Edf(signals, data_record_duration=1).write(path)


def noise(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """An hour of white noise of 50 µV."""
    return rng.standard_normal(HOUR_S * RATE_HZ) * 50.0


def read_ictal(path: Path) -> npt.NDArray[np.float32]:
    """Ours, header included."""
    return edf.read_uv(edf.read_header(path), CHANNELS[:19])


def read_edfio(path: Path) -> npt.NDArray[np.float32]:
    """Edfio's, loading only what is asked for."""
    signals = edfio.read_edf(path, lazy_load_data=True).signals[:19]
    return np.stack([signal.data.astype(np.float32) for signal in signals])


def seconds(read: Callable[[Path], npt.NDArray[np.float32]], path: Path) -> float:
    """Wall time of one reading."""
    started = time.perf_counter()
    read(path)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
