"""Each way to die is noticed, named, and stops the run before more is spent."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ictal.models.detector import DetectorConfig, build
from ictal.training.guards import (
    CompositionGuard,
    DataGuard,
    GuardConfig,
    GuardStop,
    NumbersGuard,
    Observation,
    SeparationGuard,
    SkillGuard,
    StreamingAuroc,
    rank_deviate,
    window_answers,
)
from ictal.training.loop import Trainer
from ictal.windows.dataset import Batch
from ictal.windows.prior import binary_entropy
from tests.training.small import SAMPLES_PER_STEP, BlindModel, PowerModel, silent, trainer


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
    assert abs(float(verdict.evidence["loss"]) - float(verdict.evidence["blind_loss"])) < 0.1
    assert "only how often seizures are drawn" in str(stop.value)


def test_a_blind_model_has_no_skill_whatever_the_loss(tmp_path: Path) -> None:
    """A focal loss of the prior alone is far below the prior's entropy, and is no skill all the same."""
    run = trainer(tmp_path, model=BlindModel(), focal_gamma=2.0)
    run.guards = [guard for guard in run.guards if isinstance(guard, SkillGuard)]
    with pytest.raises(GuardStop, match="no-skill"):
        run.run(silent)


def test_smoothed_labels_are_no_lack_of_skill(tmp_path: Path) -> None:
    """Who knows every label loses their entropy, here more than that of the rare prior: that is skill 1."""
    run = trainer(tmp_path, label_smoothing=0.1, seizure_windows=1)
    assert run.prior.perfect_loss > binary_entropy(run.prior.probability)
    run.guards = [SkillGuard(GuardConfig(grace_steps=50), run.prior)]
    run.run(silent)
    assert json.loads((tmp_path / "train.jsonl").read_text().splitlines()[-1])["skill"] > 0.2


def test_skill_is_measured_by_the_prior_that_is_drawn_now(tmp_path: Path) -> None:
    """An adaptive plan draws more seizures with every round here; its log and its guard know of how many."""
    run = trainer(tmp_path, strategy="adaptive", seizure_windows=2)
    guard = next(guard for guard in run.guards if isinstance(guard, SkillGuard))
    first = guard.prior
    run.run(silent)
    last = first.on(run.plan)
    assert last.blind_loss > first.blind_loss + 0.1
    assert guard.prior.blind_loss == last.blind_loss
    row = json.loads((tmp_path / "train.jsonl").read_text().splitlines()[-1])
    assert row["skill"] == 1 - row["loss"] / last.blind_loss


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

    def forward(self, signal_uv: Tensor, valid_samples: Tensor, valid_channels: Tensor) -> Tensor:
        """(B, C, T) to (B, S)."""
        self.calls -= 1
        logits: Tensor = self.inner(signal_uv, valid_samples, valid_channels)
        return logits * (torch.nan if self.calls < 0 else 1.0)


def test_a_number_that_is_none_stops_before_the_weights_change(tmp_path: Path) -> None:
    """The verdict names the step and the windows; the weights are finite."""
    run = trainer(tmp_path, model=BreaksAtStep(7))
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("not-finite", 7)
    assert len(stop.value.verdict.evidence["windows"]) == 8  # type: ignore[arg-type]
    assert all(torch.isfinite(parameter).all() for parameter in run.model.parameters())


def test_a_step_without_a_number_is_not_taken_where_the_guard_only_warns(tmp_path: Path) -> None:
    """Nor does it reach what the other guards remember."""
    run = trainer(tmp_path, model=BreaksAtStep(7), steps=9)
    run.guards = [
        NumbersGuard(run.model, GuardConfig(numbers="warn"), peak_rate=1.0, warmup_steps=0),
        SkillGuard(GuardConfig(), run.prior),
    ]
    run.run(silent)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert [[warning["kind"] for warning in row["warnings"]] for row in rows] == [[]] * 7 + [["not-finite"]] * 2
    assert [row["loss"] is None for row in rows] == [False] * 7 + [True] * 2
    assert "NaN" not in (tmp_path / "train.jsonl").read_text()  # which is no JSON
    assert all(torch.isfinite(parameter).all() for parameter in run.model.parameters())
    assert math.isfinite(run.guards[1].state_dict()["skill"])


