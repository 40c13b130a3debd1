"""Each way to die is noticed, named, and stops the run before more is spent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ictal.training.guards import CompositionGuard, GuardStop
from tests.training.small import BlindModel, PowerModel, silent, trainer


def test_a_model_that_learns_only_the_prior_is_stopped_although_its_loss_falls(tmp_path: Path) -> None:
    """The loss falls from log 2 to the prior's entropy; the verdict says what it has learnt."""
    run = trainer(tmp_path, model=BlindModel(), learning_rate=0.4)
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    verdict = stop.value.verdict
    losses = [json.loads(line)["loss"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    assert verdict.kind == "no-skill"
    assert verdict.step == 30
    assert abs(float(verdict.evidence["loss"]) - float(verdict.evidence["prior_entropy"])) < 0.1
    assert "only how often seizures are drawn" in str(stop.value)


def test_shuffled_labels_are_stopped(tmp_path: Path) -> None:
    """Labels that have nothing to do with the signal give no skill."""
    run = trainer(tmp_path)
    original = run.dataset.__getitems__

    def shuffled(windows: list[int]) -> object:
        batch = original(windows)
        order = torch.randperm(batch.labels.numel(), generator=torch.Generator().manual_seed(sum(windows)))
        object.__setattr__(batch, "labels", batch.labels.flatten()[order].view_as(batch.labels))
        return batch

    run.dataset.__getitems__ = shuffled  # type: ignore[method-assign,assignment]
    run.guards = run.guards[2:]
    with pytest.raises(GuardStop, match="no-skill"):
        run.run(silent)


def test_a_loader_that_does_not_draw_the_plan_is_caught_on_the_first_batch(tmp_path: Path) -> None:
    """The count is taken from the labels that the model is given."""
    run = trainer(tmp_path)
    original = run.dataset.__getitems__
    run.dataset.__getitems__ = lambda windows: original(range(len(windows)))  # type: ignore[method-assign]
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("composition", 0)


def test_zero_labels_are_caught_on_the_first_batch(tmp_path: Path) -> None:
    """The incident's true cause, had it come this far."""
    run = trainer(tmp_path)
    run.guards = [CompositionGuard(run.plan)]
    original = run.dataset.__getitems__

    def unlabelled(windows: list[int]) -> object:
        batch = original(windows)
        batch.labels.zero_()
        return batch

    run.dataset.__getitems__ = unlabelled  # type: ignore[method-assign,assignment]
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert stop.value.verdict.evidence["found"] == 0


class BreaksAtStep(nn.Module):
    """Gives NaN from its n-th call on."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.inner = PowerModel()
        self.calls = calls

    def forward(self, signal_uv: Tensor, valid_samples: Tensor) -> Tensor:
        """(B, C, T) to (B, S)."""
        self.calls -= 1
        logits: Tensor = self.inner(signal_uv, valid_samples)
        return logits * (torch.nan if self.calls < 0 else 1.0)


def test_a_number_that_is_none_stops_before_the_weights_change(tmp_path: Path) -> None:
    """The verdict names the step and the windows; the weights are finite."""
    run = trainer(tmp_path, model=BreaksAtStep(7))
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("not-finite", 7)
    assert len(stop.value.verdict.evidence["windows"]) == 8  # type: ignore[arg-type]
    assert all(torch.isfinite(parameter).all() for parameter in run.model.parameters())
