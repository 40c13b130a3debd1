"""Curves: the best of what each rate allows, and the points that a drawing must not miss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ictal.detection.events import EventRule
from ictal.detection.levels import levels
from ictal.scoring.curves import Curve, Trace
from ictal.scoring.staircase import staircase

Floats = npt.NDArray[np.float64]


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


def _curve(traces: list[Trace]) -> Curve:
    return staircase(traces, levels([t.probability for t in traces], 1.0, EventRule()), 1.0).curve()


def test_the_envelope_never_falls() -> None:
    """At each rate it is the best sensitivity that costs no more, and it exists on the curve."""
    curve = _curve(_traces(3))
    rates, best = curve.envelope()
    assert (np.diff(rates) > 0).all()
    assert (np.diff(best) >= 0).all()
    for rate, value in zip(rates, best, strict=True):
        assert value == curve.sensitivity[curve.false_alarms_per_24h <= rate].max()


def test_without_seizures_sensitivity_is_undefined_everywhere() -> None:
    """The false alarms are still counted."""
    curve = _curve(_traces()[:1])
    assert np.isnan(curve.sensitivity).all()
    assert np.isfinite(curve.false_alarms_per_24h).all()


def test_an_outline_keeps_what_a_drawing_must_not_miss() -> None:
    """Few points, and yet the same envelope at its corners, and the point of the threshold in use."""
    curve = _curve(_traces())
    around = float(curve.thresholds[7])
    drawn = curve.outline(5, around)
    assert drawn.thresholds.size < curve.thresholds.size
    assert drawn.every_threshold
    assert around in drawn.thresholds
    assert {0, curve.thresholds.size - 1} <= set(np.searchsorted(curve.thresholds, drawn.thresholds).tolist())
    rates, best = curve.envelope()
    rises = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
    kept_rates, kept_best = drawn.envelope()
    assert kept_best[np.searchsorted(kept_rates, rates[rises], side="right") - 1].tolist() == best[rises].tolist()
    assert curve.outline(10**6, around).thresholds.tolist() == curve.thresholds.tolist()


def test_the_points_of_an_outline_are_spread_evenly_over_the_places() -> None:
    """Of 101 points without a corner besides the ends, five are every 25th; the threshold's own row joins them."""
    count = 101
    falling = np.linspace(100.0, 0.0, count)
    curve = Curve(
        thresholds=np.linspace(0.005, 0.995, count),
        highest=np.linspace(0.01, 1.0, count),
        sensitivity=np.ones(count),
        precision=np.ones(count),
        f1=np.ones(count),
        false_alarms_per_24h=falling,
    )
    assert curve.outline(5, 1.0).false_alarms_per_24h.tolist() == [100.0, 75.0, 50.0, 25.0, 0.0]
    own = curve.outline(5, float(curve.thresholds[10]))
    assert own.thresholds.size == 6
    assert curve.thresholds[10] in own.thresholds
    assert curve.outline(5, 2.0).thresholds.size == 5
    assert not own.every_threshold
