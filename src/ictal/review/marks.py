"""What reviewers say about events: a journal per recording that only grows, each line on disk before it is confirmed.

The last mark of an event counts. An edit names the revision that its author saw: if somebody has changed the event
since, it is refused and nothing is lost, since the one stands in the journal and the other on its author's screen. An
edit that is sent twice counts once, whatever came in between. A line that a crash has cut short was never confirmed; it
is taken away.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias, get_args

from ictal.errors import InputError
from ictal.recordings.labels import is_known
from ictal.review.listing import Source

Verdict: TypeAlias = Literal["undecided", "seizure", "background", "withdrawn"]
"""`withdrawn` takes back an event that a reviewer has added."""

LONGEST_COMMENT = 2000
LONGEST_NAME = 80
RECORDING = "recording"
"""Name of the event whose mark says that a whole recording was gone through: then its verdict is `background`."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What one reviewer said about one event at one time.

    Args:
        event: Name of the event; `RECORDING` for the recording as a whole.
        source: Who stated the event.
        onset_s: Where it begins by this mark.
        stop_s: Where it stops by this mark.
        label: HED-SCORE's word for it.
        verdict: Whether it is a seizure.
        comment: Anything, in one line.
        author: Who says so.
        edit: Name of this edit, made by who sends it: the same one is not written twice.
        time: When, as ISO 8601 in UTC.
        revision: Line of the journal, counted from 1; 0 before it is written.
    """

    event: str
    source: Source
    onset_s: float
    stop_s: float
    label: str
    verdict: Verdict
    comment: str
    author: str
    edit: str
    time: str
    revision: int = 0

    @property
    def is_decided(self) -> bool:
        """Whether its event was called a seizure or none, and not taken back."""
        return self.verdict in {"seizure", "background"}


class StaleEditError(Exception):
    """Somebody has changed the event since the author of an edit looked at it.

    Args:
        current: What it is now.
    """

    def __init__(self, current: Mark) -> None:
        super().__init__(f"{current.event} was changed by {current.author}")
        self.current = current


class Journal:
    """The marks of one recording.

    Args:
        path: The file, one JSON object a line; need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_bytes = 0
        self._lines = 0
        self._marks: dict[str, Mark] = {}
        self._edits: dict[str, Mark] = {}
        self._turn = threading.Lock()

    def marks(self) -> dict[str, Mark]:
        """The mark that counts for every event, other programs' among them.

        Raises:
            InputError: if a line is damaged (code `file-damaged`).
        """
        with self._turn:
            if self._lines or self.path.exists():
                with self.path.open("rb") as file:
                    self._catch_up(file)
            return dict(self._marks)

    @property
    def revision(self) -> int:
        """Number of edits that were read."""
        return self._lines

    def append(self, mark: Mark, seen: int) -> Mark:
        """Write a mark; it is on disk when this returns.

        Args:
            mark: The edit.
            seen: Revision of the event that its author saw; 0 where there was none.

        Returns:
            The mark with its revision.

        Raises:
            StaleEditError: if the event has another revision.
            InputError: as `marks`.
        """
        with self._locked() as file:
            whole = self._catch_up(file)
            if mark.edit in self._edits:
                return self._edits[mark.edit]
            current = self._marks.get(mark.event)
            if current is not None and current.revision != seen:
                raise StaleEditError(current)
            written = replace(mark, revision=self._lines + 1)
            file.truncate(whole)
            file.write(f"{json.dumps(asdict(written), ensure_ascii=False)}\n".encode())
            file.flush()
            os.fsync(file.fileno())
            self._catch_up(file)
            return written

    @contextmanager
    def settled(self) -> Iterator[dict[str, Mark]]:
        """The marks, while no other thread or program adds one."""
        with self._locked() as file:
            self._catch_up(file)
            yield dict(self._marks)

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """The file, while no other thread or program writes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._turn, self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _catch_up(self, file: IO[bytes]) -> int:
        """Read what was added since; returns the length of all whole lines."""
        if file.seek(0, os.SEEK_END) < self._read_bytes:
            raise self._damaged("a file that has become shorter")
        file.seek(self._read_bytes)
        added = file.read()
        for line in added[: added.rfind(b"\n") + 1].splitlines():
            mark = self._decoded(line)
            self._lines += 1
            self._marks[mark.event] = self._edits[mark.edit] = mark
        self._read_bytes += added.rfind(b"\n") + 1
        return self._read_bytes

    def _decoded(self, line: bytes) -> Mark:
        try:
            mark = mark_of(json.loads(line))
        except (UnicodeDecodeError, json.JSONDecodeError, InputError) as error:
            raise self._damaged(str(error)) from error
        if mark.revision != self._lines + 1:
            raise self._damaged(f"revision {mark.revision}")
        return mark

    def _damaged(self, got: str) -> InputError:
        return InputError(
            "A journal of marks is damaged",
            where=f"{self.path}:{self._lines + 1}",
            got=got,
            expected=f"the mark of revision {self._lines + 1}",
            remedy="restore the file; its lines are only ever added to",
            code="file-damaged",
        )


def mark_of(document: object) -> Mark:
    """A mark from what JSON holds.

    Raises:
        InputError: if a field is missing, of another kind, or outside its range (code `mark`).
    """
    if not isinstance(document, dict):
        raise _refused("mark", document, "an object")
    kinds = {field.name: _KINDS[str(field.type)] for field in fields(Mark)}
    for name, kind in kinds.items():
        value = document.get(name)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise _refused(name, value, " or ".join(one.__name__ for one in kind))
    mark = Mark(**{name: document[name] for name in kinds})
    _check(mark)
    return mark


_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "Source": (str,),
    "Verdict": (str,),
    "float": (float, int),
    "int": (int,),
}


def _check(mark: Mark) -> None:
    if not (_is_finite(mark.onset_s) and _is_finite(mark.stop_s) and 0 <= mark.onset_s < mark.stop_s):
        raise _refused("onset_s, stop_s", f"{mark.onset_s} to {mark.stop_s} s", "an onset before the stop")
    for name, allowed in (("source", get_args(Source)), ("verdict", get_args(Verdict))):
        if getattr(mark, name) not in allowed:
            raise _refused(name, getattr(mark, name), ", ".join(allowed))
    for name in ("event", "label", "comment", "author", "edit", "time"):
        longest = LONGEST_COMMENT if name == "comment" else LONGEST_NAME
        text: str = getattr(mark, name)
        if len(text) > longest or (text and not text.isprintable()) or (name != "comment" and not text.strip()):
            raise _refused(name, repr(text[:100]), f"one line of at most {longest} characters")
    if not is_known(mark.label):
        raise _refused("label", repr(mark.label), "HED-SCORE's word for a seizure, or bckg")


def _is_finite(time_s: float) -> bool:
    """Whether it is a float's number: JSON has whole ones beyond."""
    return abs(time_s) <= sys.float_info.max


def _refused(name: str, got: Any, expected: str) -> InputError:
    remedy = "correct the mark"
    return InputError("A mark cannot be used", where=name, got=got, expected=expected, remedy=remedy, code="mark")
