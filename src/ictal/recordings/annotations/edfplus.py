"""EDF+ annotations: events inside an EDF+ file, or in an EDF+ file of their own that holds nothing else.

An annotation of one channel is written `text@@channel`; an event of several channels is one annotation for each, and is
one event again when it is read, its channels by name. What was wrong with a channel while an event lasted is an
annotation of the same time, `artefact flat@@F7`; that nothing was wrong is not written. Onsets and durations keep
whatever decimals they have; EDF+ has no place for a confidence. Time-keeping annotations, which have no text, are no
events. Reading and writing of the bytes: edfio. Source: EDF+ specification 2.1.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import edfio

from ictal.appearing import appearing
from ictal.errors import InputError
from ictal.recordings.events import Annotation, Event
from ictal.recordings.labels import BACKGROUND, is_known

_ABOUT = "@@"
_ARTEFACT = "artefact "


def read(path: Path) -> Annotation:
    """Read the annotations of an EDF+ file; each text is a label.

    Raises:
        InputError: if the file is no EDF+ (code `annotation-unreadable`), has no annotation with a text
            (`annotation-empty`), or an annotation begins before the recording (`annotation-times`).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # edfio warns of a file that was cut, and reads the rest
            edf = edfio.read_edf(path, lazy_load_data=True)
            found, length_s = edf.annotations, edf.duration if edf.num_signals else None
    except (OSError, ValueError, KeyError, IndexError, ArithmeticError, Warning) as error:
        raise _fault(path, "The EDF+ annotations cannot be read", str(error), "an EDF+ file", "unreadable") from error
    texts = [one for one in found if one.text]
    if not texts:
        raise _fault(path, "There are no annotations", "none", "at least one; background has a bckg one", "empty")
    for one in texts:
        if one.onset < 0:
            raise _fault(path, "An annotation begins before the recording", f"{one.onset} s", "at least 0 s", "times")
    return Annotation(path=path, events=_with_artefacts(_united(map(_event, texts))), duration_s=length_s)


def speaks_of_seizures(path: Path) -> bool:
    """Whether an EDF's own annotations say what is a seizure or background, and so can stand for an annotation file."""
    with path.open("rb") as file:
        if not file.read(256)[192:197].startswith(b"EDF+"):
            return False
    try:
        return any(is_known(event.label) for event in read(path).events)
    except InputError as error:
        if error.code == "annotation-empty":
            return False
        raise


def write(path: Path, *, events: Iterable[Event], duration_s: float, start: dt.datetime | None) -> None:
    """Write an EDF+ file of annotations alone; without an event, one `bckg` over the whole recording.

    Args:
        path: Where to; appears whole or not at all.
        events: In any order.
        duration_s: Length of the recording.
        start: When the recording started; None leaves the date unknown.
    """
    ordered = sorted(events, key=lambda event: (event.onset_s, event.stop_s, event.label))
    written = ordered or [Event(onset_s=0.0, stop_s=duration_s, label=BACKGROUND)]
    annotations = [
        edfio.EdfAnnotation(event.onset_s, round(event.duration_s, 9), f"{event.label}{about}")
        for event in written
        for about in ([f"{_ABOUT}{channel}" for channel in event.channels] or [""])
    ]
    annotations += [
        edfio.EdfAnnotation(event.onset_s, round(event.duration_s, 9), f"{_ARTEFACT}{flaw.replace(' ', _ABOUT, 1)}")
        for event in written
        for flaw in event.artefacts or ()
    ]
    edf = edfio.Edf(
        [],
        recording=edfio.Recording(startdate=start.date() if start else None, equipment_code="ictal"),
        starttime=start.time() if start else None,
        annotations=annotations,
    )
    with appearing(path) as draft:
        edf.write(draft)


def _event(one: edfio.EdfAnnotation) -> Event:
    label, _, channel = one.text.partition(_ABOUT)
    stop_s = one.onset if one.duration is None else round(one.onset + one.duration, 9)
    return Event(onset_s=one.onset, stop_s=stop_s, label=label, channels=(channel,) if channel else ())


def _united(events: Iterable[Event]) -> list[Event]:
    """Events that differ in their channel alone as one event of all these channels."""
    channels: dict[tuple[float, float, str], list[str]] = {}
    for event in events:
        channels.setdefault((event.onset_s, event.stop_s, event.label), []).extend(event.channels)
    return [
        Event(onset_s=onset_s, stop_s=stop_s, label=label, channels=tuple(sorted(names)))
        for (onset_s, stop_s, label), names in channels.items()
    ]


def _with_artefacts(events: Sequence[Event]) -> tuple[Event, ...]:
    """Events with the artefacts of their time; an artefact of no event's time is one whose label nobody knows."""
    artefacts = [event for event in events if event.label.startswith(_ARTEFACT) and event.channels]
    others = [event for event in events if event not in artefacts]
    times = {(event.onset_s, event.stop_s) for event in others}
    flaws: dict[tuple[float, float], list[str]] = {}
    for one in artefacts:
        kind = one.label.removeprefix(_ARTEFACT)
        flaws.setdefault((one.onset_s, one.stop_s), []).extend(f"{kind} {channel}" for channel in one.channels)
    strangers = [one for one in artefacts if (one.onset_s, one.stop_s) not in times]
    told = [replace(one, artefacts=tuple(flaws.get((one.onset_s, one.stop_s), ())) or None) for one in others]
    return (*told, *strangers)


def _fault(path: Path, what: str, got: str, expected: str, code: str) -> InputError:
    remedy = "mend the file, or put an annotation file beside it"
    return InputError(what, where=path, got=got, expected=expected, remedy=remedy, code=f"annotation-{code}")
