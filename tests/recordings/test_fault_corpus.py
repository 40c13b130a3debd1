"""A fault corpus: the synthetic corpus with one fault of the register planted at a time, and what the audit says.

The corpus as it is has no finding (`test_the_corpus_itself_is_sound`), so each finding is of the planted fault. Rows of
the register: a1 to a10, b13, c7 to c10, d1, d3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ictal.recordings import edf
from ictal.recordings.audit import Audit, audit
from ictal.recordings.inspection import Finding
from tests.end_to_end.commands import linked, put, recordings

HEADER, RECORD_COUNT, START_DATE, RESERVED = 256, slice(236, 244), slice(168, 176), slice(192, 236)


@pytest.fixture
def corpus(synthetic_corpus: Path, tmp_path: Path) -> Path:
    """The synthetic corpus by links: to change a file, `put` another."""
    return linked(synthetic_corpus, tmp_path / "corpus")


@pytest.fixture
def ictal_edf(corpus: Path) -> Path:
    """A training recording with a seizure."""
    return recordings(corpus, "train", ictal=True)[0]


def edited(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text()
    assert change(text) != text
    put(path, change(text))


def with_bytes(path: Path, place: slice, text: bytes) -> None:
    """Overwrite a field of the first 256 bytes, padded with spaces."""
    raw = bytearray(path.read_bytes())
    raw[place] = text.ljust(place.stop - place.start)
    put(path, bytes(raw))


def relabelled(path: Path, change: Callable[[str], str]) -> None:
    """Rewrite the labels of the signals, 16 bytes each, which follow the first 256 bytes."""
    raw = bytearray(path.read_bytes())
    for number in range(int(raw[252:256])):
        place = slice(HEADER + 16 * number, HEADER + 16 * (number + 1))
        raw[place] = change(raw[place].decode().strip()).encode().ljust(16)
    put(path, bytes(raw))


def the_finding(corpus: Path, code: str, **how: object) -> tuple[Audit, Finding]:
    """The audit's only kind of finding."""
    found = audit(corpus, **how)  # type: ignore[arg-type]
    assert {finding.code for finding in found.findings} == {code}, found.findings
    return found, found.findings[0]


def test_the_corpus_itself_is_sound(synthetic_corpus: Path) -> None:
    """Nothing to find, even by a deep audit."""
    assert audit(synthetic_corpus, deep=True).findings == ()


def test_a1_all_labels_zero(corpus: Path) -> None:
    """What a lenient parser made of TUSZ: the prior test says that it cannot be, and where to look."""
    for path in [*corpus.rglob("*.csv_bi"), *corpus.rglob("*.csv")]:
        put(path, re.sub(r",(seiz|\w\wsz),", ",bckg,", path.read_text()))
    found, finding = the_finding(corpus, "no-seizures")
    assert found.exit_code == 2
    assert "windows of 60 s hold one (0.00%), published are 7.88%" in finding.message
    assert ".csv_bi" in finding.message


def test_a1_a_row_that_cannot_be_read(corpus: Path, ictal_edf: Path) -> None:
    """It was skipped; it is an error with its line."""
    path = ictal_edf.with_suffix(".csv_bi")
    edited(path, lambda text: text.replace(",seiz,", ";seiz;"))
    line = 1 + next(number for number, row in enumerate(path.read_text().splitlines()) if ";seiz;" in row)
    found, finding = the_finding(corpus, "annotation-row")
    assert f"{path}:{line}" in finding.message
    assert found.exit_code == 2


def test_a1_twins_that_disagree(corpus: Path, ictal_edf: Path) -> None:
    """The per-channel file has lost its seizures: both values are shown."""
    path = ictal_edf.with_suffix(".csv_bi")
    edited(path, lambda text: text.replace(",seiz,", ",bckg,"))
    _, finding = the_finding(corpus, "twin-mismatch")
    assert "has no seizure" in finding.message


def test_a1_rows_that_were_lost(corpus: Path, ictal_edf: Path) -> None:
    """A file cut after its first rows still reads well; the seconds without a row are told."""
    path = ictal_edf.with_suffix(".csv_bi")
    last = path.read_text().splitlines()[-1]
    edited(path, lambda text: text.replace(f"{last}\n", ""))
    _, finding = the_finding(corpus, "annotation-gap")
    assert "have no row" in finding.message


def test_a2_a_missing_annotation(corpus: Path, ictal_edf: Path) -> None:
    """Never background."""
    for suffix in (".csv", ".csv_bi"):
        ictal_edf.with_suffix(suffix).unlink(missing_ok=True)
    found, finding = the_finding(corpus, "annotation-missing")
    assert finding.path == ictal_edf.relative_to(corpus).as_posix()
    assert found.exit_code == 2


