"""Every refusal of the room is written for people: what is wrong, what was found, what would be right, what to do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ictal.detection.calibration import fit_calibration, prior_offset
from ictal.detection.events import EventRule
from ictal.detection.tuning import choose
from ictal.errors import InputError
from tests.messages import assert_readable

ONE, TWO = np.array([0.5]), np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("refused", "where", "got"),
    [
        (lambda: prior_offset(1.5, 0.5), "natural prevalence", "1.5"),
        (lambda: fit_calibration(TWO, np.array([True, True])), "tuning split", "2 ictal of 2 steps"),
        (
            lambda: fit_calibration(np.array([3.0, 3.0]), np.array([True, False])),
            "tuning split",
            "3 at each of 2 steps",
        ),
        (lambda: fit_calibration(TWO, np.array([True, False])), "tuning split", "best slope -"),
        (lambda: EventRule(on=1.5), "events.on", "1.5"),
        (lambda: EventRule(off_ratio=0.0), "events.off_ratio", "0.0"),
        (lambda: EventRule(merge_gap_s=-1.0), "events.merge_gap_s", "-1.0"),
        (lambda: choose(ONE, ONE * np.nan, ONE, target_per_24h=1.0), "tuning split", "1 of 1 candidates"),
        (lambda: choose(ONE, ONE, ONE, target_per_24h=-2.0), "target false alarms per 24 h", "-2.0"),
    ],
)
def test_a_refusal_is_readable(refused: Callable[[], object], where: str, got: str) -> None:
    """With the place and the value that were refused."""
    with pytest.raises(InputError) as error:
        refused()
    assert_readable(error.value)
    assert error.value.where == where
    assert got in str(error.value.got)
