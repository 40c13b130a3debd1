"""The prior test: how unlikely so few seizures are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.recordings.prior import log10_binomial_tail


@settings(max_examples=60)
@given(st.integers(1, 60), st.floats(0.01, 0.9), st.data())
def test_the_binomial_tail_is_the_sum_of_its_terms(draws, share, data):
    """Against the plain sum, where that does not underflow."""
    successes = data.draw(st.integers(0, draws))
    plain = sum(math.comb(draws, k) * share**k * (1 - share) ** (draws - k) for k in range(successes + 1))
    assert log10_binomial_tail(successes, draws, share) == pytest.approx(math.log10(plain), abs=1e-9)


def test_the_binomial_tail_does_not_underflow():
    """The incident: none of 1,000 windows at 7.88 % is 2e-36."""
    assert 10 ** log10_binomial_tail(0, 1000, 0.0788) == pytest.approx(2.3e-36, rel=0.05)
    assert log10_binomial_tail(0, 252_089, 0.0788) < -8000
