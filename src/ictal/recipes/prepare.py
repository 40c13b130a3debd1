"""`ictal prepare`: every planned recording into the signal store, or a share of them on each of many machines."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ictal.errors import check_setting, command
from ictal.recipes.plan import Planned, Progress
from ictal.recipes.run import Run
from ictal.recipes.signals import open_one, open_parts, signals_of, store_of, used
from ictal.signals import manifest, upkeep
from ictal.signals.prepare import Prepared, Workers, prepare
from ictal.windows import leakage


def prepare_run(
    run: Run, planned: Planned, progress: Progress | None = None, *, shard: tuple[int, int] = (1, 1)
) -> Prepared:
    """Put what is not there yet into the store; what cannot be read is set aside in the run folder's ledger.

    Args:
        run: The run.
        planned: Its plan.
        progress: Called with (done, total), in seconds of EEG.
        shard: (i, n): prepare the i-th of n shares alone, and leave `store.json` to who prepares all.

    Raises:
        InputError: as `signals.prepare.prepare` does, and before anything is built if something in the store is of
            another version or contradicts itself.
    """
    machine = run.config.machine
    store = store_of(machine)
    upkeep.require_readable(store)
    prepared = prepare(
        [planned.labelled[number] for number in share(used(planned), shard)],
        store,
        run.config.signals,
        workers=Workers(processes=machine.workers, scheduler=machine.scheduler, kernel=machine.kernel),
        progress=progress,
    )
    manifest.write(store)
    if shard == (1, 1):
        repeated = leakage.copies(signals_of(planned, {ready.id: ready.entry.checksum for ready in prepared.ready}))
        run.keep_config()
        held = planned.index.statistics()["by_recording"]
        kept = {**document(prepared), "copies": [[a.id, b.id] for a, b in repeated], "seizure_windows": held}
        run.write_json("store.json", kept)
    return prepared


@dataclass(frozen=True, kw_only=True)
class WithoutStore:
    """What it means for a run to have no store."""

    recordings: int
    hours: float
    tried: str
    """The recording that was prepared to see how long it takes."""
    tried_s: float
    """Time that it took."""
    hours_per_s: float
    """Hours of EEG that were prepared in a second of that time."""

    def said(self, run: Run) -> str:
        """In words, with the command that changes it."""
        all_s = self.hours / self.hours_per_s
        return (
            f"No store: training, evaluation and report prepare a recording from its EDF whenever a window of it is "
            f"needed and it is not among the last {run.config.machine.memory_mb} MB that each process keeps. That is "
            f"slow: {self.tried} took {self.tried_s:.2f} s, so all {self.recordings} ({self.hours:.2f} h) take about "
            f"{all_s:.1f} s every time that they are gone through. "
            f"For speed, once: {command('prepare', run.folder, '--machine.store', 'store')}"
        )


def without_store(
    run: Run, planned: Planned, progress: Progress | None = None, *, shard: tuple[int, int] = (1, 1)
) -> WithoutStore:
    """Let the run read its EDFs: look for repeated signals, and prepare the longest one to see how long that takes.

    Args:
        run: The run, with `machine.store = "none"`; its settings are kept.
        planned: Its plan.
        progress: Called with (done, total), in seconds of EEG.
        shard: As `prepare_run` has it; there is nothing to share here.

    Raises:
        InputError: as `signals.open_parts` does; if only a share is asked for.
    """
    check_setting(shard == (1, 1), "--shard", f"{shard[0]}/{shard[1]}", "nothing to share where there is no store")
    lengths_s = {number: planned.labelled[number].duration_s for number in used(planned)}
    total_s, done_s = sum(lengths_s.values()), 0.0
    for number, length_s in lengths_s.items():
        _ = open_one(run, planned, number).content  # reads the file, once
        done_s += length_s
        if progress is not None:
            progress(round(done_s), round(total_s))
    open_parts(run, planned)
    by_length = sorted(lengths_s, key=lengths_s.__getitem__)
    open_one(run, planned, by_length[0]).read(0, 1)  # compiles the kernel, where it is not yet
    tried = open_one(run, planned, by_length[-1])
    tried.evict()
    started = time.perf_counter()
    tried.read(0, 1)
    tried_s = time.perf_counter() - started
    run.keep_config()
    return WithoutStore(
        recordings=len(lengths_s),
        hours=total_s / 3600,
        tried=planned.labelled[by_length[-1]].recording.id,
        tried_s=tried_s,
        hours_per_s=lengths_s[by_length[-1]] / 3600 / tried_s,
    )


def copies_of(run: Run) -> list[list[str]]:
    """Pairs of recordings of one patient and part with the same signal, as the last whole preparation found them."""
    if not run.path("store.json").exists():
        return []
    pairs: list[list[str]] = json.loads(run.path("store.json").read_text())["copies"]
    return pairs


def shard_of(text: str) -> tuple[int, int]:
    """The share that `i/n` names.

    Raises:
        InputError: if it names none (code `config-value`).
    """
    one, _, of = text.partition("/")
    right = one.isdecimal() and of.isdecimal() and 1 <= int(one) <= int(of)
    check_setting(right, "--shard", text, "i/n, the i-th of n shares, from 1/n to n/n")
    return int(one), int(of)


def share(numbers: Sequence[int], shard: tuple[int, int]) -> Sequence[int]:
    """The i-th of n shares, (i, n): they have nothing in common, and are all together."""
    one, of = shard
    return numbers[one - 1 :: of]


def document(prepared: Prepared) -> dict[str, Any]:
    """What is in the store, and what is not with its reason."""
    return {
        "recordings": len(prepared.ready),
        "built": sum(ready.built for ready in prepared.ready),
        "clipped_samples": int(sum(sum(ready.entry.clipped) for ready in prepared.ready)),
        "interpolated": sum(bool(ready.entry.interpolated) for ready in prepared.ready),
        "masked": sum("absent" in ready.entry.validity for ready in prepared.ready),
        "flat": {ready.id: list(ready.entry.flat) for ready in prepared.ready if ready.entry.flat},
        "kernels": sorted({ready.entry.kernel for ready in prepared.ready}),
        "bytes": sum(ready.entry.npy_bytes for ready in prepared.ready),
        "quarantined": [asdict(entry) for entry in prepared.quarantined],
    }
