"""The staircase holds at every threshold what scoring there from the beginning gives."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.events import EventRule, events
from ictal.detection.levels import levels
from ictal.errors import InputError
from ictal.scoring import staircase as module
from ictal.scoring.curves import Trace
from ictal.scoring.eventlists import event_lists
from ictal.scoring.staircase import Staircase, added, sampled, staircase
from ictal.scoring.szcore import count_events_by_recording
from tests.reference import staircase as slow

Floats = npt.NDArray[np.float64]


def _triple(stairs: Staircase, threshold: float) -> tuple[float, float, float]:
    counts = stairs.at(threshold)
    return counts.reference, counts.true_positives, counts.false_positives


def _smooth(generator: np.random.Generator, steps: int) -> Floats:
    width = int(generator.integers(1, 10))
    walk = np.convolve(generator.normal(size=steps + width - 1), np.ones(width) / width**0.5, mode="valid")
    return np.asarray(1 / (1 + np.exp(3 - 2 * walk)))


def _trace(generator: np.random.Generator, name: str, steps: int, rate_hz: float) -> Trace:
    duration_s = (steps - 1 + float(generator.choice([0.3, 0.999, 1.0]))) / rate_hz
    kind = generator.integers(3)
    levels_of = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0])
    probability = (generator.choice(levels_of, size=steps), _smooth(generator, steps), np.linspace(0.1, 0.9, steps))
    seizures_s = np.sort(generator.uniform(0, duration_s, size=(int(generator.integers(4)), 2)), axis=1)
    return Trace(name=name, probability=probability[kind], reference_s=seizures_s, duration_s=duration_s)


def _case(seed: int) -> tuple[list[Trace], float, EventRule]:
    """Up to three recordings of up to 40 minutes in up to 120 steps, so that events merge, are cut, and meet."""
    generator = np.random.default_rng(seed)
    rate_hz = float(generator.choice([0.05, 0.1, 0.5, 1.0]))
    rule = EventRule(
        off_ratio=float(generator.choice([0.5, 0.7, 1.0])),
        merge_gap_s=float(generator.choice([0, 20, 40])),
        min_duration_s=float(generator.choice([0, 10, 30])),
    )
    sizes = generator.integers(1, 120, size=int(generator.integers(1, 4))).tolist()
    traces = [_trace(generator, f"r{n}", steps, rate_hz) for n, steps in enumerate(sizes)]
    traces[0].probability[-1] = 0.25
    return traces, rate_hz, rule


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 60, 1 << 20]))
def test_equals_scoring_at_every_threshold(seed: int, block: int) -> None:
    """At probabilities, at thresholds that end a row, just above these, and in the middle of rows: 60 of them."""
    traces, rate_hz, rule = _case(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_STEPS", block)
        stairs = staircase(traces, levels([t.probability for t in traces], rate_hz, rule), rate_hz)
    curve = stairs.curve()
    values = np.concatenate([*(t.probability for t in traces), stairs.highest, curve.thresholds])
    values = np.unique(np.concatenate([values, np.nextafter(stairs.highest, 2)]))
    names, durations_s = [t.name for t in traces], [t.duration_s for t in traces]
    reference = event_lists([t.reference_s for t in traces], durations_s, names)
    values = values[(values > 0) & (values <= 1)]
    for on in values[:: 1 + len(values) // 60].tolist():
        at = replace(rule, on=on)
        found_s = [np.minimum(events(t.probability, rate_hz, at), t.duration_s) for t in traces]
        pooled = count_events_by_recording(reference, event_lists(found_s, durations_s, names)).pooled()
        assert stairs.at(on) == pooled, on
    rows = [stairs.at(threshold) for threshold in curve.thresholds.tolist()]
    for name in ("sensitivity", "precision", "f1", "false_alarms_per_24h"):
        np.testing.assert_allclose(getattr(curve, name), [getattr(row, name) for row in rows], rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_equals_the_slow_form_at_every_distinct_probability(seed: int) -> None:
    """A state machine over steps and a loop over events on exact fractions, at each threshold from the beginning."""
    generator = np.random.default_rng(seed)
    recordings = []
    for _ in range(int(generator.integers(1, 3))):
        minutes = int(generator.integers(1, 25))
        probability = generator.integers(0, 16, size=4 * minutes) / 16
        edges = np.sort(generator.choice(60 * minutes, size=(int(generator.integers(3)), 2)), axis=1)
        seizures = [(float(a), float(b + 1)) for a, b in edges]
        recordings.append((np.repeat(probability, 15).tolist(), seizures, 60.0 * minutes))
    rule = EventRule(off_ratio=0.5, min_duration_s=float(generator.choice([0, 20])), merge_gap_s=40.0)
    if not any(any(probability) for probability, _, _ in recordings):
        return
    traces = [
        Trace(name="r", probability=np.array(p), reference_s=np.array(s).reshape(-1, 2), duration_s=d)
        for p, s, d in recordings
    ]
    stairs = staircase(traces, levels([t.probability for t in traces], 1.0, rule), 1.0)
    for threshold in slow.thresholds_of(recordings, rule):
        assert _triple(stairs, threshold) == slow.counts_at(threshold, recordings, 1, rule), threshold


def _hour(*bumps: tuple[int, int, float]) -> Floats:
    probability = np.zeros(3_600)
    for start, stop, height in bumps:
        probability[start:stop] = height
    return probability


def test_rows_of_a_recording_that_can_be_counted_by_hand() -> None:
    """A seizure at 0.8, a false alarm at 0.9, one more at 0.3, and a bridge between two events at 0.1."""
    probability = _hour((500, 560, 0.9), (1_000, 1_060, 0.8), (2_000, 2_050, 0.3), (2_200, 2_250, 0.3))
    probability[2_050:2_200] = 0.1
    trace = Trace(name="r", probability=probability, reference_s=np.array([[1_000.0, 1_060.0]]), duration_s=3_600.0)
    stairs = staircase([trace], levels([probability], 1.0, EventRule(off_ratio=1.0)), 1.0)
    assert stairs.highest.tolist() == [0.1, 0.3, 0.8, 0.9, 1.0]
    assert stairs.true_positives.tolist() == [1, 1, 1, 0, 0]
    assert stairs.false_positives.tolist() == [2, 3, 1, 1, 0]
    curve = stairs.curve()
    assert curve.thresholds.tolist() == pytest.approx([0.1, 0.1791, 0.5670, 6 / 7, 1.0], abs=1e-4)
    assert curve.every_threshold
    rates, sensitivity = curve.envelope()
    assert (rates.tolist(), sensitivity.tolist()) == ([0.0, 24.0, 48.0, 72.0], [0.0, 1.0, 1.0, 1.0])


def test_the_middle_of_a_row_is_in_log_odds() -> None:
    """Between 0.2 and 0.8 it is 0.5; the first and the last row have no middle."""
    stairs = Staircase(
        highest=np.array([0.2, 0.8, 1.0]),
        true_positives=np.array([1, 1, 0]),
        false_positives=np.array([2, 1, 0]),
        reference=1,
        duration_s=86_400.0,
    )
    assert stairs.curve().thresholds.tolist() == [0.2, pytest.approx(0.5), 1.0]
    neighbours = np.array([0.5, np.nextafter(0.5, 1), 1.0])
    assert replace(stairs, highest=neighbours).curve().thresholds.tolist() == neighbours.tolist()


def test_an_event_is_cut_from_where_it_begins() -> None:
    """700 s are three false pieces; with a seizure in its first 300 s, two; ten steps longer on top are still three."""
    alone = Trace(name="r", probability=_hour((1_000, 1_700, 0.5)), reference_s=np.empty((0, 2)), duration_s=3_600.0)
    near = replace(alone, reference_s=np.array([[1_100.0, 1_110.0]]))
    for trace, false in ((alone, 3), (near, 2)):
        stairs = staircase([trace], levels([trace.probability], 1.0, EventRule()), 1.0)
        assert stairs.at(0.4).false_positives == false


def test_what_is_too_short_for_an_event_leaves_silence() -> None:
    """Probabilities above 0, but no event at any threshold: one row, up to 1."""
    trace = Trace(name="r", probability=np.array([0.5, 0.1]), reference_s=np.array([[0.0, 1.0]]), duration_s=2.0)
    stairs = staircase([trace], levels([trace.probability], 1.0, EventRule()), 1.0)
    assert (stairs.highest.tolist(), _triple(stairs, 0.01)) == ([1.0], (1, 0, 0))


def test_memory_follows_the_block_and_not_the_corpus() -> None:
    """Eight times the recordings, the same peak above what is handed over: a tenth more at most."""
    generator = np.random.default_rng(0)
    peaks = []
    for count in (16, 128):
        traces = [
            Trace(name=f"r{n}", probability=_smooth(generator, 4_000), reference_s=np.empty((0, 2)), duration_s=4_000.0)
            for n in range(count)
        ]
        found = levels([t.probability for t in traces], 1.0, EventRule())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "BLOCK_STEPS", 40_000)
            tracemalloc.start()
            stairs = staircase(traces, found, 1.0)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert stairs.highest.size > 50
    assert peaks[1] < 1.5 * peaks[0]


def _same(one: Staircase, other: Staircase) -> None:
    for name in ("highest", "true_positives", "false_positives"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    assert (one.reference, one.every_threshold) == (other.reference, other.every_threshold)
    assert one.duration_s == pytest.approx(other.duration_s, rel=1e-15)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_staircases_of_recordings_add_up_to_that_of_all(seed: int) -> None:
    """Row by row, in any order, one by one or all at once."""
    traces, rate_hz, rule = _case(seed)
    each = [staircase([t], levels([t.probability], rate_hz, rule), rate_hz) for t in traces]
    whole = staircase(traces, levels([t.probability for t in traces], rate_hz, rule), rate_hz)
    _same(added(each), whole)
    _same(added([*each[1:], each[0]]), whole)
    _same(added([added(each[:1]), *each[1:]]), whole)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_sampled_counts_are_those_of_scoring_at_each_threshold(seed: int, count: int) -> None:
    """Of any events; added, the thresholds stay where they are, whether anything changes at them or not."""
    traces, rate_hz, rule = _case(seed)
    thresholds = np.sort(np.random.default_rng(seed).uniform(0.01, 1.0, count))
    refractory = replace(rule, refractory_s=100.0)
    found_s = [
        [np.minimum(events(t.probability, rate_hz, replace(refractory, on=on)), t.duration_s) for on in thresholds]
        for t in traces
    ]
    each = [sampled(t, thresholds, found) for t, found in zip(traces, found_s, strict=True)]
    pooled = added(each)
    assert pooled.highest.tolist() == thresholds.tolist()
    assert not pooled.every_threshold
    names, durations_s = [t.name for t in traces], [t.duration_s for t in traces]
    reference = event_lists([t.reference_s for t in traces], durations_s, names)
    for row, on in enumerate(thresholds.tolist()):
        own = event_lists([found[row] for found in found_s], durations_s, names)
        assert pooled.at(on) == count_events_by_recording(reference, own).pooled()
    curve = pooled.curve()
    assert curve.thresholds.tolist() == curve.highest.tolist() == thresholds.tolist()
    assert not curve.every_threshold


def test_counts_at_different_thresholds_do_not_add() -> None:
    """Nothing is known of either at the other's; without a threshold, or with one too many, there are no counts."""
    trace = Trace(name="r", probability=_hour((5, 50, 0.5)), reference_s=np.empty((0, 2)), duration_s=3_600.0)
    nothing = np.empty((0, 2))
    one, other = (sampled(trace, np.array([on]), [nothing]) for on in (0.2, 0.3))
    with pytest.raises(AssertionError, match="different thresholds"):
        added([one, other])
    with pytest.raises(AssertionError, match=r"\(0, 0\)"):
        sampled(trace, np.empty(0), [])
    with pytest.raises(AssertionError, match=r"\(1, 2\)"):
        sampled(trace, np.array([0.2, 0.3]), [nothing])


@pytest.mark.parametrize(
    ("reference_s", "found_s", "expected"),
    [
        ([[0.0, 5_000.0]], [], "reference of night"),
        ([], [[0.0, 5_000.0]], "hypothesis of night"),
    ],
)
def test_what_is_wrong_is_said_of_the_recording(
    reference_s: list[list[float]], found_s: list[list[float]], expected: str
) -> None:
    """By its name, and on which side."""
    trace = Trace(
        name="night", probability=np.zeros(10), reference_s=np.array(reference_s).reshape(-1, 2), duration_s=3_600.0
    )
    with pytest.raises(InputError) as error:
        sampled(trace, np.array([0.5]), [np.array(found_s).reshape(-1, 2)])
    assert error.value.where == expected


def test_what_a_row_has_over_the_one_above() -> None:
    """From the top down these add up to the counts."""
    stairs = Staircase(
        highest=np.array([0.2, 0.8, 1.0]),
        true_positives=np.array([3, 1, 0]),
        false_positives=np.array([2, 4, 1]),
        reference=3,
        duration_s=1.0,
    )
    found, false = stairs.changes()
    assert (found.tolist(), false.tolist()) == ([2, 1, 0], [-2, 3, 1])
