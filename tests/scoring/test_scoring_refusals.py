"""Every refusal of the room is written for people: what is wrong, what was found, what would be right, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.scoring.counts import Counts
from ictal.scoring.eventlists import event_lists
from ictal.scoring.paired import differences
from tests.messages import assert_readable

DAY = Counts(reference=2, duration_s=86_400.0)


def _compared(other: dict[str, Counts]) -> None:
    differences({"p": DAY}, other, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("refused", "where", "got"),
    [
        (lambda: event_lists([[]], [0.0], ["r"]), "r", "0 s"),
        (lambda: event_lists([[(5.0, 4.5)]], [60.0], ["r"]), "r", "5 s to 4.5 s"),
        (lambda: event_lists([[(50.0, 70.0)]], [60.0], ["r"]), "r", "50 s to 70 s"),
        (lambda: _compared({}), "patient p", "one of them only"),
        (lambda: _compared({"p": replace(DAY, duration_s=9.0)}), "patient p", "86400.0 s and 9.0 s"),
        (lambda: _compared({"p": replace(DAY, reference=1)}), "patient p", "2 and 1 reference items"),
    ],
)
def test_a_refusal_is_readable(refused: Callable[[], object], where: str, got: str) -> None:
    """With the place and the value that were refused."""
    with pytest.raises(InputError) as error:
        refused()
    assert_readable(error.value)
    assert where in error.value.where
    assert got in str(error.value.got)
