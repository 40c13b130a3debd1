"""A store in a folder: of a disk, or of a file server that many machines share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ictal.signals import reading
from ictal.signals.files import alone, room_for, whole_file
from ictal.signals.fingerprint import content_hash
from ictal.signals.places import Kept, Parts

JOURNAL = "ledger"


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A signal file of this machine's file system.

    Args:
        path: Its path.
    """

    path: Path

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self.path)

    def read_at(self, place: int, out: npt.NDArray[np.int16], *, wait: bool = True) -> int:
        """Fill contiguous memory from a place in the file by one positioned read; returns how many bytes there were."""
        return reading.read_at(self.path, place, out, wait=wait)

    def announce(self, place: int, length_bytes: int) -> None:
        """Let the disk begin to read."""
        reading.announce(self.path, place, length_bytes)

    def evict(self) -> None:
        """Give the file's pages back to the system."""
        reading.evict(self.path)

    def checksum(self) -> str:
        """Hash of every byte."""
        return content_hash(self.path)


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder; made by the first that writes.

    Of several that would write one file, those who hold its lock (`alone`) do it one after the other: what they find is
    of a builder that has died, and is replaced.

    Args:
        root: Its path.
    """

    root: Path

    @property
    def address(self) -> str:
        """Its path."""
        return str(self.root)

    @property
    def own(self) -> Path:
        """The folder itself."""
        return self.root

    @property
    def near(self) -> bool:
        """Whether reading costs little: it does."""
        return True

    @property
    def journal(self) -> FolderJournal:
        """What was done here."""
        return FolderJournal(folder=self.root / JOURNAL)

    def exists(self) -> bool:
        """Whether there is a folder."""
        return self.root.is_dir()

    def kept(self) -> list[Kept]:
        """Every file, drafts and locks included, by its name."""
        found = []
        for path in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if path.is_file():
                status = path.stat()
                found.append(Kept(name=path.name, size_bytes=status.st_size, changed_s=status.st_mtime))
        return found

    def size_bytes(self, name: str) -> int | None:
        """Size of a file; None if there is none."""
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def read_each(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """Whole files, one after the other; None for one that is not there."""
        for name in names:
            try:
                yield (self.root / name).read_bytes()
            except FileNotFoundError:
                yield None

    def create(self, name: str, size_bytes: int, parts: Parts) -> bool:
        """Write a file that appears under its name only when all of it is on disk.

        Whoever holds its lock is the only one that writes it.
        """
        with whole_file(self.root / name, size_bytes) as file:
            for part in parts:
                file.write(part)
        return True

    def replace(self, name: str, content: bytes) -> None:
        """The same, of what is in memory."""
        self.create(name, len(content), iter([content]))

    def delete(self, name: str) -> None:
        """Remove a file."""
        (self.root / name).unlink()

    def alone(self, name: str) -> AbstractContextManager[None]:
        """The only process of this machine (or file server) that works at what has this name, such as a key.

        Raises:
            InputError: if there is no room for the lock (code `store-full`).
        """
        return alone(self.root / f".{name}.lock")

    def signal(self, name: str, size_bytes: int, checksum: str) -> LocalFile:  # noqa: ARG002 - known by the file system
        """A signal file that is here."""
        return LocalFile(path=self.root / name)


@dataclass(frozen=True, kw_only=True)
class FolderJournal:
    """A file for each process, which appends to it.

    Args:
        folder: Where they lie; made at the first line.
    """

    folder: Path

    def add(self, by: str, text: bytes) -> None:
        """Keep a line; it is on disk when this returns.

        Raises:
            InputError: if there is no room (code `store-full`); then nothing of the line is left.
        """
        path = self.folder / f"{by}.jsonl"
        with room_for(path, len(text)):
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:
                _write_whole(file, text)

    def texts(self) -> Iterator[bytes]:
        """What every process has written."""
        for path in sorted(self.folder.glob("*.jsonl")):
            yield path.read_bytes()


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
