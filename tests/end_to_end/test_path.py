"""The whole path on a small synthetic corpus: what every command promises to people, to scripts and to the next one."""

from __future__ import annotations

import filecmp
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ictal.recordings.annotations import bids
from ictal.recordings.events import seizures
from tests.end_to_end.commands import (
    BATCH,
    QUOTA,
    STEPS,
    FinishedRun,
    Said,
    Terminal,
    contents_of,
    finish,
    recordings,
    words,
)

AUDIT = {"corpus", "recordings", "patients", "hours", "seizures", "seizure_seconds", "labels", "findings"}
PLAN = {
    *("windows", "seizure_windows", "strata", "natural_prevalence", "drawn_prevalence"),
    *("splits", "batches", "feasibility"),
}
PART = {"patients", "recordings", "hours", "seizures", "windows", "seizure_windows"}
BATCHES = {"size", "seizure_min", "seizure_mean", "seizure_max", "checked"}
RATIOS = {
    *("sensitivity", "precision", "f1", "false_alarms_per_24h"),
    *("reference", "true_positives", "false_positives", "hours"),
}
SCORERS = {"szcore_event", "szcore_sample", "nedc_ovlp", "nedc_taes", "nedc_epoch"}
EVALUATION = {"scorers", "window_auroc", "window_auprc", "ece", "operating_point"}


@pytest.fixture(scope="module")
def truth(synthetic_corpus: Path) -> Any:
    """What the synthetic corpus really holds."""
    return json.loads((synthetic_corpus / "truth.json").read_text())


