"""`ictal convert`: what is written is BIDS to its own validator, and the same corpus to us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ictal.recordings.corpus import discover, read_labels
from tests.end_to_end.commands import Terminal, linked
from tests.reference.small_corpus import write_edf, write_recording


def contents(corpus: Path) -> list[tuple[str | None, bytes, tuple[tuple[float, float], ...]]]:
    """Split, bytes and seizures of every recording, in any order."""
    labelled, _ = read_labels(discover(corpus))
    return sorted((one.recording.split, one.recording.edf.read_bytes(), one.seizures_s) for one in labelled)


def test_a_converted_corpus_is_the_same_corpus(terminal: Terminal, synthetic_corpus: Path, tmp_path: Path) -> None:
    """Signals to the last byte, seizures to the last decimal, parts and patients."""
    said = terminal("convert", synthetic_corpus, tmp_path / "bids", "--json")
    assert said.code == 0
    assert discover(tmp_path / "bids").name == "bids"
    before, after = contents(synthetic_corpus), contents(tmp_path / "bids")
    assert [one[:2] for one in after] == [one[:2] for one in before]
    for (*_, ours), (*_, theirs) in zip(after, before, strict=True):
        assert [pytest.approx(pair, abs=1e-4) for pair in ours] == list(theirs)
    assert said.document["seizures"] == sum(len(one[2]) for one in before) > 0


def test_the_bids_validator_accepts_it(terminal: Terminal, synthetic_corpus: Path, tmp_path: Path) -> None:
    """No error; its warnings are about things that no EDF says, such as the cap's maker."""
    terminal("convert", synthetic_corpus, tmp_path / "bids")
    validator = Path(sys.executable).with_name("bids-validator-deno")
    command = [str(validator), "--format", "json", str(tmp_path / "bids")]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    document = json.loads(found.stdout)
    assert document["summary"]["totalFiles"] > 50
    assert [issue for issue in document["issues"]["issues"] if issue["severity"] == "error"] == []


def test_an_interrupted_conversion_goes_on(terminal: Terminal, tmp_path: Path) -> None:
    """Only what is missing is made again."""
    for number in range(3):
        write_recording(tmp_path / "in" / f"p{number}_1.edf", [(10, 20)])
    assert terminal("convert", tmp_path / "in", tmp_path / "out", "--json").document["made"] == 3
    next((tmp_path / "out" / "sub-p1").rglob("*_events.tsv")).unlink()
    assert terminal("convert", tmp_path / "in", tmp_path / "out", "--json").document["made"] == 1
    assert terminal("convert", tmp_path / "in", tmp_path / "out", "--json").document["made"] == 0


def test_a_corrected_annotation_is_converted_again(terminal: Terminal, tmp_path: Path) -> None:
    """And so is a recording that was replaced."""
    for name in ("p_1", "q_1"):
        write_recording(tmp_path / "in" / f"{name}.edf", [(10, 20)])
    terminal("convert", tmp_path / "in", tmp_path / "out")
    write_recording(tmp_path / "in" / "p_1.edf", [(10, 25)])
    assert terminal("convert", tmp_path / "in", tmp_path / "out", "--json").document["made"] == 1
    row = next((tmp_path / "out" / "sub-p").rglob("*_events.tsv")).read_text().splitlines()[1]
    assert row.startswith("10.0000\t15.0000\t")
    write_edf(tmp_path / "in" / "q_1.edf", labels=["A", "B"])
    assert terminal("convert", tmp_path / "in", tmp_path / "out", "--json").document["made"] == 1


