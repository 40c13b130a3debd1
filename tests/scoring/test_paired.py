"""Two systems on the same patients: differences, their intervals, their chance, and many comparisons at once."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.scoring.counts import Counts, total
from ictal.scoring.paired import EXACT_PATIENTS, RATES, differences, holm

DAY_S = 86_400.0


@st.composite
def systems(draw: st.DrawFn, most: int = 5) -> tuple[dict[str, Counts], dict[str, Counts]]:
    """Counts of a few patients by two systems."""
    first, second = {}, {}
    for number in range(draw(st.integers(1, most))):
        reference, hours = draw(st.integers(0, 4)), draw(st.integers(1, 48))
        for system in (first, second):
            found, false = draw(st.integers(0, reference)), draw(st.integers(0, 5))
            system[f"p{number}"] = Counts(
                reference=reference, true_positives=found, false_positives=false, duration_s=3600.0 * hours
            )
    return first, second


def slow_p(first: dict[str, Counts], second: dict[str, Counts], rate: str) -> float:
    """Every exchange of names, one after the other."""
    found = getattr(total(second.values()), rate) - getattr(total(first.values()), rate)
    if math.isnan(found):
        return math.nan
    ways = []
    for swap in itertools.product([False, True], repeat=len(first)):
        ours = [second[p] if s else first[p] for p, s in zip(first, swap, strict=True)]
        theirs = [first[p] if s else second[p] for p, s in zip(first, swap, strict=True)]
        ways.append(abs(getattr(total(theirs), rate) - getattr(total(ours), rate)))
    defined = [way for way in ways if not math.isnan(way)]
    return sum(way >= abs(found) - 1e-12 for way in defined) / len(defined)


@settings(max_examples=80)
@given(systems())
def test_rates_and_chances_are_those_of_the_slow_twin(pair: tuple[dict[str, Counts], dict[str, Counts]]) -> None:
    """Pooled rates as counts give them; p over every exchange."""
    first, second = pair
    found = differences(first, second, np.random.default_rng(0))
    for rate in RATES:
        one = found[rate]
        assert one.exact
        assert one.first == pytest.approx(getattr(total(first.values()), rate), nan_ok=True)
        assert one.second == pytest.approx(getattr(total(second.values()), rate), nan_ok=True)
        assert one.p == pytest.approx(slow_p(first, second, rate), nan_ok=True)


@settings(max_examples=30)
@given(systems())
def test_exchanging_the_systems_turns_the_difference_round(pair: tuple[dict[str, Counts], dict[str, Counts]]) -> None:
    """The chance stays, the interval is mirrored."""
    ahead = differences(*pair, np.random.default_rng(3))
    back = differences(*pair[::-1], np.random.default_rng(3))
    for rate in RATES:
        assert ahead[rate].p == pytest.approx(back[rate].p, nan_ok=True)
        assert ahead[rate].difference == pytest.approx(-back[rate].difference, nan_ok=True)
        assert ahead[rate].lower == pytest.approx(-back[rate].upper, nan_ok=True)


def many(patients: int, false: int) -> dict[str, Counts]:
    return {
        f"p{n}": Counts(reference=2, true_positives=1, false_positives=false, duration_s=DAY_S) for n in range(patients)
    }


def test_a_system_compared_with_itself_shows_nothing() -> None:
    """No difference, p = 1."""
    for one in differences(many(4, 3), many(4, 3), np.random.default_rng(0)).values():
        assert (one.difference, one.lower, one.upper, one.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_difference_in_every_patient_is_found_and_one_patient_proves_nothing() -> None:
    """Twice the false alarms in each of ten patients; of one patient no interval is given and p is 1."""
    one = differences(many(10, 2), many(10, 4), np.random.default_rng(0))["false_alarms_per_24h"]
    assert (one.first, one.second, one.lower, one.upper) == (2.0, 4.0, 2.0, 2.0)
    assert one.p == 2 / 2**10
    lone = differences(many(1, 2), many(1, 4), np.random.default_rng(0))["false_alarms_per_24h"]
    assert (math.isnan(lone.lower), lone.p) == (True, 1.0)


def test_with_many_patients_random_exchanges_are_close_to_all() -> None:
    """One patient more than are tried in all ways, of whom only six differ."""
    first = many(EXACT_PATIENTS + 1, 2)
    second = {p: replace(c, false_positives=3) if n < 6 else c for n, (p, c) in enumerate(first.items())}
    one = differences(first, second, np.random.default_rng(0))["false_alarms_per_24h"]
    assert not one.exact
    assert one.p == pytest.approx(2 / 2**6, abs=0.006)


def test_chance_is_never_none_and_two_patients_have_an_interval() -> None:
    """The exchange that was found counts among the random ones: none of 10,000 is as large, and p is 1 of 10,001."""
    one = differences(many(40, 2), many(40, 4), np.random.default_rng(0))["false_alarms_per_24h"]
    assert one.p == 1 / 10_001
    pair = differences(many(2, 2), many(2, 4), np.random.default_rng(0))["false_alarms_per_24h"]
    assert (pair.lower, pair.upper, pair.p) == (2.0, 2.0, 2 / 2**2)


def test_up_to_thirteen_patients_every_exchange_is_tried() -> None:
    """So p is exact: 2 of 8,192."""
    one = differences(many(13, 2), many(13, 4), np.random.default_rng(0))["false_alarms_per_24h"]
    assert (one.exact, one.p) == (True, 2 / 2**13)


def test_alike_systems_are_seldom_called_different() -> None:
    """Two systems with the same chance of every detection: p below 0.05 in about one trial of twenty, not more."""
    draw = np.random.default_rng(1)
    chances = []
    for _ in range(300):
        pair = [
            {f"p{n}": Counts(reference=0, false_positives=int(draw.poisson(5)), duration_s=DAY_S) for n in range(8)}
            for _ in range(2)
        ]
        chances.append(differences(pair[0], pair[1], draw)["false_alarms_per_24h"].p)
    assert 0.01 < np.mean(np.array(chances) <= 0.05) < 0.09


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"p9": Counts(reference=2, duration_s=DAY_S)}, "patient p9"),
        ({"p0": Counts(reference=2, duration_s=DAY_S - 2)}, "86398"),
        ({"p0": Counts(reference=1, duration_s=DAY_S)}, "reference items"),
    ],
)
def test_systems_that_were_scored_on_something_else_are_not_compared(changed: dict[str, Counts], message: str) -> None:
    """Another patient, other recordings, another reference."""
    with pytest.raises(InputError, match=message) as caught:
        differences(many(3, 1), many(3, 1) | changed, np.random.default_rng(0))
    assert caught.value.code == "compare-unlike"


def test_holm_raises_what_was_tried_often() -> None:
    """Worked by hand; what is undefined was no comparison."""
    assert holm([0.01, 0.04, math.nan, 0.03]) == pytest.approx([0.03, 0.06, math.nan, 0.06], nan_ok=True)
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_lengths_within_a_second_and_rounded_fractions_are_the_same_reference() -> None:
    """Formats round durations to seconds, and sums of fractions of events to a float."""
    ours, theirs = Counts(reference=3, duration_s=DAY_S), Counts(reference=3 + 5e-7, duration_s=DAY_S + 0.9)
    assert differences({"p": ours}, {"p": theirs}, np.random.default_rng(0)).keys() == set(RATES)
    for other in (replace(ours, duration_s=DAY_S + 1.1), replace(ours, reference=3 + 2e-6)):
        with pytest.raises(InputError):
            differences({"p": ours}, {"p": other}, np.random.default_rng(0))
