"""Counts add; ratios come last; what has nothing below the line is NaN."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictal.scoring.counts import Counts, CountTable, total

COUNTS = st.builds(
    lambda reference, missed, false, duration_s: Counts(
        reference=reference + missed, true_positives=reference, false_positives=false, duration_s=float(duration_s)
    ),
    *[st.integers(0, 1000)] * 4,
)


def test_ratios_of_a_known_recording() -> None:
    """3 of 4 seizures found and 2 false alarms in 12 hours."""
    counts = Counts(reference=4, true_positives=3, false_positives=2, duration_s=43_200.0)
    assert counts.sensitivity == 0.75
    assert counts.precision == 0.6
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert counts.false_alarms_per_24h == 4.0


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        (Counts(), {"sensitivity", "precision", "f1", "false_alarms_per_24h"}),
        (Counts(duration_s=1.0), {"sensitivity", "precision", "f1"}),
        (Counts(reference=1, duration_s=1.0), {"precision"}),
        (Counts(false_positives=1, duration_s=1.0), {"sensitivity"}),
        (Counts(reference=1, true_positives=1, duration_s=1.0), set()),
    ],
)
def test_a_ratio_is_nan_exactly_where_nothing_is_below_the_line(counts: Counts, undefined: set[str]) -> None:
    """Undefined is never 0 or 1."""
    names = ("sensitivity", "precision", "f1", "false_alarms_per_24h")
    assert {name for name in names if math.isnan(getattr(counts, name))} == undefined


@given(st.lists(COUNTS, max_size=6))
def test_the_total_is_the_sum_in_any_order(rows: list[Counts]) -> None:
    """Adding one by one, all at once, backwards, or as columns gives one result."""
    added = sum(rows, Counts())
    columns = {f.name: [getattr(c, f.name) for c in rows] for f in dataclasses.fields(Counts)}
    duration_s = np.array(columns.pop("duration_s"), dtype=np.float64)
    table = CountTable(duration_s=duration_s, **{n: np.array(v, dtype=np.int64) for n, v in columns.items()})
    assert added == total(rows) == total(reversed(rows)) == table.pooled()
    assert table.rows() == rows


@given(
    st.lists(st.floats(0.0, 1e6), min_size=2, max_size=8).flatmap(lambda v: st.tuples(st.just(v), st.permutations(v)))
)
def test_fractions_add_up_to_one_total_in_any_order(orders: tuple[list[float], list[float]]) -> None:
    """Hits of TAES are fractions: the sum is rounded once, not at each addition."""
    first, second = ([Counts(reference=v, true_positives=v, false_positives=v) for v in order] for order in orders)
    columns = [np.array(order) for order in orders]
    tables = [CountTable(reference=c, true_positives=c, false_positives=c, duration_s=c * 0) for c in columns]
    assert total(first) == total(second) == tables[0].pooled() == tables[1].pooled()


def test_whole_counts_stay_whole() -> None:
    """Three seizures are written 3, not 3.0, however they are added."""
    rows = [Counts(reference=2, true_positives=1, false_positives=3, duration_s=1.0)] * 2
    columns = {name: np.array([2, 2]) for name in ("reference", "true_positives", "false_positives")}
    for counts in (total(rows), CountTable(**columns, duration_s=np.ones(2)).pooled()):
        assert {type(n) for n in (counts.reference, counts.true_positives, counts.false_positives)} == {int}


def test_columns_of_different_recordings_make_no_rows() -> None:
    """A table with a number too few loses no recording silently."""
    two, one = np.array([1, 1]), np.array([1])
    with pytest.raises(ValueError, match="shorter"):
        CountTable(reference=two, true_positives=two, false_positives=one, duration_s=np.ones(2)).rows()


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": 1, "true_positives": 2},
        {"true_positives": -1},
        {"false_positives": -1},
        {"duration_s": -1.0},
    ],
)
def test_impossible_counts_cannot_be_made(wrong: dict[str, float]) -> None:
    """More detections than references, or less than nothing, is a fault of the program."""
    with pytest.raises(AssertionError):
        Counts(**wrong)
