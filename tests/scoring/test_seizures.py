"""Seizure by seizure: found or missed, how late, and in tables with intervals over patients."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.recordings.events import merged
from ictal.scoring import seizures as module
from ictal.scoring.counts import Counts
from ictal.scoring.seizures import document, outcomes, tables

HOUR_S = 3_600.0


def _one(seizure: tuple[float, float], detections: list[tuple[float, float]]) -> float:
    return float(outcomes([[seizure]], [detections], [HOUR_S], ["r"]).latency_s[0])


@pytest.mark.parametrize(
    ("detections", "latency_s"),
    [
        ([(1_010.0, 1_020.0)], 10.0),
        ([(990.0, 1_020.0)], -10.0),
        ([(100.0, 1_020.0)], -30.0),  # on for a quarter of an hour: it is given no more than the tolerance
        ([(975.0, 980.0), (1_010.0, 1_020.0)], -25.0),
        ([(1_119.0, 1_130.0)], 119.0),
        ([(100.0, 200.0), (1_040.0, 1_041.0), (1_050.0, 1_051.0)], 40.0),
    ],
)
def test_latency_is_from_onset_to_the_first_detection(detections: list[tuple[float, float]], latency_s: float) -> None:
    """A seizure from 1,000 s to 1,060 s."""
    assert _one((1_000.0, 1_060.0), detections) == pytest.approx(latency_s)


@pytest.mark.parametrize("detections", [[], [(900.0, 970.0)], [(1_120.0, 1_130.0)], [(1_200.0, 1_300.0)]])
def test_what_only_touches_the_tolerance_does_not_find(detections: list[tuple[float, float]]) -> None:
    """30 s before and 60 s after, half-open."""
    assert np.isnan(_one((1_000.0, 1_060.0), detections))


def test_the_tolerance_ends_with_the_recording_and_never_reaches_another() -> None:
    """A detection at the start of one recording does not find a seizure at the end of the one before."""
    found = outcomes([[(3_590.0, 3_600.0)], []], [[], [(0.0, 5.0)]], [HOUR_S, HOUR_S], ["a", "b"])
    assert not found.found.any()
    assert _one((10.0, 20.0), [(0.0, 3_600.0)]) == -10.0


EVENTS = st.lists(
    st.tuples(st.integers(0, 350), st.integers(1, 60)).map(lambda e: (e[0] * 10.0, sum(e) * 10.0)), max_size=5
)


@settings(max_examples=200)
@given(st.lists(st.tuples(EVENTS, EVENTS), min_size=1, max_size=3))
def test_equals_a_loop_over_seizures_and_detections(corpus: list[tuple[list[Any], list[Any]]]) -> None:
    """Each seizure against every detection of its own recording, one by one; events of one side may overlap."""
    duration_s = 5_000.0
    found = outcomes([r for r, _ in corpus], [h for _, h in corpus], [duration_s] * len(corpus), ["r"] * len(corpus))
    expected = []
    for seizures, detections in corpus:
        for onset, stop in seizures:
            first, last = max(onset - 30, 0), min(stop + 60, duration_s)
            onsets = [a for a, b in merged(detections) if min(b, last) > max(a, first)]
            expected.append(max(onsets[0], first) - onset if onsets else np.nan)
    np.testing.assert_array_equal(found.latency_s, expected)


def _tables(**changed: Any) -> dict[str, Any]:
    """Two patients: three seizures of two types in two recordings, and a quiet recording of the first."""
    corpus: dict[str, Any] = {
        "names": ["a_1", "a_2", "b_1"],
        "patients": ["a", "a", "b"],
        "reference_s": [[(100.0, 105.0), (1_000.0, 1_400.0)], [], [(500.0, 520.0)]],
        "hypothesis_s": [[(110.0, 120.0)], [(30.0, 40.0)], [(504.0, 540.0), (2_000.0, 2_010.0)]],
        "durations_s": [HOUR_S] * 3,
        "types": [["fnsz", "gnsz"], [], [""]],
        "montages": ["LE", "AR", "LE"],
        "generator": np.random.default_rng(0),
    }
    found: dict[str, Any] = json.loads(json.dumps(document(**corpus | changed), allow_nan=False))
    return found


def test_tables_divide_the_seizures() -> None:
    """By type, length, patient and montage, each adds up to all."""
    found = _tables()
    rows = {
        name: {key: (row["found"], row["seizures"]) for key, row in found[name].items()}
        for name in found
        if name.startswith("by_")
    }
    assert rows == {
        "by_type": {"fnsz": (1, 1), "gnsz": (0, 1), "untyped": (1, 1)},
        "by_length": {"under 10 s": (1, 1), "10 to 30 s": (1, 1), "300 s or more": (0, 1)},
        "by_patient": {"a": (1, 2), "b": (1, 1)},
        "by_montage": {"AR": (0, 0), "LE": (2, 3)},
    }
    assert found["all"]["sensitivity"] == pytest.approx(2 / 3)
    assert found["all"]["median_latency_s"] == 7.0
    assert found["all"]["latency_quartiles_s"] == [5.5, 8.5]
    assert (found["scorer"], found["parameters"]) == (
        "ictal-seizures",
        {"tolerance_start_s": 30.0, "tolerance_end_s": 60.0},
    )


def test_false_alarms_are_those_of_the_recordings() -> None:
    """SzCORE's, of patients, montages and all; seizures of a type have none of their own."""
    found = _tables()
    alarms = {
        key: (row["false_alarms"], row["hours"]) for key, row in {**found["by_patient"], **found["by_montage"]}.items()
    }
    assert alarms == {"a": (1, 2), "b": (1, 1), "AR": (1, 1), "LE": (1, 2)}
    assert found["all"]["false_alarms_per_24h"] == pytest.approx(16.0)
    assert "false_alarms" not in found["by_type"]["fnsz"]
    assert _tables(montages=[])["by_montage"] == {}


