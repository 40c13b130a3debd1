"""`ictal train --check`: what cannot work is refused before it costs anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.end_to_end.commands import FinishedRun, Terminal


@pytest.fixture
def planned(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A run that is planned and prepared, not trained."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("config.toml", "plan.json", "index.parquet"):
        shutil.copy(finished_run.folder / name, folder / name)
    return folder


def test_it_says_what_the_run_will_take_and_leaves_nothing_behind(planned: Path, terminal: Terminal) -> None:
    """Windows by heart, the time of a step by its parts, hours and price that follow from them."""
    before = sorted(path.name for path in planned.iterdir())
    said = terminal("train", planned, "--check", "--json", "--price-per-hour", "3.6")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found["learnt_loss"] < 0.5 * found["first_loss"]
    assert {"data_s", "forward_s", "backward_s", "optimiser_s"} <= set(found["seconds"])
    assert found["cost"]["hours"] == pytest.approx(found["cost"]["windows"] / found["windows_per_s"] / 3600)
    assert found["cost"]["price"] == pytest.approx(3.6 * found["cost"]["hours"])
    assert sorted(path.name for path in planned.iterdir()) == before


def test_validations_are_part_of_what_the_run_will_take(planned: Path, terminal: Terminal) -> None:
    """Hours of steps and of validations; price for both. Twice as many take twice as long."""
    hours = []
    for every in (8, 4):
        choice = ("--train.select", "auprc", "--train.validate_steps", every)
        found = terminal("train", planned, "--check", "--json", "--price-per-hour", "2", *choice).document
        steps_h = found["cost"]["windows"] / found["windows_per_s"] / 3600
        assert found["cost"]["hours"] == pytest.approx(steps_h + found["validation_hours"])
        assert found["cost"]["price"] == pytest.approx(2 * found["cost"]["hours"])
        hours.append(found["validation_hours"] / found["seconds"]["forward_s"])
    assert hours[0] > 0
    assert hours[1] == pytest.approx(2 * hours[0])


class Deaf(nn.Module):
    """Answers the same whatever it hears."""

    def __init__(self, _channels: int, samples_per_step: int) -> None:
        super().__init__()
        self.samples_per_step = samples_per_step
        self.answer = nn.Parameter(torch.zeros(()))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        """(B, S)."""
        return self.answer.expand(len(signal), signal.shape[-1] // self.samples_per_step)


def test_a_model_that_cannot_learn_eight_windows_is_refused(planned: Path, terminal: Terminal) -> None:
    """Exit code 2, with both losses."""
    config = planned / "config.toml"
    config.write_text(
        config.read_text()
        .replace('kind = "bimamba"', 'kind = "module"')
        .replace('module = ""', 'module = "tests.end_to_end.test_check.Deaf"')
    )
    said = terminal("train", planned, "--check")
    assert said.code == 2
    assert "cannot learn eight windows" in said.err
