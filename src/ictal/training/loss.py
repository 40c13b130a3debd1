"""The loss that a step of training lowers."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def step_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean binary cross-entropy per time step, in nats, over the valid part of every step.

    It is computed from logits in log space, so it needs no clamp: a confidently wrong step keeps its gradient.

    Args:
        logits: (B, S).
        labels: Ictal share of each step, (B, S) in 0..1.
        weights: Valid share of each step, (B, S) in 0..1.
    """
    losses = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return (losses * weights).sum() / weights.sum()
