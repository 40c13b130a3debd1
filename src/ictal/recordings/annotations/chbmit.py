"""CHB-MIT's `chbNN-summary.txt`: one text about all recordings of a case.

A recording has a block, in this order: `File Name`, `File Start Time` and `File End Time` (chb24 has neither), `Number
of Seizures in File`, and for each seizure a line for its start and one for its end, as `Seizure Start Time: 2996
seconds` or numbered, `Seizure 1 Start Time: ...`. Lists of channels stand before and between the blocks and are free
text. Clock times count past 24 h or start again at 0.

Invariants: a line of a block that is not understood stops with that line; a block has exactly as many seizures as it
says; the length of a recording is the time between its clock times. Source: CHB-MIT Scalp EEG Database 1.0.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ictal.recordings.annotations.lists import clock_s, elapsed_s, part_of
from ictal.recordings.annotations.text import fault, read_lines, seconds
from ictal.recordings.events import Annotation, Event

LABEL = "seiz"
SUFFIX = "-summary.txt"
TOLERANCE_S = 1.0

_CASE = re.compile(r"(chb\d\d)[a-z]?_.*", re.ASCII)
_NAME = re.compile(r"File Name:\s*(\S+)")
_START = re.compile(r"File Start Time:\s*(\S+)")
_END = re.compile(r"File End Time:\s*(\S+)")
_COUNT = re.compile(r"Number of Seizures in File:\s*(\d{1,4})", re.ASCII)
_ONSET = re.compile(r"Seizure\s+(?:(\d{1,4})\s+)?Start Time:\s*(\S+)\s+seconds?", re.ASCII)
_STOP = re.compile(r"Seizure\s+(?:(\d{1,4})\s+)?End Time:\s*(\S+)\s+seconds?", re.ASCII)
_OF_A_BLOCK = re.compile(r"file\b|number of|seizure", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class _Block:
    """What a summary says about one recording; times are not yet compared."""

    duration_s: float | None
    events: tuple[Event, ...]


def summary_of(edf_path: Path) -> Path | None:
    """Where the summary of a recording would be; None for a name that is not CHB-MIT's."""
    match = _CASE.fullmatch(edf_path.stem)
    return None if match is None else edf_path.with_name(match[1] + SUFFIX)


def names(path: Path) -> frozenset[str]:
    """The EDFs that a summary names; faults as in `read`, except that no times are compared."""
    return frozenset(_blocks(path))


def read(path: Path) -> dict[str, Annotation]:
    """Read a whole summary, strictly: the annotation of each EDF by its name.

    Raises:
        InputError: at the first line that does not follow the format (codes `annotation-unreadable`,
            `annotation-row`, `annotation-times`, `annotation-empty`).
    """
    return {name: _annotation(path, block) for name, block in _blocks(path).items()}


def read_recording(path: Path, edf_name: str) -> Annotation:
    """Read what a summary says about one EDF; the times of the others are left alone.

    Raises:
        InputError: as `read` does, and if the summary does not name the EDF (code `annotation-missing`).
    """
    return _annotation(path, part_of(path, edf_name, _blocks(path)))


def _blocks(path: Path) -> dict[str, _Block]:
    blocks: dict[str, _Block] = {}
    for lines in _split(path):
        name = _match(path, lines, 0, _NAME, "File Name: <name of an EDF>")[1]
        if name in blocks:
            what = "A second block is about the same file"
            fault(path, lines[0].number, what, got=name, expected="one block for each file", code="annotation-row")
        blocks[name] = _block(path, lines)
    if not blocks:
        fault(path, 1, "There is no file block", got="none", expected="File Name: ...", code="annotation-empty")
    return blocks


def _split(path: Path) -> list[list[_Line]]:
    """The lines of each block, without blank ones and without the free text outside of blocks."""
    blocks: list[list[_Line]] = []
    free = True
    for number, raw in enumerate(read_lines(path), 1):
        line = _Line(number=number, text=raw.strip())
        if line.text.startswith("File Name"):
            blocks.append([line])
            free = False
        elif line.text.startswith("Channel"):
            free = True
        elif free:
            _check_free(path, line)
        elif line.text:
            blocks[-1].append(line)
    return blocks


