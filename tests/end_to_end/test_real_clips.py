"""The same path on real EEG: eight bipolar CHB-MIT clips, with the configuration that the documentation gives."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ictal.recordings.annotations import bids, tusz
from ictal.recordings.events import seizures
from tests.end_to_end.commands import Terminal

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "chbmit_clips.toml"
STEPS = 8


@pytest.fixture(scope="module")
def clips(shared_data: Path) -> Path:
    """Eight clips with a seizure each; chb01 and chb02."""
    return shared_data / "chbmit_clips"


@pytest.fixture(scope="module")
def run(clips: Path, terminal: Terminal, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few steps of training on the clips, evaluated on the same clips."""
    run = tmp_path_factory.mktemp("clips") / "run"
    places = ["--config", EXAMPLE, "--corpus.path", clips, "--machine.store", run.parent / "store"]
    short = [
        "--train.steps",
        STEPS,
        "--train.warmup_steps",
        2,
        "--train.average_decay",
        0.5,
        "--machine.workers",
        1,
        "--machine.threads",
        1,
    ]
    for command in (("plan", run, *places, *short), ("prepare", run), ("train", run)):
        said = terminal(*command)
        assert said.code == 0, said.err
    said = terminal("evaluate", run)
    assert said.code in {0, 1}, said.err
    return run


def test_the_audit_finds_the_seizures_that_the_annotations_hold(terminal: Terminal, clips: Path) -> None:
    """Counts are those of the `.csv_bi`; the `_events.tsv` says the same; only the bipolar montage can be had."""
    document = terminal("audit", clips, "--json").document
    events = [seizures(tusz.read(path)) for path in sorted(clips.glob("*.csv_bi"))]
    assert document["corpus"] == "folder"
    assert (document["recordings"], document["patients"]) == (8, 2)
    assert document["seizures"] == sum(map(len, events)) == 8
    total_s = sum(stop_s - onset_s for event in events for onset_s, stop_s in event)
    assert document["seizure_seconds"] == pytest.approx(total_s)
    assert {finding["code"] for finding in document["findings"]}.isdisjoint({"twin-mismatch", "annotation-missing"})
    assert {name: count for name, count in document["montages"].items() if count} == {"double-banana-18": 8}
    assert document["rates_hz"] == {"256": 8}


def test_the_plan_balances_two_minutes_of_background(run: Path) -> None:
    """Every batch holds its quota although nearly every window holds a seizure."""
    plan = json.loads((run / "plan.json").read_text())
    assert plan["natural_prevalence"]["window"] > 0.5
    assert (plan["batches"]["seizure_min"], plan["batches"]["seizure_max"], plan["batches"]["size"]) == (8, 8, 16)
    assert plan["splits"]["train"]["recordings"] == 8
    assert plan["splits"]["eval"]["recordings"] == 0


def test_the_evaluation_says_that_nobody_unseen_was_scored(run: Path) -> None:
    """Scores on the training patients are marked as such."""
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["part"] == "train"
    assert evaluation["unseen_patients"] is False
    assert evaluation["operating_point"]["tuned_on"] == "train"
    assert math.isfinite(evaluation["second_auroc"])


def test_detections_of_real_recordings_can_be_scored(
    terminal: Terminal, run: Path, clips: Path, tmp_path: Path
) -> None:
    """`detect` on every EDF, `score` against the corpus's annotations: the evaluation's own numbers."""
    for edf in sorted(clips.glob("*.edf")):
        assert terminal("detect", edf, tmp_path / f"{edf.stem}_events.tsv", "--run", run).code == 0
    said = terminal("score", clips, tmp_path, "--json")
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert said.code == 0
    assert said.document["recordings"] == 8
    assert said.document["scorers"]["szcore_event"] == evaluation["scorers"]["szcore_event"]


def test_detections_carry_the_clock_of_the_recording(
    terminal: Terminal, run: Path, clips: Path, tmp_path: Path
) -> None:
    """Every row of the TSV states the recording's start and length."""
    edf = clips / "chb01_03_clip.edf"
    terminal("detect", edf, tmp_path / "found_events.tsv", "--run", run)
    duration_s = bids.read(tmp_path / "found_events.tsv").duration_s
    assert duration_s == tusz.read(edf.with_suffix(".csv_bi")).duration_s


def test_a_montage_that_the_recordings_lack_is_refused_by_name(terminal: Terminal, clips: Path, tmp_path: Path) -> None:
    """Bipolar recordings hold no single electrodes; nothing is filled in, nothing scores 0 in silence."""
    montage = ["--signals.montage", "referential-19"]
    said = terminal("plan", tmp_path / "run", "--config", EXAMPLE, "--corpus.path", clips, *montage)
    assert said.code == 2
    assert "referential-19" in said.err
    assert "double-banana-18" in said.err
    assert not (tmp_path / "run").exists()
