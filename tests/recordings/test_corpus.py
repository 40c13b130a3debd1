"""Corpora on disk: layouts, patients, labels, and what is set aside or stops."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ictal.errors import InputError
from ictal.recordings.corpus import LAYOUTS, discover, read_labels
from ictal.recordings.layouts import layout
from tests.reference.small_corpus import tusz_path, write_edf, write_recording, write_tusz


def test_tusz_layout_gives_patient_and_split(tmp_path):
    """Patient from the stem, split from the folder, id from the path."""
    write_tusz(tmp_path)
    corpus = discover(tmp_path)
    assert corpus.name == "tusz"
    assert [(r.patient, r.split) for r in corpus.recordings] == [
        ("aaaaaaab", "dev"),
        ("aaaaaaac", "eval"),
        ("aaaaaaaa", "train"),
        ("aaaaaaaa", "train"),
    ]
    assert corpus.recordings[0].id == "edf/dev/aaaaaaab/s001_2010/01_tcp_ar/aaaaaaab_s001_t000"


def test_tusz_layout_is_found_from_its_edf_folder_too(tmp_path):
    """The root may be the folder that holds train, dev and eval."""
    write_tusz(tmp_path)
    assert discover(tmp_path / "edf").name == "tusz"
    assert len(discover(tmp_path / "edf").recordings) == 4


def test_bids_layout_takes_the_subject_as_patient(tmp_path):
    """`sub-*` folders, whatever is inside."""
    write_edf(tmp_path / "sub-01" / "ses-01" / "eeg" / "sub-01_ses-01_task-szMonitoring_run-00_eeg.edf")
    write_edf(tmp_path / "sub-02" / "eeg" / "sub-02_task-x_eeg.edf")
    corpus = discover(tmp_path)
    assert corpus.name == "bids"
    assert [r.patient for r in corpus.recordings] == ["sub-01", "sub-02"]


def test_tusz_1_5_2_has_the_montage_above_the_patient(tmp_path):
    """Patients have numbers there, in groups."""
    write_edf(tmp_path / "edf/train/01_tcp_ar/002/00000258/s002_2003_07_21/00000258_s002_t000.edf")
    write_edf(tmp_path / "edf/dev/02_tcp_le/006/00000629/s001_2003_07_24/00000629_s001_t000.edf")
    corpus = discover(tmp_path)
    assert corpus.name == "tusz"
    assert [(r.patient, r.split) for r in corpus.recordings] == [("00000629", "dev"), ("00000258", "train")]


def test_seizeit2s_other_modalities_are_no_eeg(tmp_path):
    """Heart, muscle and movement lie in EDFs of their own, which have no events."""
    session = tmp_path / "sub-001" / "ses-01"
    for modality in ("eeg", "ecg", "emg", "mov"):
        write_edf(session / modality / f"sub-001_ses-01_task-szMonitoring_run-01_{modality}.edf")
    assert [r.edf.parent.name for r in discover(tmp_path).recordings] == ["eeg"]


def test_every_layout_is_tried(tmp_path):
    """Each file in `layouts` is a corpus that `discover` knows; the last takes what no other does."""
    files = {path.stem for path in Path(layout.__file__).parent.glob("*.py")} - {"__init__", "layout"}
    assert {one.name for one in LAYOUTS} == files
    assert discover(tmp_path).name == LAYOUTS[-1].name == "folder"


@pytest.mark.parametrize(
    ("stem", "patient"),
    [
        ("chb02_16+", "chb02"),
        ("chb01_03_clip", "chb01"),
        ("chb21_01", "chb01"),
        ("chb17a_03", "chb17"),
        ("PN00-1", "PN00"),
        ("PN10-4.5.6", "PN10"),
        ("eeg12", "eeg12"),
    ],
)
def test_a_folder_takes_the_patient_from_the_name(tmp_path, stem, patient):
    """Incident d3: chb01 and chb21 are the same child."""
    write_edf(tmp_path / "deep" / f"{stem}.EDF")
    corpus = discover(tmp_path)
    assert corpus.name == "folder"
    assert corpus.recordings[0].patient == patient
    assert corpus.recordings[0].id == f"deep/{stem}"


def test_hidden_files_are_not_recordings(tmp_path):
    """Shared disks gather `._x.edf` from macOS; unfinished files start with a dot."""
    write_edf(tmp_path / "._x.edf")
    assert discover(tmp_path).recordings == ()


def test_absent_folders_and_layouts_are_refused(tmp_path):
    """One message for each."""
    with pytest.raises(InputError, match="no such folder"):
        discover(tmp_path / "none")
    with pytest.raises(InputError, match="not laid out as tusz"):
        discover(tmp_path, "tusz")
    with pytest.raises(InputError, match="not laid out as bids"):
        discover(tmp_path, "bids")
    with pytest.raises(InputError, match="no such corpus layout"):
        discover(tmp_path, "tuh")


def test_labels_are_read_with_headers_and_no_signal(tmp_path):
    """Duration by the EDF, seizures by the annotation, progress by recording."""
    write_tusz(tmp_path)
    steps = []
    labelled, quarantined = read_labels(discover(tmp_path), progress=lambda done, total: steps.append((done, total)))
    assert [one.seizures_s for one in labelled] == [((30.5, 45.25),), (), ((10, 20),), ()]
    assert {one.duration_s for one in labelled} == {60}
    assert quarantined == []
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_damaged_edf_is_set_aside_and_the_rest_goes_on(tmp_path):
    """Incident c6: one bad EDF aborted the whole build."""
    write_tusz(tmp_path)
    bad = tusz_path(tmp_path, "eval", "aaaaaaac")
    bad.write_bytes(bad.read_bytes()[:-1])
    labelled, quarantined = read_labels(discover(tmp_path))
    assert len(labelled) == 3
    assert [(q.code, q.path) for q in quarantined] == [("edf-truncated", str(bad))]
    assert "60 data records" in quarantined[0].reason


@pytest.mark.parametrize(("duration_s", "kept"), [(59, 4), (61, 4), (62, 3), (10, 3)])
def test_lengths_that_differ_by_more_than_a_second_set_a_recording_aside(tmp_path, duration_s, kept):
    """Incident a6: an annotation longer or shorter than the EDF went unnoticed."""
    write_tusz(tmp_path)
    write_edf(tusz_path(tmp_path, "eval", "aaaaaaac"), duration_s=duration_s)
    labelled, quarantined = read_labels(discover(tmp_path))
    assert len(labelled) == kept
    assert [q.code for q in quarantined] == ["duration-mismatch"] * (4 - kept)


def test_a_seizure_is_cut_at_the_edfs_end(tmp_path):
    """Within the second of tolerance."""
    write_recording(tmp_path / "x_1.edf", [(50, 60)])
    write_edf(tmp_path / "x_1.edf", duration_s=59)
    labelled, _ = read_labels(discover(tmp_path))
    assert labelled[0].seizures_s == ((50, 59),)


def test_a_missing_annotation_stops(tmp_path):
    """Incident a2: never set aside, never background."""
    write_tusz(tmp_path)
    for suffix in (".csv", ".csv_bi"):
        tusz_path(tmp_path, "eval", "aaaaaaac").with_suffix(suffix).unlink()
    with pytest.raises(InputError, match="no annotation file"):
        read_labels(discover(tmp_path))


def test_an_unknown_label_stops_even_beside_a_damaged_edf(tmp_path):
    """An annotation's fault is not hidden by its recording's."""
    path = tmp_path / "x_1.edf"
    write_recording(path, [(1, 2)])
    path.write_bytes(b"")
    twin = path.with_suffix(".csv_bi")
    twin.write_text(twin.read_text(encoding="utf-8").replace("seiz", "nesz"), encoding="utf-8")
    with pytest.raises(InputError, match="'nesz'") as caught:
        read_labels(discover(tmp_path))
    assert caught.value.where == f"{twin}:8"


def test_a_corpus_without_usable_recording_stops(tmp_path):
    """Empty, or everything set aside."""
    with pytest.raises(InputError, match="0 EDF files") as caught:
        read_labels(discover(tmp_path))
    assert caught.value.code == "corpus-empty"
    write_recording(tmp_path / "x_1.edf")
    (tmp_path / "x_1.edf").write_bytes(b"")
    with pytest.raises(InputError, match="x_1: The file is no EDF"):
        read_labels(discover(tmp_path))


def test_a_corrected_annotation_counts_and_nothing_beside_the_edf_does(tmp_path):
    """Of the recordings that have one; it may lie anywhere."""
    write_recording(tmp_path / "c" / "x_1.edf", [(10, 20)])
    write_recording(tmp_path / "c" / "deep" / "y_1.edf", [(10, 20)])
    corrected = tmp_path / "marks" / "deep" / "y_1_events.tsv"
    corrected.parent.mkdir(parents=True)
    corrected.write_text("onset\tduration\teventType\n5\t2\tsz_foc_a\n")
    labelled, aside = read_labels(discover(tmp_path / "c", corrected=tmp_path / "marks"))
    assert not aside
    assert {one.recording.id: (one.seizures_s, one.types) for one in labelled} == {
        "x_1": (((10.0, 20.0),), ("fnsz",)),
        "deep/y_1": (((5.0, 7.0),), ("sz_foc_a",)),
    }


@pytest.mark.parametrize("name", ["z_1_events.tsv", "x_1.csv_bi"])
def test_corrected_annotations_of_another_corpus_are_refused(tmp_path, name):
    """A folder that would change nothing, or part of which would, is a mistake."""
    write_recording(tmp_path / "c" / "x_1.edf", [(10, 20)])
    (tmp_path / "marks").mkdir()
    (tmp_path / "marks" / name).write_text("onset\tduration\teventType\n5\t2\tsz\n")
    with pytest.raises(InputError) as caught:
        discover(tmp_path / "c", corrected=tmp_path / "marks")
    assert caught.value.code == "corpus-corrected"


def test_a_name_in_an_old_encoding_is_refused(tmp_path):
    """As `Jürgen` in Latin-1: neither a table, nor a page, nor JSON could hold it."""
    write_recording(tmp_path / "p_1.edf")
    (tmp_path / "p_1.edf").rename(tmp_path / os.fsdecode(b"J\xfcrgen_1.edf"))
    with pytest.raises(InputError) as stop:
        discover(tmp_path)
    assert stop.value.code == "recording-name"
    str(stop.value).encode()


@pytest.mark.parametrize("twin", ["p_1.bdf", "p_1.EDF"])
def test_two_recordings_of_one_id_are_refused(tmp_path, twin):
    """Scores go by ids: one of the two would take the other's place, silently."""
    write_recording(tmp_path / "p_1.edf")
    write_edf(tmp_path / twin)
    with pytest.raises(InputError) as stop:
        discover(tmp_path)
    assert stop.value.code == "recording-twice"
    assert twin in stop.value.got


def test_a_seizure_behind_the_edfs_end_is_not_lost(tmp_path):
    """Lengths may differ by a second; a seizure that begins in that second has no signal, and is no background."""
    write_recording(tmp_path / "p_1.edf", [(59.5, 60.7)], duration_s=61)
    write_recording(tmp_path / "p_2.edf", [(60.2, 60.7)], duration_s=61)
    for name in ("p_1.edf", "p_2.edf"):
        write_edf(tmp_path / name, duration_s=60)
    labelled, aside = read_labels(discover(tmp_path))
    assert [one.seizures_s for one in labelled] == [((59.5, 60.0),)]
    assert [(one.id, one.code) for one in aside] == [("p_2", "duration-mismatch")]
    assert "begins at 60.2 s" in aside[0].reason
