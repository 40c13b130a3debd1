"""Agreement of voices: tables of epochs, Cohen's and Fleiss' kappa, with intervals over patients."""

from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.scoring import agreement
from ictal.scoring.agreement import (
    Recordings,
    Voice,
    contingency,
    document,
    fleiss,
    kappa,
    one_against_the_rest,
)
from tests.reference import agreement as slow

LABELS = ["fnsz", "gnsz"]


def _voice(name: str, *recordings: list[tuple[float, float, str]]) -> Voice:
    return Voice(
        name=name,
        events_s=[np.array([(a, b) for a, b, _ in events], dtype=np.float64).reshape(-1, 2) for events in recordings],
        labels=[[label for _, _, label in events] for events in recordings],
    )


def _recordings(*durations_s: float, patients: str = "") -> Recordings:
    names = [f"r{n}" for n in range(len(durations_s))]
    return Recordings(names=names, patients=list(patients) or names, durations_s=durations_s)


def test_kappa_of_tables_that_can_be_counted_by_hand() -> None:
    """29 of 100 on the diagonal, 35 by chance; agreement throughout, disagreement throughout, one label alone."""
    table = np.array([[25.0, 13.0, 12.0], [12.0, 2.0, 16.0], [3.0, 15.0, 2.0]])
    chance = (50 * 40 + 30 * 30 + 20 * 30) / 1e4
    assert float(kappa(table)) == pytest.approx((0.29 - chance) / (1 - chance))
    assert float(kappa(np.diag([3.0, 2.0]))) == 1.0
    assert float(kappa(np.array([[0.0, 5.0], [5.0, 0.0]]))) == -1.0
    assert math.isnan(kappa(np.diag([9.0, 0.0])))
    assert math.isnan(kappa(np.zeros((2, 2))))


def test_one_label_against_the_rest() -> None:
    """Rows and columns of all others are added."""
    table = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    assert one_against_the_rest(table, 1).tolist() == [[1 + 3 + 7 + 9, 2 + 8], [4 + 6, 5]]
    assert one_against_the_rest(np.stack([table, 2 * table]), 0)[1].tolist() == [[56, 22], [10, 2]]


def _in_turn(raw: list[tuple[int, int, str]]) -> list[tuple[float, float, str]]:
    """Gaps, lengths and labels as disjoint events on a grid of 1/16 s."""
    events, time = [], 0
    for gap, length, label in raw:
        events.append(((time + gap) / 16, (time + gap + length) / 16, label))
        time += gap + length
    return events


EVENTS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 14), st.sampled_from(LABELS)), max_size=4).map(_in_turn)


@settings(max_examples=150)
@given(st.lists(st.lists(EVENTS, min_size=3, max_size=3), min_size=1, max_size=3), st.sampled_from([14.0, 14.05, 15.1]))
def test_equals_a_count_over_epochs(corpus: list[list[list[tuple[float, float, str]]]], duration_s: float) -> None:
    """Three voices on any recordings: every cell of every table, and the kappas that follow."""
    voices = [_voice(name, *(said[n] for said in corpus)) for n, name in enumerate("abc")]
    recordings = _recordings(*[duration_s] * len(corpus))
    named = ["background", *LABELS]
    spoken = [
        [
            slow.epochs([(Fraction(a), Fraction(b), label) for a, b, label in said[n]], Fraction(duration_s))
            for said in corpus
        ]
        for n in range(3)
    ]
    tables = []
    for first, second in itertools.combinations(range(3), 2):
        table = contingency(voices[first], voices[second], recordings, LABELS)
        for number, cells in enumerate(table):
            pairs = list(zip(spoken[first][number], spoken[second][number], strict=True))
            assert cells.tolist() == [[pairs.count((row, column)) for column in named] for row in named]
        whole = [list(itertools.chain(*spoken[n])) for n in (first, second)]
        assert float(kappa(table.sum(axis=0))) == pytest.approx(_number(slow.cohen(*whole)), nan_ok=True)
        tables.append(table.sum(axis=0))
    joined = [list(itertools.chain(*said)) for said in spoken]
    assert float(fleiss(tables)) == pytest.approx(_number(slow.fleiss(joined)), nan_ok=True)


