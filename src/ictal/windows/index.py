"""Which windows exist and exactly how much of each is ictal, from annotations alone: no signal is read.

Background windows are implicit (runs of consecutive numbers); only windows that hold ictal samples are listed, so that
memory follows seizures and recordings. Windows are numbered through the corpus: recording r owns
`offsets[r] .. offsets[r + 1] - 1`, and its last window may reach past its end, so that every sample is covered.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError, check_setting
from ictal.timeline import spans as sp
from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import Samples, Spans
from ictal.windows import pools
from ictal.windows.labels import (
    AMBIGUOUS,
    BACKGROUND,
    FULL,
    INTERICTAL,
    PARTIAL,
    PERI_ICTAL,
    SEIZURE_FREE,
    STRATA,
    LabelRule,
    SampleLabels,
)
from ictal.windows.pools import Numbers, Pool, Strip

ANY_ICTAL = LabelRule()
_CHUNK_WINDOWS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """How recordings are cut into windows, and which windows count as seizure windows."""

    length_s: float = 60.0
    """Length of a window."""
    stride_s: float = 10.0
    """From the start of one window to the start of the next."""
    min_ictal_s: float = 0.0
    """A seizure window holds at least so many ictal seconds; 0: any ictal sample will do. Windows with fewer are
    ambiguous: no batch draws them, the plan counts them, and evaluation scores them like all others."""
    min_ictal_share: float = 0.0
    """A seizure window is ictal in at least this share of its labelled samples; 0: any share will do."""
    margin_s: float = 0.0
    """Time before and after each onset and offset that carries no label: it has no weight in the loss."""
    peri_ictal_s: float = 300.0
    """Background this close to a seizure, before or after, is peri-ictal."""

    def __post_init__(self) -> None:
        for name, seconds in (("length_s", self.length_s), ("stride_s", self.stride_s)):
            check_setting(0 < seconds < math.inf, f"windows.{name}", seconds, "a number of seconds above 0")
        for name, seconds in (("margin_s", self.margin_s), ("peri_ictal_s", self.peri_ictal_s)):
            check_setting(0 <= seconds < math.inf, f"windows.{name}", seconds, "0 or more seconds")
        fits = 0 <= self.min_ictal_s <= self.length_s
        check_setting(fits, "windows.min_ictal_s", self.min_ictal_s, "0 to windows.length_s")
        fits = 0 <= self.min_ictal_share <= 1
        check_setting(fits, "windows.min_ictal_share", self.min_ictal_share, "0 to 1")

    def grid(self, rate_hz: int) -> WindowGrid:
        """The grid in samples of the store's rate."""
        length, stride = sp.samples_from_seconds([self.length_s, self.stride_s], rate_hz)
        return WindowGrid(length_samples=int(length), stride_samples=int(stride))

    def rule(self, rate_hz: int) -> LabelRule:
        """The label rule in samples of the store's rate."""
        seconds = (self.min_ictal_s, self.margin_s, self.peri_ictal_s)
        ictal, margin, peri_ictal = sp.samples_from_seconds(seconds, rate_hz).tolist()
        return LabelRule(
            min_ictal_samples=ictal,
            min_ictal_share=self.min_ictal_share,
            margin_samples=margin,
            peri_ictal_samples=peri_ictal,
        )


