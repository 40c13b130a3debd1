"""The scan as its definition reads: one step after another, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

from ictal.models.chunked import Weights


def scan(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, initial_state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Output (batch, length, heads, head_dim) and final state (batch, heads, head_dim, state) of the recurrence."""
    x, dt, a, b, c = (values.double() for values in (x, dt, a, b, c))
    batch, length, heads, head_dim = x.shape
    state = torch.zeros(batch, heads, head_dim, b.shape[-1], dtype=torch.float64)
    if initial_state is not None:
        state = initial_state.double()
    outputs = []
    for t in range(length):
        decay = torch.exp(dt[:, t] * a)[:, :, None, None]
        gained = dt[:, t, :, None, None] * x[:, t, :, :, None] * b[:, t, None, None, :]
        state = decay * state + gained
        outputs.append((state * c[:, t, None, None, :]).sum(dim=-1))
    return torch.stack(outputs, dim=1), state


def mix(projected: Tensor, keep: Tensor, weights: Weights, floor: float) -> Tensor:
    """A Mamba layer between its projections (batch, length, inner), one direction after the other."""
    inner, heads, mixed_width = len(weights.norm), weights.rates.shape[-1], weights.bias.shape[-1]
    batch, length, _ = projected.shape
    gate, mixed, raw = torch.split(projected, [inner, mixed_width, heads], dim=-1)
    state = (mixed_width - inner) // 2
    total = torch.zeros(batch, length, inner, dtype=projected.dtype)
    for way in range(len(weights.rates)):
        order = torch.arange(length) if way == 0 else torch.arange(length - 1, -1, -1)
        seen = torch.cat([torch.zeros(batch, 3, mixed_width, dtype=projected.dtype), mixed[:, order]], dim=1)
        convolved = sum((weights.taps[way, :, k] * seen[:, k : k + length] for k in range(4)), weights.bias[way])
        x, b, c = torch.split(convolved * torch.sigmoid(convolved), [inner, state, state], dim=-1)
        dt = torch.log1p(torch.exp(raw[:, order] + weights.dt_bias[way])) * keep[:, order, None]
        heads_apart = x.unflatten(-1, (heads, -1))
        y, _ = scan(heads_apart, dt, weights.rates[way], b, c)
        total = total + (y + weights.skip[way][:, None] * heads_apart).flatten(2)[:, order]
    total = total * gate * torch.sigmoid(gate)
    return total / torch.sqrt(total.square().mean(dim=-1, keepdim=True) + floor) * weights.norm
