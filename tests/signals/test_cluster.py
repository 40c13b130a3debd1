"""Preparation by the workers of a real Dask scheduler, each a process of its own, one of which is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled
from ictal.signals import upkeep
from ictal.signals.prepare import Workers, prepare
from ictal.signals.store import SignalStore
from tests.signals.builders import SMALL

WriteRecording: TypeAlias = Callable[..., Labelled]


def _dask(kind: str, *words: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", kind, *words, "--no-dashboard"]
    with (folder / f"{kind}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """A scheduler on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _dask("scheduler", "--host", "127.0.0.1", "--port", str(port), folder=tmp_path)
    yield f"tcp://127.0.0.1:{port}"
    process.terminate()
    process.wait(60)


@pytest.fixture
def workers(scheduler: str, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two workers of one thread each, without anybody who would start them again."""
    words = (scheduler, "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "dask"))
    processes = [_dask("worker", *words, folder=tmp_path) for _ in range(2)]
    yield processes
    for process in processes:
        process.kill()
        process.wait(60)


def test_a_worker_killed_during_the_build_loses_nothing(
    write_recording: WriteRecording, tmp_path: Path, scheduler: str, workers: list[subprocess.Popen[bytes]]
) -> None:
    """The other one takes over: every recording is there and whole, none was made twice, the ledger tells each once."""
    recordings = [write_recording(f"p{n}_1", seconds=20, seed=n) for n in range(30)]
    store = SignalStore(tmp_path / "store")
    builders: set[str] = set()

    def kill_one(done_s: int, _total_s: int) -> None:
        builders.update(line.by for line in store.ledger.lines())
        if len(builders) == 2 and workers[0].poll() is None:
            assert done_s < 20 * len(recordings)
            os.kill(workers[0].pid, signal.SIGKILL)
            workers[0].wait(30)

    result = prepare(recordings, store, SMALL, workers=Workers(scheduler=scheduler), progress=kill_one)
    assert workers[0].poll() == -signal.SIGKILL
    assert len(result.ready) == len(recordings)
    assert upkeep.damaged(store) == []
    assert Counter(line.key for line in store.ledger.lines()) == dict.fromkeys(store.every_key(), 1)
    assert len(store.every_key()) == len(recordings)


def test_a_scheduler_that_is_not_there_is_one_clear_error(
    write_recording: WriteRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how to start one, and the store is not made."""
    monkeypatch.setattr("ictal.signals.prepare._PATIENCE_S", 1.0)
    with pytest.raises(InputError, match="dask scheduler") as caught:
        prepare([write_recording()], SignalStore(tmp_path / "s"), SMALL, workers=Workers(scheduler="tcp://127.0.0.1:1"))
    assert caught.value.code == "scheduler"
    assert not (tmp_path / "s").exists()
