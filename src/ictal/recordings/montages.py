"""Montages: which channels a detector is given, and how they come about from the channels of a recording.

A channel's name is its definition: `Fp1` is that electrode against the recording's reference, `Fp1-Avg` against the
mean of the 19, `Fp1-F7` against F7. Differences are taken from electrodes of one common reference, or are the
recording's own channels where it was recorded bipolar. What is missing is refused by name, never filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings.channels import SCALP_19, canonical
from ictal.recordings.edf import Header, signals_uv

_AVERAGE = "Avg"
_DOUBLE_BANANA = (
    *("Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp1-F3", "F3-C3", "C3-P3", "P3-O1"),
    *("Fp2-F4", "F4-C4", "C4-P4", "P4-O2", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"),
    *("Fz-Cz", "Cz-Pz"),
)


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
    """

    labels: tuple[str, ...]
    matrix: npt.NDArray[np.float32]
    channels: tuple[str, ...]
    rate_hz: float


MONTAGES: Mapping[str, Montage] = MappingProxyType(
    {
        montage.name: montage
        for montage in (
            Montage(name="referential-19", channels=SCALP_19),
            Montage(name="average-19", channels=tuple(f"{electrode}-{_AVERAGE}" for electrode in SCALP_19)),
            Montage(name="double-banana-18", channels=_DOUBLE_BANANA),
        )
    }
)


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


def derive(montage: Montage, header: Header) -> Derivation:
    """Work out a montage for one recording.

    Of equal labels the first is taken (CHB-MIT has `T8-P8` twice, with the same samples).

    Raises:
        InputError: codes `channel-missing` (naming the missing ones), `channel-ambiguous` (two different labels for one
            electrode), and what `edf.signals_uv` raises.
    """
    labels_of = _labels_by_name(header)
    weights = next((w for w in _ways(montage) if not _missing(w, labels_of)), None)
    if weights is None:
        raise _missing_error(montage, header, labels_of)
    label_of = {name: _only(header, name, labels_of[name]) for name in _names(weights)}
    labels = tuple(label for label in dict.fromkeys(header.labels) if label in label_of.values())
    return Derivation(
        labels=labels,
        matrix=_matrix(weights, label_of, labels),
        channels=montage.channels,
        rate_hz=signals_uv(header, labels)[0].rate_hz,
    )


def missing(montage: Montage, header: Header) -> tuple[str, ...]:
    """Canonical names that the recording lacks for a montage, by the way that lacks the fewest; empty if none."""
    labels_of = _labels_by_name(header)
    return min((_missing(weights, labels_of) for weights in reversed(_ways(montage))), key=len)


_Weights = dict[str, dict[str, float]]


def _ways(montage: Montage) -> tuple[_Weights, _Weights]:
    """The montage's channels as weighted sums of canonical names: as recorded, and from single electrodes."""
    as_recorded = {channel: {channel: 1.0} for channel in montage.channels}
    return as_recorded, {channel: _from_electrodes(channel) for channel in montage.channels}


def _from_electrodes(channel: str) -> dict[str, float]:
    electrode, _, against = channel.partition("-")
    if not against:
        return {electrode: 1.0}
    if against == _AVERAGE:
        share = 1.0 / len(SCALP_19)
        return {name: (1.0 if name == electrode else 0.0) - share for name in SCALP_19}
    return {electrode: 1.0, against: -1.0}


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
