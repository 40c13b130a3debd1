"""The audit: counts that are right, and every fault found in one pass."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings.audit import Audit, audit
from ictal.recordings.montages import MONTAGES
from tests.reference.edf_bytes import Channel, edf_bytes
from tests.reference.small_corpus import LABELS, tusz_path, write_edf, write_recording, write_tusz


def codes(found: Audit) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in found.findings]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_sound_corpus_is_counted_and_has_no_findings(tmp_path):
    """Every number of the document, from three patients."""
    write_tusz(tmp_path)
    found = audit(tmp_path)
    assert found.exit_code == 0
    document = found.document()
    assert json.loads(json.dumps(document)) == document
    assert document["corpus"] == "tusz"
    assert (document["recordings"], document["patients"]) == (4, 3)
    assert document["hours"] == pytest.approx(4 / 60)
    assert (document["seizures"], document["seizure_seconds"]) == (2, 24.75)
    assert (document["seizure_recordings"], document["seizure_patients"]) == (2, 2)
    assert document["share"] == pytest.approx(24.75 / 240)
    assert document["labels"] == {"bckg": 6, "seiz": 2}
    assert document["channels"]["Fp1"] == 4
    assert document["rates_hz"] == {"4": 4}
    assert document["montages"] == {**dict.fromkeys(MONTAGES, 4), "tcp-ar-22": 0}
    assert document["findings"] == []
    assert document["other_files"] == {}
    assert document["tallies"]["split"]["train"] == {
        "recordings": 2,
        "patients": 1,
        "hours": pytest.approx(2 / 60),
        "seizures": 1,
        "seizure_seconds": 10.0,
    }
    assert {key: tally["seizures"] for key, tally in document["tallies"]["patient"].items()} == {
        "aaaaaaaa": 1,
        "aaaaaaab": 1,
        "aaaaaaac": 0,
    }
    assert document["tallies"]["montage"].keys() == {name for name, n in document["montages"].items() if n}
    assert {name: list(document["tallies"][name]) for name in ("rate_hz", "reference", "type")} == {
        "rate_hz": ["4"],
        "reference": ["REF"],
        "type": ["fnsz"],
    }
    assert document["files"][0]["duration_s"] == {"annotation": 60.0, "header": 60.0, "data": 60.0}


def test_every_fault_is_found_in_one_pass(tmp_path):
    """Incident a1, a2, a3, a6, a10 and c7 in one corpus; none hides another."""
    good = [(10.0, 20.0)]
    names = ["good", "row", "label", "none", "short", "long", "twins", "mute", "lead"]
    paths = {name: tmp_path / f"{name}_1.edf" for name in names}
    for path in paths.values():
        write_recording(path, good)
    edit(paths["row"].with_suffix(".csv_bi"), "TERM,10.0000", "TERM,ten")
    edit(paths["label"].with_suffix(".csv_bi"), "seiz", "nesz")
    for suffix in (".csv", ".csv_bi"):
        paths["none"].with_suffix(suffix).unlink()
    paths["short"].write_bytes(paths["short"].read_bytes()[:-1])
    write_edf(paths["long"], duration_s=90)
    edit(paths["twins"].with_suffix(".csv"), "20.0000", "21.0000")
    paths["mute"].unlink()
    write_edf(paths["lead"], labels=[label for label in LABELS if "FZ" not in label])
    found = audit(tmp_path)
    assert sorted((f.path, f.code, f.severity) for f in found.findings) == [
        ("label_1.csv_bi", "label-unknown", "error"),
        ("lead_1.edf", "channel-missing", "warning"),
        ("long_1.csv_bi", "duration-mismatch", "warning"),
        ("mute_1.csv", "annotation-unpaired", "warning"),
        ("mute_1.csv_bi", "annotation-unpaired", "warning"),
        ("none_1.edf", "annotation-missing", "error"),
        ("row_1.csv_bi", "annotation-row", "error"),
        ("short_1.edf", "edf-truncated", "warning"),
        ("twins_1.csv", "twin-mismatch", "warning"),
    ]
    assert found.exit_code == 2
    assert found.recordings == 8


def test_twins_that_disagree_are_shown_with_both_values(tmp_path):
    """Incident a1: seizure seconds by csv are those by csv_bi, exactly."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    edit(tmp_path / "x_1.csv", "20.0000", "21.5000")
    found = audit(tmp_path)
    assert codes(found) == [("twin-mismatch", "warning")]
    assert found.exit_code == 1
    message = found.findings[0].message
    assert "x_1.csv_bi has 1 seizure(s) of 10.0000 s (10.0000-20.0000)" in message
    assert "x_1.csv has 1 seizure(s) of 11.5000 s (10.0000-21.5000)" in message


