"""A sweep over thresholds finds what each recording alone has at each threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.events import EventRule, events
from ictal.detection.sweep import events_by_threshold

LEVELS = st.sampled_from([0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0])
TRACES = st.lists(st.lists(LEVELS, max_size=40).map(lambda values: np.array(values, dtype=np.float64)), max_size=5)


@settings(max_examples=300)
@given(
    TRACES,
    st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.7, 1.0]), max_size=5).map(sorted),
    st.sampled_from([0.5, 0.7, 1.0]),
    st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    st.sampled_from([0.0, 3.0]),
    st.sampled_from([1.0, 4.0, 10.0]),
)
def test_equals_each_recording_alone(
    traces: list[np.ndarray],
    thresholds: list[float],
    off_ratio: float,
    gap_s: float,
    shortest_s: float,
    refractory_s: float,
    rate_hz: float,
) -> None:
    """Float for float, whatever the rule, in as many recordings as there are."""
    plain = EventRule(off_ratio=off_ratio, min_duration_s=shortest_s, merge_gap_s=gap_s, refractory_s=refractory_s)
    rules = [replace(plain, on=on) for on in thresholds]
    swept = list(events_by_threshold(traces, rate_hz, rules))
    assert len(swept) == len(rules)
    for rule, found in zip(rules, swept, strict=True):
        assert [f.tolist() for f in found] == [events(trace, rate_hz, rule).tolist() for trace in traces]


def test_events_at_the_ends_of_two_recordings_stay_two() -> None:
    """However far merging and the refractory time reach."""
    traces = [np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])]
    rule = EventRule(on=0.5, min_duration_s=0.0, merge_gap_s=1e6, refractory_s=2e6)
    (found,) = events_by_threshold(traces, 1.0, [rule])
    assert [f.tolist() for f in found] == [[[2.0, 3.0]], [[0.0, 1.0]]]


def test_falling_thresholds_are_refused() -> None:
    """Steps once left out are not looked at again."""
    with pytest.raises(AssertionError, match="ascend"):
        list(events_by_threshold([np.array([0.5])], 1.0, [EventRule(on=0.9), EventRule(on=0.1)]))
