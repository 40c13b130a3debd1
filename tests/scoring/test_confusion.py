"""Annotated and named types: counts add, shares come last."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictal.scoring.confusion import confusion

TYPES = ("fnsz", "gnsz")


def test_shares_of_a_known_table() -> None:
    """Two of three focal seizures and the generalised one are named so; an absence is in no row."""
    found = confusion(TYPES, ["fnsz", "fnsz", "absz", "gnsz", "fnsz"], ["fnsz", "gnsz", "gnsz", "gnsz", "fnsz"])
    assert found.counts.tolist() == [[2, 1], [0, 1]]
    assert (found.others, found.accuracy, found.commonest) == (1, 0.75, 0.75)
    assert found.recalls == (pytest.approx(2 / 3), 1.0)
    assert found.types == TYPES


def test_every_annotated_seizure_has_a_named_type() -> None:
    """One more on either side is a fault of the program."""
    for annotated, named in ((["fnsz"], []), ([], ["fnsz"])):
        with pytest.raises(ValueError, match="zip"):
            confusion(TYPES, annotated, named)


def test_what_has_nothing_below_the_line_is_no_number() -> None:
    """No seizure at all, and none of one type."""
    assert math.isnan(confusion(TYPES, [], []).accuracy)
    assert math.isnan(confusion(TYPES, [], []).commonest)
    recalls = confusion(TYPES, ["gnsz"], ["fnsz"]).recalls
    assert math.isnan(recalls[0])
    assert recalls[1] == 0


@given(st.lists(st.tuples(st.sampled_from(["fnsz", "gnsz", "", "x"]), st.sampled_from(TYPES))), st.integers(0, 20))
def test_parts_add_up_to_the_whole(pairs: list[tuple[str, str]], cut: int) -> None:
    """Wherever the seizures are divided."""
    whole, first, second = (
        confusion(TYPES, [a for a, _ in part], [n for _, n in part]) for part in (pairs, pairs[:cut], pairs[cut:])
    )
    together = first + second
    assert together.types == TYPES
    assert np.array_equal(together.counts, whole.counts)
    assert together.others == whole.others
    assert int(whole.counts.sum()) + whole.others == len(pairs)
