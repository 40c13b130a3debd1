"""What only the signals tell: a checksum, channels that never change, and channels at or beyond their limits.

A channel is *flat* if it has one value from beginning to end: an electrode that was never connected. It is *saturated*
if over 1 % of its samples are at a limit of its digital range: the amplifier was driven to its end. It is *out of
range* if any sample lies beyond that range: the file contradicts its own header. A label is *contradictory* if it
occurs twice with different samples: the first is read, and whether it is the one that is meant cannot be known.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.recordings.edf import Header, Signal, data_records, digital

SATURATED_SHARE = 0.01
_DIGEST_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What is wrong with the signals of a recording; labels as in the file.

    Args:
        checksum: Of the data records, so that one signal under two names or dates has one checksum.
        flat: Channels of one value throughout.
        saturated: Channels of which over 1 % of samples are at a limit; flat ones apart.
        out_of_range: Channels with a sample beyond their limits.
        contradictory: Labels of several channels that are not the same.
    """

    checksum: str
    flat: tuple[str, ...]
    saturated: tuple[str, ...]
    out_of_range: tuple[str, ...]
    contradictory: tuple[str, ...]


def examined(header: Header) -> Flags:
    """Read every data record of a recording once.

    Raises:
        InputError: if the file has become shorter (code `edf-truncated`).
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    channels = [_Channel(signal) for signal in header.signals]
    twins = _twins(header)
    contradictory: dict[str, None] = {}
    for raw in data_records(header):
        digest.update(raw.data)
        for channel in channels:
            channel.take(digital(header, channel.signal, raw))
        for first, other in twins:
            if not np.array_equal(digital(header, first, raw), digital(header, other, raw)):
                contradictory[first.label] = None
    return Flags(
        checksum=digest.hexdigest(),
        flat=tuple(channel.signal.label for channel in channels if channel.is_flat),
        saturated=tuple(channel.signal.label for channel in channels if channel.is_saturated),
        out_of_range=tuple(channel.signal.label for channel in channels if channel.is_out_of_range),
        contradictory=tuple(contradictory),
    )


def _twins(header: Header) -> list[tuple[Signal, Signal]]:
    """Every further signal of a label, with the first."""
    first: dict[str, Signal] = {}
    return [
        (first[signal.label], signal)
        for signal in header.signals
        if first.setdefault(signal.label, signal) is not signal
    ]


class _Channel:
    """Extremes of one channel, and how often it is at a limit."""

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self.low, self.high = signal.digital_limits
        self.samples = self.at_limit = 0
        self.least, self.most = np.inf, -np.inf

    def take(self, values: npt.NDArray[np.signedinteger]) -> None:
        """The next samples."""
        least, most = int(values.min()), int(values.max())
        self.least, self.most = min(self.least, least), max(self.most, most)
        self.samples += values.size
        if least <= self.low or most >= self.high:
            self.at_limit += int(np.count_nonzero((values <= self.low) | (values >= self.high)))

    @property
    def is_flat(self) -> bool:
        return self.least == self.most

    @property
    def is_saturated(self) -> bool:
        return not self.is_flat and self.at_limit > SATURATED_SHARE * self.samples

    @property
    def is_out_of_range(self) -> bool:
        return self.least < self.low or self.most > self.high
