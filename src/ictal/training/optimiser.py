"""AdamW with the right parameters left undecayed, and the learning rate of every step."""

from __future__ import annotations

import math

import torch
from torch import nn

STATE_SPACE_PARAMETERS = ("A_log", "D", "dt_bias")


def adamw(model: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW that decays matrices and convolutions, not norms, biases or the state space's own parameters."""
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        own = name.rsplit(".", 1)[-1] in STATE_SPACE_PARAMETERS
        (kept if parameter.ndim < 2 or own else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate)


def learning_rate(step: int, *, peak: float, warmup_steps: int, steps: int) -> float:
    """Linear warm-up that reaches the peak after `warmup_steps`, then a cosine to zero after the last step.

    Args:
        step: Number of the step, from 0.
        peak: Highest learning rate.
        warmup_steps: Steps until the peak.
        steps: Steps of the whole run.
    """
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    return peak * 0.5 * (1 + math.cos(math.pi * done))
