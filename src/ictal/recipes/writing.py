"""Detections as files: HED-SCORE TSV, TUSZ's `csv_bi`, an EDF+ of annotations, or JSON, each read again by `ictal`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ictal.errors import InputError
from ictal.recordings.annotations import bids, edfplus, tusz
from ictal.recordings.annotations.text import write_whole
from ictal.recordings.events import Event

Format: TypeAlias = Literal["tsv", "csv_bi", "edf", "json"]
SUFFIXES: Mapping[Format, str] = {"tsv": "_events.tsv", "csv_bi": ".csv_bi", "edf": ".edf", "json": ".json"}

KINDS = ("flat", "clipped", "absent", "interpolated")
"""What can be wrong with a channel while an event lasts."""
_SIGNALS, _FIRST_LABEL = slice(252, 256), slice(256, 272)
"""Bytes of an EDF header that hold the number of signals, and the label of the first."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found in one recording."""

    recording: str
    events: Sequence[Event]
    earliest_s: Sequence[float]
    """When the probability began to rise towards each event's onset."""
    duration_s: float
    start: dt.datetime | None


def format_of(target: Path) -> Format:
    """The format that a file's name asks for.

    Raises:
        InputError: if it asks for none (code `output-format`).
    """
    for form in SUFFIXES:
        if target.suffix == f".{form}":
            return form
    raise InputError(
        "The detections cannot be written under this name",
        where=target,
        got=f"a name that ends in {target.suffix or 'nothing'}",
        expected=", ".join(f".{form}" for form in SUFFIXES),
        remedy="give the file the suffix of a format",
        code="output-format",
    )


def write(target: Path, found: Found, form: Format) -> None:
    """Write detections; the file appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _WRITERS[form](target, found)


def require_writable(target: Path, form: Format) -> None:
    """Refuse to write over a file that does not look like detections, above all a recording.

    Raises:
        InputError: with code `output-exists`.
    """
    if not target.exists() or (target.is_file() and _LOOKS[form](target)):
        return
    raise InputError(
        "The detections would replace something else",
        where=target,
        got="a folder" if target.is_dir() else f"a file that is no detections as {form}",
        expected="a new file, or older detections of this format",
        remedy="name another file",
        code="output-exists",
    )


def require_folder(target: Path) -> None:
    """Refuse to write many files where there is a file.

    Raises:
        InputError: with code `output-exists`.
    """
    if target.exists() and not target.is_dir():
        raise InputError(
            "The detections of more than one recording go to a folder",
            where=target,
            got="a file",
            expected="a folder, named last, which may be new",
            remedy="name one",
            code="output-exists",
        )


def _tsv(target: Path, found: Found) -> None:
    bids.write(target, events=found.events, duration_s=found.duration_s, start=found.start)


def _csv_bi(target: Path, found: Found) -> None:
    tusz.write_bi(target, bname=target.stem, duration_s=found.duration_s, events=found.events)


def _edf(target: Path, found: Found) -> None:
    edfplus.write(target, events=found.events, duration_s=found.duration_s, start=found.start)


def _json(target: Path, found: Found) -> None:
    document = {
        "recording": found.recording,
        "start": None if found.start is None else found.start.isoformat(),
        "duration_s": found.duration_s,
        "events": [
            {
                "onset_s": event.onset_s,
                "onset_earliest_s": earliest_s,
                "stop_s": event.stop_s,
                "label": event.label,
                "confidence": event.confidence,
                "artefacts": _by_kind(event.artefacts),
            }
            for event, earliest_s in zip(found.events, found.earliest_s, strict=True)
        ],
    }
    write_whole(target, json.dumps(document, indent=1).splitlines())


def _by_kind(artefacts: Sequence[str] | None) -> dict[str, list[str]] | None:
    """The channels of each kind of artefact; None where nobody looked."""
    if artefacts is None:
        return None
    channels: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for one in artefacts:
        kind, _, channel = one.partition(" ")
        channels[kind].append(channel)
    return channels


def _begins(target: Path, with_bytes: bytes) -> bool:
    with target.open("rb") as file:
        return file.read(len(with_bytes)) == with_bytes


def _annotations_alone(target: Path) -> bool:
    """Whether an EDF+ holds annotations and nothing else."""
    with target.open("rb") as file:
        header = file.read(272)
    return header[_SIGNALS].strip() == b"1" and header[_FIRST_LABEL].strip() == b"EDF Annotations"


_WRITERS: Mapping[Format, Callable[[Path, Found], None]] = {"tsv": _tsv, "csv_bi": _csv_bi, "edf": _edf, "json": _json}
_LOOKS: Mapping[Format, Callable[[Path], bool]] = {
    "tsv": lambda target: _begins(target, b"onset\t"),
    "csv_bi": lambda target: _begins(target, b"# version = csv_v1.0.0\n"),
    "edf": _annotations_alone,
    "json": lambda target: _begins(target, b'{\n "recording"'),
}
