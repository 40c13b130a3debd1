"""A training step of one layer, and the detector `base`, on a GPU: time, memory, share of the bfloat16 rate, in turns.

    python benchmarks/gpu.py [--width 256] [--state 64] [--head-dim 64] [--expand 2] [--batch 8] [--seconds 60 600 3600]

First the machine's name and its rate of bfloat16 products. Then, for each length of EEG at eight steps a second, a
Bi-Mamba layer by each backend, in float32 and under bfloat16 autocast, beside a bidirectional LSTM and a Transformer
layer, whose attention is torch's `scaled_dot_product_attention`; `triton` has to give the numbers of `chunked` before
it is timed. Where `flash-linear-attention` is installed, its Mamba-2 and its gated linear attention (one direction of
time) run beside them. Last come windows of a minute a second through `base`, trained and run. A candidate that does not
fit into the memory says so. The work counted is that of all matrix products of `chunked`, so that what another form
saves shows as a higher share.

`--device cpu` runs all of it that a processor can, which tries the script and says nothing about a GPU.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from layers import medians_ms, product, step
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ictal.models.backends import Chosen, choose
from ictal.models.detector import DetectorConfig, build
from ictal.models.mamba import BiMamba2

STEPS_PER_S, RATE_HZ, CHANNELS, WINDOW_S = 8, 256, 19, 60
PEERS = ("Mamba2", "GatedLinearAttention")
OURS = "Bi-Mamba, {}, bf16"
Layer = Callable[[Tensor], Tensor]


def clock_s(device: torch.device) -> Callable[[], float]:
    """A clock that waits for what the device still has to do."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    return now


def bf16_rate(device: torch.device, rounds: int) -> float:
    """Operations per second of a large product in bfloat16."""
    size = 8192 if device.type == "cuda" else 1024
    runs = {"mm": product(torch.bfloat16, size, device.type)}
    taken_ms = medians_ms(runs, rounds, clock_s(device))
    return 2e3 * size**3 / taken_ms["mm"]


def backends(given: argparse.Namespace) -> list[Chosen]:
    """The plain one, and the fastest here."""
    fastest = choose("auto", given.device, state=given.state, head_dim=given.head_dim)
    return ["chunked"] if fastest == "chunked" else ["chunked", fastest]


