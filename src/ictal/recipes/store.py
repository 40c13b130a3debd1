"""`ictal store`: verify, stats and gc of a signal store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ictal.errors import InputError
from ictal.recipes import plan as planning
from ictal.recipes.config import MachineConfig
from ictal.recipes.plan import Progress
from ictal.recipes.run import open_planned
from ictal.recipes.signals import store_of
from ictal.signals import manifest, upkeep
from ictal.signals.store import SignalStore


def opened(address: str) -> SignalStore:
    """A store that exists.

    Raises:
        InputError: if there is none (code `store-missing`).
    """
    store = store_of(MachineConfig(store=address))
    if not store.place.exists():
        raise InputError(
            "There is no signal store",
            where=address,
            got="nothing",
            expected="a folder, or a bucket's prefix, that `ictal prepare` has written to (machine.store)",
            remedy="name the store as the run's machine.store does",
            code="store-missing",
        )
    return store


def verify(address: str, progress: Progress | None = None) -> dict[str, Any]:
    """Read everything, and name what is damaged."""
    store = opened(address)
    faults = upkeep.damaged(store, progress)
    rows = [{"path": error.where, "code": error.code, "got": str(error.got), "do": error.remedy} for error in faults]
    return {"recordings": len(store.every_key()), "damaged": rows}


def stats(address: str) -> dict[str, Any]:
    """What is in a store, and what was set aside; writes the manifest anew."""
    store = opened(address)
    rows = manifest.table(store).to_pylist()
    manifest.write(store)
    stored = [row for row in rows if row["status"] == "stored"]
    return {
        "recordings": len(stored),
        "hours": sum(row["samples"] / row["rate_hz"] for row in stored) / 3600,
        "bytes": sum(row["npy_bytes"] for row in stored),
        "clipped_samples": sum(sum(row["clipped"]) for row in stored),
        "settings": len({row["config"] for row in stored}),
        "set_aside": [
            {"path": row["source"], "code": row["code"], "reason": row["reason"]}
            for row in rows
            if row["status"] == "set aside"
        ],
    }


def collect(
    address: str, runs: Sequence[Path], *, dry_run: bool, damaged: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """List what nothing needs, or what is damaged, and delete it if that is not only tried.

    Args:
        address: Of the store.
        runs: Runs whose recordings are kept; with none, every readable recording is.
        dry_run: Delete nothing.
        damaged: Damaged recordings instead, of whatever run.
        progress: Called with recordings read and in all, where all are read.
    """
    store = opened(address)
    if damaged:
        found = upkeep.damaged_files(store, progress)
    else:
        found = upkeep.garbage(store, _needed(address, runs) if runs else None)
    if not dry_run:
        upkeep.delete(found)
    files = [{"path": one.address, "bytes": one.size_bytes, "reason": one.reason} for one in found]
    return {"dry_run": dry_run, "bytes": sum(one.size_bytes for one in found), "files": files}


def _needed(address: str, runs: Sequence[Path]) -> set[str]:
    kept = set()
    for folder in runs:
        run = open_planned(folder, ())
        store = store_of(replace(run.config.machine, store=address))
        kept |= {store.key_of(one.recording.edf, run.config.signals) for one in planning.load(run).labelled}
    return kept