def test_a_recording_that_takes_anothers_place_is_copied(terminal: Terminal, tmp_path: Path) -> None:
    """Though it has the size and the time of what was there, as recordings unpacked from an archive may."""
    for number in (1, 2, 3):
        write_recording(tmp_path / "in" / f"p_{number}.edf")
        edf = tmp_path / "in" / f"p_{number}.edf"
        edf.write_bytes(edf.read_bytes()[:-1] + bytes([number]))
        os.utime(edf, (1e9, 1e9))
    terminal("convert", tmp_path / "in", tmp_path / "out")
    kept = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    for path in (tmp_path / "in").glob("p_1*"):
        path.rename(tmp_path / path.name)
    said = terminal("convert", tmp_path / "in", tmp_path / "out")
    assert (said.code, "run-03_eeg.edf" in said.err) == (2, True)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == kept
    write_recording(tmp_path / "in" / "p_4.edf")
    assert terminal("convert", tmp_path / "in", tmp_path / "out", "--json").document["made"] == 3
    last_bytes = [path.read_bytes()[-1] for path in sorted((tmp_path / "out").rglob("*.edf"))]
    assert last_bytes[:2] == [2, 3]


def test_names_do_not_break_tables(terminal: Terminal, tmp_path: Path) -> None:
    """Nor JSON: some of what ends a line elsewhere is a character of a folder's name."""
    folder = tmp_path / "in\u2028side"
    write_recording(folder / "p_1\ta.edf")
    assert terminal("convert", folder, tmp_path / "out").code == 0
    assert json.loads((tmp_path / "out" / "dataset_description.json").read_text())["Name"] == "in side"
    (scans,) = (tmp_path / "out").rglob("*_scans.tsv")
    assert [len(row.split("\t")) for row in scans.read_text().splitlines()] == [3, 3]


def test_what_cannot_be_used_is_left_out_and_named(terminal: Terminal, synthetic_corpus: Path, tmp_path: Path) -> None:
    """Exit code 1."""
    corpus = linked(synthetic_corpus, tmp_path / "in")
    damaged = min(corpus.rglob("*.edf"))
    damaged.unlink()
    damaged.write_bytes(b"noise")
    said = terminal("convert", corpus, tmp_path / "out", "--json")
    assert said.code == 1
    assert [one["path"] for one in said.document["quarantined"]] == [str(damaged)]


def test_labels_become_hed_score(terminal: Terminal, tmp_path: Path) -> None:
    """A complex partial seizure is focal with impaired awareness."""
    write_recording(tmp_path / "in" / "p_1.edf", [(10, 20)], label="cpsz")
    write_recording(tmp_path / "in" / "q_1.edf")
    terminal("convert", tmp_path / "in", tmp_path / "out")
    rows = [
        path.read_text().splitlines()[1].split("\t")[:3] for path in sorted((tmp_path / "out").rglob("*_events.tsv"))
    ]
    assert rows == [["10.0000", "10.0000", "sz_foc_ia"], ["0.0000", "60.0000", "bckg"]]


def test_channels_have_names_of_their_own(terminal: Terminal, tmp_path: Path) -> None:
    """CHB-MIT has T8-P8 twice."""
    write_recording(tmp_path / "in" / "p_1.edf")
    write_edf(tmp_path / "in" / "p_1.edf", labels=["T8-P8", "FP1-F7", "T8-P8"])
    terminal("convert", tmp_path / "in", tmp_path / "out")
    rows = next((tmp_path / "out").rglob("*_channels.tsv")).read_text().splitlines()[1:]
    assert [row.split("\t")[0] for row in rows] == ["T8-P8", "FP1-F7", "T8-P8-2"]


def test_a_folder_of_something_else_is_not_touched(terminal: Terminal, tmp_path: Path) -> None:
    """Nor are two patients made one."""
    write_recording(tmp_path / "in" / "p_1.edf")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    said = terminal("convert", tmp_path / "in", tmp_path / "out")
    assert (said.code, [path.name for path in (tmp_path / "out").iterdir()]) == (2, ["thesis.txt"])
    shutil.rmtree(tmp_path / "in")
    for name in ("a-b_1", "ab_1"):
        write_recording(tmp_path / "in" / f"{name}.edf")
    said = terminal("convert", tmp_path / "in", tmp_path / "other")
    assert said.code == 2
    assert "a-b" in said.err
