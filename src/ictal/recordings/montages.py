"""Montages: which channels a detector is given, and how they come about from the channels of a recording.

A channel's name is its definition: `Fp1` is that electrode against the recording's reference, `Fp1-Avg` against the
mean of the 19, `Fp1-Lap` against the mean of its neighbours (Hjorth 1975), `Fp1-F7` against F7. Differences are taken
from electrodes of one common reference, or are the recording's own channels where it was recorded bipolar. What is
missing is refused by name, unless a policy is chosen; what a channel was made of is then told by its validity.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings.channels import SCALP_19, canonical, reference
from ictal.recordings.edf import Header, signals_uv
from ictal.recordings.interpolation import spline_weights

MissingPolicy: TypeAlias = Literal["error", "interpolate", "mask"]
Validity: TypeAlias = Literal["measured", "interpolated", "absent"]

MOST_INTERPOLATED = 4

_AVERAGE = "Avg"
_LAPLACIAN = "Lap"
_DOUBLE_BANANA = (
    *("Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp1-F3", "F3-C3", "C3-P3", "P3-O1"),
    *("Fp2-F4", "F4-C4", "C4-P4", "P4-O2", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"),
    *("Fz-Cz", "Cz-Pz"),
)
_TCP = (
    *("Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"),
    *("A1-T3", "T3-C3", "C3-Cz", "Cz-C4", "C4-T4", "T4-A2"),
    *("Fp1-F3", "F3-C3", "C3-P3", "P3-O1", "Fp2-F4", "F4-C4", "C4-P4", "P4-O2"),
)
_NEIGHBOURS = {
    "Fp1": ("Fp2", "F3", "F7"),
    "Fp2": ("Fp1", "F4", "F8"),
    "F7": ("Fp1", "F3", "T3"),
    "F8": ("Fp2", "F4", "T4"),
    "Fz": ("F3", "F4", "Cz"),
    "F3": ("Fp1", "F7", "Fz", "C3"),
    "F4": ("Fp2", "F8", "Fz", "C4"),
    "T3": ("F7", "C3", "T5"),
    "T4": ("F8", "C4", "T6"),
    "Cz": ("Fz", "C3", "C4", "Pz"),
    "C3": ("F3", "T3", "Cz", "P3"),
    "C4": ("F4", "T4", "Cz", "P4"),
    "T5": ("T3", "P3", "O1"),
    "T6": ("T4", "P4", "O2"),
    "Pz": ("Cz", "P3", "P4"),
    "P3": ("C3", "T5", "Pz", "O1"),
    "P4": ("C4", "T6", "Pz", "O2"),
    "O1": ("O2", "P3", "T5"),
    "O2": ("O1", "P4", "T6"),
}


@dataclass(frozen=True, kw_only=True)
class Montage:
    """A named list of channels."""

    name: str
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """How a montage comes about from one recording: `montage_uv = matrix @ read_uv(header, labels)`.

    Args:
        labels: Labels of the EDF to read, in the file's order.
        matrix: Weights, (channels, labels).
        channels: The montage's channels.
        rate_hz: Of all the labels.
        validity: Of each channel: `measured`, `interpolated` (it holds an interpolated electrode) or `absent` (zeros).
        interpolated: Electrodes that were not measured and take part.
        reference: Common reference by the labels (`REF`, `LE`, `AR`, `AVG`), or empty where they name none.
    """

    labels: tuple[str, ...]
    matrix: npt.NDArray[np.float32]
    channels: tuple[str, ...]
    rate_hz: float
    validity: tuple[Validity, ...]
    interpolated: tuple[str, ...]
    reference: str


MONTAGES: Mapping[str, Montage] = MappingProxyType(
    {
        montage.name: montage
        for montage in (
            Montage(name="referential-19", channels=SCALP_19),
            Montage(name="average-19", channels=tuple(f"{electrode}-{_AVERAGE}" for electrode in SCALP_19)),
            Montage(name="laplacian-19", channels=tuple(f"{electrode}-{_LAPLACIAN}" for electrode in SCALP_19)),
            Montage(name="double-banana-18", channels=_DOUBLE_BANANA),
            Montage(name="tcp-ar-22", channels=_TCP),
            Montage(name="tcp-ar-a-20", channels=tuple(pair for pair in _TCP if pair not in {"A1-T3", "T4-A2"})),
        )
    }
)


WHOLE_SCALP = tuple(name for name in MONTAGES if not name.startswith("tcp-"))
"""Montages in which each of the 19 electrodes takes part; the TCP montages do without Fz and Pz."""


def named(name: str) -> Montage:
    """The montage of this name.

    Raises:
        InputError: if there is none (code `montage-unknown`).
    """
    if name in MONTAGES:
        return MONTAGES[name]
    raise InputError(
        "There is no such montage",
        where="signals.montage",
        got=repr(name),
        expected=", ".join(MONTAGES),
        remedy="choose one of these",
        code="montage-unknown",
    )


def derive(montage: Montage, header: Header, *, policy: MissingPolicy = "error") -> Derivation:
    """Work out a montage for one recording.

    Of equal labels the first is taken (CHB-MIT has `T8-P8` twice, with the same samples).

    Args:
        montage: The channels wanted.
        header: Of the recording.
        policy: About missing electrodes: `error`; `interpolate` up to four of the 19 from those measured; `mask`
            leaves the channels that need them at zero. Averages are of measured electrodes alone.

    Raises:
        InputError: codes `channel-missing` (naming the missing ones), `channel-ambiguous` (two different labels for one
            electrode), `channel-reference` (electrodes of two references), and what `edf.signals_uv` raises.
    """
    labels_of = _labels_by_name(header)
    weights = next((way for way in _ways(montage) if not _missing(way, labels_of)), None)
    interpolated: tuple[str, ...] = ()
    if weights is None and policy == "interpolate":
        weights, interpolated = _interpolated(montage, labels_of)
    elif weights is None and policy == "mask":
        weights = _masked(montage, labels_of)
    if weights is None:
        raise _missing_error(montage, header, labels_of)
    label_of = {name: _only(header, name, labels_of[name]) for name in _names(weights)}
    labels = tuple(label for label in dict.fromkeys(header.labels) if label in label_of.values())
    rebuilt = {channel for channel in montage.channels if _parts(channel) & set(interpolated)}
    return Derivation(
        labels=labels,
        matrix=_matrix(weights, label_of, labels),
        channels=montage.channels,
        rate_hz=signals_uv(header, labels)[0].rate_hz,
        validity=tuple(_validity(weights[channel], channel in rebuilt) for channel in montage.channels),
        interpolated=interpolated,
        reference=_one_reference(header, labels),
    )


def valid(validity: Sequence[Validity]) -> npt.NDArray[np.bool_]:
    """Which channels hold a signal, measured or interpolated, by the validity of each: (channels,)."""
    return np.array([state != "absent" for state in validity])


@functools.cache
def takes_part(label: str) -> bool:
    """Whether a channel can be a part of any montage."""
    electrodes = {part for montage in MONTAGES.values() for channel in montage.channels for part in _parts(channel)}
    return all(part in electrodes for part in canonical(label).split("-"))


def missing(montage: Montage, header: Header) -> tuple[str, ...]:
    """Canonical names that the recording lacks for a montage, by the way that lacks the fewest; empty if none."""
    labels_of = _labels_by_name(header)
    return min((_missing(weights, labels_of) for weights in reversed(_ways(montage))), key=len)


_Weights: TypeAlias = dict[str, dict[str, float]]


@functools.cache
def _ways(montage: Montage) -> tuple[_Weights, _Weights]:
    """The montage's channels as weighted sums of canonical names: as recorded, and from single electrodes."""
    as_recorded = {channel: {channel: 1.0} for channel in montage.channels}
    return as_recorded, {channel: _from_electrodes(channel) for channel in montage.channels}


