"""What a file holds, as a hash of every byte; a file that has not changed since is not read again.

Invariant: the fingerprint depends on content alone, not on the name. The cache knows a file by absolute path, size and
time of last change, so a file rewritten with all three unchanged is not noticed. Deleting the cache costs only time, as
may a power cut: nobody waits until it is on disk.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from ictal.errors import InputError
from ictal.signals.files import no_room

DIGEST_BYTES = 16
CACHE_NAME = "fingerprints.sqlite"

_PATIENCE_S = 60.0
_PIECE_BYTES = 1 << 18  # stays in the core's cache between being read and being hashed
_PAGE_BYTES = 4096
_TABLE = (
    "CREATE TABLE IF NOT EXISTS blake3 "
    "(path TEXT PRIMARY KEY, bytes INTEGER, changed_ns INTEGER, fingerprint TEXT) WITHOUT ROWID"
)
_FIND = "SELECT fingerprint FROM blake3 WHERE path = ? AND bytes = ? AND changed_ns = ?"
_KEEP = "INSERT OR REPLACE INTO blake3 VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, kw_only=True)
class FingerprintCache:
    """Fingerprints that were computed before, in one SQLite file that many processes may share.

    Args:
        path: The SQLite file; made at the first use.
    """

    path: Path

    def fingerprint(self, file: Path) -> str:
        """Fingerprint of a file, from the cache if it is unchanged.

        Raises:
            InputError: if the file cannot be read or changes meanwhile (codes `edf-unreadable`, `edf-changed`), or the
                cache is damaged (`store-damaged`) or has no room to grow (`store-full`).
        """
        before = _identity(file)
        try:
            return self._known(before) or self._computed(file, before)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise no_room(self.path, _PAGE_BYTES, str(error)) from error
            raise InputError(
                "The cache of fingerprints cannot be used",
                where=self.path,
                got=str(error),
                expected="an SQLite file written by ictal, in a folder that can be written",
                remedy="if it is damaged, delete this one file: it is made anew",
                code="store-damaged",
            ) from error

    def _known(self, identity: tuple[str, int, int]) -> str | None:
        with closing(self._connect()) as connection:
            row = connection.execute(_FIND, identity).fetchone()
        return None if row is None else str(row[0])

    def _computed(self, file: Path, before: tuple[str, int, int]) -> str:
        fingerprint = content_hash(file)
        if (after := _identity(file)) != before:
            got = f"{before[1]} bytes before, {after[1]} bytes after, or another time of change"
            raise _file_fault(file, "The file changed while it was read", got, "edf-changed")
        with closing(self._connect()) as connection, connection:
            connection.execute(_KEEP, (*before, fingerprint))
        return fingerprint

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_PATIENCE_S)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_TABLE)
        return connection


def content_hash(file: Path) -> str:
    """BLAKE3 of every byte of a file.

    Raises:
        InputError: if it cannot be read (code `edf-unreadable`).
    """
    try:
        with file.open("rb", buffering=0) as stream:
            buffer = memoryview(bytearray(_PIECE_BYTES))
            digest = blake3()
            while got := stream.readinto(buffer):
                digest.update(buffer[:got])
            return digest.hexdigest(length=DIGEST_BYTES)
    except OSError as error:
        raise _file_fault(file, "The file cannot be read", error.strerror, "edf-unreadable") from error


def _identity(file: Path) -> tuple[str, int, int]:
    try:
        status = file.stat()
    except OSError as error:
        raise _file_fault(file, "The file cannot be read", error.strerror, "edf-unreadable") from error
    return str(file.absolute()), status.st_size, status.st_mtime_ns


def _file_fault(file: Path, what: str, got: object, code: str) -> InputError:
    remedy = "make it readable, or take the recording out of the corpus"
    return InputError(what, where=file, got=got, expected="a readable, finished file", remedy=remedy, code=code)
