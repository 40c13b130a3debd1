"""Event and sample counts equal those of timescoring 0.0.7 wherever it is defined; where it errs is shown here too."""

from __future__ import annotations

import importlib.metadata
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from ictal.errors import InputError
from ictal.scoring.szcore import EventParameters, count_events, count_samples
from tests.agreement.timescoring_cases import differences, in_float_domain, random_case, theirs


def test_the_outside_tool_is_the_version_that_was_agreed_with() -> None:
    """Versions before 0.0.7 compute F1 otherwise."""
    assert importlib.metadata.version("timescoring") == "0.0.7"


@pytest.mark.parametrize("grid", [1, 5])
def test_counts_are_equal_on_random_cases(grid: int) -> None:
    """60,000 random recordings on each grid (0.1 s and 0.5 s): events and seconds, all three counts."""
    compared, found = differences(60_000, seed=1, grid=grid)
    assert compared >= 45_000 if grid % 5 else compared == 60_000
    assert found == []


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32 - 1), grid=st.sampled_from([1, 5]))
def test_ratios_are_equal(seed: int, grid: int) -> None:
    """Sensitivity, precision, F1 and false alarms per day, NaN where timescoring has NaN."""
    reference, hypothesis, duration = random_case(np.random.default_rng(seed), grid)
    assume(grid == 5 or (in_float_domain(reference) and in_float_domain(hypothesis)))
    annotations = [Annotation([tuple(e) for e in (x / 10).tolist()], 10, duration) for x in (reference, hypothesis)]
    for count, scoring in ((count_events, EventScoring), (count_samples, SampleScoring)):
        own, other = count(reference / 10, hypothesis / 10, duration / 10), scoring(*annotations)
        for name in ("sensitivity", "precision", "f1"):
            np.testing.assert_allclose(getattr(own, name), getattr(other, name), rtol=1e-12)
        np.testing.assert_allclose(
            own.false_alarms_per_24h * own.duration_s, other.fpRate * _seconds(other), rtol=1e-12
        )


def _seconds(score: EventScoring | SampleScoring) -> float:
    return float(score.numSamples / score.fs)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    tolerance_start_s=st.sampled_from([0.0, 5.0, 30.0]),
    tolerance_end_s=st.sampled_from([0.0, 10.0, 60.0]),
    min_overlap=st.sampled_from([0.0, 0.1, 0.5]),
    max_event_duration_s=st.sampled_from([60.0, 300.0, 1e5]),
    min_duration_between_events_s=st.sampled_from([0.0, 20.0, 90.0]),
)
def test_counts_are_equal_for_other_parameters(seed: int, **parameters: float) -> None:
    """Every parameter means what timescoring's of the same name means."""
    reference, hypothesis, duration = random_case(np.random.default_rng(seed), grid=5)
    if parameters["min_duration_between_events_s"] == 0.0:
        assume(not (reference[1:, 0] == reference[:-1, 1]).any())  # touching events are one event here
        assume(not (hypothesis[1:, 0] == hypothesis[:-1, 1]).any())
    annotations = [Annotation([tuple(e) for e in (x / 10).tolist()], 10, duration) for x in (reference, hypothesis)]
    other = EventScoring(*annotations, EventScoring.Parameters(*parameters.values()))
    own = count_events(reference / 10, hypothesis / 10, duration / 10, parameters=EventParameters(**parameters))
    assert (own.reference, own.true_positives, own.false_positives) == (other.refTrue, other.tp, other.fp)


def _their_events(reference: list[tuple[float, float]], hypothesis: list[tuple[float, float]], tenths: int) -> tuple:
    score = EventScoring(Annotation(reference, 10, tenths), Annotation(hypothesis, 10, tenths))
    return score.refTrue, score.tp, score.fp


