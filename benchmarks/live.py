"""A detector that goes with a signal: time of an update, latency from sample to probability, memory over a day.

    python benchmarks/live.py [--size default|base] [--rate 250] [--hours 24] [--lsl-s 60] [--threads 1]

Weights do not matter to the time, so the detector is untrained. Three measurements:

- processor time of updates of 1/16, 1/8 and 1 s, each from recorded samples to events; in turns with what a detector of
  windows does to follow a signal with the same network: preprocess and run the last 60 s anew at every step;
- over the Lab Streaming Layer on this machine, at the recorder's pace: from the stamp of each step's last sample to the
  moment when its probability is there, buffering included;
- the process's greatest memory after one hour of signal and after the last, given a second at a time.
"""

from __future__ import annotations

import argparse
import pickle
import resource
import threading
import time

import numpy as np
import numpy.typing as npt
import torch

from ictal.detection.calibration import Calibration
from ictal.detection.tuning import OperatingPoint
from ictal.models.detector import DetectorConfig, build
from ictal.recipes.config import Config
from ictal.recipes.detector import Detector, backend_of
from ictal.recipes.following import Follower
from ictal.recordings.arriving import lsl
from ictal.recordings.channels import SCALP_19
from ictal.recordings.montages import Derivation, Validity
from ictal.signals.preprocess import preprocess
from ictal.windows.prior import Prevalence, Prior

WINDOW_S = 60
SIZES = {"default": DetectorConfig(kind="mamba"), "base": DetectorConfig.base()}


def detector_of(size: str) -> Detector:
    """An untrained detector of 19 channels."""
    model = DetectorConfig(**{**vars(SIZES[size]), "kind": "mamba"})
    torch.manual_seed(0)
    config = Config(model=model)
    return Detector(
        model=build(model, len(SCALP_19), 0.1, backend_of(config)).eval(),
        config=config,
        channels=SCALP_19,
        prior=Prior(natural=Prevalence(window=0.02, time_step=0.01), drawn=Prevalence(window=0.5, time_step=0.1)),
        batches_hash="",
        calibration=Calibration(),
        operating_point=OperatingPoint(threshold=0.5, sensitivity=0.0, false_alarms_per_24h=0.0, target_per_24h=0.0),
    )


def follower_of(detector: Detector, rate_hz: float) -> Follower:
    """On 19 electrodes that are recorded as they are shown."""
    count = len(SCALP_19)
    measured: Validity = "measured"
    derivation = Derivation(
        labels=SCALP_19,
        matrix=np.eye(count, dtype=np.float32),
        channels=SCALP_19,
        rate_hz=rate_hz,
        validity=(measured,) * count,
        interpolated=(),
        reference="",
    )
    return Follower(detector, derivation)


def noise(seconds: float, rate_hz: float) -> npt.NDArray[np.float32]:
    """EEG for the purpose of timing."""
    samples = round(seconds * rate_hz)
    return 40 * np.random.default_rng(0).standard_normal((len(SCALP_19), samples), dtype=np.float32)


def quantiles(seconds: list[float]) -> str:
    """Median, 99th percentile and worst, in ms."""
    middle, high, worst = np.quantile(np.array(seconds) * 1000, [0.5, 0.99, 1.0])
    return f"median {middle:6.2f} ms, 99 % below {high:6.2f} ms, worst {worst:6.2f} ms"


def updates(detector: Detector, rate_hz: float) -> None:
    """Time of an update, in turns with a window computed anew."""
    signal_uv = noise(240, rate_hz)
    config = detector.config
    for piece_s in (1 / 16, 1 / 8, 1.0):
        follower, samples = follower_of(detector, rate_hz), round(piece_s * rate_hz)
        ours, anew = [], []
        for number, first in enumerate(range(0, signal_uv.shape[1] - samples, samples)):
            started = time.thread_time()
            follower.push(signal_uv[:, first : first + samples])
            ours.append(time.thread_time() - started)
            if number % 32 == 0:
                started = time.thread_time()
                last = preprocess(signal_uv[:, : round(WINDOW_S * rate_hz)], rate_hz, config.signals)
                with torch.inference_mode():
                    detector.model(torch.from_numpy(last).unsqueeze(0))
                anew.append(time.thread_time() - started)
        ratio = float(np.median(anew) / np.median(ours))
        print(f"update of {piece_s:6.4f} s  {quantiles(ours[8:])};  the last {WINDOW_S} s anew: {ratio:.0f} times that")


def over_lsl(detector: Detector, rate_hz: float, seconds: float) -> None:
    """From each step's last sample to its probability, through liblsl, at the pace of a recorder."""
    library = lsl.library()
    info = library.StreamInfo(
        name := f"ictal-live-{time.monotonic_ns()}", "EEG", len(SCALP_19), rate_hz, "float32", name
    )
    info.set_channel_names(list(SCALP_19))
    info.set_channel_units("microvolts")
    outlet = library.StreamOutlet(info)
    stream = lsl.LslStream(name)
    signal_uv, chunk = noise(seconds, rate_hz).T, round(rate_hz / 16)
    start_s = library.local_clock()
    stamps_s = start_s + np.arange(1, len(signal_uv) + 1) / rate_hz

    def send() -> None:
        for first in range(0, len(signal_uv) - chunk, chunk):
            time.sleep(max(0.0, stamps_s[first + chunk - 1] - library.local_clock()))
            outlet.push_chunk(signal_uv[first : first + chunk].copy(), timestamp=stamps_s[first : first + chunk])

    sender = threading.Thread(target=send)
    sender.start()
    follower, known, waits = follower_of(detector, rate_hz), 0, []
    while sender.is_alive():
        for piece in stream.take(SCALP_19, 0.01):
            assert piece.gap is None, piece.gap
            answered = len(follower.push(piece.signal_uv).probability)
            last_s = start_s + (known + 1 + np.arange(answered)) / detector.steps_hz
            known += answered
            waits += (library.local_clock() - last_s).tolist()
    stream.close()
    print(f"sample to probability, {known} steps over LSL: {quantiles(waits[16:])};  said: {follower.delay_s:.3f} s")


def memory(detector: Detector, rate_hz: float, hours: float) -> None:
    """The process's greatest memory as the signal goes on."""
    follower, signal_uv, sizes = follower_of(detector, rate_hz), noise(60, rate_hz), {}
    started, second = time.perf_counter(), round(rate_hz)
    for number in range(round(hours * 3600)):
        first = number % 60 * second
        follower.push(signal_uv[:, first : first + second])
        if number + 1 in {3600, round(hours * 3600)}:
            held = len(pickle.dumps((follower.preprocessor, follower.stream.buffer, follower.stream.memories)))
            sizes[number + 1] = held
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"after {(number + 1) / 3600:5.1f} h of signal: peak {peak_mb:.1f} MB, remembered {held / 1024:.0f} KB"
            )
    print(f"{hours * 3600 / (time.perf_counter() - started):.0f} times as fast as the signal")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=sorted(SIZES), default="default")
    parser.add_argument("--rate", type=float, default=250.0)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--lsl-s", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    detector = detector_of(options.size)
    updates(detector, options.rate)
    if options.lsl_s:
        over_lsl(detector, options.rate, options.lsl_s)
    if options.hours:
        memory(detector, options.rate, options.hours)


if __name__ == "__main__":
    main()
