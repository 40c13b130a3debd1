"""Measures from bins: the exact ones lie between the bounds, histograms add up, memory stays where it was."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.scoring.ranking import auprc, auroc
from ictal.scoring.reliability import Binning, brier, brier_skill, ece, reliability_table
from ictal.scoring.streaming import BITS, Histogram, bootstrap

Floats = npt.NDArray[np.float64]
EXACT = {"auroc": auroc, "auprc": auprc, "ece": ece, "brier": brier, "brier_skill": brier_skill}
BOUNDED = ("auroc", "auprc", "ece")
SETTINGS = settings(max_examples=300)


def _steps(seed: int) -> tuple[Floats, npt.NDArray[np.bool_], Floats | None]:
    """Up to 200 steps: spread, rare, tied, tiny or nearly certain; of any prevalence; weighted or not."""
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 200))
    uniform = generator.random(count)
    kinds = (uniform, generator.beta(0.2, 3, count), np.round(uniform, 1), uniform * 1e-10, 1 - uniform * 1e-6)
    truth = generator.random(count) < generator.choice([0.02, 0.1, 0.5, 0.95])
    weights = generator.choice([0.0, 0.5, 1.0, 3.3], size=count) if generator.random() < 0.5 else None
    return kinds[generator.integers(5)], truth, weights


def _counted(p: Floats, truth: npt.NDArray[np.bool_], weights: Floats | None, bits: int = BITS) -> Histogram:
    histogram = Histogram(bits)
    histogram.add(p, truth, weights)
    return histogram


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 6, 12]))
def test_the_exact_measure_lies_between_the_bounds(seed: int, bits: int) -> None:
    """And so does the value; both are undefined together."""
    p, truth, weights = _steps(seed)
    histogram = _counted(p, truth, weights, bits)
    for name in BOUNDED:
        exact, found = EXACT[name](p, truth, weights), getattr(histogram, name)
        assert math.isnan(exact) == math.isnan(found.value) == math.isnan(found.lower) == math.isnan(found.upper), name
        if not math.isnan(exact):
            assert found.lower - 1e-9 <= exact <= found.upper + 1e-9, name
            assert found.lower - 1e-9 <= found.value <= found.upper + 1e-9, name


@SETTINGS
@given(st.integers(0, 2**32 - 1))
def test_what_needs_no_bins_is_exact(seed: int) -> None:
    """Brier score and skill, mean probability and prevalence, to the rounding of sums."""
    p, truth, weights = _steps(seed)
    histogram = _counted(p, truth, weights, 6)
    weight = np.ones(p.size) if weights is None else weights
    np.testing.assert_allclose(histogram.brier, brier(p, truth, weights), atol=1e-12)
    np.testing.assert_allclose(histogram.brier_skill, brier_skill(p, truth, weights), rtol=1e-9, atol=1e-9)
    if weight.any():
        assert histogram.mean_probability == pytest.approx(float(weight @ p / weight.sum()))
        assert histogram.prevalence == pytest.approx(float(weight @ truth / weight.sum()))


def test_of_probabilities_that_bins_tell_apart_nothing_is_lost() -> None:
    """The areas are the exact ones; that of pairs is known to be, for no bin holds both classes."""
    generator = np.random.default_rng(0)
    p = np.repeat(2.0 ** -np.arange(20), 50)
    truth = np.repeat(generator.random(20) < 0.4, 50)
    for name in ("auroc", "auprc"):
        assert getattr(_counted(p, truth, None), name).value == pytest.approx(EXACT[name](p, truth), abs=1e-12)
    area = auroc(p, truth)
    assert _counted(p, truth, None).auroc == pytest.approx((area, area, area), abs=1e-12)


def test_bounds_of_a_real_detector_are_narrow() -> None:
    """200,000 steps at 6 % prevalence: the areas are known to 1 in 10,000, the calibration error to 2."""
    generator = np.random.default_rng(1)
    p = generator.beta(0.2, 3, 200_000)
    histogram = _counted(p, generator.random(p.size) < p, None)
    assert histogram.auroc.upper - histogram.auroc.lower < 1e-4
    assert histogram.auprc.upper - histogram.auprc.lower < 1e-3
    assert histogram.ece.upper - histogram.ece.lower < 4e-4


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.sampled_from(["equal-mass", "equal-width", "equal-root"]))
def test_the_table_of_reliability_has_the_error_that_is_stated(seed: int, binning: Binning) -> None:
    """Its bins hold all steps; of probabilities that the histogram tells apart it is the exact table."""
    p, truth, weights = _steps(seed)
    histogram = _counted(p, truth, weights, 6)
    table = histogram.reliability(binning)
    assert histogram.reliability().ece == pytest.approx(histogram.ece.value, nan_ok=True)
    assert table.weight.sum() == pytest.approx(histogram.steps)
    assert table.weight @ table.mean_probability == pytest.approx(histogram.promised.sum())
    assert table.weight @ table.ictal_share == pytest.approx(histogram.mass[1].sum())
    apart = np.ceil(p * 64) / 64
    halves = None if weights is None else np.floor(2 * weights) / 2  # sums of these are exact, and so are edges
    exact = reliability_table(apart, truth, halves, binning=binning)
    found = _counted(apart, truth, halves, 6).reliability(binning)
    assert (found.binning, found.weight.size) == (exact.binning, exact.weight.size)
    for name in ("weight", "mean_probability", "ictal_share"):
        np.testing.assert_allclose(getattr(found, name), getattr(exact, name), atol=1e-12)


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.integers(0, 200))
def test_histograms_add_up(seed: int, cut: int) -> None:
    """Counted at once, in two calls, or in two histograms."""
    p, truth, weights = _steps(seed)
    whole = _counted(p, truth, weights, 6)
    halves = slice(cut), slice(cut, None)
    parts = [_counted(p[half], truth[half], None if weights is None else weights[half], 6) for half in halves]
    both = parts[0] + parts[1]
    np.testing.assert_allclose(both.mass, whole.mass)
    np.testing.assert_allclose(both.promised, whole.promised)
    assert both.squares == pytest.approx(whole.squares)
    parts[0].add(p[cut:], truth[cut:], None if weights is None else weights[cut:])
    np.testing.assert_allclose(parts[0].mass, whole.mass)
    np.testing.assert_allclose(parts[0].promised, whole.promised)
    assert parts[0].squares == pytest.approx(whole.squares)


def test_no_step_and_one_class_have_no_measure() -> None:
    """Undefined is NaN."""
    empty = Histogram()
    assert all(math.isnan(value) for name in BOUNDED for value in getattr(empty, name))
    assert all(math.isnan(v) for v in (empty.brier, empty.brier_skill, empty.mean_probability, empty.prevalence))
    one = _counted(np.array([0.2, 0.3]), np.array([False, False]), None)
    assert all(math.isnan(value) for name in ("auroc", "auprc") for value in getattr(one, name))
    assert math.isnan(one.brier_skill)
    assert one.brier == pytest.approx((0.04 + 0.09) / 2)


def test_memory_does_not_follow_the_steps() -> None:
    """e10: 800 M samples were sorted. Four times the steps, block by block, take not a tenth more memory."""
    generator = np.random.default_rng(0)
    p, truth = generator.random(50_000), generator.random(50_000) < 0.1
    peaks = []
    for blocks in (5, 20):
        tracemalloc.start()
        histogram = Histogram()
        for _ in range(blocks):
            histogram.add(p, truth)
        assert histogram.auroc.value == pytest.approx(auroc(p, truth), abs=1e-4)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert histogram.steps == 1_000_000
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_a_fault_of_the_program(value: float) -> None:
    """Nothing is put into an outermost bin in silence."""
    with pytest.raises(AssertionError):
        Histogram().add(np.array([value]), np.array([True]))


def test_histograms_of_other_bits_do_not_add() -> None:
    """Their bins are others."""
    with pytest.raises(AssertionError):
        Histogram(6) + Histogram(12)


def _patients(count: int) -> list[tuple[Floats, npt.NDArray[np.bool_]]]:
    generator = np.random.default_rng(7)
    made = []
    for number in range(count):
        p = np.round(generator.beta(0.5, 3, 60) * 16) / 16
        made.append((p, (generator.random(60) < p) & (number % 3 > 0)))
    return made


def test_intervals_are_those_of_resampled_patients() -> None:
    """The same draws by the exact forms, each patient's steps as often as it was drawn; bins tell these steps apart."""
    patients = _patients(9)
    found = bootstrap([_counted(p, t, None, 6) for p, t in patients], np.random.default_rng(3), draws=300)
    times = np.random.default_rng(3).multinomial(9, np.full(9, 1 / 9), size=300)
    p, truth = (np.concatenate(side) for side in zip(*patients, strict=True))
    for name, measure in EXACT.items():
        drawn = np.array([measure(p, truth, np.repeat(row, 60).astype(np.float64)) for row in times])
        expected = np.nanquantile(drawn, [0.025, 0.975])
        assert [found[name].lower, found[name].upper] == pytest.approx(expected.tolist(), abs=1e-9), name
        assert found[name].undefined_draws == int(np.isnan(drawn).sum())


