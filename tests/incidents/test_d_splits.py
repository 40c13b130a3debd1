"""Register D: patients on both sides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ictal.errors import InputError
from ictal.recipes import plan as planning
from ictal.recipes.run import open_planned
from ictal.recordings.corpus import discover
from ictal.windows import splits
from ictal.windows.splits import SplitConfig
from tests.end_to_end.commands import FinishedRun, Terminal
from tests.reference.small_corpus import write_recording
from tests.windows.strategies import many_recordings


def test_d1_the_split_is_by_patient_and_by_burden_and_not_by_the_alphabet() -> None:
    """A sorted 80/20 file split; here the last fifth of the alphabet holds no seizure, and every part does."""
    recordings = many_recordings(20, 3, 6)
    last_fifth = recordings[-len(recordings) // 5 :]
    assert sum(len(r.seizures) for r in last_fifth) == 0
    parts = splits.split(recordings, [None] * len(recordings), SplitConfig(method="stratified"))
    patients = {part: {recordings[n].patient for n in numbers} for part, numbers in parts.items()}
    assert patients["train"].isdisjoint(patients["dev"] | patients["eval"])
    assert patients["dev"].isdisjoint(patients["eval"])
    seizures = {part: sum(len(recordings[n].seizures) for n in numbers) for part, numbers in parts.items()}
    assert min(seizures.values()) >= 3
    again = splits.split(recordings, [None] * len(recordings), SplitConfig(method="stratified"))
    assert again == parts


def test_d1_tusz_keeps_its_official_split(finished_run: FinishedRun) -> None:
    """By default the parts are those of the corpus's own folders."""
    planned = planning.load(open_planned(finished_run.folder, ()))
    for part, numbers in planned.split.items():
        assert {planned.labelled[n].recording.split for n in numbers} == {part}


def test_d2_disjointness_is_that_of_the_index_that_batches_are_drawn_from(finished_run: FinishedRun) -> None:
    """It was checked on one list and training used another."""
    planned = planning.load(open_planned(finished_run.folder, ()))
    drawn_from = {recording.patient for recording in planned.batches.index.recordings}
    scored = {planned.index.recordings[n].patient for part in ("dev", "eval") for n in planned.split[part]}
    assert drawn_from
    assert scored
    assert drawn_from.isdisjoint(scored)


def test_d3_chb01_and_chb21_are_one_child(tmp_path: Path) -> None:
    """They may not be in two parts, and no setting can put them there."""
    for stem in ("chb01_03", "chb21_19", "chb02_16"):
        write_recording(tmp_path / f"{stem}.edf", [(10, 20)])
    patients = [recording.patient for recording in discover(tmp_path).recordings]
    assert patients == ["chb01", "chb02", "chb01"]
    recordings = [
        type(r)(id=r.id, patient=patient, samples=r.samples, seizures=r.seizures)
        for r, patient in zip(many_recordings(3, 1, 3), patients, strict=True)
    ]
    with pytest.raises(InputError, match="fewer patients than parts"):
        splits.split(recordings, [None] * 3, SplitConfig(method="stratified"))
    with pytest.raises(InputError, match="in two parts"):
        splits.split(recordings, ["train", "dev", "eval"], SplitConfig())


def test_d4_the_eval_part_is_locked_and_every_opening_is_recorded(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """Thresholds, early stopping and report all looked at one part; here a look at eval is asked for and counted."""
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    record = run / "eval_openings.jsonl"
    assert [json.loads(line)["opening"] for line in record.read_text().splitlines()] == [1]
    refused = terminal("evaluate", run)
    assert refused.code == 2
    assert "--open-eval" in refused.err
    assert "opened 1 times so far" in refused.err
    assert len(record.read_text().splitlines()) == 1
    again = terminal("evaluate", run, "--open-eval", "--json")
    assert again.document["eval_openings"] == 2
    second = json.loads(record.read_text().splitlines()[1])
    assert second["plan_hash"] == again.document["plan_hash"]
    dev = terminal("evaluate", run, "--evaluate.part", "dev", "--json")
    assert dev.document["part"] == "dev"
    assert len(record.read_text().splitlines()) == 2
    after = terminal("evaluate", run, "--open-eval", "--json")
    assert (after.document["part"], after.document["eval_openings"]) == ("eval", 3)
    both = terminal("evaluate", run, "--open-eval", "--evaluate.part", "dev")
    assert (both.code, len(record.read_text().splitlines())) == (2, 3)
