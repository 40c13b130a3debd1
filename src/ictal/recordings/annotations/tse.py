"""TUSZ annotations before 2.0, `tse_v1.0.0`: `.tse` (seizure types) and `.tse_bi` (`seiz` and `bckg`).

Format: the version, blank lines or comments that start with `#`, then rows `start stop label confidence` separated by
blanks, about the whole recording. Invariant: a file either follows it to its last line or stops with that line. Rows
tile the recording, so the last stop states its length. Source: TUH EEG Seizure Corpus 1.5.2, DOCS.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from ictal.recordings.annotations.text import fault, read_lines, seconds
from ictal.recordings.events import Annotation, Event

VERSION = "version = tse_v1.0.0"

_VERSION = re.compile(r"version ?= ?tse_v1\.0\.0\s*")
_COLUMNS = "start stop label confidence, separated by blanks"


def read(path: Path) -> Annotation:
    """Read a `.tse` or `.tse_bi` file, strictly.

    Raises:
        InputError: at the first line that does not follow the format (codes `annotation-unreadable`,
            `annotation-header`, `annotation-row`, `annotation-times`, `annotation-empty`).
    """
    lines = read_lines(path)
    first = _first_row(path, lines)
    events = tuple(_read_row(path, line, row) for line, row in enumerate(lines[first - 1 :], first))
    if not events:
        fault(path, first, "There are no rows", got="end of file", expected="at least one row", code="annotation-empty")
    _check_order(path, events)
    return Annotation(path=path, events=events, duration_s=max(event.stop_s for event in events))


def _first_row(path: Path, lines: list[str]) -> int:
    """Number of the first line that is no header."""
    version = lines[0] if lines else "end of file"
    if _VERSION.fullmatch(version) is None:
        fault(path, 1, "The header differs", got=repr(version), expected=repr(VERSION), code="annotation-header")
    line = 2
    while line <= len(lines) and (not lines[line - 1].strip() or lines[line - 1].startswith("#")):
        line += 1
    return line


def _read_row(path: Path, line: int, row: str) -> Event:
    fields = row.split()
    if len(fields) != 4:
        fault(path, line, "The row is not readable", got=repr(row), expected=_COLUMNS, code="annotation-row")
    event = Event(
        onset_s=seconds(fields[0], path=path, line=line, field="start"),
        stop_s=seconds(fields[1], path=path, line=line, field="stop"),
        label=fields[2],
        confidence=seconds(fields[3], path=path, line=line, field="confidence"),
        line=line,
    )
    if event.onset_s > event.stop_s:
        times = f"{event.onset_s} to {event.stop_s} s"
        what = "The event stops before it starts"
        fault(path, line, what, got=times, expected="start <= stop", code="annotation-times")
    return event


def _check_order(path: Path, events: tuple[Event, ...]) -> None:
    """Rows are in the order of time: one second has one label."""
    for before, event in itertools.pairwise(events):
        if event.onset_s < before.stop_s:
            assert event.line is not None
            got, expected = f"start {event.onset_s} s", f"at least {before.stop_s} s, the stop of the row before"
            what = "The row overlaps the one before"
            fault(path, event.line, what, got=got, expected=expected, code="annotation-times")
