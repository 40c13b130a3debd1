"""`ictal train` with everything on that is off by default."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ictal.recipes import plan as planning
from ictal.recipes.detector import load
from ictal.recipes.run import open_planned
from ictal.windows.prior import effective
from tests.end_to_end.commands import FinishedRun, Said, Terminal, begun_anew, recordings

ALL_ON = (
    *("--augment.shift_s", "1.5", "--augment.background_share", "0.3", "--augment.band_noise_uv", "5"),
    *("--augment.line_noise_uv", "2", "--augment.line_hz", "25", "--train.logit_adjustment", "1"),
    *("--train.precision", "bf16", "--train.accumulate", "2", "--train.steps", "6"),
)


def trained(finished_run: FinishedRun, terminal: Terminal, folder: Path, *more: str) -> Said:
    folder.mkdir()
    for name in ("config.toml", "plan.json"):
        shutil.copy(finished_run.folder / name, folder / name)
    assert terminal("plan", folder, *ALL_ON, "--json").code == 0
    return terminal("train", folder, *more)


def test_who_reads_the_batches_changes_nothing(finished_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """Shifted, noisy, mixed, adjusted, in half precision: the same weights and log, read here or by another process."""
    for name, workers in (("here", "0"), ("there", "1")):
        said = trained(finished_run, terminal, tmp_path / name, "--machine.loader_workers", workers)
        assert said.code == 0, said.err
    for kept in ("model.safetensors", "train.jsonl"):
        assert (tmp_path / "here" / kept).read_bytes() == (tmp_path / "there" / kept).read_bytes()


def test_a_run_with_other_settings_is_told_which(finished_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """Setting by setting, with both values; the run folder stays as it was."""
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    before = (run / "config.toml").read_bytes()
    said = terminal("train", run, "--train.steps", "40", "--train.learning_rate", "0.1")
    assert said.code == 2
    assert "train.steps 40, which was 16, train.learning_rate 0.1, which was 0.005" in said.err
    assert (run / "config.toml").read_bytes() == before


def test_an_adjusted_detector_takes_back_what_the_model_answers(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """The card holds even odds, the answer of a model that knows only the prior; the log is about the drawn prior."""
    folder = tmp_path / "run"
    assert trained(finished_run, terminal, folder).code == 0
    run = open_planned(folder, ())
    prior = effective(planning.load(run).batches, run.config.train.loss_weights)
    detector = load(folder)
    assert detector.prior.drawn.time_step == pytest.approx(prior.answer) == pytest.approx(0.5)
    first = json.loads((folder / "train.jsonl").read_text().splitlines()[0])
    assert abs(first["skill"]) < 0.2


def test_an_adjustment_is_refused_where_the_prior_moves(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """Adaptive batches change the prior from round to round."""
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(finished_run.folder / "config.toml", folder / "config.toml")
    said = terminal("plan", folder, "--batch.strategy", "adaptive", "--train.logit_adjustment", "1")
    assert said.code == 2
    assert "train.logit_adjustment" in said.err


def test_a_guard_stops_every_process_and_none_aborts(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """At step 1 of two processes: the launcher reports exit code 3, and the verdict is in the folder."""
    folder = begun_anew(finished_run, tmp_path / "run")
    assert terminal("plan", folder, "--guard.grace_steps", "1", "--guard.minimum_skill", "0.99", "--json").code == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, "-m", "ictal", "train", str(folder)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 1
    assert "exitcode: 3" in done.stderr, done.stderr[-3000:]
    assert "SIGABRT" not in done.stderr
    verdict = json.loads((folder / "verdict.json").read_text())
    assert (verdict["kind"], verdict["step"]) == ("no-skill", 1)
    assert verdict["evidence"]["required"] == 0.99


def test_a_backend_is_chosen_and_recorded(finished_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """`auto` takes the fused one on a processor and says so once; one that cannot run is refused before any step.

    What computes an evaluation or a detection is said in the same words, and recorded.
    """
    recording = recordings(finished_run.corpus, "eval")[0]
    for asked, ran in (("auto", "fused"), ("chunked", "chunked")):
        folder = tmp_path / asked
        said = trained(finished_run, terminal, folder, "--machine.backend", asked)
        assert said.code == 0, said.err
        assert json.loads((folder / "backend.json").read_text()) == {"asked": asked, "ran": ran}
        assert _backends(said.err) == [["backend", ran, "(machine.backend", "=", f"{asked})"]]
        evaluated = terminal("evaluate", folder, "--evaluate.part", "dev", "--json")
        assert _backends(evaluated.err) == _backends(said.err)
        assert evaluated.document["backend"] == ran
        detected = terminal("detect", recording, tmp_path / f"{asked}.json", "--run", folder, "--json")
        assert _backends(detected.err) == [["backend", "fused", "(machine.backend", "=", "auto)"]]
        assert detected.document["backend"] == "fused"
    without = trained(finished_run, terminal, tmp_path / "without", "--model.kind", "linear")
    assert without.code == 0, without.err
    assert _backends(without.err) == []
    assert not (tmp_path / "without" / "backend.json").exists()
    evaluated = terminal("evaluate", tmp_path / "without", "--evaluate.part", "dev", "--json")
    assert (evaluated.document["backend"], _backends(evaluated.err)) == (None, [])
    refused = trained(finished_run, terminal, tmp_path / "other", "--machine.backend", "triton")
    assert refused.code == 2
    assert "a CUDA device" in refused.err


def _backends(err: str) -> list[list[str]]:
    """The words of the lines that say what computes the Mamba layers."""
    return [line.split() for line in err.splitlines() if line.startswith("backend")]
