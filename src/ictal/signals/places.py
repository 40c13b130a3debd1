"""What a store asks of the place where its files lie, be it a folder or a bucket.

A place keeps whole files under names: one is there with all its bytes, or not at all. Whoever opens a store decides
where it is (`addresses.place_of`); nothing else knows the kinds of places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Parts: TypeAlias = Iterator[bytes | memoryview]
"""What a file will hold, in order; each part holds until the next is taken."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file of a place.

    Args:
        name: Its name.
        size_bytes: Its size.
        changed_s: When it was written, by the place's clock: seconds since 1970.
    """

    name: str
    size_bytes: int
    changed_s: float


class SignalFile(Protocol):
    """One recording's signal file. It holds nothing open, so it may be pickled and kept in thousands."""

    @property
    def address(self) -> str:
        """Where it is."""

    def read_at(self, place: int, out: npt.NDArray[np.int16], *, wait: bool = True) -> int:
        """Fill contiguous memory from a place in the file; returns how many bytes there were.

        Args:
            place: First byte.
            out: Where to; contiguous.
            wait: Whether to wait; if not, bytes that are not in memory are left out.

        Raises:
            FileNotFoundError: if the file is gone.
            InputError: if what is read is known not to be what was written, or the place does not answer.
        """

    def announce(self, place: int, length_bytes: int) -> None:
        """Begin to fetch what will be read soon, while the caller does something else.

        Raises:
            FileNotFoundError: if the file is known to be gone.
        """

    def evict(self) -> None:
        """Give back the memory of this machine that holds it."""

    def checksum(self) -> str:
        """Hash of every byte, as the place has them; reads all of it.

        Raises:
            FileNotFoundError: if the file is gone.
        """


class Journal(Protocol):
    """Lines that many processes write, each on its own, and that are never changed."""

    def add(self, by: str, text: bytes) -> None:
        """Keep a line; it is safe when this returns.

        Args:
            by: Name of the process.
            text: The line, with its end.
        """

    def texts(self) -> Iterator[bytes]:
        """What every process has written; the last line of each may be cut short."""


class Place(Protocol):
    """Where the files of a store lie; travels to other processes."""

    @property
    def address(self) -> str:
        """As it was named."""

    @property
    def own(self) -> Path:
        """Folder of this machine for what need not be shared."""

    @property
    def near(self) -> bool:
        """Whether to read a file costs so little that a builder checks what it finds."""

    @property
    def journal(self) -> Journal:
        """What was done here."""

    def exists(self) -> bool:
        """Whether anything was ever put here."""

    def kept(self) -> list[Kept]:
        """Every file, but those of the journal."""

    def size_bytes(self, name: str) -> int | None:
        """Size of a file; None if there is none."""

    def read_each(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """Whole files in the order of their names, some fetched ahead; None for one that is not there."""

    def create(self, name: str, size_bytes: int, parts: Parts) -> bool:
        """Write a file, unless another builder did; returns whether it is this one's. All parts are taken either way.

        Raises:
            InputError: if there is no room (code `store-full`).
        """

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, in place of one that may be there.

        Raises:
            InputError: if there is no room (code `store-full`).
        """

    def delete(self, name: str) -> None:
        """Remove a file."""

    def alone(self, name: str) -> AbstractContextManager[None]:
        """The only process of this machine, and of those that share a folder, that works at what has this name."""

    def signal(self, name: str, size_bytes: int, checksum: str) -> SignalFile:
        """A signal file that is here.

        Args:
            name: Its name.
            size_bytes: Its size.
            checksum: Hash of what was written.
        """
