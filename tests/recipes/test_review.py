"""`ictal review` opens runs and folders, and what it saves is audited and trained on again."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recipes.audit import Settings, audit_folder
from ictal.recipes.review import Reading, open_any, open_folder, open_run, user
from ictal.review.listing import Opened
from ictal.review.marks import RECORDING
from tests.end_to_end.commands import FinishedRun, Terminal, put, words
from tests.review.recordings import served, write_edf
from tests.review.test_server import edit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings: annotated, not annotated, annotated in words that are not known."""
    root = tmp_path / "eeg"
    for number, name in enumerate(("a_1", "deep/b_1", "c_1")):
        write_edf(root / f"{name}.edf", duration_s=120, seed=number)
    header = "onset\tduration\teventType\n"
    (root / "a_1_events.tsv").write_text(f"{header}20\t10\tsz_foc\n")
    (root / "c_1_events.tsv").write_text(f"{header}20\t10\tjerk\n")
    return root


def _by_id(opened: Opened) -> dict[str, str]:
    return {one.id: one.remark for one in opened.recordings}


def test_a_run_is_opened_with_what_its_detector_said(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Counts are those of the evaluation, traces have its steps; only the evaluated part is shown."""
    opened = open_run(finished_run.folder, marks=tmp_path)
    rows = finished_run.json("evaluation.json")["scorers"]["szcore_event"]["per_recording"]
    assert {one.id for one in opened.recordings} == set(rows)
    assert opened.threshold == finished_run.json("evaluation.json")["operating_point"]["threshold"]
    for one in opened.recordings:
        outcomes = [event.outcome for event in one.events if event.source == "reference"]
        assert len(outcomes) == rows[one.id]["reference"]
        assert outcomes.count("found") == rows[one.id]["true_positives"]
        assert one.probability is not None
        trace = one.probability()
        assert opened.steps_hz is not None
        assert len(trace) == -(-one.header.duration_s * opened.steps_hz // 1)
        assert np.isfinite(trace).all()


def test_a_folder_is_opened_as_it_is(folder: Path) -> None:
    """Without annotation a recording is unlabelled, not background; one that cannot be read says why."""
    opened = open_folder(folder, Reading())
    first, second, third = sorted(opened.recordings, key=lambda one: one.id)
    assert [one.id for one in (first, second, third)] == ["a_1", "c_1", "deep/b_1"]
    assert [(e.onset_s, e.stop_s, e.label, e.outcome) for e in first.events] == [(20.0, 30.0, "sz_foc", "")]
    assert [one.labelled for one in (first, second, third)] == [True, False, False]
    assert "jerk" in second.remark
    assert third.remark == ""
    assert _by_id(open_folder(folder, Reading(mapping={"jerk": "bckg"})))["c_1"] == ""


def test_detections_of_a_folder_come_from_a_folder(folder: Path, tmp_path: Path) -> None:
    """As `ictal detect` wrote it; a recording that it says nothing about is set aside."""
    out = tmp_path / "found"
    (out / "deep").mkdir(parents=True)
    header = "onset\tduration\teventType\n"
    (out / "a_1_events.tsv").write_text(f"{header}100\t10\tsz\n")
    (out / "deep" / "b_1_events.tsv").write_text(f"{header}0\t120\tbckg\n")
    opened = open_folder(folder, Reading(detections=out))
    assert [one.id for one in opened.recordings] == ["a_1", "deep/b_1"]
    assert [(one.id, one.code) for one in opened.aside] == [("c_1", "detections-missing")]
    assert [event.outcome for event in opened.recordings[0].events] == ["missed", "false alarm"]


def test_no_link_leads_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    """A recording that lies elsewhere is set aside, however it is linked."""
    elsewhere = write_edf(tmp_path / "private" / "x.edf", duration_s=101)
    (folder / "x.edf").symlink_to(elsewhere)
    (folder / "inside.edf").symlink_to(folder / "a_1.edf")
    opened = open_folder(folder, Reading())
    assert [(one.id, one.code) for one in opened.aside] == [("x", "path-outside")]
    assert "inside" in _by_id(opened)


def test_a_damaged_recording_is_set_aside(folder: Path) -> None:
    """The others are shown."""
    put(folder / "a_1.edf", b"nothing")
    opened = open_folder(folder, Reading())
    assert [one.code for one in opened.aside] == ["edf-unreadable"]
    assert len(opened.recordings) == 2


def test_what_cannot_be_opened_is_refused(folder: Path, finished_run: FinishedRun, tmp_path: Path) -> None:
    """One error each, and nothing written."""
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    evaluation = json.loads((run / "evaluation.json").read_text())
    put(run / "evaluation.json", json.dumps({**evaluation, "plan_hash": "0"}))
    empty, file = tmp_path / "empty", tmp_path / "file"
    empty.mkdir()
    file.touch()
    refusals = {
        "plan-changed": lambda: open_run(run),
        "corpus-empty": lambda: open_any(empty, Reading()),
        "corpus-missing": lambda: open_any(tmp_path / "absent", Reading()),
        "marks-folder": lambda: open_folder(folder, Reading(), marks=file),
        "config-value": lambda: open_any(run, Reading(detections=empty)),
    }
    for code, refused in refusals.items():
        with pytest.raises(InputError) as error:
            refused()
        assert error.value.code == code
    (run / "evaluation.json").unlink()
    with pytest.raises(InputError, match="ictal evaluate"):
        open_run(run)
    assert not (run / "review").exists()
    assert not list(empty.iterdir())


def test_a_damaged_trace_is_one_error(finished_run: FinishedRun, tmp_path: Path) -> None:
    """When the recording is looked at; the others can still be."""
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    put(run / "traces.npz", b"nothing")
    probability = open_run(run).recordings[0].probability
    assert probability is not None
    with pytest.raises(InputError, match="evaluate"):
        probability()


def test_corrected_labels_are_audited_planned_with_and_converted(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """One seizure is refuted and another gets a type; nothing of the corpus's folder is touched."""
    marks = tmp_path / "marks"
    opened = open_folder(synthetic_corpus, Reading(), marks=marks)
    first, second = [(n, one.events[0]) for n, one in enumerate(opened.recordings) if one.events][:2]
    with served(opened) as server:
        for (number, event), said in ((first, {"verdict": "background"}), (second, {"label": "sz_gen_m_tonic"})):
            fields = {"event": event.name, "source": "reference", "onset_s": event.onset_s, "stop_s": event.stop_s}
            assert edit(server, number, **fields, **said).status == 200
    corrected = ("--corpus.corrected", marks)
    before = terminal("audit", synthetic_corpus, "--json").document
    after = terminal("audit", synthetic_corpus, *corrected, "--tables", tmp_path / "tables", "--json").document
    assert after["findings"] == []
    assert after["seizures"] == before["seizures"] - 1
    assert after["tallies"]["type"]["sz_gen_m_tonic"]["seizures"] == 1
    planned = terminal("plan", tmp_path / "run", "--corpus.path", synthetic_corpus, *corrected, *words(), "--json")
    assert sum(part["seizures"] for part in planned.document["splits"].values()) == after["seizures"]
    converted = terminal("convert", synthetic_corpus, tmp_path / "bids", *corrected, "--json").document
    assert converted["seizures"] == after["seizures"]


def test_what_is_reviewed_in_its_own_folder_is_audited_there(folder: Path, terminal: Terminal) -> None:
    """An annotation for a recording without one, one for a recording whose own cannot be read; the rest stands."""
    opened = open_folder(folder, Reading())
    number = {one.id: number for number, one in enumerate(opened.recordings)}
    with served(opened) as server:
        gone_through = {"event": RECORDING, "onset_s": 0.0, "stop_s": 120.0, "label": "bckg", "verdict": "background"}
        for name in ("deep/b_1", "c_1"):
            assert edit(server, number[name], **gone_through).status == 200
    said = terminal("audit", folder, "--corpus.corrected", folder / "review", "--json")
    assert (said.document["findings"], said.document["seizures"]) == ([], 1)
    assert {one.code for one in audit_folder(folder, Settings())[0].findings} >= {"label-unknown", "annotation-missing"}


def test_the_command_serves_until_it_is_interrupted(folder: Path) -> None:
    """It prints its link and nothing else on stdout; Ctrl-C is its proper end."""
    command = [sys.executable, "-m", "ictal", "review", str(folder), "--port", "0", "--author", "Dr Who"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert address.hostname == "127.0.0.1"
        connection = http.client.HTTPConnection("127.0.0.1", address.port)
        connection.request("GET", "/api/list")
        assert json.loads(connection.getresponse().read())["author"] == "Dr Who"
        connection.close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err


def test_anywhere_but_on_the_loopback_there_is_a_token(folder: Path) -> None:
    """In the link; without it the server answers nobody."""
    command = [sys.executable, "-m", "ictal", "review", str(folder), "--port", "0", "--host", "0.0.0.0"]  # noqa: S104
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert len(address.query.removeprefix("token=")) >= 32
        connection = http.client.HTTPConnection("127.0.0.1", address.port)
        connection.request("GET", "/api/list")
        assert connection.getresponse().status == 401
        connection.close()
        process.send_signal(signal.SIGINT)


def test_the_users_name_is_a_name() -> None:
    """Marks made without --author say whose they are."""
    assert user().strip()
