"""Flat closings and openings are those of the runs at every height."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictal.timeline.flat import closed, opened
from ictal.timeline.spans import from_mask

VALUES = st.lists(st.sampled_from([0.0, 0.1, 0.4, 0.7, 1.0]), max_size=60).map(lambda v: np.array(v, dtype=np.float64))
HEIGHTS = (0.1, 0.3, 0.4, 0.7, 1.0)


def _filled(mask: np.ndarray, gap: int) -> np.ndarray:
    """Runs of False between two runs of True, at most so long, turned into True, one by one."""
    out = mask.copy()
    for start, stop in from_mask(~mask):
        if start > 0 and stop < len(mask) and stop - start <= gap:
            out[start:stop] = True
    return out


def _thinned(mask: np.ndarray, shortest: int) -> np.ndarray:
    """Runs of True that are shorter turned into False, one by one."""
    out = mask.copy()
    for start, stop in from_mask(mask):
        if stop - start < shortest:
            out[start:stop] = False
    return out


@given(VALUES, st.integers(0, 20))
def test_a_closing_fills_short_gaps_at_every_height(values: np.ndarray, gap: int) -> None:
    """And neither end, however short."""
    found = closed(values, gap)
    assert found.shape == values.shape
    for height in HEIGHTS:
        np.testing.assert_array_equal(found >= height, _filled(values >= height, gap))


@given(VALUES, st.integers(1, 20))
def test_an_opening_removes_short_runs_at_every_height(values: np.ndarray, shortest: int) -> None:
    """A run that touches an end is no longer than what lies inside."""
    found = opened(values, shortest)
    assert found.shape == values.shape
    for height in HEIGHTS:
        np.testing.assert_array_equal(found >= height, _thinned(values >= height, shortest))


@pytest.mark.parametrize(("gap", "filled"), [(0, False), (2, False), (3, True), (50, True)])
def test_the_gap_that_is_filled_is_as_long_as_it_says(gap: int, filled: bool) -> None:
    """Three values between two runs."""
    assert bool(closed(np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), gap)[2] == 1.0) is filled
