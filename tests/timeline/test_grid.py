"""The grid of windows, against a loop that lays one window after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from tests.reference import spans as twin


@settings(max_examples=200)
@given(st.integers(0, 200), st.integers(1, 40), st.data())
def test_windows_are_laid_until_the_last_sample_is_covered(samples, length, data):
    """Count and starts agree with the loop, for any stride up to the length."""
    stride = data.draw(st.integers(1, length))
    grid = WindowGrid(length_samples=length, stride_samples=stride)
    count = int(grid.count(samples))
    assert grid.starts(np.arange(count)).tolist() == twin.window_starts(samples, length, stride)


@settings(max_examples=100)
@given(st.integers(1, 300), st.integers(1, 40), st.data())
def test_every_sample_lies_in_a_window_and_no_window_lies_wholly_outside(samples, length, data):
    """No tail is dropped and no window is pure padding."""
    stride = data.draw(st.integers(1, length))
    grid = WindowGrid(length_samples=length, stride_samples=stride)
    starts = grid.starts(np.arange(int(grid.count(samples))))
    covered = twin.samples((int(start), int(start) + length) for start in starts)
    assert set(range(samples)) <= covered
    assert starts.max() < samples


def test_count_takes_many_recordings_at_once():
    """An empty recording has no window, a short one has one."""
    grid = WindowGrid(length_samples=10, stride_samples=5)
    assert grid.count([0, 1, 10, 11, 15, 16]).tolist() == [0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize("stride", [0, -1, 11])
def test_a_stride_that_leaves_gaps_is_refused(stride):
    """A stride lies between one sample and the window's length."""
    with pytest.raises(InputError, match="gaps between windows"):
        WindowGrid(length_samples=10, stride_samples=stride)
