"""A whole recording at a glance: exact extremes of about a second each, made in the background from start to end.

One overview is made at a time: whoever asks for another stops the one that is being made, whose beginning is kept and
gone on with when it is asked for again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.review.decimation import extremes, merged
from ictal.review.views import Eeg

KEPT = 4
"""Overviews that are held at a time; one of 24 h and 19 channels takes 13 MB."""
_BLOCKS_AT_ONCE = 64


class Overview:
    """Extremes of every block of a recording, as far as they are known.

    Args:
        eeg: The recording through a view.
    """

    def __init__(self, eeg: Eeg) -> None:
        self.eeg = eeg
        self.factor = 2 ** int(np.log2(max(eeg.rate_hz, 1.0)))
        self.blocks = -(-eeg.samples // self.factor)
        self.done = 0
        self.fault: InputError | None = None
        self._pairs = np.empty((len(eeg.derivation.channels), self.blocks, 2), dtype=np.float32)

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.done == self.blocks or self.fault is not None

    def go_on(self) -> None:
        """Make the next blocks; a fault of the file ends the overview where it is."""
        stop = min(self.done + _BLOCKS_AT_ONCE, self.blocks)
        try:
            signal = self.eeg.read_uv(self.done * self.factor, min(stop * self.factor, self.eeg.samples))
        except InputError as error:
            self.fault = error
            return
        self._pairs[:, self.done : stop] = extremes(signal, self.factor)
        self.done = stop

    def columns(self, most: int) -> tuple[int, npt.NDArray[np.float32]]:
        """What is known, in at most so many columns for the whole recording.

        Returns:
            Samples in a column, and (channels, columns, 2); a column that is not yet known to its end is left out.
        """
        together = max(1, -(-self.blocks // most))
        done = self.done
        known = done if done == self.blocks else done // together * together
        return self.factor * together, merged(self._pairs[:, :known], together)


class Overviews:
    """Makes overviews in a thread of their own, the one that was asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Overview] = OrderedDict()
        self._wanted: Overview | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="overviews", daemon=True)
        self._thread.start()

    def of(self, key: Hashable, eeg: Eeg) -> Overview:
        """The overview of a recording through a view; asked for the first time, it is empty."""
        with self._changed:
            found = self._kept.pop(key, None) or Overview(eeg)
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            self._wanted = found
            self._changed.notify()
            return found

    def close(self) -> None:
        """Stop working."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (overview := self._next()) is not None:
            overview.go_on()

    def _next(self) -> Overview | None:
        """What to go on with, once there is something; None at the end."""
        with self._changed:
            while not self._closed and (self._wanted is None or self._wanted.complete):
                self._changed.wait()
            return None if self._closed else self._wanted
