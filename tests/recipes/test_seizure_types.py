"""Types of seizures from the annotations to a table of what was named what."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from torch import Tensor

import ictal
from ictal.models.stem import ChannelStem
from ictal.recipes import plan as planning
from ictal.recipes.run import open_planned
from ictal.recordings.annotations import bids
from ictal.timeline.grid import WindowGrid
from tests.end_to_end.commands import LENGTH_S, RATE_HZ, FinishedRun, Terminal, finish, recordings

TYPES = ("cpsz", "gnsz")


@pytest.fixture(scope="module")
def typed_run(terminal: Terminal, synthetic_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run that tells apart the types of its training seizures."""
    folder = tmp_path_factory.mktemp("typed")
    run = finish(
        terminal, folder / "run", synthetic_corpus, folder / "store",
        model__seizure_types=list(TYPES), train__steps=60,
    )  # fmt: skip
    assert terminal("evaluate", run.folder, "--evaluate.part", "train").code == 0
    return run


def test_types_are_learnt_and_counted(typed_run: FinishedRun) -> None:
    """On what it was trained on: the loss of types falls, and seizures are named better than by the commonest."""
    rows = [json.loads(line) for line in (typed_run.folder / "train.jsonl").read_text().splitlines()]
    first, last = (sum(row["type_loss"] for row in part) / 10 for part in (rows[:10], rows[-10:]))
    assert last < 0.6 * first
    opened = open_planned(typed_run.folder, ())
    planned = planning.load(opened)
    annotated = Counter(planned.index.select(planned.split["train"]).seizure_types)
    assert set(annotated) == set(TYPES)
    found = typed_run.json("evaluation.json")["types"]
    assert [sum(row) for row in found["counts"]] == [annotated[kind] for kind in TYPES]
    assert (found["types"], found["others"]) == (list(TYPES), 0)
    assert found["accuracy"] > found["commonest"]


def test_detections_have_a_type(typed_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """One of the two, in HED-SCORE's words, in the formats that can say it."""
    path = recordings(typed_run.corpus, "train", ictal=True)[0]
    for name in ("x_events.tsv", "x.json", "x.csv_bi"):
        assert terminal("detect", path, tmp_path / name, "--run", typed_run.folder).code in {0, 1}
    said = [event["label"] for event in json.loads((tmp_path / "x.json").read_text())["events"]]
    assert said
    assert set(said) <= {"sz_foc_ia", "sz_gen"}
    assert [event.label for event in ictal.load(typed_run.folder).detect(path).events] == said
    written = [event.label for event in bids.read(tmp_path / "x_events.tsv").events]
    assert [label for label in written if label != "bckg"] == said
    assert ",seiz," in (tmp_path / "x.csv_bi").read_text()


def test_an_evaluation_names_its_detections_as_detect_does(
    typed_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """In every file that it leaves: the same bytes."""
    for path in recordings(typed_run.corpus, "train", ictal=True)[:3]:
        target = tmp_path / f"{path.stem}_events.tsv"
        assert terminal("detect", path, target, "--run", typed_run.folder).code in {0, 1}
        beside = path.relative_to(typed_run.corpus).with_name(target.name)
        assert target.read_bytes() == (typed_run.folder / "detections" / "train" / beside).read_bytes()
        assert "sz_" in target.read_text()


def test_every_window_goes_through_the_network_once(
    typed_run: FinishedRun, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an evaluation, for both heads and all types, and in a detection."""
    stem, seen = ChannelStem.forward, []

    def counted(self: ChannelStem, signal: Tensor, *masks: Tensor) -> Tensor:
        seen.append(len(signal))
        return stem(self, signal, *masks)

    monkeypatch.setattr(ChannelStem, "forward", counted)
    planned = planning.load(open_planned(typed_run.folder, ()))
    half = WindowGrid(length_samples=LENGTH_S * RATE_HZ, stride_samples=LENGTH_S * RATE_HZ // 2)
    scored = planned.index.select(sorted(planned.split["dev"] + planned.split["train"]))
    copy = shutil.copytree(typed_run.folder, tmp_path / "run")
    assert terminal("evaluate", copy, "--evaluate.part", "train").code == 0
    assert sum(seen) == half.count(scored.lengths).sum()
    seen.clear()
    path = recordings(typed_run.corpus, "eval", ictal=True)[0]
    assert terminal("detect", path, tmp_path / "x.json", "--run", typed_run.folder).code in {0, 1}
    duration_s = json.loads((tmp_path / "x.json").read_text())["duration_s"]
    assert sum(seen) == half.count(round(duration_s * RATE_HZ))


def test_the_report_shows_the_table(typed_run: FinishedRun, terminal: Terminal) -> None:
    """With both types, and what chance would give."""
    assert terminal("report", typed_run.folder).code == 0
    page = (typed_run.folder / "report.html").read_text()
    assert "annotated (rows) and named (columns)" in page
    assert "always naming the commonest" in page


def test_off_by_default(finished_run: FinishedRun) -> None:
    """No head, no loss, no table."""
    assert finished_run.json("evaluation.json")["types"] is None
    assert "type_loss" not in json.loads((finished_run.folder / "train.jsonl").read_text().splitlines()[0])


def test_a_type_that_no_training_seizure_has_is_refused(
    finished_run: FinishedRun, terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """By the plan, before signals are prepared, with the types that there are."""
    places = ["--corpus.path", synthetic_corpus, "--machine.store", finished_run.store]
    config = ["--config", finished_run.folder / "config.toml"]
    said = terminal("plan", tmp_path / "run", *config, *places, "--model.seizure_types", '["gnsz", "mysz"]')
    assert said.code == 2
    assert "got:      mysz" in said.err
    assert "gnsz (" in said.err
