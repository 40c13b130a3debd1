"""The same batches, whoever reads them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from ictal.training.augment import OnsetShift
from ictal.training.loading import batches
from ictal.windows.dataset import Batch, WindowDataset
from ictal.windows.pools import Numbers
from tests.training.small import trainer

CPU = torch.device("cpu")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_holds_until_as_many_as_are_kept_have_followed(tmp_path: Path, workers: int) -> None:
    """Memory is used again, and never while it is in use: against batches that have memory of their own."""
    run = trainer(tmp_path)
    held: deque[tuple[Batch, Batch]] = deque(maxlen=3)
    memories = set()
    numbered = list(run._numbered(0, 30))
    loader = batches(run.dataset, iter(numbered), shift=None, workers=workers, device=CPU, keep=3)
    for (_, windows), batch in zip(numbered, loader, strict=True):
        held.append((batch, run.dataset.__getitems__(windows)))
        memories.add(batch.units.data_ptr())
        for ours, own in held:
            assert torch.equal(ours.units, own.units)
            assert torch.equal(ours.signal_uv, own.signal_uv)
    assert len(memories) <= 3 + 1 + max(2 * workers, 1)


def test_the_thread_reads_ahead_and_what_goes_wrong_in_it_is_raised_in_its_place(tmp_path: Path) -> None:
    """One batch ahead, not more; the batches before a fault are given."""
    run = trainer(tmp_path)
    asked: list[int] = []

    def numbered() -> Iterator[tuple[int, list[int]]]:
        for number, windows in run._numbered(0, 4):
            asked.append(number)
            yield number, [10**9] if number == 2 else windows

    loader = batches(run.dataset, numbered(), shift=None, workers=0, device=CPU)
    next(loader)
    assert asked == [0, 1]
    next(loader)
    with pytest.raises((IndexError, AssertionError)):
        next(loader)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_signals_are_scaled_once_and_channel_by_channel(tmp_path: Path) -> None:
    """Units times each channel's own scale, whatever memory they are put into; on the same device nothing is copied."""
    batch = trainer(tmp_path).dataset.__getitems__([3, 50])
    scaled = replace(batch, scale_uv=torch.tensor([[0.5, 2.0], [3.0, 0.25]]))
    expected = batch.units.double() * scaled.scale_uv.double()[:, :, None]
    room = torch.full(batch.units.shape, torch.nan)
    assert torch.equal(scaled.signal_uv.double(), expected)
    assert replace(scaled, room=room).signal_uv is room
    assert torch.equal(room.double(), expected)
    assert scaled.to(CPU).signal_uv is scaled.signal_uv


def test_batches_do_not_depend_on_who_reads_them(tmp_path: Path) -> None:
    """Windows, shifts, signals and labels, in the order of the plan."""
    run = trainer(tmp_path)
    shift = OnsetShift(most_samples=50, seed=4)
    here, there = (
        list(batches(run.dataset, run._numbered(3, 9), shift=shift, workers=n, device=CPU, keep=6)) for n in (0, 2)
    )
    assert len(here) == len(there) == 6
    assert any(batch.shift_samples.any() for batch in here)
    for own, other in zip(here, there, strict=True):
        assert np.array_equal(own.windows, other.windows)
        assert np.array_equal(own.shift_samples, other.shift_samples)
        for name in ("signal_uv", "valid_samples", "valid_channels", "labels", "weights", "types"):
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


def test_workers_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL to the run alone: its workers, and the server that they were forked from, notice."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "1"
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert len(family) >= 2
    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_the_server_outlives_what_ends_the_group(tmp_path: Path) -> None:
    """A run that takes longer to save itself would find its workers gone."""
    forkserver._forkserver._stop()  # perhaps of another test, for something else
    run = trainer(tmp_path)
    loader = batches(run.dataset, run._numbered(0, 6), shift=None, workers=1, device=CPU)
    next(loader)
    server = psutil.Process(forkserver._forkserver._forkserver_pid)
    for process in (server, *server.children()):
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
    assert len(list(loader)) == 5
    assert server.status() != psutil.STATUS_ZOMBIE


LOCK = threading.Lock()


class Locked(WindowDataset):
    """Windows that are read by whoever holds this module's lock."""

    def shifted(self, numbers: Numbers, shift_samples: Numbers) -> Batch:
        """As the windows do, in turn."""
        with LOCK:
            return super().shifted(numbers, shift_samples)


def test_workers_share_no_lock_thread_or_file_with_the_run(tmp_path: Path) -> None:
    """Forked from it, they would wait for ever for a lock that a thread of it held at that moment."""
    run = trainer(tmp_path)
    dataset = Locked(run.dataset.index, run.dataset.stored, run.dataset.samples_per_step)
    numbered = list(run._numbered(0, 4))
    with (tmp_path / "held").open("w") as held, LOCK:
        os.set_inheritable(held.fileno(), True)
        loader = batches(dataset, iter(numbered), shift=None, workers=2, device=CPU)
        first = next(loader)
        files = [f.path for child in psutil.Process().children(recursive=True) for f in child.open_files()]
    assert held.name not in files
    assert np.array_equal(first.windows, numbered[0][1])
    assert len(list(loader)) == 3


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
