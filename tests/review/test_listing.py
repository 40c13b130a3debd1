"""What happened to each event, and where the detector knows least."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ictal.review.listing import UNCERTAIN_APART_S, compared, uncertain_seconds
from tests.review.recordings import DETECTIONS, REFERENCE, probability_of

TIMES = st.lists(st.integers(0, 99), min_size=0, max_size=8, unique=True).map(
    lambda edges: [(float(a), float(b)) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)]
)


def test_outcomes_by_hand() -> None:
    """One found, one missed, one hit, one false alarm."""
    shown = compared(REFERENCE, ["sz", "sz_foc"], DETECTIONS, 300.0, both=True)
    assert [(e.source, e.label, e.outcome) for e in shown] == [
        ("reference", "sz", "found"),
        ("reference", "sz_foc", "missed"),
        ("detection", "sz", "hit"),
        ("detection", "sz", "false alarm"),
    ]
    assert shown[1].name == "reference:70.0000-75.0000"


@given(TIMES, TIMES)
def test_outcomes_are_overlaps_with_the_tolerance(
    reference: list[tuple[float, float]], detections: list[tuple[float, float]]
) -> None:
    """A seizure reaches 30 s further back and 60 s further on; who touches it there is a hit."""
    shown = compared(reference, ["sz"] * len(reference), detections, 100.0, both=True)
    for event in shown:
        others = detections if event.source == "reference" else reference
        pairs = [((event.onset_s, event.stop_s), other) for other in others]
        ordered = pairs if event.source == "reference" else [(other, own) for own, other in pairs]
        meets = any(r[0] - 30 < d[1] and d[0] < r[1] + 60 for r, d in ordered)
        assert (
            event.outcome
            == {
                ("reference", True): "found",
                ("reference", False): "missed",
                ("detection", True): "hit",
                ("detection", False): "false alarm",
            }[event.source, meets]
        )


def test_nothing_is_said_where_there_is_no_other_side() -> None:
    """Without a detector no seizure is missed."""
    assert {event.outcome for event in compared(REFERENCE, ["sz", "sz"], (), 300.0, both=False)} == {""}


def test_the_doubt_of_the_small_recording_comes_first() -> None:
    """At 150 s and 151 s the probability is a half; one of them stands for both."""
    second, probability = uncertain_seconds(probability_of(), 8.0)[0]
    assert second in {150, 151}
    assert probability == 0.5


@given(st.lists(st.floats(0, 1, width=32), min_size=0, max_size=300), st.sampled_from([1.0, 2.0, 3.2]))
def test_uncertain_seconds_lie_apart_and_are_the_least_sure(trace: list[float], steps_hz: float) -> None:
    """In order; what is left out is no less sure than a neighbour that was taken."""
    found = uncertain_seconds(np.array(trace, dtype=np.float32), steps_hz)
    doubts = [abs(probability - 0.5) for _, probability in found]
    assert doubts == sorted(doubts)
    seconds = sorted(second for second, _ in found)
    assert all(b - a >= UNCERTAIN_APART_S for a, b in itertools.pairwise(seconds))
    edges = [int(np.floor(n * steps_hz + 0.5)) for n in range(int(len(trace) / steps_hz) + 1)]
    for second, (a, b) in enumerate(itertools.pairwise(edges)):
        doubt = abs(sum(trace[a:b]) / (b - a) - 0.5)
        near = [abs(p - 0.5) for other, p in found if abs(second - other) < UNCERTAIN_APART_S]
        assert any(taken <= doubt + 1e-6 for taken in near) or len(found) == 50
