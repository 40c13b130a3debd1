"""Sets of windows as runs of consecutive numbers: any kind of window can be drawn from without listing it.

Windows of one kind come in runs (the background between two seizures, the windows inside a seizure), so a corpus of
10^9 windows is a table with a few rows for every recording and seizure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.timeline.spans import Spans

Numbers: TypeAlias = npt.NDArray[np.int64]
_BUCKETS_PER_RUN = 16
_MOST_BUCKETS = 1 << 22


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Windows in ascending order, numbered by their place: `members` is the n-th of them."""

    runs: Spans
    """First window and the one after the last of each run; ascending, disjoint, none empty: shape (runs, 2)."""

    @cached_property
    def size(self) -> int:
        """Number of windows."""
        return int((self.runs[:, 1] - self.runs[:, 0]).sum())

    def members(self, places: npt.ArrayLike) -> Numbers:
        """Numbers of the windows at these places (0 to size - 1), of the same shape.

        A table gives the run of the first place of every bucket of places. Buckets are so small that few places lie
        behind the end of that run; only those are searched for.
        """
        places = np.asarray(places, dtype=np.int64)
        flat = places.ravel()
        run = self._run_of_bucket.take(flat >> self._bucket_bits)
        late = np.flatnonzero(flat >= self._until.take(run))
        run[late] = np.searchsorted(self._until, flat.take(late), side="right")
        found: Numbers = flat + self._shift.take(run)
        return found.reshape(places.shape)

    @cached_property
    def _until(self) -> Numbers:
        """Windows of the pool before the end of each run."""
        until: Numbers = np.cumsum(self.runs[:, 1] - self.runs[:, 0])
        return until

    @cached_property
    def _shift(self) -> Numbers:
        """What turns a place in a run into a window number."""
        shift: Numbers = self.runs[:, 1] - self._until
        return shift

    @cached_property
    def _bucket_bits(self) -> int:
        """Places in a bucket, as a power of two."""
        buckets = min(_BUCKETS_PER_RUN * len(self.runs), _MOST_BUCKETS)
        return max(0, (self.size // max(buckets, 1)).bit_length())

    @cached_property
    def _run_of_bucket(self) -> npt.NDArray[np.int32]:
        firsts = np.arange(0, self.size, 1 << self._bucket_bits)
        return np.searchsorted(self._until, firsts, side="right").astype(np.int32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """All windows of a corpus, cut into runs of one kind each."""

    firsts: Numbers
    """First window of each run, ascending from 0: shape (runs,)."""
    codes: npt.NDArray[np.int8]
    """Kind of each run; neighbours differ: shape (runs,)."""
    windows: int
    """Number of windows."""

    def codes_of(self, windows: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Kind of each window."""
        return self.codes[np.searchsorted(self.firsts, windows, side="right") - 1]

    def counts(self, kinds: int) -> Numbers:
        """Number of windows of each kind: shape (kinds,)."""
        return np.bincount(self.codes, weights=self._lengths, minlength=kinds).astype(np.int64)

    def pool(self, codes: Sequence[int]) -> Pool:
        """The windows of some kinds."""
        chosen = np.isin(self.codes, codes)
        first = chosen & np.concatenate([[True], ~chosen[:-1]])
        last = chosen & np.concatenate([~chosen[1:], [True]])
        return Pool(runs=np.stack([self.firsts[first], (self.firsts + self._lengths)[last]], axis=1))

    @property
    def _lengths(self) -> Numbers:
        return np.diff(np.append(self.firsts, self.windows))


def strip(windows: int, layers: Sequence[tuple[Spans, npt.NDArray[np.int8]]]) -> Strip:
    """Cut the windows into runs of one kind, painting layer over layer.

    Args:
        windows: Number of windows.
        layers: Runs of windows, shape (n, 2), ascending and disjoint, with the kind of each, shape (n,); the first
            layer covers every window.
    """
    cuts = np.unique(np.concatenate([runs.ravel() for runs, _ in layers]))
    cuts = cuts[cuts < windows]
    codes = np.empty(len(cuts), dtype=np.int8)
    for runs, kinds in layers:
        run = np.searchsorted(runs[:, 0], cuts, side="right") - 1
        inside = (run >= 0) & (cuts < runs[run, 1]) if len(runs) else np.zeros(len(cuts), dtype=np.bool_)
        codes[inside] = kinds[run[inside]]
    first = np.concatenate([[True], codes[1:] != codes[:-1]])[: len(cuts)]
    return Strip(firsts=cuts[first], codes=codes[first], windows=windows)


def runs_of(numbers: Numbers, codes: npt.NDArray[np.int8]) -> tuple[Spans, npt.NDArray[np.int8]]:
    """Runs of consecutive numbers of one kind.

    Args:
        numbers: Ascending, shape (n,).
        codes: Kind of each, shape (n,).

    Returns:
        The runs, shape (runs, 2), and the kind of each.
    """
    if len(numbers) == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int8)
    breaks = np.flatnonzero((np.diff(numbers) != 1) | (np.diff(codes) != 0))
    first = np.concatenate([[0], breaks + 1])
    last = np.concatenate([breaks, [len(numbers) - 1]])
    return np.stack([numbers[first], numbers[last] + 1], axis=1), codes[first]


def expand(runs: Spans) -> Numbers:
    """Every number of runs: shape (total,)."""
    lengths = runs[:, 1] - runs[:, 0]
    numbers: Numbers = np.arange(lengths.sum()) + np.repeat(runs[:, 0] - (np.cumsum(lengths) - lengths), lengths)
    return numbers
