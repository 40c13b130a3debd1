"""A Mamba layer between its two projections, in torch's own operations: runs on any device, and can be exported.

Shape legend: B batch, L length, D directions, I inner width, M = I + 2N, F = I + M + H, H heads, P head_dim = I / H, N
state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, NestedIOFunction, once_differentiable
from torch.nn import functional

from ictal.models.products import on_processor
from ictal.models.scan import scan

_TAPS = 4
_BLOCK = 2**20
"""Numbers of a projection that a processor takes at once, so that what is made of them stays in its caches."""

Mix = Callable[[Tensor, Tensor | None, "Weights", float], Tensor]
Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


class Weights(NamedTuple):
    """What a layer owns between its projections, its directions stacked."""

    taps: Float[Tensor, "way mixed tap"]
    """Of the convolutions (D, M, K), K = 4."""
    bias: Float[Tensor, "way mixed"]
    """Of the convolutions (D, M)."""
    dt_bias: Float[Tensor, "way head"]
    """Added to the raw step sizes (D, H)."""
    rates: Float[Tensor, "way head"]
    """Decay rates (D, H), negative."""
    skip: Float[Tensor, "way head"]
    """Of each head (D, H)."""
    norm: Float[Tensor, " inner"]
    """Of the normalisation (I)."""


def mix(
    projected: Float[Tensor, "batch length column"],
    keep: Bool[Tensor, "batch length"] | None,
    weights: Weights,
    floor: float,
    whole: Mix | None = None,
) -> Float[Tensor, "batch length inner"]:
    """What the layer's output projection is given (B, L, I).

    Args:
        projected: What its input projection gave (B, L, F): gate, what the convolution mixes, raw step sizes.
        keep: Which steps are real (B, L).
        weights: The layer's.
        floor: What the normalisation adds to the mean square.
        whole: What does that for windows that are taken at once; none means `mix_whole`.
    """
    whole = whole or mix_whole
    if not on_processor(projected) or projected.numel() <= _BLOCK:
        return whole(projected, keep, weights, floor)
    most = max(1, _BLOCK // projected[0].numel())
    windows = next(windows for windows in range(most, 0, -1) if len(projected) % windows == 0)
    blocks = torch.split(projected, windows)
    keeps = [None] * len(blocks) if keep is None else torch.split(keep, windows)
    return torch.cat([whole(block, kept, weights, floor) for block, kept in zip(blocks, keeps, strict=True)])


def mix_whole(
    projected: Float[Tensor, "batch length column"],
    keep: Bool[Tensor, "batch length"] | None,
    weights: Weights,
    floor: float,
    scan: Scan = scan,
) -> Float[Tensor, "batch length inner"]:
    """`mix` of a whole batch at once, with any scan."""
    gate, mixed, raw = parted(projected, weights)
    ways = [operands(_past(mixed), raw, keep, weights, 0)]
    if len(weights.rates) > 1:
        turned = None if keep is None else keep.flip(1)
        ways.append(operands(_past(mixed.flip(1)), raw.flip(1), turned, weights, 1))
    y, _ = scan(*(torch.cat(both) for both in zip(*ways, strict=True)))
    outputs = [
        output + skipped(way[0], weights.skip[number])
        for number, (output, way) in enumerate(zip(y.chunk(len(ways)), ways, strict=True))
    ]
    return finished(outputs[0] + outputs[1].flip(1) if len(ways) > 1 else outputs[0], gate, weights.norm, floor)


def parted(
    projected: Float[Tensor, "batch length column"], weights: Weights
) -> tuple[
    Float[Tensor, "batch length inner"], Float[Tensor, "batch length mixed"], Float[Tensor, "batch length head"]
]:
    """Gate (B, L, I), what the convolution mixes (B, L, M), and raw step sizes (B, L, H)."""
    gate, mixed, raw = torch.split(projected, [len(weights.norm), *weights.bias.shape[1:], weights.rates.shape[-1]], -1)
    return gate, mixed, raw


def operands(
    seen: Float[Tensor, "batch seen mixed"],
    raw: Float[Tensor, "batch length head"],
    keep: Bool[Tensor, "batch length"] | None,
    weights: Weights,
    way: int,
) -> tuple[
    Float[Tensor, "batch length head head_dim"],
    Float[Tensor, "batch length head"],
    Float[Tensor, "batch head"],
    Float[Tensor, "batch length state"],
    Float[Tensor, "batch length state"],
]:
    """The scan's x, dt, a, b, c of a direction, from values whose time runs that way.

    Args:
        seen: What the convolution mixes, after the K - 1 steps before it (B, K - 1 + L, M).
        raw: Step sizes before `softplus` (B, L, H).
        keep: Which steps are real (B, L).
        weights: The layer's.
        way: The direction.
    """
    inner, heads = len(weights.norm), weights.rates.shape[-1]
    taps, bias = weights.taps[way].to(seen.dtype), weights.bias[way].to(seen.dtype)
    mixed = functional.silu(_Convolution.apply(seen, taps, bias))  # type: ignore[no-untyped-call]
    state = (mixed.shape[-1] - inner) // 2
    x, b, c = torch.split(mixed, [inner, state, state], dim=-1)
    dt = functional.softplus(raw + weights.dt_bias[way])
    if keep is not None:
        dt = dt * keep.unsqueeze(-1)
    return torch.unflatten(x, -1, (heads, inner // heads)), dt, weights.rates[way].expand(len(x), -1), b, c


def skipped(
    x: Float[Tensor, "batch length head head_dim"], skip: Float[Tensor, " head"]
) -> Float[Tensor, "batch length head head_dim"]:
    """What goes past the scan: each head's input (B, L, H, P), scaled."""
    return x * skip.to(x.dtype).unsqueeze(-1)


def finished(
    y: Float[Tensor, "batch length head head_dim"],
    gate: Float[Tensor, "batch length inner"],
    norm: Float[Tensor, " inner"],
    floor: float,
) -> Float[Tensor, "batch length inner"]:
    """Gated normalisation of (B, L, H, P), in the precision of the norm's weight."""
    passed = (y.flatten(2) * functional.silu(gate)).to(norm.dtype)
    return functional.rms_norm(passed, norm.shape, norm, floor)


class _Convolution(torch.autograd.Function):
    """Each column (B, K - 1 + L, M) by its own taps (M, K), plus a bias (M): (B, L, M).

    It goes as an image of one line with its channels last, which is how rows lie in memory. The gradient of the taps is
    written out: oneDNN's takes a processor eight times as long.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, seen: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(seen, taps)
        return _each_column(seen, taps, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: NestedIOFunction, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen, taps = ctx.saved_tensors
        length, count = dy.shape[1], taps.shape[1]
        dtaps = [(dy * seen[:, tap : tap + length]).sum(dim=(0, 1)) for tap in range(count)]
        return _each_column(dy, taps.flip(1), None, count - 1), torch.stack(dtaps, dim=1), dy.sum(dim=(0, 1))


def _each_column(rows: Tensor, taps: Tensor, bias: Tensor | None, around: int = 0) -> Tensor:
    image = rows.mT.unsqueeze(2)
    lines = functional.conv2d(image, taps[:, None, None], bias, padding=(0, around), groups=len(taps))
    return lines.squeeze(2).mT


def _past(mixed: Tensor) -> Tensor:
    """Zeros before the first step, as many as the convolution sees."""
    return functional.pad(mixed, (0, 0, _TAPS - 1, 0))
