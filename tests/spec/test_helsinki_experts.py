"""The experts' CSVs of the Helsinki neonatal corpus, and what several raters agree on: one test per clause."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import beside, helsinki
from ictal.recordings.events import Annotation, Event, seizures

SOUND = {"A": "1,2\n0,1\n1,1\n1,\n", "B": "1,2\n0,0\n1,1\n0,\n", "C": "1,2\n0,0\n0,0\n1,\n"}


def put(folder: Path, files: dict[str, str]) -> Path:
    for rater, content in files.items():
        (folder / f"annotations_2017_{rater}.csv").write_text(content)
    return folder / "annotations_2017_A.csv"


def code_and_line(path: Path, edf: str = "eeg1.edf") -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        helsinki.read_recording(path, edf)
    return caught.value.code, caught.value.where.partition(".csv")[2]


def test_a_column_is_a_neonate_and_a_row_a_second(tmp_path: Path) -> None:
    """Each expert's seizures carry the expert's letter; the column ends where it is empty."""
    path = put(tmp_path, SOUND)
    first, second = helsinki.read_recording(path, "eeg1.edf"), helsinki.read_recording(path, "eeg2.edf")
    assert (first.duration_s, second.duration_s) == (3.0, 2.0)
    assert first.raters == ("A", "B", "C")
    assert [(e.onset_s, e.stop_s, e.rater) for e in first.events] == [(1, 3, "A"), (1, 2, "B"), (2, 3, "C")]
    assert [(e.onset_s, e.stop_s, e.rater) for e in second.events] == [(0, 2, "A"), (1, 2, "B")]


def test_what_counts_is_said(tmp_path: Path) -> None:
    """Majority, all, any, or one of them; nobody else."""
    annotation = helsinki.read_recording(put(tmp_path, SOUND), "eeg1.edf")
    found = {name: seizures(annotation, {}, name) for name in ("majority", "unanimous", "any", "C")}
    assert found == {"majority": ((1, 3),), "unanimous": (), "any": ((1, 3),), "C": ((2, 3),)}
    with pytest.raises(InputError, match="Nobody of this name") as caught:
        seizures(annotation, {}, "D")
    assert caught.value.code == "rater-unknown"


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=4)


@settings(max_examples=200)
@given(st.lists(spans, min_size=1, max_size=4))
def test_agreement_is_counted_second_by_second(voices: list[list[tuple[int, int]]]) -> None:
    """Whatever the raters said: equal to a count over seconds."""
    names = tuple("ABCD"[: len(voices)])
    events = [
        Event(onset_s=onset, stop_s=onset + length, label="sz", rater=rater)
        for rater, said in zip(names, voices, strict=True)
        for onset, length in said
    ]
    annotation = Annotation(path=Path("x"), events=tuple(events), duration_s=40.0, raters=names)
    per_second = [sum(any(onset <= s < onset + length for onset, length in said) for said in voices) for s in range(40)]
    for consensus, needed in {"majority": len(names) / 2 + 0.25, "unanimous": len(names), "any": 1}.items():
        found = seizures(annotation, {}, consensus)
        assert [any(a <= s < b for a, b in found) for s in range(40)] == [count >= needed for count in per_second]


def test_the_files_are_found_beside_the_recording(tmp_path: Path) -> None:
    """Of a recording with their kind of name, if nothing else is there; the corrected file of an expert is theirs."""
    path = put(tmp_path, SOUND)
    (tmp_path / "eeg2.edf").touch()
    assert beside.find_all(tmp_path / "eeg2.edf") == (path,)
    assert beside.read(path, tmp_path / "eeg2.edf").raters == ("A", "B", "C")
    assert beside.listed(path) == {"eeg1.edf", "eeg2.edf"}
    path.rename(tmp_path / "annotations_2017_A_fixed.csv")
    assert beside.find(tmp_path / "eeg2.edf").name == "annotations_2017_A_fixed.csv"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ("annotation-header", ":1")),
        ("a,b\n0,1\n", ("annotation-header", ":1")),
        ("1,1\n0,1\n", ("annotation-header", ":1")),
        ("1,2\n", ("annotation-empty", ":2")),
        ("1,2\n0\n", ("annotation-row", ":2")),
        ("1,2\n0,1\n0,2\n", ("annotation-row", ":3")),
        ("1,2\n0,1\n0,0.5\n", ("annotation-row", ":3")),
        ("1,2\n0,1\n,1\n1,1\n", ("annotation-row", ":4")),
        ("1,2\n,1\n", ("annotation-row", ":2")),
    ],
)
def test_a_field_that_is_not_understood_stops_with_its_line(
    tmp_path: Path, content: str, expected: tuple[str, str]
) -> None:
    """No header, no rows, a short row, other values, a value after the end, no second at all."""
    assert code_and_line(put(tmp_path, {"A": content})) == expected


def test_experts_must_speak_of_the_same_recording(tmp_path: Path) -> None:
    """One length; a column in each file."""
    assert code_and_line(put(tmp_path, SOUND | {"C": "1,2\n0,0\n0,0\n"}))[0] == "annotation-times"
    assert code_and_line(put(tmp_path, SOUND | {"C": "2\n0\n0\n"}))[0] == "annotation-missing"


def test_the_genuine_files_hold_the_events_that_their_source_counts(shared_data: Path) -> None:
    """402, 429 and 548 events of 79 neonates; the consensus lies between all of them and any."""
    path = shared_data / "helsinki_annotations" / "expert_A.csv"
    names = helsinki.names(path)
    annotations = [helsinki.read_recording(path, name) for name in sorted(names)]
    counts = {rater: sum(len(seizures(a, {}, rater)) for a in annotations) for rater in "ABC"}
    assert len(names) == 79
    assert counts == {"A": 402, "B": 429, "C": 548}
    total_s = {
        name: sum(stop - onset for a in annotations for onset, stop in seizures(a, {}, name))
        for name in ("unanimous", "majority", "any")
    }
    assert 0 < total_s["unanimous"] < total_s["majority"] < total_s["any"]
