"""What was wrong with the channels while an event lasted: a flag for the reader, never a reason to drop the event.

A channel is *flat* in a stretch if it does not change there: an electrode that came off, a box that was unplugged. It
is *clipped* if over 1 % of its samples are at the limit of the scale: movement, or an amplifier driven to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bools: TypeAlias = npt.NDArray[np.bool_]

CLIPPED_SHARE = 0.01


def in_events(
    values: npt.NDArray[np.signedinteger], rate_hz: float, events_s: npt.NDArray[np.float64], limit: int
) -> Iterator[tuple[Bools, Bools]]:
    """For each event which channels are flat and which are clipped in it, each of shape (channels,).

    Args:
        values: Signal as it is quantised, shape (channels, samples).
        rate_hz: Samples per second.
        events_s: `(onset_s, stop_s)` of each event, shape (events, 2).
        limit: Largest value of the scale, to either side.
    """
    for start, stop in np.rint(events_s * rate_hz).astype(np.int64).tolist():
        inside = values[:, start : max(stop, start + 1)].astype(np.int64)
        assert inside.shape[1] > 0, f"samples {start} to {stop} lie outside the recording"
        at_limit = (np.abs(inside) >= limit).mean(axis=1)
        yield np.ptp(inside, axis=1) == 0, at_limit > CLIPPED_SHARE
