"""Copies of recordings that lie far away, on this machine's disk, shared by its processes and bounded in all.

A copy is named by its checksum, so it is right whatever store it is of, and it is compared with that before anybody
reads it. A draft is locked by the process that fetches it: others wait for it, and where its process has died, the
system has taken the lock away and whoever comes next removes it. Drafts count with their full size from their first
byte, so that all processes together stay within the limit.

Where all is full, the copies that nobody has read for `IDLE_S` make room, those first that were read least recently.
A copy that is in use stays: windows are drawn from all over a corpus, and to fetch whole recordings in turn for one
window of each would read many times what it gives. Who finds no room reads past the cache.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import NamedTuple, TypeAlias

from blake3 import blake3

from ictal.signals.files import alone, room_for
from ictal.signals.fingerprint import DIGEST_BYTES

IDLE_S = 3600.0
"""A copy that was read within this time is in use."""
_TELL_S = 60.0  # how often a process says that it uses a copy
_RETRY_S = 60.0  # how long a process takes a full cache to be full

Chunks: TypeAlias = Callable[[], Iterator[bytes | memoryview]]

_told: dict[Path, float] = {}
_full: dict[Path, float] = {}


@dataclass(frozen=True, kw_only=True)
class Cache:
    """Copies below a limit.

    Args:
        folder: Where they lie; made at the first.
        limit_bytes: Most that all of them take; 0 for none.
    """

    folder: Path
    limit_bytes: int

    def path(self, checksum: str) -> Path:
        """Where the copy with this checksum is, if it is."""
        return self.folder / f"{checksum}.npy"

    def keep(self, checksum: str, size_bytes: int, chunks: Chunks) -> str | None:
        """Fetch a copy, unless another process has or there is no room for it.

        Args:
            checksum: Hash of its bytes.
            size_bytes: How many there are.
            chunks: Begins to fetch them; not called where there is nothing to fetch.

        Returns:
            The hash of what was fetched, whether it is right or not: what is wrong is not kept. None without room.

        Raises:
            InputError: if the disk is full (code `store-full`).
        """
        if size_bytes > self.limit_bytes or time.monotonic() - _full.get(self.folder, -_RETRY_S) < _RETRY_S:
            return None
        with self._draft(checksum) as draft:
            if self.path(checksum).exists():
                return checksum
            with room_for(self.path(checksum), size_bytes):
                if not self._reserved(draft, size_bytes):
                    _full[self.folder] = time.monotonic()
                    return None
                return self._fetched(draft, checksum, chunks)

    @contextmanager
    def _draft(self, checksum: str) -> Iterator[FileIO]:
        """The draft of a copy, held by this thread alone; it is gone afterwards, be it by having become the copy."""
        path = self.folder / f".{checksum}.tmp"
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+")
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is(file, path):
                break
            file.close()
        try:
            yield file
        finally:
            if _is(file, path):
                path.unlink()
            file.close()

    def _fetched(self, draft: FileIO, checksum: str, chunks: Chunks) -> str:
        digest = blake3()
        for chunk in chunks():
            digest.update(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[draft.write(rest) :]
        draft.truncate()
        os.fsync(draft.fileno())
        found = digest.hexdigest(length=DIGEST_BYTES)
        if found == checksum:
            (self.folder / f".{checksum}.tmp").replace(self.path(checksum))
        return found

    def _reserved(self, draft: FileIO, size_bytes: int) -> bool:
        """Let a draft take its room, if there is or can be made any."""
        with alone(self.folder / ".room.lock"):
            drafts = [_status(path) for path in self.folder.glob(".*.tmp") if not _is_dead(path)]
            copies = [(path, _status(path)) for path in self.folder.glob("*.npy")]
            taken = sum(one.size_bytes for one in (*drafts, *(status for _, status in copies)))
            over = taken + size_bytes - self.limit_bytes
            read_before_s = time.time() - IDLE_S
            idle = sorted((one.read_s, path, one.size_bytes) for path, one in copies if one.read_s < read_before_s)
            if over > sum(freed for _, _, freed in idle):
                return False
            for _, path, freed in idle:
                if over <= 0:
                    break
                path.unlink(missing_ok=True)
                over -= freed
            os.ftruncate(draft.fileno(), size_bytes)
        return True


class _Status(NamedTuple):
    size_bytes: int
    read_s: float


def _status(path: Path) -> _Status:
    """Size of a file, and when it was read last; nothing of one that has just gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return _Status(0, 0.0)
    return _Status(status.st_size, status.st_mtime)


def in_use(copy: Path) -> None:
    """Say that a copy is read; a process says so once a minute."""
    moment = time.monotonic()
    if moment - _told.get(copy, -_TELL_S) >= _TELL_S:
        _told[copy] = moment
        with suppress(FileNotFoundError):
            os.utime(copy)


def _is(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _is_dead(draft: Path) -> bool:
    """Whether the process that fetched this has died; then it is removed."""
    try:
        with FileIO(draft, "r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if _is(file, draft):
                draft.unlink()
    except FileNotFoundError:
        pass
    return True
