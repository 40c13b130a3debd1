"""The keyed permutation."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.windows.permutation import permute


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
@settings(max_examples=200)
def test_it_is_a_permutation(size: int, key: int) -> None:
    """Every number appears exactly once."""
    assert (np.sort(permute(np.arange(size), size, key)) == np.arange(size)).all()


@given(st.integers(1, 10**12), st.integers(0, 2**64 - 1))
@settings(max_examples=100)
def test_any_position_can_be_asked_for_alone(size: int, key: int) -> None:
    """A single position gives what it gives among others, at any size."""
    positions = np.unique(np.linspace(0, size - 1, 5).astype(np.int64))
    together = permute(positions, size, key)
    assert [int(permute(p, size, key)) for p in positions] == together.tolist()
    assert ((together >= 0) & (together < size)).all()


def test_it_shuffles() -> None:
    """Two keys agree at about one position, neighbours lie a third of the range apart, each place is as likely."""
    size = 10_000
    first, second = permute(np.arange(size), size, 1), permute(np.arange(size), size, 2)
    assert (first == second).sum() < 12
    assert abs(np.abs(np.diff(first)).mean() / size - 1 / 3) < 0.01
    heads = np.array([permute(0, 16, key) for key in range(4000)])
    assert np.bincount(heads, minlength=16).min() > 170
