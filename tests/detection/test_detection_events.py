"""Events from a probability trace: hysteresis, merging, dropping, in seconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.events import EventRule, confidence, events, hysteresis, means_inside, onset_span
from ictal.errors import InputError
from tests.reference import hysteresis as slow

PLAIN = EventRule(on=0.8, off_ratio=0.5, min_duration_s=0.0, merge_gap_s=0.0)


def test_an_event_starts_at_on_and_lasts_down_to_off() -> None:
    """Values between off and on keep an event going but start none."""
    trace = np.array([0.5, 0.8, 0.4, 0.39, 0.7, 0.9, 0.1])
    np.testing.assert_allclose(events(trace, 1.0, PLAIN), [[1.0, 3.0], [5.0, 6.0]])


def test_an_event_may_last_to_the_end_of_the_recording() -> None:
    """The last step belongs to the event."""
    np.testing.assert_allclose(events(np.array([0.0, 1.0, 1.0]), 2.0, PLAIN), [[0.5, 1.5]])


def test_gaps_below_the_limit_are_merged_and_gaps_at_it_are_not() -> None:
    """Merging is strict: less than merge_gap_s."""
    trace = np.array([1, 0, 0, 1, 0, 0, 0, 1], dtype=np.float64)
    rule = EventRule(on=0.8, off_ratio=0.5, min_duration_s=0.0, merge_gap_s=0.3)
    np.testing.assert_allclose(events(trace, 10.0, rule), [[0.0, 0.4], [0.7, 0.8]])


def test_merging_comes_before_dropping() -> None:
    """Two short pieces that are close together make one event that is long enough."""
    trace = np.array([1, 0, 1, 0, 0, 0, 1], dtype=np.float64)
    rule = EventRule(on=0.8, off_ratio=0.5, min_duration_s=3.0, merge_gap_s=2.0)
    np.testing.assert_allclose(events(trace, 1.0, rule), [[0.0, 3.0]])


def test_the_rule_is_in_seconds_whatever_the_rate() -> None:
    """The same signal at twice the rate gives the same events."""
    trace = np.repeat([0.0, 1.0, 1.0, 1.0, 0.0, 0.9, 0.0, 1.0], 4)
    rule = EventRule(on=0.8, off_ratio=0.5, min_duration_s=2.0, merge_gap_s=1.5)
    np.testing.assert_allclose(events(trace, 4.0, rule), events(np.repeat(trace, 2), 8.0, rule))


def test_a_trace_that_never_reaches_on_has_no_events() -> None:
    """Silence is an empty list of shape (0, 2), also for an empty recording."""
    assert events(np.full(10, 0.79), 1.0, PLAIN).shape == (0, 2)
    assert events(np.empty(0), 1.0, PLAIN).shape == (0, 2)


@pytest.mark.parametrize(("value", "said"), [(-0.1, "below 0"), (1.1, "above 1"), (np.nan, "not a number")])
def test_what_is_no_probability_is_an_error(value: float, said: str) -> None:
    """NaN and values outside 0..1 never become events."""
    with pytest.raises(AssertionError, match=said):
        events(np.array([0.5, value]), 1.0, PLAIN)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("on", 0.0),
        ("on", 1.01),
        ("on", float("nan")),
        ("off_ratio", 0.0),
        ("off_ratio", 1.01),
        ("min_duration_s", -1.0),
        ("merge_gap_s", float("inf")),
        ("refractory_s", -1.0),
    ],
)
def test_a_rule_out_of_range_is_refused_by_name(field: str, value: float) -> None:
    """The error names the configuration key."""
    with pytest.raises(InputError) as error:
        EventRule(**{field: value})
    assert (error.value.code, error.value.where) == ("event-rule", f"events.{field}")


def test_confidence_is_the_mean_or_highest_probability_inside() -> None:
    """Steps outside the event do not count."""
    trace = np.array([0.0, 0.8, 1.0, 0.6, 0.0])
    found = events(trace, 2.0, PLAIN)
    np.testing.assert_allclose(confidence(trace, 2.0, found), [0.8])
    np.testing.assert_allclose(confidence(trace, 2.0, found, "max"), [1.0])
    assert confidence(trace, 2.0, np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("end_s", [2.0, 1.9, 1.501])
def test_an_event_cut_at_the_recording_s_end_has_all_of_its_last_step(end_s: float) -> None:
    """However little of that step lies before the end; one of a single step is not left without any."""
    trace = np.array([0.0, 0.8, 1.0, 0.6])
    whole = events(trace, 2.0, PLAIN)
    np.testing.assert_array_equal(whole, [[0.5, 2.0]])
    np.testing.assert_allclose(confidence(trace, 2.0, np.minimum(whole, end_s)), [0.8])
    np.testing.assert_allclose(confidence(trace, 2.0, np.array([[1.5, end_s]])), [0.6])


def test_numbers_beside_a_trace_are_averaged_over_each_event() -> None:
    """Column by column; no event and no number are possible."""
    beside = np.arange(10.0).reshape(5, 2)
    found = np.array([[0.5, 1.5], [2.0, 2.25]])
    np.testing.assert_allclose(means_inside(beside, 2.0, found), [[3.0, 4.0], [8.0, 9.0]])
    assert means_inside(beside, 2.0, found[:0]).shape == (0, 2)
    assert means_inside(beside[:, :0], 2.0, found).shape == (2, 0)


TRACES = st.lists(st.sampled_from([0.0, 0.3, 0.5, 0.6, 0.8, 1.0]), max_size=40)


@settings(max_examples=300)
@given(trace=TRACES, on=st.sampled_from([0.5, 0.8, 1.0]), off=st.sampled_from([0.3, 0.5]))
def test_hysteresis_equals_a_state_machine(trace: list[float], on: float, off: float) -> None:
    """The array form gives the spans of the step-by-step form."""
    assert hysteresis(np.array(trace), on, off).tolist() == [list(s) for s in slow.hysteresis(trace, on, off)]


@settings(max_examples=300)
@given(
    trace=TRACES,
    minimum=st.integers(0, 6),
    merge=st.integers(0, 6),
    refractory=st.integers(0, 9),
    rate=st.sampled_from([1.0, 8.0, 10.0, 0.3]),
)
def test_events_equal_the_step_by_step_form(
    trace: list[float], minimum: int, merge: int, refractory: int, rate: float
) -> None:
    """Limits that are a whole number of steps act exactly there, whatever the rate's rounding."""
    rule = EventRule(
        on=0.6, off_ratio=0.5, min_duration_s=minimum / rate, merge_gap_s=merge / rate, refractory_s=refractory / rate
    )
    found = slow.events(trace, 0.6, 0.3, minimum, merge, refractory)
    expected = np.array(found, dtype=np.float64).reshape(-1, 2) / rate
    np.testing.assert_array_equal(events(np.array(trace), rate, rule), expected)
    spans = [slow.onset_span(trace, onset, 0.3) for onset, _ in found]
    expected = np.array(spans, dtype=np.float64).reshape(-1, 2) / rate
    np.testing.assert_array_equal(
        onset_span(np.array(trace), rate, events(np.array(trace), rate, rule), rule), expected
    )


def test_the_refractory_time_counts_from_the_last_event_that_was_kept() -> None:
    """A dropped event does not keep the next one away."""
    trace = np.zeros(40)
    trace[[0, 6, 12, 30]] = 1.0
    rule = EventRule(on=0.8, min_duration_s=0.0, merge_gap_s=0.0, refractory_s=10.0)
    np.testing.assert_allclose(events(trace, 1.0, rule), [[0.0, 1.0], [12.0, 13.0], [30.0, 31.0]])


def test_the_onset_lies_between_the_low_and_the_high_crossing() -> None:
    """A slow rise is an uncertain onset, a step a certain one."""
    trace = np.array([0.0, 0.5, 0.6, 0.9, 0.0, 0.0, 0.9, 0.0])
    found = events(trace, 2.0, PLAIN)
    np.testing.assert_allclose(onset_span(trace, 2.0, found, PLAIN), [[0.5, 1.5], [3.0, 3.0]])
    assert onset_span(np.zeros(5), 1.0, np.empty((0, 2)), PLAIN).shape == (0, 2)
