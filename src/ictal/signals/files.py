"""Files of a store: each is whole or absent, and where there is no room for one, one error says how much it needs.

And locks, of stores and of runs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ictal.appearing import appearing
from ictal.errors import InputError

FULL = "store-full"
"""Code of the error where there is no room."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole_file(path: Path, size_bytes: int) -> Iterator[BinaryIO]:
    """A file to write that appears under its name only when all of it is on disk.

    Args:
        path: Its name; the folder is made if need be.
        size_bytes: How much will be written.

    Raises:
        InputError: if there is no room (code `store-full`).
    """
    with room_for(path, size_bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
        with appearing(path) as draft, draft.open("xb") as file:
            yield file


@contextmanager
def room_for(path: Path, size_bytes: int) -> Iterator[None]:
    """Whatever is written inside has room, or the error says how much was asked for.

    Raises:
        InputError: if there is no room (code `store-full`).
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise no_room(path, size_bytes, str(error.strerror)) from error


def no_room(path: Path, size_bytes: int, got: str) -> InputError:
    """The error for a file that does not fit."""
    folder = next(folder for folder in path.parents if folder.exists())
    return InputError(
        "The signal store is full",
        where=path,
        got=f"{got}; {shutil.disk_usage(folder).free / 1e6:.1f} MB are free",
        expected=f"room for this file, {size_bytes / 1e6:.1f} MB",
        remedy="make room; what is in the store is whole, and the same command goes on from there",
        code=FULL,
    )


@contextmanager
def alone(lock: Path, busy: InputError | None = None) -> Iterator[None]:
    """The only process that holds this lock, which the system takes from one that dies.

    Args:
        lock: A file that is there only while somebody holds it, or has died holding it; its folder is made if need be.
        busy: Raised where another one holds it; None waits.

    Raises:
        InputError: if there is no room for it (code `store-full`), or `busy`.
    """
    with room_for(lock, 0):
        lock.parent.mkdir(parents=True, exist_ok=True)
        while (held := _locked(lock, busy)) is None:
            pass
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        held.close()


def _locked(path: Path, busy: InputError | None) -> BinaryIO | None:
    """The file that lies there, held by this process alone; None if it went away, with its holder, meanwhile.

    Whoever held a lock removes its file: who had waited for that one must not take it for a lock.
    """
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX if busy is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        assert busy is not None
        raise busy from None
    try:
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except FileNotFoundError:
        pass
    file.close()
    return None
