"""The window index against a loop over every sample."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows.index import IndexedRecording, WindowConfig, build
from ictal.windows.labels import SEIZURE, STRATA, LabelRule
from tests.reference import index as slow
from tests.windows.strategies import grids, many_recordings, recordings, rules


@given(recordings(), grids(), rules())
@settings(max_examples=200)
def test_every_window_is_what_a_loop_over_samples_finds(
    corpus: list[IndexedRecording], grid: WindowGrid, rule: LabelRule
) -> None:
    """Number, place, samples, ictal and labelled samples, stratum and seizure of all windows are exact."""
    index = build(corpus, grid, rule)
    expected = slow.windows(corpus, grid, rule)
    numbers = np.arange(index.windows)
    recording, start = index.locate(numbers)
    ictal, labelled = index.labelled_samples_in(numbers)
    found = {
        "recording": recording.tolist(),
        "start": start.tolist(),
        "valid": index.valid_samples(numbers).tolist(),
        "ictal": index.ictal_samples_in(numbers).tolist(),
        "labelled": labelled.tolist(),
        "labelled_ictal": ictal.tolist(),
        "stratum": [STRATA[code] for code in index.stratum_of(numbers)],
    }
    assert found == {name: [getattr(window, name) for window in expected] for name in found}
    seizure = {n: window for n, window in enumerate(expected) if window.stratum in SEIZURE}
    assert index.seizure_windows.tolist() == list(seizure)
    assert index.ictal_samples.tolist() == [window.ictal for window in seizure.values()]
    assert index.seizure_of.tolist() == [window.seizure for window in seizure.values()]


@given(recordings(), grids(), rules(), st.sets(st.sampled_from(STRATA)))
@settings(max_examples=100)
def test_strata_and_their_totals_are_sums_over_windows(
    corpus: list[IndexedRecording], grid: WindowGrid, rule: LabelRule, strata: set[str]
) -> None:
    """Every window is of one stratum; labelled samples of any strata are those that the loop adds up."""
    index = build(corpus, grid, rule)
    expected = slow.windows(corpus, grid, rule)
    assert index.strata() == {s: sum(window.stratum == s for window in expected) for s in STRATA}
    chosen = [window for window in expected if window.stratum in strata]
    totals = sum(w.labelled_ictal for w in chosen), sum(w.labelled for w in chosen)
    assert index.labelled_totals(*strata) == totals


@given(recordings(), grids(), rules())
@settings(max_examples=100)
def test_seizure_ambiguous_and_background_windows_are_all_windows(
    corpus: list[IndexedRecording], grid: WindowGrid, rule: LabelRule
) -> None:
    """The n-th background window, for all n, and the windows with ictal samples together are every window once."""
    index = build(corpus, grid, rule)
    background = index.background(np.arange(index.background_windows))
    ambiguous = index.pool("ambiguous")
    doubtful = ambiguous.members(np.arange(ambiguous.size))
    assert sorted([*index.seizure_windows, *doubtful, *background]) == list(range(index.windows))
    assert (index.ictal_samples_in(background) == 0).all()
    assert (index.ictal_samples > 0).all()


@given(recordings(), grids())
@settings(max_examples=50)
def test_every_sample_lies_in_a_window(corpus: list[IndexedRecording], grid: WindowGrid) -> None:
    """Tails and short recordings are kept: the last window reaches the end, and no gap is left before it."""
    index = build(corpus, grid)
    for number, recording in enumerate(corpus):
        windows = np.arange(index.offsets[number], index.offsets[number + 1])
        _, start = index.locate(windows)
        stop = start + index.valid_samples(windows)
        assert (start[0], stop[-1]) == (0, recording.samples)
        assert (start[1:] <= stop[:-1]).all()


def test_memory_follows_seizures_not_windows() -> None:
    """A hundred million background windows need no list."""
    empty = np.empty((0, 2), dtype=np.int64)
    corpus = [
        IndexedRecording(id=f"r{n}", patient=f"p{n}", samples=10**9, seizures=empty if n else np.array([[5, 900]]))
        for n in range(100)
    ]
    index = build(corpus, WindowGrid(length_samples=1000, stride_samples=100))
    assert index.windows > 9.9e8
    assert len(index.seizure_windows) < 10
    assert index.background(index.background_windows - 1) == index.windows - 1


def test_a_seizure_outside_its_recording_is_refused() -> None:
    """The error names the recording and both lengths."""
    recording = IndexedRecording(id="a/b", patient="a", samples=100, seizures=np.array([[90, 101]]))
    with pytest.raises(InputError, match=r"a/b[\s\S]*90, 101[\s\S]*100"):
        build([recording], WindowGrid(length_samples=10, stride_samples=10))


def test_a_stride_longer_than_the_window_is_refused() -> None:
    """It would leave samples that nobody looks at."""
    with pytest.raises(InputError, match="gaps"):
        WindowConfig(length_s=10, stride_s=11).grid(256)


def test_seizures_that_overlap_are_refused() -> None:
    """Counting would take them twice."""
    recording = IndexedRecording(id="a/b", patient="a", samples=100, seizures=np.array([[10, 30], [20, 40]]))
    with pytest.raises(InputError, match=r"a/b[\s\S]*10, 30[\s\S]*20, 40"):
        build([recording], WindowGrid(length_samples=10, stride_samples=10))


def test_the_label_rule_decides_the_hash() -> None:
    """A plan made under one rule is not that of another."""
    corpus, grid = many_recordings(4, 2, 2), WindowGrid(length_samples=600, stride_samples=100)
    rules = [
        LabelRule(),
        LabelRule(min_ictal_samples=2),
        LabelRule(min_ictal_share=0.5),
        LabelRule(margin_samples=1),
        LabelRule(peri_ictal_samples=1),
    ]
    assert len({build(corpus, grid, rule).hash for rule in rules}) == len(rules)


def test_settings_in_seconds_become_the_rule_in_samples() -> None:
    """At 256 Hz."""
    config = WindowConfig(min_ictal_s=2, min_ictal_share=0.25, margin_s=0.5, peri_ictal_s=60)
    expected = LabelRule(min_ictal_samples=512, min_ictal_share=0.25, margin_samples=128, peri_ictal_samples=15360)
    assert config.rule(256) == expected


@pytest.mark.parametrize(
    ("key", "value"), [("min_ictal_s", 61.0), ("min_ictal_share", 1.1), ("margin_s", -1.0), ("peri_ictal_s", math.inf)]
)
def test_a_label_rule_that_nothing_can_meet_is_refused(key: str, value: float) -> None:
    """The error names the setting."""
    with pytest.raises(InputError, match=f"windows.{key}"):
        WindowConfig(**{key: value})


def test_a_share_is_met_exactly() -> None:
    """7 of 100 samples are 7 %, although 0.07 * 100 is more than 7 as a float."""
    recording = IndexedRecording(id="a", patient="a", samples=100, seizures=np.array([[0, 7]]))
    grid = WindowGrid(length_samples=100, stride_samples=100)
    assert build([recording], grid, LabelRule(min_ictal_share=0.07)).strata()["partial"] == 1
    assert build([recording], grid, LabelRule(min_ictal_share=0.0701)).strata()["ambiguous"] == 1


def test_a_window_that_is_ictal_in_a_margin_alone_teaches_nothing_of_seizures() -> None:
    """It is ambiguous, and so is a seizure that is shorter than its margins."""
    recording = IndexedRecording(id="a", patient="a", samples=100, seizures=np.array([[18, 40], [70, 73]]))
    index = build([recording], WindowGrid(length_samples=10, stride_samples=10), LabelRule(margin_samples=2))
    assert index.seizure_windows.tolist() == [2, 3]
    assert [STRATA[code] for code in index.stratum_of([1, 7])] == ["ambiguous", "ambiguous"]


def test_events_have_patients_and_types() -> None:
    """Corpus-wide seizure numbers lead to both."""
    seizures = np.array([[1, 5], [7, 9]])
    corpus = [
        IndexedRecording(id="a", patient="q", samples=10, seizures=seizures, types=("fnsz", "gnsz")),
        IndexedRecording(id="b", patient="p", samples=10, seizures=seizures[:1]),
    ]
    index = build(corpus, WindowGrid(length_samples=10, stride_samples=10))
    assert index.patients == ("p", "q")
    assert index.seizure_patient.tolist() == [1, 1, 0]
    assert index.seizure_types == ("fnsz", "gnsz", "")
    assert index.seizure_of.tolist() == [0, 2]
