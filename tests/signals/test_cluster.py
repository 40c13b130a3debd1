"""Preparation by the workers of a real Dask scheduler, each a process of its own, one of which is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled
from ictal.signals import upkeep
from ictal.signals.addresses import place_of
from ictal.signals.prepare import Workers, prepare
from ictal.signals.store import SignalStore
from tests.signals.builders import SMALL

WriteRecording: TypeAlias = Callable[..., Labelled]


def _dask(kind: str, *words: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", kind, *words, "--no-dashboard"]
    with (folder / f"{kind}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


@dataclass(frozen=True)
class Cluster:
    """A scheduler on a free port of this machine, and workers of one thread each that nobody starts again."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def bucket(bucket_url: str, tmp_path: Path) -> SignalStore:
    """A store in a bucket, which the environment of whatever is started from here on names."""
    return SignalStore(place_of(bucket_url, tmp_path / "own", 0))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two workers; all processes are gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = _dask("scheduler", "--host", "127.0.0.1", "--port", str(port), folder=tmp_path)
    words = (address, "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "dask"))
    workers = [_dask("worker", *words, folder=tmp_path) for _ in range(2)]
    yield Cluster(address=address, scheduler=scheduler, workers=workers)
    for process in (*workers, scheduler):
        process.kill()
        process.wait(60)


def test_a_worker_killed_during_the_build_loses_nothing(
    write_recording: WriteRecording, tmp_path: Path, cluster: Cluster
) -> None:
    """The other one takes over: every recording is there and whole, none was made twice, the ledger tells each once."""
    recordings = [write_recording(f"p{n}_1", seconds=20, seed=n) for n in range(30)]
    store = SignalStore(tmp_path / "store")
    builders: set[str] = set()
    worker = cluster.workers[0]

    def kill_one(done_s: int, _total_s: int) -> None:
        builders.update(line.by for line in store.ledger.lines())
        if len(builders) == 2 and worker.poll() is None:
            assert done_s < 20 * len(recordings)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(30)

    result = prepare(recordings, store, SMALL, workers=Workers(scheduler=cluster.address), progress=kill_one)
    assert worker.poll() == -signal.SIGKILL
    assert len(result.ready) == len(recordings)
    assert upkeep.damaged(store) == []
    assert Counter(line.key for line in store.ledger.lines()) == dict.fromkeys(store.every_key(), 1)
    assert len(store.every_key()) == len(recordings)


def test_a_scheduler_killed_during_the_build_is_one_clear_error_and_what_was_built_is_found(
    write_recording: WriteRecording, tmp_path: Path, cluster: Cluster
) -> None:
    """Prepared again, here without a cluster, nothing is built twice, and the ledger tells each recording once."""
    recordings = [write_recording(f"p{n}_1", seconds=20, seed=n) for n in range(12)]
    store = SignalStore(tmp_path / "store")

    def kill_the_scheduler(_done_s: int, _total_s: int) -> None:
        if cluster.scheduler.poll() is None:
            os.kill(cluster.scheduler.pid, signal.SIGKILL)
            cluster.scheduler.wait(30)

    with pytest.raises(InputError, match="scheduler was lost") as caught:
        prepare(recordings, store, SMALL, workers=Workers(scheduler=cluster.address), progress=kill_the_scheduler)
    assert caught.value.code == "scheduler"
    assert "goes on" in caught.value.remedy
    before = store.every_key()
    assert 0 < len(before) < len(recordings)
    result = prepare(recordings, store, SMALL)
    assert len(result.ready) == len(store.every_key()) == len(recordings)
    assert sum(not one.built for one in result.ready) >= len(before)
    assert upkeep.damaged(store) == []
    assert Counter(line.key for line in store.ledger.lines()) == dict.fromkeys(store.every_key(), 1)


def test_a_cluster_builds_into_a_bucket(
    write_recording: WriteRecording, bucket: SignalStore, request: pytest.FixtureRequest
) -> None:
    """Each worker has credentials of its own, in its environment, and tells of what it made."""
    cluster: Cluster = request.getfixturevalue("cluster")  # begun only now that the environment names the bucket
    recordings = [write_recording(f"p{n}_1", seconds=3, seed=n) for n in range(6)]
    result = prepare(recordings, bucket, SMALL, workers=Workers(scheduler=cluster.address))
    assert len(result.ready) == 6
    assert upkeep.damaged(bucket) == []
    assert Counter(line.key for line in bucket.ledger.lines()) == dict.fromkeys(bucket.every_key(), 1)
    assert not any(line.by.endswith(f"-{os.getpid()}") for line in bucket.ledger.lines())


def test_a_scheduler_that_is_not_there_is_one_clear_error(
    write_recording: WriteRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how to start one, and the store is not made."""
    monkeypatch.setattr("ictal.signals.prepare._PATIENCE_S", 1.0)
    with pytest.raises(InputError, match="dask scheduler") as caught:
        prepare([write_recording()], SignalStore(tmp_path / "s"), SMALL, workers=Workers(scheduler="tcp://127.0.0.1:1"))
    assert caught.value.code == "scheduler"
    assert not (tmp_path / "s").exists()