@dataclass(frozen=True, kw_only=True)
class IndexedRecording:
    """What the index needs to know of one recording, in samples of the store's rate.

    Args:
        id: Its name in the corpus.
        patient: Whose it is.
        samples: Its length.
        seizures: Sorted, disjoint, inside the recording: shape (seizures, 2).
        types: Type of each seizure as annotated, or nothing where types are unknown.
    """

    id: str
    patient: str
    samples: int
    seizures: Spans
    types: tuple[str, ...] = ()

    def ictal_shares(self, steps: int, samples_per_step: int) -> npt.NDArray[np.float64]:
        """Exact ictal share of each time step, of the last one as far as the recording goes: shape (steps,)."""
        edges = np.minimum(np.arange(steps + 1) * samples_per_step, self.samples)
        return np.asarray(sp.overlap(self.seizures, edges[:-1], edges[1:]) / np.diff(edges))


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowIndex:
    """Every window of a corpus with its exact number of ictal samples. Build it with `build`."""

    recordings: tuple[IndexedRecording, ...]
    grid: WindowGrid
    rule: LabelRule

    @cached_property
    def lengths(self) -> Samples:
        """Samples of every recording: shape (recordings,)."""
        return np.array([r.samples for r in self.recordings], dtype=np.int64)

    @cached_property
    def offsets(self) -> Numbers:
        """First window number of each recording, and the number of windows at the end: shape (recordings + 1,)."""
        return np.concatenate([[0], np.cumsum(self.grid.count(self.lengths))]).astype(np.int64)

    @cached_property
    def events(self) -> Spans:
        """All seizures, in samples of their recordings: shape (seizures, 2)."""
        return np.concatenate([sp.EMPTY, *(r.seizures for r in self.recordings)])

    @cached_property
    def event_recording(self) -> Numbers:
        """Recording number of each seizure: shape (seizures,)."""
        return np.repeat(np.arange(len(self.recordings)), [len(r.seizures) for r in self.recordings])

    @cached_property
    def labels(self) -> SampleLabels:
        """Ictal and labelled samples of any stretch."""
        return SampleLabels(self.lengths, self.events, self.event_recording, self.rule.margin_samples)

    @cached_property
    def seizure_windows(self) -> Numbers:
        """Numbers of all seizure windows, ascending: shape (seizure windows,)."""
        windows, _, codes = self._ictal_windows
        return windows[codes != AMBIGUOUS] if self.rule.can_miss else windows

    @cached_property
    def ictal_samples(self) -> Samples:
        """Ictal samples in each seizure window: shape (seizure windows,)."""
        _, ictal, codes = self._ictal_windows
        return ictal[codes != AMBIGUOUS] if self.rule.can_miss else ictal

    @property
    def windows(self) -> int:
        """Number of windows."""
        return int(self.offsets[-1])

    @cached_property
    def background_windows(self) -> int:
        """Number of windows without an ictal sample."""
        return self.windows - len(self._ictal_windows[0])

    @property
    def seizures(self) -> int:
        """Number of annotated seizures."""
        return len(self.events)

    @cached_property
    def hash(self) -> str:
        """Hash of everything that the index was made from."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f"{self.grid!r} {self.rule!r}".encode())
        for recording in self.recordings:
            digest.update(f"{recording.id}\0{recording.patient}\0{recording.samples}\0{recording.types}\0".encode())
            digest.update(np.ascontiguousarray(recording.seizures).tobytes())
        return digest.hexdigest()

    @cached_property
    def patients(self) -> tuple[str, ...]:
        """All patients, sorted."""
        return tuple(sorted({recording.patient for recording in self.recordings}))

    @cached_property
    def seizure_patient(self) -> Numbers:
        """Place in `patients` of each seizure's patient: shape (seizures,)."""
        place = {patient: number for number, patient in enumerate(self.patients)}
        owners = np.array([place[recording.patient] for recording in self.recordings], dtype=np.int64)
        found: Numbers = owners[self.event_recording]
        return found

    @cached_property
    def seizure_types(self) -> tuple[str, ...]:
        """Type of each seizure as annotated, "" where unknown."""
        return tuple(kind for r in self.recordings for kind in (r.types or ("",) * len(r.seizures)))

    @cached_property
    def seizure_of(self) -> Numbers:
        """Number of the seizure with most ictal samples in each seizure window, ties to the earlier one."""
        recording, start = self.locate(self.seizure_windows)
        stop = start + self.grid.length_samples
        base = (self.lengths.max(initial=0) + self.grid.length_samples + 1) * np.arange(len(self.recordings))
        events = self.events + base[self.event_recording, None]
        best: Numbers = np.searchsorted(events[:, 1], base[recording] + start, side="right")
        last = np.searchsorted(events[:, 0], base[recording] + stop, side="left") - 1
        more = np.flatnonzero(best < last)
        event = best[more]
        while len(more):
            event = event + 1
            better = self._common(event, start[more], stop[more]) > self._common(best[more], start[more], stop[more])
            best[more[better]] = event[better]
            further = event < last[more]
            more, event = more[further], event[further]
        return best

    def next_seizure(self, recording: Numbers, samples: Samples) -> Numbers:
        """Number of the first seizure of each recording that stops after a sample; any number where there is none."""
        base = self.lengths.max(initial=0) + 1
        stops = self.events[:, 1] + base * self.event_recording
        found: Numbers = np.searchsorted(stops, samples + base * recording, side="right")
        return np.minimum(found, max(self.seizures - 1, 0))

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

    def ictal_samples_in(self, windows: npt.ArrayLike) -> Samples:
        """Exact number of ictal samples of each window."""
        recording, start = self.locate(windows)
        return self.labels.ictal(recording, start, start + self.grid.length_samples)

    def labelled_samples_in(self, windows: npt.ArrayLike) -> tuple[Samples, Samples]:
        """Ictal samples that carry a label and all samples that do, of each window.

        They differ from `ictal_samples_in` and `valid_samples` where the label rule has margins.
        """
        recording, start = self.locate(windows)
        return self.labels.labelled(recording, start, start + self.grid.length_samples)

    def labelled_totals(self, *strata: str) -> tuple[int, int]:
        """Ictal samples that carry a label and all samples that do, summed over all windows of some strata.

        Exact, and without listing the windows: every window is whole but the last of a recording, and only windows that
        a margin or a seizure reaches into differ from one another.
        """
        chosen = np.isin(np.arange(len(STRATA)), [STRATA.index(stratum) for stratum in strata])
        last = self.offsets[1:][np.diff(self.offsets) > 0] - 1
        last = last[chosen[self.stratum_of(last)]]
        whole = self.strip.counts(len(STRATA))[chosen].sum() * self.grid.length_samples
        valid = whole - (self.grid.length_samples - self.valid_samples(last)).sum()
        near = pools.expand(self.near(self.rule.margin_samples))
        near = near[chosen[self.stratum_of(near)]]
        ictal, labelled = self.labelled_samples_in(near)
        return int(ictal.sum()), int(valid - (self.valid_samples(near) - labelled).sum())

    def background(self, ranks: npt.ArrayLike) -> Numbers:
        """Number of the n-th window without an ictal sample, for each n in `0..background_windows-1`."""
        return self._background.members(ranks)

    def pool(self, *strata: str) -> Pool:
        """The windows of some strata (names of `STRATA`), ascending."""
        return self.strip.pool([STRATA.index(stratum) for stratum in strata])

    def stratum_of(self, windows: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Place in `STRATA` of each window's stratum."""
        return self.strip.codes_of(windows)

    def strata(self) -> dict[str, int]:
        """Number of windows of each stratum."""
        return dict(zip(STRATA, self.strip.counts(len(STRATA)).tolist(), strict=True))

    def statistics(self) -> dict[str, Any]:
        """Seizure windows in all and by recording: what a training program would otherwise probe for."""
        owner, _ = self.locate(self.seizure_windows)
        counts = np.bincount(owner, minlength=len(self.recordings))
        chance = (1 - len(self.seizure_windows) / self.windows) ** 1000
        return {
            "windows": self.windows,
            "seizure_windows": len(self.seizure_windows),
            "share": len(self.seizure_windows) / self.windows,
            "expected_in_1000": 1000 * len(self.seizure_windows) / self.windows,
            "chance_of_none_in_1000": chance,
            "strata": self.strata(),
            "by_recording": {r.id: int(n) for r, n in zip(self.recordings, counts, strict=True) if n},
        }

    def select(self, numbers: Sequence[int]) -> WindowIndex:
        """The index of some of the recordings, in the order given."""
        return build([self.recordings[n] for n in numbers], self.grid, self.rule)

    @cached_property
    def _background(self) -> Pool:
        return self.pool(*BACKGROUND)

    @cached_property
    def strip(self) -> Strip:
        """All windows as runs of one stratum each."""
        counts = np.diff(self.offsets)
        held = np.bincount(self.event_recording, minlength=len(self.recordings)) > 0
        own = np.stack([self.offsets[:-1], self.offsets[1:]], axis=1)
        far = np.where(held, INTERICTAL, SEIZURE_FREE).astype(np.int8)
        near = self.near(self.rule.peri_ictal_samples)
        layers = [
            (own[counts > 0], far[counts > 0]),
            (near, np.full(len(near), PERI_ICTAL, dtype=np.int8)),
            pools.runs_of(*self._ictal_windows[::2]),
        ]
        return pools.strip(self.windows, layers)

    @cached_property
    def _ictal_windows(self) -> tuple[Numbers, Samples, npt.NDArray[np.int8]]:
        """Number, ictal samples and stratum of every window with an ictal sample; chunks keep the memory small."""
        windows = pools.expand(self.near(0))
        ictal, codes = np.empty(len(windows), dtype=np.int64), np.empty(len(windows), dtype=np.int8)
        for first in range(0, len(windows), _CHUNK_WINDOWS):
            chunk = slice(first, first + _CHUNK_WINDOWS)
            ictal[chunk] = self.ictal_samples_in(windows[chunk])
            codes[chunk] = np.where(ictal[chunk] == self.valid_samples(windows[chunk]), FULL, PARTIAL)
            if self.rule.can_miss:
                codes[chunk][~self.rule.met(*self.labelled_samples_in(windows[chunk]))] = AMBIGUOUS
        return windows, ictal, codes

    def near(self, samples: int) -> Spans:
        """Windows that hold a sample this close to a seizure of their recording (0: an ictal one), as normal runs."""
        owner = self.event_recording
        stretches = np.clip(self.events + np.array([-samples, samples]), 0, self.lengths[owner, None])
        first = np.maximum((stretches[:, 0] - self.grid.length_samples) // self.grid.stride_samples + 1, 0)
        stop = np.minimum((stretches[:, 1] - 1) // self.grid.stride_samples + 1, np.diff(self.offsets)[owner])
        return sp.union(np.stack([first, stop], axis=1) + self.offsets[owner, None])

    def _common(self, event: Numbers, starts: Samples, stops: Samples) -> Samples:
        """Samples that a seizure and a stretch of its recording have in common."""
        common: Samples = np.minimum(self.events[event, 1], stops) - np.maximum(self.events[event, 0], starts)
        return common


def build(recordings: Sequence[IndexedRecording], grid: WindowGrid, rule: LabelRule = ANY_ICTAL) -> WindowIndex:
    """Count windows and ictal samples of every recording, seizure by seizure.

    Raises:
        InputError: if a seizure lies outside its recording (code `event-outside`), or the seizures of a recording are
            not sorted and disjoint (`event-overlap`).
    """
    index = WindowIndex(recordings=tuple(recordings), grid=grid, rule=rule)
    _require_inside(index)
    _require_sorted(index)
    assert index.strip.windows == index.windows
    return index


def _require_inside(index: WindowIndex) -> None:
    events, owner = index.events, index.event_recording
    outside = (events[:, 0] < 0) | (events[:, 1] > index.lengths[owner]) | (events[:, 0] >= events[:, 1])
    for event in np.flatnonzero(outside)[:1]:
        recording = index.recordings[owner[event]]
        raise InputError(
            "A seizure lies outside its recording or is empty",
            where=recording.id,
            got=f"samples {events[event].tolist()}",
            expected=f"start < stop inside 0..{recording.samples}",
            remedy="check the annotation's times and unit against the EDF",
            code="event-outside",
        )


def _require_sorted(index: WindowIndex) -> None:
    events, owner = index.events, index.event_recording
    early = (events[1:, 0] < events[:-1, 1]) & (owner[1:] == owner[:-1])
    for event in np.flatnonzero(early)[:1]:
        raise InputError(
            "The seizures of a recording overlap or are not in order",
            where=index.recordings[owner[event]].id,
            got=f"samples {events[event].tolist()}, then {events[event + 1].tolist()}",
            expected="sorted, disjoint seizures",
            remedy="unite them first: `ictal.timeline.spans.union`",
            code="event-overlap",
        )
