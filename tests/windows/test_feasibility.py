"""The mathematics of the incident against exact integers."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.windows.feasibility import log_none_in_probe, probe_needed


@given(st.integers(1, 200), st.data())
@settings(max_examples=200)
def test_the_chance_of_an_empty_probe_is_exact(windows: int, data: st.DataObject) -> None:
    """Against binomial coefficients in whole numbers."""
    seizure = data.draw(st.integers(0, windows))
    probe = data.draw(st.integers(0, windows))
    exact = Fraction(math.comb(windows - seizure, probe), math.comb(windows, probe))
    assert math.exp(log_none_in_probe(windows, seizure, probe)) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


def test_the_probe_for_a_certainty_is_the_smallest_that_reaches_it() -> None:
    """One window less falls short."""
    needed = probe_needed(252_089, 500, 0.99)
    assert math.exp(log_none_in_probe(252_089, 500, needed)) <= 0.01
    assert math.exp(log_none_in_probe(252_089, 500, needed - 1)) > 0.01


def test_0_of_1000_at_the_true_prevalence_of_tusz_was_no_bad_luck() -> None:
    """The report's "0/1000" had a chance of 2e-36: the labels were broken."""
    log10 = log_none_in_probe(252_089, 19_854, 1_000) / math.log(10)
    assert log10 == pytest.approx(-35.7, abs=0.2)
