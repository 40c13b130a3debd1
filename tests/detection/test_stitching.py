"""Stitching: each step of a recording exactly once, padding nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.stitching import stitch, triangular_weights
from ictal.timeline.grid import WindowGrid
from tests.reference import stitching as slow


def test_one_window_is_returned_as_it_is() -> None:
    """A recording as long as one window keeps that window's logits."""
    logits = np.array([[3.0, -1.0, 2.0]])
    np.testing.assert_allclose(stitch(logits, np.array([0]), 3), [3.0, -1.0, 2.0])


def test_padding_of_the_last_window_enters_nothing() -> None:
    """Steps past the end of the recording are ignored, whatever stands there."""
    logits = np.array([[1.0, 2.0, np.nan, np.inf]])
    np.testing.assert_allclose(stitch(logits, np.array([0]), 2), [1.0, 2.0])


def test_the_window_that_sees_a_step_near_its_centre_counts_more() -> None:
    """In the overlap the mean leans to the window whose centre is nearer."""
    logits = np.array([[0.0] * 4, [1.0] * 4])
    trace = stitch(logits, np.array([0, 2]), 6)
    np.testing.assert_allclose(trace, [0.0, 0.0, 1 / 3, 2 / 3, 1.0, 1.0])


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 9])
def test_weights_are_strictly_positive_and_symmetric(steps: int) -> None:
    """No step of a window is worth nothing, and neither end is preferred."""
    weights = triangular_weights(steps)
    assert weights.min() == 1.0
    np.testing.assert_array_equal(weights, weights[::-1])
    assert weights.max() == (steps + 1) // 2


def test_a_step_that_no_window_covers_is_an_error() -> None:
    """A gap between windows stops the program instead of leaving a made-up value."""
    with pytest.raises(AssertionError, match="1 of 5 steps lie in no window"):
        stitch(np.zeros((2, 2)), np.array([0, 3]), 5)
    with pytest.raises(AssertionError, match="3 of 5 steps lie in no window"):
        stitch(np.zeros((1, 2)), np.array([0]), 5)
    with pytest.raises(AssertionError, match="5 of 5 steps lie in no window"):
        stitch(np.zeros((0, 2)), np.array([], dtype=np.int64), 5)


def test_a_logit_that_is_not_finite_is_an_error() -> None:
    """NaN inside the recording is a broken model, not a score."""
    with pytest.raises(AssertionError, match="1 of 3 stitched logits are not finite"):
        stitch(np.array([[0.0, np.nan, 1.0]]), np.array([0]), 3)


def test_a_window_before_the_recording_is_an_error() -> None:
    """Negative starts would wrap around."""
    with pytest.raises(AssertionError, match="at step -1"):
        stitch(np.zeros((1, 2)), np.array([-1]), 1)


@settings(max_examples=150)
@given(
    length=st.integers(1, 60),
    steps=st.integers(1, 12),
    stride=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_asking_every_window_about_every_step(length: int, steps: int, stride: int, seed: int) -> None:
    """The array form gives what the loop over steps and windows gives, windows in any order."""
    grid = WindowGrid(length_samples=steps, stride_samples=min(stride, steps))
    generator = np.random.default_rng(seed)
    starts = generator.permutation(grid.starts(np.arange(int(grid.count(length)))))
    logits = generator.normal(size=(len(starts), steps)).astype(np.float32)
    np.testing.assert_allclose(stitch(logits, starts, length), slow.stitch(logits, starts.tolist(), length), atol=1e-12)