def _number(exact: Fraction | None) -> float:
    return math.nan if exact is None else float(exact)


def test_recordings_never_meet() -> None:
    """The same time in another recording is no agreement."""
    table = contingency(
        _voice("a", [(0, 1, "fnsz")], []), _voice("b", [], [(0, 1, "fnsz")]), _recordings(4, 4), ["fnsz"]
    )
    assert table.tolist() == [[[12, 0], [4, 0]], [[12, 4], [0, 0]]]


def _document(**changed: Any) -> dict[str, Any]:
    """Three voices on four recordings of three patients."""
    voices = [
        _voice("a", [(10, 20, "fnsz")], [], [(0, 30, "gnsz")], []),
        _voice("b", [(10, 20, "fnsz")], [(5, 10, "fnsz")], [(0, 30, "fnsz")], []),
        _voice("c", [(12, 20, "fnsz")], [], [(0, 40, "gnsz")], [(1, 2, "gnsz")]),
    ]
    most = _voice("majority", [(10, 20, "seizure")], [], [(0, 30, "seizure")], [])
    arguments: dict[str, Any] = {
        "voices": voices,
        "consensus": most,
        "recordings": _recordings(60, 60, 60, 60, patients="xxyz"),
        "generator": np.random.default_rng(0),
    }
    found: dict[str, Any] = json.loads(json.dumps(document(**arguments | changed), allow_nan=False))
    return found


def test_the_document_holds_each_against_each_and_against_the_consensus() -> None:
    """Who said how much; kappa with its interval; events with each as the reference in turn; what made the numbers."""
    found = _document()
    assert (found["scorer"], found["scorer_version"], found["parameters"]) == (
        "ictal-agreement",
        "1.0.0",
        {"epoch_s": 0.25},
    )
    assert found["voices"]["c"] == {"seizures": 3, "patients_with_seizures": 3, "ictal_hours": pytest.approx(49 / 3600)}
    assert [(one["first"], one["second"]) for one in found["pairs"]] == [("a", "b"), ("a", "c"), ("b", "c")]
    pair = found["pairs"][0]
    assert pair["observed"] == pytest.approx(1 - 5 / 240)
    assert pair["kappa"]["lower"] <= pair["kappa"]["value"] <= pair["kappa"]["upper"]
    assert (pair["events"]["a"]["reference"], pair["events"]["a"]["false_positives"]) == (2, 1)
    assert (pair["events"]["b"]["reference"], pair["events"]["b"]["true_positives"]) == (3, 2)
    assert found["consensus"]["voices"]["a"]["kappa"]["value"] == 1.0
    assert found["consensus"]["voices"]["a"]["events"]["f1"] == 1.0
    lower, value, upper = (found["fleiss_kappa"][key] for key in ("lower", "value", "upper"))
    assert lower <= value <= upper


def test_labels_are_told_apart_where_there_are_several() -> None:
    """One calls a seizure generalised, the other focal: the same time, another label, of which the table knows."""
    pair = _document()["pairs"][0]
    by_label = pair["by_label"]
    assert by_label["labels"] == ["background", "fnsz", "gnsz"]
    assert np.array(by_label["seconds"]).tolist() == [[195, 5, 0], [0, 10, 0], [0, 30, 0]]
    assert by_label["kappa"]["value"] < pair["kappa"]["value"]
    assert by_label["each"]["gnsz"]["value"] == 0.0
    alike = [_voice(name, [(10, 20, "sz")]) for name in "ab"]
    assert _document(voices=alike, consensus=None, recordings=_recordings(60))["pairs"][0]["by_label"] is None


def test_undefined_is_null_with_its_reason() -> None:
    """Two who never see a seizure agree in all they say, and chance alone would make them."""
    silent = [_voice(name, []) for name in "ab"]
    found = _document(voices=silent, consensus=None, recordings=_recordings(60))
    (pair,) = found["pairs"]
    assert (pair["kappa"]["value"], pair["observed"], found["consensus"]) == (None, 1.0, {})
    assert pair["undefined"] == ["kappa: both say one thing throughout"]


