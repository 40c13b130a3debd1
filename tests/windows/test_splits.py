"""Splits: patient-disjoint, stratified, or refused."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows import splits
from ictal.windows.index import IndexedRecording, build
from ictal.windows.splits import PARTS, SplitConfig, split
from tests.reference import splits as slow
from tests.windows.strategies import many_recordings


@st.composite
def corpora(draw: st.DrawFn, patients: int = 12) -> list[IndexedRecording]:
    """A corpus in which no two patients with seizures have the same ictal time."""
    seed = draw(st.integers(0, 10_000))
    return varied(draw(st.integers(6, patients)), seed=seed)


def varied(patients: int, seed: int = 0) -> list[IndexedRecording]:
    """Recordings of many lengths; half the patients, and six at least, have seizures, of many lengths and three types.

    Seizures come 3,000 samples apart, each 10 samples longer than the one before it anywhere in the corpus.
    """
    rng = np.random.default_rng(seed)
    ictal = set(rng.permutation(patients)[: max(6, patients // 2)].tolist())
    corpus, length = [], 10
    for patient in range(patients):
        for number in range(int(rng.integers(1, 4))):
            onsets = range(0, 3000 * int(rng.integers(1, 6)), 3000) if patient in ictal else ()
            seizures = []
            for onset in onsets:
                seizures.append([onset, onset + length])
                length += 10
            corpus.append(
                IndexedRecording(
                    id=f"p{patient:03}_{number}",
                    patient=f"p{patient:03}",
                    samples=int(rng.integers(20_000, 90_000)),
                    seizures=np.array(seizures, dtype=np.int64).reshape(-1, 2),
                    types=tuple(rng.choice(["fnsz", "gnsz", "absz"], len(seizures)).tolist()),
                )
            )
    return corpus


def parts_of(corpus: list[IndexedRecording], config: SplitConfig) -> dict[str, int]:
    """The place of each patient."""
    parts = split(corpus, [None] * len(corpus), config)
    return {corpus[n].patient: PARTS.index(part) for part, numbers in parts.items() for n in numbers}


@given(corpora(), st.integers(1, 2), st.integers(0, 3))
@settings(max_examples=40)
def test_each_patient_is_placed_where_the_slow_twin_would_place_it(
    corpus: list[IndexedRecording], minimum: int, seed: int
) -> None:
    """Patients in turn, the heaviest burden first, each where the parts come closest to their shares."""
    with_seizures = [recording for recording in corpus if len(recording.seizures)]
    config = SplitConfig(method="stratified", minimum_seizure_patients=minimum, seed=seed)
    placed = parts_of(with_seizures, config)
    assert not slow.placing_faults(with_seizures, placed, (0.6, 0.2, 0.2), minimum)


@given(corpora(patients=16), st.integers(1, 4), st.integers(1, 2), st.integers(0, 3))
@settings(max_examples=40)
def test_a_subset_grows_as_the_slow_twin_would_have_it(
    corpus: list[IndexedRecording], seizures: int, minimum: int, seed: int
) -> None:
    """One patient more, one more: each makes the truest picture of the whole that can be made."""
    config = SplitConfig(minimum_seizures=seizures, minimum_seizure_patients=minimum)
    order, needed = splits._ranked(splits._burden(corpus), config, np.random.default_rng(seed))
    assert sorted(order) == sorted({recording.patient for recording in corpus})
    assert not slow.choosing_faults(corpus, order, seizures, minimum)
    held = [sum(len(r.seizures) for r in corpus if r.patient == patient) for patient in order]
    enough = [sum(held[:n]) >= seizures and sum(map(bool, held[:n])) >= minimum for n in range(len(order) + 1)]
    assert needed == enough.index(True)


def test_a_subset_is_a_small_picture_of_the_whole() -> None:
    """A quarter of the patients holds about a quarter of everything, far closer than a quarter drawn by chance."""
    corpus = varied(120, seed=3)
    whole = slow.profiles(corpus)
    names = sorted(whole["p000"])

    def farthest(patients: list[str]) -> float:
        held = slow.together([whole[patient] for patient in patients], names)
        return max(abs(amount - 0.25) for amount in held.values())

    rng = np.random.default_rng(0)
    by_chance = [farthest(rng.choice(sorted(whole), 30, replace=False).tolist()) for _ in range(50)]
    for seed in range(5):
        chosen = parts_of(corpus, SplitConfig(method="all-train", subset_patients=30, seed=seed))
        assert farthest(list(chosen)) < min(0.03, *by_chance)


@given(st.integers(6, 30), st.integers(1, 3), st.integers(0, 3))
@settings(max_examples=60)
def test_a_stratified_split_is_disjoint_complete_and_holds_seizures_everywhere(
    patients: int, each: int, seed: int
) -> None:
    """Every recording is in one part, no patient in two, and each part has a patient with seizures."""
    corpus = many_recordings(patients, each, max(3, patients // 3))
    parts = split(corpus, [None] * len(corpus), SplitConfig(method="stratified", seed=seed))
    assert sorted(n for part in PARTS for n in parts[part]) == list(range(len(corpus)))
    owners = [{corpus[n].patient for n in parts[part]} for part in PARTS]
    assert sum(map(len, owners)) == patients
    assert all(any(len(corpus[n].seizures) for n in parts[part]) for part in PARTS)


def test_the_stratified_shares_are_close_to_what_was_asked() -> None:
    """60/20/20 of 50 patients, within two patients."""
    corpus = many_recordings(50, 2, 20)
    parts = split(corpus, [None] * len(corpus), SplitConfig(method="stratified"))
    for part, share in zip(PARTS, (0.6, 0.2, 0.2), strict=True):
        assert abs(len(parts[part]) / len(corpus) - share) <= 0.04
        assert abs(sum(len(corpus[n].seizures) for n in parts[part]) / 40 - share) <= 0.06


def test_it_does_not_depend_on_the_alphabet() -> None:
    """Seizure patients are spread although their names come first."""
    corpus = many_recordings(12, 1, 6)
    parts = split(corpus, [None] * 12, SplitConfig(method="stratified"))
    assert all(any(len(corpus[n].seizures) for n in parts[part]) for part in PARTS)


def test_an_official_split_with_a_patient_in_two_parts_is_refused() -> None:
    """The error names the patient."""
    corpus = many_recordings(3, 2, 3)
    with pytest.raises(InputError, match="patient p000 in train and in dev"):
        split(corpus, ["train", "dev", "dev", "dev", "eval", "eval"], SplitConfig(method="official"))


def test_a_corpus_without_official_parts_is_refused() -> None:
    """It does not fall back to another method."""
    with pytest.raises(InputError, match="no official part"):
        split(many_recordings(3, 1, 3), [None] * 3, SplitConfig(method="official"))


def test_fewer_patients_than_parts_are_refused() -> None:
    """Two patients cannot serve three parts."""
    with pytest.raises(InputError, match="fewer patients than parts"):
        split(many_recordings(2, 3, 2), [None] * 6, SplitConfig(method="stratified"))


def test_a_part_without_seizures_is_refused() -> None:
    """Seizures of two patients cannot be in three parts."""
    with pytest.raises(InputError, match="too few seizures") as error:
        split(many_recordings(12, 1, 2), [None] * 12, SplitConfig(method="stratified"))
    assert error.value.code == "split-infeasible"


def test_all_train_uses_everything_to_learn() -> None:
    """For trials on small corpora; nothing is left to evaluate on."""
    corpus = many_recordings(2, 1, 2)
    assert split(corpus, [None] * 2, SplitConfig(method="all-train")) == {"train": (0, 1), "dev": (), "eval": ()}


@given(st.integers(8, 20), st.integers(2, 4), st.integers(0, 3))
@settings(max_examples=25)
def test_folds_evaluate_every_patient_once(patients: int, folds: int, seed: int) -> None:
    """Over all folds each recording is evaluated on once; within a fold the parts are disjoint and complete."""
    corpus = many_recordings(patients, 2, patients)
    evaluated: list[int] = []
    for fold in range(folds):
        config = SplitConfig(method="kfold", folds=folds, fold=fold, seed=seed)
        parts = split(corpus, [None] * len(corpus), config)
        assert sorted(n for part in PARTS for n in parts[part]) == list(range(len(corpus)))
        evaluated += parts["eval"]
    assert sorted(evaluated) == list(range(len(corpus)))


def test_one_patient_with_seizures_is_left_out_at_a_time() -> None:
    """The patients without seizures are never the one: nothing could be found in them."""
    corpus = many_recordings(8, 2, 5)
    for fold in range(5):
        config = SplitConfig(method="leave-one-patient-out", fold=fold)
        parts = split(corpus, [None] * len(corpus), config)
        assert {corpus[n].patient for n in parts["eval"]} == {f"p{fold:03}"}
    with pytest.raises(InputError, match=r"split\.fold"):
        split(corpus, [None] * len(corpus), SplitConfig(method="leave-one-patient-out", fold=5))


def test_every_part_holds_the_patients_with_seizures_asked_for() -> None:
    """Seven of them are enough for two in each of three parts; five are not, and are refused."""
    config = SplitConfig(method="stratified", minimum_seizure_patients=2)
    corpus = many_recordings(20, 1, 7)
    parts = split(corpus, [None] * 20, config)
    assert all(len({corpus[n].patient for n in parts[p] if len(corpus[n].seizures)}) >= 2 for p in PARTS)
    with pytest.raises(InputError, match="too few seizures") as error:
        split(many_recordings(20, 1, 5), [None] * 20, config)
    assert error.value.code == "split-infeasible"


def test_seizure_types_are_spread_over_the_parts() -> None:
    """Ten patients alike but for their seizures' type: each type is in each part."""
    corpus = [
        dataclasses.replace(recording, types=("fnsz",) if n % 2 else ("gnsz",))
        for n, recording in enumerate(many_recordings(20, 1, 20))
    ]
    parts = split(corpus, [None] * 20, SplitConfig(method="stratified"))
    assert all({corpus[n].types[0] for n in parts[part]} == {"fnsz", "gnsz"} for part in PARTS)