def test_seconds_without_a_row_are_a_warning(tmp_path):
    """A `.csv_bi` that lost its last rows still reads well; the gap shows."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    edit(tmp_path / "x_1.csv_bi", "TERM,20.0000,60.0000,bckg,1.0000\n", "")
    found = audit(tmp_path)
    assert codes(found) == [("annotation-gap", "warning")]
    assert found.findings[0].message.startswith("40.0000 s have no row (20.0000-60.0000)")


def test_a_label_mapping_settles_an_unknown_label(tmp_path):
    """The histogram shows the label as it stands."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    for suffix, label in ((".csv_bi", "seiz"), (".csv", "fnsz")):
        edit(tmp_path / f"x_1{suffix}", label, "nesz")
    assert codes(audit(tmp_path))[0] == ("label-unknown", "error")
    settled = audit(tmp_path, mapping={"nesz": "seiz"})
    assert settled.exit_code == 0
    assert settled.labels == {"bckg": 2, "nesz": 1}


def test_a_patient_in_two_splits_is_an_error(tmp_path):
    """Incident d1: splits keep patients whole."""
    write_tusz(tmp_path)
    write_recording(tusz_path(tmp_path, "eval", "aaaaaaaa", 5))
    assert codes(audit(tmp_path)) == [("patient-in-two-splits", "error")]


def test_a_corpus_without_seizure_is_an_error_with_the_number_that_proves_it(tmp_path):
    """Incident a1: 0 seizure windows is broken labels, not bad luck."""
    write_recording(tusz_path(tmp_path, "train", "aaaaaaaa"), duration_s=7200)
    found = audit(tmp_path)
    assert codes(found) == [("no-seizures", "error")]
    assert found.prior is not None
    assert (found.prior.windows, found.prior.seizure_windows) == (715, 0)
    assert found.prior.log10_tail == pytest.approx(120 * math.log10(1 - 0.0788))
    assert "0 of 715 windows of 60 s hold one (0.00%), published are 7.88%" in found.findings[0].message
    assert "so few by chance: 10^-4.3" in found.findings[0].message


def test_too_few_seizures_for_the_prior_are_a_warning(tmp_path):
    """Labels may be lost in part, too."""
    write_recording(tusz_path(tmp_path, "train", "aaaaaaaa"), [(100, 110)], duration_s=14400)
    assert codes(audit(tmp_path)) == [("prior", "warning")]
    assert audit(tmp_path, prior=0.004).exit_code == 0


def test_a_folder_of_no_known_corpus_has_no_prior(tmp_path):
    """Unless one is stated, and that must be a share."""
    write_recording(tmp_path / "x_1.edf", [(1, 2)])
    assert audit(tmp_path).prior is None
    assert audit(tmp_path, prior=0.5).prior is not None
    with pytest.raises(InputError, match="no share of windows"):
        audit(tmp_path, prior=7.88)


def test_a_folder_without_recordings_is_a_finding(tmp_path):
    """Undefined shares are null in JSON, not NaN."""
    found = audit(tmp_path)
    assert codes(found) == [("corpus-empty", "error")]
    assert found.document()["share"] is None


def test_a_table_that_is_no_annotation_is_not_called_unpaired(tmp_path):
    """Siena has a `subject_info.csv`."""
    write_recording(tmp_path / "x_1.edf", [(1, 2)])
    (tmp_path / "subject_info.csv").write_text("patient,age\n", encoding="utf-8")
    assert audit(tmp_path).exit_code == 0


def test_seizures_are_tallied_by_their_type(tmp_path):
    """The type is in the `.csv`; a recording with two types counts under both, each with its own seizures."""
    write_recording(tmp_path / "x_1.edf", [(10, 20), (30, 35)])
    csv = tmp_path / "x_1.csv"
    csv.write_text(csv.read_text().replace("30.0000,35.0000,fnsz", "30.0000,35.0000,gnsz"))
    write_recording(tmp_path / "y_1.edf", [(0, 7)])
    by_type = audit(tmp_path).tallies["type"]
    assert {kind: (t.recordings, t.seizures, t.seizure_seconds) for kind, t in by_type.items()} == {
        "fnsz": (2, 2, 17.0),
        "gnsz": (1, 1, 5.0),
    }


