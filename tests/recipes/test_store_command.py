"""`ictal store`, and `ictal prepare` on a store that something has happened to."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from ictal.signals.upkeep import ABANDONED_S
from tests.end_to_end.commands import FinishedRun, Terminal, begun_anew, contents_of


@pytest.fixture
def store(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run's store."""
    return shutil.copytree(finished_run.store, tmp_path / "store")


@pytest.fixture
def run(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """The finished run's plan, with nothing done."""
    folder = begun_anew(finished_run, tmp_path / "run")
    shutil.copy(finished_run.folder / "index.parquet", folder)
    return folder


def of_another_version(store: Path) -> Path:
    description = min(store.glob("*.json"))
    description.write_text(json.dumps({**json.loads(description.read_text()), "format": 1}))
    return description


def with_a_flipped_bit(store: Path) -> Path:
    signal = min(store.glob("*.npy"))
    content = bytearray(signal.read_bytes())
    content[len(content) // 2] ^= 4
    signal.write_bytes(content)
    return signal


def cut_short(store: Path) -> Path:
    signal = min(store.glob("*.npy"))
    signal.write_bytes(signal.read_bytes()[:-1000])
    return signal


def with_a_broken_description(store: Path) -> Path:
    description = min(store.glob("*.json"))
    description.write_text(description.read_text()[:-30])
    return description


def test_a_sound_store_is_verified_and_counted(terminal: Terminal, store: Path) -> None:
    """Twelve recordings, none damaged; looking changes no file but the manifest."""
    before = contents_of(store)
    assert terminal("store", "verify", store, "--json").document == {"recordings": 12, "damaged": []}
    stats = terminal("store", "stats", store, "--json").document
    assert (stats["recordings"], stats["settings"], stats["set_aside"]) == (12, 1, [])
    assert stats["bytes"] == sum(path.stat().st_size for path in store.glob("*.npy"))
    assert {name for name, content in contents_of(store).items() if before[name] != content} <= {"manifest.parquet"}
    assert terminal("store", "verify", store / "nowhere").code == 2


@pytest.mark.parametrize("harm", [with_a_flipped_bit, cut_short, with_a_broken_description])
def test_damage_is_named_and_mended_by_command_alone(terminal: Terminal, store: Path, run: Path, harm) -> None:  # type: ignore[no-untyped-def]
    """Neither `verify`, nor `prepare`, nor `gc` as it comes changes it; `gc --damaged` and `prepare` do."""
    sound = contents_of(store)
    path = harm(store)
    harmed = contents_of(store)
    said = terminal("store", "verify", store)
    assert said.code == 1
    assert path.name in said.err
    said = terminal("prepare", run, "--machine.store", store)
    assert said.code == 2
    assert path.name in said.err
    assert f"ictal store gc {store} --damaged --no-dry-run" in said.err
    terminal("store", "gc", store, "--no-dry-run")
    found = terminal("store", "gc", store, "--damaged", "--json").document
    assert {Path(row["path"]).stem for row in found["files"]} == {path.stem}
    assert {name: content for name, content in contents_of(store).items() if harmed[name] != content} == {}
    assert terminal("store", "gc", store, "--damaged", "--no-dry-run").code == 0
    assert not path.exists()
    said = terminal("prepare", run, "--machine.store", store)
    assert "12 recordings in the store, 1 of them made now" in said.out
    signals = [name for name in sound if name.endswith(".npy")]
    assert {name: contents_of(store)[name] for name in signals} == {name: sound[name] for name in signals}


def test_a_store_of_another_version_is_refused_by_name_before_any_work(
    terminal: Terminal, store: Path, run: Path
) -> None:
    """`prepare` builds nothing into it; `gc` lists what this version cannot read, and deletes it on demand."""
    old = of_another_version(store)
    missing = max(store.glob("*.json"))
    missing.unlink()
    said = terminal("prepare", run, "--machine.store", store)
    assert said.code == 2
    assert "another version of ictal" in said.err
    assert old.name in said.err
    assert not missing.exists()
    found = terminal("store", "gc", store, "--json").document
    assert {Path(row["path"]).stem for row in found["files"]} == {old.stem}
    assert all("format 1" in row["reason"] for row in found["files"])
    terminal("store", "gc", store, "--no-dry-run")
    assert "2 of them made now" in terminal("prepare", run, "--machine.store", store).out


def test_gc_lists_what_dead_builders_left_and_deletes_only_when_told(terminal: Terminal, store: Path) -> None:
    """Drafts, locks and signals without description of yesterday, not those of a builder that may be at work."""
    before = contents_of(store)
    left = [".a.npy.12-34.tmp", ".a.lock", "b.npy"]
    for name in (*left, ".young.npy.12-34.tmp", ".young.lock", "young.npy"):
        (store / name).write_bytes(b"half")
    for name in left:
        os.utime(store / name, times=(time.time() - ABANDONED_S - 60,) * 2)
    found = terminal("store", "gc", store, "--json").document
    assert (found["dry_run"], found["bytes"]) == (True, 12)
    assert sorted(Path(row["path"]).name for row in found["files"]) == sorted(left)
    assert all((store / name).exists() for name in left)
    terminal("store", "gc", store, "--no-dry-run")
    kept = {".young.npy.12-34.tmp", ".young.lock", "young.npy"}
    assert set(contents_of(store)) == set(before) | kept


def test_gc_keeps_what_a_run_needs(terminal: Terminal, finished_run: FinishedRun, store: Path, run: Path) -> None:
    """Of two settings in one store, those of the run that is named stay."""
    needed = set(contents_of(store))
    places = ["--corpus.path", finished_run.corpus, "--machine.store", store]
    settings = ["--signals.clip_uv", 500, "--machine.workers", 1]
    terminal("plan", run.parent / "other", "--config", run / "config.toml", *places, *settings)
    assert "12 of them made now" in terminal("prepare", run.parent / "other").out
    listed = terminal("store", "gc", store, "--keep", run, "--json").document
    assert len(listed["files"]) == 24
    assert terminal("store", "gc", store, "--json").document["files"] == []
    terminal("store", "gc", store, "--keep", run, "--no-dry-run")
    assert {name for name in contents_of(store) if not name.startswith("ledger")} == {
        name for name in needed if not name.startswith("ledger")
    }
