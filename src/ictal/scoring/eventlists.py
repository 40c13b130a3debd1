"""The events of many recordings, validated once and laid on one axis of integer ticks.

A tick is 0.1 ms, the resolution of TUSZ's annotations. Recordings lie `SEPARATION_TICKS` apart on the axis, further
than any tolerance or merging reaches, so that array operations over the whole corpus still treat each recording alone.

Invariants: spans are sorted, disjoint, not empty, and inside their recording. Unsorted, nested and overlapping events
are united; an event shorter than a tick takes one tick rather than vanish; an event that leaves its recording by more
than `SLACK_S` is an error, by less it is cut at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.timeline.spans import Samples, Spans, samples_from_seconds, union

TICKS_PER_S = 10_000
SEPARATION_TICKS = 86_400 * TICKS_PER_S
SLACK_S = 1.0
"""Seconds by which an event may leave its recording: writers round durations to whole seconds."""


@dataclass(frozen=True, kw_only=True)
class EventLists:
    """Events of many recordings on one axis.

    Args:
        spans: Events in ticks of the axis, normal, shape (events, 2).
        starts: First tick of each recording on the axis, shape (recordings,).
        durations: Ticks in each recording, shape (recordings,).
        durations_s: Seconds in each recording as given, shape (recordings,).
    """

    spans: Spans
    starts: Samples
    durations: Samples
    durations_s: npt.NDArray[np.float64]

    def recording_of(self, ticks: Samples) -> Samples:
        """Number of the recording that each tick of the axis lies in."""
        return np.searchsorted(self.starts, ticks, side="right").astype(np.int64) - 1

    def counted(self, ticks: Samples) -> Samples:
        """How many of the ticks lie in each recording, shape (recordings,)."""
        return np.bincount(self.recording_of(ticks), minlength=len(self.starts)).astype(np.int64)


def event_lists(events_s: Sequence[npt.ArrayLike], durations_s: Sequence[float], names: Sequence[str]) -> EventLists:
    """Validate the events of many recordings and lay them on one axis.

    Args:
        events_s: Per recording `(onset_s, stop_s)` of each event, in any order.
        durations_s: Seconds of each recording.
        names: What an error calls each recording (`reference of aaaa_s001_t000`).

    Raises:
        InputError: if a time is not finite, an event stops before its onset or leaves its recording, or a recording is
            not longer than nothing.
    """
    assert len(events_s) == len(durations_s) == len(names), (len(events_s), len(durations_s), len(names))
    pairs = [np.asarray(e, dtype=np.float64).reshape(-1, 2) for e in events_s]
    recording = np.repeat(np.arange(len(pairs)), [len(p) for p in pairs])
    flat_s = np.concatenate([np.empty((0, 2)), *pairs])
    seconds = np.asarray(durations_s, dtype=np.float64)
    _check_durations(seconds, names)
    _check_events(flat_s, seconds, recording, names)
    durations = np.maximum(samples_from_seconds(seconds, TICKS_PER_S), 1)
    ends = np.cumsum(durations + SEPARATION_TICKS)
    starts = ends - durations - SEPARATION_TICKS
    spans = _inside(samples_from_seconds(flat_s, TICKS_PER_S), durations[recording])
    return EventLists(
        spans=union(spans + starts[recording, None]), starts=starts, durations=durations, durations_s=seconds
    )


def _inside(spans: Spans, durations: Samples) -> Spans:
    """Each event cut to `[0, duration)` and at least one tick long."""
    onset = np.clip(spans[:, 0], 0, durations - 1)
    stop = np.clip(spans[:, 1], onset + 1, durations)
    return np.stack([onset, stop], axis=1)


def _check_durations(durations_s: npt.NDArray[np.float64], names: Sequence[str]) -> None:
    for number in np.flatnonzero(~(np.isfinite(durations_s) & (durations_s > 0.0)))[:1]:
        raise InputError(
            "A recording has no duration to score",
            where=names[number],
            got=f"{durations_s[number]:g} s",
            expected="a finite duration above 0 s",
            remedy="give the recording's duration as its EDF header states it",
            code="duration",
        )


def _check_events(
    events_s: npt.NDArray[np.float64],
    durations_s: npt.NDArray[np.float64],
    recording: npt.NDArray[np.int64],
    names: Sequence[str],
) -> None:
    onset_s, stop_s = events_s.T
    backwards = ~(np.isfinite(events_s).all(axis=1) & (onset_s <= stop_s))
    for number in np.flatnonzero(backwards)[:1]:
        raise InputError(
            "An event's times are not an interval",
            where=names[recording[number]],
            got=f"{onset_s[number]:g} s to {stop_s[number]:g} s",
            expected="finite times, the onset not after the end",
            remedy="correct the annotation; check that its times are seconds from the recording's start",
            code="event-times",
        )
    outside = (onset_s < -SLACK_S) | (stop_s > durations_s[recording] + SLACK_S)
    for number in np.flatnonzero(outside)[:1]:
        raise InputError(
            "An event lies outside its recording",
            where=names[recording[number]],
            got=f"{onset_s[number]:g} s to {stop_s[number]:g} s",
            expected=f"inside 0 s to {durations_s[recording[number]]:g} s (give or take {SLACK_S:g} s)",
            remedy="check that annotation and recording belong together and that times are seconds",
            code="event-outside",
        )