def test_a_repair_is_told_and_is_no_finding(tmp_path):
    """Incident c7: under a policy, what is missing, what was computed and what is left at zero."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    write_edf(tmp_path / "x_1.edf", labels=[label for label in LABELS if "FZ" not in label and "PZ" not in label])
    refused = audit(tmp_path)
    assert codes(refused) == [("channel-missing", "warning")]
    assert set(refused.inspected[0].fit.missing) == {"Fz", "Pz"}
    assert {name for name, recordings in refused.montages.items() if recordings} == {"tcp-ar-a-20"}
    interpolated = audit(tmp_path, policy="interpolate").document()
    assert interpolated["findings"] == []
    assert interpolated["repaired"] == {"interpolated": 1, "masked": 0}
    row = interpolated["files"][0]
    assert (set(row["missing"]), row["interpolated"], row["absent"]) == ({"Fz", "Pz"}, ["Fz", "Pz"], [])
    masked = audit(tmp_path, policy="mask").document()
    assert masked["repaired"] == {"interpolated": 0, "masked": 1}
    assert masked["files"][0]["absent"] != []


def test_the_policy_cannot_repair_everything(tmp_path):
    """Five missing of 19 are a finding under any policy that would have to invent them."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    write_edf(tmp_path / "x_1.edf", labels=LABELS[5:])
    assert codes(audit(tmp_path, policy="interpolate")) == [("channel-missing", "warning")]


@pytest.mark.parametrize(("patient", "severity"), [("x", "warning"), ("y", "error")])
def test_one_signal_under_two_names_is_found(tmp_path, patient, severity):
    """Incident b13: within a patient a copy, across patients a leak; the name of the file does not matter."""
    noise = np.random.default_rng(0).integers(-2000, 2000, (60, 4))
    for name in ("x_1", f"{patient}_2"):
        write_recording(tmp_path / f"{name}.edf", [(10, 20)])
        channels = [Channel(label=label, samples=(noise + n).tolist()) for n, label in enumerate(LABELS)]
        (tmp_path / f"{name}.edf").write_bytes(edf_bytes(channels, patient=name))
    found = audit(tmp_path)
    assert codes(found) == [("signal-repeated", severity)]
    assert found.findings[0].path == f"{patient}_2.edf"
    assert "the same signal as x_1" in found.findings[0].message


def test_a_deep_audit_reads_signals_and_a_shallow_one_does_not(tmp_path):
    """A saturated electrode shows in the signal alone; progress is of recordings."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    rows = [[32767] * 4 if second < 30 else [second] * 4 for second in range(60)]
    (tmp_path / "x_1.edf").write_bytes(edf_bytes([Channel(label=label, samples=rows) for label in LABELS]))
    assert audit(tmp_path).findings == ()
    seen: list[tuple[int, int]] = []
    found = audit(tmp_path, deep=True, progress=lambda done, total: seen.append((done, total)))
    assert codes(found) == [("signal-saturated", "warning")]
    assert "19 channel(s)" in found.findings[0].message
    assert len(found.document()["files"][0]["signals"]["checksum"]) == 32
    assert seen == [(1, 1)]


def test_files_that_belong_to_nothing_are_counted(tmp_path):
    """By suffix; no finding, for corpora come with their documents."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    for name in ("README.md", "a.tmp", "b.tmp", "LICENSE"):
        (tmp_path / name).write_text("")
    found = audit(tmp_path)
    assert found.other_files == {".tmp": 2, ".md": 1, "LICENSE": 1}
    assert found.exit_code == 0


def test_a_disk_that_fails_is_a_finding_and_the_audit_goes_on(tmp_path, monkeypatch):
    """A bad sector in one of thousands of files must not cost the audit of the others."""
    for name in ("x_1", "y_1"):
        write_recording(tmp_path / f"{name}.edf", [(10, 20)])

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", broken)
    found = audit(tmp_path, deep=True)
    assert codes(found) == [("edf-unreadable", "warning")] * 3
    assert [finding.path for finding in found.findings] == ["x_1.edf", "y_1.edf", "."]
    assert "Input/output error" in found.findings[0].message
