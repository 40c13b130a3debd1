"""The loss against its formula, written out."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.training.loss import StepLoss, type_sums
from ictal.windows.dataset import NO_TYPE
from ictal.windows.prior import LossWeights

shares = st.floats(0, 1)


@given(
    logit=st.floats(-30, 30), label=shares, weight=shares, positive=st.floats(0.1, 50), alpha=st.floats(0.05, 0.95),
    gamma=st.sampled_from([0.0, 1.0, 2.0]), smoothing=st.floats(0, 0.5),
)  # fmt: skip
@settings(max_examples=200)
def test_it_is_its_formula(
    logit: float, label: float, weight: float, positive: float, alpha: float, gamma: float, smoothing: float
) -> None:
    """Cross-entropy of the smoothed label, times class weight, times (1 - p of the true label) to the gamma."""
    loss = StepLoss(
        weights=LossWeights(positive_weight=positive, focal_alpha=alpha, focal_gamma=gamma, label_smoothing=smoothing)
    )
    logits, labels, weights = (torch.tensor([[value]], dtype=torch.float64) for value in (logit, label, weight))
    found, counted = loss.sums(logits, labels, weights)
    soft = label * (1 - smoothing) + smoothing / 2
    entropy = soft * math.log1p(math.exp(-logit)) + (1 - soft) * math.log1p(math.exp(logit))
    own = weight * (label * positive * alpha * 2 + (1 - label) * (1 - alpha) * 2)
    true = label * math.log1p(math.exp(logit)) + (1 - label) * math.log1p(math.exp(-logit))
    assert float(counted) == pytest.approx(own, rel=1e-9)
    assert float(found) == pytest.approx(own * entropy * math.exp(-gamma * true), rel=1e-6, abs=1e-12)


def test_a_confident_mistake_keeps_its_gradient() -> None:
    """Nothing is clamped."""
    logits = torch.tensor([[-80.0]], requires_grad=True)
    StepLoss().sums(logits, torch.ones(1, 1), torch.ones(1, 1))[0].backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert float(logits.grad) == pytest.approx(-1.0)


def test_the_loss_of_types_is_over_the_steps_that_have_one() -> None:
    """By hand: two typed steps of weights 1 and 0.5; what the others say does not count."""
    told = torch.log(torch.tensor([[[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]]]))
    lost, weight = type_sums(told, torch.tensor([[1, 0, NO_TYPE]], dtype=torch.int8), torch.tensor([[1.0, 0.5, 1.0]]))
    assert float(weight) == 1.5
    assert float(lost) == pytest.approx(-math.log(0.75) - 0.5 * math.log(0.5))
    nothing = torch.full((1, 3), NO_TYPE, dtype=torch.int8)
    assert [float(one) for one in type_sums(told, nothing, torch.ones(1, 3))] == [0, 0]
