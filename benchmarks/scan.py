"""Time of the chunked scan and of layers around it, forward and backward, as ratios taken in turns on one machine.

    python benchmarks/scan.py [--batch 8] [--length 960] [--width 128] [--state 16] [--head-dim 32] [--threads 1]

Each round runs every candidate once, so that a busy machine slows all of them. Printed are medians, ratios, and the
share of the machine's own `torch.mm` rate that the matrix products and convolutions of each make in the whole of its
time; for the chunked scan also how much of its time goes into its products, and what share of that rate they reach in
it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from layers import medians_ms
from torch import Tensor, nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from ictal.models.backends import Chosen
from ictal.models.detector import DetectorConfig, build
from ictal.models.mamba import BiMamba2
from ictal.models.scan import scan

MM_SIZE = 1024
BACKENDS: tuple[Chosen, Chosen] = ("chunked", "fused")


def sequential(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The recurrence as a loop over time, vectorised over everything else."""
    state = x.new_zeros(len(x), x.shape[2], x.shape[3], b.shape[-1])
    outputs = []
    for t in range(x.shape[1]):
        gained = (dt[:, t, :, None] * x[:, t]).unsqueeze(-1) * b[:, t, None, None, :]
        state = torch.exp(dt[:, t] * a)[:, :, None, None] * state + gained
        outputs.append((state @ c[:, t, None, :, None]).squeeze(-1))
    return torch.stack(outputs, dim=1)


def scan_operands(batch: int, length: int, inner: int, state: int, head_dim: int) -> tuple[Tensor, ...]:
    """Random x, dt, a, b, c that ask for gradients."""
    heads = inner // head_dim
    values = (
        torch.randn(batch, length, heads, head_dim),
        functional.softplus(torch.randn(batch, length, heads) - 3),
        -torch.linspace(1, 16, heads),
        torch.randn(batch, length, state),
        torch.randn(batch, length, state),
    )
    return tuple(value.requires_grad_() for value in values)


def step(function: Callable[[], Tensor]) -> Callable[[], None]:
    """Forward and backward of a function."""

    def run() -> None:
        function().square().mean().backward()  # type: ignore[no-untyped-call]

    return run


def candidates(batch: int, length: int, width: int, state: int, head_dim: int) -> dict[str, Callable[[], None]]:
    """What is compared, by name: first the scans alone, then whole layers of equal width, then the tiny detector."""
    operands = scan_operands(batch, length, 2 * width, state, head_dim)
    x = torch.randn(batch, length, width, requires_grad=True)
    bimamba = BiMamba2(width, state=state, head_dim=head_dim)
    lstm = nn.LSTM(width, width // 2, bidirectional=True, batch_first=True)
    transformer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True)
    chunked, fused = (build(DetectorConfig(samples_per_step=16), 19, 0.1, backend) for backend in BACKENDS)
    window = 40 * torch.randn(16, 19, 30 * 128)
    square = torch.randn(MM_SIZE, MM_SIZE)

    def product() -> None:
        torch.mm(square, square)

    return {
        "scan, chunked": step(lambda: scan(*operands)[0]),
        "scan, loop over time": step(lambda: sequential(*operands)),
        "layer, Bi-Mamba-2": step(lambda: bimamba(x)),
        "layer, bidirectional LSTM": step(lambda: lstm(x)[0]),
        "layer, Transformer encoder": step(lambda: transformer(x)),
        "detector tiny, 16 x 19 x 30 s at 128 Hz": step(lambda: chunked(window)),
        "detector tiny by the fused backend": step(lambda: fused(window)),
        f"torch.mm {MM_SIZE}": product,
    }


def product_flops(run: Callable[[], None]) -> int:
    """Floating point operations of the products and convolutions of one run; those of a fused LSTM are not seen."""
    with FlopCounterMode(display=False) as counter:
        run()
    count: int = counter.get_total_flops()
    return count


def products_share(run: Callable[[], None]) -> float:
    """Share of a run's time that its matrix products take: of ten runs, as the profiler itself takes time at first."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        for _ in range(10):
            run()
    times = {event.key: event.self_cpu_time_total for event in record.key_averages()}
    in_products: float = times["aten::bmm"] + times.get("aten::mm", 0)
    whole: float = sum(times.values())
    return in_products / whole


def main() -> None:
    """Print one row per candidate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    defaults = {"batch": 8, "length": 960, "width": 128, "state": 16, "head-dim": 32, "threads": 1, "rounds": 5}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(given.threads)
    runs = candidates(given.batch, given.length, given.width, given.state, given.head_dim)
    times = medians_ms(runs, given.rounds)
    rates = {name: product_flops(run) / times[name] * 1e-6 for name, run in runs.items()}
    peak = rates[f"torch.mm {MM_SIZE}"]
    print(f"forward and backward at ({given.batch}, {given.length}, {given.width}), state {given.state}")
    print(f"{'':42}{'ms':>9}{'x Bi-Mamba':>12}{'GFLOP/s':>9}{'of mm':>7}")
    for name, time_ms in times.items():
        ratio = time_ms / times["layer, Bi-Mamba-2"]
        share = f"{rates[name]:9.1f}{rates[name] / peak:7.0%}" if rates[name] else f"{'-':>9}{'-':>7}"
        print(f"{name:42}{time_ms:9.1f}{ratio:12.2f}{share}")
    in_products = products_share(runs["scan, chunked"])
    reached = rates["scan, chunked"] / in_products / peak
    print(f"scan, chunked: {in_products:.0%} of its time in products, at {reached:.0%} of torch.mm")


if __name__ == "__main__":
    main()
