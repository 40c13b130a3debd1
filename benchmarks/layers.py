"""A training step of one layer: time, share of the machine's own `torch.mm` rate, and memory, taken in turns.

    python benchmarks/layers.py [--width 128] [--state 16] [--head-dim 32] [--expand 2] [--length 960] [--compiled]

Forward and backward of a Bi-Mamba layer by each backend, in float32 and under bfloat16 autocast, and with its scan in
plain autograd; beside a bidirectional LSTM, in both, and a Transformer encoder layer, all of equal width. `compiled`
runs if asked for, which wants a C++ compiler; how long its first step took, with no cache of compiled code, is printed.
Each round runs every candidate once. Times are those of the process's one thread (CPU time), which other programs of
the machine disturb least. The work counted for the share is that of the two projections alone, and the rate that of
MKL, which is what `torch.mm` uses in float32. Memory is what autograd keeps for the backward pass, weights aside. Last
come the parts of a step of the fused backend.

Where `transformers` can be imported, its Mamba-2 layer (its path without CUDA kernels, one direction of time) runs with
our weights beside ours, after a check that both give the same numbers. It needs no place among our dependencies:

    python -m venv --system-site-packages /tmp/peer && /tmp/peer/bin/pip install transformers==5.24.0
    /tmp/peer/bin/python benchmarks/layers.py --width 256 --state 64 --head-dim 64
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from ictal.models import chunked
from ictal.models.backends import Chosen, choose
from ictal.models.mamba import BiMamba2, Mamba2

MM_SIZE = 1024
PLAIN_CHUNK = 64
PARTS = {
    "_Mix": "between the projections, forward",
    "_MixBackward": "between the projections, backward",
    "aten::mkldnn_convolution": "projections, forward",
    "aten::convolution_backward": "projections, backward",
    "ConvolutionBackward0": "projections, backward",
}


def step(function: Callable[[], Tensor], *, bf16: bool = False, device: str = "cpu") -> Callable[[], None]:
    """Forward and backward of a function."""

    def run() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            out = function()
        out.float().square().mean().backward()  # type: ignore[no-untyped-call]

    return run


def plain_scan(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The chunked scan as the paper lists it, differentiated by autograd; a length of whole chunks."""
    x, log_decay = x * dt.unsqueeze(-1), dt * a.unsqueeze(1)
    x, log_decay, b, c = (torch.unflatten(values, 1, (-1, PLAIN_CHUNK)) for values in (x, log_decay, b, c))
    reached = log_decay.cumsum(2).movedim(-1, 1)
    later = torch.ones(PLAIN_CHUNK, PLAIN_CHUNK, dtype=torch.bool).triu(1)
    decay = (reached.unsqueeze(-1) - reached.unsqueeze(-2)).masked_fill(later, -torch.inf).exp()
    inside = torch.einsum("bkin,bkjn,bhkij,bkjhp->bkihp", c, b, decay, x)
    added = torch.einsum("bkjn,bhkj,bkjhp->bkhpn", b, (reached[..., -1:] - reached).exp(), x)
    state, entering = torch.zeros_like(added[:, 0]), []
    for chunk in range(added.shape[1]):
        entering.append(state)
        state = reached[:, :, chunk, -1].exp()[..., None, None] * state + added[:, chunk]
    carried = torch.einsum("bkin,bkhpn,bhki->bkihp", c, torch.stack(entering, 1), reached.exp())
    return (inside + carried).flatten(1, 2), state


def product(kind: torch.dtype, size: int = MM_SIZE, device: str = "cpu") -> Callable[[], None]:
    """A matrix product in a type."""
    square = torch.randn(size, size, device=device).to(kind)

    def run() -> None:
        torch.mm(square, square)

    return run


