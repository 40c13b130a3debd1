"""SzCORE scoring: oracles that anyone can check by hand, and a slow twin on exact fractions."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.scoring.counts import Counts
from ictal.scoring.eventlists import event_lists
from ictal.scoring.szcore import (
    PARAMETERS,
    EventParameters,
    count_events,
    count_events_by_recording,
    count_samples,
    count_samples_by_recording,
)
from tests.reference import szcore as slow

Count: TypeAlias = Callable[..., Counts]

HOUR_S = 3_600.0
SEIZURES = [(600.0, 660.0), (1_500.0, 1_530.0), (3_000.0, 3_200.0)]


def _triple(counts: Counts) -> tuple[int, int, int]:
    return counts.reference, counts.true_positives, counts.false_positives


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_perfect_is_one(count: Count) -> None:
    """The reference as its own hypothesis: sensitivity, precision and F1 are 1, no false alarm."""
    counts = count(SEIZURES, SEIZURES, HOUR_S)
    assert (counts.sensitivity, counts.precision, counts.f1, counts.false_alarms_per_24h) == (1.0, 1.0, 1.0, 0.0)


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_silent_finds_nothing(count: Count) -> None:
    """No hypothesis: sensitivity 0, precision undefined, F1 0, no false alarm."""
    counts = count(SEIZURES, [], HOUR_S)
    assert (counts.sensitivity, counts.f1, counts.false_alarms_per_24h) == (0.0, 0.0, 0.0)
    assert math.isnan(counts.precision)


def test_always_on_is_false_where_no_seizure_is_near() -> None:
    """An hour of alarm is twelve events of 300 s; those that touch no seizure with its tolerances are false."""
    # Tolerances reach 570-720, 1470-1590 and 2970-3260 s: pieces 2, 3, 5, 6, 10 and 11 of twelve.
    assert _triple(count_events(SEIZURES, [(0.0, HOUR_S)], HOUR_S)) == (3, 3, 12 - 6)
    assert _triple(count_samples(SEIZURES, [(0.0, HOUR_S)], HOUR_S)) == (290, 290, 3_310)


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_disjoint_is_zero(count: Count) -> None:
    """A detector that never comes near a seizure has sensitivity, precision and F1 of 0 (f2)."""
    counts = count([(600.0, 660.0)], [(2_000.0, 2_060.0)], HOUR_S)
    assert (counts.sensitivity, counts.precision, counts.f1) == (0.0, 0.0, 0.0)
    assert counts.false_positives == (1 if count is count_events else 60)


@pytest.mark.parametrize(
    ("hypothesis", "detected"),
    [
        ((560.0, 570.0), False),  # stops where the tolerance starts
        ((560.0, 570.0001), True),
        ((719.9999, 730.0), True),
        ((720.0, 730.0), False),  # starts where the tolerance stops
    ],
)
def test_shifted_counts_within_30_s_before_and_60_s_after(hypothesis: tuple[float, float], *, detected: bool) -> None:
    """Tolerances are half-open and exact to 0.1 ms."""
    counts = count_events([(600.0, 660.0)], [hypothesis], HOUR_S)
    assert _triple(counts) == (1, int(detected), int(not detected))


def test_shifted_seconds_count_by_overlap() -> None:
    """Sample scoring knows no tolerance: 10 s late is 10 s missed and 10 s false."""
    assert _triple(count_samples([(600.0, 660.0)], [(610.0, 670.0)], HOUR_S)) == (60, 50, 10)


def test_fragments_less_than_90_s_apart_are_one_detection() -> None:
    """A seizure in pieces counts once, on either side (f1)."""
    pieces = [(600.0 + 20 * n, 610.0 + 20 * n) for n in range(10)]
    assert _triple(count_events([(600.0, 790.0)], pieces, HOUR_S)) == (1, 1, 0)
    assert _triple(count_events(pieces, [(600.0, 790.0)], HOUR_S)) == (1, 1, 0)
    assert count_events([], [(p[0] + 1_000, p[1] + 1_000) for p in pieces], HOUR_S).false_positives == 1


@pytest.mark.parametrize(("gap_s", "events"), [(0.0, 1), (89.9999, 1), (90.0, 2), (90.0001, 2)])
def test_events_less_than_90_s_apart_are_merged(gap_s: float, events: int) -> None:
    """At 90 s they are two."""
    assert count_events([(100.0, 110.0), (110.0 + gap_s, 300.0)], [], HOUR_S).reference == events


@pytest.mark.parametrize(("length_s", "events"), [(300.0, 1), (300.0001, 2), (600.0, 2), (600.0001, 3), (3_600.0, 12)])
def test_events_longer_than_300_s_are_cut(length_s: float, events: int) -> None:
    """Into pieces of 300 s and a rest, on both sides."""
    assert count_events([(0.0, length_s)], [], HOUR_S).reference == events
    assert count_events([], [(0.0, length_s)], HOUR_S).false_positives == events


def test_a_long_event_merged_with_a_neighbour_is_cut_after_merging() -> None:
    """Merging comes first, so that the gap is part of the pieces."""
    assert count_events([(0.0, 200.0), (280.0, 500.0)], [], HOUR_S).reference == 2


def test_one_detection_may_find_two_seizures() -> None:
    """Each reference event within tolerance is detected; the hypothesis event is counted for neither again."""
    assert _triple(count_events([(500.0, 510.0), (620.0, 630.0)], [(540.0, 600.0)], HOUR_S)) == (2, 2, 0)


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_a_zero_length_event_is_kept(count: Count) -> None:
    """It is a reference, a detection and a false alarm like any other."""
    assert count([(50.0, 50.0)], [(50.0, 50.0)], 100.0).sensitivity == 1.0
    assert _triple(count([(50.0, 80.0)], [(60.0, 60.0)], 100.0))[1:] == (1, 0)
    assert _triple(count([], [(100.0, 100.0)], 100.0)) == (0, 0, 1)


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_an_empty_reference_has_no_sensitivity(count: Count) -> None:
    """Undefined with a false alarm (precision 0) and without (everything but the rate undefined)."""
    alarmed, quiet = count([], [(50.0, 60.0)], 86_400.0), count([], [], 86_400.0)
    assert math.isnan(alarmed.sensitivity)
    assert (alarmed.precision, alarmed.f1) == (0.0, 0.0)
    assert math.isnan(quiet.precision)
    assert math.isnan(quiet.f1)
    assert quiet.false_alarms_per_24h == 0.0


def test_a_detection_must_cover_more_than_min_overlap() -> None:
    """A detection too short to count is a false alarm."""
    half = EventParameters(tolerance_start_s=0.0, tolerance_end_s=0.0, min_overlap=0.5)
    assert _triple(count_events([(100.0, 200.0)], [(150.0, 200.0)], HOUR_S, parameters=half)) == (1, 0, 1)
    assert _triple(count_events([(100.0, 200.0)], [(149.9999, 200.0)], HOUR_S, parameters=half)) == (1, 1, 0)


def test_recordings_are_isolated() -> None:
    """A detection at the start of one recording does not find the seizure at the end of the one before it."""
    references, hypotheses = [[(90.0, 100.0)], []], [[], [(0.0, 10.0)]]
    lists = [event_lists(events, [100.0, 100.0], ["a", "b"]) for events in (references, hypotheses)]
    assert [_triple(c) for c in count_events_by_recording(*lists).rows()] == [(1, 0, 0), (0, 0, 1)]
    assert [_triple(c) for c in count_samples_by_recording(*lists).rows()] == [(10, 0, 0), (0, 0, 10)]


def test_an_event_that_rounds_to_nothing_counts_in_the_second_that_it_begins_in() -> None:
    """From 50.6 s to 51.4 s both ends round to 51; the event begins in second 50."""
    within = (50.6, 51.4)
    assert _triple(count_samples([within], [(50.0, 51.0)], 100.0)) == (1, 1, 0)
    assert _triple(count_samples([within], [(51.0, 52.0)], 100.0)) == (1, 0, 1)


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_counts_are_whole_numbers(count: Count) -> None:
    """So that a document says 3 seizures and not 3.0."""
    assert [type(value) for value in _triple(count(SEIZURES, SEIZURES[:2], HOUR_S))] == [int, int, int]


def test_durations_are_those_scored() -> None:
    """Events are counted over the exact duration, seconds over whole seconds."""
    assert count_events([], [], 100.4).duration_s == 100.4
    assert count_samples([], [], 100.4).duration_s == 100.0
    assert count_samples([], [], 0.3).duration_s == 1.0


def test_lists_of_different_recordings_cannot_be_compared() -> None:
    """A hypothesis for another recording is a fault of the program by now."""
    reference, hypothesis = (event_lists([[]], [duration_s], ["r"]) for duration_s in (10.0, 11.0))
    with pytest.raises(AssertionError, match="different recordings"):
        count_events_by_recording(reference, hypothesis)
    with pytest.raises(AssertionError, match="different recordings"):
        count_samples_by_recording(reference, hypothesis)


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_an_error_names_the_side_and_the_recording(count: Count) -> None:
    """The caller learns which of two files to mend."""
    with pytest.raises(InputError) as hypothesis:
        count([], [(500.0, 510.0)], 100.0, name="aaaa_s001_t000")
    with pytest.raises(InputError) as reference:
        count([(500.0, 510.0)], [], 100.0)
    assert hypothesis.value.where == "hypothesis of aaaa_s001_t000"
    assert reference.value.where == "reference of recording"


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_duration_between_events_s": -1e-3},
        {"min_duration_between_events_s": 86_400.0},
        {"tolerance_start_s": -1.0},
        {"tolerance_end_s": -1.0},
        {"min_overlap": -0.1},
        {"min_overlap": 1.0},
        {"max_event_duration_s": 0.9e-4},
    ],
)
def test_parameters_that_would_count_nonsense_cannot_be_made(wrong: dict[str, float]) -> None:
    """Merging from one recording to the next, tolerances that shrink an event, pieces shorter than a tick."""
    with pytest.raises(AssertionError):
        EventParameters(**wrong)


def test_parameters_reach_to_their_limits() -> None:
    """No merging at all, and pieces of one tick."""
    finest = EventParameters(min_duration_between_events_s=0.0, max_event_duration_s=1e-4)
    assert count_events([(0.0, 1e-3), (2e-3, 3e-3)], [], 1.0, parameters=finest).reference == 20


def test_parameters_are_the_published_ones() -> None:
    """SzCORE's five numbers and the sample rate, for printing beside every score."""
    assert PARAMETERS == {
        "tolerance_start_s": 30.0,
        "tolerance_end_s": 60.0,
        "min_overlap": 0.0,
        "max_event_duration_s": 300.0,
        "min_duration_between_events_s": 90.0,
        "sample_rate_hz": 1,
    }