def test_a_dead_model_is_found_by_the_rank_of_its_answers(tmp_path: Path) -> None:
    """Answers that are noise separate nothing: the sequential test stops the run some fifty steps after its grace."""
    run = trainer(tmp_path, model=NoiseModel(), steps=400)
    run.guards = [SeparationGuard(GuardConfig(grace_steps=10), 0.0)]
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert stop.value.verdict.kind == "no-separation"
    assert 40 <= stop.value.verdict.step <= 160
    assert "answers are mixed" in stop.value.verdict.message


@pytest.mark.parametrize(
    ("bias", "said"), [(-9.0, "no answer is for a seizure"), (9.0, "all answers are for a seizure")]
)
def test_both_ways_to_collapse_are_named(tmp_path: Path, bias: float, said: str) -> None:
    """All-negative and all-positive."""
    run = trainer(tmp_path, model=ConstantModel(bias), steps=400, learning_rate=1e-9)
    run.guards = [SeparationGuard(GuardConfig(grace_steps=0), 0.0)]
    with pytest.raises(GuardStop, match=said):
        run.run(silent)


def test_label_noise_does_not_trip_the_separation_guard() -> None:
    """AUROC of 0.7 within batches, for 20,000 steps: the sum never reaches its limit; at 0.5 it does within 200."""
    generator = torch.Generator().manual_seed(0)

    def steps_until_verdict(shift: float, steps: int) -> int | None:
        guard = SeparationGuard(GuardConfig(grace_steps=0), 0.0)
        for step in range(steps):
            labels = torch.zeros(16, 1)
            labels[:8] = 1
            logits = torch.randn(16, 1, generator=generator) + shift * labels
            if guard.observe(observation(step, logits, labels)):
                return step
        return None

    assert steps_until_verdict(0.74, 20_000) is None
    found = steps_until_verdict(0.0, 200)
    assert found is not None
    assert found > 20


def test_the_rank_deviate_is_that_of_mann_and_whitney() -> None:
    """Against counting pairs; ties count half; one kind alone has none."""
    labels = torch.tensor([[1.0], [1.0], [0.0], [0.0], [0.0]])
    logits = torch.tensor([[3.0], [1.0], [1.0], [0.0], [-1.0]])
    pairs = sum((a > b) + 0.5 * (a == b) for a in (3, 1) for b in (1, 0, -1))
    scores, seizure = window_answers(observation(0, logits, labels))
    assert rank_deviate(scores, seizure) == pytest.approx((pairs - 3) / (2 * 3 * 6 / 12) ** 0.5)
    assert rank_deviate(scores, torch.zeros_like(seizure)) is None


@pytest.mark.parametrize("spread", [0.05, 1.0, 8.0])
def test_the_streaming_area_is_that_of_all_pairs(spread: float) -> None:
    """Whether answers lie close together or far apart; the first steps have faded after a thousand."""
    generator = torch.Generator().manual_seed(1)
    stream, last = StreamingAuroc(-1.0), []
    for step in range(1000):
        seizure = torch.arange(16) < 8
        apart = -3.0 if step < 300 else 0.7
        scores = -1 + spread * (torch.randn(16, generator=generator) + apart * seizure)
        stream.add(scores, seizure)
        last.append(scores)
    recent = torch.stack(last[-300:])
    pairs = (recent[:, :8].flatten()[:, None] > recent[:, 8:].flatten()).double().mean()
    assert stream.value == pytest.approx(float(pairs), abs=0.03)


