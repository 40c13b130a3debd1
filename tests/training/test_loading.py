"""The same batches, whoever reads them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from ictal.training.augment import OnsetShift
from ictal.training.loading import batches
from tests.training.small import trainer


def test_batches_do_not_depend_on_who_reads_them(tmp_path: Path) -> None:
    """Windows, shifts, signals and labels, in the order of the plan."""
    run = trainer(tmp_path)
    shift = OnsetShift(most_samples=50, seed=4)
    here, there = (list(batches(run.dataset, iter(list(run._numbered(3, 9))), shift=shift, workers=n)) for n in (0, 2))
    assert len(here) == len(there) == 6
    assert any(batch.shift_samples.any() for batch in here)
    for own, other in zip(here, there, strict=True):
        assert np.array_equal(own.windows, other.windows)
        assert np.array_equal(own.shift_samples, other.shift_samples)
        for name in ("signal_uv", "valid_samples", "labels", "weights"):
            assert torch.equal(getattr(own, name), getattr(other, name))


PROGRAM = """
import sys
from pathlib import Path
import torch
from ictal.training.interruption import Interrupted
from tests.training.small import trainer

torch.set_num_threads(1)
run = trainer(Path(sys.argv[1]), steps=100_000, checkpoint_steps=100_000)
run.loader_workers = 1
try:
    run.run(lambda done, _record: print(done, flush=True))
except Interrupted as interrupted:
    print(interrupted)
    sys.exit(128 + interrupted.signal_number)
"""


def test_a_signal_to_the_whole_group_saves_the_run_and_ends_its_workers(tmp_path: Path) -> None:
    """As a terminal sends Ctrl-C and a cluster SIGTERM: to every process at once."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "1"
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGTERM)
        said = process.stdout.read()
        assert process.wait(60) in {130, 143}, said[-2000:]
    assert "the checkpoint is saved" in said
    assert (tmp_path / "checkpoint.pt").exists()
    until = time.monotonic() + 20
    while _group_lives(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _group_lives(process.pid)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
