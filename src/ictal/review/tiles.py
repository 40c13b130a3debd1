"""Pieces of EEG as the page asks for them: fixed places, so that one that was made can be shown again.

At factor 1 a tile holds samples; at a higher one the minimum and maximum of every `factor` samples.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from ictal.errors import check_setting
from ictal.review.decimation import extremes
from ictal.review.views import Eeg

TILE_COLUMNS = 4096
FACTORS = tuple(2**power for power in range(7))


def tile(eeg: Eeg, factor: int, number: int) -> bytes:
    """One tile as little-endian float32 in µV: (channels, columns), or (channels, columns, 2) above factor 1.

    Args:
        eeg: The recording through a view.
        factor: One of `FACTORS`.
        number: Counts tiles of `TILE_COLUMNS` columns from the recording's start; the last one may be shorter.

    Raises:
        InputError: if the recording has no such tile (code `config-value`).
    """
    check_setting(factor in FACTORS, "factor", factor, ", ".join(map(str, FACTORS)))
    length = TILE_COLUMNS * factor
    check_setting(0 <= number * length < eeg.samples, "tile", number, f"0 to {(eeg.samples - 1) // length}")
    signal = eeg.read_uv(number * length, min((number + 1) * length, eeg.samples))
    return (signal if factor == 1 else extremes(signal, factor)).astype("<f4").tobytes()


class Kept:
    """Bytes that were made once, by key; beyond a limit those that were not asked for longest are let go.

    Safe for threads: two that ask for the same at the same time may both make it.

    Args:
        limit_bytes: Most that is kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._held: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """What was made for this key, made now if it is not kept."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = make()
        with self._lock:
            if key not in self._held:
                self._held[key] = made
                self.held_bytes += len(made)
            while self.held_bytes > self.limit_bytes and len(self._held) > 1:
                self.held_bytes -= len(self._held.popitem(last=False)[1])
        return made
