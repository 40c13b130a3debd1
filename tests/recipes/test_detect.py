"""`ictal detect` on files and folders: any format, resumable, and never an empty answer by mistake."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ictal.recipes import writing
from ictal.recipes.config import MachineConfig
from ictal.recipes.detect import look, open_detector
from ictal.recipes.detector import Detector
from ictal.recordings import edf
from ictal.recordings.annotations import beside, bids, edfplus
from ictal.recordings.events import seizures
from ictal.signals.source import prepared
from tests.end_to_end.commands import FinishedRun, Terminal, put, recordings


@pytest.fixture
def folder(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """Three recordings, one of them deeper and named as BIDS does."""
    edfs = [*recordings(finished_run.corpus, "eval"), *recordings(finished_run.corpus, "dev")][:3]
    places = ["a.edf", "b.edf", "deep/c_eeg.edf"]
    for source, place in zip(edfs, places, strict=True):
        (tmp_path / "in" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / place).hardlink_to(source)
    return tmp_path / "in"


def found_in(path: Path) -> tuple[tuple[float, float], ...]:
    return seizures(beside.read(path))


def test_a_folder_gives_what_its_files_give(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path
) -> None:
    """Byte for byte, under the recordings' names."""
    said = terminal("detect", folder, tmp_path / "out", "--run", finished_run.folder, "--json")
    assert (said.document["recordings"], said.document["done"]) == (3, 3)
    names = {"a": "a_events.tsv", "b": "b_events.tsv", "deep/c_eeg": "deep/c_events.tsv"}
    for recording, name in names.items():
        terminal("detect", folder / f"{recording}.edf", tmp_path / "one.tsv", "--run", finished_run.folder)
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one.tsv").read_bytes()
    assert said.document["seizures"] == sum(len(found_in(tmp_path / "out" / name)) for name in names.values())


@pytest.mark.parametrize("form", ["tsv", "csv_bi", "edf", "json"])
def test_every_format_says_the_same(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path, form: str
) -> None:
    """To the last decimal that the formats share."""
    terminal("detect", folder / "a.edf", tmp_path / "reference.tsv", "--run", finished_run.folder)
    target = tmp_path / f"a.{form}"
    assert terminal("detect", folder / "a.edf", target, "--run", finished_run.folder).code in {0, 1}
    if form == "json":
        document = json.loads(target.read_text())
        found = tuple((one["onset_s"], one["stop_s"]) for one in document["events"])
        assert document["recording"] == "a"
        assert all(0 <= one["onset_earliest_s"] <= one["onset_s"] for one in document["events"])
    else:
        found = found_in(target)
    assert [pytest.approx(pair, abs=1e-4) for pair in found] == list(found_in(tmp_path / "reference.tsv"))


