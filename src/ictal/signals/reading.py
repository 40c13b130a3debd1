"""Positioned reads of many files by threads and processes: files stay open, the least recently used is closed.

Opening a file for every window costs a tenth of reading it from the page cache, and a round trip on a file server. A
process keeps at most a quarter of the descriptors that it may have (RLIMIT_NOFILE when this module is imported). A
positioned read moves nothing that another thread, or a process forked from this one, depends on; a file is closed when
the last that reads it is done, so no read ever meets another file under its number.
"""

from __future__ import annotations

import errno
import functools
import os
import resource
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ictal.signals.room import Room

_SHARE_OF_LIMIT = 4
_FEWEST, _MOST = 4, 1024
_WOULD_WAIT = (errno.EAGAIN, errno.EOPNOTSUPP)  # the latter where a file system cannot tell: it is asked to wait then


def most_open() -> int:
    """Files that a process keeps open for reading: a quarter of its limit, from 4 to 1024."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else min(max(soft // _SHARE_OF_LIMIT, _FEWEST), _MOST)


class _OpenFile:
    """A descriptor that is closed with the last reference to it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


@functools.lru_cache(maxsize=most_open())
def _opened(path: Path) -> _OpenFile:
    return _OpenFile(os.open(path, os.O_RDONLY))


def read_at(path: Path, place: int, out: npt.NDArray[np.int16], *, wait: bool = True) -> int:
    """Fill contiguous memory from a place in a file; returns how many bytes there were.

    Args:
        path: The file.
        place: First byte.
        out: Where to; contiguous.
        wait: Whether to wait for the disk; if not, bytes that are not in the page cache are left out.

    Raises:
        OSError: if the file cannot be opened or read.
    """
    file = _opened(path)
    if wait:
        return os.preadv(file.descriptor, [out.data], place)
    try:
        return os.preadv(file.descriptor, [out.data], place, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno not in _WOULD_WAIT:
            raise
        return 0


def announce(path: Path, place: int, length_bytes: int) -> None:
    """Tell the system what will be read soon, so that the disk works on many requests at once.

    Raises:
        OSError: if the file cannot be opened.
    """
    os.posix_fadvise(_opened(path).descriptor, place, length_bytes, os.POSIX_FADV_WILLNEED)


def evict(path: Path) -> None:
    """Give a file's pages back to the system, which some file systems never let happen.

    Raises:
        OSError: if the file cannot be opened.
    """
    descriptor = _opened(path).descriptor
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


class _Scratch(threading.local):
    def __init__(self) -> None:
        self.room = Room(np.int16)


_scratch = _Scratch()


def scratch(*shape: int) -> npt.NDArray[np.int16]:
    """Memory of this thread, in which what was just read stays in the core's cache; it holds until the next call."""
    return _scratch.room(*shape)
