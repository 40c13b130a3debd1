"""Hard false alarms are mined from the run's own training recordings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ictal.recipes import plan as planning
from ictal.recipes.mining import DISTANCE_S, Miner
from ictal.recipes.run import open_planned
from ictal.recipes.train import training_windows
from ictal.windows.prior import LossWeights, effective
from tests.end_to_end.commands import FinishedRun, Terminal


class Shouter(nn.Module):
    """Sees a seizure in the first half of everything."""

    def forward(self, signal_uv: Tensor, _valid_samples: Tensor, _valid_channels: Tensor) -> Tensor:
        """(B, S)."""
        steps = signal_uv.shape[-1] // 8
        return torch.where(torch.arange(steps) < steps // 2, 20.0, -20.0).expand(len(signal_uv), steps)


def test_alarms_far_from_seizures_become_hard_windows(finished_run: FinishedRun) -> None:
    """Windows of the recordings whose turn it is, all background, none with a sample near a seizure."""
    run = open_planned(finished_run.folder, ())
    planned = planning.load(run)
    dataset = training_windows(run, planned)
    prior = effective(planned.batches, LossWeights())
    miner = Miner(run, dataset, prior, torch.device("cpu"))
    hard = np.array(miner.windows(Shouter(), 1))
    index = dataset.index
    assert len(hard) > 0
    assert (index.stratum_of(hard) >= 3).all()
    recordings, starts = index.locate(hard)
    near = int(DISTANCE_S * run.config.signals.rate_hz)
    for recording, start in zip(recordings.tolist(), starts.tolist(), strict=True):
        stop = start + index.grid.length_samples
        assert all(stop <= a - near or start >= b + near for a, b in index.recordings[recording].seizures.tolist())


def test_an_adaptive_run_trains_to_its_end_and_keeps_its_rounds(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """Planned, trained and evaluated like any other; every batch holds what its round promises."""
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(finished_run.folder / "config.toml", folder / "config.toml")
    said = terminal("plan", folder, "--batch.strategy", "adaptive", "--batch.round_steps", "4", "--json")
    assert said.code == 0, said.err
    said = terminal("train", folder)
    assert said.code == 0, said.err
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    assert len({row["seizure_windows"] for row in rows[:4]}) == 1
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    assert len(state["plan"]["rounds"]) == 4
    assert terminal("evaluate", folder, "--evaluate.part", "dev").code in {0, 1}