def test_a2_a_missing_recording(corpus: Path, ictal_edf: Path) -> None:
    """An annotation is left over."""
    ictal_edf.unlink()
    found = the_finding(corpus, "annotation-unpaired")[0]
    assert {Path(finding.path).stem for finding in found.findings} == {ictal_edf.stem}


@pytest.mark.parametrize("label", ["spkz", "nesz", "SEIZ"])
def test_a3_a_label_outside_the_vocabulary(corpus: Path, ictal_edf: Path, label: str) -> None:
    """It stops, and the histogram shows it as it stands."""
    for suffix in (".csv", ".csv_bi"):
        path = ictal_edf.with_suffix(suffix)
        if path.exists():
            put(path, path.read_text().replace(",seiz,", f",{label},"))
    found, finding = the_finding(corpus, "label-unknown")
    assert repr(label) in finding.message
    assert found.labels[label] > 0


def test_a5_samples_where_seconds_are_meant(corpus: Path, ictal_edf: Path) -> None:
    """Times 256 times too large lie beyond the recording."""
    path = ictal_edf.with_suffix(".csv_bi")
    row = next(row for row in path.read_text().splitlines() if ",seiz," in row)
    channel, onset, stop, *rest = row.split(",")
    in_samples = ",".join([channel, f"{256 * float(onset):.4f}", f"{256 * float(stop):.4f}", *rest])
    edited(path, lambda text: text.replace(row, in_samples))
    found = audit(corpus)
    assert found.findings
    assert {Path(finding.path).stem for finding in found.findings} == {ictal_edf.stem}


def test_a6_an_annotation_of_another_length(corpus: Path, ictal_edf: Path) -> None:
    """Three durations: the annotation's own is 100 s off."""
    stated = edf.read_header(ictal_edf).duration_s
    for suffix in (".csv", ".csv_bi"):
        path = ictal_edf.with_suffix(suffix)
        if path.exists():
            put(
                path,
                path.read_text().replace(f"# duration = {stated:.4f} secs", f"# duration = {stated + 100:.4f} secs"),
            )
    found = audit(corpus)
    assert "duration-mismatch" in {finding.code for finding in found.findings}, found.findings
    row = next(row for row in found.document()["files"] if row["duration_s"]["annotation"] == stated + 100)  # type: ignore[union-attr, index, call-overload]
    assert row["duration_s"]["header"] == stated  # type: ignore[index, call-overload]


@pytest.mark.parametrize(("cut", "code"), [(-1, "edf-truncated"), (5000, "edf-truncated"), (100, "edf-unreadable")])
def test_a6_an_edf_that_is_cut_short(corpus: Path, ictal_edf: Path, cut: int, code: str) -> None:
    """By a byte, in its data, in its header."""
    put(ictal_edf, ictal_edf.read_bytes()[:cut])
    found, finding = the_finding(corpus, code)
    assert finding.path == ictal_edf.relative_to(corpus).as_posix()
    assert found.exit_code == 1


def test_a6_an_edf_with_more_data_than_it_says(corpus: Path, ictal_edf: Path) -> None:
    """A header that was written first and never corrected."""
    records = edf.read_header(ictal_edf).record_count
    with_bytes(ictal_edf, RECORD_COUNT, str(records - 2).encode())
    the_finding(corpus, "edf-excess")


def test_a7_a_recording_whose_count_is_left_open(corpus: Path, ictal_edf: Path) -> None:
    """-1 records: counted from the size, and noted; no second is lost."""
    duration_s = edf.read_header(ictal_edf).duration_s
    with_bytes(ictal_edf, RECORD_COUNT, b"-1")
    _, finding = the_finding(corpus, "edf-odd")
    assert "counted from the size" in finding.message
    assert edf.read_header(ictal_edf).duration_s == duration_s


def test_a10_a_recording_with_gaps(corpus: Path, ictal_edf: Path) -> None:
    """EDF+D whose record 12 began 80 s late: refused with the times, not read as continuous."""
    with_bytes(ictal_edf, RESERVED, b"EDF+D")
    assert audit(corpus).findings == ()  # marked so, but without a gap
    raw = ictal_edf.read_bytes()
    assert raw.count(b"+12\x14\x14") == 1
    put(ictal_edf, raw.replace(b"+12\x14\x14", b"+92\x14\x14"))
    _, finding = the_finding(corpus, "edf-discontinuous")
    assert "12 s to 92 s" in finding.message


