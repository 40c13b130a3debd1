"""Siena's `Seizures-list-PNxx.txt`: a text written by hand about all seizures of a patient, in clock times.

A seizure has a heading, `Seizure n 1`, and below it `File name`, `Registration start time`, `Registration end time`,
`Seizure start time` and `Seizure end time`. Before the first heading there is free text about channels. A time is
counted from the start of the registration to the next moment at which the clock shows it, so midnight may lie between.

Irregular, and read by these rules; anything else stops with its line:

| in the list | read as |
|---|---|
| `19.58.36`, `21:51:02`, `16:13.23` | `.` and `:` are equal |
| `1 6.49.25` | `16.49.25`: a blank between the digits of the hour is none |
| `PNO6-1.edf` | `PN06-1.edf`: the letter O in the number of a patient is a zero |
| `PN01.edf`, `PN11-.edf` | `PN01-1.edf`, `PN11-1.edf`, the only recordings of these patients |
| `Start time`, `End time` | the seizure's |
| file and registration above the first heading | those of every seizure that names no file |
| a second seizure of a file without registration | that of the first one; a different one is refused |
| `15.43.53 (CLINICAL ONSET); 15.43.59 (ELECTRIC ONSET)` | the earlier onset |
| `11.41.04 opure 11.40.43` (or) | the later end |

Not mended, because the file cannot tell what is right: an end beyond the registration (PN00's third seizure, whose hour
is one too many) and a seizure of over half an hour. They cost the recording, not the patient. The list's registration
often ends some 20 s before the EDF, so that lengths are compared loosely; starts are compared to the second.

Invariant: a line that is not understood stops with that line. Sources: Siena Scalp EEG Database 1.0.0; PN00's list is
in the tests' data, the irregularities of the others are as public readers of the corpus describe them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ictal.recordings.annotations.lists import DAY_S, clock_s, elapsed_s, part_of
from ictal.recordings.annotations.text import fault, read_lines
from ictal.recordings.events import Annotation, Event

LABEL = "seiz"
PREFIX = "Seizures-list-"
LENGTH_TOLERANCE_S = 30.0
LONGEST_SEIZURE_S = 1800

_PATIENT = re.compile(r"(PN\d\d)-.*", re.ASCII)
_HEADING = re.compile(r"seizure n\s*(\d{1,3})\s*(\([^()]*\))?\s*:?", re.ASCII | re.IGNORECASE)
_KEYED = re.compile(r"([a-z ]+?)\s*:\s*(.*)", re.ASCII | re.IGNORECASE)
_OF_A_SEIZURE = re.compile(r"time|seizure|file name|registration", re.IGNORECASE)
_SPLIT_HOUR = re.compile(r"(\d) (\d)(?=[.:])", re.ASCII)
_REMARK = re.compile(r"\s*\((?:clinical|electric) onset\)", re.IGNORECASE)
_OR = re.compile(r"\s*;\s*|\s+opp?ure\s+", re.IGNORECASE)
_ZERO = re.compile(r"PNO(?=\d)")
_NAMES = {"PN01.edf": "PN01-1.edf", "PN11-.edf": "PN11-1.edf"}
_KEYS = {
    "file name": "file",
    "registration start time": "registration start",
    "registration end time": "registration end",
    "seizure start time": "start",
    "seizure end time": "end",
    "start time": "start",
    "end time": "end",
}


@dataclass(frozen=True, kw_only=True)
class _Value:
    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class _Section:
    """What stands below a heading, or above the first one."""

    line: int
    values: dict[str, _Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Seizure:
    """Clock times; each may be stated twice."""

    line: int
    end_line: int
    starts_s: tuple[int, ...]
    ends_s: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Registration:
    """One EDF by the list; times are not yet compared."""

    start_s: int
    stop_s: int
    seizures: list[_Seizure] = field(default_factory=list, compare=False)


def list_of(edf_path: Path) -> Path | None:
    """Where the list that names a recording would be; None for a name that is not Siena's."""
    match = _PATIENT.fullmatch(edf_path.stem)
    return None if match is None else edf_path.with_name(f"{PREFIX}{match[1]}.txt")


