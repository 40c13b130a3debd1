"""Reliability: Brier score and skill, expected calibration error and its bins."""

from __future__ import annotations

import math
from typing import get_args

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


@pytest.mark.parametrize("binning", get_args(Binning))
def test_steps_without_any_weight_have_no_bins(binning: Binning) -> None:
    """Nothing is divided by their sum."""
    table = reliability_table(np.array([0.2, 0.7]), np.array([False, True]), binning=binning, weights=np.zeros(2))
    assert table.weight.size == table.mean_probability.size == table.ictal_share.size == 0


@pytest.mark.parametrize("binning", get_args(Binning))
def test_ece_of_a_constant_is_its_distance_from_the_prevalence(binning: Binning) -> None:
    """One bin: said 0.9, held 0.5."""
    assert ece(np.full(4, 0.9), LABELS, binning=binning) == pytest.approx(0.4)


@pytest.mark.parametrize("binning", get_args(Binning))
def test_ece_of_calibrated_probabilities_is_small(binning: Binning) -> None:
    """Labels drawn with the stated probabilities; only sampling noise is left."""
    generator = np.random.default_rng(0)
    probability = generator.beta(0.2, 5.0, size=200_000)
    labels = generator.random(probability.size) < probability
    assert ece(probability, labels, binning=binning) < 0.003
    assert ece(np.sqrt(probability), labels, binning=binning) > 0.05


def test_equal_width_bins_are_cut_at_multiples_of_their_width() -> None:
    """A probability of 1 belongs to the highest bin."""
    table = reliability_table(np.array([0.1, 0.2, 0.3, 1.0]), LABELS, bins=2, binning="equal-width")
    np.testing.assert_allclose(table.weight, [3, 1])
    np.testing.assert_allclose(table.mean_probability, [0.2, 1.0])
    np.testing.assert_allclose(table.ictal_share, [1 / 3, 1.0])
    assert table.binning == "equal-width"


def test_equal_root_bins_are_of_equal_width_on_a_scale_of_square_roots() -> None:
    """Of two bins the lower one ends at a quarter, which belongs to the upper."""
    table = reliability_table(np.array([0.1, 0.2, 0.25, 1.0]), LABELS, bins=2, binning="equal-root")
    np.testing.assert_allclose(table.weight, [2, 2])
    np.testing.assert_allclose(table.mean_probability, [0.15, 0.625])
    assert table.binning == "equal-root"


def test_equal_mass_bins_hold_the_same_number_of_steps() -> None:
    """Distinct probabilities spread evenly, however skewed."""
    probability = np.random.default_rng(0).random(10_000) ** 8
    table = reliability_table(probability, probability > 0.5, bins=20)
    np.testing.assert_allclose(table.weight, 500)
    assert table.binning == "equal-mass"
    assert reliability_table(probability, probability > 0.5).weight.size == 15


def test_equal_mass_is_of_weights_and_not_of_steps() -> None:
    """A step that stands for three fills the lower of two bins alone."""
    table = reliability_table(np.array([0.1, 0.2, 0.3, 0.4]), LABELS, np.array([3.0, 1.0, 1.0, 1.0]), bins=2)
    np.testing.assert_allclose(table.weight, [3, 3])
    np.testing.assert_allclose(table.mean_probability, [0.1, 0.3])


def test_no_more_bins_than_were_asked_for_however_unlike_the_weights() -> None:
    """A last step whose weight vanishes beside the others still lies in the last bin."""
    table = reliability_table(np.array([0.1, 0.9]), np.array([False, True]), np.array([1e20, 1.0]), bins=1)
    np.testing.assert_allclose(table.mean_probability, [0.1])


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), binning=st.sampled_from(get_args(Binning)), bins=st.integers(1, 20))
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


@pytest.mark.parametrize("binning", get_args(Binning))
def test_only_the_proportion_of_weights_matters(binning: Binning) -> None:
    """Weights may be shares of the whole just as well as numbers of steps."""
    generator = np.random.default_rng(0)
    probability, weights = generator.random(50), generator.random(50)
    labels = generator.random(50) < probability
    steps, shares = (
        reliability_table(probability, labels, w, bins=7, binning=binning) for w in (weights, weights / 1e6)
    )
    np.testing.assert_allclose(shares.weight, steps.weight / 1e6)
    np.testing.assert_allclose(shares.mean_probability, steps.mean_probability)
    assert brier(probability, labels, weights / 1e6) == pytest.approx(brier(probability, labels, weights))
    assert brier_skill(probability, labels, weights / 1e6) == pytest.approx(brier_skill(probability, labels, weights))


def test_single_precision_is_computed_with_in_double() -> None:
    """Traces are kept as float32; a billion of them must not be added as such."""
    generator = np.random.default_rng(0)
    probability, weights = (generator.random(1_000).astype(np.float32) for _ in range(2))
    labels = generator.random(1_000) < probability
    single, double = (
        reliability_table(probability.astype(kind), labels, weights.astype(kind)) for kind in (np.float32, np.float64)
    )
    np.testing.assert_array_equal(single.mean_probability, double.mean_probability)


@pytest.mark.parametrize("weight", [-1.0, np.inf, np.nan])
def test_what_is_no_weight_is_an_error(weight: float) -> None:
    """Less than nothing, without end, or unknown."""
    with pytest.raises(AssertionError, match="weights are not masses"):
        brier(np.array([0.5]), np.array([True]), np.array([weight]))


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