@pytest.mark.parametrize("method", ["stratified", "kfold"])
@pytest.mark.parametrize("seed", range(5))
def test_a_subset_keeps_the_seizures_that_every_part_must_hold(method: str, seed: int) -> None:
    """Few patients, each part with its seizures and seizure patients; parts are parts of the whole split's."""
    recordings = many_recordings(60, 2, 15, seed=seed)
    whole = SplitConfig(method=method, minimum_seizures=2, minimum_seizure_patients=2, seed=seed)  # type: ignore[arg-type]
    parts = split(recordings, [None] * len(recordings), whole)
    small = split(recordings, [None] * len(recordings), replace(whole, subset_patients=15))
    assert len({recordings[n].patient for numbers in small.values() for n in numbers}) <= 15
    for part, numbers in small.items():
        assert set(numbers) <= set(parts[part])
        held = [recordings[n] for n in numbers if len(recordings[n].seizures)]
        assert sum(len(r.seizures) for r in held) >= 2
        assert len({r.patient for r in held}) >= 2
    assert any(not len(recordings[n].seizures) for n in small["train"])
    other = split(recordings, [None] * len(recordings), replace(whole, subset_patients=15, seed=seed + 100))
    assert other != small


def test_statistics_count_what_a_probe_would_look_for() -> None:
    """By recording and in all; the chance of the report's 0 of 1,000."""
    index = build(many_recordings(20, 2, 5), WindowGrid(length_samples=600, stride_samples=100))
    found = index.statistics()
    assert sum(found["by_recording"].values()) == found["seizure_windows"] == len(index.seizure_windows)
    owners = {index.recordings[int(r)].id for r in index.locate(index.seizure_windows)[0]}
    assert set(found["by_recording"]) == owners
    assert found["chance_of_none_in_1000"] == pytest.approx((1 - found["share"]) ** 1000)