def layers(given: argparse.Namespace) -> dict[str, Layer]:
    """What is compared in both precisions, by name; all of equal width."""
    sizes = {"state": given.state, "head_dim": given.head_dim, "expand": given.expand}
    with given.device:
        ours = {backend: BiMamba2(given.width, **sizes, backend=backend) for backend in backends(given)}
        for layer in ours.values():
            layer.load_state_dict(ours["chunked"].state_dict())
        lstm = nn.LSTM(given.width, given.width // 2, bidirectional=True, batch_first=True)
        transformer = nn.TransformerEncoderLayer(given.width, 4, 4 * given.width, dropout=0.0, batch_first=True)
        x = torch.randn(2, 1000, given.width)
    for layer in ours.values():
        torch.testing.assert_close(layer(x), ours["chunked"](x), rtol=1e-2, atol=1e-2)
    compared: dict[str, Layer] = {f"Bi-Mamba, {name}": layer for name, layer in ours.items()}
    compared |= {"bidirectional LSTM": lambda x: lstm(x)[0], "Transformer layer": transformer}
    return compared | (peers(given) if find_spec("fla") and find_spec("fla.layers") else {})


def peers(given: argparse.Namespace) -> dict[str, Layer]:
    """Layers of flash-linear-attention, one direction of time."""
    theirs = importlib.import_module("fla.layers")
    heads = given.expand * given.width // given.head_dim
    sizes = {"Mamba2": {"state_size": given.state, "head_dim": given.head_dim, "num_heads": heads}}
    with given.device:
        made = {name: getattr(theirs, name)(hidden_size=given.width, **sizes.get(name, {})) for name in PEERS}

    def output(layer: nn.Module, x: Tensor) -> Tensor:
        found: Tensor | tuple[Tensor, ...] = layer(x)
        return found[0] if isinstance(found, tuple) else found

    return {f"{name} of fla": partial(output, layer) for name, layer in made.items()}


def fits(run: Callable[[], None]) -> bool:
    """Whether it runs in the memory there is."""
    try:
        run()
    except torch.OutOfMemoryError:
        return False
    return True


def peak_mb(run: Callable[[], None], device: torch.device) -> float:
    """The most memory of a GPU that a run holds at once."""
    if device.type != "cuda":
        return float("nan")
    torch.cuda.reset_peak_memory_stats(device)
    run()
    return torch.cuda.max_memory_allocated(device) / 1e6


def operations(run: Callable[[], None]) -> int:
    """Those of all matrix products and convolutions of a run."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def compare(given: argparse.Namespace, compared: dict[str, Layer], seconds: int, rate: float) -> None:
    """Print a row per layer and precision, for one length of EEG."""
    x = torch.randn(given.batch, seconds * STEPS_PER_S, given.width, device=given.device, requires_grad=True)
    runs = {
        f"{name}, {kind}": step(partial(layer, x), bf16=kind == "bf16", device=given.device.type)
        for name, layer in compared.items()
        for kind in ("float32", "bf16")
    }
    fitting = {name: run for name, run in runs.items() if fits(run)}
    times = medians_ms(fitting, given.rounds, clock_s(given.device))
    ours, plain = OURS.format(backends(given)[-1]), fitting.get(OURS.format("chunked"))
    work = operations(plain) if plain else 0
    print(f"\n{seconds} s of EEG: forward and backward at {tuple(x.shape)}")
    print(f"{'':36}{'ms':>10}{'x ours, bf16':>14}{'of bf16 mm':>12}{'memory, MB':>12}")
    for name in runs:
        if name not in times:
            print(f"{name:36}{'no memory':>10}")
            continue
        ratio = times[name] / times[ours] if ours in times else float("nan")
        share = f"{1e3 * work / times[name] / rate:12.1%}" if name.startswith("Bi-Mamba") and plain else f"{'':12}"
        print(
            f"{name:36}{times[name]:10.2f}{ratio:14.2f}{share}{peak_mb(fitting[name], given.device):12.0f}", flush=True
        )


def detector(given: argparse.Namespace, rate: float) -> None:
    """Print windows a second through `base`, trained and run."""
    signal = torch.randn(given.windows, CHANNELS, WINDOW_S * RATE_HZ, device=given.device)
    print(f"\n`base`, {given.windows} windows of {WINDOW_S} s at once, bf16: windows a second, share of the bf16 rate")
    for backend in backends(given):
        model = build(DetectorConfig.base(), CHANNELS, 0.1, backend).to(given.device)
        run = partial(model, signal)
        runs = {
            "trained": step(run, bf16=True, device=given.device.type),
            "run": torch.inference_mode()(torch.autocast(given.device.type, torch.bfloat16)(run)),
        }
        times = medians_ms(runs, given.rounds, clock_s(given.device))
        for name, taken_ms in times.items():
            share = f"{1e3 * operations(runs[name]) / taken_ms / rate:8.1%}" if backend == "chunked" else ""
            print(f"  {backend}, {name:8}{1e3 * given.windows / taken_ms:10.0f}{share}", flush=True)


def main() -> None:
    """Print the machine, the layers and the detector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"batch": 8, "width": 256, "state": 64, "head-dim": 64, "expand": 2, "rounds": 5, "windows": 64}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=int, nargs="+", default=[60, 600, 3600])
    parser.add_argument("--device", type=torch.device, default=torch.device("cuda"))
    given = parser.parse_args()
    torch.manual_seed(0)
    machine = torch.cuda.get_device_name(given.device) if given.device.type == "cuda" else "a processor"
    rate = bf16_rate(given.device, given.rounds)
    print(f"{machine}, torch {torch.__version__}; products of matrices in bf16: {rate / 1e12:.1f} TFLOP/s")
    compared = layers(given)
    for seconds in given.seconds:
        compare(given, compared, seconds, rate)
    detector(given, rate)


if __name__ == "__main__":
    main()
