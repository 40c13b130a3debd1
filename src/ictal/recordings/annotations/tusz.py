"""TUSZ annotations, `csv_v1.0.0`: `.csv` (a row per montage channel and event) and `.csv_bi` (whole recording, `TERM`).

Invariant: a file either follows the format to its last line or stops with that line. Times are seconds from the start
of the recording with four decimals. Source: TUH EEG Seizure Corpus 2.0.x, DOCS.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ictal.recordings.annotations.text import fault, number, read_lines, seconds, write_whole
from ictal.recordings.events import Annotation, Event, gaps, merged
from ictal.recordings.labels import BACKGROUND, Kind, kind_of

WHOLE_RECORDING = "TERM"
TOLERANCE_S = 1.0

_COLUMNS = "channel,start_time,stop_time,label,confidence"
_HEADER = (
    ("# version = csv_v1.0.0", re.compile(r"# version = csv_v1\.0\.0")),
    ("# bname = <name of the recording>", re.compile(r"# bname = (?P<bname>\S(?:.*\S)?)")),
    ("# duration = <seconds> secs", re.compile(r"# duration = (?P<duration>\S+) secs")),
    ("# montage_file = <name>", re.compile(r"# montage_file = .+")),
    ("#", re.compile(r"#\s*")),
    (_COLUMNS, re.compile(_COLUMNS)),
)


def read(path: Path) -> Annotation:
    """Read a `.csv` or `.csv_bi` file, strictly.

    Raises:
        InputError: at the first line that does not follow the format (codes `annotation-unreadable`,
            `annotation-header`, `annotation-name`, `annotation-row`, `annotation-times`, `annotation-empty`).
    """
    lines = read_lines(path)
    duration_s = _read_header(path, lines)
    first = len(_HEADER) + 1
    events = tuple(_read_row(path, number, line, duration_s) for number, line in enumerate(lines[first - 1 :], first))
    if not events:
        fault(path, first, "There are no rows", got="end of file", expected="at least one row", code="annotation-empty")
    return Annotation(path=path, events=events, duration_s=duration_s)


def write_bi(path: Path, *, bname: str, duration_s: float, events: Iterable[Event]) -> None:
    """Write a `.csv_bi` file: the union of the seizures as `seiz`, and `bckg` in between, tiling the recording.

    Args:
        path: Where to; appears whole or not at all.
        bname: Stem of the recording's file.
        duration_s: Length of the recording.
        events: On whatever channels; events that are no seizure are left to the gaps. A union's confidence is the
            highest of its events', 1 where none states any.
    """
    seizures = [event for event in events if _is_seizure(event, str(path))]
    times = [_ictal(event, duration_s, str(path)) for event in seizures]
    sure = [
        (time, event.confidence) for time, event in zip(times, seizures, strict=True) if event.confidence is not None
    ]
    ictal = [
        (onset_s, stop_s, "seiz", max((c for time, c in sure if onset_s <= time[0] and time[1] <= stop_s), default=1.0))
        for onset_s, stop_s in merged(times)
    ]
    write_whole(path, [*_header(bname, duration_s, "n/a"), *_tiled(WHOLE_RECORDING, ictal, duration_s)])


def write_channels(
    path: Path,
    *,
    bname: str,
    duration_s: float,
    montage_file: str,
    events: Iterable[Event],
    channels: Sequence[str],
) -> None:
    """Write a `.csv` file: for each channel its seizures with their type, and `bckg` in between.

    Args:
        path: Where to; appears whole or not at all.
        bname: Stem of the recording's file.
        duration_s: Length of the recording.
        montage_file: Name to state in the header.
        events: An event without a channel is written on every channel. Those of one channel must not overlap.
        channels: The montage's channels, in the order of the file.
    """
    ictal = [event for event in events if _is_seizure(event, str(path))]
    strange = {channel for event in ictal for channel in event.channels} - set(channels)
    assert not strange, f"events on channels that the montage lacks: {strange}"
    rows = [row for channel in channels for row in _channel_rows(channel, ictal, duration_s, str(path))]
    write_whole(path, [*_header(bname, duration_s, montage_file), *rows])


def _read_header(path: Path, lines: list[str]) -> float:
    found: dict[str, str] = {}
    for line, (expected, pattern) in enumerate(_HEADER, 1):
        got = lines[line - 1] if line <= len(lines) else "end of file"
        match = pattern.fullmatch(got)
        if match is None:
            fault(path, line, "The header differs", got=repr(got), expected=repr(expected), code="annotation-header")
        found |= match.groupdict()
    if found["bname"] != path.stem:
        what = "The annotation is of another recording"
        fault(path, 2, what, got=f"bname {found['bname']!r}", expected=repr(path.stem), code="annotation-name")
    duration_s = number(found["duration"])
    if duration_s is None or duration_s <= 0:
        what = "The duration is no positive number of seconds"
        fault(path, 3, what, got=repr(found["duration"]), expected="for example 301.00", code="annotation-header")
    return duration_s


def _read_row(path: Path, line: int, row: str, duration_s: float) -> Event:
    fields = row.split(",")
    if len(fields) != 5 or not all(fields):
        fault(path, line, "The row is not readable", got=repr(row), expected=_COLUMNS, code="annotation-row")
    channel, onset, stop, label, confidence = fields
    _check_channel(path, line, channel)
    event = Event(
        onset_s=seconds(onset, path=path, line=line, field="start_time"),
        stop_s=seconds(stop, path=path, line=line, field="stop_time"),
        label=label,
        channels=() if channel == WHOLE_RECORDING else (channel,),
        confidence=seconds(confidence, path=path, line=line, field="confidence"),
        line=line,
    )
    _check_times(path, event, duration_s)
    return event


def _check_channel(path: Path, line: int, channel: str) -> None:
    if path.suffix == ".csv_bi" and channel != WHOLE_RECORDING:
        what = "A .csv_bi row is about the whole recording"
        fault(path, line, what, got=repr(channel), expected=repr(WHOLE_RECORDING), code="annotation-row")


def _check_times(path: Path, event: Event, duration_s: float) -> None:
    assert event.line is not None
    times = f"{event.onset_s} to {event.stop_s} s"
    if event.onset_s > event.stop_s:
        what = "The event stops before it starts"
        fault(path, event.line, what, got=times, expected="start_time <= stop_time", code="annotation-times")
    if event.stop_s > duration_s + TOLERANCE_S:
        what = "The event lies beyond the end of the recording"
        expected = f"at most {duration_s} s, the duration in line 3, in seconds"
        fault(path, event.line, what, got=times, expected=expected, code="annotation-times")


def _header(bname: str, duration_s: float, montage_file: str) -> list[str]:
    return [
        "# version = csv_v1.0.0",
        f"# bname = {bname}",
        f"# duration = {duration_s:.4f} secs",
        f"# montage_file = {montage_file}",
        "#",
        _COLUMNS,
    ]


def _is_seizure(event: Event, where: str) -> bool:
    return kind_of(event.label, where=where) is Kind.SEIZURE


def _ictal(event: Event, duration_s: float, where: str) -> tuple[float, float]:
    """The event's times as they are written, so that gaps and events tile the file's own decimals."""
    onset_s, stop_s = round(event.onset_s, 4), round(event.stop_s, 4)
    assert 0 <= onset_s <= stop_s <= round(duration_s, 4), f"{event} outside 0 to {duration_s} s in {where}"
    return onset_s, stop_s


def _channel_rows(channel: str, ictal: list[Event], duration_s: float, where: str) -> list[str]:
    own = (event for event in ictal if not event.channels or channel in event.channels)
    labelled = sorted((*_ictal(event, duration_s, where), event.label, 1.0) for event in own)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(labelled)), f"overlapping events on {channel}"
    return _tiled(channel, labelled, duration_s)


def _tiled(channel: str, ictal: list[tuple[float, float, str, float]], duration_s: float) -> list[str]:
    between = gaps(((onset_s, stop_s) for onset_s, stop_s, *_ in ictal), round(duration_s, 4))
    rows = sorted([*ictal, *((onset_s, stop_s, BACKGROUND, 1.0) for onset_s, stop_s in between)])
    return [f"{channel},{onset_s:.4f},{stop_s:.4f},{label},{sure:.4f}" for onset_s, stop_s, label, sure in rows]
