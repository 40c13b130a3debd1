"""BIDS / HED-SCORE events as SzCORE exchanges them: `_events.tsv`, one row per event, tab-separated.

Invariant: what cannot be read stops with file and line. Required columns are onset, duration and eventType, in any
order; further ones (SeizeIT2 has lateralization, ...) are left alone, but for our own: `artefacts`, what was wrong with
channels while an event lasted (`flat F7,clipped O1`, `none`, or `n/a` where nobody looked), which stands only where
somebody looked. Sources: BIDS 1.9, HED-SCORE, the SzCORE container contract.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ictal.recordings.annotations.text import fault, number, read_lines, seconds, write_whole
from ictal.recordings.events import Annotation, Event
from ictal.recordings.labels import BACKGROUND

TOLERANCE_S = 1.0

_COLUMNS = ("onset", "duration", "eventType", "confidence", "channels", "dateTime", "recordingDuration")
_REQUIRED = frozenset({"onset", "duration", "eventType"})
_NONE = "n/a"
_ARTEFACTS, _FLAWLESS = "artefacts", "none"
NOTHING_FURTHER: Mapping[str, Sequence[str]] = MappingProxyType({})
_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "eventType": "HED-SCORE seizure type (sz...), or bckg",
        "confidence": "Confidence of the annotation, 0 to 1",
        "channels": "Channels that the event was seen in; n/a: the whole recording",
        "dateTime": "Start of the recording by the recorder's clock",
        "recordingDuration": "Length of the recording, in seconds",
    }
)
"""Of the columns that BIDS itself does not define."""


def read(path: Path) -> Annotation:
    """Read an `_events.tsv` file, strictly.

    Raises:
        InputError: at the first line that does not follow the format (codes `annotation-unreadable`,
            `annotation-header`, `annotation-row`, `annotation-times`, `annotation-empty`).
    """
    lines = read_lines(path)
    columns = _read_columns(path, lines)
    rows = [_read_row(path, line, text, columns) for line, text in enumerate(lines[1:], 2)]
    if not rows:
        expected = "at least one row; a recording without seizure has a bckg row"
        fault(path, 2, "There are no rows", got="end of file", expected=expected, code="annotation-empty")
    duration_s = _common_duration(path, rows)
    events = tuple(_read_event(path, line, row) for line, row in enumerate(rows, 2))
    for event in events:
        _check_stop(path, event, duration_s)
    return Annotation(path=path, events=events, duration_s=duration_s)


def write(
    path: Path,
    *,
    events: Iterable[Event],
    duration_s: float,
    start: dt.datetime | None,
    decimals: int = 4,
    further: Mapping[str, Sequence[str]] = NOTHING_FURTHER,
) -> None:
    """Write an `_events.tsv` file; without an event, one `bckg` row over the whole recording, as SzCORE does.

    Args:
        path: Where to; appears whole or not at all.
        events: In any order; labels are HED-SCORE's.
        duration_s: Length of the recording.
        start: When the recording started, stated in every row; None is written as `n/a`.
        decimals: Of every time.
        further: Columns to add, each with a text for every event; nothing is written as `n/a`.
    """
    listed = list(events)
    if any(event.artefacts is not None for event in listed):
        further = {**further, _ARTEFACTS: [_flaws(event) for event in listed]}
    texts = [tuple(column[number] or _NONE for column in further.values()) for number in range(len(listed))]
    ordered = sorted(zip(listed, texts, strict=True), key=lambda row: (row[0].onset_s, row[0].stop_s))
    silence = (Event(onset_s=0.0, stop_s=duration_s, label=BACKGROUND), (_NONE,) * len(further))
    started = _NONE if start is None else f"{start:%Y-%m-%d %H:%M:%S}"
    recording = [started, f"{duration_s:.{decimals}f}"]
    rows = ["\t".join([*_fields(event, decimals), *recording, *texts]) for event, texts in ordered or [silence]]
    write_whole(path, ["\t".join([*_COLUMNS, *further]), *rows])


def write_meanings(path: Path, further: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write the JSON that says what the columns of events mean, as BIDS asks for.

    Args:
        path: Where to: beside an `_events.tsv` under its name with `.json`, or further up for all below. Appears whole
            or not at all.
        further: Columns that are added, each with what it means.
    """
    document = {name: {"Description": text} for name, text in {**_MEANINGS, **further}.items()}
    write_whole(path, json.dumps(document, indent=2, ensure_ascii=False).splitlines())


