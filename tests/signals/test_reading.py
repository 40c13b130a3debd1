"""Files that stay open: no more than the limit allows, by any number of threads, and never another file is read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ictal.signals import reading

BYTES = 4096


@pytest.fixture
def numbered(tmp_path: Path) -> Callable[[int], list[Path]]:
    """Writes files of which each holds its own number and nothing else."""

    def write(count: int) -> list[Path]:
        paths = [tmp_path / f"{number}.bin" for number in range(count)]
        for number, path in enumerate(paths):
            path.write_bytes(np.full(BYTES // 2, number, dtype="<i2").tobytes())
        return paths

    return write


PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
import os
from pathlib import Path
import numpy as np
from ictal.signals import reading
out = np.empty(4, dtype=np.int16)
for _ in range(2):
    for number, path in enumerate(map(Path, sys.argv[1:])):
        assert reading.read_at(path, 8, out) == 8
        assert out.tolist() == [number] * 4
        assert len(os.listdir("/proc/self/fd")) < 40
print(reading.most_open())
"""


def test_more_files_than_a_process_may_open(numbered: Callable[[int], list[Path]]) -> None:
    """With a limit of 40 descriptors 100 files are read, twice."""
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, numbered(100))], capture_output=True, text=True, check=False
    )
    assert said.stdout == "10\n", said.stderr


@pytest.mark.parametrize(("soft", "most"), [(1024, 256), (8, 4), (1 << 20, 1024), (resource.RLIM_INFINITY, 1024)])
def test_a_quarter_of_the_limit_is_used(monkeypatch: pytest.MonkeyPatch, soft: int, most: int) -> None:
    """Within bounds; a process without a limit has one here."""
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (soft, soft))
    assert reading.most_open() == most


def test_threads_that_close_each_others_files_never_read_another_file(
    numbered: Callable[[int], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files may be open, eight threads want thirty: descriptors are closed and given out anew all along."""
    opened = reading._opened.__wrapped__
    monkeypatch.setattr(reading, "_opened", reading.functools.lru_cache(maxsize=2)(opened))
    paths = numbered(30)

    def read(turn: int) -> bool:
        number = turn * 7 % len(paths)
        out = np.empty(BYTES // 2, dtype=np.int16)
        return reading.read_at(paths[number], 0, out) == BYTES and bool((out == number).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(3000)))


def test_a_file_beyond_its_end(numbered: Callable[[int], list[Path]]) -> None:
    """What is not there is not counted."""
    (path,) = numbered(1)
    out = np.empty(BYTES, dtype=np.int16)
    assert reading.read_at(path, 100, out) == BYTES - 100
    assert reading.read_at(path, BYTES + 1, out) == 0


def test_what_is_not_in_the_page_cache_is_not_waited_for(numbered: Callable[[int], list[Path]]) -> None:
    """After eviction nothing comes without waiting, on file systems that evict; announced or waited for, all comes."""
    (path,) = numbered(1)
    out = np.empty(BYTES // 2, dtype=np.int16)
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert reading.read_at(path, 0, out, wait=False) in {0, BYTES}
    reading.announce(path, 0, BYTES)
    assert reading.read_at(path, 0, out) == BYTES
    assert reading.read_at(path, 0, out, wait=False) == BYTES


def test_a_file_system_that_cannot_tell_is_asked_to_wait(
    numbered: Callable[[int], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some refuse reads that must not wait: that is no fault of the file."""
    (path,) = numbered(1)
    original = os.preadv

    def refusing(descriptor: int, buffers: list[memoryview], place: int, flags: int = 0) -> int:
        if flags:
            raise OSError(95, "Operation not supported")
        return original(descriptor, buffers, place)

    monkeypatch.setattr(os, "preadv", refusing)
    out = np.empty(BYTES // 2, dtype=np.int16)
    assert reading.read_at(path, 0, out, wait=False) == 0
    assert reading.read_at(path, 0, out) == BYTES


def test_scratch_memory_belongs_to_its_thread() -> None:
    """Used again by the same thread, never by another."""
    own = reading.scratch(100)
    assert np.shares_memory(own, reading.scratch(50))
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(own, pool.submit(reading.scratch, 100).result())