def test_an_event_says_which_channels_it_cannot_be_trusted_in(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event has its flags, none is dropped for them: of one that spans an unplugged electrode and a driven one.

    TSV and EDF+ keep them as JSON does; csv_bi has no place for them, and the events are the same.
    """
    terminal("detect", folder / "a.edf", tmp_path / "a.json", "--run", finished_run.folder)
    events = json.loads((tmp_path / "a.json").read_text())["events"]
    assert all(one["artefacts"].keys() == {"flat", "clipped", "absent", "interpolated"} for one in events)
    detector = open_detector(finished_run.folder, MachineConfig())
    ready = prepared(edf.read_header(folder / "a.edf"), detector.config.signals)
    values, channels = ready.signal.values, ready.derivation.channels
    rate_hz = detector.config.signals.rate_hz
    values[2, 5 * rate_hz : 15 * rate_hz] = 0
    values[4, 10 * rate_hz : 10 * rate_hz + 5] = -32_767
    validity = ("absent", "interpolated", *ready.derivation.validity[2:])
    ready = replace(ready, derivation=replace(ready.derivation, validity=validity))
    monkeypatch.setattr(Detector, "detect", lambda *_: np.array([[6.0, 12.0], [16.0, 20.0]]))
    monkeypatch.setattr(Detector, "onsets", lambda _, __, found_s: found_s)
    found, _ = look("a", edf.read_header(folder / "a.edf"), ready, detector)
    first, second = (one.artefacts for one in found.events)
    assert first == tuple(
        f"{kind} {channels[n]}" for n, kind in ((2, "flat"), (4, "clipped"), (0, "absent"), (1, "interpolated"))
    )
    assert second == first[2:]
    writing.write(tmp_path / "b.json", found, "json")
    expected = {"flat": [channels[2]], "clipped": [channels[4]], "absent": [channels[0]], "interpolated": [channels[1]]}
    events = json.loads((tmp_path / "b.json").read_text())["events"]
    assert [one["artefacts"] for one in events] == [expected, {**expected, "flat": [], "clipped": []}]
    for form in ("tsv", "edf"):
        writing.write(tmp_path / f"b.{form}", found, form)
        read = bids.read(tmp_path / "b.tsv") if form == "tsv" else edfplus.read(tmp_path / "b.edf")
        assert [sorted(one.artefacts or ()) for one in read.events] == [sorted(first), sorted(second)], form
    writing.write(tmp_path / "b.csv_bi", found, "csv_bi")
    assert [found_in(tmp_path / f"b.{form}") for form in ("tsv", "edf", "csv_bi")] == [((6.0, 12.0), (16.0, 20.0))] * 3


def test_what_is_done_is_not_done_again(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is missing, what has other samples, and everything for another detector."""
    out, run = tmp_path / "out", shutil.copytree(finished_run.folder, tmp_path / "run")

    def done() -> int:
        number: int = terminal("detect", folder, out, "--run", run, "--json").document["done"]
        return number

    assert [done(), done()] == [3, 0]
    (out / "b_events.tsv").unlink()
    assert [done(), done()] == [1, 0]
    content = bytearray((folder / "a.edf").read_bytes())
    content[-1] ^= 1
    put(folder / "a.edf", bytes(content))
    assert [done(), done()] == [1, 0]
    card = json.loads((run / "detector.json").read_text())
    card["calibration"]["temperature"] *= 1.01
    (run / "detector.json").write_text(json.dumps(card))
    assert [done(), done()] == [3, 0]
    monkeypatch.setattr("ictal.recipes.detect.version", lambda _: "99")
    assert [done(), done()] == [3, 0]


def test_a_line_of_the_ledger_that_was_cut_short_is_done_again(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path
) -> None:
    """By a full disk or a loss of power; the others stand."""
    ledger = tmp_path / "out" / "detections.jsonl"
    commands = ["detect", folder, tmp_path / "out", "--run", finished_run.folder, "--json"]
    terminal(*commands)
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert [terminal(*commands).document["done"] for _ in range(2)] == [1, 0]


def test_a_recording_that_cannot_be_used_leaves_no_file(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path
) -> None:
    """It is named and the rest goes on; if none can be used, nothing is said to be found."""
    put(folder / "b.edf", b"noise")
    said = terminal("detect", folder, tmp_path / "out", "--run", finished_run.folder, "--json")
    assert said.code == 1
    assert [one["id"] for one in said.document["quarantined"]] == ["b"]
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.tsv")) == ["a_events.tsv", "c_events.tsv"]
    for name in ("a.edf", "deep/c_eeg.edf"):
        put(folder / name, b"noise")
    said = terminal("detect", folder, tmp_path / "none", "--run", finished_run.folder)
    assert (said.code, "none usable" in said.err) == (2, True)
    (tmp_path / "empty").mkdir()
    assert terminal("detect", tmp_path / "empty", tmp_path / "x", "--run", finished_run.folder).code == 2


def test_nothing_else_is_written_over(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path
) -> None:
    """Least of all a recording; detections of before are replaced."""
    before = (folder / "b.edf").read_bytes()
    assert terminal("detect", folder / "a.edf", folder / "b.edf", "--run", finished_run.folder).code == 2
    assert (folder / "b.edf").read_bytes() == before
    (tmp_path / "thesis.tsv").write_text("mine")
    assert terminal("detect", folder / "a.edf", tmp_path / "thesis.tsv", "--run", finished_run.folder).code == 2
    assert terminal("detect", folder / "a.edf", tmp_path / "a.txt", "--run", finished_run.folder).code == 2
    for _ in range(2):
        assert terminal("detect", folder / "a.edf", tmp_path / "a.edf", "--run", finished_run.folder).code in {0, 1}


def test_detections_beside_recordings_are_no_recordings(
    terminal: Terminal, finished_run: FinishedRun, folder: Path
) -> None:
    """EDF+ annotations written below the folder that is read are not read as recordings the next time."""
    words = ("detect", folder, folder / "found", "--run", finished_run.folder, "--format", "edf", "--json")
    assert terminal(*words).document["recordings"] == 3
    assert terminal(*words).document["recordings"] == 3


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (("a.edf", "b.edf"), {"a_events.tsv", "b_events.tsv"}),
        (("a.edf", "./a.edf", "deep"), {"a_events.tsv", "deep/c_events.tsv"}),
        (("*.edf",), {"a_events.tsv", "b_events.tsv"}),
        (("**/*.edf",), {"a_events.tsv", "b_events.tsv", "deep/c_events.tsv"}),
        (("*/c*",), {"deep/c_events.tsv"}),
        (("deep/*.edf",), {"c_events.tsv"}),
        (("[b-z].edf", "deep/c_eeg.edf"), {"b_events.tsv", "deep/c_events.tsv"}),
    ],
)
def test_several_and_patterns(
    terminal: Terminal,
    finished_run: FinishedRun,
    folder: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    written: set[str],
) -> None:
    """Each recording once, under its place below what was named; what lies there besides is no recording."""
    put(folder / "a_events.tsv", b"annotations")
    out = tmp_path / "out"
    said = terminal("detect", *(folder / word for word in words), out, "--run", finished_run.folder, "--json")
    assert said.document["recordings"] == len(written)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.tsv")} == written


