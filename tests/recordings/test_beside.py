"""The annotation beside an EDF."""

from __future__ import annotations

import pytest

from ictal.errors import InputError
from ictal.recordings.annotations import beside


def test_the_whole_recording_file_comes_first_then_per_channel_then_bids(tmp_path):
    """All of them are known, one is used."""
    names = ["x.csv_bi", "x.csv", "x_events.tsv"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in beside.find_all(tmp_path / "x.edf")] == names
    assert beside.find(tmp_path / "x.edf").name == "x.csv_bi"


def test_bids_drops_the_eeg_suffix(tmp_path):
    """`..._run-00_eeg.edf` goes with `..._run-00_events.tsv`."""
    (tmp_path / "sub-01_run-00_events.tsv").touch()
    assert beside.find(tmp_path / "sub-01_run-00_eeg.edf").name == "sub-01_run-00_events.tsv"


def test_no_annotation_is_an_error_that_names_what_was_looked_for(tmp_path):
    """Incident a2: a missing annotation file became "no seizure"."""
    with pytest.raises(InputError, match=r"x\.csv_bi or x\.csv or x_events\.tsv") as caught:
        beside.find(tmp_path / "x.edf")
    assert caught.value.code == "annotation-missing"


def test_a_name_of_no_format_is_refused(tmp_path):
    """`.lbl` is TUSZ's, but holds labels in a hierarchy."""
    with pytest.raises(InputError, match="No annotation format"):
        beside.read(tmp_path / "x.lbl")


def test_a_list_about_many_recordings_is_used_if_nothing_lies_beside_the_recording_alone(tmp_path):
    """Clips cut from CHB-MIT lie beside its summary, which does not name them."""
    edf = tmp_path / "chb01_03.edf"
    summary = tmp_path / "chb01-summary.txt"
    summary.write_text("File Name: chb01_03.edf\nNumber of Seizures in File: 0\n")
    assert beside.find_all(edf) == (summary,)
    assert beside.read(summary, edf).events == ()
    (tmp_path / "chb01_03.csv_bi").touch()
    assert [path.name for path in beside.find_all(edf)] == ["chb01_03.csv_bi"]


def test_a_list_needs_to_know_which_recording(tmp_path):
    """It has no annotation of its own."""
    with pytest.raises(InputError, match="No annotation format"):
        beside.read(tmp_path / "chb01-summary.txt")


def test_a_list_that_does_not_name_the_recording_is_a_missing_annotation(tmp_path):
    """Incident a2."""
    summary = tmp_path / "chb01-summary.txt"
    summary.write_text("File Name: chb01_03.edf\nNumber of Seizures in File: 0\n")
    with pytest.raises(InputError, match=r"does not name chb01_04\.edf") as caught:
        beside.read(summary, tmp_path / "chb01_04.edf")
    assert caught.value.code == "annotation-missing"


def test_tse_comes_after_the_newer_formats(tmp_path):
    """Of TUSZ before 2.0."""
    for name in ("x.tse", "x.tse_bi", "x.csv_bi"):
        (tmp_path / name).write_text("version = tse_v1.0.0\n\n0.0 60.0 bckg 1.0\n")
    assert [path.name for path in beside.find_all(tmp_path / "x.edf")] == ["x.csv_bi", "x.tse_bi", "x.tse"]
    assert beside.read(tmp_path / "x.tse").duration_s == 60.0
