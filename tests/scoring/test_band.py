"""The band around the curve is that of resampled patients, each resample with the best of its own curve."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.events import EventRule
from ictal.detection.levels import levels
from ictal.scoring import band as module
from ictal.scoring.band import Band, band
from ictal.scoring.curves import Trace
from ictal.scoring.staircase import Staircase, added, staircase
from tests.reference import band as slow
from tests.reference import staircase as slow_counts

RATES = np.array([0.0, 0.5, 24.0, 48.0, 100.0, 1_000.0])
RULE = EventRule(off_ratio=0.5, min_duration_s=20.0, merge_gap_s=40.0)


def _patient(*rows: tuple[float, int, int], reference: int, days: float = 1.0) -> Staircase:
    """Rows of (highest threshold, seizures found, false alarms)."""
    highest, found, false = zip(*rows, strict=True)
    return Staircase(
        highest=np.array(highest),
        true_positives=np.array(found),
        false_positives=np.array(false),
        reference=reference,
        duration_s=86_400.0 * days,
    )


def _by_hand() -> list[Staircase]:
    """One whose two seizures are found at 0.8 without an alarm, and one whose single one costs five alarms at 0.4."""
    return [
        _patient((0.8, 2, 0), (1.0, 0, 0), reference=2),
        _patient((0.4, 1, 5), (0.6, 0, 1), (1.0, 0, 0), reference=1),
    ]


def test_a_band_that_can_be_counted_by_hand() -> None:
    """Draws of the first alone find all for nothing; of the second alone, all for 5 a day; of both, 2 of 3 for nothing.

    A third patient's row that is no corner, false alarms that fall with the threshold, and 2.5 per day of both.
    """
    found = band(_by_hand(), np.array([0.0, 2.4, 2.5, 4.9, 5.0]), np.random.default_rng(0))
    assert found.sensitivity.tolist() == pytest.approx([2 / 3, 2 / 3, 1.0, 1.0, 1.0])
    assert found.lower.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert found.upper.tolist() == [1.0] * 5
    assert found.undefined_draws == 0
    assert found.rates_per_24h.tolist() == [0.0, 2.4, 2.5, 4.9, 5.0]


@pytest.mark.parametrize("chunk", [1, 7, 1 << 22])
def test_how_many_draws_are_held_at_once_changes_nothing(chunk: int) -> None:
    """One, some, or all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", chunk)
        parts = band(_by_hand(), RATES, np.random.default_rng(5), draws=40)
    whole = band(_by_hand(), RATES, np.random.default_rng(5), draws=40)
    for name in ("sensitivity", "lower", "upper"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()


def _corpus(seed: int) -> tuple[list[slow_counts.Recording], npt.NDArray[np.float64]]:
    """Up to four patients of one recording each, of up to 20 minutes; some without a seizure."""
    generator = np.random.default_rng(seed)
    recordings = []
    for _ in range(int(generator.integers(2, 5))):
        minutes = int(generator.integers(2, 20))
        probability = np.repeat(generator.integers(0, 8, size=2 * minutes) / 8, 30)
        edges = np.sort(generator.choice(60 * minutes, size=(int(generator.integers(3)), 2)), axis=1)
        recordings.append((probability.tolist(), [(float(a), float(b + 1)) for a, b in edges], 60.0 * minutes))
    return recordings, np.sort(generator.choice(1_000, size=5, replace=False)).astype(np.float64)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_equals_the_slow_form(seed: int) -> None:
    """Every recording as often as it was drawn, scored at every threshold from the beginning, the best looked for."""
    recordings, rates = _corpus(seed)
    stairs = [
        staircase(
            [Trace(name="r", probability=np.array(p), reference_s=np.array(s).reshape(-1, 2), duration_s=d)],
            levels([np.array(p)], 1.0, RULE),
            1.0,
        )
        for p, s, d in recordings
    ]
    found = band(stairs, rates, np.random.default_rng(seed), draws=20, level=0.8)
    thresholds = [*slow_counts.thresholds_of(recordings, RULE), 1.0]
    counts = [[slow_counts.counts_at(on, [one], 1, RULE) for on in thresholds] for one in recordings]
    durations_s = [duration_s for _, _, duration_s in recordings]
    times = np.random.default_rng(seed).multinomial(len(recordings), np.full(len(recordings), 1 / len(recordings)), 20)
    drawn = np.array(
        [slow.best_within(rates.tolist(), row, counts, durations_s) for row in times.tolist()], dtype=np.float64
    )
    defined = drawn[~np.isnan(drawn[:, 0])]
    assert found.undefined_draws == 20 - len(defined)
    if len(defined):
        np.testing.assert_allclose([found.lower, found.upper], np.quantile(defined, [0.1, 0.9], axis=0), atol=1e-12)
    all_ = slow.best_within(rates.tolist(), [1] * len(recordings), counts, durations_s)
    np.testing.assert_allclose(found.sensitivity, np.array(all_, dtype=np.float64))


def test_the_line_inside_the_band_is_the_envelope_of_the_pooled_curve() -> None:
    """At each rate the best of all thresholds."""
    patients = [*_by_hand(), _patient((0.3, 4, 9), (0.5, 2, 3), (0.7, 1, 4), (1.0, 0, 0), reference=5, days=0.5)]
    found = band(patients, RATES, np.random.default_rng(0), draws=50)
    curve = added(patients).curve()
    for rate, best in zip(RATES, found.sensitivity, strict=True):
        assert best == curve.sensitivity[curve.false_alarms_per_24h <= rate].max()
    assert (found.lower <= found.sensitivity).all()
    assert (found.sensitivity <= found.upper).all()


def test_patients_that_are_alike_have_no_band() -> None:
    """Every resample is the same curve."""
    found = band([_by_hand()[1]] * 5, RATES, np.random.default_rng(0), draws=30)
    assert found.lower.tolist() == found.upper.tolist() == found.sensitivity.tolist() == [0, 0, 1, 1, 1, 1]


def test_where_alarms_at_every_threshold_are_more_than_allowed_nothing_is_found() -> None:
    """A probability of 1 that is wrong: only silence makes so few alarms."""
    loud = _patient((0.5, 3, 2), (1.0, 1, 2), reference=3)
    found = band([loud, loud], np.array([1.0, 2.0]), np.random.default_rng(0), draws=10)
    assert (found.sensitivity.tolist(), found.lower.tolist()) == ([0.0, 1.0], [0.0, 1.0])


def test_draws_without_a_seizure_are_left_out_and_counted() -> None:
    """One of two patients has any: a quarter of the draws has none."""
    healthy = _patient((0.5, 0, 3), (1.0, 0, 0), reference=0)
    found = band([_by_hand()[0], healthy], RATES, np.random.default_rng(0), draws=4_000)
    assert 900 < found.undefined_draws < 1_100
    assert found.lower.tolist() == found.upper.tolist() == [1.0] * 6
    none = band([healthy, healthy], RATES, np.random.default_rng(0), draws=10)
    assert none.undefined_draws == 10
    assert all(np.isnan(side).all() for side in (none.lower, none.upper, none.sensitivity))


def test_one_patient_has_a_line_and_no_band() -> None:
    """Nothing is known about others."""
    found = band(_by_hand()[:1], RATES, np.random.default_rng(0), draws=10)
    assert np.isnan([found.lower, found.upper]).all()
    assert (found.sensitivity == 1.0).all()


def test_a_band_of_less_is_narrower_and_the_same_seed_gives_the_same() -> None:
    """The middle half lies inside the middle 95 %, which is what is meant unless another share is asked for."""
    generator = np.random.default_rng(2)
    patients = [_patient((0.5, int(n), 3), (1.0, 0, 0), reference=10) for n in generator.integers(0, 11, size=12)]
    whole, half = (band(patients, RATES, np.random.default_rng(1), level=level) for level in (0.95, 0.5))
    assert (whole.lower[2:] < half.lower[2:]).all()
    assert (half.upper[2:] < whole.upper[2:]).all()
    again = band(patients, RATES, np.random.default_rng(1), draws=2_000)
    assert again.lower.tolist() == whole.lower.tolist()


def test_counts_at_some_thresholds_alone_have_a_band_too() -> None:
    """With a refractory time more can be found at a higher threshold: the best is still the best."""
    patient = replace(_patient((0.2, 1, 1), (0.5, 2, 0), (0.9, 1, 0), reference=2), every_threshold=False)
    found = band([patient, patient], np.array([0.0, 1.0]), np.random.default_rng(0), draws=10)
    assert found.sensitivity.tolist() == [1.0, 1.0]


def test_what_cannot_be_asked_is_a_fault_of_the_program() -> None:
    """Nobody to draw, and rates out of order."""
    with pytest.raises(AssertionError, match=r"^no patient to draw"):
        band([], RATES, np.random.default_rng(0))
    with pytest.raises(AssertionError, match=r"^rates must ascend"):
        band(_by_hand(), np.array([1.0, 1.0]), np.random.default_rng(0))


def test_no_recorded_time_is_no_rate() -> None:
    """Without time no rate is defined, and nothing is found within one."""
    empty = _patient((1.0, 0, 0), reference=1, days=0.0)
    found: Band = band([empty, empty], RATES, np.random.default_rng(0), draws=10)
    assert not any(math.isnan(value) for value in found.lower)
