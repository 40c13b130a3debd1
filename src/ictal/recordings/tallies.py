"""What a corpus holds, counted by who, where and how: recordings, patients, hours, seizures and their time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ictal.recordings.channels import is_scalp
from ictal.recordings.edf import Header
from ictal.recordings.inspection import Inspected

UNNAMED = "not stated"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts over some recordings.

    Args:
        recordings: Their number.
        patients: Whose they are.
        hours: Recorded time of those whose header could be read.
        seizures: Annotated seizures of those whose labels could be read.
        seizure_seconds: Their time.
    """

    recordings: int
    patients: int
    hours: float
    seizures: int
    seizure_seconds: float


def tallies(inspected: Sequence[Inspected]) -> dict[str, dict[str, Tally]]:
    """Tallies by split, patient, montage, rate, reference and seizure type.

    A recording counts under every montage that its channels allow, at every rate of its scalp channels, and under the
    type of each of its seizures; a type's seizures are those of this type alone.
    """
    groups = {name: _grouped(inspected, keys) for name, keys in _KEYS.items()}
    return {**groups, "type": _by_type(inspected)}


def rates(header: Header) -> tuple[str, ...]:
    """Rates of the scalp channels, in Hz."""
    return tuple(sorted({f"{signal.rate_hz:g}" for signal in header.signals if is_scalp(signal.label)}))


def _grouped(inspected: Iterable[Inspected], keys: Callable[[Inspected], Iterable[str]]) -> dict[str, Tally]:
    members: dict[str, list[Inspected]] = {}
    for one in inspected:
        for key in keys(one):
            members.setdefault(key, []).append(one)
    return {key: _tally(some, _seizures_s(some)) for key, some in sorted(members.items())}


def _by_type(inspected: Iterable[Inspected]) -> dict[str, Tally]:
    members: dict[str, list[Inspected]] = {}
    times_s: dict[str, list[float]] = {}
    for one in inspected:
        if one.labelled is not None:
            for (onset_s, stop_s), kind in zip(one.labelled.seizures_s, one.labelled.types, strict=True):
                members.setdefault(kind, []).append(one)
                times_s.setdefault(kind, []).append(stop_s - onset_s)
    distinct = {kind: list({id(one): one for one in some}.values()) for kind, some in members.items()}
    return {kind: _tally(distinct[kind], times_s[kind]) for kind in sorted(members)}


def _tally(some: Sequence[Inspected], seizures_s: Sequence[float]) -> Tally:
    return Tally(
        recordings=len(some),
        patients=len({one.recording.patient for one in some}),
        hours=math.fsum(one.header.duration_s for one in some if one.header is not None) / 3600,
        seizures=len(seizures_s),
        seizure_seconds=math.fsum(seizures_s),
    )


def _seizures_s(some: Iterable[Inspected]) -> list[float]:
    labelled = (one.labelled for one in some if one.labelled is not None)
    return [stop_s - onset_s for one in labelled for onset_s, stop_s in one.seizures_s]


def _rates(one: Inspected) -> Iterator[str]:
    yield from () if one.header is None else rates(one.header)


_KEYS: Mapping[str, Callable[[Inspected], Iterable[str]]] = MappingProxyType(
    {
        "split": lambda one: [one.recording.split or UNNAMED],
        "patient": lambda one: [one.recording.patient],
        "montage": lambda one: one.fit.montages,
        "rate_hz": _rates,
        "reference": lambda one: [one.reference or UNNAMED],
    }
)
