"""Copies of far recordings: right, bounded whoever fetches, and no worse for a process that is killed."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3

from ictal.errors import InputError
from ictal.signals import cache as cache_module
from ictal.signals.cache import IDLE_S, Cache
from ictal.signals.files import alone
from ictal.signals.fingerprint import DIGEST_BYTES

SIZE = 100_000


def content(number: int, size: int = SIZE) -> bytes:
    """Bytes that are like no others."""
    return np.random.default_rng(number).bytes(size)


def name(data: bytes) -> str:
    """Its checksum."""
    return blake3(data).hexdigest(length=DIGEST_BYTES)


def pieces(data: bytes) -> Iterator[bytes]:
    """As a network brings them."""
    yield from (data[start : start + 9999] for start in range(0, len(data), 9999))


def kept(cache: Cache, number: int, size: int = SIZE) -> bool:
    """Whether a copy is there after it was asked for."""
    data = content(number, size)
    return cache.keep(name(data), len(data), lambda: pieces(data)) == name(data)


def taken(folder: Path) -> int:
    """Bytes of all copies and drafts."""
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def read_long_ago(cache: Cache, number: int, hours: float) -> None:
    """Let a copy have been read so many hours ago."""
    moment = time.time() - 3600 * hours
    os.utime(cache.path(name(content(number))), (moment, moment))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Room for three copies."""
    return Cache(folder=tmp_path / "copies", limit_bytes=3 * SIZE + 10)


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    cache_module._full.clear()
    cache_module._told.clear()


def test_a_copy_is_fetched_once_and_is_what_was_fetched(cache: Cache) -> None:
    """The second who asks fetches nothing."""
    data = content(1)
    assert kept(cache, 1)
    assert cache.path(name(data)).read_bytes() == data
    assert cache.keep(name(data), SIZE, lambda: pytest.fail("fetched again")) == name(data)
    assert [path.name for path in cache.folder.iterdir()] == [f"{name(data)}.npy"]


@pytest.mark.parametrize("wrong", [content(1)[:-1], content(2), b""])
def test_what_is_not_what_was_asked_for_is_not_kept(cache: Cache, wrong: bytes) -> None:
    """The caller learns what it was."""
    assert cache.keep(name(content(1)), SIZE, lambda: pieces(wrong)) == name(wrong)
    assert list(cache.folder.iterdir()) == []
    assert kept(cache, 1)