def test_a_name_with_a_bracket_is_a_name(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, tmp_path: Path
) -> None:
    """Where there is such a file or folder."""
    (folder / "[a].edf").hardlink_to(folder / "b.edf")
    assert terminal("detect", folder / "[a].edf", tmp_path / "x.tsv", "--run", finished_run.folder).code in {0, 1}
    assert (tmp_path / "x.tsv").is_file()
    folder.rename(tmp_path / "x [1]")
    said = terminal("detect", tmp_path / "x [1]" / "*.edf", tmp_path / "out", "--run", finished_run.folder, "--json")
    assert said.document["recordings"] == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("*.edf", "found.tsv"), "go to a folder"),
        (("a.edf", "nothing.edf", "out"), "no such file"),
        (("*.bdf", "out"), "no EDF or BDF"),
        (("a.edf", "a.bdf", "out"), "one name"),
        (("a.edf", "a_eeg.edf", "out"), "one name"),
        (("a.edf",), "alone"),
        ((), "neither"),
    ],
)
def test_what_cannot_be_meant_is_one_error(
    terminal: Terminal, finished_run: FinishedRun, folder: Path, words: tuple[str, ...], said: str
) -> None:
    """And nothing is written."""
    put(folder / "found.tsv", b"mine")
    for same in {"a.bdf", "a_eeg.edf"} & set(words):
        (folder / same).hardlink_to(folder / "b.edf")
    refused = terminal("detect", *(folder / word for word in words), "--run", finished_run.folder)
    assert (refused.code, said in refused.err) == (2, True), refused.err
    assert not (folder / "out").exists()
    assert (folder / "found.tsv").read_bytes() == b"mine"
