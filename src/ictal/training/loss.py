"""The loss that a step of training lowers."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from ictal.windows.dataset import NO_TYPE
from ictal.windows.prior import LossWeights


@dataclass(frozen=True, kw_only=True)
class StepLoss:
    """Binary cross-entropy per time step in nats, or its focal form, from logits in log space.

    Nothing is clamped, so a confidently wrong step keeps its gradient. The focal form weighs each step's loss by
    `(1 - p)^gamma`, p the probability of its true label (Lin et al. 2017, eq. 4); gamma 0 is plain cross-entropy.

    Args:
        weights: What ictal steps count, what those that the model is sure of lose, and how labels are smoothed.
    """

    weights: LossWeights = field(default_factory=LossWeights)

    def sums(self, logits: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and weight, summed over the batch: their quotient is the mean loss.

        Args:
            logits: (B, S).
            labels: Ictal share of each step, (B, S) in 0..1.
            weights: Valid and labelled share of each step, (B, S) in 0..1.
        """
        own = self.weights
        smooth = labels * (1 - own.label_smoothing) + own.label_smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        counted = weights
        if not own.neutral:
            ictal = own.positive_weight * own.focal_alpha / 0.5
            counted = weights * (labels * ictal + (1 - labels) * (1 - own.focal_alpha) / 0.5)
        if own.focal_gamma:
            unsure = torch.exp(labels * functional.logsigmoid(-logits) + (1 - labels) * functional.logsigmoid(logits))
            return (losses * counted * unsure.pow(own.focal_gamma)).sum(), counted.sum()
        return (losses * counted).sum(), counted.sum()


def type_sums(log_probability: Tensor, types: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy in nats over types of seizures and the weight of the steps that have one, summed over the batch.

    Args:
        log_probability: Of each type, (B, S, types).
        types: Place of each step's type, NO_TYPE where it has none: (B, S).
        weights: Of each step, (B, S).
    """
    typed = types != NO_TYPE
    own = log_probability.gather(2, types.long().clamp_min(0).unsqueeze(2)).squeeze(2)
    counted = weights * typed
    return -(own * counted).sum(), counted.sum()