def test_a_fetch_that_fails_leaves_nothing(cache: Cache) -> None:
    """The network goes in the middle."""

    def broken() -> Iterator[bytes]:
        yield content(1)[:5000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        cache.keep(name(content(1)), SIZE, broken)
    assert list(cache.folder.iterdir()) == []


def test_those_make_room_that_nobody_has_read_for_longest(cache: Cache) -> None:
    """Two of three are idle; the fourth takes the place of the one read least recently, whatever came first."""
    assert all(kept(cache, number) for number in (1, 2, 3))
    read_long_ago(cache, 1, hours=2)
    read_long_ago(cache, 2, hours=3)
    assert kept(cache, 4)
    assert [cache.path(name(content(number))).exists() for number in (1, 2, 3, 4)] == [True, False, True, True]
    assert taken(cache.folder) == 3 * SIZE


def test_no_more_goes_than_must(cache: Cache) -> None:
    """For a copy that is too large for what is idle, nothing goes; nor for one that never fits."""
    assert all(kept(cache, number) for number in (1, 2, 3))
    read_long_ago(cache, 1, hours=2)
    assert not kept(cache, 5, 2 * SIZE)
    cache_module._full.clear()
    assert not kept(cache, 6, 4 * SIZE)
    assert all(cache.path(name(content(number))).exists() for number in (1, 2, 3))


def test_a_copy_in_use_stays_and_who_finds_no_room_does_not_ask_at_once_again(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing windows from all over a corpus must not fetch whole recordings in turn."""
    assert all(kept(cache, number) for number in (1, 2, 3))
    assert not kept(cache, 4)
    for number in (1, 2, 3):
        read_long_ago(cache, number, hours=2)
    assert not kept(cache, 4)
    monkeypatch.setattr(cache_module, "_RETRY_S", 0.0)
    cache_module.in_use(cache.path(name(content(1))))
    assert time.time() - cache.path(name(content(1))).stat().st_mtime < IDLE_S
    assert kept(cache, 4)
    assert cache.path(name(content(1))).exists()
    cache_module.in_use(cache.path("gone"))


def test_no_room_at_all_is_no_folder(tmp_path: Path) -> None:
    """A limit of nothing keeps nothing."""
    assert not kept(Cache(folder=tmp_path / "copies", limit_bytes=0), 1)
    assert not (tmp_path / "copies").exists()


FETCHER = """
import sys, time
from pathlib import Path
from tests.signals.test_cache import SIZE, Cache, content, name

def slow():
    yield content(1)[:50_000]
    print("half", flush=True)
    time.sleep(600)

Cache(folder=Path(sys.argv[1]), limit_bytes=int(sys.argv[2])).keep(name(content(1)), SIZE, slow)
"""


@pytest.fixture
def half_way(cache: Cache) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a fetch."""
    command = [sys.executable, "-c", FETCHER, str(cache.folder), str(cache.limit_bytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        yield process
        process.kill()


def test_what_is_being_fetched_counts_and_a_killed_process_gives_it_back(
    cache: Cache, half_way: subprocess.Popen[str]
) -> None:
    """While it lives its copy has its whole room; after SIGKILL that is free, and the copy can be fetched."""
    assert [path.stat().st_size for path in cache.folder.glob(".*.tmp")] == [SIZE]
    assert [kept(cache, number) for number in (2, 3, 4)] == [True, True, False]
    os.kill(half_way.pid, signal.SIGKILL)
    half_way.wait(30)
    cache_module._full.clear()
    assert kept(cache, 4)
    assert not list(cache.folder.glob(".*.tmp"))
    read_long_ago(cache, 2, hours=2)
    assert kept(cache, 1)
    assert taken(cache.folder) == 3 * SIZE


def test_who_waits_for_a_fetch_does_it_when_its_process_is_killed(
    cache: Cache, half_way: subprocess.Popen[str]
) -> None:
    """The system takes the lock away."""
    done: list[bool] = []
    waiting = threading.Thread(target=lambda: done.append(kept(cache, 1)))
    waiting.start()
    time.sleep(0.2)
    assert done == []
    os.kill(half_way.pid, signal.SIGKILL)
    waiting.join(30)
    assert done == [True]
    assert cache.path(name(content(1))).read_bytes() == content(1)


def test_threads_that_ask_for_the_same_fetch_it_once(cache: Cache) -> None:
    """A batch may hold several windows of a recording."""
    data, fetched = content(1), []

    def chunks() -> Iterator[bytes]:
        fetched.append(1)
        time.sleep(0.05)
        yield from pieces(data)

    threads = [threading.Thread(target=cache.keep, args=(name(data), SIZE, chunks)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched == [1]


def _many(cache: Cache, seed: int) -> int:
    """Ask for copies in a random order; returns the most bytes that were ever seen to be taken."""
    cache_module._RETRY_S, cache_module.IDLE_S = 0.0, 0.05
    most = 0
    for number in np.random.default_rng(seed).integers(0, 8, 60).tolist():
        if kept(cache, number):
            with suppress(FileNotFoundError):  # another process has made room meanwhile
                assert cache.path(name(content(number))).read_bytes() == content(number)
        with alone(cache.folder / ".room.lock"):
            most = max(most, taken(cache.folder))
    return most


def test_processes_together_stay_below_the_limit(cache: Cache) -> None:
    """Three processes ask for eight copies, room for three, in any order."""
    cache.folder.mkdir()
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("forkserver")) as pool:
        most = list(pool.map(_many, [cache] * 3, range(3)))
    assert max(most) == 3 * SIZE
    assert all(name(path.read_bytes()) == path.stem for path in cache.folder.glob("*.npy"))
    assert not list(cache.folder.glob(".*"))


@pytest.mark.parametrize("when", ["at once", "in the middle"])
def test_a_full_disk_is_one_clear_error(cache: Cache, when: str) -> None:
    """A quota on the size of a file stands for it; it may come while the copy is being fetched."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def chunks() -> Iterator[bytes]:
        for piece in pieces(content(1)):
            yield piece
            resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, hard))

    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE - 1 if when == "at once" else soft, hard))
    try:
        with pytest.raises(InputError) as caught:
            cache.keep(name(content(1)), SIZE, chunks)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "store-full"
    assert list(cache.folder.iterdir()) == []