def _from_electrodes(channel: str, average_of: tuple[str, ...] = SCALP_19) -> dict[str, float]:
    electrode, _, against = channel.partition("-")
    if not against:
        return {electrode: 1.0}
    if against == _AVERAGE:
        share = 1.0 / len(average_of)
        return {name: (1.0 if name == electrode else 0.0) - share for name in dict.fromkeys((*average_of, electrode))}
    if against == _LAPLACIAN:
        around = _NEIGHBOURS[electrode]
        return {electrode: 1.0, **dict.fromkeys(around, -1.0 / len(around))}
    return {electrode: 1.0, against: -1.0}


def _parts(channel: str) -> set[str]:
    """Electrodes that a channel is about; an average's mean is of measured ones."""
    electrode, _, against = channel.partition("-")
    if against == _LAPLACIAN:
        return {electrode, *_NEIGHBOURS[electrode]}
    return {electrode} if against == _AVERAGE else {electrode, against}


def _measured(labels_of: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(name for name in SCALP_19 if name in labels_of)


def _interpolated(montage: Montage, labels_of: Mapping[str, list[str]]) -> tuple[_Weights | None, tuple[str, ...]]:
    """The montage from measured electrodes, those missing written as splines of them; None if too much is missing."""
    measured = _measured(labels_of)
    needed = {name for channel in montage.channels for name in _parts(channel) if name}
    absent = tuple(name for name in SCALP_19 if name in needed and name not in measured)
    outside = needed - set(SCALP_19) - set(labels_of)
    if outside or len(SCALP_19) - len(measured) > MOST_INTERPOLATED:
        return None, ()
    rows = spline_weights(measured, absent)
    spline = {name: dict(zip(measured, row.tolist(), strict=True)) for name, row in zip(absent, rows, strict=True)}
    weights: _Weights = {}
    for channel in montage.channels:
        weights[channel] = {}
        for name, weight in _electrode_terms(channel, measured).items():
            for source, share in spline.get(name, {name: 1.0}).items():
                weights[channel][source] = weights[channel].get(source, 0.0) + weight * share
    return weights, absent


def _electrode_terms(channel: str, measured: tuple[str, ...]) -> dict[str, float]:
    """Weights of electrodes in a channel, where an average is of the measured ones."""
    terms = _from_electrodes(channel, measured)
    electrode = channel.partition("-")[0]
    if channel.endswith(f"-{_AVERAGE}") and electrode not in measured:
        terms[electrode] = 1.0
    return terms


def _masked(montage: Montage, labels_of: Mapping[str, list[str]]) -> _Weights | None:
    """The montage with no weights in the channels that cannot be made; None if that is all of them.

    Of the two ways (as recorded, from electrodes) the one that makes more channels is taken.
    """
    measured = _measured(labels_of)
    as_recorded = {channel: {channel: 1.0} for channel in montage.channels}
    ways = [as_recorded]
    if measured:
        ways.append({channel: _electrode_terms(channel, measured) for channel in montage.channels})
    masked = [{c: terms if all(n in labels_of for n in terms) else {} for c, terms in way.items()} for way in ways]
    best = max(masked, key=lambda way: sum(map(bool, way.values())))
    return best if any(best.values()) else None


def _validity(terms: Mapping[str, float], rebuilt: bool) -> Validity:  # noqa: FBT001
    if not terms:
        return "absent"
    return "interpolated" if rebuilt else "measured"


def _one_reference(header: Header, labels: tuple[str, ...]) -> str:
    references = {label: reference(label) for label in labels}
    if len(set(references.values())) > 1:
        raise InputError(
            "The electrodes are not against one reference",
            where=header.path,
            got=", ".join(labels),
            expected="one common reference",
            remedy="take the recording out of the corpus",
            code="channel-reference",
        )
    return next(iter(references.values()))


def _names(weights: _Weights) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for terms in weights.values() for name in terms))


