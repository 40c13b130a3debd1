"""Mamba-2 blocks: gated state-space layers over time, in one direction or in both.

Parameters carry the public Mamba-2 names and shapes (`in_proj`, `conv1d`, `dt_bias`, `A_log`, `D`, `norm`, `out_proj`),
so published weights of a layer load into `Mamba2`. `BiMamba2` is a `Mamba2` that reads the same projections a second
time from the end: projections, which hold nearly all parameters and work, are shared by the directions, while each
direction owns its convolution, step sizes, decays and skip. A layer has one meaning and several backends
(`ictal.models.backends`).

Invariant: a step that is not kept neither gives to nor takes from a kept step, in either direction. Its input is zero,
as beyond the ends of a sequence, and its step size is zero, which leaves the state as it was.

Source: Dao and Gu 2024, arXiv 2405.21060; projections shared by the directions: Schiff et al. 2024, arXiv 2403.03234.

Shape legend: B batch, L length, W width, I inner width = expand * W, H heads, P head_dim = I / H, N state.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ictal.models.backends import Chosen, mixer
from ictal.models.chunked import Weights, finished, operands, parted, skipped
from ictal.models.products import linear
from ictal.models.scan import scan

Memory: TypeAlias = tuple[Tensor, Tensor]
"""What a layer carries from step to step: the convolution's last inputs (B, 3, I + 2N) and the state (B, H, P, N)."""

_DT_RANGE = (1e-3, 1e-1)
_RATE_RANGE = (1.0, 16.0)
_NORM_FLOOR = 1e-5


class Norm(nn.RMSNorm):
    """Root mean square normalisation in the precision of its weight, whatever autocast has made of the input."""

    def forward(self, x: Float[Tensor, "*shape width"]) -> Float[Tensor, "*shape width"]:
        """(..., W) to the same shape."""
        return super().forward(x.to(self.weight.dtype))


class Direction(nn.Module):
    """What one direction of time owns: convolution, step sizes, decays and skip.

    At the start the heads' memories are spread evenly on a logarithmic scale, from under one step to about 1,000 steps.

    Args:
        inner: Inner width, a multiple of `head_dim`.
        state: Size of each head's state.
        head_dim: Numbers per head.
        conv_steps: Steps that the convolution sees, the present one included.
    """

    def __init__(self, inner: int, *, state: int, head_dim: int, conv_steps: int = 4) -> None:
        super().__init__()
        assert inner % head_dim == 0
        self.heads, self.head_dim, self.state = inner // head_dim, head_dim, state
        mixed = inner + 2 * state
        self.conv1d = nn.Conv1d(mixed, mixed, conv_steps, groups=mixed, padding=conv_steps - 1)
        dt = torch.logspace(math.log10(_DT_RANGE[0]), math.log10(_DT_RANGE[1]), self.heads)
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))
        self.A_log = nn.Parameter(torch.linspace(math.log(_RATE_RANGE[0]), math.log(_RATE_RANGE[1]), self.heads))
        self.D = nn.Parameter(torch.ones(self.heads))


class Mamba2(Direction):
    """One Mamba-2 layer, forward in time: (B, L, W) to the same shape.

    Args:
        width: Width of input and output.
        state: Size of each head's state.
        head_dim: Numbers per head.
        expand: Inner width as a multiple of the width.
        backend: What computes it (`ictal.models.backends`).
    """

    def __init__(self, width: int, *, state: int, head_dim: int, expand: int = 2, backend: Chosen = "chunked") -> None:
        inner = expand * width
        super().__init__(inner, state=state, head_dim=head_dim)
        self.mix = mixer(backend)
        self.in_proj = nn.Linear(width, 2 * inner + 2 * state + self.heads, bias=False)
        self.norm = Norm(inner, eps=_NORM_FLOOR)
        self.out_proj = nn.Linear(inner, width, bias=False)

    def forward(
        self, hidden: Float[Tensor, "batch length width"], keep: Bool[Tensor, "batch length"] | None = None
    ) -> Float[Tensor, "batch length width"]:
        """The layer's output; `keep` (B, L) says which steps are real."""
        if keep is not None:
            hidden = hidden * keep.unsqueeze(-1)
        mixed = self.mix(linear(hidden, self.in_proj.weight), keep, self.weights(), _NORM_FLOOR)
        return linear(mixed, self.out_proj.weight)

    def weights(self) -> Weights:
        """What the layer owns between its projections."""
        of_ways = (
            (way.conv1d.weight.squeeze(1), way.conv1d.bias, way.dt_bias, -torch.exp(way.A_log), way.D)
            for way in self.ways()
        )
        taps, bias, dt_bias, rates, skip = (torch.stack(values) for values in zip(*of_ways, strict=True))
        return Weights(taps, bias, dt_bias, rates, skip, self.norm.weight)

    def ways(self) -> list[Direction]:
        """The directions of time that it reads in."""
        return [self]

    def resume(
        self, hidden: Float[Tensor, "batch length width"], memory: Memory | None
    ) -> tuple[Float[Tensor, "batch length width"], Memory]:
        """The output of steps that follow those in the memory, and the memory after them.

        Args:
            hidden: The steps (B, L, W), any number.
            memory: What the last call returned; None before the first step.
        """
        weights = self.weights()
        gate, mixed, raw = parted(self.in_proj(hidden), weights)
        if memory is None:
            before, state = mixed.new_zeros(len(mixed), self.conv1d.kernel_size[0] - 1, mixed.shape[-1]), None
        else:
            before, state = memory
        seen = torch.cat([before, mixed], dim=1)
        x, dt, rates, b, c = operands(seen, raw, None, weights, 0)
        y, state = scan(x, dt, rates, b, c, initial_state=state)
        projected: Tensor = self.out_proj(finished(y + skipped(x, self.D), gate, weights.norm, _NORM_FLOOR))
        return projected, (seen[:, -before.shape[1] :], state)


class BiMamba2(Mamba2):
    """One Mamba-2 layer that reads time in both directions: (B, L, W) to the same shape."""

    def __init__(self, width: int, *, state: int, head_dim: int, expand: int = 2, backend: Chosen = "chunked") -> None:
        super().__init__(width, state=state, head_dim=head_dim, expand=expand, backend=backend)
        self.reverse = Direction(expand * width, state=state, head_dim=head_dim)

    def ways(self) -> list[Direction]:
        """The directions of time that it reads in."""
        return [self, self.reverse]


class Residual(nn.Module):
    """A layer on the normalised input, added to the input (pre-norm)."""

    def __init__(self, width: int, layer: nn.Module, *, dropout: float) -> None:
        super().__init__()
        self.norm = Norm(width, eps=1e-5)
        self.layer = layer
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, hidden: Float[Tensor, "batch length width"], keep: Bool[Tensor, "batch length"] | None = None
    ) -> Float[Tensor, "batch length width"]:
        """(B, L, W) to the same shape."""
        added: Tensor = hidden + self.dropout(self.layer(self.norm(hidden), keep))
        return added
