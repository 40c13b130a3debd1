"""Marks become labels that every other command reads."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ictal.recordings import corpus as corpora
from ictal.recordings.annotations import beside, bids
from ictal.recordings.events import seizures
from ictal.review import corrected
from ictal.review.listing import Listed
from ictal.review.marks import RECORDING, Mark, Verdict
from tests.review.recordings import listed, write_edf


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Listed:
    """Two reference seizures and two detections in 300 s."""
    return listed(write_edf(tmp_path_factory.mktemp("corrected") / "anna_1.edf"), "anna_1")


def _mark(recording: Listed, number: int, verdict: Verdict, **changed: float | str) -> Mark:
    event = recording.events[number]
    mark = Mark(
        event=event.name,
        source=event.source,
        onset_s=event.onset_s,
        stop_s=event.stop_s,
        label=event.label,
        verdict=verdict,
        comment="",
        author="Dr Test",
        edit="e",
        time="2026-01-02T03:04:05+00:00",
    )
    return replace(mark, **changed)  # type: ignore[arg-type]


def _written(folder: Path, recording: Listed, *marks: Mark) -> Path:
    path = folder / beside.events_of(recording.id)
    corrected.write(path, recording, {mark.event: mark for mark in marks})
    return path


def test_the_file_reads_back_as_what_was_marked(recording: Listed, tmp_path: Path) -> None:
    """Edges moved, a seizure refuted, a detection confirmed, one added; a detection that nobody marked is left out."""
    added = _mark(recording, 0, "seizure", event="reviewer:1", source="reviewer", onset_s=250.25, stop_s=260.5)
    path = _written(
        tmp_path,
        recording,
        _mark(recording, 0, "seizure", onset_s=18.5),
        _mark(recording, 1, "background", comment="chewing"),
        _mark(recording, 3, "seizure"),
        added,
        replace(added, event="reviewer:2", verdict="withdrawn"),
        replace(added, event=RECORDING, verdict="background"),
    )
    assert seizures(bids.read(path)) == ((18.5, 30.0), (200.0, 215.0), (250.25, 260.5))
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert lines[0][-4:] == ["origin", "author", "time", "comment"]
    assert [line[2] for line in lines[1:]] == ["sz", "bckg", "sz", "sz"]
    assert lines[2][-4:] == ["reference", "Dr Test", "2026-01-02T03:04:05+00:00", "chewing"]


def test_columns_are_explained_beside_the_file(recording: Listed, tmp_path: Path) -> None:
    """Every column that BIDS itself does not define, and none that is not there; both files go together."""
    path = _written(tmp_path, recording, _mark(recording, 0, "seizure", label="sz_foc_ia_m_tonic"))
    columns, first, *_ = (line.split("\t") for line in path.read_text().splitlines())
    assert first[2] == "sz_foc_ia_m_tonic"
    meanings = json.loads((tmp_path / "anna_1_events.json").read_text())
    assert meanings.keys() == set(columns) - {"onset", "duration"}
    assert all(meaning["Description"] for meaning in meanings.values())
    corrected.remove(path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_word_the_reference_stands(recording: Listed, tmp_path: Path) -> None:
    """Detections that nobody looked at are no labels; what is undecided keeps its moved edges if it is the expert's."""
    path = _written(
        tmp_path, recording, _mark(recording, 0, "undecided", stop_s=35.0), _mark(recording, 2, "undecided")
    )
    assert seizures(bids.read(path)) == ((20.0, 35.0), (70.0, 75.0))
    assert path.read_text().splitlines()[2].split("\t")[-4:] == ["reference", "n/a", "n/a", "n/a"]


def test_if_all_is_refuted_the_recording_is_background(recording: Listed, tmp_path: Path) -> None:
    """The file still has rows, and no seizure."""
    path = _written(tmp_path, recording, _mark(recording, 0, "background"), _mark(recording, 1, "background"))
    assert seizures(bids.read(path)) == ()


def test_a_mark_outlives_its_event(recording: Listed, tmp_path: Path) -> None:
    """A detector with another threshold finds other events; what was confirmed stays confirmed."""
    mark = _mark(recording, 3, "seizure")
    silent = replace(recording, events=recording.events[:2])
    assert seizures(bids.read(_written(tmp_path, silent, mark)))[-1] == (200.0, 215.0)


def test_an_unlabelled_recording_is_labelled_once_it_was_gone_through(recording: Listed) -> None:
    """One marked seizure says nothing about the rest of it."""
    unlabelled = replace(recording, labelled=False, events=())
    added = _mark(recording, 3, "seizure")
    gone_through = _mark(recording, 0, "background", event=RECORDING)
    assert not corrected.is_complete(unlabelled, {added.event: added})
    assert corrected.is_complete(unlabelled, {added.event: added, RECORDING: gone_through})
    assert not corrected.is_complete(unlabelled, {RECORDING: replace(gone_through, verdict="undecided")})
    assert corrected.is_complete(recording, {})


def test_it_stands_beside_its_edf(recording: Listed, tmp_path: Path) -> None:
    """Under the name that readers look for, BIDS's among them; a corpus of it has the corrected seizures."""
    assert beside.events_of("sub-01/eeg/sub-01_task-x_eeg") == "sub-01/eeg/sub-01_task-x_events.tsv"
    edf = tmp_path / "anna_1.edf"
    shutil.copy(recording.header.path, edf)
    path = _written(tmp_path, recording, _mark(recording, 0, "background"), _mark(recording, 3, "seizure"))
    assert beside.find(edf) == path
    labelled, aside = corpora.read_labels(corpora.discover(tmp_path))
    assert not aside
    assert labelled[0].seizures_s == ((70.0, 75.0), (200.0, 215.0))