def test_it_errs_on_nested_events() -> None:
    """Merging takes the stop of the later onset, so a long event that holds a short one loses its rest."""
    nested, late = [(100.0, 250.0), (110.0, 120.0)], [(240.0, 250.0)]
    assert _their_events(late, nested, 10_000) == (1, 0, 1)
    own = count_events(late, nested, 1_000.0)
    assert (own.true_positives, own.false_positives) == (1, 0)


def test_it_errs_on_unsorted_events() -> None:
    """Merging looks at the event before in the list, not in time."""
    backwards = [(500.0, 520.0), (100.0, 120.0)]
    assert _their_events(backwards, backwards, 10_000)[0] == 1
    own = count_events(backwards, backwards, 1_000.0)
    assert (own.reference, own.true_positives, own.false_positives) == (2, 2, 0)


def test_it_errs_on_tiny_events() -> None:
    """A detection of 0.04 s inside a seizure vanishes from the 10 Hz mask: missed, and a false alarm as well."""
    seizure, tiny = [(100.0, 130.0)], [(110.0, 110.04)]
    assert _their_events(seizure, tiny, 10_000) == (1, 0, 1)
    own = count_events(seizure, tiny, 1_000.0)
    assert (own.true_positives, own.false_positives) == (1, 0)


def test_it_errs_on_a_second_between_two_half_seconds() -> None:
    """From 11.5 s to 12.5 s both ends round to 12: no second is left of one."""
    second = [(11.5, 12.5)]
    assert theirs(np.array([[115, 125]]), np.array([[115, 125]]), 1_000)[1] == (0, 0, 0)
    assert count_samples(second, second, 100.0).sensitivity == 1.0


def test_it_errs_on_gaps_of_exactly_90_s_that_floats_make_shorter() -> None:
    """100.1 s to 190.1 s is 90 s, not less; floating point says 89.99999999999999."""
    onset_s = next(n / 10 for n in range(1_000, 2_000) if (n + 900) / 10 - n / 10 < 90)
    events = [(onset_s - 10, onset_s), ((round(onset_s * 10) + 900) / 10, onset_s + 110)]
    assert _their_events(events, [], 10_000)[0] == 1
    assert count_events(events, [], 1_000.0).reference == 2


def test_precision_of_silence_is_undefined_and_its_f1_is_zero() -> None:
    """The rule that 0.0.7 introduced: a silent patient with seizures has F1 = 0."""
    own = count_events([(10.0, 20.0)], [], 100.0)
    other = EventScoring(Annotation([(10.0, 20.0)], 10, 1000), Annotation([], 10, 1000))
    assert math.isnan(own.precision)
    assert math.isnan(other.precision)
    assert own.f1 == other.f1 == 0.0


OUTSIDE = [
    pytest.param([(100.0, 120.0)], [(990.0, 1_100.0)], (1, 0, 1), (20, 0, 10), id="past the end, cut without a word"),
    pytest.param(
        [(100.0, 120.0)], [(1_500.0, 1_600.0)], (1, 0, 1), (20, 0, 0), id="after the end, an alarm of no second"
    ),
    pytest.param([(100.0, 120.0)], [(-50.0, -20.0)], (1, 0, 1), (20, 0, 30), id="before the start, marks the end"),
    pytest.param(
        [(100.0, 120.0)], [(-20.0, 10.0)], (1, 0, 1), (20, 0, 0), id="over the start, its 10 s inside are lost"
    ),
    pytest.param([(-50.0, -20.0)], [(950.0, 980.0)], (1, 0, 1), (30, 30, 0), id="seconds found at the other end"),
    pytest.param([(1_500.0, 1_600.0)], [(10.0, 20.0)], (1, 0, 1), (0, 0, 10), id="a seizure that nobody could find"),
]
Events = list[tuple[float, float]]
Triple = tuple[int, int, int]


