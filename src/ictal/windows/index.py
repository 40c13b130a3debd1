"""Which windows exist and exactly how much of each is ictal, from annotations alone: no signal is read.

Background windows are implicit (a count and an offset per recording); only windows that hold ictal samples are listed.
Windows are numbered through the corpus: recording r owns `offsets[r] .. offsets[r + 1] - 1`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError, check_setting
from ictal.timeline import spans as sp
from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import Samples, Spans

Numbers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """How recordings are cut into windows."""

    length_s: float = 60.0
    """Length of a window."""
    stride_s: float = 10.0
    """From the start of one window to the start of the next."""

    def __post_init__(self) -> None:
        for name, seconds in (("length_s", self.length_s), ("stride_s", self.stride_s)):
            check_setting(0 < seconds < math.inf, f"windows.{name}", seconds, "a number of seconds above 0")

    def grid(self, rate_hz: int) -> WindowGrid:
        """The grid in samples of the store's rate."""
        length, stride = sp.samples_from_seconds([self.length_s, self.stride_s], rate_hz)
        return WindowGrid(length_samples=int(length), stride_samples=int(stride))


@dataclass(frozen=True, kw_only=True)
class IndexedRecording:
    """What the index needs to know of one recording, in samples of the store's rate."""

    id: str
    patient: str
    samples: int
    seizures: Spans


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowIndex:
    """Every window of a corpus with its exact number of ictal samples. Build it with `build`."""

    recordings: tuple[IndexedRecording, ...]
    grid: WindowGrid
    offsets: Numbers
    """First window number of each recording, and the number of windows at the end: shape (recordings + 1,)."""
    seizure_windows: Numbers
    """Numbers of all windows that hold at least one ictal sample, ascending: shape (seizure windows,)."""
    ictal_samples: Samples
    """Ictal samples in each of them: shape (seizure windows,)."""

    @property
    def windows(self) -> int:
        """Number of windows."""
        return int(self.offsets[-1])

    @property
    def background_windows(self) -> int:
        """Number of windows without an ictal sample."""
        return self.windows - len(self.seizure_windows)

    @property
    def seizures(self) -> int:
        """Number of annotated seizures."""
        return sum(len(recording.seizures) for recording in self.recordings)

    @cached_property
    def hash(self) -> str:
        """Hash of everything that the index was made from."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr(self.grid).encode())
        for recording in self.recordings:
            digest.update(f"{recording.id}\0{recording.patient}\0{recording.samples}\0".encode())
            digest.update(np.ascontiguousarray(recording.seizures).tobytes())
        return digest.hexdigest()

    def locate(self, windows: npt.ArrayLike) -> tuple[Numbers, Samples]:
        """Recording number and first sample of each window."""
        windows = np.asarray(windows, dtype=np.int64)
        recording = np.searchsorted(self.offsets, windows, side="right") - 1
        return recording, self.grid.starts(windows - self.offsets[recording])

    def valid_samples(self, windows: npt.ArrayLike) -> Samples:
        """Samples of each window that lie inside its recording; the rest of a last window is padding."""
        recording, start = self.locate(windows)
        valid: Samples = np.minimum(self.grid.length_samples, self.lengths[recording] - start)
        return valid

    @cached_property
    def lengths(self) -> Samples:
        """Samples of every recording: shape (recordings,)."""
        return np.array([r.samples for r in self.recordings], dtype=np.int64)

    def ictal_samples_in(self, windows: npt.ArrayLike) -> Samples:
        """Exact number of ictal samples of each window."""
        windows = np.asarray(windows, dtype=np.int64)
        if len(self.seizure_windows) == 0:
            return np.zeros(windows.shape, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.seizure_windows, windows), len(self.seizure_windows) - 1)
        found: Samples = np.where(self.seizure_windows[place] == windows, self.ictal_samples[place], 0)
        return found

    def background(self, ranks: npt.ArrayLike) -> Numbers:
        """Number of the n-th window without a seizure, for each n in `0..background_windows-1`.

        Before the background window of rank n lie as many seizure windows as have at most n background windows before
        themselves; the i-th seizure window has `seizure_windows[i] - i`.
        """
        ranks = np.asarray(ranks, dtype=np.int64)
        return ranks + np.searchsorted(self._background_before, ranks, side="right")

    @cached_property
    def _background_before(self) -> Numbers:
        return self.seizure_windows - np.arange(len(self.seizure_windows))

    def strata(self) -> dict[str, int]:
        """Number of windows that are background, partly ictal, and ictal in every valid sample."""
        full = int((self.ictal_samples == self.valid_samples(self.seizure_windows)).sum())
        partial = len(self.seizure_windows) - full
        return {"background": self.background_windows, "partial": partial, "full": full}

    def select(self, numbers: Sequence[int]) -> WindowIndex:
        """The index of some of the recordings, in the order given."""
        return build([self.recordings[n] for n in numbers], self.grid)


def build(recordings: Sequence[IndexedRecording], grid: WindowGrid) -> WindowIndex:
    """Count windows and ictal samples of every recording, event by event.

    All recordings lie one behind the other on a single axis with one sample between them, so that one vectorised
    computation serves the whole corpus.

    Raises:
        InputError: if a seizure lies outside its recording.
    """
    samples = np.array([r.samples for r in recordings], dtype=np.int64)
    counts = grid.count(samples)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    bases = np.concatenate([[0], np.cumsum(samples + 1)])[:-1]
    owner = np.repeat(np.arange(len(recordings)), [len(r.seizures) for r in recordings])
    events = np.concatenate([sp.EMPTY, *(r.seizures for r in recordings)])
    _require_inside(recordings, owner, events, samples)

    merged = sp.union(events + bases[owner, None])
    owner = np.searchsorted(bases, merged[:, 0], side="right") - 1
    event, window, ictal = _windows_of_events(merged - bases[owner, None], counts[owner], grid)
    seizure_windows, place = np.unique(offsets[owner[event]] + window, return_inverse=True)
    ictal_samples = np.bincount(place, weights=ictal, minlength=len(seizure_windows)).astype(np.int64)
    return WindowIndex(
        recordings=tuple(recordings),
        grid=grid,
        offsets=offsets,
        seizure_windows=seizure_windows,
        ictal_samples=ictal_samples,
    )


def _windows_of_events(events: Spans, counts: Numbers, grid: WindowGrid) -> tuple[Numbers, Numbers, Samples]:
    """Every pair of an event and a window that it reaches into, with their common samples.

    Args:
        events: Spans in samples of their recordings, shape (events, 2).
        counts: Number of windows of each event's recording, shape (events,).
        grid: The grid of windows.

    Returns:
        Event number, window number within the recording and common samples, each of shape (pairs,).
    """
    first = np.maximum((events[:, 0] - grid.length_samples) // grid.stride_samples + 1, 0)
    last = np.minimum((events[:, 1] - 1) // grid.stride_samples, counts - 1)
    reached = last - first + 1
    event = np.repeat(np.arange(len(events)), reached)
    within = np.arange(len(event)) - np.repeat(np.cumsum(reached) - reached, reached)
    window = first[event] + within
    start = grid.starts(window)
    ictal = np.minimum(events[event, 1], start + grid.length_samples) - np.maximum(events[event, 0], start)
    return event, window, ictal


def _require_inside(recordings: Sequence[IndexedRecording], owner: Numbers, events: Spans, samples: Samples) -> None:
    outside = np.flatnonzero((events[:, 0] < 0) | (events[:, 1] > samples[owner]) | (events[:, 0] >= events[:, 1]))
    if len(outside):
        number = int(owner[outside[0]])
        raise InputError(
            "A seizure lies outside its recording or is empty",
            where=recordings[number].id,
            got=f"samples {events[outside[0]].tolist()}",
            expected=f"start < stop inside 0..{int(samples[number])}",
            remedy="check the annotation's times and unit against the EDF",
            code="event-outside",
        )