def names(path: Path) -> frozenset[str]:
    """The EDFs that a list names; faults as in `read`, except that no times are compared."""
    return frozenset(_registrations(path))


def read(path: Path) -> dict[str, Annotation]:
    """Read a whole list, strictly: the annotation of each EDF by its name.

    Raises:
        InputError: at the first line that does not follow the format (codes `annotation-unreadable`,
            `annotation-row`, `annotation-empty`), or at a time that cannot be right (`annotation-times`).
    """
    return {name: _annotation(path, registration) for name, registration in _registrations(path).items()}


def read_recording(path: Path, edf_name: str) -> Annotation:
    """Read what a list says about one EDF; whether the times of the others can be right is left alone.

    Raises:
        InputError: as `read` does, and if the list does not name the EDF (code `annotation-missing`).
    """
    return _annotation(path, part_of(path, edf_name, _registrations(path)))


def _registrations(path: Path) -> dict[str, _Registration]:
    above, *sections = _sections(path)
    if not sections:
        what = "The list has no seizure"
        fault(path, 1, what, got="none", expected="a heading such as Seizure n 1", code="annotation-empty")
    found = _registered_above(path, above)
    for section in sections:
        name = _name(path, section, above)
        found[name] = _same_registration(path, section, found.get(name))
        found[name].seizures.append(_seizure(path, section))
    return {name: registration for name, registration in found.items() if registration.seizures}


def _registered_above(path: Path, above: _Section) -> dict[str, _Registration]:
    """The file and registration above the first heading, where they are stated; a seizure's times cannot be."""
    for key in ("start", "end"):
        if key in above.values:
            line, expected = above.values[key].line, "Seizure n <number> before"
            fault(path, line, "The time belongs to no seizure", got=key, expected=expected, code="annotation-row")
    if above.values.keys() <= {"file"}:
        return {}
    return {_name(path, above, above): _registration(path, above)}


def _sections(path: Path) -> list[_Section]:
    sections = [_Section(line=1)]
    for line, raw in enumerate(read_lines(path), 1):
        text = raw.strip()
        heading = _HEADING.fullmatch(text)
        if heading is not None:
            _check_number(path, line, int(heading[1]), len(sections))
            sections.append(_Section(line=line))
        elif text:
            _add(path, sections[-1], _Value(line=line, text=text), free=len(sections) == 1)
    return sections


def _check_number(path: Path, line: int, got: int, expected: int) -> None:
    if got != expected:
        what = "The seizures are not numbered in order"
        fault(path, line, what, got=got, expected=f"seizure {expected}", code="annotation-row")


def _add(path: Path, section: _Section, line: _Value, *, free: bool) -> None:
    """Keep a line's value under its key; text without key is allowed above the first heading only."""
    match = _KEYED.fullmatch(line.text)
    key = None if match is None else _KEYS.get(" ".join(match[1].lower().split()))
    if match is None or key is None:
        if not free or _OF_A_SEIZURE.search(line.text):
            expected = f"Seizure n <number>, or one of {', '.join(_KEYS)}"
            what = "The line is not readable"
            fault(path, line.line, what, got=repr(line.text), expected=expected, code="annotation-row")
    elif key in section.values:
        what = f"The seizure's {key} is stated a second time"
        got, expected = repr(line.text), f"line {section.values[key].line} only"
        fault(path, line.line, what, got=got, expected=expected, code="annotation-row")
    else:
        section.values[key] = _Value(line=line.line, text=match[2])


def _name(path: Path, section: _Section, above: _Section) -> str:
    stated = _value(path, section if "file" in section.values or section is above else above, "file", section.line)
    name = _ZERO.sub("PN0", _NAMES.get(stated.text, stated.text))
    if not name.endswith(".edf"):
        what = "The file name is no EDF's"
        fault(path, stated.line, what, got=repr(name), expected="for example PN00-1.edf", code="annotation-row")
    return name


