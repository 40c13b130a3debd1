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
    """`.tse` is of TUSZ before 2.0."""
    with pytest.raises(InputError, match="No annotation format"):
        beside.read(tmp_path / "x.tse")
