"""Register E: runs that learnt nothing, lost their state or hid their faults."""

from __future__ import annotations

import ast
import json
import shutil
import tomllib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ictal
from ictal.detection.counted import CountedLogits
from ictal.errors import InputError
from ictal.models.backends import choose
from ictal.models.detector import DetectorConfig, build
from ictal.recipes import evaluate, ranking
from ictal.recipes import plan as planning
from ictal.recipes.config import EventConfig, known_keys
from ictal.recipes.curve import staircases
from ictal.recipes.run import open_planned
from ictal.scoring.curves import Trace
from ictal.scoring.staircase import added
from ictal.timeline.grid import WindowGrid
from ictal.training.guards import GuardStop
from ictal.training.optimiser import learning_rate
from ictal.windows.index import IndexedRecording
from ictal.windows.index import build as build_index
from tests.end_to_end.commands import FinishedRun, Terminal
from tests.end_to_end.commands import words as settings
from tests.training.small import BlindModel, PowerModel, silent, trainer

PACKAGE = Path(ictal.__file__).parent
ROOT = PACKAGE.parents[1]


def test_e1_a_falling_loss_is_not_taken_for_learning(tmp_path: Path) -> None:
    """All-negative is what the prior teaches: the loss falls to its entropy, and skill stays at zero."""
    run = trainer(tmp_path, model=BlindModel())
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    assert stop.value.verdict.kind == "no-skill"
    assert float(stop.value.verdict.evidence["skill"]) < 0.02
    assert rows[0].keys() >= {"skill", "logit_spread", "separation"}


def test_e1_a_model_that_learns_is_left_to_learn(tmp_path: Path) -> None:
    """The same run with a model that can see passes the same guard."""
    trainer(tmp_path, model=PowerModel()).run(silent)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert len(rows) == 60
    assert rows[-1]["skill"] > 0.2


def test_e2_a_stopped_run_has_a_verdict_with_evidence_and_an_exit_code(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """The collapse detector asked for AUROC < 0.55 and ended with exit code 0."""
    places = ["--corpus.path", finished_run.corpus, "--machine.store", finished_run.store]
    terminal("plan", tmp_path / "run", *places, *settings(guard__grace_steps=1, guard__minimum_skill=0.999))
    said = terminal("train", tmp_path / "run")
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert said.code == 3
    assert verdict["kind"] == "no-skill"
    assert verdict["evidence"].keys() >= {"skill", "required", "loss", "blind_loss", "logit_spread", "separation"}


def test_e3_the_first_step_is_far_below_the_peak() -> None:
    """It was the peak; here the warm-up starts at one part of itself, and the last step is next to nothing."""
    rates = [learning_rate(step, peak=1.0, warmup_steps=50, steps=500) for step in range(500)]
    assert rates[0] == pytest.approx(1 / 51)
    assert max(rates) == rates[50] == 1.0
    assert rates[-1] < 1e-4
    assert all(np.diff(rates[:51]) > 0)
    assert all(np.diff(rates[50:]) < 0)


class _Noisy(PowerModel):
    """A model that draws in training, as dropout does."""

    def forward(self, signal_uv: Tensor, valid_samples: Tensor, valid_channels: Tensor) -> Tensor:
        """(B, C, T) to (B, S)."""
        logits = super().forward(signal_uv, valid_samples, valid_channels)
        return nn.functional.dropout(logits, 0.3, training=self.training)


@pytest.mark.parametrize("stop_at", [1, 7, 19])
def test_e4_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(tmp_path: Path, stop_at: int) -> None:
    """Weights, average, log and random draws, from any step; nothing is repeated and nothing forgotten."""
    whole = trainer(tmp_path / "whole", steps=24, model=_made(_Noisy), checkpoint_steps=stop_at)
    (tmp_path / "whole").mkdir()
    whole.run(silent)
    (tmp_path / "parts").mkdir()
    first = trainer(tmp_path / "parts", steps=24, model=_made(_Noisy), checkpoint_steps=stop_at)
    with pytest.raises(_PowerCut):
        first.run(_cut_after(stop_at))
    torch.manual_seed(999)
    second = trainer(tmp_path / "parts", steps=24, model=_made(_Noisy), checkpoint_steps=stop_at)
    second.run(silent)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value)
        assert torch.equal(second.average[name], whole.average[name])
    logs = [(tmp_path / folder / "train.jsonl").read_bytes() for folder in ("whole", "parts")]
    assert logs[0] == logs[1]


