"""The weights that a run ends with are the best that were seen on full recordings, and the run ends when told to."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from ictal.errors import InputError
from ictal.training.interruption import Interrupted
from ictal.training.loop import TrainConfig
from ictal.training.selection import Selection
from ictal.windows.plan import BatchPlan
from tests.training.small import PowerModel, silent, trainer


class Judge:
    """Scores of its own making, and the weights that it was shown."""

    def __init__(self, *areas: float) -> None:
        self.areas = list(areas)
        self.shown: list[dict[str, torch.Tensor]] = []

    def __call__(self, model: nn.Module, _plan: BatchPlan) -> dict[str, float]:
        """The next score."""
        self.shown.append({name: value.clone() for name, value in model.state_dict().items()})
        return {"auprc": self.areas[len(self.shown) - 1], "sensitivity": 0.5}


def distance(model: nn.Module, _plan: BatchPlan) -> dict[str, float]:
    """A score that follows from the weights alone, best on the way: near 0.4 of the first of them."""
    assert isinstance(model, PowerModel)
    return {"auprc": math.exp(-abs(float(model.head.weight.detach()) - 0.4)), "sensitivity": 1.0}


def test_the_best_average_is_kept_and_what_came_after_is_not(tmp_path: Path) -> None:
    """Validations at 15, 30, 45 and 60; the second is the best, and its weights are the averaged ones of then."""
    judge = Judge(0.3, 0.7, 0.7, 0.6)
    run = trainer(tmp_path, validate=judge, select="auprc", validate_steps=15)
    run.run(silent)
    weights, _ = run.chosen
    assert run.selection.step == 30
    assert all(torch.equal(value, judge.shown[1][name]) for name, value in weights.items())
    assert not torch.equal(weights["head.weight"], run.average["head.weight"])
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    found = {row["step"]: (row["dev_auprc"], row["dev_best"]) for row in rows if "dev_auprc" in row}
    assert found == {14: (0.3, True), 29: (0.7, True), 44: (0.7, False), 59: (0.6, False)}


def test_patience_ends_the_run(tmp_path: Path) -> None:
    """Two validations without a better score: the run ends at step 40 of 60, and going on changes nothing."""
    run = trainer(tmp_path, validate=Judge(0.1, 0.5, 0.4, 0.3), select="auprc", validate_steps=10, patience=2)
    run.run(silent)
    assert run.done == 40
    before = (tmp_path / "train.jsonl").read_bytes()
    again = trainer(tmp_path, validate=Judge(), select="auprc", validate_steps=10, patience=2)
    again.run(silent)
    assert again.done == 40
    assert again.selection.step == 20
    assert (tmp_path / "train.jsonl").read_bytes() == before


@pytest.mark.parametrize("interrupted_after", [3, 10, 17])
def test_an_interrupted_selection_ends_bit_identical(tmp_path: Path, interrupted_after: int) -> None:
    """Best weights, scores, patience and log are those of the run that was not interrupted."""
    settings = {"select": "auprc", "validate_steps": 5, "patience": 4}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    first = trainer(whole, validate=distance, **settings)  # type: ignore[arg-type]
    first.run(silent)
    assert 17 < first.done < 60

    def stop(done: int, _record: dict[str, float]) -> None:
        if done == interrupted_after:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        trainer(parts, validate=distance, **settings).run(stop)  # type: ignore[arg-type]
    second = trainer(parts, validate=distance, **settings)  # type: ignore[arg-type]
    second.run(silent)
    assert (first.done, first.selection.step) == (second.done, second.selection.step)
    assert all(torch.equal(value, second.chosen[0][name]) for name, value in first.chosen[0].items())
    assert (whole / "train.jsonl").read_bytes() == (parts / "train.jsonl").read_bytes()


def test_ties_in_sensitivity_go_to_the_higher_area() -> None:
    """And a lower sensitivity never wins."""
    selection = Selection("sensitivity", 0)
    scores = [(0.8, 0.1), (0.8, 0.2), (0.7, 0.9), (0.8, 0.2), (0.9, 0.0)]
    taken = [selection.take(n, {"sensitivity": s, "auprc": a}, {}, {}) for n, (s, a) in enumerate(scores)]
    assert taken == [True, True, False, False, True]


def test_settings_that_cannot_be_meant_are_refused() -> None:
    """A validation after no step, and a negative patience."""
    for name, value in (("validate_steps", 0), ("patience", -1), ("false_alarms_per_24h", -1.0)):
        with pytest.raises(InputError, match=name):
            TrainConfig(**{name: value})  # type: ignore[arg-type]
