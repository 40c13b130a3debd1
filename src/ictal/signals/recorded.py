"""Samples as an EDF holds them, on their way to the filters: microvolts are computed where they are needed first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.recordings.edf import Header, data_records, signals_uv

Microvolts: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorded:
    """Some channels in adjoining data records of 16 bits a sample; a µV is `gain * word + offset` in float32.

    Args:
        words: The records as they lie in the file: (records, words of a record).
        first_words: Where in a record the samples of each channel begin, (channels,).
        samples_per_record: Of each channel.
        gain_uv: Of each channel, (channels,).
        offset_uv: Of each channel, (channels,).
    """

    words: npt.NDArray[np.int16]
    first_words: npt.NDArray[np.int64]
    samples_per_record: int
    gain_uv: Microvolts
    offset_uv: Microvolts

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and samples."""
        return len(self.first_words), len(self.words) * self.samples_per_record

    @property
    def first_uv(self) -> Microvolts:
        """First sample of every channel: (channels, 1)."""
        first: Microvolts = self.words[0, self.first_words] * self.gain_uv + self.offset_uv
        return first[:, None]

    def to_uv(self) -> Microvolts:
        """All samples: (channels, samples)."""
        out = np.empty(self.shape, dtype=np.float32)
        self.less(np.zeros((len(out), 1), dtype=np.float32), out, 0)
        return out

    def less(self, first_uv: Microvolts, out: Microvolts, column: int) -> None:
        """Put every channel less a constant of its own, (channels, 1), into its row of `out` from a column on."""
        records, samples = len(self.words), self.samples_per_record
        for channel, begin in enumerate(self.first_words):
            row = out[channel, column : column + records * samples].reshape(records, samples)  # a view
            row[...] = self.words[:, begin : begin + samples]
            row *= self.gain_uv[channel]
            row += self.offset_uv[channel]
            row -= first_uv[channel]


Chunk: TypeAlias = Microvolts | Recorded
"""Samples of a recording's channels, in either form."""


def first_uv(chunk: Chunk) -> Microvolts:
    """First sample of every channel: (channels, 1)."""
    return chunk.first_uv if isinstance(chunk, Recorded) else chunk[:, :1].copy()


def in_uv(chunk: Chunk) -> Microvolts:
    """Samples as microvolts: (channels, samples)."""
    return chunk.to_uv() if isinstance(chunk, Recorded) else chunk


def recorded(header: Header, labels: Sequence[str], records: int) -> Iterator[Recorded]:
    """Channels of an EDF of 16 bits, so many data records at a time; each holds until the next is asked for.

    Raises:
        InputError: as `edf.read_uv` does.
    """
    assert header.sample_bytes == 2, header.sample_bytes
    chosen = signals_uv(header, labels)
    first_words = np.array([signal.first_sample for signal in chosen], dtype=np.int64)
    gain_uv = np.array([signal.gain_uv for signal in chosen], dtype=np.float32)
    offset_uv = np.array([signal.offset_uv for signal in chosen], dtype=np.float32)
    for raw in data_records(header, at_once=records):
        yield Recorded(
            words=raw.view("<i2"),
            first_words=first_words,
            samples_per_record=chosen[0].samples_per_record,
            gain_uv=gain_uv,
            offset_uv=offset_uv,
        )
