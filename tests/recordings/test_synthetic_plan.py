"""The plan of a synthetic corpus: who has how many seizures where, before any signal is made."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.synthetic.plan import SPLITS, PlannedPatient, Split, plan_corpus


def test_default_corpus_has_about_a_dozen_seizures_of_a_third_of_the_patients() -> None:
    """Eleven seizures in eight of 24 patients; more than half to train on, two patients to tune and to test on."""
    plan = plan_corpus(patients=24, hours=6, seizure_share=0.01, seed=0)
    assert [len(_lengths_s(plan, split)) for split in SPLITS] == [6, 3, 2]
    assert [sum(_carries(one) for one in plan if one.split == split) for split in SPLITS] == [4, 2, 2]
    assert [sum(one.split == split for one in plan) for split in SPLITS] == [14, 5, 5]


def test_seizures_are_longer_where_there_is_more_ictal_time() -> None:
    """A long corpus has seizures of minutes, not thousands of short ones."""
    lengths_s = _lengths_s(plan_corpus(patients=24, hours=100, seizure_share=0.05, seed=0))
    assert max(lengths_s) > 120
    assert math.isclose(sum(lengths_s), 18_000, abs_tol=1)


def test_seizures_cluster_in_few_recordings() -> None:
    """Fewer recordings have seizures than there are seizures."""
    plan = plan_corpus(patients=24, hours=24, seizure_share=0.02, seed=0)
    with_seizures = [recording for one in plan for recording in one.recordings if recording.seizures]
    everything = [recording for one in plan for recording in one.recordings]
    assert len(with_seizures) < 0.25 * len(everything)
    assert max(len(recording.seizures) for recording in with_seizures) >= 3


@given(
    patients=st.integers(3, 40),
    hours=st.floats(0.7, 40),
    seizure_share=st.floats(0.02, 0.15),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60)
def test_any_plan_keeps_its_promises(patients: int, hours: float, seizure_share: float, seed: int) -> None:
    """Hours and ictal time are met, seizures lie inside recordings with pauses, each split has its own."""
    plan = plan_corpus(patients=patients, hours=hours, seizure_share=seizure_share, seed=seed)
    recorded_s = sum(recording.duration_s for one in plan for recording in one.recordings)
    assert recorded_s == round(hours * 3600)
    assert math.isclose(sum(_lengths_s(plan)), seizure_share * recorded_s, abs_tol=0.004 * len(_lengths_s(plan)))
    assert min(_lengths_s(plan)) > 9.99
    assert all(any(_carries(one) for one in plan if one.split == split) for split in SPLITS)
    for one in plan:
        for recording in one.recordings:
            edges = [0, *itertools.chain.from_iterable(recording.seizures), recording.duration_s * one.traits.rate_hz]
            assert edges == sorted(edges)


@pytest.mark.parametrize(
    ("patients", "hours", "seizure_share", "field"),
    [
        (2, 6.0, 0.01, "patients"),
        (24, 6.0, -0.01, "seizure_share"),
        (24, 6.0, 0.31, "seizure_share"),
        (24, 6.0, math.nan, "seizure_share"),
        (24, 6.0, 0.001, "seizure_share"),
        (24, 0.3, 0.01, "hours"),
        (24, math.nan, 0.01, "hours"),
        (24, -1.0, 0.01, "hours"),
        (60, 1.0, 0.3, "seizure_share"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(
    patients: int, hours: float, seizure_share: float, field: str
) -> None:
    """Each impossible configuration stops before anything is written."""
    with pytest.raises(InputError) as caught:
        plan_corpus(patients=patients, hours=hours, seizure_share=seizure_share, seed=0)
    assert (caught.value.code, caught.value.where) == ("synth-infeasible", f"synth.{field}")


def test_negative_seed_is_refused() -> None:
    """A seed is a count of something, never below zero."""
    with pytest.raises(InputError, match="negative"):
        plan_corpus(patients=3, hours=1, seizure_share=0.1, seed=-1)


def _carries(patient: PlannedPatient) -> bool:
    return any(recording.seizures for recording in patient.recordings)


def _lengths_s(plan: tuple[PlannedPatient, ...], split: Split | None = None) -> list[float]:
    return [
        (stop - start) / one.traits.rate_hz
        for one in plan
        if split in {None, one.split}
        for recording in one.recordings
        for start, stop in recording.seizures
    ]
