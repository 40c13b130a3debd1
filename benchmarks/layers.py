"""Time and share of the machine's own `torch.mm` rate of a training step of one layer, by backend, taken in turns.

    python benchmarks/layers.py [--width 128] [--state 16] [--head-dim 32] [--length 960] [--batch 8] [--rounds 5]

Forward and backward of a Bi-Mamba layer by each backend, in float32 and under bfloat16 autocast, beside a bidirectional
LSTM and a Transformer encoder layer of equal width in float32. Each round runs every candidate once. Times are those of
the process's one thread (CPU time), which other programs of the machine disturb least. The work counted for the share
is that of the two projections alone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ictal.models.backends import Chosen
from ictal.models.mamba import BiMamba2

MM_SIZE = 1024


def step(function: Callable[[], Tensor], *, bf16: bool = False) -> Callable[[], None]:
    """Forward and backward of a function."""

    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            out = function()
        out.float().square().mean().backward()  # type: ignore[no-untyped-call]

    return run


def product(kind: torch.dtype) -> Callable[[], None]:
    """A matrix product in a type."""
    square = torch.randn(MM_SIZE, MM_SIZE).to(kind)

    def run() -> None:
        torch.mm(square, square)

    return run


def candidates(given: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """What is compared, by name."""
    x = torch.randn(given.batch, given.length, given.width, requires_grad=True)
    runs = {}
    backends: list[Chosen] = ["chunked", "fused"]
    for backend in backends:
        layer = BiMamba2(given.width, state=given.state, head_dim=given.head_dim, backend=backend)
        for name, bf16 in (("float32", False), ("bf16", True)):
            runs[f"Bi-Mamba, {backend}, {name}"] = step(lambda layer=layer: layer(x), bf16=bf16)  # type: ignore[misc]
    lstm = nn.LSTM(given.width, given.width // 2, bidirectional=True, batch_first=True)
    transformer = nn.TransformerEncoderLayer(given.width, 4, 4 * given.width, dropout=0.0, batch_first=True)
    runs["bidirectional LSTM, float32"] = step(lambda: lstm(x)[0])
    runs["Transformer layer, float32"] = step(lambda: transformer(x))
    runs["torch.mm, float32"] = product(torch.float32)
    runs["torch.mm, bf16"] = product(torch.bfloat16)
    return runs


def medians_ms(runs: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Median CPU time of each candidate, one run of each per round."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            begin = time.process_time()
            run()
            taken[name].append(1e3 * (time.process_time() - begin))
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Print one row per candidate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    defaults = {"batch": 8, "length": 960, "width": 128, "state": 16, "head-dim": 32, "rounds": 5}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    times = medians_ms(candidates(given), given.rounds)
    inner = 2 * given.width
    columns = 2 * inner + 2 * given.state + inner // given.head_dim
    work = 6 * given.batch * given.length * given.width * (columns + inner)
    peak = 2 * MM_SIZE**3 / times["torch.mm, float32"]
    ours = times["Bi-Mamba, fused, bf16"]
    print(f"forward and backward at ({given.batch}, {given.length}, {given.width}), state {given.state}, one thread")
    print(f"{'':32}{'ms':>9}{'x fused bf16':>14}{'of float32 mm':>15}")
    for name, time_ms in times.items():
        share = f"{work / time_ms / peak:15.0%}" if name.startswith("Bi-Mamba") else ""
        print(f"{name:32}{time_ms:9.1f}{time_ms / ours:14.2f}{share}")


if __name__ == "__main__":
    main()
