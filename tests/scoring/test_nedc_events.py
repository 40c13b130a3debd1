"""DPALIGN, ATWV and kappa: cases that anyone can check by hand, and slow twins on exact fractions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.scoring.counts import Counts, CountTable
from ictal.scoring.eventlists import EventLists, event_lists
from ictal.scoring.nedc_events import (
    count_atwv_by_recording,
    count_dpalign_by_recording,
    kappa,
    term_weighted_value,
)
from tests.reference import nedc as slow

HOUR_S = 3_600.0
SEIZURES = [(600.0, 660.0), (1_500.0, 1_530.0), (3_000.0, 3_200.0)]


def lists(*recordings: Sequence[tuple[float, float]], duration_s: float = HOUR_S) -> EventLists:
    return event_lists(recordings, [duration_s] * len(recordings), [f"r{n}" for n in range(len(recordings))])


def triple(counts: Counts) -> tuple[float, float, float]:
    return counts.reference, counts.true_positives, counts.false_positives


@pytest.mark.parametrize(
    ("hypothesis", "dpalign", "atwv"),
    [
        (SEIZURES, (3, 3, 0), (3, 3, 0)),
        ([], (3, 0, 0), (3, 0, 0)),
        # Said throughout: one label, aligned with one of the seizures. Its middle lies in none of them.
        ([(0.0, HOUR_S)], (3, 1, 0), (3, 0, 1)),
        # An hour of seizures in the wrong places: the order is right, every middle is wrong.
        ([(a + 250, b + 250) for a, b in SEIZURES], (3, 3, 0), (3, 0, 3)),
        # 31 s late: the middle of the seizure of 60 s has just left it, by more than half a second.
        ([(a + 31, b + 31) for a, b in SEIZURES], (3, 3, 0), (3, 1, 2)),
        # Two pieces of one seizure: one finds it, the other is false.
        ([(600.0, 620.0), (630.0, 660.0), *SEIZURES[1:]], (3, 3, 1), (3, 3, 1)),
        # One detection over two seizures: its middle lies between them.
        ([(600.0, 1_530.0), SEIZURES[2]], (3, 2, 0), (3, 1, 1)),
    ],
)
def test_cases_worked_by_hand(
    hypothesis: list[tuple[float, float]], dpalign: tuple[int, int, int], atwv: tuple[int, int, int]
) -> None:
    """Seizures, found, false."""
    assert triple(count_dpalign_by_recording(lists(SEIZURES), lists(hypothesis)).pooled()) == dpalign
    assert triple(count_atwv_by_recording(lists(SEIZURES), lists(hypothesis)).pooled()) == atwv


@pytest.mark.parametrize(("middle_s", "found"), [(99.5, 1), (99.4999, 0), (111.5, 1), (111.5001, 0)])
def test_a_middle_half_a_second_outside_still_counts(middle_s: float, found: int) -> None:
    """Half a second and not a tick more, at either end of a seizure from 100 to 111 s."""
    hypothesis = [(middle_s - 1, middle_s + 1)]
    assert count_atwv_by_recording(lists([(100.0, 111.0)]), lists(hypothesis)).pooled().true_positives == found


def test_detections_near_several_seizures_find_one_each() -> None:
    """Three seizures within half a second of every middle: three of four detections find one, in order of time."""
    seizures = [(10.0, 10.2), (10.4, 10.6), (10.8, 11.0)]
    detections = [(10.40, 10.42), (10.46, 10.48), (10.52, 10.54), (10.58, 10.60)]
    assert triple(count_atwv_by_recording(lists(seizures), lists(detections)).pooled()) == (3, 3, 1)
    assert triple(count_atwv_by_recording(lists(seizures[:1]), lists(detections)).pooled()) == (1, 1, 3)


@pytest.mark.parametrize("count", [count_dpalign_by_recording, count_atwv_by_recording])
def test_counts_are_whole_numbers(count: Callable[[EventLists, EventLists], CountTable]) -> None:
    """So that a document says 3 seizures and not 3.0."""
    assert {type(value) for row in count(lists(SEIZURES), lists(SEIZURES[1:])).rows() for value in triple(row)} == {int}


spans = st.lists(st.tuples(st.integers(0, 58), st.integers(1, 12)), max_size=5)


def disjoint(drawn: list[tuple[int, int]]) -> list[tuple[Fraction, Fraction]]:
    """Apart from each other, inside a minute."""
    found: list[tuple[Fraction, Fraction]] = []
    for onset, length in sorted(drawn):
        if not found or onset > found[-1][1]:
            found.append((Fraction(onset), Fraction(min(onset + length, 60))))
    return found


@settings(max_examples=250)
@given(st.lists(st.tuples(spans, spans), min_size=1, max_size=4))
def test_each_recording_is_counted_as_the_slow_twins_do(
    pairs: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    """A corpus at once, and recording by recording on fractions."""
    sides = [([disjoint(side) for side in pair]) for pair in pairs]
    floats = [[[(float(a), float(b)) for a, b in side] for side in pair] for pair in sides]
    reference, hypothesis = (lists(*(pair[n] for pair in floats), duration_s=60.0) for n in (0, 1))
    for (true, said), align, middles in zip(
        sides,
        count_dpalign_by_recording(reference, hypothesis).rows(),
        count_atwv_by_recording(reference, hypothesis).rows(),
        strict=True,
    ):
        assert triple(align) == slow.count_dpalign(true, said, Fraction(60))
        assert triple(middles) == slow.count_atwv(true, said)


def test_the_term_weighted_value_by_hand() -> None:
    """Perfect 1, silence 0, one false alarm in an hour 0.28; undefined without a seizure."""
    perfect = Counts(reference=3, true_positives=3, false_positives=0, duration_s=HOUR_S)
    assert term_weighted_value(perfect) == 1.0
    assert term_weighted_value(Counts(reference=3, duration_s=HOUR_S)) == 0.0
    one_false = Counts(reference=3, true_positives=3, false_positives=1, duration_s=HOUR_S)
    assert term_weighted_value(one_false) == pytest.approx(1 - 999.9 / 3_597)
    assert math.isnan(term_weighted_value(Counts(false_positives=1, duration_s=HOUR_S)))


def test_the_term_weighted_value_needs_a_second_without_an_onset() -> None:
    """With as many seizures as seconds no trial is left; with one second more there is one."""
    packed = Counts(reference=5, true_positives=5, duration_s=5.0)
    assert math.isnan(term_weighted_value(packed))
    assert term_weighted_value(replace(packed, duration_s=6.0)) == 1.0


@settings(max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_kappa_is_that_of_the_table_of_agreement(seconds: list[tuple[bool, bool]]) -> None:
    """Cohen's formula on the four cells."""
    true, said = np.array(seconds).T
    counts = Counts(
        reference=int(true.sum()),
        true_positives=int((true & said).sum()),
        false_positives=int((said & ~true).sum()),
        duration_s=float(len(seconds)),
    )
    observed = float((true == said).mean())
    chance = float(true.mean() * said.mean() + (1 - true.mean()) * (1 - said.mean()))
    expected = (observed - chance) / (1 - chance) if chance < 1 else math.nan
    assert kappa(counts) == pytest.approx(expected, nan_ok=True)
