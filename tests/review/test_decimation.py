"""Fewer columns than samples, and no spike lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ictal.review.decimation import extremes, merged
from tests.reference import decimation as reference

SIGNALS = st.tuples(st.integers(1, 3), st.integers(0, 60)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-1e6, 1e6, width=32))
)


@given(SIGNALS, st.integers(1, 20))
def test_every_block_has_its_exact_extremes(signal: np.ndarray, factor: int) -> None:
    """Equal to a loop over samples, bit for bit, whatever is left over at the end."""
    assert extremes(signal, factor).tolist() == reference.extremes(signal.tolist(), factor)


@given(SIGNALS, st.integers(1, 8), st.integers(1, 8))
def test_extremes_of_extremes_are_those_of_the_samples(signal: np.ndarray, first: int, second: int) -> None:
    """Two steps of decimation lose nothing against one."""
    np.testing.assert_array_equal(merged(extremes(signal, first), second), extremes(signal, first * second))