def test_there_is_no_area_without_both_kinds() -> None:
    """A hundred batches of background have none."""
    stream = StreamingAuroc(0.0)
    stream.add(torch.randn(8), torch.zeros(8, dtype=torch.bool))
    assert stream.value is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lambda b: b.labels.copy_(b.labels.flip(0)), "labels-differ"),
        (lambda b: b.signal_uv.zero_(), "constant-signal"),
        (lambda b: b.signal_uv.copy_(b.signal_uv[:1].expand_as(b.signal_uv)), "same-signal"),
        (lambda b: b.signal_uv.mul_(1e9).clamp_(-400, 400), "saturated-signal"),
    ],
)
def test_data_that_cannot_be_what_was_planned_stops_the_first_step(
    tmp_path: Path, fault: Callable[[Batch], object], kind: str
) -> None:
    """Shifted labels, a flat recording, one window for all."""
    run = trainer(tmp_path)
    run.guards = [DataGuard(run.plan.index, run.dataset.samples_per_step)]
    original = run.dataset.__getitems__

    def broken(windows: list[int]) -> object:
        batch = original(windows)
        fault(batch)
        return batch

    run.dataset.__getitems__ = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == (kind, 0)


def test_signals_of_the_step_before_are_stopped(tmp_path: Path) -> None:
    """The right windows and labels, over a buffer that nobody filled again."""
    run = trainer(tmp_path)
    run.guards = [DataGuard(run.plan.index, run.dataset.samples_per_step)]
    original = run.dataset.__getitems__
    read: list[Tensor] = []

    def stale(windows: list[int]) -> object:
        batch = original(windows)
        read.append(batch.signal_uv)
        if len(read) == 4:
            batch.signal_uv.copy_(read[2])
        return batch

    run.dataset.__getitems__ = stale  # type: ignore[method-assign,assignment]
    with pytest.raises(GuardStop, match="step before") as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("repeated-batch", 3)


def test_a_hundred_steps_without_a_seizure_are_stopped(tmp_path: Path) -> None:
    """A plan that promises none is not stopped before; the verdict names its strategy."""
    run = trainer(tmp_path, steps=150, strategy="natural")
    background = run.plan.index.background(np.arange(8))
    table = np.tile(background, (300, 1))
    bare = type(run.plan)
    guard = CompositionGuard(run.plan)
    assert not run.plan.guaranteed
    labels = torch.zeros(8, 1)
    verdicts = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bare, "table", lambda _plan, first, stop: table[first:stop])
        for step in range(100):
            seen = replace(observation(step, torch.zeros(8, 1), labels), windows=background)
            verdicts.append(guard.observe(seen))
    assert verdicts[:99] == [None] * 99
    assert verdicts[99] is not None
    assert verdicts[99].kind == "no-seizure-drawn"
    assert verdicts[99].evidence["strategy"] == "natural"


def numbers(run: Trainer, **fields: float) -> NumbersGuard:
    return NumbersGuard(run.model, GuardConfig(grace_steps=5, **fields), peak_rate=0.4, warmup_steps=3)  # type: ignore[arg-type]


def test_a_parameter_without_a_gradient_is_named(tmp_path: Path) -> None:
    """After the grace; 71 % of the parameters were dead once."""
    model = PowerModel()
    model.register_parameter("unused", nn.Parameter(torch.ones(3)))
    run = trainer(tmp_path, model=model)
    run.guards = [numbers(run)]
    with pytest.raises(GuardStop, match="unused") as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("dead-parameters", 5)


@pytest.mark.parametrize(("allowed", "stopped"), [(0.0, True), (0.74, True), (0.75, False)])
def test_a_frozen_backbone_has_to_be_meant(tmp_path: Path, allowed: float, stopped: bool) -> None:
    """The share of frozen numbers, not of parameters by name, and before the first step."""
    model = PowerModel()
    trained = sum(p.numel() for p in model.parameters())
    model.register_parameter("backbone", nn.Parameter(torch.ones(3 * trained), requires_grad=False))
    run = trainer(tmp_path, model=model)
    run.guards = [numbers(run, frozen_share_max=allowed)]
    if not stopped:
        run.run(silent)
        return
    with pytest.raises(GuardStop, match=r"75\.0% of the parameters are frozen, among them backbone") as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("frozen-parameters", 0)


