"""SeizeIT1, Helsinki, BIDS with parts, second names of a patient, twins of CHB-MIT: found, read, and reconciled."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictal.errors import InputError
from ictal.recordings.audit import audit
from ictal.recordings.corpus import discover, read_labels
from tests.recordings.test_listed_corpora import write_chbmit
from tests.reference.small_corpus import write_edf, write_recording, write_tusz
from tests.spec.test_wfdb_seizures import HEAD, word


def write_helsinki(root: Path) -> None:
    """Two neonates of 60 s; the experts agree on one of two seizures of the first."""
    seen = {"A": (10, 20), "B": (12, 40), "C": (50, 55)}
    for number in (1, 2):
        write_edf(root / f"eeg{number}.edf")
    for rater, (onset, stop) in seen.items():
        rows = [f"{int(onset <= second < stop)},0" for second in range(60)]
        (root / f"annotations_2017_{rater}.csv").write_text("\n".join(["1,2", *rows, ""]))


def test_helsinki_is_found_by_its_experts_and_read_with_a_consensus(tmp_path: Path) -> None:
    """Majority unless another is chosen; a neonate is a patient."""
    write_helsinki(tmp_path)
    corpus = discover(tmp_path)
    assert (corpus.name, [one.patient for one in corpus.recordings]) == ("helsinki", ["eeg1", "eeg2"])
    found = {name: read_labels(corpus, consensus=name)[0][0].seizures_s for name in ("majority", "any", "C")}
    assert found == {"majority": ((12, 20),), "any": ((10, 40), (50, 55)), "C": ((50, 55),)}
    assert audit(tmp_path, consensus="unanimous").seizures == 0


def test_seizeit1_is_found_by_its_readings(tmp_path: Path) -> None:
    """Patients are told apart by their number; a second reading that differs is a finding with both values."""
    for stem in ("P_ID1_r1", "P_ID10_r1"):
        write_edf(tmp_path / stem.rpartition("_")[0] / f"{stem}.edf")
        (tmp_path / stem.rpartition("_")[0] / f"{stem}_a1.tsv").write_text("10\t20\tFIA\tx\n")
    (tmp_path / "P_ID1" / "P_ID1_r1_a2.tsv").write_text("10\t25\tFIA\tx\n")
    corpus = discover(tmp_path)
    assert (corpus.name, [one.patient for one in corpus.recordings]) == ("seizeit1", ["P_ID1", "P_ID10"])
    labelled, _ = read_labels(corpus)
    assert [(one.seizures_s, one.types) for one in labelled] == [(((10.0, 20.0),), ("sz_foc_ia",))] * 2
    (finding,) = [one for one in audit(tmp_path).findings if one.code == "twin-mismatch"]
    assert "10.0000-20.0000" in finding.message
    assert "10.0000-25.0000" in finding.message


@pytest.mark.parametrize("layout", ["seizeit1", "helsinki"])
def test_a_layout_that_is_asked_for_and_not_there_is_refused(tmp_path: Path, layout: str) -> None:
    """It says what was expected."""
    write_edf(tmp_path / "x.edf")
    with pytest.raises(InputError, match="laid out as") as caught:
        discover(tmp_path, layout)
    assert caught.value.code == "corpus-layout"


@pytest.mark.parametrize(("stop_s", "codes"), [(20, []), (21, ["twin-mismatch"])])
def test_chbmits_seizure_files_must_agree_with_the_summary(tmp_path: Path, stop_s: int, codes: list[str]) -> None:
    """The summary is used; a disagreement is reported."""
    write_chbmit(tmp_path)
    content = HEAD + b"".join(word(32, 512) for _ in ()) + word(59) + b"\0\0" + (2560).to_bytes(2, "little") + word(32)
    content += word(59) + b"\0\0" + ((stop_s - 10) * 256).to_bytes(2, "little") + word(33) + word(0)
    (tmp_path / "chb01" / "chb01_02.edf.seizures").write_bytes(content)
    found = audit(tmp_path)
    assert found.seizures == 2
    assert [one.code for one in found.findings if one.code == "twin-mismatch"] == codes


def test_a_patient_with_two_names_is_one_patient(tmp_path: Path) -> None:
    """By corpus.same_patient; a name that is nobody's is an error, for it was misspelt."""
    for subject in ("sub-01", "sub-21"):
        write_edf(tmp_path / subject / "eeg" / f"{subject}_task-x_eeg.edf")
    assert {one.patient for one in discover(tmp_path, "auto", {"sub-21": "sub-01"}).recordings} == {"sub-01"}
    with pytest.raises(InputError, match="sub-12"):
        discover(tmp_path, "auto", {"sub-12": "sub-01"})


def test_bids_knows_the_child_that_chbmit_has_twice(tmp_path: Path) -> None:
    """Incident d3, in a BIDS version of the corpus, and in no other dataset."""
    for subject in ("sub-01", "sub-21"):
        write_edf(tmp_path / subject / "eeg" / f"{subject}_task-x_eeg.edf")
    description = tmp_path / "dataset_description.json"
    description.write_text('{"Name": "Another one"}')
    assert {one.patient for one in discover(tmp_path).recordings} == {"sub-01", "sub-21"}
    description.write_text('{"Name": "BIDS CHB-MIT Scalp EEG Database"}')
    assert {one.patient for one in discover(tmp_path).recordings} == {"sub-01"}


def test_bdf_files_are_recordings(tmp_path: Path) -> None:
    """Beside EDFs."""
    write_recording(tmp_path / "a_1.edf", [(10, 20)])
    (tmp_path / "a_2.bdf").write_bytes(b"\xffBIOSEMI")
    assert [one.id for one in discover(tmp_path).recordings] == ["a_1", "a_2"]


def test_the_parts_of_participants_tsv_are_official(tmp_path: Path) -> None:
    """Where it has a column `split` with one of the three words."""
    for subject in ("sub-a", "sub-b", "sub-c"):
        write_edf(tmp_path / subject / "eeg" / f"{subject}_eeg.edf")
    (tmp_path / "participants.tsv").write_text("participant_id\tsplit\nsub-a\ttrain\nsub-b\tn/a\n")
    assert [one.split for one in discover(tmp_path).recordings] == ["train", None, None]


def test_the_union_over_channels_must_equal_the_whole_recording(tmp_path: Path) -> None:
    """TUSZ's two files of one recording; both values are in the finding."""
    write_tusz(tmp_path)
    path = next((tmp_path / "edf" / "dev").rglob("*.csv_bi"))
    path.write_text(path.read_text().replace("30.5000", "31.5000"))
    (finding,) = [one for one in audit(tmp_path).findings if one.code == "twin-mismatch"]
    assert finding.path.endswith("aaaaaaab_s001_t000.csv")
    assert "31.5000-45.2500" in finding.message
    assert "30.5000-45.2500" in finding.message
