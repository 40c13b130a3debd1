"""`ictal prepare`: every planned recording into the signal store, or a share of them on each of many machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ictal.errors import InputError, check_setting
from ictal.recipes.plan import Planned, Progress
from ictal.recipes.run import Run
from ictal.signals import manifest, upkeep
from ictal.signals.prepare import Prepared, Workers, prepare
from ictal.signals.store import Entry, SignalStore, StoredRecording
from ictal.windows import leakage
from ictal.windows.leakage import Signal
from ictal.windows.splits import Part


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
    store = SignalStore(Path(machine.store))
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
        repeated = leakage.copies(signals_of(planned, {ready.id: ready.entry for ready in prepared.ready}))
        run.keep_config()
        held = planned.index.statistics()["by_recording"]
        kept = {**document(prepared), "copies": [[a.id, b.id] for a, b in repeated], "seizure_windows": held}
        run.write_json("store.json", kept)
    return prepared


def copies_of(run: Run) -> list[list[str]]:
    """Pairs of recordings of one patient and part with the same signal, as the last whole preparation found them."""
    if not run.path("store.json").exists():
        return []
    pairs: list[list[str]] = json.loads(run.path("store.json").read_text())["copies"]
    return pairs


def signals_of(planned: Planned, entries: Mapping[str, Entry]) -> list[Signal]:
    """Who each stored signal belongs to and what it serves for, to be looked at for leaks."""
    return [
        Signal(id=r.id, patient=r.patient, part=part, content=entries[r.id].checksum)
        for part, numbers in planned.split.items()
        for r in (planned.index.recordings[number] for number in numbers)
        if r.id in entries
    ]


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


def open_stored(run: Run, planned: Planned, part: Part | None = None) -> list[StoredRecording]:
    """Stored signals of one part of the plan, or of all.

    Every part is opened, whichever is asked for: only so is it known that no signal serves in two of them.

    Raises:
        InputError: if one is not in the store, is not as long as the index says, or is the signal of another patient
            or of another part.
    """
    stored = {number: open_one(run, planned, number) for number in used(planned)}
    leakage.copies(signals_of(planned, {planned.index.recordings[n].id: s.entry for n, s in stored.items()}))
    return [stored[number] for number in (stored if part is None else planned.split[part])]


def open_one(run: Run, planned: Planned, number: int) -> StoredRecording:
    """Stored signal of one recording of the plan.

    Raises:
        InputError: if it is not in the store.
    """
    recording, root = planned.labelled[number].recording, Path(run.config.machine.store)
    if not root.is_dir():
        raise _not_prepared(run, recording.id)
    store = SignalStore(root)
    try:
        signal = store.open(store.key_of(recording.edf, run.config.signals))
    except InputError as error:
        if error.code != "store-missing":
            raise
        raise _not_prepared(run, recording.id) from error
    expected = planned.index.recordings[number].samples
    assert signal.samples == expected, f"{recording.id}: {signal.samples} in the store, not {expected}"
    return signal


def used(planned: Planned) -> list[int]:
    """Numbers of the recordings that serve for something; a subset leaves some out."""
    return sorted(number for numbers in planned.split.values() for number in numbers)


def _not_prepared(run: Run, recording: str) -> InputError:
    return InputError(
        "A recording of the plan is not in the signal store",
        where=recording,
        got=f"nothing in {run.config.machine.store}",
        expected="a recording prepared with the run's settings",
        remedy=(
            f"run `ictal prepare {run.folder}`; if it sets the recording aside, leave it out of the plan "
            f"(corpus.exclude) and plan again"
        ),
        code="store-missing",
    )
