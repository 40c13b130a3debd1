"""When each data record of an EDF+ began: the first annotation of the record says, as `+onset` and two bytes 20.

Source: Kemp & Olivan 2003, sections 2.2.2 (time-stamped annotations lists) and 2.2.4 (time keeping of data records).
"""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ictal.errors import InputError

_TIME = re.compile(rb"([+-]\d{1,12}(?:\.\d{1,12})?)\x14\x14")
_TOLERANCE_S = Fraction(1, 10_000)


@dataclass(frozen=True, kw_only=True)
class Timekeeper:
    """Where the annotations signal lies that keeps the time.

    Args:
        path: The file.
        first_byte: Where it begins in the first data record.
        stride_bytes: Length of a data record.
        length_bytes: Of the annotations signal in a record.
        records: Number of data records.
    """

    path: Path
    first_byte: int
    stride_bytes: int
    length_bytes: int
    records: int


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Two data records that do not follow each other, in seconds from the start; overlapping if `resume_s < stop_s`."""

    stop_s: float
    resume_s: float


def gaps_of(keeper: Timekeeper, record_duration_s: Fraction) -> tuple[Gap, ...]:
    """Gaps in time between data records, over 0.1 ms.

    Raises:
        InputError: if a data record does not say when it began (code `edf-discontinuous`).
    """
    onsets_s = onsets_of(keeper, 0, keeper.records)
    gaps = []
    for before_s, resume_s in itertools.pairwise(onsets_s):
        stop_s = before_s + record_duration_s
        if abs(resume_s - stop_s) > _TOLERANCE_S:
            gaps.append(Gap(stop_s=float(stop_s), resume_s=float(resume_s)))
    return tuple(gaps)


def delay_s(keeper: Timekeeper, record_duration_s: Fraction) -> float:
    """By how much the last data record is late; 0 where it or the first does not say when it began."""
    with keeper.path.open("rb") as file:
        first, last = (_TIME.match(_annotations(keeper, file.fileno(), place)) for place in (0, keeper.records - 1))
    if first is None or last is None:
        return 0.0
    return float(_seconds(last) - _seconds(first) - (keeper.records - 1) * record_duration_s)


def onsets_of(keeper: Timekeeper, first: int, stop: int) -> list[Fraction]:
    """When the data records `[first, stop)` began, in seconds from the start.

    Raises:
        InputError: if one does not say (code `edf-discontinuous`).
    """
    onsets_s = []
    with keeper.path.open("rb") as file:
        for record in range(first, stop):
            raw = _annotations(keeper, file.fileno(), record)
            time = _TIME.match(raw)
            if time is None:
                raise InputError(
                    "A data record does not say when it began",
                    where=keeper.path,
                    got=f"{raw[:20]!r} in data record {record + 1}",
                    expected="an onset such as +12.5 and two bytes 20",
                    remedy="get the file anew from its source, or take the recording out of the corpus",
                    code="edf-discontinuous",
                )
            onsets_s.append(_seconds(time))
    return onsets_s


def _annotations(keeper: Timekeeper, descriptor: int, record: int) -> bytes:
    return os.pread(descriptor, keeper.length_bytes, keeper.first_byte + record * keeper.stride_bytes)


def _seconds(time: re.Match[bytes]) -> Fraction:
    return Fraction(time.group(1).decode("ascii"))
