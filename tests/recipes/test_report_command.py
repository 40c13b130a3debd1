"""`ictal report`: what the page is given of a run folder, and several runs on one page."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recipes import plan as planning
from ictal.recipes.report import contents
from ictal.recipes.run import open_planned
from ictal.report.contents import Contents
from tests.end_to_end.commands import STEPS, FinishedRun, Terminal, begun_anew


@pytest.fixture(scope="module")
def shown(finished_run: FinishedRun) -> Contents:
    run = open_planned(finished_run.folder, ())
    return contents(run, planning.load(run))


def test_the_leakage_audit_counts_what_the_run_folder_holds(shown: Contents, finished_run: FinishedRun) -> None:
    """Patients of the plan, signals of the store, openings of the evaluation part."""
    audit = shown.leakage
    assert audit is not None
    plan = finished_run.json("plan.json")
    assert audit.patients == sum(part["patients"] for part in plan["splits"].values())
    assert (audit.patients_in_two_parts, audit.openings) == ((), 1)
    assert audit.signals == finished_run.json("store.json")["recordings"] > 0


def test_training_comes_with_its_guards_and_counted_seizures(shown: Contents) -> None:
    """Of every step, as the labels had them."""
    curves = shown.training
    assert curves is not None
    assert {one.guard for one in curves.watched} == {"composition", "numbers", "data", "separation", "skill"}
    assert curves.seizure_windows is not None
    assert curves.seizure_windows.tolist() == [4] * STEPS


def test_warnings_and_validations_are_read_from_the_log(finished_run: FinishedRun, tmp_path: Path) -> None:
    """As training writes them, a line a step."""
    folder = shutil.copytree(finished_run.folder, tmp_path / "run")
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    rows[3]["warnings"] = [{"step": 3, "kind": "no-skill", "message": "too little", "evidence": {}}]
    rows[7] |= {"dev_auprc": 0.4, "dev_sensitivity": 0.5, "dev_best": True}
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = open_planned(folder, ())
    curves = contents(run, planning.load(run)).training
    assert curves is not None
    assert [(one.step, one.kind, one.stopped) for one in curves.said] == [(3, "no-skill", False)]
    assert [(one.step, one.auprc, one.best) for one in curves.validation] == [(8, 0.4, True)]


def test_a_step_that_is_being_written_is_left_out(finished_run: FinishedRun, tmp_path: Path) -> None:
    """A report can be made while training goes on; what is no log is damaged."""
    folder = shutil.copytree(finished_run.folder, tmp_path / "run")
    log = folder / "train.jsonl"
    log.write_bytes(log.read_bytes()[:-30])
    run = open_planned(folder, ())
    planned = planning.load(run)
    curves = contents(run, planned).training
    assert curves is not None
    assert len(curves.step) == STEPS - 1
    log.write_text("{\n")
    with pytest.raises(InputError) as error:
        contents(run, planned)
    assert error.value.code == "file-damaged"


def test_what_the_page_says_is_of_the_run_and_not_of_who_looks(finished_run: FinishedRun, tmp_path: Path) -> None:
    """Versions are those that computed it; calibration is of the part that it was done on; commands can be pasted."""
    folder = shutil.copytree(finished_run.folder, tmp_path / "a run")
    versions = json.loads((folder / "versions.json").read_text()) | {"torch": "0.1", "command": "ictal evaluate x"}
    (folder / "versions.json").write_text(json.dumps(versions))
    evaluation = json.loads((folder / "evaluation.json").read_text())
    evaluation["operating_point"]["tuned_on"] = "eval"
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    run = open_planned(folder, ())
    page = contents(run, planning.load(run))
    assert (page.provenance["torch"], page.provenance["command"]) == ("0.1", "ictal evaluate x")
    assert page.calibrated == "calibration by platt on the eval part"
    assert shlex.split(page.provenance["command 1"])[-1] == str(folder / "config.toml")


def test_the_operating_point_lies_on_the_curve_where_the_scores_are(shown: Contents) -> None:
    """The ring shows the very scores that the tables state."""
    curve, evaluation = shown.curve, shown.evaluation
    assert curve is not None
    assert evaluation is not None
    assert curve.operating is not None
    event = evaluation["scorers"]["szcore_event"]
    point = curve.sensitivity[curve.operating], curve.false_alarms_per_24h[curve.operating]
    np.testing.assert_allclose(point, (event["sensitivity"], event["false_alarms_per_24h"]))


def test_what_repeats_a_run_repeats_it(
    terminal: Terminal, shown: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first command plans the same batches in a folder of its own; hashes are of the files."""
    monkeypatch.chdir(tmp_path)
    words = shown.provenance["command 1"].split()
    assert words[:3] == ["ictal", "plan", "again"]
    assert terminal(*words[1:]).code in {0, 1}
    assert json.loads((tmp_path / "again" / "plan.json").read_text())["plan_hash"] == shown.provenance["plan hash"]
    assert {"model.safetensors hash", "config.toml hash"} <= shown.provenance.keys()
    assert [shown.provenance[name] for name in ("backend", "backend of the evaluation")] == ["fused", "fused"]


def test_several_runs_are_one_page(
    terminal: Terminal, finished_run: FinishedRun, forward_run: FinishedRun, tmp_path: Path
) -> None:
    """A run, one with another model, and one that was only planned, of folders with the same name."""
    planned = begun_anew(finished_run, tmp_path / "run")
    shutil.copy(finished_run.folder / "index.parquet", planned)
    out = tmp_path / "page.html"
    said = terminal("report", finished_run.folder, forward_run.folder, planned, "--out", out)
    assert (said.code, said.out.strip()) == (0, str(out)), said.err
    page = out.read_text()
    for folder in (finished_run.folder, forward_run.folder, planned):
        assert f"{folder.parent.name}/{folder.name}" in page
    assert "model.kind" in page
    assert f"there is no evaluation of {planned.parent.name}/{planned.name} as it is now" in page
    assert not (planned / "report.html").exists()
