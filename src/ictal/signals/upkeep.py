"""Looking after a store: is everything whole, what is in it, and what is nothing's any more.

Nothing here runs by itself, and only `delete` removes anything: exactly the files that it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ictal.errors import InputError
from ictal.signals.faults import DAMAGED, VERSION
from ictal.signals.places import Kept, Place
from ictal.signals.store import SignalStore, StoredRecording

ABANDONED_S = 24 * 3600.0
"""A draft or a lock that nobody has touched for so long belongs to a builder that has died."""


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """A file that nothing needs.

    Args:
        place: Where it is.
        name: Its name.
        size_bytes: Its size.
        reason: Why nothing needs it.
    """

    place: Place
    name: str
    size_bytes: int
    reason: str

    @property
    def address(self) -> str:
        """Where it is, in full."""
        return f"{self.place.address}/{self.name}"


def require_readable(store: SignalStore) -> None:
    """Make sure that all of a store is of this version and of its size; its bytes are not read.

    Raises:
        InputError: for the first recording that is not, as `SignalStore.open` does.
    """
    for _ in store.open_each(store.every_key()):
        pass


def damaged(store: SignalStore, progress: Callable[[int, int], None] | None = None) -> list[InputError]:
    """Read every recording and compare it with its checksum; the faults, in the order of the keys."""
    return [fault for _, fault in _faults(store, progress)]


def _faults(store: SignalStore, progress: Callable[[int, int], None] | None) -> Iterator[tuple[str, InputError]]:
    keys = store.every_key()
    for done, key in enumerate(keys, 1):
        try:
            store.verify(key)
        except InputError as error:
            yield key, error
        if progress is not None:
            progress(done, len(keys))


def damaged_files(store: SignalStore, progress: Callable[[int, int], None] | None = None) -> list[Garbage]:
    """Files of the recordings whose bytes are not those that were written; reads every recording."""
    faulty = {key: fault for key, fault in _faults(store, progress) if fault.code == DAMAGED}
    reasons = {name: f"damaged: {fault.got}" for key, fault in faulty.items() for name in _pair(key)}
    return [_garbage(store, one, reasons[one.name]) for one in store.place.kept() if one.name in reasons]


def garbage(store: SignalStore, kept: Collection[str] | None = None, *, now_s: float | None = None) -> list[Garbage]:
    """Files that nothing needs: what dead builders left, other versions' recordings, and those that are not kept.

    A recording whose description cannot be read is none of these: `damaged_files` finds it.

    Args:
        store: The store.
        kept: Keys that are needed; None keeps every recording that this version can read.
        now_s: Time, by the clock of the files.
    """
    now_s = time.time() if now_s is None else now_s
    files, keys = store.place.kept(), store.every_key()
    why = {key: _reason(key, found, kept) for key, found in zip(keys, store.look_at(keys), strict=True)}
    reasons = {name: reason for key, reason in why.items() if reason for name in _pair(key)}
    reasons |= _abandoned(files, now_s)
    return [_garbage(store, one, reasons[one.name]) for one in files if one.name in reasons]


def delete(found: Sequence[Garbage]) -> None:
    """Remove these files; of a recording the JSON first, so that it is never there in part."""
    for one in sorted(found, key=lambda one: not one.name.endswith(".json")):
        one.place.delete(one.name)


def _abandoned(files: Sequence[Kept], now_s: float) -> dict[str, str]:
    """Why nothing needs a file, by its name."""
    names, found = {one.name for one in files}, {}
    for name in (one.name for one in files if now_s - one.changed_s > ABANDONED_S):
        if name.startswith(".") and name.endswith((".tmp", ".lock")):
            found[name] = "left by a builder that died"
        elif name.endswith(".npy") and f"{name.removesuffix('.npy')}.json" not in names:
            found[name] = "a signal without its description, left by a builder that died"
    return found


def _pair(key: str) -> tuple[str, str]:
    return f"{key}.json", f"{key}.npy"


def _reason(key: str, found: StoredRecording | InputError, kept: Collection[str] | None) -> str:
    if isinstance(found, InputError):
        return f"written in {found.got}, which this version does not read" if found.code == VERSION else ""
    return "" if kept is None or key in kept else "needed by none of the runs"


def _garbage(store: SignalStore, file: Kept, reason: str) -> Garbage:
    return Garbage(place=store.place, name=file.name, size_bytes=file.size_bytes, reason=reason)
