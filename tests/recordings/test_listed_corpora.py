"""Corpora whose annotations are lists about many recordings: CHB-MIT and Siena; and TUSZ before 2.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictal.errors import InputError
from ictal.recordings.audit import audit
from ictal.recordings.corpus import discover, read_labels
from tests.reference.small_corpus import write_edf

CLOCK = "File Start Time: 11:00:00\nFile End Time: 11:01:00\n"
SIENA = """PN00
Seizure n 1
File name: PN00-1.edf
Registration start time: 04.05.06
Registration end time: 04.06.00
Seizure start time: 04.05.16
Seizure end time: 04.05.26
"""


def write_chbmit(root: Path) -> None:
    """The same child twice, one seizure each time."""
    for case in ("chb01", "chb21"):
        write_edf(root / case / f"{case}_01.edf")
        write_edf(root / case / f"{case}_02.edf")
        quiet = f"File Name: {case}_01.edf\n{CLOCK}Number of Seizures in File: 0\n"
        ictal = f"File Name: {case}_02.edf\n{CLOCK}Number of Seizures in File: 1\n"
        seizure = "Seizure Start Time: 10 seconds\nSeizure End Time: 20 seconds\n"
        (root / case / f"{case}-summary.txt").write_text(quiet + ictal + seizure)


def write_siena(root: Path, text: str = SIENA) -> None:
    """One recording of 60 s that starts at 04:05:06."""
    write_edf(root / "PN00" / "PN00-1.edf")
    (root / "PN00" / "Seizures-list-PN00.txt").write_text(text)


def findings(root: Path) -> list[tuple[str, str, str]]:
    return [(finding.code, finding.path, finding.severity) for finding in audit(root).findings]


@pytest.mark.parametrize("inside", [False, True])
def test_chbmit_is_found_by_its_summaries(tmp_path, inside):
    """From the corpus's root or from the folder of a case; chb21 is chb01 (incident d3)."""
    write_chbmit(tmp_path)
    corpus = discover(tmp_path / "chb21" if inside else tmp_path)
    labelled, aside = read_labels(corpus)
    assert (corpus.name, aside) == ("chbmit", [])
    assert {recording.patient for recording in corpus.recordings} == {"chb01"}
    assert [one.seizures_s for one in labelled][:2] == [(), ((10.0, 20.0),)]


def test_siena_is_found_by_its_lists(tmp_path):
    """The list ends some seconds before the EDF, as in the corpus."""
    write_siena(tmp_path)
    corpus = discover(tmp_path)
    labelled, aside = read_labels(corpus)
    assert (corpus.name, aside, corpus.recordings[0].patient) == ("siena", [], "PN00")
    assert labelled[0].seizures_s == ((10.0, 20.0),)


@pytest.mark.parametrize("layout", ["chbmit", "siena"])
def test_a_layout_that_is_asked_for_and_not_there_is_refused(tmp_path, layout):
    """Nothing is read as something else."""
    write_edf(tmp_path / "x.edf")
    with pytest.raises(InputError, match="not laid out") as caught:
        discover(tmp_path, layout)
    assert caught.value.code == "corpus-layout"


def test_a_list_that_counts_from_another_start_sets_the_recording_aside(tmp_path):
    """PN14-3 of Siena states a start that is three hours early, PN05-3 one that is 10 s late."""
    write_siena(tmp_path, SIENA.replace("04.05.06", "04.05.16"))
    assert findings(tmp_path)[0] == ("start-mismatch", "PN00/PN00-1.edf", "warning")
    with pytest.raises(InputError, match="no usable recording"):
        read_labels(discover(tmp_path))


def test_a_fault_of_a_list_is_one_finding(tmp_path):
    """Though it costs every recording that the list is about."""
    write_chbmit(tmp_path)
    summary = tmp_path / "chb01" / "chb01-summary.txt"
    summary.write_text(summary.read_text().replace("10 seconds", "10"))
    assert findings(tmp_path) == [("annotation-row", "chb01/chb01-summary.txt", "error")]
    with pytest.raises(InputError, match=r"chb01-summary\.txt:9"):
        read_labels(discover(tmp_path))


def test_a_recording_that_only_its_list_knows_is_reported(tmp_path):
    """A download that stopped, or a name misspelt."""
    write_chbmit(tmp_path)
    (tmp_path / "chb01" / "chb01_01.edf").unlink()
    assert findings(tmp_path) == [("recording-missing", "chb01/chb01-summary.txt", "warning")]


def test_a_recording_that_its_list_does_not_know_is_unlabelled(tmp_path):
    """Incident a2."""
    write_chbmit(tmp_path)
    write_edf(tmp_path / "chb01" / "chb01_03.edf")
    assert findings(tmp_path) == [("annotation-missing", "chb01/chb01-summary.txt", "error")]


def test_tse_files_label_a_corpus_of_tusz_before_2(tmp_path):
    """Both twins, and the last row states the length."""
    path = tmp_path / "edf" / "train" / "01_tcp_ar" / "000" / "00000258" / "s002_2003" / "00000258_s002_t000.edf"
    write_edf(path)
    for suffix, label in ((".tse_bi", "seiz"), (".tse", "cpsz")):
        rows = f"version = tse_v1.0.0\n\n0.0 10.0 bckg 1.0\n10.0 20.0 {label} 1.0\n20.0 60.0 bckg 1.0\n"
        path.with_suffix(suffix).write_text(rows)
    labelled, _ = read_labels(discover(tmp_path))
    assert (labelled[0].recording.patient, labelled[0].seizures_s) == ("00000258", ((10.0, 20.0),))
    assert {code for code, _, _ in findings(tmp_path)} <= {"prior"}
    path.with_suffix(".tse").write_text("version = tse_v1.0.0\n\n0.0 60.0 bckg 1.0\n")
    assert "twin-mismatch" in {code for code, _, _ in findings(tmp_path)}
