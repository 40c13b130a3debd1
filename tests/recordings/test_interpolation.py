"""Spherical splines over the 19 electrodes, against the slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.recordings.channels import SCALP_19
from ictal.recordings.interpolation import POSITIONS, spline_weights
from tests.reference.spline import interpolate


@settings(max_examples=25)
@given(st.sets(st.sampled_from(SCALP_19), min_size=1, max_size=4), st.integers(0, 1000))
def test_the_matrix_does_what_the_twin_does(missing, seed):
    """Solve and evaluate for each sample, or multiply once."""
    measured = tuple(name for name in SCALP_19 if name not in missing)
    values = np.random.default_rng(seed).normal(0, 50, len(measured))
    wanted = tuple(sorted(missing))
    expected = [interpolate(dict(zip(measured, values, strict=True)), name, POSITIONS) for name in wanted]
    np.testing.assert_allclose(spline_weights(measured, wanted) @ values, expected, rtol=1e-6, atol=1e-6)


def test_rows_sum_to_one():
    """So the reference does not matter."""
    weights = spline_weights(SCALP_19[2:], SCALP_19[:2])
    assert weights.sum(axis=1) == pytest.approx([1, 1])


def test_positions_are_of_the_10_20_system():
    """On the unit sphere, left and right mirrored, the nose in front."""
    for name, (x, y, z) in POSITIONS.items():
        assert x * x + y * y + z * z == pytest.approx(1), name
    for left, right in [("Fp1", "Fp2"), ("F7", "F8"), ("F3", "F4"), ("T3", "T4"), ("C3", "C4"), ("T5", "T6")]:
        (x, y, z), mirrored = POSITIONS[left], POSITIONS[right]
        assert x < 0
        assert mirrored == pytest.approx((-x, y, z))
    assert POSITIONS["Fp1"][1] > POSITIONS["F7"][1] > POSITIONS["T3"][1] > POSITIONS["T5"][1] > POSITIONS["O1"][1]
