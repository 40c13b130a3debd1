"""A trace that is followed gives the events of the whole trace, each when it is certain and no later."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.events import EventRule, confidence, events, means_inside, onset_span
from ictal.detection.following import Change, EventFollower

RATE_HZ = 4.0
DURATIONS_S = st.sampled_from([0.0, 0.25, 0.3, 0.75, 1.5])
RULES = st.builds(
    EventRule,
    on=st.sampled_from([0.5, 0.8]),
    off_ratio=st.sampled_from([0.5, 1.0]),
    min_duration_s=DURATIONS_S,
    merge_gap_s=DURATIONS_S,
    refractory_s=DURATIONS_S,
)
TRACES = st.lists(st.sampled_from([0.0, 0.2, 0.3, 0.45, 0.5, 0.8, 1.0]), max_size=60)


def beside(trace: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Two numbers that stand beside each step of a trace."""
    return np.random.default_rng(len(trace)).normal(size=(len(trace), 2))


def followed(trace: npt.NDArray[np.float64], rule: EventRule, cuts: list[int]) -> list[Change]:
    follower, numbers = EventFollower(RATE_HZ, rule), beside(trace)
    edges = [0, *sorted(min(cut, len(trace)) for cut in cuts), len(trace)]
    return [c for a, b in pairwise(edges) for c in follower.push(trace[a:b], numbers[a:b])] + follower.finish()


@settings(max_examples=400)
@given(trace=TRACES, rule=RULES, cuts=st.lists(st.integers(0, 60), max_size=5))
def test_ends_are_the_events_of_the_whole_trace(trace: list[float], rule: EventRule, cuts: list[int]) -> None:
    """Onset, stop, earliest onset, confidence and means of what stands beside, for any rule and any pieces."""
    whole = np.array(trace, dtype=np.float64)
    ends = [change for change in followed(whole, rule, cuts) if change.ended]
    expected = events(whole, RATE_HZ, rule)
    assert [[end.onset_s, end.stop_s] for end in ends] == expected.tolist()
    assert [end.earliest_s for end in ends] == onset_span(whole, RATE_HZ, expected, rule)[:, 0].tolist()
    np.testing.assert_allclose([end.confidence for end in ends], confidence(whole, RATE_HZ, expected))
    means = np.array([end.beside for end in ends]).reshape(-1, 2)
    np.testing.assert_allclose(means, means_inside(beside(whole), RATE_HZ, expected), rtol=1e-9, atol=1e-12)


@settings(max_examples=200)
@given(trace=TRACES, rule=RULES)
def test_every_event_begins_once_and_then_ends(trace: list[float], rule: EventRule) -> None:
    """Beginnings and ends alternate, with the same onset; what has begun is never taken back."""
    changes = followed(np.array(trace, dtype=np.float64), rule, [])
    assert [change.ended for change in changes] == [False, True] * (len(changes) // 2)
    for begin, end in zip(changes[::2], changes[1::2], strict=True):
        assert (begin.onset_s, begin.earliest_s) == (end.onset_s, end.earliest_s)
        assert begin.stop_s <= end.stop_s


@settings(max_examples=200)
@given(trace=TRACES, rule=RULES)
def test_a_beginning_is_said_as_early_as_it_is_certain(trace: list[float], rule: EventRule) -> None:
    """At the first step after which the trace so far holds the event, if it ended there."""
    whole = np.array(trace, dtype=np.float64)
    follower = EventFollower(RATE_HZ, rule)
    for step in range(len(whole)):
        begun = [change for change in follower.push(whole[step : step + 1]) if not change.ended]
        onsets = [set(events(whole[:stop], RATE_HZ, rule)[:, 0].tolist()) for stop in (step, step + 1)]
        assert {change.onset_s for change in begun} == onsets[1] - onsets[0]


def test_an_end_is_said_when_nothing_can_merge() -> None:
    """`merge_gap_s` after the stop, not at the next event."""
    rule = EventRule(on=0.8, off_ratio=0.5, min_duration_s=0.5, merge_gap_s=1.0)
    follower = EventFollower(RATE_HZ, rule)
    said = [[c.ended for c in follower.push(np.array([value]))] for value in [0.9, 0.9, 0.1, 0.1, 0.1, 0.1]]
    assert said == [[], [False], [], [], [], [True]]


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_an_error(value: float) -> None:
    """As for whole traces."""
    with pytest.raises(AssertionError):
        EventFollower(RATE_HZ, EventRule()).push(np.array([value]))