TICKS = st.one_of(
    st.integers(0, 6_000_000),
    st.integers(0, 1_200).map(lambda half_seconds: half_seconds * 5_000),
    st.integers(0, 40).map(lambda n: n * 150_000),
)
EVENTS = st.lists(
    st.tuples(TICKS, TICKS).filter(lambda e: e[0] != e[1]).map(lambda e: (min(e), max(e))), max_size=6
) | st.lists(st.tuples(TICKS, st.integers(1, 40_000)).map(lambda e: (e[0], e[0] + e[1])), max_size=6)


def _exact(events: list[tuple[int, int]], duration: int) -> list[tuple[Fraction, Fraction]]:
    return slow.united([(Fraction(a, 10_000), Fraction(min(b, duration), 10_000)) for a, b in events])


@settings(max_examples=500)
@given(
    reference=EVENTS,
    hypothesis=EVENTS,
    tail=st.integers(1, 100_000),
    min_overlap=st.sampled_from([Fraction(0), Fraction(1, 2)]),
)
def test_equals_the_slow_form_on_any_events(
    reference: list[tuple[int, int]], hypothesis: list[tuple[int, int]], tail: int, min_overlap: Fraction
) -> None:
    """Unsorted, nested, tiny, touching: on the 0.1 ms grid the counts are exact."""
    duration = max([stop for _, stop in reference + hypothesis], default=0) + tail - 50_000
    duration = max([duration, tail, *(start + 1 for start, _ in reference + hypothesis)])
    in_reach = [[e for e in events if e[1] <= duration + 10_000] for events in (reference, hypothesis)]
    seconds = [np.array(events, dtype=np.float64).reshape(-1, 2) / 10_000 for events in in_reach]
    exact = [_exact(events, duration) for events in in_reach]
    parameters = EventParameters(min_overlap=float(min_overlap))
    by_event = count_events(*seconds, duration / 10_000, parameters=parameters)
    assert _triple(by_event) == slow.count_events(*exact, Fraction(duration, 10_000), min_overlap)
    by_sample = count_samples(*seconds, duration / 10_000)
    assert _triple(by_sample) == slow.count_samples(*exact, Fraction(duration, 10_000))


@settings(max_examples=150)
@given(st.lists(st.tuples(EVENTS, EVENTS), min_size=1, max_size=6))
def test_a_corpus_is_its_recordings_counted_one_by_one(
    recordings: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    """Laying recordings on one axis changes no count (f1, f2)."""
    durations_s = [700.0 + 5_000.0 * (number % 3 == 0) + number / 7 for number in range(len(recordings))]
    sides = [[np.array(r[side], dtype=np.float64).reshape(-1, 2) / 1e4 for r in recordings] for side in (0, 1)]
    names = [f"r{n}" for n in range(len(recordings))]
    lists = [event_lists(side, durations_s, names) for side in sides]
    for together, alone in (
        (count_events_by_recording, count_events),
        (count_samples_by_recording, count_samples),
    ):
        assert together(*lists).rows() == [alone(r, h, d) for r, h, d in zip(*sides, durations_s, strict=True)]
