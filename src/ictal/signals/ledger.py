"""What was done to a store, line by line: which recordings were built, by whom, and which could not be, and why.

Every process writes lines of its own, one JSON object each, as soon as a recording is whole or set aside. A line cut
short by a crash is the last of its process and says nothing. They are read for people and for the manifest; whether a
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

from ictal.signals.places import Journal


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
        journal: Where they are kept.
    """

    journal: Journal

    def append(self, line: Line) -> None:
        """Write a line, with time and process filled in; it is safe when this returns.

        Raises:
            InputError: if there is no room (code `store-full`); then nothing of the line is left.
        """
        by, unique = _process(os.getpid())
        full = {**asdict(line), "by": by, "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")}
        self.journal.add(f"{by}-{unique}", json.dumps(full).encode() + b"\n")

    def lines(self) -> Iterator[Line]:
        """Every finished line, process by process."""
        for text in self.journal.texts():
            for line in text.split(b"\n")[:-1]:
                yield Line(**json.loads(line))


@functools.lru_cache(maxsize=1)
def _process(number: int) -> tuple[str, str]:
    """Name of this process, and what tells it from earlier ones of the same number."""
    return f"{socket.gethostname()}-{number}", secrets.token_hex(4)
