"""What was done to a store, line by line: which recordings were built, by whom, and which could not be, and why.

Every process appends to a file of its own, one JSON object a line, as soon as a recording is whole or set aside. A line
cut short by a crash is the last of its file and says nothing. It is read for people and for the manifest; whether a
recording is in the store is what its own files say.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path

from ictal.signals.files import room_for

FOLDER = "ledger"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that was done."""

    source: str
    """Path of the EDF."""
    built: bool
    """Whether it was built, not set aside."""
    key: str = ""
    """Name of the recording in the store; empty for what was set aside."""
    code: str = ""
    """Kind of fault."""
    reason: str = ""
    """What was wrong."""
    by: str = ""
    """Machine and process."""
    at: str = ""
    """Time, UTC."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All lines of a store.

    Args:
        folder: Where the processes' files lie; made at the first line.
    """

    folder: Path

    def append(self, line: Line) -> None:
        """Write a line, with time and process filled in; it is on disk when this returns.

        Raises:
            InputError: if there is no room (code `store-full`); then nothing of the line is left.
        """
        by, path = _own_file(self.folder, os.getpid())
        full = {**asdict(line), "by": by, "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")}
        text = json.dumps(full).encode() + b"\n"
        with room_for(path, len(text)):
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:
                _write_whole(file, text)

    def lines(self) -> Iterator[Line]:
        """Every finished line, file by file."""
        for path in sorted(self.folder.glob("*.jsonl")):
            for text in path.read_bytes().split(b"\n")[:-1]:
                yield Line(**json.loads(text))


def _write_whole(file: FileIO, text: bytes) -> None:
    before = file.seek(0, os.SEEK_END)
    try:
        rest = memoryview(text)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(before)
        raise


@functools.lru_cache(maxsize=8)
def _own_file(folder: Path, process: int) -> tuple[str, Path]:
    by = f"{socket.gethostname()}-{process}"
    return by, folder / f"{by}-{secrets.token_hex(4)}.jsonl"
