"""A whole run with its store in a bucket of a real server; in S3's language, and what is short also in Google's."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.commands import FinishedRun, Terminal, words
from tests.object_store import S3_ALONE, Server


@pytest.fixture
def places(finished_run: FinishedRun, bucket_url: str, tmp_path: Path) -> list[object]:
    """Corpus, store and this machine's folder as settings."""
    cache = tmp_path / "cache"
    return ["--corpus.path", finished_run.corpus, "--machine.store", bucket_url, "--machine.cache", cache]


@S3_ALONE
def test_from_plan_to_evaluation(
    finished_run: FinishedRun, terminal: Terminal, server: Server, bucket_url: str, places: list[object], tmp_path: Path
) -> None:
    """Weights and detections are those of a store in a folder; every recording crosses the network once.

    Training's batches are read by another process, evaluation and report by this one.
    """
    run = tmp_path / "run"
    terminal("plan", run, *places, *words())
    said = terminal("train", run)
    assert said.code == 2
    assert f"`ictal prepare {run}`" in said.err
    said = terminal("prepare", run, "--machine.workers", 2)
    assert "12 recordings in the store, 12 of them made now" in said.out, said.err
    for command in (("train", run, "--machine.loader_workers", 1), ("evaluate", run, "--open-eval"), ("report", run)):
        done = terminal(*command)
        assert done.code == 0, done.err
    for name in ("model.safetensors", "traces.npz"):
        assert (run / name).read_bytes() == (finished_run.folder / name).read_bytes()
    got = Counter(url for method, url, _ in server.asked(bucket_url) if method == "GET" and ".npy" in url)
    assert set(got.values()) == {1}
    assert len(got) == len(list((tmp_path / "cache" / "recordings").glob("*.npy")))
    again = terminal("prepare", run)
    assert "12 recordings in the store, 0 of them made now" in again.out
    assert terminal("store", "verify", bucket_url, "--json").document == {"recordings": 12, "damaged": []}


@S3_ALONE
def test_without_a_cache_every_window_is_a_range(
    finished_run: FinishedRun, terminal: Terminal, server: Server, bucket_url: str, places: list[object], tmp_path: Path
) -> None:
    """A machine with no disk to spare trains all the same, and to the same weights."""
    run = tmp_path / "run"
    terminal("plan", run, *places, *words(machine__cache_mb=0))
    assert terminal("prepare", run).code == 0
    assert terminal("train", run).code == 0
    assert (run / "model.safetensors").read_bytes() == (finished_run.folder / "model.safetensors").read_bytes()
    ranges = [url for _, url, status in server.asked(bucket_url) if status == 206]
    steps = json.loads((run / "train.jsonl").read_text().splitlines()[-1])["step"] + 1
    assert len(ranges) >= steps * 8
    assert not (tmp_path / "cache" / "recordings").exists()


def test_a_bucket_is_looked_after_as_a_folder_is(
    terminal: Terminal, server: Server, bucket_url: str, places: list[object], tmp_path: Path
) -> None:
    """Damage is named by verify, by prepare's refusal to go on, and removed by gc when told; stats writes the table."""
    run = tmp_path / "run"
    terminal("plan", run, *places, *words())
    terminal("prepare", run)
    stats = terminal("store", "stats", bucket_url, "--json").document
    assert (stats["recordings"], stats["set_aside"]) == (12, [])
    name = min(url for _, url, _ in server.asked(bucket_url) if url.endswith(".npy"))
    sound = server.get(name)
    server.put(name, sound[:5000] + bytes([sound[5000] ^ 8]) + sound[5001:])
    said = terminal("store", "verify", bucket_url)
    assert said.code == 1
    assert name in said.err.replace("\n", "")
    listed = terminal("store", "gc", bucket_url, "--damaged", "--json").document
    assert {Path(row["path"]).stem for row in listed["files"]} == {Path(name).stem}
    assert server.get(name) != sound
    assert terminal("store", "gc", bucket_url, "--keep", run, "--json").document["files"] == []
    terminal("store", "gc", bucket_url, "--damaged", "--no-dry-run")
    assert "1 of them made now" in terminal("prepare", run).out
    assert server.get(name) == sound
    assert terminal("store", "verify", f"{bucket_url}/nothing").code == 2


@S3_ALONE
@pytest.mark.parametrize("loader_workers", [0, 1])
def test_damage_stops_training_with_one_error_whoever_reads(
    terminal: Terminal, server: Server, bucket_url: str, places: list[object], tmp_path: Path, loader_workers: int
) -> None:
    """A thread of the run, or another process: which recording, where, and what to do."""
    run = tmp_path / "run"
    terminal("plan", run, *places, *words())
    terminal("prepare", run)
    for name in {url for _, url, _ in server.asked(bucket_url) if url.endswith(".npy")}:
        sound = server.get(name)
        server.put(name, sound[:5000] + bytes([sound[5000] ^ 8]) + sound[5001:])
    said = terminal("train", run, "--machine.loader_workers", loader_workers)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert said.err.count("A recording in the signal store is damaged") == 1
    assert f"ictal store gc {bucket_url} --damaged" in said.err


def test_a_bucket_that_is_not_there_stops_before_any_work(
    finished_run: FinishedRun, terminal: Terminal, server: Server, tmp_path: Path
) -> None:
    """One error, whichever command comes first."""
    run, url = tmp_path / "run", f"{server.scheme}://no-such-bucket/store"
    nowhere, cache = ["--machine.store", url], ["--machine.cache", tmp_path / "cache"]
    terminal("plan", run, "--corpus.path", finished_run.corpus, *nowhere, *cache, *words())
    for command in (("prepare", run), ("train", run), ("store", "verify", url)):
        said = terminal(*command)
        assert said.code == 2
        assert said.err.count("There is no such bucket") == 1
        assert "Traceback" not in said.err