def _read_columns(path: Path, lines: list[str]) -> list[str]:
    columns = lines[0].split("\t") if lines else []
    missing = sorted(_REQUIRED - set(columns))
    if missing or len(set(columns)) < len(columns):
        got = repr(lines[0]) if lines else "end of file"
        expected = f"distinct tab-separated columns with {', '.join(sorted(_REQUIRED))}"
        fault(path, 1, "The header differs", got=got, expected=expected, code="annotation-header")
    return columns


def _read_row(path: Path, line: int, text: str, columns: list[str]) -> dict[str, str]:
    fields = text.split("\t")
    if len(fields) != len(columns) or not all(fields):
        expected = f"{len(columns)} tab-separated fields, {_NONE} where nothing is known"
        fault(path, line, "The row is not readable", got=repr(text), expected=expected, code="annotation-row")
    return dict(zip(columns, fields, strict=True))


def _common_duration(path: Path, rows: list[dict[str, str]]) -> float | None:
    stated = [row.get("recordingDuration", _NONE) for row in rows]
    if len(set(stated)) > 1:
        what = "The rows state different recording durations"
        fault(path, 2, what, got=", ".join(sorted(set(stated))), expected="one", code="annotation-row")
    if stated[0] == _NONE:
        return None
    duration_s = number(stated[0])
    if duration_s is None or duration_s <= 0:
        what = "recordingDuration is no positive number of seconds"
        fault(path, 2, what, got=repr(stated[0]), expected=f"seconds or {_NONE}", code="annotation-row")
    return duration_s


def _read_event(path: Path, line: int, row: dict[str, str]) -> Event:
    onset_s = seconds(row["onset"], path=path, line=line, field="onset")
    length_s = seconds(row["duration"], path=path, line=line, field="duration")
    channels = row.get("channels", _NONE)
    return Event(
        onset_s=onset_s,
        stop_s=round(onset_s + length_s, 9),  # a sum of two decimals is that decimal again
        label=row["eventType"],
        channels=() if channels in {_NONE, "all"} else tuple(channels.split(",")),
        confidence=_confidence(path, line, row.get("confidence", _NONE)),
        artefacts=_artefacts(row.get(_ARTEFACTS, _NONE)),
        line=line,
    )


def _flaws(event: Event) -> str:
    """What was wrong with channels, as it is written; nothing where nobody looked."""
    return "" if event.artefacts is None else ",".join(event.artefacts) or _FLAWLESS


def _artefacts(text: str) -> tuple[str, ...] | None:
    if text == _NONE:
        return None
    return () if text == _FLAWLESS else tuple(text.split(","))


def _confidence(path: Path, line: int, text: str) -> float | None:
    if text == _NONE:
        return None
    confidence = number(text)
    if confidence is None:
        what = "confidence is no number"
        fault(path, line, what, got=repr(text), expected=f"a number or {_NONE}", code="annotation-row")
    return confidence


def _check_stop(path: Path, event: Event, duration_s: float | None) -> None:
    assert event.line is not None
    if duration_s is not None and event.stop_s > duration_s + TOLERANCE_S:
        what = "The event lies beyond the end of the recording"
        got = f"{event.onset_s} to {event.stop_s} s"
        expected = f"at most {duration_s} s; some writers give milliseconds or samples where seconds belong"
        fault(path, event.line, what, got=got, expected=expected, code="annotation-times")


def _fields(event: Event, decimals: int) -> list[str]:
    onset_s, stop_s = round(event.onset_s, decimals), round(event.stop_s, decimals)
    confidence = _NONE if event.confidence is None else f"{event.confidence:.4f}"
    times = [f"{onset_s:.{decimals}f}", f"{stop_s - onset_s:.{decimals}f}"]
    return [*times, event.label, confidence, ",".join(event.channels) or _NONE]
