"""What annotation files about many recordings share: clock times, and the part that is about one EDF."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from ictal.errors import InputError

DAY_S = 86_400

_CLOCK = re.compile(r"(\d{1,2})[.:](\d\d)[.:](\d\d)", re.ASCII)
_Part = TypeVar("_Part")


def clock_s(text: str) -> int | None:
    """Seconds since midnight of `7.22.21` or `07:22:21`, or None; hours past midnight may count on to 99."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = (int(part) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds if minutes < 60 and seconds < 60 else None


def elapsed_s(start_s: int, stop_s: int) -> int:
    """Seconds from one clock time to the next time that the clock shows the other, 0 to 24 h."""
    return (stop_s - start_s) % DAY_S


def part_of(path: Path, edf_name: str, parts: Mapping[str, _Part]) -> _Part:
    """What a file says about one EDF.

    Raises:
        InputError: if it does not name the EDF: not listed is unlabelled, never background (code
            `annotation-missing`).
    """
    if edf_name not in parts:
        raise InputError(
            f"The list does not name {edf_name}",
            where=path,
            got=f"{len(parts)} other recordings",
            expected=f"a part about {edf_name}",
            remedy="complete the list or take the recording out of the corpus; nothing is assumed",
            code="annotation-missing",
        )
    return parts[edf_name]
