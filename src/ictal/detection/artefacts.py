"""What was wrong with the channels while an event lasted: a flag for the reader, never a reason to drop the event.

A channel is *flat* in a stretch if it does not change there: an electrode that came off, a box that was unplugged. It
is *clipped* if over 1 % of its samples are at the limit of the scale: movement, or an amplifier driven to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bools: TypeAlias = npt.NDArray[np.bool_]
Read: TypeAlias = Callable[[int, int], npt.NDArray[np.signedinteger]]
"""(first sample, samples) -> a stretch of the signal as it is quantised, shape (channels, samples)."""

CLIPPED_SHARE = 0.01


def in_events(
    read: Read, samples: int, rate_hz: float, events_s: npt.NDArray[np.float64], limit: int
) -> Iterator[tuple[Bools, Bools]]:
    """For each event which channels are flat and which are clipped in it, each of shape (channels,).

    Args:
        read: Gives a stretch of the signal.
        samples: Length of the signal.
        rate_hz: Samples per second.
        events_s: `(onset_s, stop_s)` of each event, shape (events, 2).
        limit: Largest value of the scale, to either side.
    """
    for start, stop in np.rint(events_s * rate_hz).astype(np.int64).tolist():
        length = min(max(stop, start + 1), samples) - start
        assert length > 0, f"samples {start} to {stop} lie outside the recording"
        inside = read(start, length).astype(np.int64)
        at_limit = (np.abs(inside) >= limit).mean(axis=1)
        yield np.ptp(inside, axis=1) == 0, at_limit > CLIPPED_SHARE
