"""Time to run detectors over recorded EEG, taken in turns: Bi-Mamba, GRU, CNN, a U-Net of SeizureTransformer's shape.

    python benchmarks/inference.py [--sizes tiny base] [--minutes 10] [--rounds 3] [--threads 2]

What `ictal detect` does with a prepared recording of 19 channels at 256 Hz: windows of 60 s that overlap by half, in
batches of 16, stitched; so the network sees every sample twice. Weights do not matter to the time. GRU and CNN
(`shallow`) have the width and the layers of `tiny` and `base`. The U-Net is our
baseline `unet` at width 512 with eight Transformer layers, as SeizureTransformer has them. Printed are seconds for an
hour of EEG, multiplied from the minutes: by the clock, and CPU time divided by the threads, which is what the clock
would show on a machine that does nothing else, if all threads are always busy.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from ictal.models.backends import Chosen
from ictal.models.detector import DetectorConfig, build, parameter_count
from ictal.training.inference import recording_traces

RATE_HZ, CHANNELS, WINDOW_S, BATCH = 256, 19, 60, 16
SIZES = {"tiny": DetectorConfig(), "base": DetectorConfig.base()}
UNET = DetectorConfig(kind="unet", width=512, layers=8)
KINDS: tuple[tuple[str, Literal["bimamba", "gru", "shallow"], Chosen], ...] = (
    ("fused", "bimamba", "fused"),
    ("chunked", "bimamba", "chunked"),
    ("GRU", "gru", "chunked"),
    ("CNN", "shallow", "chunked"),
)
REFERENCE = "U-Net of SeizureTransformer's shape"


class Recording:
    """Noise, held in memory.

    Args:
        minutes: Length.
    """

    def __init__(self, minutes: float) -> None:
        shape = CHANNELS, round(minutes * 60 * RATE_HZ)
        self.signal_uv = 40 * np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        self.samples, self.valid_channels = shape[1], np.ones(CHANNELS, dtype=np.bool_)

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """As the store gives it."""
        piece = self.signal_uv[:, start_sample : start_sample + length_samples]
        return np.pad(piece, ((0, 0), (0, length_samples - piece.shape[1])))


def main() -> None:
    """Print a row per detector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recording = Recording(options.minutes)
    models = {
        f"{size}, {name}": build(replace(SIZES[size], kind=kind), CHANNELS, 0.1, backend)
        for size in options.sizes
        for name, kind, backend in KINDS
    } | {REFERENCE: build(UNET, CHANNELS, 0.1)}
    runs = {
        name: partial(
            recording_traces,
            model,
            recording,
            length_samples=WINDOW_S * RATE_HZ,
            samples_per_step=model.config.samples_per_step,
            batch_size=BATCH,
            device=torch.device("cpu"),
        )
        for name, model in models.items()
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for number in range(options.rounds + 1):
        for name, run in runs.items():
            clock, process = time.perf_counter(), time.process_time()
            run()
            if number:
                taken[name].append((time.perf_counter() - clock, time.process_time() - process))
    hours = options.minutes / 60
    seconds = {
        name: [statistics.median(times) / hours for times in zip(*rows, strict=True)] for name, rows in taken.items()
    }
    print(f"an hour of {CHANNELS} channels at {RATE_HZ} Hz, {options.threads} threads")
    print(f"{'':36}{'parameters':>12}{'clock, s':>10}{'CPU, s / threads':>18}{'x U-Net':>9}")
    for name, (clock_s, process_s) in seconds.items():
        ratio = seconds[REFERENCE][1] / process_s
        row = f"{parameter_count(models[name]):12,}{clock_s:10.1f}{process_s / options.threads:18.1f}{ratio:9.1f}"
        print(f"{name:36}{row}")


if __name__ == "__main__":
    main()
