"""SzCORE event counts at every threshold there is, exactly, from the level of each step (`detection.levels`).

At a threshold, the events are the runs of steps whose level is at least that. So each count is a sum of terms that hold
up to one threshold each, and all thresholds are counted by sorting those terms:

- merging events less than 90 s apart is one more flat closing (`timeline.flat`);
- a seizure is found up to the highest level that its extended piece meets;
- the false events are the runs that meet no extended piece, since meeting one makes it found. Runs are counted by where
  they begin, a term for each rise; those that go on into an extended piece are taken off again;
- what is longer than 300 s is cut. Such runs are few and are followed one by one, from each height to the next.

Invariant: at any threshold the counts are those of `count_events_by_recording` on the events at that threshold. They
add: staircases of recordings, or of patients, together are that of all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.bootstrap import divided
from ictal.scoring.counts import SECONDS_PER_DAY, Counts
from ictal.scoring.curves import Curve, Trace
from ictal.scoring.eventlists import TICKS_PER_S, EventLists, event_lists
from ictal.scoring.szcore import SZCORE, count_events_by_recording, extended_by, pieces_of
from ictal.timeline.flat import NEVER, closed, opened
from ictal.timeline.spans import Coverage, Samples, Spans, samples_from_seconds, union

Floats: TypeAlias = npt.NDArray[np.float64]
Terms: TypeAlias = tuple[Floats, npt.NDArray[np.int64]]
"""Heights, and what each adds to a count at all thresholds up to it."""

BLOCK_STEPS = 1 << 20
"""Steps that are held in memory at once, unless one recording alone has more."""
_BLOCK_PIECES = 1 << 20

_MERGED_TICKS = round(SZCORE.min_duration_between_events_s * TICKS_PER_S)
_LONGEST_TICKS = round(SZCORE.max_event_duration_s * TICKS_PER_S)


@dataclass(frozen=True, kw_only=True, eq=False)
class Staircase:
    """Pooled counts as they change from threshold to threshold.

    Args:
        highest: Thresholds up to which each row holds, ascending, the last is 1; each row holds from above the one
            before (the first from above 0), shape (rows,).
        true_positives: Seizures found, shape (rows,).
        false_positives: False events, shape (rows,).
        reference: Seizures.
        duration_s: Recorded time.
        every_threshold: Whether the rows hold for all thresholds, or stand for those in `highest` alone.
    """

    highest: Floats
    true_positives: npt.NDArray[np.int64]
    false_positives: npt.NDArray[np.int64]
    reference: int
    duration_s: float
    every_threshold: bool = True

    def at(self, threshold: float) -> Counts:
        """The counts at one threshold above 0, at most 1."""
        assert 0.0 < threshold <= 1.0, threshold
        row = int(np.searchsorted(self.highest, threshold))
        return Counts(
            reference=self.reference,
            true_positives=int(self.true_positives[row]),
            false_positives=int(self.false_positives[row]),
            duration_s=self.duration_s,
        )

    def curve(self) -> Curve:
        """The ratios of every row, at a threshold in the middle of those for which it holds, by log-odds."""
        found, false = self.true_positives.astype(np.float64), self.false_positives.astype(np.float64)
        return Curve(
            thresholds=_middles(self.highest) if self.every_threshold else self.highest,
            highest=self.highest,
            sensitivity=divided(found, np.full_like(found, self.reference)),
            precision=divided(found, found + false),
            f1=divided(2 * found, found + false + self.reference),
            false_alarms_per_24h=divided(false * SECONDS_PER_DAY, np.full_like(false, self.duration_s)),
            every_threshold=self.every_threshold,
        )

    def changes(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """What each row has over the one above it: seizures found, and false events, shape (rows,)."""
        found, false = (column - np.append(column[1:], 0) for column in (self.true_positives, self.false_positives))
        return found, false


def staircase(traces: Sequence[Trace], levels: Sequence[Floats], rate_hz: float) -> Staircase:
    """Count at every threshold.

    Args:
        traces: The recordings.
        levels: The level of every step of each.
        rate_hz: Steps per second.

    Raises:
        InputError: as `event_lists`.
    """
    names, durations_s = [trace.name for trace in traces], [trace.duration_s for trace in traces]
    lists = event_lists([trace.reference_s for trace in traces], durations_s, [f"reference of {n}" for n in names])
    pieces = pieces_of(lists.spans, SZCORE)
    extended = extended_by(pieces, lists, SZCORE)
    clock = _Clock.of(max((len(level) for level in levels), default=0), rate_hz)
    found: list[Terms] = []
    false: list[Terms] = []
    for first, stop in _blocks([len(level) for level in levels]):
        block = _Block.of(levels[first:stop], first, clock, lists, extended)
        found.append(_summed([block.found()]))
        false.append(_summed([block.begun(), block.ended(), block.cut()]))
    return _rows(_summed(found), _summed(false), reference=len(pieces), duration_s=math.fsum(durations_s))


def sampled(trace: Trace, thresholds: Floats, found_s: Sequence[Floats]) -> Staircase:
    """Count at some thresholds alone, for events that have no levels.

    Args:
        trace: The recording.
        thresholds: Ascending, shape (thresholds,).
        found_s: The events `(onset_s, stop_s)` at each threshold.

    Raises:
        InputError: as `event_lists`.
    """
    assert len(found_s) == thresholds.size > 0, (len(found_s), thresholds.size)
    durations_s = [trace.duration_s] * thresholds.size
    reference, said = (
        event_lists(events_s, durations_s, [f"{side} of {trace.name}"] * thresholds.size)
        for side, events_s in (("reference", [trace.reference_s] * thresholds.size), ("hypothesis", found_s))
    )
    table = count_events_by_recording(reference, said)
    return Staircase(
        highest=thresholds,
        true_positives=table.true_positives.astype(np.int64),
        false_positives=table.false_positives.astype(np.int64),
        reference=int(table.reference[0]),
        duration_s=trace.duration_s,
        every_threshold=False,
    )


def added(stairs: Sequence[Staircase]) -> Staircase:
    """The counts of all together; if some hold for some thresholds alone, all must be of the same ones."""
    changes = [one.changes() for one in stairs]
    found = _summed([(one.highest, change) for one, (change, _) in zip(stairs, changes, strict=True)])
    false = _summed([(one.highest, change) for one, (_, change) in zip(stairs, changes, strict=True)])
    reference, duration_s = sum(one.reference for one in stairs), math.fsum(one.duration_s for one in stairs)
    if all(one.every_threshold for one in stairs):
        return _rows(found, false, reference=reference, duration_s=duration_s)
    highest = stairs[0].highest
    assert all(np.array_equal(one.highest, highest) for one in stairs), "counted at different thresholds"
    pooled = _rows(found, false, reference=reference, duration_s=duration_s, highest=highest)
    return replace(pooled, every_threshold=False)


@dataclass(frozen=True, kw_only=True)
class _Clock:
    """Where steps lie in time.

    Args:
        ticks: Onset of each step, and of one more, in ticks of its recording.
        gap: Steps of the longest gap that is less than 90 s.
        cut: Steps of the shortest run that can be longer than 300 s.
    """

    ticks: Samples
    gap: int
    cut: int

    @classmethod
    def of(cls, steps: int, rate_hz: float) -> _Clock:
        reach = steps + math.ceil(rate_hz * (_MERGED_TICKS + _LONGEST_TICKS) / TICKS_PER_S) + 2
        ticks = samples_from_seconds(np.arange(reach) / rate_hz, TICKS_PER_S)
        gap = int(np.searchsorted(ticks, _MERGED_TICKS)) - 1
        shorter, longer = ticks[gap:] - ticks[: reach - gap], ticks[gap + 1 :] - ticks[: reach - gap - 1]
        assert shorter.max() < _MERGED_TICKS <= longer.min(), f"steps at {rate_hz} Hz do not keep 90 s apart"
        return cls(ticks=ticks, gap=gap, cut=int(np.searchsorted(ticks, _LONGEST_TICKS - 1)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    """Some recordings on one axis of steps, `NEVER` before, between and after them.

    Args:
        height: Level of each step after merging.
        recording: Number of each recording.
        starts: First step of each on the axis.
        lengths: Steps of each.
        clock: Where steps lie in time.
        lists: The reference.
        met: First and last step and one more that each extended piece meets, in order; some may be empty.
        extended: Extended pieces of the whole corpus.
    """

    height: Floats
    recording: Samples
    starts: Samples
    lengths: Samples
    clock: _Clock
    lists: EventLists
    met: Spans
    extended: Spans

    @classmethod
    def of(cls, levels: Sequence[Floats], first: int, clock: _Clock, lists: EventLists, extended: Spans) -> _Block:
        lengths = np.array([len(level) for level in levels], dtype=np.int64)
        apart = clock.gap + 1
        starts = np.cumsum(lengths + apart) - lengths
        joined = np.full(int((lengths + apart).sum()) + 1, NEVER)
        for start, level in zip(starts.tolist(), levels, strict=True):
            joined[start : start + len(level)] = level
        recording = np.arange(first, first + len(levels))
        late = clock.ticks[np.maximum(lengths - 1, 0)] >= lists.durations[recording]
        assert not late.any(), f"recording {recording[late]} ends before its last step begins"
        owner = lists.recording_of(extended[:, 0])
        own = extended[(owner >= first) & (owner < first + len(levels))]
        block = cls(
            height=closed(joined, clock.gap), recording=recording, starts=starts, lengths=lengths,
            clock=clock, lists=lists, met=np.empty((0, 2), dtype=np.int64), extended=extended,
        )  # fmt: skip
        return replace(block, met=block.steps_met(own))

    def steps_met(self, extended: Spans) -> Spans:
        """Steps of the axis that share time with each extended piece."""
        recording = self.lists.recording_of(extended[:, 0])
        place = recording - self.recording[0]
        ticks = extended - self.lists.starts[recording, None]
        onset = np.searchsorted(self.clock.ticks, ticks[:, 0], side="right") - 1
        stop = np.searchsorted(self.clock.ticks, ticks[:, 1], side="left")
        steps = np.minimum(np.stack([onset, stop], axis=1), self.lengths[place, None])
        return np.asarray(steps + self.starts[place, None], dtype=np.int64)

    def found(self) -> Terms:
        """Every seizure, up to the highest level that it meets."""
        heights = [self.height[start:stop].max(initial=NEVER) for start, stop in self.met.tolist()]
        return np.array(heights, dtype=np.float64), np.ones(len(heights), dtype=np.int64)

    def begun(self) -> Terms:
        """Every run that begins outside all extended pieces."""
        inside = np.zeros(self.height.size, dtype=np.bool_)
        for start, stop in self.met.tolist():
            inside[start:stop] = True
        rises = np.flatnonzero((self.height[1:] > self.height[:-1]) & ~inside[1:])
        ones = np.ones(rises.size, dtype=np.int64)
        return np.concatenate([self.height[rises + 1], self.height[rises]]), np.concatenate([ones, -ones])

    def ended(self) -> Terms:
        """Of these, the runs that meet the extended piece after them; what fills a gap of two has not begun there."""
        blocks = union(self.met)
        reaches = np.minimum(self.height[blocks[:, 0] - 1], self.height[blocks[:, 0]])
        fills = [
            self.height[left - 1 : right + 1].min() for left, right in zip(blocks[:-1, 1], blocks[1:, 0], strict=True)
        ]
        signs = np.repeat([-1, 1], [len(reaches), len(fills)])
        return np.concatenate([reaches, np.array(fills, dtype=np.float64)]), signs.astype(np.int64)

    def cut(self) -> Terms:
        """What pieces of 300 s add to the false events, over one for each run."""
        heights, below, runs = _runs(opened(self.height, self.clock.cut))
        added = np.concatenate(
            [np.empty(0, dtype=np.int64), *(self._added(runs[rows]) for rows in self._portions(runs))]
        )
        return np.concatenate([heights, below]), np.concatenate([added, -added])

    def _ticks(self, runs: Spans) -> Spans:
        """Runs of steps in ticks of the reference's axis."""
        place = np.searchsorted(self.starts, runs[:, 0], side="right") - 1
        recording = self.recording[place]
        ticks = self.clock.ticks[runs - self.starts[place, None]]
        stop = np.minimum(ticks[:, 1], self.lists.durations[recording])
        return np.stack([ticks[:, 0], stop], axis=1) + self.lists.starts[recording, None]

    def _portions(self, runs: Spans) -> Iterator[slice]:
        """Rows of at most so many pieces together, or one row."""
        edges = np.cumsum((runs[:, 1] - runs[:, 0]) // self.clock.cut + 2) // _BLOCK_PIECES
        starts = np.flatnonzero(np.diff(edges, prepend=-1)).tolist()
        yield from (slice(a, b) for a, b in itertools.pairwise([*starts, len(runs)]))

    def _added(self, runs: Spans) -> npt.NDArray[np.int64]:
        whole = self._ticks(runs)
        pieces = -(-(whole[:, 1] - whole[:, 0]) // _LONGEST_TICKS)
        nth = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        onset = np.repeat(whole[:, 0], pieces) + nth * _LONGEST_TICKS
        stop = np.minimum(onset + _LONGEST_TICKS, np.repeat(whole[:, 1], pieces))
        coverage = Coverage(union(self.extended))
        false = np.add.reduceat((coverage.inside(onset, stop) == 0).astype(np.int64), np.cumsum(pieces) - pieces)
        alone = coverage.inside(whole[:, 0], whole[:, 1]) == 0
        return np.asarray(false - alone, dtype=np.int64)


def _runs(height: Floats) -> tuple[Floats, Floats, Spans]:
    """Every run that there is at some height above 0: up to which height, from above which, and from where to where."""
    first = np.flatnonzero(np.diff(height, prepend=-np.inf))
    heights, belows, starts, stops = [], [], [], []
    stack: list[tuple[float, int]] = [(NEVER, 0)]
    for value, place in zip([*height[first].tolist(), NEVER], [*first.tolist(), height.size], strict=True):
        start = place
        while stack[-1][0] > value:
            top, start = stack.pop()
            heights.append(top)
            belows.append(max(value, stack[-1][0]))
            starts.append(start)
            stops.append(place)
        if stack[-1][0] < value:
            stack.append((value, start))
    spans = np.array([starts, stops], dtype=np.int64).T.reshape(-1, 2)
    high = np.array(heights, dtype=np.float64)
    above_zero = high > 0.0
    return high[above_zero], np.array(belows, dtype=np.float64)[above_zero], spans[above_zero]


def _blocks(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Recordings from, to below, that are counted together."""
    first = steps = 0
    for number, length in enumerate(lengths):
        if number > first and steps + length > BLOCK_STEPS:
            yield first, number
            first, steps = number, 0
        steps += length
    if lengths:
        yield first, len(lengths)


def _summed(parts: Sequence[Terms]) -> Terms:
    """One term for each height above 0, ascending, without those that add nothing."""
    heights = np.concatenate([np.empty(0), *(height for height, _ in parts)])
    amounts = np.concatenate([np.empty(0, dtype=np.int64), *(amount for _, amount in parts)])
    above = heights > 0.0
    order = np.argsort(heights[above])
    heights, amounts = heights[above][order], amounts[above][order]
    if heights.size == 0:
        return heights, amounts
    first = np.flatnonzero(np.diff(heights, prepend=-np.inf))
    totals = np.add.reduceat(amounts, first)
    return heights[first][totals != 0], totals[totals != 0]


def _rows(found: Terms, false: Terms, *, reference: int, duration_s: float, highest: Floats | None = None) -> Staircase:
    """Rows where something changes, or at the thresholds that are asked for."""
    if highest is None:
        highest = np.unique(np.concatenate([found[0], false[0], [1.0]]))
    return Staircase(
        highest=highest,
        true_positives=_from(found, highest),
        false_positives=_from(false, highest),
        reference=reference,
        duration_s=duration_s,
    )


def _from(terms: Terms, thresholds: Floats) -> npt.NDArray[np.int64]:
    """Sum of the terms that hold at each threshold."""
    heights, amounts = terms
    upwards = np.append(np.cumsum(amounts[::-1])[::-1], 0)
    return np.asarray(upwards[np.searchsorted(heights, thresholds)], dtype=np.int64)


def _middles(highest: Floats) -> Floats:
    """A threshold well inside each row: its highest one where a row begins at 0 or ends at 1."""
    middles = highest.copy()
    below, above = highest[:-2], highest[1:-1]
    odds = np.sqrt(below / (1.0 - below)) * np.sqrt(above / (1.0 - above))
    middle = odds / (1.0 + odds)
    middles[1:-1] = np.where((middle > below) & (middle <= above), middle, above)
    return middles
