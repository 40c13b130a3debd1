"""Processes that train together do what one process with all their batches does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ictal.training import ranks
from ictal.training.ranks import own_device
from tests.training.small import silent, trainer

PROGRAM = """
import sys
from pathlib import Path
import torch
from ictal.training.guards import GuardStop
from ictal.training.ranks import joined
from ictal.training import ranks
from ictal.training.ranks import own_device
from tests.training.small import silent, trainer

torch.set_num_threads(1)
folder, steps, faulty = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with joined(torch.device("cpu")) as ranks:
    run = trainer(folder, steps=steps, ranks=ranks)
    if ranks.rank == faulty:
        original = run.dataset.__getitems__
        run.dataset.__getitems__ = lambda windows: original(range(len(windows)))
    try:
        run.run(silent)
    except GuardStop as stop:
        (folder / f"verdict-{ranks.rank}").write_text(stop.verdict.kind)
    else:
        if ranks.leads:
            torch.save(run.model.state_dict(), folder / "weights.pt")
threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
assert not [name for name in threads if "gloo" in name], threads  # one that outlives Python aborts the process
"""

ASKED_TO_STOP = """
import os, signal, sys
from pathlib import Path
import torch
from ictal.training.guards import Guard
from ictal.training.interruption import Interrupted
from ictal.training.ranks import joined
from tests.training.small import silent, trainer

torch.set_num_threads(1)
folder = Path(sys.argv[1])

class Asks(Guard):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def observe(self, observation):
        if observation.step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)

with joined(torch.device("cpu")) as ranks:
    for name, asked_at in (("whole", -1), ("parts", 12), ("parts", -1)):
        (folder / name).mkdir(exist_ok=True)
        run = trainer(folder / name, ranks=ranks, strategy="adaptive", seizure_windows=2)
        run.guards.append(Asks(asked_at))
        try:
            run.run(silent)
        except Interrupted as interrupted:
            (folder / f"interrupted-{ranks.rank}").write_text(str(interrupted))
        else:
            if ranks.leads:
                torch.save(run.model.state_dict(), folder / name / "weights.pt")
"""


def together(folder: Path, steps: int = 0, *, faulty: int = -1, text: str = PROGRAM) -> None:
    """Train on two ranks that `torchrun` starts."""
    program = folder / "program.py"
    program.write_text(text)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, str(program), str(folder), str(steps), str(faulty)],
        capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_process_of_a_node_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number on the node where `torchrun` started it; alone, the one that was asked for."""
    assert own_device(torch.device("cuda", 0)) == torch.device("cuda", 0)
    monkeypatch.setattr(ranks.dist, "is_torchelastic_launched", lambda: True)
    monkeypatch.setattr(ranks.dist, "get_node_local_rank", lambda: 3)
    assert own_device(torch.device("cuda", 0)) == torch.device("cuda", 3)
    assert own_device(torch.device("cpu")) == torch.device("cpu")


def test_two_ranks_are_one_process_that_accumulates_both_batches(tmp_path: Path) -> None:
    """Weights and losses after 20 steps, up to the order of additions; and again after going on for 20."""
    ours, theirs = tmp_path / "one", tmp_path / "two"
    ours.mkdir()
    theirs.mkdir()
    one = trainer(ours, steps=20, accumulate=2)
    one.run(silent)
    together(theirs, 20)
    weights = torch.load(theirs / "weights.pt", weights_only=True)
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=1e-4, atol=1e-5)
    assert len((theirs / "train.jsonl").read_text().splitlines()) == 20


def test_a_verdict_on_one_rank_stops_all(tmp_path: Path) -> None:
    """The rank that draws something else says so; the other says that it was another."""
    together(tmp_path, 20, faulty=1)
    assert (tmp_path / "verdict-1").read_text() == "composition"
    assert (tmp_path / "verdict-0").read_text() == "other-rank"


def test_ranks_that_are_all_asked_to_stop_go_on_as_if_they_had_not_stopped(tmp_path: Path) -> None:
    """SIGTERM to both in an adaptive round, of which each has losses of its own; then the same quotas, weights, log."""
    together(tmp_path, text=ASKED_TO_STOP)
    said = [(tmp_path / f"interrupted-{rank}").read_text() for rank in range(2)]
    assert said == ["stopped by SIGTERM after 14 steps; the checkpoint is saved"] * 2
    whole, parts = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("whole", "parts"))
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    assert (tmp_path / "whole" / "train.jsonl").read_bytes() == (tmp_path / "parts" / "train.jsonl").read_bytes()


@pytest.mark.parametrize("accumulate", [2, 3])
def test_accumulation_is_one_larger_batch(tmp_path: Path, accumulate: int) -> None:
    """The plan's batches come in order, and the composition of every one of them is looked at."""
    run = trainer(tmp_path, steps=10, accumulate=accumulate)
    drawn: list[int] = []
    original = run.dataset.__getitems__

    def noted(windows: list[int]) -> object:
        drawn.extend(windows)
        return original(windows)

    run.dataset.__getitems__ = noted  # type: ignore[method-assign,assignment]
    run.run(silent)
    assert drawn == run.plan.table(0, 10 * accumulate).ravel().tolist()


def test_an_adaptive_plan_goes_on_after_an_interruption_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    """Rounds and what was measured since the last one are part of the checkpoint."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    first = trainer(whole, strategy="adaptive", seizure_windows=2, checkpoint_steps=7)
    first.run(silent)

    def die(done: int, _record: dict[str, float]) -> None:
        if done == 18:
            raise MemoryError

    with pytest.raises(MemoryError):
        trainer(parts, strategy="adaptive", seizure_windows=2, checkpoint_steps=7).run(die)
    second = trainer(parts, strategy="adaptive", seizure_windows=2, checkpoint_steps=7)
    second.run(silent)
    assert len(first.plan.rounds) == 3  # type: ignore[attr-defined]
    assert len({one.seizure_windows for one in first.plan.rounds}) == 3  # type: ignore[attr-defined]
    assert first.plan.rounds == second.plan.rounds  # type: ignore[attr-defined]
    assert (whole / "train.jsonl").read_bytes() == (parts / "train.jsonl").read_bytes()
