"""A training step of one layer as the signal gets longer: time, growth, and what autograd keeps, taken in turns.

    python benchmarks/lengths.py [--width 128] [--state 16] [--head-dim 32] [--longest 61440] [--transformer 15360]

One window of 30, 60, ... steps up to the longest (61,440 steps of an eighth of a second are 2.1 hours), forward and
backward, CPU time of one thread. Every candidate runs once per round. The exponent is the slope of log time against log
length from 960 steps on: 1 is linear, 2 quadratic. A Transformer's attention is left out beyond its own longest length.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from layers import kept_mb, medians_ms, step
from torch import Tensor, nn

from ictal.models.mamba import BiMamba2

SHORTEST, FROM = 30, 960
REFERENCE = "Bi-Mamba, fused"


def layers(given: argparse.Namespace) -> dict[str, tuple[Callable[[Tensor], Tensor], bool, int]]:
    """What is compared: by name the layer, whether under bf16 autocast, and its longest length."""
    sizes = {"state": given.state, "head_dim": given.head_dim}
    fused = BiMamba2(given.width, **sizes, backend="fused")
    chunked = BiMamba2(given.width, **sizes)
    lstm = nn.LSTM(given.width, given.width // 2, bidirectional=True, batch_first=True)
    transformer = nn.TransformerEncoderLayer(given.width, 4, 4 * given.width, dropout=0.0, batch_first=True)
    return {
        REFERENCE: (fused, False, given.longest),
        "Bi-Mamba, fused, bf16": (fused, True, given.longest),
        "Bi-Mamba, chunked": (chunked, False, given.longest),
        "bidirectional LSTM": (lambda x: lstm(x)[0], False, given.longest),
        "Transformer layer": (transformer, False, given.transformer),
    }


def exponent(lengths: Sequence[int], values: Sequence[float]) -> float:
    """Slope of the logarithms, from `FROM` steps on."""
    counted = [(length, value) for length, value in zip(lengths, values, strict=True) if length >= FROM]
    x, y = np.log(np.array(counted).reshape(-1, 2).T)
    return float(np.polyfit(x, y, 1)[0]) if len(counted) > 1 else float("nan")


def main() -> None:
    """Print a row per length, and the exponents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"width": 128, "state": 16, "head-dim": 32, "longest": 61440, "transformer": 15360, "rounds": 3}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    compared = layers(given)
    taken: dict[str, list[tuple[int, float, float]]] = {name: [] for name in compared}
    print(
        f"forward and backward of one window, width {given.width}, state {given.state}, one thread: ms (x {REFERENCE})"
    )
    print(f"{'steps':>6}" + "".join(f"{name:>25}" for name in compared))
    for length in (SHORTEST << doublings for doublings in range((given.longest // SHORTEST).bit_length())):
        x = torch.randn(1, length, given.width, requires_grad=True)
        runs = {
            name: step(partial(layer, x), bf16=bf16)
            for name, (layer, bf16, longest) in compared.items()
            if length <= longest
        }
        times = medians_ms(runs, given.rounds)
        for name, run in runs.items():
            taken[name].append((length, times[name], kept_mb(run)))
        cells = [f"{times[n]:16.1f} ({times[n] / times[REFERENCE]:5.2f})" if n in times else "" for n in compared]
        print(f"{length:6}" + "".join(f"{cell:>25}" for cell in cells), flush=True)
    for name, rows in taken.items():
        lengths, times_ms, kept = zip(*rows, strict=True)
        grows = f"time grows with exponent {exponent(lengths, times_ms):.2f}, memory with {exponent(lengths, kept):.2f}"
        print(f"{name:25} {grows}; kept at {lengths[-1]} steps: {kept[-1]:.0f} MB")


if __name__ == "__main__":
    main()