@pytest.fixture
def own_run(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    return shutil.copytree(finished_run.folder, tmp_path / "run")


def _require_scores(document: dict[str, Any]) -> None:
    """The contract's keys: each scorer, pooled and per recording, with its version and NaN policy."""
    assert document["scorers"].keys() >= SCORERS
    for scores in document["scorers"].values():
        assert scores.keys() >= {*RATIOS, "scorer_version", "nan_policy", "per_recording"}
        assert all(row.keys() >= RATIOS for row in scores["per_recording"].values())


def test_audit_tells_what_is_in_the_corpus(terminal: Terminal, synthetic_corpus: Path, truth: Any) -> None:
    """Keys as promised, counts as the corpus was made, nothing found."""
    said = terminal("audit", synthetic_corpus, "--json")
    document = said.document
    assert said.code == 0
    assert document.keys() >= AUDIT
    assert document["findings"] == []
    assert document["recordings"] == len(truth["recordings"])
    assert document["patients"] == len(truth["patients"])
    assert document["seizures"] == sum(len(r["seizures"]) for r in truth["recordings"])
    assert document["hours"] * 3600 == pytest.approx(sum(r["duration_s"] for r in truth["recordings"]))
    assert document["labels"].keys() == {"bckg", "seiz"}


def test_findings_have_a_code_a_path_and_a_message(terminal: Terminal, shared_data: Path) -> None:
    """Real headers with noise for a signal contradict their annotations; every contradiction is a finding."""
    said = terminal("audit", shared_data / "fixtures", "--corpus", "folder", "--json")
    findings = said.document["findings"]
    assert said.code == 2
    assert findings
    assert all(finding.keys() >= {"code", "path", "message"} for finding in findings)


def test_plan_counts_everything_before_a_signal_is_read(finished_run: FinishedRun, truth: Any) -> None:
    """Keys as promised; the parts add up; every batch of the run was counted and holds its quota."""
    document = finished_run.said["plan"].document
    assert document.keys() >= PLAN
    assert document["natural_prevalence"].keys() == document["drawn_prevalence"].keys() == {"window", "time_step"}
    assert set(document["splits"]) == {"train", "dev", "eval"}
    for part, counts in document["splits"].items():
        assert counts.keys() >= PART
        own = [r for r in truth["recordings"] if r["split"] == part]
        assert counts["seizures"] == sum(len(r["seizures"]) for r in own)
        assert counts["patients"] == len({r["patient"] for r in own})
        assert counts["hours"] * 3600 == pytest.approx(sum(r["duration_s"] for r in own), abs=0.1)
    for count in ("windows", "seizure_windows"):
        assert sum(part[count] for part in document["splits"].values()) == document[count]
    assert sum(document["strata"].values()) == document["windows"]
    assert document["natural_prevalence"]["window"] == document["seizure_windows"] / document["windows"]
    assert document["drawn_prevalence"]["window"] == QUOTA / BATCH
    assert document["batches"].keys() >= BATCHES
    assert {document["batches"][key] for key in ("seizure_min", "seizure_mean", "seizure_max")} == {QUOTA}
    assert document["batches"]["checked"] == STEPS


def test_evaluate_scores_patients_that_were_never_seen(finished_run: FinishedRun) -> None:
    """Keys as promised, for every recording of the eval part and no other."""
    said = finished_run.said["evaluate"]
    document = said.document
    eval_ids = {
        str(p.relative_to(finished_run.corpus).with_suffix("")) for p in recordings(finished_run.corpus, "eval")
    }
    assert document.keys() >= EVALUATION
    _require_scores(document)
    assert all(scores["per_recording"].keys() == eval_ids for scores in document["scorers"].values())
    assert document["unseen_patients"] is True
    assert said.code == (0 if document["operating_point"]["target_reached"] else 1)
    assert document == finished_run.json("evaluation.json")


def test_score_agrees_with_evaluate(terminal: Terminal, finished_run: FinishedRun) -> None:
    """The files that evaluation wrote, scored against the corpus's own annotations, give the evaluation's numbers."""
    reference = finished_run.corpus / "edf" / "eval"
    said = terminal("score", reference, finished_run.folder / "detections" / "eval" / "edf" / "eval", "--json")
    assert said.code == 0
    _require_scores(said.document)
    evaluated = finished_run.said["evaluate"].document["scorers"]
    for scorer, scores in said.document["scorers"].items():
        recordings_of = {f"edf/eval/{name}": row for name, row in scores.pop("per_recording").items()}
        assert recordings_of == evaluated[scorer]["per_recording"]
        assert scores.items() <= evaluated[scorer].items()


def test_detect_finds_what_the_evaluation_found(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """One EDF alone goes the same way as in the evaluation, to the same times; folders are made for the output."""
    for edf in recordings(finished_run.corpus, "eval"):
        target = tmp_path / "detections" / f"{edf.stem}_events.tsv"
        said = terminal("detect", edf, target, "--run", finished_run.folder)
        beside = edf.relative_to(finished_run.corpus).with_name(target.name)
        evaluated = bids.read(finished_run.folder / "detections" / "eval" / beside)
        assert said.code == 0
        assert seizures(bids.read(target)) == seizures(evaluated)
        assert bids.read(target).duration_s == evaluated.duration_s


@pytest.mark.parametrize("verb", ["audit", "plan", "evaluate", "score"])
def test_json_prints_one_document_and_nothing_else(
    verb: str, terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """Stdout is JSON from its first byte to its last; progress goes to stderr."""
    folder = finished_run.folder
    run = shutil.copytree(folder, tmp_path / "run") if verb in {"plan", "evaluate"} else folder
    reference = finished_run.corpus / "edf" / "eval"
    arguments = {
        "audit": [finished_run.corpus],
        "plan": [run],
        "evaluate": [run, "--open-eval"],
        "score": [reference, folder / "detections" / "eval" / "edf" / "eval"],
    }
    said = terminal(verb, *arguments[verb], "--json")
    assert said.out.startswith("{")
    assert said.document
    assert "NaN" not in said.out


def test_preparing_again_builds_nothing(terminal: Terminal, finished_run: FinishedRun, own_run: Path) -> None:
    """What is in the store is found there, and stays as it is."""
    before = {path: path.stat().st_mtime_ns for path in finished_run.store.glob("*.npy")}
    assert f"{len(before)} recordings in the store, {len(before)} of them made now" in finished_run.said["prepare"].out
    said = terminal("prepare", own_run)
    assert said.code == 0
    assert f"{len(before)} recordings in the store, 0 of them made now" in said.out
    assert {path: path.stat().st_mtime_ns for path in finished_run.store.glob("*.npy")} == before


def test_training_again_does_nothing(terminal: Terminal, own_run: Path) -> None:
    """Weights, log, and the threshold that evaluation has added since, stay as they are."""
    kept = ("model.safetensors", "detector.json", "train.jsonl", "checkpoint.pt", "verdict.json", "config.toml")
    before = {name: (own_run / name).read_bytes() for name in kept}
    said = terminal("train", own_run)
    assert said.code == 0
    assert {name: (own_run / name).read_bytes() for name in kept} == before
    assert json.loads(before["detector.json"])["operating_point"] is not None


def test_evaluating_again_gives_the_same_bytes(terminal: Terminal, own_run: Path) -> None:
    """Nothing is drawn that is not seeded; only the openings are counted on."""
    before, detections = json.loads((own_run / "evaluation.json").read_text()), contents_of(own_run / "detections")
    assert terminal("evaluate", own_run, "--open-eval").code in {0, 1}
    after = json.loads((own_run / "evaluation.json").read_text())
    assert after == before | {"eval_openings": before["eval_openings"] + 1}
    assert contents_of(own_run / "detections") == detections


def test_the_same_seed_gives_the_same_results_and_another_one_others(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """Two runs from the same configuration: the same plan, weights and evaluation, byte for byte."""
    again = finish(terminal, tmp_path / "again", finished_run.corpus, finished_run.store)
    other = finish(terminal, tmp_path / "other", finished_run.corpus, finished_run.store, train__seed=1, train__steps=4)
    for name in ("plan.json", "train.jsonl", "model.safetensors", "evaluation.json"):
        assert (again.folder / name).read_bytes() == (finished_run.folder / name).read_bytes(), name
    assert other.json("evaluation.json") != finished_run.json("evaluation.json")


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(
    signal_number: signal.Signals, terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """Exit code 130 or 143 and no detector; the same command then ends with the uninterrupted run's weights."""
    run = tmp_path / "run"
    places = ["--corpus.path", finished_run.corpus, "--machine.store", finished_run.store]
    assert terminal("plan", run, *places, *words(train__checkpoint_steps=1)).code == 0
    interrupted = _train_until_the_first_checkpoint(run, signal_number)
    assert interrupted.code == 128 + signal_number
    assert f"Go on with: ictal train {run}" in interrupted.err
    assert not (run / "model.safetensors").exists()
    assert terminal("train", run).code == 0
    for name in ("train.jsonl", "model.safetensors"):
        assert filecmp.cmp(run / name, finished_run.folder / name, shallow=False), name


def _train_until_the_first_checkpoint(run: Path, signal_number: signal.Signals) -> Said:
    command = [sys.executable, "-m", "ictal", "train", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (run / "checkpoint.pt").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=60)
    return Said(process.returncode, out, err)


def test_a_guard_stops_a_run_with_an_exit_code_of_its_own(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """3, the verdict with its evidence on stderr and in the run folder, and no detector."""
    run = tmp_path / "run"
    places = ["--corpus.path", finished_run.corpus, "--machine.store", finished_run.store]
    terminal("plan", run, *places, *words(guard__grace_steps=3, guard__minimum_skill=0.999))
    said = terminal("train", run)
    verdict = json.loads((run / "verdict.json").read_text())
    assert said.code == 3
    assert "stopped at step 3 (no-skill)" in said.err
    assert Path(re.findall(r"docs/stopped/\S+\.md", said.err)[0]).is_file()
    assert verdict["kind"] == "no-skill"
    assert verdict["evidence"]["required"] == 0.999
    assert not (run / "model.safetensors").exists()
    assert terminal("report", run).code == 0
    assert "no-skill" in (run / "report.html").read_text()


def test_the_report_is_one_page_that_says_the_verdict(terminal: Terminal, own_run: Path) -> None:
    """It stands alone: nothing is loaded from elsewhere."""
    said = terminal("report", own_run)
    page = (own_run / "report.html").read_text()
    verdict = json.loads((own_run / "verdict.json").read_text())
    assert said.code == 0
    assert str(own_run / "report.html") in said.out
    assert verdict["kind"] in page
    assert verdict["message"] in page
    assert 'src="http' not in page
    assert "<link" not in page


def test_a_report_can_be_made_at_any_step(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """Right after planning it shows the plan and says that nothing has been trained."""
    run = tmp_path / "run"
    terminal("plan", run, "--corpus.path", finished_run.corpus, "--machine.store", finished_run.store, *words())
    assert terminal("report", run).code == 0
    assert "not been trained" in (run / "report.html").read_text()


def test_the_run_folder_keeps_what_decided_it(finished_run: FinishedRun) -> None:
    """The resolved configuration, versions, seeds and hashes."""
    config = tomllib.loads((finished_run.folder / "config.toml").read_text())
    assert config["train"]["steps"] == STEPS
    assert config["corpus"]["path"] == str(finished_run.corpus)
    assert {config[section]["seed"] for section in ("split", "batch", "train")} == {0}
    assert finished_run.json("versions.json").keys() >= {"ictal", "numpy", "torch", "python"}
    assert finished_run.json("detector.json")["batches_hash"] == finished_run.json("plan.json")["batches_hash"]


def test_a_tilde_is_the_home_of_the_user(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file of settings, where no shell has put the folder in its place."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "corpus").symlink_to(synthetic_corpus)
    (tmp_path / "mine.toml").write_text(
        '[corpus]\npath = "~/corpus"\n[machine]\nstore = "~/store"\ncache = "~/cache"\n'
    )
    assert terminal("plan", tmp_path / "run", "--config", tmp_path / "mine.toml", *words()).code == 0
    kept = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert kept["corpus"]["path"] == str(tmp_path / "corpus")
    assert (kept["machine"]["store"], kept["machine"]["cache"]) == (str(tmp_path / "store"), str(tmp_path / "cache"))


def test_settings_may_stand_anywhere_on_the_command_line(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """Before, between and after the other words, with a space or an equals sign."""
    corpus, store = f"--corpus.path={synthetic_corpus}", f"--machine.store={tmp_path / 'store'}"
    said = terminal("plan", "--batch.size", 6, corpus, "--json", tmp_path / "run", store, "--batch.seizure_windows=2")
    assert said.code == 0
    assert said.document["batches"]["size"] == 6
    assert said.document["batches"]["seizure_max"] == 2


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        (["--train.stepz", "5"], "train.steps"),
        (["--windows.lenght_s", "5"], "windows.length_s"),
        (["--trian.steps", "5"], "train"),
        (["--steps", "5"], "--train.steps"),
        (["--train.steps", "many"], "valid integer"),
    ],
)
def test_a_setting_that_nobody_reads_is_refused_with_a_suggestion(
    typed: list[str], suggested: str, terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """Exit code 2, and no run folder."""
    said = terminal("plan", tmp_path / "run", "--corpus.path", synthetic_corpus, *typed)
    assert said.code == 2
    assert said.out == ""
    assert suggested in said.err
    assert not (tmp_path / "run").exists()


def test_a_key_in_a_file_that_nobody_reads_is_refused(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """The error names the file."""
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nstep = 5\n")
    said = terminal("plan", tmp_path / "run", "--config", file, "--corpus.path", synthetic_corpus)
    assert said.code == 2
    assert str(file) in said.err
    assert "perhaps train.steps" in said.err


def test_the_printed_configuration_can_be_used(terminal: Terminal, tmp_path: Path) -> None:
    """What `ictal config` prints is a file that means the same."""
    file = tmp_path / "mine.toml"
    file.write_text(terminal("config", "--train.steps", 7, "--corpus.label_mapping", '{nesz = "bckg"}').out)
    again = terminal("config", "--config", file)
    assert again.code == 0
    assert again.out == file.read_text()
    assert tomllib.loads(again.out)["corpus"]["label_mapping"] == {"nesz": "bckg"}
    assert tomllib.loads(again.out)["train"]["steps"] == 7


def test_a_trained_run_refuses_other_settings_and_stays_as_it_is(terminal: Terminal, own_run: Path) -> None:
    """Neither training nor evaluation mixes two configurations, and a refusal leaves no trace."""
    before = contents_of(own_run)
    for verb, setting in (("train", "--train.weight_decay"), ("evaluate", "--signals.clip_uv")):
        said = terminal(verb, own_run, setting, "0.5")
        assert said.code == 2, verb
        assert contents_of(own_run) == before, verb


def test_the_demo_ends_on_its_document(terminal: Terminal, tmp_path: Path) -> None:
    """Corpus to report in one command; the document is the evaluation's with seconds and the report's path."""
    sizes = ["--patients", 6, "--hours", 0.5, "--seizure-share", 0.06]
    command = ["demo", "--out", tmp_path / "demo", *sizes, *words(train__steps=8), "--json"]
    said = terminal(*command)
    document = said.document
    assert said.code in {0, 1}
    assert document.keys() >= {*EVALUATION, "seconds", "report"}
    _require_scores(document)
    assert Path(document["report"]).is_file()
    strategies = [row["strategy"] for row in document["incident"]["rows"]]
    assert any("probe of 500 windows" in strategy for strategy in strategies)
    again = terminal(*command)
    assert again.document["scorers"] == document["scorers"]
    kept = json.loads((tmp_path / "demo" / "run" / "backend.json").read_text())
    assert kept == {"asked": "chunked", "ran": "chunked"}
    assert terminal(*command, "--seed", 1).code == 2
