"""Event lists: validated at the door, normal inside."""

from __future__ import annotations

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.scoring.eventlists import SEPARATION_TICKS, TICKS_PER_S, event_lists


def _local(events_s: list[tuple[float, float]], duration_s: float = 100.0) -> list[list[float]]:
    lists = event_lists([events_s], [duration_s], ["r"])
    return (lists.spans / TICKS_PER_S).tolist()


def test_unsorted_nested_and_overlapping_events_are_united() -> None:
    """Order and double annotation do not matter."""
    events = [(50.0, 60.0), (10.0, 30.0), (15.0, 20.0), (25.0, 40.0)]
    assert _local(events) == [[10.0, 40.0], [50.0, 60.0]]


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ((10.0, 10.0), [10.0, 10.0001]),
        ((10.0, 10.00003), [10.0, 10.0001]),
        ((100.0, 100.0), [99.9999, 100.0]),
        ((0.0, 0.0), [0.0, 0.0001]),
    ],
)
def test_an_event_shorter_than_a_tick_takes_one_tick(event: tuple[float, float], kept: list[float]) -> None:
    """Tiny events are kept, also at the recording's ends."""
    np.testing.assert_allclose(_local([event]), [kept], atol=1e-9)


def test_an_event_that_leaves_the_recording_by_a_second_is_cut() -> None:
    """Durations written as whole seconds are no reason to refuse."""
    assert _local([(-1.0, 5.0), (95.0, 101.0)]) == [[0.0, 5.0], [95.0, 100.0]]


@pytest.mark.parametrize("event", [(-1.1, 5.0), (95.0, 101.1), (200.0, 210.0)])
def test_an_event_that_leaves_the_recording_by_more_is_refused(event: tuple[float, float]) -> None:
    """The annotation belongs to another recording, or its times are not seconds."""
    with pytest.raises(InputError) as error:
        _local([(1.0, 2.0), event])
    assert error.value.code == "event-outside"
    assert f"{event[0]:g} s to {event[1]:g} s" in str(error.value)


@pytest.mark.parametrize("event", [(5.0, 4.0), (np.nan, 4.0), (4.0, np.nan), (4.0, np.inf), (-np.inf, 4.0)])
def test_times_that_are_no_interval_are_refused(event: tuple[float, float]) -> None:
    """Backwards, NaN and infinite times name the recording."""
    with pytest.raises(InputError) as error:
        event_lists([[], [event]], [100.0, 100.0], ["good", "bad"])
    assert (error.value.code, error.value.where) == ("event-times", "bad")


@pytest.mark.parametrize("duration_s", [0.0, -1.0, np.nan, np.inf])
def test_a_recording_without_duration_is_refused(duration_s: float) -> None:
    """Rates per 24 h need recorded time."""
    with pytest.raises(InputError) as error:
        event_lists([[], []], [100.0, duration_s], ["good", "bad"])
    assert (error.value.code, error.value.where) == ("duration", "bad")


def test_recordings_lie_further_apart_than_anything_reaches() -> None:
    """Between two recordings on the axis there is a day."""
    lists = event_lists([[(0.0, 10.0)], [], [(0.0, 10.0)]], [10.0, 5.0, 10.0], ["a", "b", "c"])
    assert np.diff(lists.starts).tolist() == [10 * TICKS_PER_S + SEPARATION_TICKS, 5 * TICKS_PER_S + SEPARATION_TICKS]
    assert lists.recording_of(lists.spans.ravel() - [0, 1, 0, 1]).tolist() == [0, 0, 2, 2]


def test_no_recording_is_an_empty_list() -> None:
    """An empty corpus is laid out without complaint."""
    lists = event_lists([], [], [])
    assert lists.spans.shape == (0, 2)
    assert lists.starts.shape == (0,)
