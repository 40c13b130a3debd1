"""Natural and drawn prevalence against what labels really hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.training.loss import StepLoss
from ictal.windows import prior
from ictal.windows.dataset import step_labels
from ictal.windows.index import IndexedRecording, build
from ictal.windows.labels import LabelRule
from ictal.windows.plan import BatchConfig, balanced
from tests.windows.strategies import grids, recordings


@given(recordings(max_samples=90), grids())
@settings(max_examples=60)
def test_drawn_prevalence_is_that_of_the_labels_over_whole_cycles(
    corpus: list[IndexedRecording], grid: WindowGrid
) -> None:
    """Counting the labels of every batch of S x G steps (whole cycles of both pools) gives the prior exactly."""
    index = build(corpus, grid)
    seizure, background = len(index.seizure_windows), index.background_windows
    assume(2 <= seizure <= 40 and 2 <= background <= 40)
    plan = balanced(index, BatchConfig(size=4, seizure_windows=2))
    steps = seizure * background
    drawn = np.concatenate([plan.batch(step) for step in range(steps)])
    labels, weights = step_labels(index, drawn, 1)
    assert prior.drawn(plan).time_step == pytest.approx((labels * weights).sum() / weights.sum(), rel=1e-6)
    assert prior.drawn(plan).window == 0.5


def test_natural_prevalence_counts_each_sample_once() -> None:
    """Overlapping windows do not count a seizure twice."""
    recording = IndexedRecording(id="r", patient="p", samples=1000, seizures=np.array([[100, 150]]))
    found = prior.natural(build([recording], WindowGrid(length_samples=100, stride_samples=10)))
    assert found.time_step == 0.05
    assert found.window == pytest.approx(14 / 91)


def test_entropy_is_the_loss_of_the_model_that_says_the_prior() -> None:
    """-p log p - (1 - p) log(1 - p), and 0 at both ends."""
    assert prior.binary_entropy(0.5) == pytest.approx(math.log(2))
    assert prior.binary_entropy(0.0) == prior.binary_entropy(1.0) == 0.0


@given(
    drawn=st.floats(0.01, 0.9), positive=st.floats(0.2, 5), gamma=st.sampled_from([0.0, 1.0, 2.0]),
    smoothing=st.sampled_from([0.0, 0.1, 0.3]),
)  # fmt: skip
@settings(max_examples=20)
def test_skill_lies_between_the_best_constant_answer_and_every_label_known(
    drawn: float, positive: float, gamma: float, smoothing: float
) -> None:
    """Whatever the loss: its least value over answers that are all alike is skill 0, over answers by class skill 1."""
    held = prior.Prevalence(window=0.5, time_step=drawn)
    weights = prior.LossWeights(positive_weight=positive, focal_gamma=gamma, label_smoothing=smoothing)
    known = prior.EffectivePrior(prior=prior.Prior(natural=held, drawn=held), weights=weights)
    logits = torch.linspace(-12, 12, 1201, dtype=torch.float64)
    shares = torch.tensor([[drawn, 1 - drawn]], dtype=torch.float64)
    labels = torch.tensor([[1.0, 0.0]], dtype=torch.float64)

    def least(of: torch.Tensor, others: torch.Tensor) -> float:
        pairs = torch.stack([of, others], dim=1)
        found = [StepLoss(weights=weights).sums(pair[None], labels, shares) for pair in pairs]
        return min(float(lost / weight) for lost, weight in found)

    assert known.skill(least(logits, logits)) == pytest.approx(0, abs=1e-3)
    assert known.skill(least(logits, -logits)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("adjustment", [0.0, 0.5, 1.0])
def test_an_adjusted_answer_is_undone_like_any_other(adjustment: float) -> None:
    """At 1 a model that knows only the prior answers one half; the offset takes every answer to the natural prior."""
    recording = IndexedRecording(id="r", patient="p", samples=1000, seizures=np.array([[100, 150]]))
    plan = balanced(
        build([recording], WindowGrid(length_samples=50, stride_samples=10)), BatchConfig(size=4, seizure_windows=1)
    )
    found = prior.effective(plan, prior.LossWeights(logit_adjustment=adjustment))
    logit = math.log(found.answer / (1 - found.answer))
    loss_sees = logit + found.logit_shift
    assert 1 / (1 + math.exp(-loss_sees)) == pytest.approx(prior.drawn(plan).time_step)
    assert 1 / (1 + math.exp(-logit - found.logit_offset)) == pytest.approx(0.05)
    assert found.initial_bias == pytest.approx(logit)
    assert (found.answer == pytest.approx(0.5)) == (adjustment == 1)


def test_background_without_a_label_is_refused() -> None:
    """Each background sample lies in the margin of an onset or a stop."""
    recording = IndexedRecording(id="r", patient="p", samples=100, seizures=np.array([[10, 90]]))
    index = build([recording], WindowGrid(length_samples=10, stride_samples=10), LabelRule(margin_samples=10))
    with pytest.raises(InputError, match="is ictal") as error:
        prior.effective(balanced(index, BatchConfig(size=2, seizure_windows=1)), prior.LossWeights())
    assert error.value.where == "windows.margin_s"
