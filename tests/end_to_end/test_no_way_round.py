"""What could be changed behind a run's back, and settings that make no sense: refused, with the reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ictal.signals.files import alone
from tests.end_to_end.commands import FinishedRun, Terminal, contents_of, linked, put, words


@pytest.fixture
def own(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run's folder."""
    return shutil.copytree(finished_run.folder, tmp_path / "run")


def test_another_split_after_training_is_no_evaluation(terminal: Terminal, own: Path) -> None:
    """Dev patients cannot become eval patients; the run folder stays as it was."""
    before = contents_of(own)
    said = terminal("evaluate", own, "--split.method", "stratified")
    assert (said.code, "not the one that was shown" in said.err) == (2, True)
    assert contents_of(own) == before


def test_an_eval_annotation_edited_after_the_plan_stops_the_evaluation(
    terminal: Terminal, finished_run: FinishedRun, own: Path, tmp_path: Path
) -> None:
    """A seizure taken out of the reference is noticed, although training never saw it."""
    corpus = linked(finished_run.corpus, tmp_path / "corpus")
    ictal = next(path for path in sorted((corpus / "edf" / "eval").rglob("*.csv_bi")) if "seiz" in path.read_text())
    put(ictal, ictal.read_text().replace("seiz", "bckg"))
    said = terminal("evaluate", own, "--corpus.path", corpus)
    assert (said.code, "not the one that was shown" in said.err) == (2, True)


def test_a_run_is_trained_by_one_process_at_a_time(terminal: Terminal, own: Path) -> None:
    """A second one, as of a job that was put back while the first still runs, is refused and writes nothing."""
    before = contents_of(own)
    with alone(own / ".train.lock"):
        said = terminal("train", own)
    assert (said.code, "Another process trains this run" in said.err) == (2, True)
    assert contents_of(own) == before
    assert terminal("train", own).code == 0


def test_an_interrupted_evaluation_leaves_no_mixture(
    terminal: Terminal, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one evaluation's numbers and another one's detections: there is none until all is there."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ictal.recipes.evaluate.bids.write", interrupted)
        assert terminal("evaluate", own, "--events.min_duration_s", "7", "--evaluate.part", "dev").code == 130
    assert not (own / "evaluation.json").exists()
    assert terminal("report", own).code == 0
    assert "The run was not evaluated" in (own / "report.html").read_text()


def test_detections_never_replace_a_recording(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """The EDF itself, or any file that is no events file, is left alone."""
    edf = tmp_path / "one.edf"
    shutil.copy(next((finished_run.corpus / "edf" / "eval").rglob("*.edf")), edf)
    notes = tmp_path / "notes.tsv"
    notes.write_text("mine")
    before = contents_of(tmp_path)
    for target in (edf, notes, tmp_path):
        assert terminal("detect", edf, target, "--run", finished_run.folder).code == 2
    assert contents_of(tmp_path) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.steps", "0"),
        ("train.steps", "true"),
        ("train.learning_rate", "nan"),
        ("train.clip_norm", "0"),
        ("train.average_decay", "2"),
        ("train.warmup_steps", "-1"),
        ("train.checkpoint_steps", "0"),
        ("train.seed", "-1"),
        ("batch.seed", "-1"),
        ("guard.minimum_skill", "nan"),
        ("guard.smoothing_steps", "0"),
        ("augment.dropout_share", "1.5"),
        ("split.dev_share", "-1"),
        ("split.minimum_seizures", "0"),
        ("events.off_ratio", "3"),
        ("events.min_duration_s", "-3"),
        ("evaluate.false_alarms_per_24h", "-1"),
        ("machine.workers", "0"),
        ("machine.threads", "0"),
        ("machine.cache_mb", "-1"),
        ("machine.memory_mb", "-1"),
        ("windows.length_s", "nan"),
        ("model.samples_per_step", "128"),
        ("model.samples_per_step", "640"),
    ],
)
def test_a_setting_out_of_range_is_refused_before_anything_is_made(
    key: str, value: str, terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """Exit code 2 names the key; there is no run folder."""
    run = tmp_path / "run"
    said = terminal("plan", run, *words(corpus__path=synthetic_corpus), f"--{key}", value)
    assert (said.code, key in said.err) == (2, True), said.err
    assert not run.exists()


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("plan.json", "evaluate"),
        ("index.parquet", "evaluate"),
        ("config.toml", "evaluate"),
        ("checkpoint.pt", "train"),
        ("detector.json", "evaluate"),
        ("model.safetensors", "evaluate"),
        ("evaluation.json", "report"),
        ("traces.npz", "report"),
    ],
)
def test_a_damaged_file_of_the_run_is_named(name: str, verb: str, terminal: Terminal, own: Path) -> None:
    """Half a file is an error of exit code 2, not a traceback."""
    content = (own / name).read_bytes()
    (own / name).write_bytes(content[: len(content) // 2])
    said = terminal(verb, own)
    assert (said.code, name in said.err) == (2, True), said.err


def test_a_damaged_store_is_noticed_by_prepare(terminal: Terminal, finished_run: FinishedRun, own: Path) -> None:
    """What is in the store already is compared with its checksum."""
    store = shutil.copytree(finished_run.store, own.parent / "store")
    signal = next(store.rglob("*.npy"))
    content = bytearray(signal.read_bytes())
    content[-1000:] = bytes(255 - byte for byte in content[-1000:])
    signal.write_bytes(content)
    said = terminal("prepare", own, "--machine.store", store)
    assert (said.code, "checksum" in said.err) == (2, True)


def test_a_store_that_is_not_there_is_not_made_by_looking(terminal: Terminal, own: Path) -> None:
    """Evaluation names the command that builds it, and leaves no folder behind."""
    store = own.parent / "nowhere"
    said = terminal("evaluate", own, "--open-eval", "--machine.store", store)
    assert (said.code, "ictal prepare" in said.err, store.exists()) == (2, True, False)


def test_scoring_on_the_tuning_part_says_so(terminal: Terminal, own: Path) -> None:
    """The document, the terminal and the report warn; the eval part's detections stay apart."""
    before = contents_of(own / "detections" / "eval")
    assert terminal("evaluate", own, "--evaluate.part", "dev").out.count("chosen on these very recordings") == 1
    assert json.loads((own / "evaluation.json").read_text())["independent_of_tuning"] is False
    assert contents_of(own / "detections" / "eval") == before
    terminal("report", own)
    assert "expect less on others" in (own / "report.html").read_text()


def test_a_label_is_mapped_by_name_and_a_folder_may_be_a_number(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """`--corpus.label_mapping.nesz bckg` works, and `2024` is a path."""
    corpus = linked(synthetic_corpus, tmp_path / "2024")
    said = terminal(
        "plan", tmp_path / "run", *words(corpus__path=corpus), "--corpus.label_mapping.nesz", "bckg", "--json"
    )
    assert said.code == 0, said.err
    assert 'nesz = "bckg"' in (tmp_path / "run" / "config.toml").read_text()