def test_undefined_is_null_with_its_reason_and_one_patient_has_no_interval() -> None:
    """No seizure, none found, nobody else to draw."""
    found = _tables()
    quiet, missed = found["by_montage"]["AR"], found["by_type"]["gnsz"]
    assert (quiet["sensitivity"], quiet["undefined"]) == (
        None,
        ["sensitivity: no seizure", "latency: no seizure was found"],
    )
    assert (missed["sensitivity"], missed["median_latency_s"], missed["undefined"]) == (
        0.0,
        None,
        ["latency: no seizure was found"],
    )
    for row in found["by_patient"].values():
        assert row["intervals"]["sensitivity"]["lower"] is None
        assert row["false_alarms_interval"]["lower"] is None


def _cohort(patients: int) -> tuple[module.Outcomes, dict[str, Any]]:
    latency_s = np.array([float(n % 7) if n % 3 else np.nan for n in range(2 * patients)])
    recording = np.repeat(np.arange(patients), 2)
    found = module.Outcomes(recording=recording, length_s=np.full(2 * patients, 20.0), latency_s=latency_s)
    shared = {
        "patients": [f"p{n}" for n in range(patients)],
        "counts": [Counts(false_positives=n % 3, duration_s=HOUR_S) for n in range(patients)],
        "types": ["fnsz"] * (2 * patients),
        "montages": [],
    }
    return found, shared


def test_intervals_are_those_of_resampled_patients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws, one after the other, each seizure as often as its patient was drawn."""
    found, shared = _cohort(12)
    monkeypatch.setattr(module, "_CHUNK", 24 * 300)
    built: Any = tables(found, **shared, generator=np.random.default_rng(5))["all"]
    times = np.random.default_rng(5).multinomial(12, np.full(12, 1 / 12), size=2_000)
    names = sorted(shared["patients"])
    shares, medians, rates = [], [], []
    for row in times:
        drawn = [n for n, name in enumerate(shared["patients"]) for _ in range(row[names.index(name)])]
        values = np.concatenate([found.latency_s[2 * n : 2 * n + 2] for n in drawn])
        shares.append(np.mean(~np.isnan(values)))
        medians.append(np.nanmedian(values))
        rates.append(sum(n % 3 for n in drawn) / 12 * 24)
    for name, values in (("sensitivity", shares), ("median_latency_s", medians)):
        expected = np.quantile(values, [0.025, 0.975])
        assert [built["intervals"][name]["lower"], built["intervals"][name]["upper"]] == pytest.approx(
            expected.tolist()
        )
    assert built["false_alarms_interval"]["lower"] == pytest.approx(np.quantile(rates, 0.025))


@pytest.mark.parametrize("chunk", [1, 20, 1 << 22])
def test_medians_of_resamples_are_those_of_the_values_as_often_as_drawn(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Even and odd numbers of values, ties, patients without one, draws of these alone; however many at once."""
    monkeypatch.setattr(module, "_CHUNK", chunk)
    patient = np.array([0, 0, 2, 2, 2, 3])
    values = np.array([5.0, -2.0, 5.0, 11.0, 3.0, -7.0])
    found = outcomes([[]] * 5, [[]] * 5, [HOUR_S] * 5, list("abcde"))
    table = module._Tables(found, list("abcde"), [Counts(duration_s=HOUR_S)] * 5, np.random.default_rng(0))
    expected = []
    for row in table.times[:, patient].astype(np.int64):
        drawn = np.repeat(values, row)
        expected.append(float(np.median(drawn)) if len(drawn) else np.nan)
    np.testing.assert_array_equal(table._medians(patient, values), expected)
    assert np.isnan(expected).any()


def test_nothing_is_said_to_be_undefined_that_is_defined() -> None:
    """A seizure that was found has a rate and a latency."""
    found = document(
        names=["r"],
        patients=["p"],
        reference_s=[[(100.0, 200.0)]],
        hypothesis_s=[[(150.0, 160.0)]],
        durations_s=[HOUR_S],
        types=[["sz"]],
        generator=np.random.default_rng(0),
    )
    rows: Any = found["all"]
    assert rows["undefined"] == []
    assert found["by_montage"] == {}