@pytest.mark.parametrize(("reference", "hypothesis", "by_event", "by_second"), OUTSIDE)
def test_it_counts_events_outside_the_recording(
    reference: Events, hypothesis: Events, by_event: Triple, by_second: Triple
) -> None:
    """Of 1,000 s: what it makes of them follows from its mask; here they are refused by name, with their times."""
    annotations = [Annotation(events, 10, 10_000) for events in (reference, hypothesis)]
    samples = SampleScoring(*annotations)
    assert _their_events(reference, hypothesis, 10_000) == by_event
    assert (samples.refTrue, samples.tp, samples.fp) == by_second
    where, (onset_s, stop_s) = next(
        (side, event)
        for side, events in (("reference", reference), ("hypothesis", hypothesis))
        for event in events
        if event[0] < 0 or event[1] > 1_000
    )
    for count in (count_events, count_samples):
        with pytest.raises(InputError, match="outside its recording") as error:
            count(reference, hypothesis, 1_000.0, name="night")
        assert (error.value.code, error.value.where) == ("event-outside", f"{where} of night")
        assert error.value.got == f"{onset_s:g} s to {stop_s:g} s"


@pytest.mark.parametrize(
    ("reference", "hypothesis", "by_event", "by_second"),
    [
        ([(100.0, 120.0)], [(-1.0, 10.0)], (1, 0, 1), (20, 0, 10)),
        ([(990.0, 1_000.9)], [(995.0, 1_001.0)], (1, 1, 0), (10, 5, 0)),
        ([(999.5, 1_000.5)], [(1_000.2, 1_000.8)], (1, 1, 0), (1, 1, 0)),
    ],
)
def test_an_event_that_leaves_by_a_second_or_less_is_cut(
    reference: Events, hypothesis: Events, by_event: Triple, by_second: Triple
) -> None:
    """By hand: 10 s of the alarm are inside; 5 of 10 s are found; of the last events the last second is left."""
    for count, expected in ((count_events, by_event), (count_samples, by_second)):
        own = count(reference, hypothesis, 1_000.0)
        assert (own.reference, own.true_positives, own.false_positives) == expected


@pytest.mark.parametrize(
    ("reference", "hypothesis", "by_event", "by_second"),
    [
        pytest.param(
            [(700.0, 720.0), (100.0, 130.0), (400.0, 410.0)],
            [(705.0, 710.0), (405.0, 406.0), (110.0, 115.0)],
            (3, 3, 0),
            (60, 11, 0),
            id="unsorted: three seizures far apart, each with a detection inside",
        ),
        pytest.param(
            [(100.0, 700.0), (150.0, 160.0), (690.0, 695.0)],
            [(650.0, 660.0)],
            (2, 1, 0),
            (600, 10, 0),
            id="nested: 600 s are two pieces of 300 s, the second is found",
        ),
        pytest.param(
            [(100.0, 200.0), (150.0, 250.0)],
            [(90.0, 120.0), (110.0, 300.0)],
            (1, 1, 0),
            (150, 150, 60),
            id="overlapping: 100 to 250 s, said 90 to 300 s",
        ),
        pytest.param(
            [(100.0, 100.0)],
            [(100.0001, 100.0002)],
            (1, 1, 0),
            (1, 1, 0),
            id="no length, and a tenth of a millisecond: the same second",
        ),
        pytest.param(
            [(500.0, 500.00004)],
            [(100.0, 100.00001), (480.0, 480.00002)],
            (1, 1, 1),
            (1, 0, 2),
            id="shorter than 0.1 ms: an alarm, and a find within 30 s, of another second",
        ),
    ],
)
def test_what_it_cannot_count_is_counted_by_hand(
    reference: Events, hypothesis: Events, by_event: Triple, by_second: Triple
) -> None:
    """Events and seconds of 1,000 s; in the order in which they are written and in any other."""
    for turned in (1, -1):
        for count, expected in ((count_events, by_event), (count_samples, by_second)):
            own = count(reference[::turned], hypothesis[::turned], 1_000.0)
            assert (own.reference, own.true_positives, own.false_positives) == expected, (count, turned)