def test_the_interval_is_that_of_resampled_patients() -> None:
    """The same draws, tables added patient by patient."""
    found = _document()
    voices = [
        _voice("a", [(10, 20, "seizure")], [], [(0, 30, "seizure")], []),
        _voice("b", [(10, 20, "seizure")], [(5, 10, "seizure")], [(0, 30, "seizure")], []),
    ]
    tables = contingency(*voices, _recordings(60, 60, 60, 60), ["seizure"])
    patients = [tables[0] + tables[1], tables[2], tables[3]]
    times = np.random.default_rng(0).multinomial(3, np.full(3, 1 / 3), size=2_000)
    drawn = np.array([float(kappa(sum(n * table for n, table in zip(row, patients, strict=True)))) for row in times])
    interval = found["pairs"][0]["kappa"]
    assert interval["undefined_draws"] == int(np.isnan(drawn).sum()) > 0
    expected = np.nanquantile(drawn, [0.025, 0.975])
    assert [interval["lower"], interval["upper"]] == pytest.approx(expected.tolist())


def test_whoever_reads_the_document_finds_these_names() -> None:
    """What made the numbers and what they rest on, at every level."""
    found = _document()
    assert found.keys() == {
        *("scorer", "scorer_version", "parameters", "event_scorer", "level", "draws", "recordings", "patients"),
        *("hours", "voices", "fleiss_kappa", "pairs", "consensus"),
    }
    assert (found["event_scorer"], found["level"], found["draws"]) == ("ictal-szcore 1.0.0", 0.95, 2_000)
    assert (found["recordings"], found["patients"], found["hours"]) == (4, 3, pytest.approx(240 / 3600))
    pair = found["pairs"][0]
    assert pair.keys() == {"first", "second", "kappa", "observed", "undefined", "by_label", "events"}
    assert pair["undefined"] == []
    events = pair["events"]["a"]
    assert events["intervals"].keys() == {"sensitivity", "precision", "f1", "false_alarms_per_24h"}
    assert events["intervals"]["f1"]["lower"] <= events["f1"] <= events["intervals"]["f1"]["upper"]
    assert found["consensus"]["name"] == "majority"
    assert found["consensus"].keys() == {"name", "seizures", "patients_with_seizures", "ictal_hours", "voices"}


def test_what_is_shorter_than_an_epoch_says_nothing() -> None:
    """There is no time to agree in, and both reasons are given."""
    silent = [_voice(name, []) for name in "ab"]
    (pair,) = _document(voices=silent, consensus=None, recordings=_recordings(0.1))["pairs"]
    assert (pair["observed"], pair["kappa"]["value"]) == (None, None)
    assert pair["undefined"] == ["observed: no recorded time", "kappa: both say one thing throughout"]


def test_an_event_outside_its_recording_is_said_of_its_voice() -> None:
    """In the table of epochs as in the scores of events."""
    late, quiet = _voice("late", [(50, 90, "sz")]), _voice("quiet", [])
    with pytest.raises(InputError, match="outside its recording") as error:
        contingency(quiet, late, _recordings(60), ["sz"])
    assert "late" in error.value.where
    with pytest.raises(InputError) as error:
        agreement._scored(late, quiet, _recordings(60), np.random.default_rng(0))
    assert "late" in error.value.where


def test_what_belongs_together_has_one_length() -> None:
    """A label for every event list, and a list for every recording."""
    short = Voice(name="a", events_s=[np.empty((0, 2))] * 2, labels=[[]])
    with pytest.raises(ValueError, match="shorter"):
        short.of("sz")
    one = _voice("a", [(1, 2, "sz")])
    with pytest.raises(ValueError, match="shorter"):
        agreement._said(one, _recordings(60, 60))
    patients = Recordings(names=["r0", "r1"], patients=["p"], durations_s=[60, 60])
    two = _voice("b", [(1, 2, "sz")], [])
    with pytest.raises(ValueError, match="shorter"):
        agreement._scored(two, two, patients, np.random.default_rng(0))
    with pytest.raises(AssertionError, match=r"^agreement is of two or more"):
        _document(voices=[one], recordings=_recordings(60))