def _check_free(path: Path, line: _Line) -> None:
    if _OF_A_BLOCK.match(line.text):
        what = "The line belongs to no file block"
        fault(path, line.number, what, got=repr(line.text), expected="File Name: ... before", code="annotation-row")


def _block(path: Path, lines: list[_Line]) -> _Block:
    timed = len(lines) > 1 and lines[1].text.startswith("File ")
    duration_s = _duration_s(path, lines) if timed else None
    at = 3 if timed else 1
    count = int(_match(path, lines, at, _COUNT, "Number of Seizures in File: <number>")[1])
    events = tuple(_event(path, lines, at + 2 * k - 1, k) for k in range(1, count + 1))
    excess = lines[at + 2 * count + 1 :]
    if excess:
        expected = f"the {count} seizures that line {lines[at].number} states, and no more"
        what = "The block has a further line"
        fault(path, excess[0].number, what, got=repr(excess[0].text), expected=expected, code="annotation-row")
    return _Block(duration_s=duration_s, events=events)


def _duration_s(path: Path, lines: list[_Line]) -> float:
    start_s = _clock(path, lines, 1, _START, "File Start Time: HH:MM:SS")
    stop_s = _clock(path, lines, 2, _END, "File End Time: HH:MM:SS")
    if elapsed_s(start_s, stop_s) == 0:
        what = "The file ends when it starts"
        fault(path, lines[2].number, what, got=lines[2].text, expected="a later time", code="annotation-row")
    return float(elapsed_s(start_s, stop_s))


def _clock(path: Path, lines: list[_Line], at: int, pattern: re.Pattern[str], expected: str) -> int:
    since_midnight_s = clock_s(_match(path, lines, at, pattern, expected)[1])
    if since_midnight_s is None:
        what = "The clock time is not readable"
        fault(path, lines[at].number, what, got=repr(lines[at].text), expected=expected, code="annotation-row")
    return since_midnight_s


def _event(path: Path, lines: list[_Line], at: int, number: int) -> Event:
    onset = _match(path, lines, at, _ONSET, f"Seizure [{number}] Start Time: <number> seconds")
    stop = _match(path, lines, at + 1, _STOP, f"Seizure [{number}] End Time: <number> seconds")
    for line, match in ((lines[at], onset), (lines[at + 1], stop)):
        if match[1] is not None and int(match[1]) != number:
            what = "The seizures of the file are not numbered in order"
            fault(path, line.number, what, got=repr(line.text), expected=f"seizure {number}", code="annotation-row")
    return Event(
        onset_s=seconds(onset[2], path=path, line=lines[at].number, field="start"),
        stop_s=seconds(stop[2], path=path, line=lines[at + 1].number, field="end"),
        label=LABEL,
        line=lines[at].number,
    )


def _match(path: Path, lines: list[_Line], at: int, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
    if at >= len(lines):
        what = "The block ends too early"
        fault(path, lines[-1].number, what, got="end of the block", expected=expected, code="annotation-row")
    match = pattern.fullmatch(lines[at].text)
    if match is None:
        what = "The line is not readable"
        fault(path, lines[at].number, what, got=repr(lines[at].text), expected=expected, code="annotation-row")
    return match


def _annotation(path: Path, block: _Block) -> Annotation:
    for event in block.events:
        _check_times(path, event, block.duration_s)
    return Annotation(path=path, events=block.events, duration_s=block.duration_s)


def _check_times(path: Path, event: Event, duration_s: float | None) -> None:
    assert event.line is not None
    times = f"{event.onset_s} to {event.stop_s} s"
    if event.onset_s >= event.stop_s:
        what = "The seizure does not stop after it starts"
        fault(path, event.line, what, got=times, expected="start < end", code="annotation-times")
    if duration_s is not None and event.stop_s > duration_s + TOLERANCE_S:
        what = "The seizure lies beyond the end of the recording"
        expected = f"at most {duration_s} s, by the clock times of its block"
        fault(path, event.line, what, got=times, expected=expected, code="annotation-times")
