"""Logits counted in bins calibrate as the logits themselves do."""

from __future__ import annotations

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.calibration import Method, fit, sigmoid
from ictal.detection.counted import CountedLogits
from ictal.errors import InputError

Floats = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


def _steps(seed: int, count: int = 3_000) -> tuple[Floats, Truth]:
    """Logits that say too much, on the whole too high."""
    generator = np.random.default_rng(seed)
    true = generator.normal(-2.0, 2.0, count)
    return 1.7 * true + generator.uniform(0.0, 2.0), generator.random(count) < sigmoid(true)


def _counted(*parts: tuple[Floats, Truth]) -> CountedLogits:
    counted = CountedLogits()
    for logits, ictal in parts:
        counted.add(logits, ictal)
    return counted


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3_000), st.sampled_from(["temperature", "platt"]))
def test_equals_the_fit_to_the_logits(seed: int, cut: int, method: Method) -> None:
    """In one piece or in two; to five digits."""
    logits, ictal = _steps(seed)
    exact = fit(method, logits, ictal)
    found = _counted((logits[:cut], ictal[:cut]), (logits[cut:], ictal[cut:])).fit(method)
    assert found.temperature == pytest.approx(exact.temperature, rel=1e-5)
    assert found.bias == pytest.approx(exact.bias, rel=1e-5, abs=1e-5)


def test_isotonic_gives_the_same_probabilities() -> None:
    """But for where the path is steep: there a step may stand on the other side of it."""
    logits, ictal = _steps(1, 20_000)
    exact, found = fit("isotonic", logits, ictal), _counted((logits, ictal)).fit("isotonic")
    difference = sigmoid(exact.apply(logits)) - sigmoid(found.apply(logits))
    assert np.abs(difference).max() < 0.05
    assert np.abs(difference).mean() < 0.0005


def test_of_logits_that_bins_tell_apart_nothing_is_lost() -> None:
    """Quarters of a logit, many times each: weights are counts, and the fit is that of all steps."""
    generator = np.random.default_rng(3)
    logits = generator.integers(-20, 8, size=5_000) / 4
    ictal = generator.random(5_000) < sigmoid(logits - 1.0)
    methods: tuple[Method, ...] = ("temperature", "platt", "isotonic")
    for method in methods:
        exact, found = fit(method, logits, ictal), _counted((logits, ictal)).fit(method)
        np.testing.assert_allclose(found.apply(logits), exact.apply(logits), atol=1e-9)


def test_steps_of_a_bin_stand_at_their_mean() -> None:
    """Two bins are held: two logits 1/512 apart share one, of which ictal and background are apart."""
    logits, ictal = np.array([0.0, 1 / 512, 3.0, 3.0]), np.array([False, False, True, False])
    counted = CountedLogits(bins_max=2)
    counted.add(logits, ictal)
    assert counted._sums.tolist() == [[1 / 512, 3.0], [0.0, 3.0]]
    assert counted._mass.tolist() == [[2.0, 1.0], [0.0, 1.0]]
    assert _counted((logits, ictal))._mass.tolist() == [[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.sampled_from([1e-5, 1.0, 1e5, 1e200]))
def test_no_order_of_recordings_gives_other_bins(seed: int, cut: int, scale: float) -> None:
    """However wide the bins had to become, and whenever."""
    logits, ictal = _steps(seed, 300)
    parts = (scale * logits[:cut], ictal[:cut]), (scale * logits[cut:], ictal[cut:])
    found = []
    for order in (parts, parts[::-1]):
        counted = CountedLogits(bins_max=16)
        for part in order:
            counted.add(*part)
        found.append((counted._per_logit, counted._bins.tolist(), counted._mass.tolist()))
    assert found[0] == found[1]
    assert 8 <= len(found[0][1]) <= 16


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_a_detector_that_hardly_tells_steps_apart_is_not_taken_for_a_good_one(method: Method) -> None:
    """Its logits differ by 1/5,000 at most, and seizures are no more than a little likelier where they are higher."""
    generator = np.random.default_rng(4)
    logits = generator.uniform(-1.5e-4, 0.5e-4, 2_000)
    ictal = generator.random(2_000) < sigmoid(1e4 * logits)
    exact, found = fit(method, logits, ictal), _counted((logits, ictal)).fit(method)
    np.testing.assert_allclose(sigmoid(found.apply(logits)), sigmoid(exact.apply(logits)), atol=1e-3)


def test_memory_follows_the_range_and_not_the_steps() -> None:
    """Sixteen times the steps, recording by recording, take not a tenth more."""
    logits, ictal = _steps(0, 100_000)
    peaks = []
    for recordings in (2, 32):
        tracemalloc.start()
        _counted(*[(logits, ictal)] * recordings).fit("platt")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_a_constant_detector_is_known_for_one() -> None:
    """The mean of a million equal numbers may be another by rounding; the refusal counts steps, not bins."""
    logits = np.full(100_001, 0.1)
    with pytest.raises(InputError) as error:
        _counted((logits, np.arange(100_001) % 7 == 0)).fit("platt")
    assert error.value.code == "calibration-constant"
    assert error.value.got == "0.1 at each of 100001 steps"


def test_one_class_is_refused_with_its_steps() -> None:
    """There is nothing to calibrate to."""
    with pytest.raises(InputError) as error:
        _counted((np.linspace(-1.0, 1.0, 1_000), np.zeros(1_000, dtype=np.bool_))).fit("platt")
    assert error.value.code == "calibration-one-class"
    assert error.value.got == "0 ictal of 1000 steps"


@pytest.mark.parametrize(
    ("logits", "ictal"),
    [([np.nan], [True]), ([np.inf], [True]), ([0.0, 1.0], [True]), ([[0.0]], [[True]])],
)
def test_what_is_no_logit_is_a_fault_of_the_program(logits: list[float], ictal: list[bool]) -> None:
    """One finite number and one truth for each step."""
    with pytest.raises(AssertionError, match=r"^logits are not finite|^\(\("):
        CountedLogits().add(np.array(logits), np.array(ictal))


def test_no_step_adds_nothing() -> None:
    """A recording shorter than a step."""
    counted = _counted(_steps(2), (np.empty(0), np.empty(0, dtype=np.bool_)))
    assert counted.fit("platt") == _counted(_steps(2)).fit("platt")
