"""A run that is killed without warning, and a disk that does not keep what it is given."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ictal.errors import InputError
from tests.training.small import silent, trainer

PROGRAM = """
import os, signal, sys
from pathlib import Path
import torch
from tests.training.small import trainer

torch.set_num_threads(1)
folder, kill_after = Path(sys.argv[1]), int(sys.argv[2])

def progress(done, record):
    if done == kill_after:
        os.kill(os.getpid(), signal.SIGKILL)

run = trainer(folder, checkpoint_steps=7)
run.run(progress)
torch.save({"model": run.model.state_dict(), "average": run.average}, folder / "end.pt")
"""


def process(folder: Path, kill_after: int) -> int:
    """Train in a process of its own that may be killed; its exit code."""
    command = [sys.executable, "-c", PROGRAM, str(folder), str(kill_after)]
    return subprocess.run(command, check=False, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode


def test_a_run_killed_at_a_random_step_ends_as_the_one_that_was_not(tmp_path: Path) -> None:
    """SIGKILL, twice, at steps that nobody chose; weights, average and log are the same to the last bit."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    assert process(whole, -1) == 0
    first, second = sorted(random.sample(range(1, 60), 2))
    for kill_after in (first, second):
        assert process(parts, kill_after) == -signal.SIGKILL
    assert process(parts, -1) == 0
    ends = [torch.load(folder / "end.pt", weights_only=True) for folder in (whole, parts)]
    for kind in ("model", "average"):
        assert all(torch.equal(value, ends[1][kind][name]) for name, value in ends[0][kind].items())
    assert (whole / "train.jsonl").read_bytes() == (parts / "train.jsonl").read_bytes()


def test_a_checkpoint_that_does_not_read_back_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that loses bytes is found while the last good checkpoint is still there."""
    run = trainer(tmp_path, steps=20, checkpoint_steps=10)
    run.run(silent)
    before = run.checkpoint_path.read_bytes()
    original = Path.read_bytes

    def forgetful(path: Path) -> bytes:
        content = original(path)
        return content[:-1] + bytes([content[-1] ^ 1]) if path.name.startswith(".") else content

    monkeypatch.setattr(Path, "read_bytes", forgetful)
    with pytest.raises(InputError, match="read back"):
        run._save()
    assert run.checkpoint_path.read_bytes() == before
