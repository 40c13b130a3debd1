"""The staircase holds at every threshold what scoring there from the beginning gives."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

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


@settings(max_examples=150)
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


@settings(max_examples=40)
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


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_staircases_of_recordings_add_up_to_that_of_all(seed: int) -> None:
    """Row by row, in any order, one by one or all at once."""
    traces, rate_hz, rule = _case(seed)
    each = [staircase([t], levels([t.probability], rate_hz, rule), rate_hz) for t in traces]
    whole = staircase(traces, levels([t.probability for t in traces], rate_hz, rule), rate_hz)
    _same(added(each), whole)
    _same(added([*each[1:], each[0]]), whole)
    _same(added([added(each[:1]), *each[1:]]), whole)


@settings(max_examples=60)
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
    assert pooled.every_threshold is each[0].every_threshold is False
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
    with pytest.raises(AssertionError, match=r"^counted at different thresholds"):
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


def test_the_curve_keeps_up_to_where_each_row_holds() -> None:
    """Beside its thresholds; whoever has a threshold finds its row by it."""
    stairs = Staircase(
        highest=np.array([0.2, 0.8, 1.0]),
        true_positives=np.array([1, 1, 0]),
        false_positives=np.array([2, 1, 0]),
        reference=1,
        duration_s=86_400.0,
    )
    assert stairs.curve().highest.tolist() == [0.2, 0.8, 1.0]
    for threshold in (0.0, -0.1, 1.5):
        with pytest.raises(AssertionError, match=str(threshold)):
            stairs.at(threshold)
    assert stairs.at(1.0).true_positives == 0


@settings(max_examples=300)
@given(st.floats(1e-300, 1.0, exclude_max=True), st.integers(1, 3))
def test_a_threshold_lies_in_its_row_however_narrow_that_is(below: float, apart: int) -> None:
    """Between neighbouring floats as well, where the middle rounds to one of them, or past it."""
    above = below
    for _ in range(apart):
        above = np.nextafter(above, 1.0)
    rows = np.unique([below, above, 1.0])
    zeros = np.zeros(rows.size, dtype=np.int64)
    stairs = Staircase(highest=rows, true_positives=zeros, false_positives=zeros, reference=1, duration_s=1.0)
    assert np.searchsorted(rows, stairs.curve().thresholds).tolist() == list(range(rows.size))


@pytest.mark.parametrize("short_ticks", [0.6, 0.4])
def test_a_rate_at_which_rounding_would_part_or_join_is_a_fault_of_the_program(short_ticks: float) -> None:
    """A step count that comes to 90 s less half a tick would be 90 s at one place and less at another."""
    rate_hz = 699 / (90.0 - short_ticks / 10_000)
    trace = Trace(name="r", probability=np.full(2_000, 0.5), reference_s=np.empty((0, 2)), duration_s=2_000 / rate_hz)
    with pytest.raises(AssertionError, match="do not keep 90 s apart"):
        staircase([trace], [trace.probability], rate_hz)


@pytest.mark.parametrize(("duration_s", "fits"), [(9.0, False), (8.5, False), (9.0001, True)])
def test_the_last_step_begins_inside_its_recording(duration_s: float, fits: bool) -> None:
    """Ten steps of a second need more than nine."""
    trace = Trace(name="r", probability=np.full(10, 0.5), reference_s=np.empty((0, 2)), duration_s=duration_s)
    if fits:
        assert staircase([trace], [trace.probability], 1.0).at(0.5).false_positives == 1
        return
    with pytest.raises(AssertionError, match=r"recording \[0\] ends before its last step begins"):
        staircase([trace], [trace.probability], 1.0)


def test_an_alarm_that_only_touches_an_extended_seizure_is_false() -> None:
    """It ends where the 30 s before begin, or begins where the 60 s after end; a second nearer it finds."""
    for bump, found in (((10, 70), 0), ((10, 71), 1), ((170, 200), 0), ((169, 200), 1)):
        trace = Trace(
            name="r", probability=_hour((*bump, 0.9)), reference_s=np.array([[100.0, 110.0]]), duration_s=3_600.0
        )
        stairs = staircase([trace], [trace.probability], 1.0)
        assert _triple(stairs, 0.5) == (1, found, 1 - found), bump


def test_a_seizure_after_the_last_step_is_missed() -> None:
    """A trace that is shorter than its recording says nothing about the rest of it."""
    trace = Trace(name="r", probability=np.full(50, 0.5), reference_s=np.array([[200.0, 210.0]]), duration_s=300.0)
    assert _triple(staircase([trace], [trace.probability], 1.0), 0.5) == (1, 0, 1)


def _long_alarms() -> tuple[list[Trace], float]:
    """Three recordings of 1, 2 and 3 hours that are alarms throughout, at rising heights, with seizures."""
    traces = []
    for number in range(3):
        steps = 360 * (number + 1)
        probability = 0.2 + 0.6 * (np.arange(steps) % 97) / 97
        seizures_s = np.array([[1_000.0, 1_030.0], [2_500.0, 2_900.0]])
        traces.append(
            Trace(name=f"r{number}", probability=probability, reference_s=seizures_s, duration_s=10.0 * steps)
        )
    return traces, 0.1


@pytest.mark.parametrize("pieces", [1, 7, 50, 1 << 20])
def test_long_alarms_are_cut_in_whatever_portions(pieces: int) -> None:
    """How many pieces are held at once changes no count."""
    traces, rate_hz = _long_alarms()
    whole = staircase(traces, [t.probability for t in traces], rate_hz)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_PIECES", pieces)
        _same(staircase(traces, [t.probability for t in traces], rate_hz), whole)


@pytest.mark.parametrize("most", [1, 5, 12, 1_000])
def test_portions_hold_all_rows_once_and_few_pieces(most: int) -> None:
    """In order; at most twice so many pieces together, or one row; and not a portion for each row."""
    steps = np.array([3, 40, 10, 9, 25, 0, 60, 12])
    starts = np.array([900, 0, 70, 300, 5, 41, 500, 7])
    runs = np.stack([starts, starts + steps], axis=1)
    block = SimpleNamespace(clock=SimpleNamespace(cut=10))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_PIECES", most)
        portions = list(module._Block._portions(block, runs))  # type: ignore[arg-type]
    assert [row for rows in portions for row in range(len(runs))[rows]] == list(range(len(runs)))
    pieces = steps // 10 + 2
    sums = [int(pieces[rows].sum()) for rows in portions]
    assert all(of <= 2 * most or len(pieces[rows]) == 1 for of, rows in zip(sums, portions, strict=True))
    assert len(portions) == {1: 8, 5: 6, 12: 3, 1_000: 1}[most]


def test_a_first_row_of_many_pieces_is_a_portion_as_well() -> None:
    """It lies beyond the first edge already."""
    runs = np.array([[0, 60], [100, 103], [200, 210]])
    block = SimpleNamespace(clock=SimpleNamespace(cut=10))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_PIECES", 5)
        portions = list(module._Block._portions(block, runs))  # type: ignore[arg-type]
    assert [(rows.start, rows.stop) for rows in portions] == [(0, 1), (1, 3)]


def test_blocks_hold_as_many_recordings_as_fit() -> None:
    """Ten steps and no more, unless one recording has more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_STEPS", 10)
        assert list(module._blocks([4, 6, 1, 12, 3, 7])) == [(0, 2), (2, 3), (3, 4), (4, 6)]
        assert list(module._blocks([3, 3, 3, 3])) == [(0, 3), (3, 4)]
        assert list(module._blocks([])) == []


def test_without_a_recording_there_is_one_row_of_nothing() -> None:
    """No seizure, no alarm, no time."""
    stairs = staircase([], [], 1.0)
    assert (stairs.highest.tolist(), stairs.reference, stairs.duration_s) == ([1.0], 0, 0.0)
    assert (stairs.true_positives.tolist(), stairs.false_positives.tolist()) == ([0], [0])
