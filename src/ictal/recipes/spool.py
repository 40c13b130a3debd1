"""Traces of many recordings, one in memory at a time: the others lie on disk, in a file that has no name.

Nothing is left of it when the program ends, however it ends.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Trace: TypeAlias = npt.NDArray[np.float64]


class Spool:
    """Traces, of one number for every time step or of several, in the order in which they were appended.

    Args:
        folder: On whose disk they lie; 64 bytes for every second at 8 steps a second.
    """

    def __init__(self, folder: Path) -> None:
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - open as long as there is a spool
        weakref.finalize(self, file.close)
        self._file = file
        self._edges = [0]
        self._shapes: list[tuple[int, ...]] = []

    def append(self, trace: Trace) -> None:
        """Put a trace, shape (steps,) or (steps, numbers), behind the others."""
        held = np.ascontiguousarray(trace, dtype=np.float64).tobytes()
        written = os.pwrite(self._file.fileno(), held, self._edges[-1])
        assert written == len(held), f"{written} of {len(held)} bytes were written"
        self._edges.append(self._edges[-1] + written)
        self._shapes.append(trace.shape)

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, number: int) -> Trace:
        start, stop = self._edges[number], self._edges[number + 1]
        held = np.frombuffer(os.pread(self._file.fileno(), stop - start, start), dtype=np.float64)
        return held.reshape(self._shapes[number])

    def __iter__(self) -> Iterator[Trace]:
        return (self[number] for number in range(len(self)))