def test_one_patient_has_no_interval() -> None:
    """Nothing is known about others."""
    (only,) = _patients(1)
    found = bootstrap([_counted(*only, None, 6)], np.random.default_rng(0), draws=10)
    assert all(math.isnan(one.lower) for one in found.values())


def test_a_detector_that_is_always_right_has_no_brier_score_to_speak_of() -> None:
    """Nor have its resamples; and intervals are of the level that is asked for."""
    right = [(np.array([1.0, 0.0, 0.0]), np.array([True, False, False]))] * 3
    found = bootstrap([_counted(p, t, None, 6) for p, t in right], np.random.default_rng(0), draws=20)
    assert (found["brier"].lower, found["brier"].upper) == (0.0, 0.0)
    assert (found["brier_skill"].lower, found["auprc"].upper) == (1.0, 1.0)
    histograms = [_counted(p, t, None, 6) for p, t in _patients(9)]
    wide, narrow = (bootstrap(histograms, np.random.default_rng(1), draws=300, level=level) for level in (0.95, 0.5))
    assert wide["brier"].lower < narrow["brier"].lower < narrow["brier"].upper < wide["brier"].upper


def test_resamples_with_one_class_alone_are_counted_and_left_out() -> None:
    """One patient is ictal throughout, the other never: half of the draws hold both."""
    patients = [(np.array([0.9, 0.8]), np.array([True, True])), (np.array([0.1, 0.2]), np.array([False, False]))]
    found = bootstrap([_counted(p, t, None, 6) for p, t in patients], np.random.default_rng(0), draws=4_000)
    for name in ("auroc", "auprc", "brier_skill"):
        assert 1_900 < found[name].undefined_draws < 2_100, name
    assert found["auprc"].lower == found["auprc"].upper == 1.0
    assert found["brier"].undefined_draws == 0