def _value(path: Path, section: _Section, key: str, line: int) -> _Value:
    if key not in section.values:
        what = f"The {key} is not stated"
        fault(path, line, what, got="none", expected=f"a line about the {key} below", code="annotation-row")
    return section.values[key]


def _same_registration(path: Path, section: _Section, before: _Registration | None) -> _Registration:
    """The registration of a seizure's file: stated with its first seizure, and never otherwise later."""
    silent = not section.values.keys() & {"registration start", "registration end"}
    if before is not None and silent:
        return before
    stated = _registration(path, section)
    if before is not None and stated != before:
        line = section.values["registration start"].line
        what = "The registration of the file is stated a second time, differently"
        got, expected = _shown(stated), _shown(before)
        fault(path, line, what, got=got, expected=expected, code="annotation-times")
    return before or stated


def _registration(path: Path, section: _Section) -> _Registration:
    start, stop = (_value(path, section, f"registration {end}", section.line) for end in ("start", "end"))
    return _Registration(start_s=_clock(path, start, start.text), stop_s=_clock(path, stop, stop.text))


def _seizure(path: Path, section: _Section) -> _Seizure:
    start, end = (_value(path, section, key, section.line) for key in ("start", "end"))
    return _Seizure(
        line=start.line,
        end_line=end.line,
        starts_s=tuple(_clocks(path, start)),
        ends_s=tuple(_clocks(path, end)),
    )


def _clocks(path: Path, value: _Value) -> Iterator[int]:
    """One clock time, or two that are joined by `;` or `oppure`, each with or without a remark."""
    times = _OR.split(value.text)
    if len(times) > 2:
        what = "The time is stated more than twice"
        fault(path, value.line, what, got=repr(value.text), expected="one time or two", code="annotation-row")
    for text in times:
        remark = _REMARK.search(text)
        yield _clock(path, value, text[: remark.start()] if remark and remark.end() == len(text) else text)


def _clock(path: Path, value: _Value, text: str) -> int:
    since_midnight_s = clock_s(_SPLIT_HOUR.sub(r"\1\2", text))
    if since_midnight_s is None or since_midnight_s >= DAY_S:
        what = "The clock time is not readable"
        fault(path, value.line, what, got=repr(value.text), expected="for example 19.58.36", code="annotation-row")
    return since_midnight_s


def _annotation(path: Path, registration: _Registration) -> Annotation:
    start_s = registration.start_s
    return Annotation(
        path=path,
        events=tuple(_event(path, seizure, registration) for seizure in registration.seizures),
        duration_s=float(elapsed_s(start_s, registration.stop_s)),
        duration_tolerance_s=LENGTH_TOLERANCE_S,
        start=_time(start_s),
    )


def _event(path: Path, seizure: _Seizure, registration: _Registration) -> Event:
    onset_s = min(elapsed_s(registration.start_s, start_s) for start_s in seizure.starts_s)
    stop_s = max(elapsed_s(registration.start_s, end_s) for end_s in seizure.ends_s)
    event = Event(onset_s=float(onset_s), stop_s=float(stop_s), label=LABEL, line=seizure.line)
    duration_s = elapsed_s(registration.start_s, registration.stop_s)
    times = f"{onset_s} to {stop_s} s after the start of the registration"
    if stop_s > duration_s + LENGTH_TOLERANCE_S:
        what = "The seizure lies beyond the end of the registration"
        fault(path, seizure.end_line, what, got=times, expected=_shown(registration), code="annotation-times")
    if not 0 < stop_s - onset_s <= LONGEST_SEIZURE_S:
        what = "The seizure's length cannot be right"
        expected = f"over 0 s and at most {LONGEST_SEIZURE_S} s"
        fault(path, seizure.end_line, what, got=times, expected=expected, code="annotation-times")
    return event


def _shown(registration: _Registration) -> str:
    duration_s = elapsed_s(registration.start_s, registration.stop_s)
    return f"{_time(registration.start_s)} to {_time(registration.stop_s)}, {duration_s} s"


def _time(since_midnight_s: int) -> dt.time:
    minutes, second = divmod(since_midnight_s, 60)
    return dt.time(minutes // 60, minutes % 60, second)
