"""Curves: counts at every threshold, recordings alone, no value made up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ictal.errors import InputError
from ictal.scoring.counts import total
from ictal.scoring.curves import Curve, Trace, candidate_thresholds, sensitivity_curve
from ictal.scoring.szcore import count_events
from ictal.timeline.spans import from_mask

Floats = npt.NDArray[np.float64]


def _above(probability: Floats, threshold: float) -> Floats:
    """Events at 1 Hz: wherever the trace is at or above the threshold."""
    return from_mask(probability >= threshold).astype(np.float64)


def _traces(seed: int = 0) -> list[Trace]:
    generator = np.random.default_rng(seed)
    traces = []
    for number in range(5):
        probability = generator.beta(1, 20, size=3_600)
        onset = float(generator.integers(200, 3_000))
        probability[int(onset) : int(onset) + 60] += generator.uniform(0.0, 0.3)
        reference_s = np.array([[onset, onset + 60.0]]) if number else np.empty((0, 2))
        traces.append(Trace(name=f"r{number}", probability=probability, reference_s=reference_s, duration_s=3_600.0))
    return traces


def test_every_point_is_the_sum_of_its_recordings() -> None:
    """At each threshold the curve says what counting each recording alone adds up to."""
    traces = _traces()
    curve = sensitivity_curve(traces, _above)
    assert 50 <= curve.thresholds.size <= 200
    for n in range(0, curve.thresholds.size, 17):
        threshold = float(curve.thresholds[n])
        pooled = total(count_events(t.reference_s, _above(t.probability, threshold), t.duration_s) for t in traces)
        point = (curve.sensitivity[n], curve.precision[n], curve.f1[n], curve.false_alarms_per_24h[n])
        np.testing.assert_array_equal(
            point, (pooled.sensitivity, pooled.precision, pooled.f1, pooled.false_alarms_per_24h)
        )


def test_thresholds_can_be_given() -> None:
    """The caller's candidates are used as they are."""
    curve = sensitivity_curve(_traces(), _above, np.array([0.2, 0.9]))
    assert curve.thresholds.tolist() == [0.2, 0.9]
    assert curve.sensitivity.shape == (2,)


def test_candidates_are_values_of_the_traces_and_hold_the_highest() -> None:
    """The top of the distribution is always a candidate, and nothing in between is invented."""
    traces = [t.probability for t in _traces()]
    candidates = candidate_thresholds(traces, most=50)
    pooled = np.concatenate(traces)
    assert candidates.size <= 50
    assert np.isin(candidates, pooled).all()
    assert candidates[-1] == pooled.max()
    assert (np.diff(candidates) > 0).all()


def test_candidates_are_densest_at_the_top() -> None:
    """Half of the candidates lie in the highest percent or so of all steps."""
    pooled = np.random.default_rng(0).random(1_000_000)
    candidates = candidate_thresholds([pooled])
    assert np.median(candidates) > np.quantile(pooled, 0.99)
    assert candidates.size <= 200


def test_few_values_give_few_candidates_and_zero_is_none() -> None:
    """A threshold of zero would call everything a seizure."""
    assert candidate_thresholds([np.array([0.0, 0.5, 0.5]), np.array([1.0])]).tolist() == [0.5, 1.0]


@pytest.mark.parametrize("trace", [[], [0.0, 0.0], [0.5, np.nan], [1.5], [-0.1, 0.5]])
def test_traces_without_a_threshold_are_refused(trace: list[float]) -> None:
    """Empty, all zero, NaN and out-of-range traces have no curve."""
    with pytest.raises(InputError) as error:
        candidate_thresholds([np.array(trace)])
    assert error.value.code == "thresholds"


def test_the_envelope_never_falls() -> None:
    """At each rate it is the best sensitivity that costs no more, and it exists on the curve."""
    curve = sensitivity_curve(_traces(3), _above)
    rates, best = curve.envelope()
    assert (np.diff(rates) > 0).all()
    assert (np.diff(best) >= 0).all()
    for rate, value in zip(rates, best, strict=True):
        assert value == curve.sensitivity[curve.false_alarms_per_24h <= rate].max()


def test_without_seizures_sensitivity_is_undefined_everywhere() -> None:
    """The false alarms are still counted."""
    curve = sensitivity_curve(_traces()[:1], _above)
    assert isinstance(curve, Curve)
    assert np.isnan(curve.sensitivity).all()
    assert np.isfinite(curve.false_alarms_per_24h).all()


def test_an_outline_keeps_what_a_drawing_must_not_miss() -> None:
    """Few points, and yet the same envelope at its corners, and the point of the threshold in use."""
    curve = sensitivity_curve(_traces(), _above)
    around = float(curve.thresholds[7])
    drawn = curve.outline(5, around)
    assert drawn.thresholds.size < curve.thresholds.size
    assert around in drawn.thresholds
    assert {0, curve.thresholds.size - 1} <= set(np.searchsorted(curve.thresholds, drawn.thresholds).tolist())
    rates, best = curve.envelope()
    rises = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
    kept_rates, kept_best = drawn.envelope()
    assert kept_best[np.searchsorted(kept_rates, rates[rises], side="right") - 1].tolist() == best[rises].tolist()
    assert curve.outline(10**6, around).thresholds.tolist() == curve.thresholds.tolist()