def test_e4_a_resumed_run_remembers_its_best_model_and_its_patience(tmp_path: Path) -> None:
    """Best at step 8, cut off at 13: the run ends at step 16, when patience runs out, with the weights of step 8."""
    areas = iter([0.2, 0.9, 0.8, 0.7])
    shown: list[Tensor] = []

    def judge(model: nn.Module, _plan: object) -> dict[str, float]:
        shown.append(model.state_dict()["head.weight"].clone())
        return {"auprc": next(areas), "sensitivity": 0.0}

    choice = {"select": "auprc", "validate_steps": 4, "patience": 2}
    with pytest.raises(_PowerCut):
        trainer(tmp_path, steps=24, checkpoint_steps=12, validate=judge, **choice).run(_cut_after(13))
    second = trainer(tmp_path, steps=24, checkpoint_steps=12, validate=judge, **choice)
    second.run(silent)
    assert (second.done, second.selection.step) == (16, 8)
    assert torch.equal(second.chosen[0]["head.weight"], shown[1])


class _PowerCut(Exception):  # noqa: N818 - no error of a program
    """The machine goes off."""


def _cut_after(steps: int):  # type: ignore[no-untyped-def]
    def progress(done: int, _record: dict[str, float]) -> None:
        if done == steps + 1:
            raise _PowerCut

    return progress


