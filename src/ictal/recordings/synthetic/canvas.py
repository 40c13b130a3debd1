"""The EEG of one recording while it is being painted: one array, in µV, that events are added to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Potentials at `head.ELECTRODES`, painted in place.

    Args:
        eeg_uv: Shape (electrodes, samples).
        rate_hz: Samples per second.
    """

    eeg_uv: Array
    rate_hz: int

    @property
    def samples(self) -> int:
        """Length of the recording."""
        return int(self.eeg_uv.shape[1])

    def at(self, time_s: float) -> int:
        """Sample nearest to a time."""
        return round(time_s * self.rate_hz)

    def paint(self, start: int, field: Array, wave_uv: Array) -> None:
        """Add one wave, seen through a field, from sample `start`; what lies past the ends is cut off."""
        first, last = max(start, 0), min(start + len(wave_uv), self.samples)
        if last <= first:
            return
        seen = np.flatnonzero(np.abs(field) > 0.01)
        self.eeg_uv[seen, first:last] += field[seen, None] * wave_uv[None, first - start : last - start]

    def paint_each(self, start: int, waves_uv: Array) -> None:
        """Add one wave per electrode, shape (electrodes, samples), from sample `start`."""
        first, last = max(start, 0), min(start + waves_uv.shape[1], self.samples)
        if last > first:
            self.eeg_uv[:, first:last] += waves_uv[:, first - start : last - start]

    def scale(self, start: int, gain: Array) -> None:
        """Multiply every electrode by a gain over time from sample `start`."""
        first, last = max(start, 0), min(start + len(gain), self.samples)
        if last > first:
            self.eeg_uv[:, first:last] *= gain[first - start : last - start]
