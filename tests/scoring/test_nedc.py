"""NEDC scoring: the oracle matrix, cases that anyone can check by hand, and slow twins on exact fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.scoring.counts import Counts, CountTable
from ictal.scoring.eventlists import EventLists, event_lists
from ictal.scoring.nedc import count_epochs_by_recording, count_ovlp_by_recording, count_taes_by_recording
from tests.reference import nedc as slow

Events: TypeAlias = Sequence[tuple[float, float]]

HOUR_S = 3_600.0
SEIZURES = [(600.0, 660.0), (1_500.0, 1_530.0), (3_000.0, 3_200.0)]
SCORERS = {"ovlp": count_ovlp_by_recording, "taes": count_taes_by_recording, "epoch": count_epochs_by_recording}


def _lists(*recordings: Events, duration_s: float = HOUR_S) -> EventLists:
    names = [f"r{number}" for number in range(len(recordings))]
    return event_lists(recordings, [duration_s] * len(recordings), names)


def _count(scorer: str, reference: Events, hypothesis: Events, duration_s: float = HOUR_S) -> Counts:
    return SCORERS[scorer](_lists(reference, duration_s=duration_s), _lists(hypothesis, duration_s=duration_s)).pooled()


def _triple(counts: Counts) -> tuple[float, float, float]:
    return counts.reference, counts.true_positives, counts.false_positives


ORACLES: dict[str, tuple[Events, Events, dict[str, tuple[float, float, float]]]] = {
    "perfect": (SEIZURES, SEIZURES, {"ovlp": (3, 3, 0), "taes": (3, 3, 0), "epoch": (290, 290, 0)}),
    "silent": (SEIZURES, [], {"ovlp": (3, 0, 0), "taes": (3, 0, 0), "epoch": (290, 0, 0)}),
    # One detection is one event: TAES gives it the first seizure, and one false alarm at most.
    "always on": (SEIZURES, [(0, HOUR_S)], {"ovlp": (3, 3, 0), "taes": (3, 1, 1), "epoch": (290, 290, 3_310)}),
    # 15 s late on 60, 30 and 200 s: a quarter, a half and 7.5 % missed, and as much false.
    "shifted": (
        SEIZURES,
        [(a + 15, b + 15) for a, b in SEIZURES],
        {"ovlp": (3, 3, 0), "taes": (3, 3 - 0.825, 0.825), "epoch": (290, 245, 45)},
    ),
    "disjoint": (
        SEIZURES,
        [(a + 250, b + 250) for a, b in SEIZURES],
        {"ovlp": (3, 0, 3), "taes": (3, 0, 3), "epoch": (290, 0, 290)},
    ),
    "touching": ([(600, 660)], [(660, 700)], {"ovlp": (1, 0, 1), "taes": (1, 0, 1), "epoch": (60, 0, 40)}),
    # Ten halves of one seizure are one hit by OVLP, half a hit by TAES; no piece is false.
    "fragmented": (
        [(600, 800)],
        [(600 + 20 * n, 610 + 20 * n) for n in range(10)],
        {"ovlp": (1, 1, 0), "taes": (1, 0.5, 0), "epoch": (200, 100, 0)},
    ),
    # One detection over ten seizures: TAES counts the first as found and nine as missed.
    "merged": (
        [(600 + 20 * n, 610 + 20 * n) for n in range(10)],
        [(600, 800)],
        {"ovlp": (10, 10, 0), "taes": (10, 1, 1), "epoch": (100, 100, 100)},
    ),
    # A tick is a hit by OVLP, next to nothing by TAES; between the middles of two epochs it is nothing by EPOCH.
    "zero-length detection": (
        [(600, 610)],
        [(605, 605)],
        {"ovlp": (1, 1, 0), "taes": (1, 1e-5, 0), "epoch": (10, 0, 0)},
    ),
    "zero-length seizure": (
        [(605, 605)],
        [(600, 610)],
        {"ovlp": (1, 1, 0), "taes": (1, 1, 1), "epoch": (0, 0, 10)},
    ),
    "neither": ([], [], {"ovlp": (0, 0, 0), "taes": (0, 0, 0), "epoch": (0, 0, 0)}),
    "no seizure": ([], [(600, 700)], {"ovlp": (0, 0, 1), "taes": (0, 0, 1), "epoch": (0, 0, 100)}),
}


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("case", ORACLES)
def test_oracle_matrix(case: str, scorer: str) -> None:
    """Counts that follow from the definitions alone."""
    reference, hypothesis, expected = ORACLES[case]
    assert _triple(_count(scorer, reference, hypothesis)) == pytest.approx(expected[scorer], abs=1e-12)


@pytest.mark.parametrize("scorer", SCORERS)
def test_ratios_of_the_corners(scorer: str) -> None:
    """Perfect is 1; disjoint is 0 (f2); silent has no precision; without either side only the rate is defined."""
    perfect, disjoint = _count(scorer, SEIZURES, SEIZURES), _count(scorer, [(600, 660)], [(2_000, 2_060)])
    assert (perfect.sensitivity, perfect.precision, perfect.f1, perfect.false_alarms_per_24h) == (1.0, 1.0, 1.0, 0.0)
    assert (disjoint.sensitivity, disjoint.precision, disjoint.f1) == (0.0, 0.0, 0.0)
    assert disjoint.false_alarms_per_24h == (60.0 * 24 if scorer == "epoch" else 24.0)
    silent, neither = _count(scorer, SEIZURES, []), _count(scorer, [], [])
    assert (silent.sensitivity, silent.f1) == (0.0, 0.0)
    assert all(math.isnan(value) for value in (silent.precision, neither.sensitivity, neither.precision, neither.f1))
    assert neither.false_alarms_per_24h == 0.0


@pytest.mark.parametrize("scorer", SCORERS)
def test_recordings_are_isolated(scorer: str) -> None:
    """The same times in another recording find nothing: flattened on one axis they would score 1.0 (f2)."""
    table = SCORERS[scorer](_lists(SEIZURES, []), _lists([], SEIZURES))
    reference, hypothesis = (290, 290) if scorer == "epoch" else (3, 3)
    assert [_triple(c) for c in table.rows()] == [(reference, 0, 0), (0, 0, hypothesis)]
    late, early = _lists([(3_590.0, HOUR_S)], []), _lists([], [(0.0, 10.0)])
    assert SCORERS[scorer](late, early).pooled().true_positives == 0


def test_whole_events_are_counted_in_whole_numbers() -> None:
    """Fractions come from TAES and EPOCH alone."""
    assert [type(value) for value in _triple(_count("ovlp", SEIZURES, SEIZURES[1:]))] == [int, int, int]


@pytest.mark.parametrize("scorer", SCORERS)
def test_lists_of_different_recordings_cannot_be_compared(scorer: str) -> None:
    """A hypothesis for another recording is a fault of the program by now."""
    with pytest.raises(AssertionError, match="different recordings"):
        SCORERS[scorer](_lists([]), _lists([], duration_s=10.0))


@pytest.mark.parametrize(
    ("detection", "hit", "false"),
    [
        ((80.0, 130.0), 0.3, 0.2),  # early
        ((170.0, 250.0), 0.3, 0.5),  # late
        ((90.0, 230.0), 1.0, 0.4),  # over both ends
        ((120.0, 145.0), 0.25, 0.0),  # within
        ((199.0, 400.0), 0.01, 1.0),  # twice as long outside: one false alarm at most
    ],
)
def test_taes_credits_the_share_of_the_seizure(detection: tuple[float, float], hit: float, false: float) -> None:
    """The four overlaps of the paper, on a seizure of 100 s."""
    assert _triple(_count("taes", [(100.0, 200.0)], [detection])) == pytest.approx((1, hit, false))


def test_taes_counts_the_excess_of_each_detection() -> None:
    """Two detections of one seizure, both reaching far out: two false alarms."""
    assert _triple(_count("taes", [(100.0, 200.0)], [(0.0, 110.0), (190.0, 390.0)])) == pytest.approx((1, 0.2, 2.0))


def test_taes_gives_a_detection_to_the_first_seizure_it_meets() -> None:
    """The later seizure under it is missed, and a second detection of that seizure is a false alarm."""
    seizures, bridge = [(100.0, 200.0), (220.0, 320.0)], (180.0, 240.0)
    assert _triple(_count("taes", seizures, [bridge])) == pytest.approx((2, 0.2, 0.4))
    assert _triple(_count("taes", seizures, [bridge, (260.0, 320.0)])) == pytest.approx((2, 0.2, 1.4))
    # With a detection before the bridge, the bridge is not alone, and the later seizure stays open (as in NEDC v6).
    pieces = [(100.0, 110.0), bridge, (260.0, 320.0)]
    assert _triple(_count("taes", seizures, pieces)) == pytest.approx((2, 0.3 + 0.6, 0.4))


@pytest.mark.parametrize(
    ("event", "seconds"),
    [
        ((0.125, 0.3), 0.25),  # starts at the first middle
        ((0.1251, 0.375), 0.0),  # after the first middle, stops at the second
        ((0.1251, 0.3751), 0.25),
        ((0.0, 1.0), 1.0),
    ],
)
def test_an_epoch_is_ictal_if_an_event_holds_its_middle(event: tuple[float, float], seconds: float) -> None:
    """Middles lie at 0.125 s, 0.375 s and so on; events are half-open."""
    assert _triple(_count("epoch", [event], [event], 1.0)) == (seconds, seconds, 0.0)


@pytest.mark.parametrize(("duration_s", "seconds"), [(0.1, 0.0), (0.125, 0.0), (0.1251, 0.25), (1.2, 1.25)])
def test_a_last_epoch_counts_if_the_recording_holds_its_middle(duration_s: float, seconds: float) -> None:
    """A recording shorter than half an epoch has none, and the neighbour keeps its own."""
    lists = event_lists([[(0.0, duration_s)], [(0.0, 1.0)]], [duration_s, 1.0], ["r0", "r1"])
    assert [c.true_positives for c in count_epochs_by_recording(lists, lists).rows()] == [seconds, 1.0]


def test_epochs_of_another_length_say_so_in_seconds() -> None:
    """With epochs of 1 s the same alarm is as long, to the nearest epoch."""
    table = count_epochs_by_recording(_lists([]), _lists([(10.0, 20.4)]), epoch_s=1.0)
    assert _triple(table.pooled()) == (0.0, 0.0, 10.0)
    assert table.pooled().false_alarms_per_24h == 10.0 * 24


DURATION_TICKS = 2_000_000
EVENTS = st.lists(
    st.tuples(st.integers(0, 100), st.integers(1, 30)).map(lambda e: (e[0] * 12_500, (e[0] + e[1]) * 12_500)),
    max_size=7,
) | st.lists(st.tuples(st.integers(0, 1_500_000), st.integers(1, 400_000)).map(lambda e: (e[0], sum(e))), max_size=7)
CORPUS = st.lists(st.tuples(EVENTS, EVENTS), min_size=1, max_size=4)


def _disjoint(events: list[tuple[int, int]]) -> list[tuple[Fraction, Fraction]]:
    """Sorted, overlapping and touching ones united, in seconds."""
    united: list[tuple[Fraction, Fraction]] = []
    for onset, stop in sorted((Fraction(a, 10_000), Fraction(b, 10_000)) for a, b in events):
        if united and onset <= united[-1][1]:
            united[-1] = (united[-1][0], max(stop, united[-1][1]))
        else:
            united.append((onset, stop))
    return united


@settings(max_examples=200)
@given(CORPUS, st.sampled_from([0.25, 0.5, 1.0, 0.0625]))
def test_equals_the_slow_forms_recording_by_recording(
    corpus: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]], epoch_s: float
) -> None:
    """Any events in a corpus of several recordings: each recording as the twins count it alone."""
    sides = [[np.array(r[side], dtype=np.float64).reshape(-1, 2) / 1e4 for r in corpus] for side in (0, 1)]
    names = [f"r{number}" for number in range(len(corpus))]
    durations = [DURATION_TICKS * (2 - number % 2) for number in range(len(corpus))]
    lists = [event_lists(side, [ticks / 1e4 for ticks in durations], names) for side in sides]
    tables: list[CountTable] = [scorer(*lists) for scorer in (count_ovlp_by_recording, count_taes_by_recording)]
    tables.append(count_epochs_by_recording(*lists, epoch_s=epoch_s))
    rows = list(zip(*(table.rows() for table in tables), strict=True))
    for (reference, hypothesis), (ovlp, taes, epoch), duration in zip(corpus, rows, durations, strict=True):
        true, said = _disjoint(reference), _disjoint(hypothesis)
        assert _triple(ovlp) == slow.count_ovlp(true, said)
        assert _triple(taes) == pytest.approx([float(x) for x in slow.count_taes(true, said)], abs=1e-9)
        ticks, length = Fraction(duration, 10_000), Fraction(round(epoch_s * 10_000), 10_000)
        assert _triple(epoch) == pytest.approx([float(x) for x in slow.count_epochs(true, said, ticks, length)])


@settings(max_examples=150)
@given(EVENTS, EVENTS)
def test_bounds_hold_whatever_the_events(reference: list[tuple[int, int]], hypothesis: list[tuple[int, int]]) -> None:
    """TAES never credits more than OVLP, and its false alarms lie between OVLP's and the number of detections."""
    sides = [np.array(events, dtype=np.float64).reshape(-1, 2) / 1e4 for events in (reference, hypothesis)]
    lists = [event_lists([side], [DURATION_TICKS / 1e4], ["r"]) for side in sides]
    ovlp, taes = (scorer(*lists).pooled() for scorer in (count_ovlp_by_recording, count_taes_by_recording))
    assert taes.reference == ovlp.reference
    assert 0 <= taes.true_positives <= ovlp.true_positives
    assert ovlp.false_positives <= taes.false_positives <= len(lists[1].spans)
