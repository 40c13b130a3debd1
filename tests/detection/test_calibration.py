"""Calibration: the prior's offset by Bayes' rule, then temperature and bias by least log loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.calibration import (
    Calibration,
    Method,
    correct_prior,
    fit,
    fit_calibration,
    fit_isotonic,
    fit_temperature,
    pool_adjacent_violators,
    prior_offset,
    sigmoid,
)
from ictal.errors import InputError
from tests.reference import isotonic as slow


@settings(max_examples=100)
@given(natural=st.floats(1e-6, 1 - 1e-6), drawn=st.floats(1e-3, 1 - 1e-3), ratio=st.floats(1e-3, 1e3))
def test_correction_is_bayes_rule(natural: float, drawn: float, ratio: float) -> None:
    """For any likelihood ratio the corrected posterior is the posterior under the natural prevalence."""
    drawn_logit = np.array([np.log(ratio * drawn / (1 - drawn))])
    posterior = ratio * natural / (ratio * natural + 1 - natural)
    np.testing.assert_allclose(sigmoid(correct_prior(drawn_logit, natural, drawn)), posterior, rtol=1e-9)


def test_correction_is_exact_for_logits_in_single_precision() -> None:
    """The network's float32 is widened before the offset is added, not after."""
    logits = np.array([0.1, -7.3], dtype=np.float32)
    corrected = correct_prior(logits, 0.001, 0.5)
    np.testing.assert_array_equal(corrected, logits.astype(np.float64) + prior_offset(0.001, 0.5))


def test_equal_prevalences_change_nothing() -> None:
    """Drawing as nature does needs no correction."""
    assert prior_offset(0.0788, 0.0788) == 0.0


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_prevalence_outside_0_to_1_is_refused(prevalence: float) -> None:
    """Without one of the classes there is no odds to correct."""
    with pytest.raises(InputError) as natural:
        prior_offset(prevalence, 0.5)
    with pytest.raises(InputError) as drawn:
        prior_offset(0.5, prevalence)
    assert (natural.value.code, natural.value.where) == ("prevalence", "natural prevalence")
    assert drawn.value.where == "drawn prevalence"
    assert f"got:      {prevalence}" in str(natural.value)


def test_sigmoid_is_exact_in_the_tails() -> None:
    """Large logits neither overflow nor lose the small probability."""
    np.testing.assert_allclose(sigmoid(np.array([-700.0, 0.0, 700.0])), [np.exp(-700.0), 0.5, 1.0], rtol=1e-15)
    np.testing.assert_array_equal(sigmoid(np.array([-1e4, 1e4], dtype=np.float32)), [0.0, 1.0])


def _simulated(temperature: float, bias: float, steps: int = 200_000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(7)
    logits = generator.normal(-1.0, 3.0, size=steps)
    return logits, generator.random(steps) < sigmoid(logits / temperature + bias)


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (2.5, -0.7), (0.5, 1.2)])
def test_recovers_temperature_and_bias_from_data_made_with_them(temperature: float, bias: float) -> None:
    """On 200,000 steps the fit finds the line that made the labels."""
    fitted = fit_calibration(*_simulated(temperature, bias))
    assert fitted.temperature == pytest.approx(temperature, rel=0.03)
    assert fitted.bias == pytest.approx(bias, abs=0.03)


def _loss(calibration: Calibration, logits: np.ndarray, labels: np.ndarray) -> float:
    z = calibration.apply(logits)
    return float(np.mean(np.logaddexp(0.0, z) - labels * z))


def test_recovers_the_temperature_alone() -> None:
    """With a trusted prior only the slope is fitted."""
    assert fit_temperature(*_simulated(2.5, 0.0)) == pytest.approx(2.5, rel=0.03)


def test_no_nearby_temperature_has_less_log_loss() -> None:
    """Also where a bias would fit better: the prior's offset is left as it is."""
    data = _simulated(2.5, -0.7)
    best = fit_temperature(*data)
    least = _loss(Calibration(temperature=best), *data)
    assert all(least < _loss(Calibration(temperature=best * factor), *data) for factor in (0.99, 1.01))
    assert best != pytest.approx(fit_calibration(*data).temperature, rel=0.05)


def test_calibrated_mean_probability_is_the_prevalence() -> None:
    """At the optimum with a bias the mean probability equals the share of ictal steps."""
    logits, labels = _simulated(3.0, 2.0)
    probability = sigmoid(fit_calibration(logits, labels).apply(logits))
    assert probability.mean() == pytest.approx(labels.mean(), abs=1e-5)


