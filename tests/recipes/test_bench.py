"""`ictal bench loader`: every part is measured, the sentence follows from them, and the run stays as it is."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from ictal.recipes import bench
from ictal.recipes.bench import LoaderBench, Parts
from ictal.windows.dataset import WindowDataset
from tests.end_to_end.commands import BATCH, FinishedRun, Terminal, contents_of

PARTS = Parts(disk_s=0.02, memory_s=0.01, transfer_s=0.001, forward_s=0.2, backward_s=0.3)
MEASURED = LoaderBench(windows=32, device="cpu", workers=0, store_bytes=2 * 10**9, memory_bytes=16 * 10**9, parts=PARTS)


def test_a_run_is_measured_and_left_as_it_is(finished_run: FinishedRun, terminal: Terminal) -> None:
    """All parts are positive, rates are their inverse, and the sentence names one of four."""
    before = contents_of(finished_run.folder)
    said = terminal("bench", "loader", finished_run.folder, "--json")
    assert said.code == 0, said.err
    document = said.document
    assert contents_of(finished_run.folder) == before
    assert document["windows"] == BATCH
    seconds = {name: value for name, value in document["seconds"].items() if value is not None}
    assert {"memory_s", "transfer_s", "forward_s", "backward_s"} <= set(seconds)
    assert all(value > 0 for value in seconds.values())
    assert document["windows_per_s"]["forward_windows_per_s"] == pytest.approx(BATCH / seconds["forward_s"])
    assert document["bound_from_memory"] in {"cpu", "transfer", "model"}
    assert document["sentence"].startswith(("Training is bound by", "While windows are read"))
    assert document["store_bytes"] == sum(
        file.stat().st_size for file in finished_run.store.glob("*.npy") if file.stem in _training_keys(finished_run)
    )
    printed = terminal("bench", "loader", finished_run.folder).out
    assert all(name in printed for name in ("read from disk", "read from memory", "forward", "bound by"))


def _training_keys(finished: FinishedRun) -> set[str]:
    from ictal.recipes import plan as planning
    from ictal.recipes.run import open_planned
    from ictal.recipes.train import training_windows

    run = open_planned(finished.folder, ())
    return {stored.key for stored in training_windows(run, planning.load(run)).stored}


def test_a_slow_loader_is_named(finished_run: FinishedRun, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A twentieth of a second in the reading of a batch, from memory as from the disk, is longer than a step here."""
    original = WindowDataset.shifted

    def slow(self, numbers, shift):  # type: ignore[no-untyped-def]
        time.sleep(0.05)
        return original(self, numbers, shift)

    monkeypatch.setattr(WindowDataset, "shifted", slow)
    monkeypatch.setattr(bench, "BATCHES", 8)
    monkeypatch.setattr(bench, "_step", lambda _trainer: (0.001, 0.01, 0.01))
    document = terminal("bench", "loader", finished_run.folder, "--json").document
    assert document["seconds"]["memory_s"] > 0.025  # the thread that reads ahead has begun before it is waited for
    assert document["bound_from_memory"] == "cpu"
    assert "loader's processor" in document["sentence"]


@pytest.mark.parametrize(
    ("parts", "from_disk", "from_memory"),
    [
        (PARTS, "model", "model"),
        (replace(PARTS, disk_s=0.6), "disk", "model"),
        (replace(PARTS, disk_s=0.9, memory_s=0.7), "cpu", "cpu"),
        (replace(PARTS, disk_s=1.9, memory_s=0.7), "disk", "cpu"),
        (replace(PARTS, transfer_s=0.6), "transfer", "transfer"),
        (replace(PARTS, disk_s=None), "model", "model"),
    ],
)
def test_what_is_slowest_bounds_training(parts: Parts, from_disk: str, from_memory: str) -> None:
    """Reading goes on beside the step; the slower of the two counts, and of it the larger part."""
    assert (parts.bound(from_disk=True), parts.bound(from_disk=False)) == (from_disk, from_memory)


def test_a_store_that_stays_in_memory_is_read_from_the_disk_once() -> None:
    """Then the disk matters at first only; a store larger than half the memory is always read from the disk."""
    slow = replace(MEASURED, parts=replace(PARTS, disk_s=0.6))
    assert "first time training is bound by the disk" in slow.sentence
    assert "then 2.00 GB of signals stay in 16 GB of memory, and it is bound by the model" in slow.sentence
    assert replace(slow, store_bytes=9 * 10**9).sentence == (
        "Training is bound by the disk: a batch of 32 takes 600 ms to read and 501 ms to learn."
    )
    assert MEASURED.sentence == (
        "Training is bound by the model: forward and backward take 500 ms for a batch of 32, "
        "which is read in 10 ms meanwhile."
    )