def test_a_gradient_that_explodes_stops_before_the_weights_change(tmp_path: Path) -> None:
    """The verdict has the norm; the weights are those of before the step."""
    run = trainer(tmp_path)
    run.guards = [numbers(run, gradient_norm_max=1e-9)]
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    with pytest.raises(GuardStop, match="gradient-exploded"):
        run.run(silent)
    assert all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())


def test_a_first_step_at_the_peak_is_refused(tmp_path: Path) -> None:
    """A schedule that does not warm up although a warm-up is configured."""
    run = trainer(tmp_path, warmup_steps=0)
    run.guards = [numbers(run)]
    with pytest.raises(GuardStop, match="learning-rate"):
        run.run(silent)


def test_a_guard_that_only_warns_leaves_its_verdict_in_the_log(tmp_path: Path) -> None:
    """The run goes on to its end."""
    run = trainer(tmp_path, model=ConstantModel(-9.0), learning_rate=1e-9)
    run.guards = [SkillGuard(GuardConfig(grace_steps=30, skill="warn"), run.prior)]
    run.run(silent)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert [bool(row["warnings"]) for row in rows] == [False] * 30 + [True] * 30
    assert rows[-1]["warnings"][0]["kind"] == "no-skill"


class NoiseModel(nn.Module):
    """Answers at random."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, signal_uv: Tensor, _valid_samples: Tensor, _valid_channels: Tensor) -> Tensor:
        """(B, S)."""
        return torch.randn(len(signal_uv), signal_uv.shape[-1] // SAMPLES_PER_STEP) * (1 + 0 * self.scale)


class ConstantModel(nn.Module):
    """Answers the same, with a hair of noise."""

    def __init__(self, bias: float) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, signal_uv: Tensor, _valid_samples: Tensor, _valid_channels: Tensor) -> Tensor:
        """(B, S)."""
        return self.bias + 1e-3 * torch.randn(len(signal_uv), signal_uv.shape[-1] // SAMPLES_PER_STEP)


def observation(step: int, logits: Tensor, labels: Tensor) -> Observation:
    """One step with these answers."""
    return Observation(
        step=step,
        first_batch=step,
        windows=np.arange(len(logits)),
        recordings=tuple(f"r{n}" for n in range(len(logits))),
        shift_samples=np.zeros(len(logits), dtype=np.int64),
        signal_uv=torch.zeros(len(logits), 1, 1),
        loss=0.5,
        logits=logits,
        labels=labels,
        weights=torch.ones_like(labels),
        gradient_norm=1.0,
        learning_rate=0.1,
    )


@pytest.mark.parametrize("kind", ["bimamba", "mamba", "gru", "shallow", "unet", "linear"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_one_broken_sample_anywhere_is_found(tmp_path: Path, kind: Any, value: float) -> None:
    """Whatever the detector, it leaves traces in the answers; the guard says that the signal was the cause."""
    guard = numbers(trainer(tmp_path))
    model = build(DetectorConfig(kind=kind), 3, 0.3).eval()
    signal_uv = torch.randn(4, 3, 15 * 32) * 50
    fine = replace(observation(1, torch.zeros(4, 15), torch.zeros(4, 15)), signal_uv=signal_uv)
    assert guard.observe(replace(fine, logits=model(signal_uv).detach())) is None
    broken = signal_uv.clone()
    broken[2, 1, 33], broken[0, 0, 0] = value, -value
    verdict = guard.observe(replace(fine, signal_uv=broken, logits=model(broken).detach()))
    assert verdict is not None
    assert "signal, logits not finite" in verdict.message
    assert verdict.evidence["broken_windows"] == [0, 2]
    assert verdict.evidence["broken_recordings"] == "r0, r2"
    assert verdict.evidence["recordings"] == "r0, r1, r2, r3"
