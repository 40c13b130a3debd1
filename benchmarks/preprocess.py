"""From the bytes of an EDF to int16: one hour of 19 channels, by `ictal` and by the pipeline of the incident's project.

The peer, written anew from its description: float64, `scipy.signal.resample` over the whole recording, a Butterworth
band-pass of order 3 and a notch in (b, a) form by `lfilter`, a z-score over the whole recording.
It reads with the same reader, which is to its advantage. Ours runs with both kernels, whose int16 are
compared before anything is timed. Candidates take turns; process time of one thread; the median of the paired ratios.
Run: `OMP_NUM_THREADS=1 python benchmarks/preprocess.py`.
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
from scipy import signal

from ictal.recordings.channels import SCALP_19
from ictal.recordings.edf import Header, read_header, read_uv
from ictal.recordings.montages import derive, named
from ictal.signals.kernels import KernelName
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.source import prepared

ROUNDS = 5
MINUTES = 60
RATES_HZ = (256, 250, 400)
CONFIG = PreprocessConfig()
EXTRAS = ("A1", "A2", "T1", "T2", "EKG1")
KERNELS: tuple[KernelName, ...] = ("scipy", "compiled")


def main() -> None:
    """Write, compare, time, print."""
    for rate_hz in RATES_HZ:
        with tempfile.TemporaryDirectory() as folder:
            compare(read_header(write_edf(Path(folder) / "hour.edf", MINUTES, rate_hz)))


def compare(header: Header) -> None:
    """All candidates on one recording."""
    candidates: dict[str, Callable[[], object]] = {
        "incident's pipeline": lambda: incident(header),
        "ictal, scipy": lambda: prepared(header, CONFIG, kernel="scipy"),
        "ictal, compiled": lambda: prepared(header, CONFIG, kernel="compiled"),
    }
    one, other = (prepared(header, CONFIG, kernel=kernel).signal.values for kernel in KERNELS)
    assert np.array_equal(one, other), "the kernels differ"
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, work in candidates.items():
            times[name].append(cpu_ms(work))
    print(f"1 h x 19 channels at {header.signals[0].rate_hz:g} Hz, EDF to int16: CPU, median of {ROUNDS} rounds")
    peer = times["incident's pipeline"]
    for name, own in times.items():
        ratio = statistics.median(a / b for a, b in zip(peer, own, strict=True))
        print(f"  {name:<22} {statistics.median(own):8.1f} ms   {ratio:5.1f} x")


def incident(header: Header) -> npt.NDArray[np.float64]:
    """The peer."""
    derivation = derive(named(CONFIG.montage), header)
    return incident_signal(read_uv(header, derivation.labels).astype(np.float64), derivation.rate_hz)


def incident_signal(signal_uv: npt.NDArray[np.float64], rate_hz: float) -> npt.NDArray[np.float64]:
    """What the incident's project does to (channels, samples)."""
    if rate_hz != 256:
        signal_uv = signal.resample(signal_uv, round(signal_uv.shape[1] * 256 / rate_hz), axis=-1)
    b, a = signal.butter(3, (0.5, 120.0), btype="bandpass", fs=256)
    signal_uv = signal.lfilter(b, a, signal_uv, axis=-1)
    b, a = signal.iirnotch(60.0, 30.0, fs=256)
    signal_uv = signal.lfilter(b, a, signal_uv, axis=-1)
    mean, deviation = signal_uv.mean(axis=-1, keepdims=True), signal_uv.std(axis=-1, keepdims=True)
    return np.asarray((signal_uv - mean) / (deviation + 1e-8), dtype=np.float64)


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


def cpu_ms(work: Callable[[], object]) -> float:
    """Process time of a call."""
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


if __name__ == "__main__":
    main()
