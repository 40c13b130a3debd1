"""Looking after a store: is everything whole, what is in it, and what is nothing's any more.

Nothing here runs by itself, and only `delete` removes anything: exactly the files that it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ictal.errors import InputError
from ictal.signals.store import SignalStore

ABANDONED_S = 24 * 3600.0
"""A draft or a lock that nobody has touched for so long belongs to a builder that has died."""


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """A file that nothing needs.

    Args:
        path: The file.
        size_bytes: Its size.
        reason: Why nothing needs it.
    """

    path: Path
    size_bytes: int
    reason: str


def require_readable(store: SignalStore) -> None:
    """Make sure that all of a store is of this version and of its size; its bytes are not read.

    Raises:
        InputError: for the first recording that is not, as `SignalStore.open` does.
    """
    for key in store.every_key():
        store.open(key)


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
    found = []
    for key, fault in _faults(store, progress):
        if fault.code == "store-damaged":
            found += [_garbage(path, f"damaged: {fault.got}") for path in _pair(store, key) if path.exists()]
    return found


def garbage(store: SignalStore, kept: Collection[str] | None = None, *, now_s: float | None = None) -> list[Garbage]:
    """Files that nothing needs: what dead builders left, other versions' recordings, and those that are not kept.

    A recording whose description cannot be read is none of these: `damaged_files` finds it.

    Args:
        store: The store.
        kept: Keys that are needed; None keeps every recording that this version can read.
        now_s: Time, by the clock of the files.
    """
    now_s = time.time() if now_s is None else now_s
    found = list(_abandoned(store, now_s))
    for key in store.every_key():
        reason = _reason(store, key, kept)
        found += [_garbage(path, reason) for path in _pair(store, key) if reason and path.exists()]
    return sorted(found, key=lambda one: one.path)


def delete(found: Sequence[Garbage]) -> None:
    """Remove these files; of a recording the JSON first, so that it is never there in part."""
    for one in sorted(found, key=lambda one: one.path.suffix != ".json"):
        one.path.unlink()


def _abandoned(store: SignalStore, now_s: float) -> Iterator[Garbage]:
    for path in store.root.iterdir() if store.root.is_dir() else ():
        old = now_s - path.stat().st_mtime > ABANDONED_S
        if old and path.name.startswith(".") and path.suffix in {".tmp", ".lock"}:
            yield _garbage(path, "left by a builder that died")
        elif old and path.suffix == ".npy" and not path.with_suffix(".json").exists():
            yield _garbage(path, "a signal without its description, left by a builder that died")


def _pair(store: SignalStore, key: str) -> tuple[Path, Path]:
    return store.root / f"{key}.json", store.root / f"{key}.npy"


def _reason(store: SignalStore, key: str, kept: Collection[str] | None) -> str:
    try:
        store.open(key)
    except InputError as error:
        return f"written in {error.got}, which this version does not read" if error.code == "store-version" else ""
    return "" if kept is None or key in kept else "needed by none of the runs"


def _garbage(path: Path, reason: str) -> Garbage:
    return Garbage(path=path, size_bytes=path.stat().st_size, reason=reason)
