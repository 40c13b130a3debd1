"""Marks as labels: the annotation of a recording as its reviewers leave it, in HED-SCORE's TSV.

| event | without a mark | marked a seizure | marked background |
|---|---|---|---|
| of the reference | a seizure | a seizure, with the edges of the mark | `bckg` |
| a detection | left out: nobody has confirmed it | a seizure | `bckg` |
| added by a reviewer | – | a seizure | `bckg` |

Further columns say whose event it was, who marked it when, and the comment. Readers of HED-SCORE leave them alone; what
they mean stands in a JSON file beside the TSV, as BIDS asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ictal.recordings.annotations import bids
from ictal.recordings.events import Event
from ictal.recordings.labels import BACKGROUND
from ictal.review.listing import Listed
from ictal.review.marks import RECORDING, Mark

FURTHER: Mapping[str, str] = MappingProxyType(
    {
        "origin": "Who stated the event first: the reference, a detection, or a reviewer",
        "author": "Who marked it; n/a: nobody",
        "time": "When it was marked, in UTC",
        "comment": "What the author said about it",
    }
)
"""Columns of `Row` that HED-SCORE has not, with what they mean."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the annotation, with what the further columns hold; nothing where nobody marked it."""

    event: Event
    origin: str
    author: str = ""
    time: str = ""
    comment: str = ""


def is_complete(recording: Listed, marks: Mapping[str, Mark]) -> bool:
    """Whether the marks make an annotation: a recording that had none is one only once all of it was gone through."""
    gone_through = marks.get(RECORDING)
    return recording.labelled or (gone_through is not None and gone_through.verdict == "background")


def rows(recording: Listed, marks: Mapping[str, Mark]) -> tuple[Row, ...]:
    """The annotation of a recording, sorted by onset.

    A mark stays even if its event is no longer stated, as when a detector with another threshold has been run since.
    """
    unmarked = (e for e in recording.events if e.source == "reference" and e.name not in marks)
    found = [
        Row(event=Event(onset_s=one.onset_s, stop_s=one.stop_s, label=one.label), origin=one.source) for one in unmarked
    ]
    found += [row for mark in marks.values() if (row := _row(mark)) is not None]
    return tuple(sorted(found, key=lambda row: (row.event.onset_s, row.event.stop_s)))


def write(path: Path, recording: Listed, marks: Mapping[str, Mark]) -> None:
    """Write the annotation, and beside it what its columns mean; each file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = rows(recording, marks)
    bids.write_meanings(path.with_suffix(".json"), FURTHER)
    bids.write(
        path,
        events=[row.event for row in written],
        duration_s=recording.header.duration_s,
        start=recording.header.start,
        further={name: [getattr(row, name) for row in written] for name in FURTHER},
    )


def remove(path: Path) -> None:
    """Remove an annotation that its marks do not make any more."""
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)


def _row(mark: Mark) -> Row | None:
    kept = mark.is_decided or (mark.verdict == "undecided" and mark.source == "reference")
    if not kept or mark.event == RECORDING:
        return None
    label = BACKGROUND if mark.verdict == "background" else mark.label
    event = Event(onset_s=mark.onset_s, stop_s=mark.stop_s, label=label)
    return Row(event=event, origin=mark.source, author=mark.author, time=mark.time, comment=mark.comment)