def test_no_nearby_line_has_less_log_loss() -> None:
    """The fit is a minimum: moving either parameter raises the loss."""
    data = _simulated(1.7, -0.4)
    best = fit_calibration(*data)
    for d_temperature, d_bias in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        moved = Calibration(temperature=best.temperature + d_temperature, bias=best.bias + d_bias)
        assert _loss(best, *data) < _loss(moved, *data)


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_a_weight_of_two_is_the_step_twice(method: Method) -> None:
    """Weights say how many natural steps each one stands for."""
    generator = np.random.default_rng(3)
    logits = generator.normal(size=400).round(1)
    labels = generator.random(400) < sigmoid(logits)
    weights = generator.integers(1, 4, size=400)
    repeated = fit(method, np.repeat(logits, weights), np.repeat(labels, weights))
    weighted = fit(method, logits, labels, weights.astype(np.float64))
    plain = fit(method, logits, labels)
    np.testing.assert_allclose(weighted.apply(logits), repeated.apply(logits), rtol=1e-9)
    assert np.abs(weighted.apply(logits) - plain.apply(logits)).max() > 0.01


@settings(max_examples=60)
@given(exponent=st.integers(-200, 200), shift=st.floats(-1e8, 1e8))
def test_rescaled_logits_give_the_same_probabilities(exponent: int, shift: float) -> None:
    """A model that says everything louder and shifted is calibrated to the same answer, however much."""
    generator = np.random.default_rng(5)
    logits = generator.normal(size=300)
    labels = generator.random(300) < sigmoid(logits)
    changed = (logits + shift) * 10.0**exponent  # a shift of 1e8 leaves eight digits of each logit
    np.testing.assert_allclose(
        sigmoid(fit_calibration(changed, labels).apply(changed)),
        sigmoid(fit_calibration(logits, labels).apply(logits)),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("logits", "labels", "weights"),
    [
        (*_simulated(1.7, -0.4, steps=300), np.ones(300)),
        # Plain Newton steps overshoot here until the curvature is singular.
        (np.array([-300.0, -10, 1, 100, 300]), np.arange(5) >= 3, np.array([1000.0, 1000, 1000, 1, 1])),
    ],
)
def test_at_the_fit_the_errors_cancel_out(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> None:
    """To the last digits: the weighted errors add up to nothing, and so do their products with the logits."""
    ictal, background = weights[labels].sum(), weights[~labels].sum()
    target = np.where(labels, (ictal + 1) / (ictal + 2), 1 / (background + 2))
    error = weights / weights.sum() * (sigmoid(fit_calibration(logits, labels, weights).apply(logits)) - target)
    np.testing.assert_allclose([error.sum(), error @ logits], 0.0, atol=1e-11)


def test_a_fit_that_does_not_arrive_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half-finished line is ever returned."""
    monkeypatch.setattr("ictal.detection.calibration._MAX_ITERATIONS", 2)
    with pytest.raises(AssertionError, match="after 2 iterations"):
        fit_calibration(*_simulated(1.7, -0.4, steps=300))


def test_calibration_of_single_precision_is_computed_in_double() -> None:
    """The network's float32 is widened first."""
    logits = np.random.default_rng(0).normal(size=100).astype(np.float32)
    line = Calibration(temperature=1.7, bias=-0.3)
    np.testing.assert_array_equal(line.apply(logits), line.apply(logits.astype(np.float64)))


def test_perfectly_separated_steps_have_a_finite_answer() -> None:
    """Softened targets keep the temperature above zero where the classes do not overlap."""
    labels = np.arange(1000) >= 900
    fitted = fit_calibration(np.where(labels, 5.0, -5.0), labels)
    assert fitted.temperature > 0.1
    assert fit_temperature(np.where(labels, 5.0, -5.0), labels) > 0.1


@pytest.mark.parametrize(
    ("logits", "labels", "code"),
    [
        ([1.0, 2.0], [True, True], "calibration-one-class"),
        ([1.0, 2.0], [False, False], "calibration-one-class"),
        ([1.0, 1.0], [False, True], "calibration-constant"),
        ([3.0, -3.0, 2.0, -2.0], [False, True, False, True], "calibration-inverted"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(logits: list[float], labels: list[bool], code: str) -> None:
    """One class, constant logits and logits that fall where seizures are: each has its own error."""
    for fitted in (fit_calibration, fit_temperature, fit_isotonic):
        with pytest.raises(InputError) as error:
            fitted(np.array(logits), np.array(labels))
        assert error.value.code == code


@pytest.mark.parametrize("fitted", [fit_calibration, fit_temperature, fit_isotonic])
@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_a_weight_that_stands_for_no_step_is_an_error(fitted: Callable[..., object], wrong: float) -> None:
    """Nothing, less than nothing, unknown, endless; a logit must be finite too."""
    labels = np.array([False, True])
    with pytest.raises(AssertionError, match="weights are not positive"):
        fitted(np.array([1.0, 2.0]), labels, np.array([1.0, wrong]))
    with pytest.raises(AssertionError, match="logits are not finite"):
        fitted(np.array([1.0, np.nan]), labels)


PLACES = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), st.integers(1, 4)), min_size=1, max_size=12)


@settings(max_examples=150)
@given(places=PLACES)
def test_pooling_equals_the_min_max_formula(places: list[tuple[float, int]]) -> None:
    """Blocks rise strictly, and spread over their places they are the isotonic regression."""
    values, weights = (np.array(column, dtype=np.float64) for column in zip(*places, strict=True))
    first, pooled = pool_adjacent_violators(values, weights)
    spread = np.repeat(pooled, np.diff(np.append(first, len(values))))
    assert (np.diff(pooled) > 0).all()
    np.testing.assert_allclose(spread, slow.isotonic(values.tolist(), weights.tolist()), atol=1e-12)


def test_isotonic_probability_is_the_share_of_each_pool() -> None:
    """0.5 of the logits below 2 and 0.75 of those above are ictal, but for the softening of the labels."""
    logits = np.repeat([0.0, 1.0, 2.0, 3.0], 4000)
    labels = np.concatenate([np.arange(4000) < n for n in (2400, 1600, 3000, 3000)])
    calibrated = fit_isotonic(logits, labels)
    probability = sigmoid(calibrated.apply(np.array([-9.0, 0.0, 1.0, 1.5, 2.0, 9.0])))
    np.testing.assert_allclose(probability[[0, 1, 2, 4, 5]], [0.5, 0.5, 0.5, 0.75, 0.75], atol=1e-3)
    assert 0.5 < probability[3] < 0.75


def test_isotonic_takes_a_bend_that_no_line_takes() -> None:
    """Where confidence is right below zero and far too loud above, only the path has the right shares on both sides."""
    generator = np.random.default_rng(2)
    logits = generator.normal(0.0, 2.0, 100_000)
    truth = np.where(logits < 0.0, logits, logits / 5.0)
    labels = generator.random(100_000) < sigmoid(truth)
    fresh = np.linspace(-4.0, 4.0, 81)
    right = sigmoid(np.where(fresh < 0.0, fresh, fresh / 5.0))
    errors = {
        method: float(np.abs(sigmoid(fit(method, logits, labels).apply(fresh)) - right).max())
        for method in ("platt", "isotonic")
    }
    assert errors["isotonic"] < 0.08
    assert errors["platt"] > 1.3 * errors["isotonic"]


def test_an_isotonic_path_never_falls_and_stays_finite() -> None:
    """A separated tuning split gives neither certainty nor an infinite logit."""
    labels = np.arange(1000) >= 900
    calibrated = fit_isotonic(np.arange(1000.0), labels).apply(np.linspace(-10.0, 1010.0, 500))
    assert np.isfinite(calibrated).all()
    assert (np.diff(calibrated) >= 0).all()


def test_fit_goes_by_the_name_of_the_method() -> None:
    """`temperature` has no bias, `platt` has one, `isotonic` has knots."""
    logits, labels = _simulated(2.0, -1.0, steps=2000)
    assert fit("temperature", logits, labels) == Calibration(temperature=fit_temperature(logits, labels))
    assert fit("platt", logits, labels) == fit_calibration(logits, labels)
    assert fit("isotonic", logits, labels).knots


def test_weights_make_nature_of_strata_drawn_in_other_shares() -> None:
    """Weighted, hard background that was drawn nine times too often counts as seldom as it is."""
    generator = np.random.default_rng(4)

    def drawn(shares: tuple[float, float], steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        hard = generator.choice(2, size=steps, p=shares)
        logits = generator.normal(1.5 * hard - 2.0, 1.0)
        return logits, generator.random(steps) < sigmoid(logits - 3.0 * hard), hard

    logits, labels, hard = drawn((0.1, 0.9), 100_000)
    natural_logits, natural_labels, _ = drawn((0.9, 0.1), 400_000)
    plain, weighted = (
        sigmoid(fit_calibration(logits, labels, w).apply(natural_logits)).mean()
        for w in (None, np.where(hard, 0.1 / 0.9, 0.9 / 0.1))
    )
    assert weighted == pytest.approx(natural_labels.mean(), rel=0.08)
    assert abs(plain - natural_labels.mean()) > 0.2 * natural_labels.mean()