def _labels_by_name(header: Header) -> dict[str, list[str]]:
    labels_of: dict[str, list[str]] = {}
    for label in dict.fromkeys(header.labels):
        labels_of.setdefault(canonical(label), []).append(label)
    return labels_of


def _missing(weights: _Weights, labels_of: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(name for name in _names(weights) if name not in labels_of)


def _only(header: Header, name: str, labels: list[str]) -> str:
    if len(labels) == 1:
        return labels[0]
    raise InputError(
        f"Two channels are both {name}",
        where=header.path,
        got=", ".join(labels),
        expected="one label for each electrode",
        remedy="take the recording out of the corpus, or rename the channel that is not meant",
        code="channel-ambiguous",
    )


def _matrix(weights: _Weights, label_of: Mapping[str, str], labels: tuple[str, ...]) -> npt.NDArray[np.float32]:
    column = {label: number for number, label in enumerate(labels)}
    matrix = np.zeros((len(weights), len(labels)), dtype=np.float32)
    for row, terms in enumerate(weights.values()):
        for name, weight in terms.items():
            matrix[row, column[label_of[name]]] = weight
    return matrix


def _missing_error(montage: Montage, header: Header, labels_of: Mapping[str, list[str]]) -> InputError:
    absent = missing(montage, header)
    others = [name for name, other in MONTAGES.items() if not missing(other, header)]
    remedy = f"use montage {' or '.join(others)}" if others else "take the recording out of the corpus"
    return InputError(
        f"The recording lacks {', '.join(absent)} for montage {montage.name}",
        where=header.path,
        got=", ".join(labels_of),
        expected=", ".join(montage.channels),
        remedy=remedy,
        code="channel-missing",
    )
