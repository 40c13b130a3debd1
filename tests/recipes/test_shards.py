"""Shares of a preparation: nothing twice, nothing left out."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ictal.recipes.prepare import share
from ictal.signals.store import SignalStore
from tests.end_to_end.commands import Terminal, words


@given(numbers=st.lists(st.integers(0, 10**6), unique=True, max_size=200), of=st.integers(1, 40))
def test_shards_are_disjoint_and_complete(numbers: list[int], of: int) -> None:
    """Whatever their number, every recording is in exactly one, and none is larger than another by more than one."""
    shards = [share(numbers, (one, of)) for one in range(1, of + 1)]
    assert sorted(number for shard in shards for number in shard) == sorted(numbers)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_shards_at_once_fill_the_store(terminal: Terminal, synthetic_corpus: Path, tmp_path: Path) -> None:
    """Three processes of the command line, as three machines: every recording once, and the last call finds all."""
    run, store = tmp_path / "run", tmp_path / "store"
    terminal("plan", run, "--corpus.path", synthetic_corpus, "--machine.store", store, *words())
    command = [sys.executable, "-m", "ictal", "prepare", str(run), "--shard"]
    processes = [subprocess.Popen([*command, f"{one}/3"]) for one in (1, 2, 3)]
    assert [process.wait(200) for process in processes] == [0, 0, 0]
    assert not (run / "store.json").exists()
    assert Counter(Counter(line.key for line in SignalStore(store).ledger.lines()).values()) == {1: 12}
    assert "12 recordings in the store, 0 of them made now" in terminal("prepare", run).out
    assert (run / "store.json").exists()
