"""The scan as its definition reads: one step after another, in float64."""

from __future__ import annotations

import torch
from torch import Tensor


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
