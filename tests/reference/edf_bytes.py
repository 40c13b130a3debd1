"""An obvious EDF writer: every field given as text, nothing checked, so that tests can write what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One signal; `samples` are digital values, (records, samples per record)."""

    label: str | bytes
    samples: Sequence[Sequence[int]]
    dimension: str | bytes = "uV"
    physical: tuple[str, str] = ("-3276.8", "3276.7")
    digital: tuple[str, str] = ("-32768", "32767")


def edf_bytes(
    channels: Sequence[Channel],
    *,
    records: str | None = None,
    record_duration_s: str = "1",
    date: str = "01.02.03",
    time: str = "04.05.06",
    reserved: str = "",
    patient: str | bytes = "X",
    version: bytes = b"0",
) -> bytes:
    """A whole file."""
    count = len(channels[0].samples)
    fixed = [
        (version, 8),
        (patient, 80),
        ("Startdate X X X X", 80),
        (date, 8),
        (time, 8),
        (str(256 * (len(channels) + 1)), 8),
        (reserved, 44),
        (str(count) if records is None else records, 8),
        (record_duration_s, 8),
        (str(len(channels)), 4),
    ]
    table: list[tuple[str | bytes, int]] = [
        *((c.label, 16) for c in channels),
        *(("", 80) for _ in channels),
        *((c.dimension, 8) for c in channels),
        *((c.physical[0], 8) for c in channels),
        *((c.physical[1], 8) for c in channels),
        *((c.digital[0], 8) for c in channels),
        *((c.digital[1], 8) for c in channels),
        *(("", 80) for _ in channels),
        *((str(len(c.samples[0])), 8) for c in channels),
        *(("", 32) for _ in channels),
    ]
    data = [np.asarray(c.samples[r], dtype="<i2").tobytes() for r in range(count) for c in channels]
    return b"".join([*(_padded(value, width) for value, width in (*fixed, *table)), *data])


def constant(label: str | bytes, *, records: int = 2, samples: int = 4, value: int = 1) -> Channel:
    """A channel that never changes."""
    return Channel(label=label, samples=[[value] * samples] * records)


def _padded(value: str | bytes, width: int) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode("ascii")
    assert len(raw) <= width, (raw, width)
    return raw.ljust(width)
