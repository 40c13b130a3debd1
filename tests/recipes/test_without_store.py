"""A run without a store: what it learns and finds is what it would with one."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.commands import FinishedRun, Terminal, linked, recordings, words


def test_it_learns_and_finds_the_same(finished_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """Weights and detections to the last byte; no signal is written anywhere, and the EDFs are read again and again."""
    run, places = tmp_path / "run", ["--corpus.path", finished_run.corpus, "--machine.cache", tmp_path / "cache"]
    terminal("plan", run, *places, *words())
    said = terminal("prepare", run, "--no-store")
    assert said.code == 0, said.err
    assert "That is slow" in said.out
    assert f"ictal prepare {run} --machine.store store" in said.out
    little = ["--machine.memory_mb", 1]
    for command in (("train", run, *little), ("evaluate", run, "--open-eval", *little), ("report", run)):
        done = terminal(*command)
        assert done.code == 0, done.err
    for name in ("model.safetensors", "traces.npz"):
        assert (run / name).read_bytes() == (finished_run.folder / name).read_bytes()
    kept = {path.name for path in tmp_path.rglob("*") if path.suffix in {".npy", ".sqlite"}}
    assert kept == {"fingerprints.sqlite"}


def test_what_was_trained_without_goes_on_with_a_store(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path
) -> None:
    """By the command that `prepare --no-store` names: for the run the signals are the same."""
    run, places = tmp_path / "run", ["--corpus.path", finished_run.corpus, "--machine.cache", tmp_path / "cache"]
    terminal("plan", run, *places, *words(train__steps=4))
    terminal("prepare", run, "--no-store")
    assert terminal("train", run, "--machine.loader_workers", 1).code == 0
    weights = (run / "model.safetensors").read_bytes()
    said = terminal("prepare", run, "--machine.store", tmp_path / "store")
    assert "12 recordings in the store, 12 of them made now" in said.out
    said = terminal("train", run)
    assert said.code == 0, said.err
    assert (run / "model.safetensors").read_bytes() == weights
    assert len((run / "train.jsonl").read_text().splitlines()) == 4


def test_preparing_can_be_read_by_a_program(finished_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """One document on stdout, with a store and without one."""
    run, places = tmp_path / "run", ["--corpus.path", finished_run.corpus, "--machine.cache", tmp_path / "cache"]
    terminal("plan", run, *places, *words())
    without = terminal("prepare", run, "--no-store", "--json").document
    assert (without["recordings"], without["quarantined"]) == (12, [])
    made = terminal("prepare", run, "--machine.store", tmp_path / "store", "--json").document
    assert (made["recordings"], made["built"], made["copies"], made["missing"]) == (12, 12, [], "error")


def test_nobody_else_gives_up_the_store(finished_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """With a store that lacks a recording, training stops with the command; there is no way round but by asking."""
    run, store = tmp_path / "run", tmp_path / "store"
    terminal("plan", run, "--corpus.path", finished_run.corpus, "--machine.store", store, *words())
    for command in ("train", "evaluate"):
        said = terminal(command, run)
        assert said.code == 2
    assert terminal("train", run, "--machine.store", "none", "--machine.cache", tmp_path / "cache").code == 0


def test_a_file_under_two_patients_stops_it(synthetic_corpus: Path, terminal: Terminal, tmp_path: Path) -> None:
    """Where no signal is stored, whole files are compared; `train` looks by itself, as it does with a store."""
    corpus, run = linked(synthetic_corpus, tmp_path / "corpus"), tmp_path / "run"
    source = recordings(corpus, "train")[0]
    other = source.parents[4] / "eval" / "aaaaazzz" / "s001_2011" / source.parent.name / "aaaaazzz_s001_t000.edf"
    other.parent.mkdir(parents=True)
    for suffix in (".edf", ".csv", ".csv_bi"):
        text = source.with_suffix(suffix).read_bytes()
        renamed = text if suffix == ".edf" else text.replace(source.stem.encode(), other.stem.encode())
        other.with_suffix(suffix).write_bytes(renamed)
    places = ["--corpus.path", corpus, "--machine.cache", tmp_path / "cache", "--machine.store", "none"]
    assert terminal("plan", run, *places, *words()).code == 0
    for command in ("prepare", "train"):
        said = terminal(command, run)
        assert said.code == 2
        assert "under two patients" in said.err
        assert other.stem in said.err


def test_a_share_of_nothing_is_an_error(finished_run: FinishedRun, terminal: Terminal, tmp_path: Path) -> None:
    """A job array that forgot its store."""
    run = tmp_path / "run"
    terminal("plan", run, "--corpus.path", finished_run.corpus, "--machine.cache", tmp_path / "cache", *words())
    said = terminal("prepare", run, "--no-store", "--shard", "1/2")
    assert (said.code, "--shard" in said.err) == (2, True)
