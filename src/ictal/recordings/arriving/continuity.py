"""Whether samples that arrive follow each other: their time stamps against their number.

Invariant: of the samples of one stretch, none was lost: the time by the stamps never leaves the time by counting by
more than the tolerance, but for a drift of the sender's clock that is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ictal.recordings.edf import Header
from ictal.recordings.timekeeping import Gap

DRIFT = 2e-4
"""Seconds per second by which a sender's clock may be wrong; quartz is ten times better."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrived:
    """Samples that follow each other.

    Args:
        signal_uv: (channels, samples).
        gap: What lies between them and the samples before, in seconds from the first sample of all; None if nothing.
    """

    signal_uv: npt.NDArray[np.float32]
    gap: Gap | None = None


class Source(Protocol):
    """Where samples arrive."""

    header: Header
    """What the channels are; of a stream without a file, `path` is its name."""

    def take(self, labels: tuple[str, ...], wait_s: float) -> list[Arrived] | None:
        """What has arrived since the last call, of these channels; None once nothing more will come.

        Args:
            labels: Channels.
            wait_s: How long to wait if nothing has.
        """

    def close(self) -> None:
        """Leave the source."""


class Continuity:
    """Divides what arrives into stretches.

    Args:
        rate_hz: Samples per second.
        tolerance_s: By how much a stamp may be early or late.
    """

    def __init__(self, rate_hz: float, tolerance_s: float) -> None:
        self.rate_hz, self.tolerance_s = rate_hz, tolerance_s
        self._start_s = 0.0  # of the stretch in hand
        self._anchor: float | None = None  # stamp of its first sample, as the drift has moved it
        self._count = 0
        self._number = 0  # of the next sample
        self._gap: Gap | None = None  # before the next sample

    def divide(
        self, stamps_s: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64]
    ) -> Iterator[tuple[slice, Gap | None]]:
        """The samples of each stretch, and the gap before it where there is one.

        Args:
            stamps_s: When each sample was taken, by any clock that goes steadily.
            numbers: The number of each; wherever one is left out the samples do not follow each other.
        """
        first = 0
        while first < len(stamps_s):
            if self._anchor is None:
                self._anchor, self._number = float(stamps_s[0]), int(numbers[0])
            expected = self._anchor + (self._count + np.arange(len(stamps_s) - first)) / self.rate_hz
            late = stamps_s[first:] - expected
            follows = numbers[first:] == self._number + np.arange(len(late))
            broken = np.flatnonzero(~follows | (np.abs(late) > self.tolerance_s))
            good = int(broken[0]) if broken.size else len(late)
            if good:
                yield slice(first, first + good), self._went_on(good, float(late[good - 1]))
                first += good
            if broken.size:
                self._restart(float(stamps_s[first]), int(numbers[first]), float(late[good]))

    def _went_on(self, samples: int, late_s: float) -> Gap | None:
        assert self._anchor is not None
        most = DRIFT * samples / self.rate_hz
        self._anchor += min(max(late_s, -most), most)
        self._count += samples
        self._number += samples
        gap, self._gap = self._gap, None
        return gap

    def _restart(self, stamp_s: float, number: int, late_s: float) -> None:
        stop_s = self._start_s + self._count / self.rate_hz
        self._start_s = stop_s + max(late_s, 0.0)
        self._gap = Gap(stop_s=stop_s, resume_s=self._start_s)
        self._anchor, self._number, self._count = stamp_s, number, 0
