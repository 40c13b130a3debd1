"""What an annotation file says: labelled stretches of time, in seconds from the start of the recording.

Events are half-open `[onset_s, stop_s)` and keep the line they came from, so that every complaint can name it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ictal.errors import InputError
from ictal.recordings.labels import NO_MAPPING, UNTYPED, Kind, kind_of

MAJORITY = "majority"


@dataclass(frozen=True, order=True, kw_only=True)
class Event:
    """One labelled stretch of time.

    Args:
        onset_s: Its first instant.
        stop_s: The instant after its last.
        label: The label as the file writes it.
        channels: Channels or montage pairs that it is about; none means the whole recording.
        confidence: The annotator's confidence; None where the file states none.
        rater: Who says so; None where the file has one voice.
        artefacts: What was wrong with which channel while it lasted, as `flat F7`; None where nobody looked.
        line: Line of the file, counted from 1; no part of what the event *is*, so never compared.
    """

    onset_s: float
    stop_s: float
    label: str
    channels: tuple[str, ...] = ()
    confidence: float | None = None
    rater: str | None = None
    artefacts: tuple[str, ...] | None = None
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
        raters: Everyone who read the recording, whether they found anything or not; empty where there is one voice.
    """

    path: Path
    events: tuple[Event, ...]
    duration_s: float | None
    duration_tolerance_s: float = 1.0
    start: dt.time | None = None
    raters: tuple[str, ...] = ()

    def where(self, event: Event) -> str:
        """File and line of an event."""
        return f"{self.path}:{event.line}" if event.line is not None else str(self.path)


def seizures(
    annotation: Annotation, mapping: Mapping[str, str] = NO_MAPPING, consensus: str = MAJORITY
) -> tuple[tuple[float, float], ...]:
    """Seizures of the recording as `(onset_s, stop_s)`: union over channels, sorted, touching ones merged.

    Args:
        annotation: What was annotated.
        mapping: See `labels.kind_of`.
        consensus: Where several raters read the recording, what counts: `majority` (more than half of them say so),
            `unanimous`, `any`, or the name of one of them.

    Raises:
        InputError: if any label is unknown or a seizure has no length, naming file and line, or if nobody has the
            rater's name (code `rater-unknown`).
    """
    ictal = [event for event in annotation.events if _is_seizure(annotation, event, mapping)]
    if not annotation.raters:
        return merged((event.onset_s, event.stop_s) for event in ictal)
    voices = {
        rater: merged((event.onset_s, event.stop_s) for event in ictal if event.rater == rater)
        for rater in annotation.raters
    }
    if consensus in voices:
        return voices[consensus]
    needed = {MAJORITY: len(voices) // 2 + 1, "unanimous": len(voices), "any": 1}
    if consensus not in needed:
        raise InputError(
            "Nobody of this name has read the recording",
            where=annotation.path,
            got=repr(consensus),
            expected=", ".join([*needed, *voices]),
            remedy="choose one of these as corpus.consensus",
            code="rater-unknown",
        )
    return agreed(voices.values(), needed[consensus])


def _is_seizure(annotation: Annotation, event: Event, mapping: Mapping[str, str]) -> bool:
    where = annotation.where(event)
    if kind_of(event.label, where=where, mapping=mapping) is not Kind.SEIZURE:
        return False
    if event.onset_s < event.stop_s:
        return True
    raise InputError(
        "A seizure has no length",
        where=where,
        got=f"{event.label} from {event.onset_s} s to {event.stop_s} s",
        expected="a stop after its onset: a seizure of no length would be lost",
        remedy="correct the annotation or take the recording out of the corpus",
        code="annotation-times",
    )


def agreed(voices: Iterable[tuple[tuple[float, float], ...]], needed: int) -> tuple[tuple[float, float], ...]:
    """Where at least so many of several sets of disjoint intervals agree: sorted, disjoint, not touching."""
    changes = sorted(
        (edge, step) for voice in voices for pair in voice for edge, step in zip(pair, (1, -1), strict=True)
    )
    found = []
    count, since = 0, 0.0
    for edge, step in changes:
        if step == 1 and count == needed - 1:
            since = edge
        if step == -1 and count == needed:
            found.append((since, edge))
        count += step
    return merged(found)


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
