"""Bootstrap: whole patients are drawn, and intervals say so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ictal.scoring.bootstrap import mean_bootstrap, patient_bootstrap
from ictal.scoring.counts import Counts

DAY_S = 86_400.0


def _patient(reference: int, detected: int, false: int) -> Counts:
    return Counts(reference=reference, true_positives=detected, false_positives=false, duration_s=DAY_S)


def test_equal_patients_have_no_spread() -> None:
    """If every patient is alike, so is every resample."""
    intervals = patient_bootstrap({f"p{n}": _patient(4, 3, 2) for n in range(6)}, np.random.default_rng(0))
    assert (intervals["sensitivity"].lower, intervals["sensitivity"].upper) == (0.75, 0.75)
    assert (intervals["false_alarms_per_24h"].lower, intervals["false_alarms_per_24h"].upper) == (2.0, 2.0)


def test_the_interval_holds_the_pooled_rate_and_patients_move_it_more_than_seizures() -> None:
    """Twenty patients of ten seizures, each all or nothing, spread like 20 draws and not like 200."""
    patients = {f"p{n}": _patient(10, 10 * (n % 2), n) for n in range(20)}
    interval = patient_bootstrap(patients, np.random.default_rng(0))["sensitivity"]
    assert interval.lower < 0.5 < interval.upper
    width = interval.upper - interval.lower
    assert 0.35 < width < 0.5  # 2 * 1.96 * sqrt(0.25 / 20) = 0.44; for 200 draws it would be 0.14


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """In 200 simulated studies of 40 patients, a 90 % interval holds the true rate in 80 to 97 % of them."""
    generator, covered = np.random.default_rng(1), 0
    for _ in range(200):
        rates = generator.gamma(2.0, 1.5, size=40)
        patients = {f"p{n}": _patient(0, 0, int(f)) for n, f in enumerate(generator.poisson(rates))}
        interval = patient_bootstrap(patients, generator, draws=300, level=0.9)["false_alarms_per_24h"]
        covered += interval.lower <= 3.0 <= interval.upper
    assert 160 <= covered <= 194


def test_the_same_generator_gives_the_same_interval() -> None:
    """Randomness is an argument."""
    patients = {f"p{n}": _patient(5, n, n) for n in range(5)}
    first, second = (patient_bootstrap(patients, np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_one_patient_has_no_interval() -> None:
    """Nothing is known about other patients."""
    intervals = patient_bootstrap({"p": _patient(5, 3, 1)}, np.random.default_rng(0))
    assert all(math.isnan(i.lower) and math.isnan(i.upper) for i in intervals.values())


def test_an_hour_of_each_patient_is_enough_recorded_time() -> None:
    """Rates per day do not need a day."""
    patients = {name: replace(_patient(1, 1, 2), duration_s=3_600.0) for name in ("a", "b")}
    interval = patient_bootstrap(patients, np.random.default_rng(0), draws=50)["false_alarms_per_24h"]
    assert (interval.lower, interval.upper) == pytest.approx((48.0, 48.0))
    assert interval.undefined_draws == 0


def test_without_a_patient_there_is_nothing_to_draw() -> None:
    """An evaluation of no recording is a fault of the program by now."""
    with pytest.raises(AssertionError, match="no patient to draw"):
        patient_bootstrap({}, np.random.default_rng(0))


def test_draws_without_a_seizure_are_counted_and_left_out() -> None:
    """One of two patients has seizures: about a quarter of the draws hold none."""
    patients = {"with": _patient(4, 2, 0), "without": _patient(0, 0, 0)}
    interval = patient_bootstrap(patients, np.random.default_rng(0), draws=4_000)["sensitivity"]
    assert (interval.lower, interval.upper) == (0.5, 0.5)
    assert 900 < interval.undefined_draws < 1_100


def test_no_seizure_at_all_has_no_interval_for_sensitivity() -> None:
    """Undefined in every draw is undefined."""
    intervals = patient_bootstrap({"a": _patient(0, 0, 1), "b": _patient(0, 0, 2)}, np.random.default_rng(0), draws=50)
    assert math.isnan(intervals["sensitivity"].lower)
    assert intervals["sensitivity"].undefined_draws == 50
    assert intervals["false_alarms_per_24h"].lower == 1.0


def test_every_ratio_has_an_interval_and_whatever_else_is_asked() -> None:
    """Precision, F1 and a rate of the caller's, from the same draws: patients that are alike have no spread."""
    patients = {f"p{n}": _patient(4, 3, 1) for n in range(6)}
    found = patient_bootstrap(patients, np.random.default_rng(0), further={"missed": lambda c: 1 - c.sensitivity})
    assert {name: (i.lower, i.upper) for name, i in found.items()} == {
        "sensitivity": (0.75, 0.75),
        "precision": (0.75, 0.75),
        "f1": (0.75, 0.75),
        "false_alarms_per_24h": (1.0, 1.0),
        "missed": (0.25, 0.25),
    }


def test_intervals_of_a_ratio_are_those_of_its_draws() -> None:
    """Precision of two patients, one always right and one always wrong: every draw is none, half or all."""
    patients = {"right": _patient(2, 2, 0), "wrong": _patient(2, 0, 2)}
    interval = patient_bootstrap(patients, np.random.default_rng(0), draws=4_000)["precision"]
    assert (interval.lower, interval.upper, interval.undefined_draws) == (0.0, 1.0, 0)


def test_a_mean_over_patients_leaves_out_those_without_a_rate() -> None:
    """Drawn or not, they add nothing; a draw of them alone is undefined and counted."""
    found = mean_bootstrap({"f1": [1.0, 1.0, math.nan], "all": [0.0, 0.0, 0.0]}, np.random.default_rng(0), draws=2_700)
    assert (found["f1"].lower, found["f1"].upper) == (1.0, 1.0)
    assert 60 < found["f1"].undefined_draws < 140  # 1 in 27
    assert found["all"].undefined_draws == 0


def test_the_interval_of_a_mean_is_as_wide_as_patients_differ() -> None:
    """A hundred patients, half of them 0 and half 1: the mean's standard error is 0.05."""
    found = mean_bootstrap({"rate": [0.0, 1.0] * 50}, np.random.default_rng(0))["rate"]
    assert 0.16 < found.upper - found.lower < 0.24
    assert found.lower < 0.5 < found.upper
