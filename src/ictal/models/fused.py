"""A Mamba layer between its projections as one operation on a processor: `kernels` with gradients for torch.

It computes what `chunked.mix` does, window by window, so that everything between the two matrix products
stays in the core's caches. Kept for the backward pass are the projection and the sum of both directions; the rest is
computed again. Windows are shared out among torch's threads; gradients of weights are those of the windows, added up in
their order, so that the number of threads changes no bit.

Shape legend: as in `ictal.models.kernels`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ictal.models import kernels
from ictal.models.chunked import Weights


def mix(
    projected: Float[Tensor, "batch length column"],
    keep: Bool[Tensor, "batch length"] | None,
    weights: Weights,
    floor: float,
) -> Float[Tensor, "batch length inner"]:
    """What the layer's output projection is given (B, L, I).

    Args:
        projected: What its input projection gave (B, L, F), float64, float32 or bfloat16; the output has its type.
        keep: Which steps are real (B, L).
        weights: The layer's.
        floor: What the normalisation adds to the mean square.
    """
    mixed: Tensor = _Mix.apply(projected, keep, floor, *weights)  # type: ignore[no-untyped-call]
    return mixed


class _Mix(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        projected: Float[Tensor, "batch length column"],
        keep: Bool[Tensor, "batch length"] | None,
        floor: float,
        *weights: Tensor,
    ) -> Float[Tensor, "batch length inner"]:
        operands = _Operands(projected, keep, floor, Weights(*weights))
        summed, out = (projected.new_empty((*projected.shape[:2], operands.inner)) for _ in range(2))
        written = (_entries(summed), _entries(out))
        _share_out(len(out), lambda first, stop: kernels.forward(*operands.arrays, *written, first, stop))
        ctx.save_for_backward(projected, keep, summed, *weights)
        ctx.floor = floor
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Float[Tensor, "batch length inner"]) -> tuple[Tensor | None, ...]:
        projected, keep, summed, *weights = ctx.saved_tensors
        operands = _Operands(projected, keep, ctx.floor, Weights(*weights))
        batch, drows, ddt = len(dout), torch.empty_like(operands.projected), torch.empty_like(operands.dt)
        of_weights = [values.new_zeros((batch, *values.shape)) for values in operands.weights]
        gradients = (_entries(drows), ddt.numpy(), *(values.numpy() for values in of_weights))
        given = (_entries(summed), _entries(dout.contiguous()), gradients)
        _share_out(batch, lambda first, stop: kernels.backward(*operands.arrays, *given, first, stop))
        draw = _each_way(ddt).movedim(-1, 1) * operands.dt_slope
        drows[..., -draw.shape[-1] :] = draw.sum(dim=2)
        dtaps, dbias, drates, dskip, dnorm = (values.sum(dim=0) for values in of_weights)
        inner, mixed = operands.inner, weights[1].shape[-1]
        ddt_bias = draw.sum(dim=(0, 1))
        return drows, None, None, dtaps[..., :mixed].mT, dbias[:, :mixed], ddt_bias, drates, dskip, dnorm[:inner]


class _Operands:
    """What the kernels are given, as arrays of one type."""

    def __init__(
        self,
        projected: Float[Tensor, "batch length column"],
        keep: Bool[Tensor, "batch length"] | None,
        floor: float,
        weights: Weights,
    ) -> None:
        wide = torch.promote_types(projected.dtype, torch.float32)
        heads, self.inner = weights.rates.shape[-1], len(weights.norm)
        raw = projected[..., -heads:].detach().to(wide).unsqueeze(2) + weights.dt_bias.detach().to(wide)
        real = raw.new_ones(()) if keep is None else keep.to(wide)[:, :, None, None]
        self.dt_slope = torch.sigmoid(raw) * real
        """Of the step sizes against the raw ones (B, L, D, H)."""
        self.projected = projected.detach().contiguous()
        self.dt = _each_way((functional.softplus(raw) * real).movedim(1, -1)).contiguous()
        padded = (_padded(weights.taps.mT), _padded(weights.bias), weights.rates, weights.skip, _padded(weights.norm))
        self.weights = [values.detach().to(wide).contiguous() for values in padded]
        state = (weights.bias.shape[-1] - self.inner) // 2
        width, states = ((0,) * (numbers // kernels.LANES) for numbers in (self.inner // heads, state))
        arrays = (values.numpy() for values in (self.dt, *self.weights))
        number = self.dt.numpy().dtype.type
        self.arrays = (width, states, _entries(self.projected), *arrays, number(floor), self.inner, state)


def _entries(tensor: Tensor) -> npt.NDArray[Any]:
    """A tensor of the batch as an array, bfloat16 by its bits."""
    array: npt.NDArray[Any] = (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array


def _padded(tensor: Tensor) -> Tensor:
    return functional.pad(tensor, (0, kernels.padded(tensor.shape[-1]) - tensor.shape[-1]))


def _each_way(values: Float[Tensor, "batch way head length"]) -> Float[Tensor, "batch way head length"]:
    """(B, D, H, L) with the time of the second direction turned round, which undoes itself."""
    return torch.cat([values[:, :1], values[:, 1:].flip(-1)], dim=1)


def _share_out(batch: int, work: Callable[[int, int], Any]) -> None:
    """Do the work on all windows, in as many threads as torch uses."""
    threads = min(torch.get_num_threads(), batch)
    edges = [batch * number // threads for number in range(threads + 1)]
    if threads == 1:
        work(0, batch)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
