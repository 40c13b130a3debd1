"""Weights are selected on full recordings of the dev part, by what evaluation would say of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ictal.detection.calibration import Calibration
from ictal.detection.events import events
from ictal.errors import InputError
from ictal.recipes import detector as detectors
from ictal.recipes import plan as planning
from ictal.recipes.run import open_planned
from ictal.recipes.signals import open_signals
from ictal.recipes.validation import Validator
from ictal.scoring.ranking import auprc
from ictal.training.ranks import ALONE
from tests.end_to_end.commands import FinishedRun, Terminal, begun_anew

CPU = torch.device("cpu")


def test_scores_are_those_of_the_detector_on_every_dev_recording(finished_run: FinishedRun) -> None:
    """AUPRC over time steps as counted sample by sample; the sensitivity is reached at few enough false alarms."""
    run = open_planned(finished_run.folder, ("--train.false_alarms_per_24h", "100"))
    planned = planning.load(run)
    detector = replace(detectors.load(run.folder), calibration=Calibration())
    scores = Validator(run, planned, CPU, ALONE)(detector.model, planned.batches)
    probability, ictal = [], []
    step = run.config.model.samples_per_step
    for number, stored in zip(planned.split["dev"], open_signals(run, planned, "dev"), strict=True):
        probability.append(detector.probability(detector.traces(stored).logits))
        samples = np.zeros(planned.index.recordings[number].samples, dtype=np.bool_)
        for start, stop in planned.index.recordings[number].seizures:
            samples[start:stop] = True
        ictal += [2 * part.sum() >= len(part) for part in np.split(samples, np.arange(step, len(samples), step))]
    assert scores["auprc"] == pytest.approx(auprc(np.concatenate(probability), np.array(ictal)), abs=1e-3)  # in bins
    assert 0 <= scores["sensitivity"] <= 1
    found = any(
        len(events(p, detector.steps_hz, run.config.events.rule(on))) for on in (0.5, 0.1, 0.01) for p in probability
    )
    assert found or scores["sensitivity"] == 0


def test_a_run_that_selects_keeps_its_best_weights_and_evaluates_them(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """Planned, trained, validated every four steps, and evaluated with what was best then."""
    folder = begun_anew(finished_run, tmp_path / "run")
    choice = ("--train.select", "auprc", "--train.validate_steps", "4", "--train.average_decay", "0.9")
    assert terminal("plan", folder, *choice, "--json").code == 0
    said = terminal("train", folder)
    assert said.code == 0, said.err
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    areas = {row["step"] + 1: row["dev_auprc"] for row in rows if "dev_auprc" in row}
    assert list(areas) == [4, 8, 12, 16]
    verdict = json.loads((folder / "verdict.json").read_text())
    best = max(areas, key=lambda step: areas[step])
    assert verdict["evidence"]["best_step"] == best
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    kept = detectors.load(folder).model.state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in state["selection"]["weights"].items())
    assert terminal("evaluate", folder, "--evaluate.part", "dev").code in {0, 1}


def test_two_processes_share_the_dev_part_and_agree(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """Each computes half of the recordings; the scores are those of one process on the weights that were kept."""
    folder = begun_anew(finished_run, tmp_path / "run")
    choice = ("--train.select", "auprc", "--train.validate_steps", "4", "--train.steps", "8")
    assert terminal("plan", folder, *choice, "--json").code == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, "-m", "ictal", "train", str(folder)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("unproven: ") == 1, "the first process speaks for all"
    run = open_planned(folder, ())
    planned = planning.load(run)
    scores = Validator(run, planned, CPU, ALONE)(detectors.load(folder).model, planned.batches)
    evidence = json.loads((folder / "verdict.json").read_text())["evidence"]
    assert evidence["dev_auprc"] == round(scores["auprc"], 4)
    assert evidence["dev_sensitivity"] == round(scores["sensitivity"], 4)


def test_a_dev_part_without_a_seizure_cannot_select(finished_run: FinishedRun) -> None:
    """It is said before the first step."""
    run = open_planned(finished_run.folder, ())
    planned = planning.load(run)
    without = [n for n in planned.split["dev"] if not len(planned.index.recordings[n].seizures)]
    with pytest.raises(InputError, match="no seizure to select"):
        Validator(run, replace(planned, split={**planned.split, "dev": without}), CPU, ALONE)