def _made(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return kind()


class _BreaksAt(PowerModel):
    """A model whose answer is not a number from one step on."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def forward(self, signal_uv: Tensor, valid_samples: Tensor, valid_channels: Tensor) -> Tensor:
        """(B, C, T) to (B, S)."""
        self.left -= 1
        logits = super().forward(signal_uv, valid_samples, valid_channels)
        return logits if self.left >= 0 else logits * torch.nan


def test_e5_a_number_that_is_none_stops_before_it_reaches_the_weights(tmp_path: Path) -> None:
    """156 batches had their logits replaced by 0; here the step and its windows are named and the weights are clean."""
    run = trainer(tmp_path, model=_BreaksAt(5))
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("not-finite", 5)
    assert stop.value.verdict.evidence["windows"] == run.plan.batch(5).tolist()
    assert all(torch.isfinite(value).all() for value in run.model.state_dict().values())


def test_e5_numbers_are_not_repaired() -> None:
    """No `nan_to_num`, and no clamp anywhere in models and training."""
    called = {
        node.func.attr
        for room in ("models", "training")
        for path in (PACKAGE / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert called.isdisjoint({"nan_to_num", "nan_to_num_", "clamp", "clamp_", "clip_"})


def test_e6_no_gradient_goes_through_an_eigenvalue_decomposition() -> None:
    """Tied eigenvalues have no gradient; no decomposition is used at all."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = {getattr(node, "attr", ""), getattr(node, "id", "")}
            if isinstance(node, ast.ImportFrom):
                named |= {alias.name for alias in node.names}
            assert named.isdisjoint({"eig", "eigh", "eigvals", "eigvalsh", "svd", "svd_lowrank", "svdvals"}), path


def test_e7_the_model_is_never_replaced_by_another() -> None:
    """Mamba became a convolution on CPU or on an error; here a `try` only says what is wrong, or what is in the way.

    `_not_fused` returns that to `choose`, which refuses a backend that was named, and `auto` says what it took.
    """
    for path in (PACKAGE / "models").glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        asking = {inner for node in nodes if getattr(node, "name", "") == "_not_fused" for inner in ast.walk(node)}
        tries = [node for node in nodes if isinstance(node, ast.Try) and node not in asking]
        assert all(isinstance(handler.body[-1], ast.Raise) for one in tries for handler in one.handlers), path
        assert not any(getattr(node, "attr", "") in {"is_available", "is_cuda"} for node in nodes), path
    with pytest.raises(InputError, match="a CUDA device"):
        choose("triton", torch.device("cpu"), state=16, head_dim=16)


def test_e8_every_parameter_gets_a_gradient() -> None:
    """71 % of the parameters were dead."""
    torch.manual_seed(0)
    model = build(DetectorConfig(samples_per_step=8), 19, 0.3)
    logits = model(torch.randn(2, 19, 640) * 50, torch.tensor([640, 400]))
    (logits**2).sum().backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


@pytest.mark.parametrize("setting", ["--device", "--train.device", "--machine.gpu"])
def test_e9_a_setting_that_nothing_reads_is_refused(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path, setting: str
) -> None:
    """Whole sections and `--device` were ignored."""
    said = terminal("plan", tmp_path / "run", "--corpus.path", finished_run.corpus, setting, "cuda")
    assert said.code == 2
    assert setting.removeprefix("--") in said.err


def test_e9_the_device_that_was_asked_for_is_used_or_refused(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """No quiet fall-back to the CPU; the environment is asked nothing (see tests/architecture)."""
    places = ["--corpus.path", finished_run.corpus, "--machine.store", finished_run.store]
    terminal("plan", tmp_path / "run", *places, *settings(machine__device="nowhere"))
    said = terminal("train", tmp_path / "run")
    assert said.code == 2
    assert "nowhere" in said.err
    assert "machine.device" in said.err


def test_e10_evaluation_scores_time_steps_and_shows_how_far_it_is(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Sorting 800 M samples looked like a hang; here a value per step, and progress with every recording."""
    run = open_planned(shutil.copytree(finished_run.folder, tmp_path / "run"), ())
    planned = planning.load(run)
    seen: list[tuple[int, int]] = []
    evaluated = evaluate.evaluate_run(run, planned, lambda done, total: seen.append((done, total)), open_eval=True)
    total = len(planned.split["dev"]) + len(planned.split["eval"])
    assert seen == [(n, total) for n in range(1, total + 1)]
    samples = sum(planned.index.recordings[n].samples for n in planned.split["eval"])
    assert sum(map(len, evaluated.probabilities())) == pytest.approx(samples / 8, rel=0.01)


def test_e10_metrics_hold_no_more_for_sixteen_times_the_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measures of windows, seconds and steps, the counts of the curve, and the logits that calibrate."""
    monkeypatch.setattr(ranking, "EXACT_ITEMS", 1_000)
    generator = np.random.default_rng(0)
    probability, truth = generator.beta(0.3, 5, 40_000), np.zeros(40_000)
    truth[5_000:5_400] = 1.0
    probability[5_000:5_400] = 0.1 + 0.8 * probability[5_000:5_400]
    trace = Trace(name="r", probability=probability, reference_s=np.array([[625.0, 675.0]]), duration_s=5_000.0)
    seizure = np.array([[40_000, 43_200]])
    peaks = []
    for count in (8, 128):
        recordings = [
            IndexedRecording(id=f"r{n}", patient=f"p{n % 4}", samples=320_000, seizures=seizure) for n in range(count)
        ]
        index = build_index(recordings, WindowGrid(length_samples=3_840, stride_samples=640))
        tracemalloc.start()
        ranked, counted, stairs = ranking.Ranked(index, 8, 64), CountedLogits(), []
        for number in range(count):
            ranked.add(number, probability, truth)
            counted.add(np.log(probability / (1 - probability)), truth >= 0.5)
            stairs.extend(staircases(lambda: [trace], 8.0, EventConfig()))
        counted.fit("platt")
        assert added(stairs).reference == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_e11_the_small_run_is_the_same_program_on_a_smaller_configuration() -> None:
    """Smoke mode changed sampling and loss; the demo differs by known settings alone, and no mode exists."""
    demo = tomllib.loads((PACKAGE / "recipes" / "demo.toml").read_text())
    assert {f"{section}.{key}" for section, values in demo.items() for key in values} <= set(known_keys())
    words = {word for key in known_keys() for word in key.replace(".", "_").split("_")}
    assert words.isdisjoint({"smoke", "fast", "mode", "quick", "debug", "test"})


def test_e12_nothing_needs_a_compiler_or_a_graphics_card() -> None:
    """mamba-ssm, CUDA and ABI mismatches: the core's requirements are wheels that run on a CPU."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = " ".join(project["dependencies"])
    assert not any(name in required for name in ("mamba", "causal", "triton", "cuda", "flash"))
