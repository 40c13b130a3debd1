"""The runs of levels at a threshold are the events at that threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection import levels as module
from ictal.detection.events import EventRule, events
from ictal.detection.levels import highest_above_off, levels
from ictal.timeline.spans import from_mask

VALUE = st.sampled_from([0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0]) | st.floats(0.0, 1.0, allow_subnormal=False)
TRACES = st.lists(st.lists(VALUE, max_size=40).map(lambda v: np.array(v, dtype=np.float64)), max_size=4)


@settings(max_examples=300)
@given(
    TRACES,
    st.sampled_from([0.123, 0.3, 0.5, 0.7, 1.0]),
    st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    st.sampled_from([1.0, 4.0, 10.0]),
    st.sampled_from([1, 30, 1 << 20]),
)
def test_equals_the_events_at_every_threshold(
    traces: list[np.ndarray], off_ratio: float, gap_s: float, shortest_s: float, rate_hz: float, block: int
) -> None:
    """At every value that a probability or a level has, and just above: float for float."""
    rule = EventRule(off_ratio=off_ratio, min_duration_s=shortest_s, merge_gap_s=gap_s)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_STEPS", block)
        found = levels(traces, rate_hz, rule)
    assert [len(one) for one in found] == [len(trace) for trace in traces]
    values = np.unique(np.concatenate([np.empty(0), *traces, *(trace / off_ratio for trace in traces), *found]))
    values = np.unique(np.concatenate([values, np.nextafter(values, 2)]))
    for on in values[(values > 1e-300) & (values <= 1)].tolist():
        for trace, level in zip(traces, found, strict=True):
            expected = events(trace, rate_hz, replace(rule, on=on))
            np.testing.assert_array_equal(from_mask(level >= on) / rate_hz, expected)


def test_a_long_trace_is_folded_without_a_seam() -> None:
    """Hysteresis that holds over many blocks of the fold: an event that begins at the first step and never ends."""
    trace = np.full(100_000, 0.5)
    trace[0] = 0.9
    (level,) = levels([trace], 8.0, EventRule(off_ratio=0.5))
    assert (level == 0.9).all()
    trace[70_000] = 0.449
    (level,) = levels([trace], 8.0, EventRule(off_ratio=0.5, merge_gap_s=0.0))
    assert (level[:70_000] == 0.9).all()
    assert (level[70_000:] == 0.898).all()


@given(st.floats(1e-300, 1.0), st.floats(1e-3, 1.0))
def test_the_highest_threshold_above_off_is_the_last_float(probability: float, off_ratio: float) -> None:
    """It holds there and not at the next float."""
    (on,) = highest_above_off(np.array([probability]), off_ratio)
    assert off_ratio * on <= probability < off_ratio * np.nextafter(on, np.inf)


def test_a_refractory_time_has_no_levels() -> None:
    """A lower threshold may hide an event behind an earlier one."""
    with pytest.raises(AssertionError, match=r"^events with a refractory time have no levels"):
        levels([np.array([0.5])], 1.0, EventRule(refractory_s=1.0))


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        ([-0.1], "^a value is below 0 or not a number"),
        ([np.nan], "^a value is below 0 or not a number"),
        ([1.1], "^a value is above 1"),
        ([[0.5]], "^a trace has one axis, not 2"),
    ],
)
def test_what_is_no_trace_is_a_fault_of_the_program(trace: list[float], said: str) -> None:
    """Values from 0 to 1 on one axis."""
    with pytest.raises(AssertionError, match=said):
        levels([np.array(trace)], 1.0, EventRule())


def test_nothing_is_above_the_off_threshold_of_zero() -> None:
    """However small a threshold is: half of the smallest float rounds to nothing, and is no event."""
    assert highest_above_off(np.array([0.0, 0.0]), 0.3).tolist() == [0.0, 0.0]
    (level,) = levels([np.zeros(5)], 1.0, EventRule(off_ratio=0.3, min_duration_s=0.0))
    assert (level <= 0.0).all()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17, 100])
@pytest.mark.parametrize("off_ratio", [0.5, 1.0])
def test_hysteresis_of_any_length_is_the_walk_from_step_to_step(size: int, off_ratio: float) -> None:
    """As the recursion says it, without a fold."""
    values = np.random.default_rng(size).integers(0, 9, size=size) / 8
    ceilings = highest_above_off(values, off_ratio)
    expected, before = [], module.NEVER
    for value, ceiling in zip(values.tolist(), ceilings.tolist(), strict=True):
        before = max(value, min(before, ceiling))
        expected.append(before)
    assert module._hysteresis(values, off_ratio).tolist() == expected
    assert module._hysteresis(np.empty(0), off_ratio).size == 0


def test_recordings_of_a_block_keep_their_own_events() -> None:
    """A high end and a high beginning are no event across them, however near they lie; each array is one of its own."""
    rule = EventRule(off_ratio=1.0, merge_gap_s=5.0, min_duration_s=4.0)
    first, second = levels([np.array([0.0, 0.0, 0.9, 0.9]), np.array([0.9, 0.9, 0.0])], 1.0, rule)
    assert (first <= 0.0).all()
    assert (second <= 0.0).all()
    assert first.base is None
    assert second.base is None
