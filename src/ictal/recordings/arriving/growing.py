"""An EDF that a recorder is still writing: whole data records, as they appear at its end.

It is over when the header states as many data records as the file has and none has been added for a while: until then,
some recorders state -1, others count along. Gaps are known from an EDF+'s times of its data records; a plain EDF has
none.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.arriving.continuity import Arrived, Continuity
from ictal.recordings.timekeeping import onsets_of

TOLERANCE_S = 1e-4
"""By how much a data record may begin early or late: as in an EDF+ that is read whole."""
_POLL_S = 0.05
_MOST_S = 60.0  # what is read at once, where much is there already


class GrowingEdf:
    """A file that is being written.

    Args:
        path: The file; a header that is not whole yet is waited for.
        patience_s: How long.
        settle_s: For how long no data record may have been added to a file that is over.

    Raises:
        InputError: as `edf.read_growing` does.
    """

    def __init__(self, path: Path, *, patience_s: float = 10.0, settle_s: float = 3.0) -> None:
        self.path, self._settle_s = path, settle_s
        _await_header(path, time.monotonic() + patience_s)
        self._growing = edf.read_growing(path)
        self.header = self._growing.header
        self._taken = 0  # data records
        self._grew_s = time.monotonic()
        self._continuity = Continuity(1 / self.header.record_duration_s, TOLERANCE_S)

    def take(self, labels: tuple[str, ...], wait_s: float) -> list[Arrived] | None:
        """Data records that have been added since the last call; see `Source`.

        Raises:
            InputError: if the file has become shorter or cannot be read any more (codes `edf-truncated`,
                `edf-unreadable`).
        """
        self._growing = edf.read_growing(self.path)
        there = self._growing.header.record_count
        if there < self._taken:
            raise InputError(
                "The EDF is shorter than it was",
                where=self.path,
                got=f"{there} data records",
                expected=f"the {self._taken} that were read, and more",
                remedy="let the recorder write every recording into a file of its own",
                code="edf-truncated",
            )
        if there == self._taken:
            settled_s = max(self._settle_s, 2 * self.header.record_duration_s)
            if there == self._growing.stated_records and time.monotonic() - self._grew_s >= settled_s:
                return None
            time.sleep(wait_s)
            return []
        return self._read(labels, there)

    def close(self) -> None:
        """Nothing is held open between two calls."""

    def _read(self, labels: tuple[str, ...], there: int) -> list[Arrived]:
        first, duration_s = self._taken, self.header.record_duration_s
        stop = min(there, first + max(1, int(_MOST_S / duration_s)))
        signal_uv = edf.read_uv(replace(self.header, record_count=stop), labels, first, stop)
        self._taken, self._grew_s = stop, time.monotonic()
        numbers = np.arange(first, stop)
        onsets_s = (numbers * duration_s).astype(np.float64)
        if self._growing.keeper is not None:
            onsets_s[:] = onsets_of(self._growing.keeper, first, stop)
        samples = signal_uv.shape[1] // (stop - first)
        arrived = []
        for records, gap in self._continuity.divide(onsets_s, numbers):
            columns = slice(records.start * samples, records.stop * samples)
            arrived.append(Arrived(signal_uv=signal_uv[:, columns], gap=gap))
        return arrived


def _await_header(path: Path, until_s: float) -> None:
    """Wait until the file holds as many bytes as its header says that it has, or the time is over."""
    while time.monotonic() < until_s:
        try:
            with path.open("rb") as file:
                fixed = file.read(256)
                size = os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            fixed, size = b"", 0
        length = fixed[184:192].strip()
        if len(fixed) == 256 and size >= (int(length) if length.isdigit() else 0):
            return
        time.sleep(_POLL_S)
