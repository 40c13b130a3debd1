"""Fingerprints: content decides, unchanged files are not read twice, many processes share the cache."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from blake3 import blake3

from ictal.errors import InputError
from ictal.signals.fingerprint import DIGEST_BYTES, FingerprintCache, content_hash


@pytest.fixture
def cache(tmp_path: Path) -> FingerprintCache:
    return FingerprintCache(path=tmp_path / "store" / "fingerprints.sqlite")


def test_fingerprint_is_blake3_of_the_whole_content(tmp_path: Path, cache: FingerprintCache) -> None:
    """Every byte counts, and only bytes: two names of one content have one fingerprint."""
    first, second = tmp_path / "a.edf", tmp_path / "b.edf"
    for file in (first, second):
        file.write_bytes(b"x" * 3_000_001)
    expected = blake3(b"x" * 3_000_001).hexdigest(length=DIGEST_BYTES)
    assert cache.fingerprint(first) == cache.fingerprint(second) == content_hash(first) == expected


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, cache: FingerprintCache) -> None:
    """With path, size and time of change as they were, the cache answers without looking at the content."""
    file = tmp_path / "a.edf"
    file.write_bytes(b"one")
    known = cache.fingerprint(file)
    status = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cache.fingerprint(file) == known


@pytest.mark.parametrize("later_ns", [1, 10**9])
def test_a_changed_file_is_read_again(tmp_path: Path, cache: FingerprintCache, later_ns: int) -> None:
    """A new time of change, by as little as a nanosecond, makes the cached value void."""
    file = tmp_path / "a.edf"
    file.write_bytes(b"one")
    known = cache.fingerprint(file)
    changed_ns = file.stat().st_mtime_ns + later_ns
    file.write_bytes(b"two")
    os.utime(file, ns=(changed_ns, changed_ns))
    assert cache.fingerprint(file) == content_hash(file) != known


def test_many_processes_share_one_cache(tmp_path: Path, cache: FingerprintCache) -> None:
    """Processes that begin on an empty folder at once all get the right values, and leave them for the next."""
    files = [tmp_path / f"{number}.edf" for number in range(12)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * 1000)
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("forkserver")) as pool:
        answers = list(pool.map(cache.fingerprint, files * 4))
    assert answers == [content_hash(file) for file in files] * 4
    assert [cache.fingerprint(file) for file in files] == answers[:12]


def test_a_missing_file_is_named(tmp_path: Path, cache: FingerprintCache) -> None:
    """A file that cannot be read is the recording's fault, by its path."""
    with pytest.raises(InputError, match=r"gone\.edf") as caught:
        cache.fingerprint(tmp_path / "gone.edf")
    assert caught.value.code == "edf-unreadable"


def test_a_damaged_cache_is_an_error_that_says_what_to_delete(tmp_path: Path, cache: FingerprintCache) -> None:
    """What is no database is not silently replaced."""
    file = tmp_path / "a.edf"
    file.write_bytes(b"one")
    cache.path.parent.mkdir()
    cache.path.write_bytes(b"this is no database" * 100)
    with pytest.raises(InputError, match="delete this one file") as caught:
        cache.fingerprint(file)
    assert caught.value.code == "store-damaged"