def candidates(given: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """What is compared, by name."""
    x = torch.randn(given.batch, given.length, given.width, requires_grad=True)
    sizes = {"state": given.state, "head_dim": given.head_dim, "expand": given.expand}
    runs = {}
    cpu = torch.device("cpu")
    asked: list[Chosen] = (
        [choose("compiled", cpu, state=given.state, head_dim=given.head_dim)] if given.compiled else []
    )
    for backend in ("chunked", *asked, "fused"):
        layer = BiMamba2(given.width, **sizes, backend=backend)
        for name, bf16 in (("float32", False), ("bf16", True)):
            runs[f"Bi-Mamba, {backend}, {name}"] = step(partial(layer, x), bf16=bf16)
    if given.length % PLAIN_CHUNK == 0:
        plain, same = BiMamba2(given.width, **sizes), BiMamba2(given.width, **sizes)
        plain.mix = partial(chunked.mix, whole=partial(chunked.mix_whole, scan=plain_scan))
        same.load_state_dict(plain.state_dict())
        torch.testing.assert_close(plain(x), same(x), rtol=1e-3, atol=1e-4)
        runs["Bi-Mamba, plain autograd, float32"] = step(partial(plain, x))
    lstm = nn.LSTM(given.width, given.width // 2, bidirectional=True, batch_first=True)
    transformer = nn.TransformerEncoderLayer(given.width, 4, 4 * given.width, dropout=0.0, batch_first=True)
    runs["bidirectional LSTM, float32"] = step(lambda: lstm(x)[0])
    runs["bidirectional LSTM, bf16"] = step(lambda: lstm(x)[0], bf16=True)
    runs["Transformer layer, float32"] = step(lambda: transformer(x))
    if given.expand == 2 and find_spec("transformers"):
        runs |= one_direction(given, x)
    runs["torch.mm, float32"] = product(torch.float32)
    runs["torch.mm, bf16"] = product(torch.bfloat16)
    return runs


def one_direction(given: argparse.Namespace, x: Tensor) -> dict[str, Callable[[], None]]:
    """The Mamba-2 layer of transformers and ours, with the same weights."""
    theirs = importlib.import_module("transformers.models.mamba2.modeling_mamba2")
    settings = importlib.import_module("transformers.models.mamba2.configuration_mamba2").Mamba2Config(
        hidden_size=given.width,
        state_size=given.state,
        head_dim=given.head_dim,
        num_heads=2 * given.width // given.head_dim,
        n_groups=1,
        num_hidden_layers=1,
    )
    peer, runs = theirs.Mamba2Mixer(settings, 0), {}
    runs["Mamba-2 of transformers, float32"] = step(partial(peer, x))
    for backend in ("chunked", "fused"):
        ours = Mamba2(given.width, state=given.state, head_dim=given.head_dim, backend=backend)
        ours.load_state_dict(peer.state_dict())
        torch.testing.assert_close(ours(x), peer(x), rtol=1e-3, atol=1e-4)
        runs[f"Mamba-2, {backend}, float32"] = step(partial(ours, x))
    return runs


def first_s(run: Callable[[], None]) -> float:
    """CPU time of the first run, compilers that it starts included."""
    begin = sum(os.times()[:4])
    run()
    return sum(os.times()[:4]) - begin


def medians_ms(
    runs: dict[str, Callable[[], None]], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Median time of each candidate, CPU time if no other clock is given, one run of each per round."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            begin = clock()
            run()
            taken[name].append(1e3 * (clock() - begin))
    return {name: statistics.median(times) for name, times in taken.items()}


def kept_mb(run: Callable[[], None]) -> float:
    """What autograd keeps for the backward pass, without leaves such as weights and input."""
    sizes: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if not (tensor.is_leaf and tensor.requires_grad):
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    return sum(sizes.values()) / 1e6


def parts(run: Callable[[], None]) -> dict[str, float]:
    """Share of a step's CPU time by part of the layer."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        for _ in range(3):
            run()
    shares: dict[str, float] = {}
    events = record.key_averages()
    whole = sum(event.self_cpu_time_total for event in events)
    for event in events:
        part = PARTS.get(event.key, "everything else")
        shares[part] = shares.get(part, 0.0) + event.self_cpu_time_total / whole
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def main() -> None:
    """Print one row per candidate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"batch": 8, "length": 960, "width": 128, "state": 16, "head-dim": 32, "expand": 2, "rounds": 5}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--compiled", action="store_true")
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.compiler.config.force_disable_caches = True
    runs = candidates(given)
    compiling = {name: first_s(run) for name, run in runs.items() if "compiled" in name}
    times = medians_ms(runs, given.rounds)
    inner = given.expand * given.width
    columns = 2 * inner + 2 * given.state + inner // given.head_dim
    work = 6 * given.batch * given.length * given.width * (columns + inner)
    peak = 2 * MM_SIZE**3 / times["torch.mm, float32"]
    ours = times["Bi-Mamba, fused, float32"]
    sizes = f"state {given.state}, expand {given.expand}"
    print(f"forward and backward at ({given.batch}, {given.length}, {given.width}), {sizes}, one thread")
    print(f"{'':36}{'ms':>9}{'x fused float32':>17}{'of float32 mm':>15}{'kept, MB':>10}")
    for name, time_ms in times.items():
        share = f"{work / time_ms / peak:15.0%}" if name.startswith("Bi-Mamba") else f"{'':15}"
        memory = "" if name.startswith("torch.mm") else f"{kept_mb(runs[name]):10.0f}"
        print(f"{name:36}{time_ms:9.1f}{time_ms / ours:17.2f}{share}{memory}")
    for name, taken_s in compiling.items():
        print(f"{name}: its first step takes {taken_s:.0f} s")
    for kind in ("float32", "bf16"):
        print(f"of a step, fused, {kind}:")
        for part, share_of_step in parts(runs[f"Bi-Mamba, fused, {kind}"]).items():
            print(f"  {part:36}{share_of_step:6.0%}")


if __name__ == "__main__":
    main()
