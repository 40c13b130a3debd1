"""Tuning: the threshold for a burden of false alarms, or the statement that there is none."""

from __future__ import annotations

import numpy as np
import pytest

from ictal.detection.tuning import OperatingPoint, Unreachable, choose
from ictal.errors import InputError

THRESHOLDS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
SENSITIVITY = np.array([1.0, 0.9, 0.8, 0.8, 0.0])
FALSE_ALARMS = np.array([200.0, 30.0, 5.0, 5.0, 0.0])


def _choose(target: float) -> OperatingPoint | Unreachable:
    return choose(THRESHOLDS, SENSITIVITY, FALSE_ALARMS, target_per_24h=target)


def test_highest_sensitivity_within_the_target() -> None:
    """The target itself is allowed."""
    expected = OperatingPoint(threshold=0.3, sensitivity=0.9, false_alarms_per_24h=30.0, target_per_24h=30.0)
    assert _choose(30.0) == expected


def test_equal_candidates_go_to_the_middle_of_their_range() -> None:
    """Same sensitivity, same false alarms: the threshold nearest to the middle in log-odds."""
    tied = np.array([0.9, 0.2, 0.5])
    point = choose(tied, np.full(3, 0.8), np.full(3, 5.0), target_per_24h=10.0)
    assert isinstance(point, OperatingPoint)
    assert point.threshold == 0.5


def _tied(thresholds: list[float]) -> float:
    """The threshold that is chosen where all are equally good."""
    count = len(thresholds)
    point = choose(np.array(thresholds), np.full(count, 0.8), np.zeros(count), target_per_24h=0.0)
    assert isinstance(point, OperatingPoint)
    return point.threshold


def test_the_middle_is_that_of_the_log_odds() -> None:
    """Between 0.5 and 0.999, 1 to 1 and 1 to 999, it is 1 to 32; of two as near the higher is taken."""
    assert _tied([0.5, 0.9, 0.99, 0.999]) == 0.99
    assert _tied([0.25, 0.75]) == 0.75


def test_a_threshold_of_one_has_no_odds_and_is_taken_only_alone() -> None:
    """It is no end of a range to be in the middle of."""
    assert _tied([1.0]) == 1.0
    assert _tied([0.3, 0.4, 1.0]) in {0.3, 0.4}


def test_equal_sensitivity_goes_to_fewer_false_alarms() -> None:
    """A lower threshold wins over a higher one that alarms more."""
    point = choose(np.array([0.2, 0.6]), np.array([0.5, 0.5]), np.array([1.0, 2.0]), target_per_24h=3.0)
    assert isinstance(point, OperatingPoint)
    assert point.threshold == 0.2


def test_order_of_the_candidates_does_not_matter() -> None:
    """Shuffled candidates give the same operating point."""
    order = np.array([3, 0, 4, 2, 1])
    assert choose(THRESHOLDS[order], SENSITIVITY[order], FALSE_ALARMS[order], target_per_24h=10.0) == _choose(10.0)


def test_unreachable_is_a_result_with_what_could_be_had() -> None:
    """A target that only silence meets gives no threshold (f3)."""
    result = _choose(1.0)
    assert isinstance(result, Unreachable)
    assert (result.target_per_24h, result.lowest_per_24h) == (1.0, 5.0)
    assert "at least 5 false alarms" in result.reason


def test_a_detector_that_finds_nothing_is_unreachable_at_any_target() -> None:
    """Zero false alarms at zero sensitivity is silence, not an operating point."""
    result = choose(np.array([0.5]), np.array([0.0]), np.array([0.0]), target_per_24h=100.0)
    assert isinstance(result, Unreachable)
    assert (result.target_per_24h, result.lowest_per_24h) == (100.0, None)
    assert result.reason.startswith("No threshold finds any seizure")


def test_undefined_rates_are_refused() -> None:
    """A tuning split without a seizure cannot choose."""
    with pytest.raises(InputError) as error:
        choose(np.array([0.5]), np.array([np.nan]), np.array([0.0]), target_per_24h=1.0)
    assert error.value.code == "tuning-undefined"


@pytest.mark.parametrize("target", [-1.0, float("nan")])
def test_a_negative_target_is_refused(target: float) -> None:
    """Nothing alarms less than never."""
    with pytest.raises(InputError) as error:
        _choose(target)
    assert error.value.code == "tuning-target"