def test_b13_one_recording_in_two_parts(corpus: Path, ictal_edf: Path) -> None:
    """The same signal, under a patient of the evaluation part."""
    other = recordings(corpus, "eval")[0]
    for suffix in (".edf", ".csv", ".csv_bi"):
        if ictal_edf.with_suffix(suffix).exists():
            text = ictal_edf.with_suffix(suffix).read_bytes().replace(ictal_edf.stem.encode(), other.stem.encode())
            put(other.with_suffix(suffix), text)
    found, finding = the_finding(corpus, "signal-repeated")
    assert "of another patient or split" in finding.message
    assert found.exit_code == 2


def test_c7_electrodes_that_are_missing(corpus: Path, ictal_edf: Path) -> None:
    """Fz and Pz, as in 249 files of TUSZ; an EKG is there."""
    relabelled(ictal_edf, lambda label: {"EEG FZ-REF": "EKG1", "EEG PZ-REF": "EKG2"}.get(label, label))
    _, finding = the_finding(corpus, "channel-missing")
    assert "Fz" in finding.message
    assert "Pz" in finding.message
    assert audit(corpus, policy="interpolate").findings == ()


def test_c7_an_electrode_that_was_never_connected(corpus: Path, ictal_edf: Path) -> None:
    """One value throughout: found by a deep audit alone."""
    header = edf.read_header(ictal_edf)
    raw = bytearray(ictal_edf.read_bytes())
    dead = header.signals[4]
    for record in range(header.record_count):
        first = header.header_bytes + record * header.record_bytes + 2 * dead.first_sample
        raw[first : first + 2 * dead.samples_per_record] = bytes(2 * dead.samples_per_record)
    put(ictal_edf, bytes(raw))
    assert audit(corpus).findings == ()
    _, finding = the_finding(corpus, "signal-flat", deep=True)
    assert dead.label in finding.message


def test_c8_electrodes_against_two_references(corpus: Path, ictal_edf: Path) -> None:
    """An average over both would be of nothing."""
    relabelled(ictal_edf, lambda label: label.replace("-REF", "-LE") if "O2" in label else label)
    _, finding = the_finding(corpus, "channel-reference")
    assert finding.severity == "warning"


def test_c9_a_bipolar_recording_without_its_chain(corpus: Path, ictal_edf: Path) -> None:
    """Pairs that make no montage are refused by name."""
    relabelled(ictal_edf, lambda label: f"{label.removeprefix('EEG ').removesuffix('-REF')}-A1")
    _, finding = the_finding(corpus, "channel-missing")
    assert "double-banana-18" in finding.message


def test_c9_an_electrode_that_occurs_twice(corpus: Path, ictal_edf: Path) -> None:
    """T3 and T7 are one place; which is meant cannot be known."""
    relabelled(ictal_edf, lambda label: "EEG T7-REF" if label == "EEG T1-REF" else label)
    _, finding = the_finding(corpus, "channel-ambiguous")
    assert "EEG T3-REF, EEG T7-REF" in finding.message


def test_c10_a_start_date_with_colons(corpus: Path, ictal_edf: Path) -> None:
    """Noted, and the recording is counted like any other."""
    with_bytes(ictal_edf, START_DATE, b"01:01:85")
    found, finding = the_finding(corpus, "edf-odd")
    assert "01:01:85" in finding.message
    assert len(found.labelled) == found.recordings


def test_d1_a_patient_in_two_parts(corpus: Path, ictal_edf: Path) -> None:
    """A session of a training patient once more under eval: of the wrong part, and a copy."""
    again = corpus / "edf" / "eval" / ictal_edf.relative_to(corpus / "edf" / "train")
    again.parent.mkdir(parents=True)
    for suffix in (".edf", ".csv", ".csv_bi"):
        put(again.with_suffix(suffix), ictal_edf.with_suffix(suffix).read_bytes())
    found = audit(corpus)
    assert {finding.code for finding in found.findings} == {"patient-in-two-splits", "signal-repeated"}
    assert found.exit_code == 2


def test_d3_one_child_under_two_names(tmp_path: Path, ictal_edf: Path) -> None:
    """chb21 is chb01: one patient, whose copy is no leak between patients."""
    (tmp_path / "folder").mkdir()
    for name in ("chb01_01", "chb21_01"):
        put(tmp_path / "folder" / f"{name}.edf", ictal_edf.read_bytes())
        text = ictal_edf.with_suffix(".csv_bi").read_text().replace(ictal_edf.stem, name)
        put(tmp_path / "folder" / f"{name}.csv_bi", text)
    found, finding = the_finding(tmp_path / "folder", "signal-repeated")
    assert finding.severity == "warning"
    assert list(found.tallies["patient"]) == ["chb01"]
