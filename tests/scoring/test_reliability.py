"""Reliability: Brier score and skill, expected calibration error and its bins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.scoring.reliability import Binning, brier, brier_skill, ece, reliability_table

LABELS = np.array([False, False, True, True])


def test_brier_of_known_probabilities() -> None:
    """Mean squared distance from 0 and 1."""
    assert brier(np.array([0.0, 0.5, 0.5, 1.0]), LABELS) == 0.125


def test_brier_skill_is_one_for_certainty_and_zero_for_the_prevalence() -> None:
    """The prevalence is the best constant answer."""
    assert brier_skill(LABELS.astype(np.float64), LABELS) == 1.0
    assert brier_skill(np.full(4, 0.5), LABELS) == 0.0
    assert brier_skill(1.0 - LABELS, LABELS) == -3.0


def test_skill_without_both_classes_is_undefined() -> None:
    """There is no uncertainty to explain."""
    assert math.isnan(brier_skill(np.array([0.5]), np.array([True])))
    assert math.isnan(brier_skill(np.empty(0), np.empty(0, dtype=np.bool_)))
    assert math.isnan(brier(np.empty(0), np.empty(0, dtype=np.bool_)))
    assert math.isnan(ece(np.empty(0), np.empty(0, dtype=np.bool_)))


@pytest.mark.parametrize("binning", ["equal-mass", "equal-width"])
def test_ece_of_a_constant_is_its_distance_from_the_prevalence(binning: Binning) -> None:
    """One bin: said 0.9, held 0.5."""
    assert ece(np.full(4, 0.9), LABELS, binning=binning) == pytest.approx(0.4)


@pytest.mark.parametrize("binning", ["equal-mass", "equal-width"])
def test_ece_of_calibrated_probabilities_is_small(binning: Binning) -> None:
    """Labels drawn with the stated probabilities; only sampling noise is left."""
    generator = np.random.default_rng(0)
    probability = generator.beta(0.2, 5.0, size=200_000)
    labels = generator.random(probability.size) < probability
    assert ece(probability, labels, binning=binning) < 0.003
    assert ece(np.sqrt(probability), labels, binning=binning) > 0.05


def test_equal_width_bins_are_cut_at_multiples_of_their_width() -> None:
    """A probability of 1 belongs to the highest bin."""
    table = reliability_table(np.array([0.1, 0.2, 0.6, 1.0]), LABELS, bins=2, binning="equal-width")
    np.testing.assert_allclose(table.weight, [2, 2])
    np.testing.assert_allclose(table.mean_probability, [0.15, 0.8])
    np.testing.assert_allclose(table.ictal_share, [0.0, 1.0])
    assert table.binning == "equal-width"


def test_equal_mass_bins_hold_the_same_number_of_steps() -> None:
    """Distinct probabilities spread evenly, however skewed."""
    probability = np.random.default_rng(0).random(10_000) ** 8
    table = reliability_table(probability, probability > 0.5, bins=20)
    np.testing.assert_allclose(table.weight, 500)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), binning=st.sampled_from(["equal-mass", "equal-width"]), bins=st.integers(1, 20))
def test_bins_lose_nothing_and_order_does_not_matter(seed: int, binning: Binning, bins: int) -> None:
    """Weights, probabilities and seizures add up to those of all steps; ties stay together."""
    generator = np.random.default_rng(seed)
    probability = generator.choice([0.0, 0.01, 0.2, 0.5, 1.0], size=60)
    labels, weights = generator.random(60) < 0.3, generator.integers(0, 4, size=60).astype(np.float64)
    table = reliability_table(probability, labels, weights, bins=bins, binning=binning)
    assert table.weight.size <= bins
    assert table.weight.sum() == weights.sum()
    np.testing.assert_allclose(table.weight @ table.mean_probability, weights @ probability, atol=1e-9)
    np.testing.assert_allclose(table.weight @ table.ictal_share, weights @ labels, atol=1e-9)
    order = generator.permutation(60)
    shuffled = ece(probability[order], labels[order], weights[order], bins=bins, binning=binning)
    np.testing.assert_allclose(shuffled, table.ece, atol=1e-12)


def test_a_weight_of_two_is_the_step_twice() -> None:
    """All three measures take weights as repetition."""
    probability, weights = np.array([0.1, 0.4, 0.4, 0.8]), np.array([1, 2, 3, 1])
    repeated = np.repeat(probability, weights), np.repeat(LABELS, weights)
    for measure in (brier, brier_skill, ece):
        assert measure(probability, LABELS, weights.astype(np.float64)) == pytest.approx(measure(*repeated))


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_an_error(value: float) -> None:
    """A measure of probabilities is asked for nothing else."""
    with pytest.raises(AssertionError, match="not probabilities"):
        brier(np.array([value]), np.array([True]))


@pytest.mark.parametrize("ictal", [True, False])
def test_skill_is_undefined_with_one_class_whatever_the_weights(ictal: bool) -> None:
    """Weights whose sum rounds do not make a second class."""
    weights = np.array([0.1, 0.2, 3.3, 0.7, 1.1])
    assert math.isnan(brier_skill(np.full(5, 0.3), np.full(5, ictal), weights))
