"""What an annotation file says: labelled stretches of time, in seconds from the start of the recording.

Events are half-open `[onset_s, stop_s)` and keep the line they came from, so that every complaint can name it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ictal.recordings.labels import NO_MAPPING, UNTYPED, Kind, kind_of


@dataclass(frozen=True, order=True, kw_only=True)
class Event:
    """One labelled stretch of time.

    Args:
        onset_s: Its first instant.
        stop_s: The instant after its last.
        label: The label as the file writes it.
        channel: The channel or montage pair it is about; None means the whole recording.
        confidence: The annotator's confidence; None where the file states none.
        line: Line of the file, counted from 1; no part of what the event *is*, so never compared.
    """

    onset_s: float
    stop_s: float
    label: str
    channel: str | None = None
    confidence: float | None = None
    line: int | None = field(default=None, compare=False)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.stop_s - self.onset_s


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """All events of one annotation file.

    Args:
        path: The file.
        events: In the order of the file.
        duration_s: Length of the recording as the file itself states it; None where it states none.
        duration_tolerance_s: By how much the recording may be longer or shorter than stated.
        start: Clock time at which the recording starts, where the file counts from it; None where it does not.
    """

    path: Path
    events: tuple[Event, ...]
    duration_s: float | None
    duration_tolerance_s: float = 1.0
    start: dt.time | None = None

    def where(self, event: Event) -> str:
        """File and line of an event."""
        return f"{self.path}:{event.line}" if event.line is not None else str(self.path)


def seizures(annotation: Annotation, mapping: Mapping[str, str] = NO_MAPPING) -> tuple[tuple[float, float], ...]:
    """Seizures of the recording as `(onset_s, stop_s)`: union over channels, sorted, touching ones merged.

    Raises:
        InputError: if any label is unknown, naming its file and line.
    """
    ictal = (
        (event.onset_s, event.stop_s)
        for event in annotation.events
        if kind_of(event.label, where=annotation.where(event), mapping=mapping) is Kind.SEIZURE
    )
    return merged(ictal)


def seizure_types(
    annotations: Iterable[Annotation],
    seizures_s: Iterable[tuple[float, float]],
    mapping: Mapping[str, str] = NO_MAPPING,
) -> tuple[str, ...]:
    """Type of each seizure: the label that covers most of it, over all channels and files.

    `seiz` says nothing of the type: it is taken only where there is no other label.

    Args:
        annotations: Annotation files of one recording.
        seizures_s: Its seizures.
        mapping: See `labels.kind_of`.

    Raises:
        InputError: if any label is unknown, naming its file and line.
    """
    ictal = [
        (event.onset_s, event.stop_s, mapping.get(event.label, event.label))
        for annotation in annotations
        for event in annotation.events
        if kind_of(event.label, where=annotation.where(event), mapping=mapping) is Kind.SEIZURE
    ]
    return tuple(_type(onset_s, stop_s, ictal) for onset_s, stop_s in seizures_s)


def _type(onset_s: float, stop_s: float, ictal: Iterable[tuple[float, float, str]]) -> str:
    common_s: dict[str, float] = {}
    for first_s, last_s, label in ictal:
        length_s = min(last_s, stop_s) - max(first_s, onset_s)
        if length_s > 0:
            common_s[label] = common_s.get(label, 0.0) + length_s
    return min(common_s, key=lambda label: (label == UNTYPED, -common_s[label], label), default="")


def merged(intervals_s: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Union of half-open intervals in seconds: sorted, disjoint, not touching, none empty."""
    union: list[tuple[float, float]] = []
    for onset_s, stop_s in sorted(pair for pair in intervals_s if pair[0] < pair[1]):
        if union and onset_s <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], stop_s))
        else:
            union.append((onset_s, stop_s))
    return tuple(union)


def gaps(intervals_s: Iterable[tuple[float, float]], duration_s: float) -> tuple[tuple[float, float], ...]:
    """What the intervals leave free of `[0, duration_s)`."""
    covered = merged(intervals_s)
    onsets = (0.0, *(stop_s for _, stop_s in covered))
    stops = (*(onset_s for onset_s, _ in covered), duration_s)
    return merged(zip(onsets, stops, strict=True))
