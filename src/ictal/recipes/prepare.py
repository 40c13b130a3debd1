"""`ictal prepare`: every planned recording into the signal store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ictal.errors import InputError
from ictal.recipes.plan import Planned, Progress
from ictal.recipes.run import Run
from ictal.signals.prepare import Prepared, prepare
from ictal.signals.store import SignalStore, StoredRecording


def prepare_run(run: Run, planned: Planned, progress: Progress | None = None) -> Prepared:
    """Put what is not there yet into the store; what cannot be read is set aside in the run folder's ledger."""
    machine = run.config.machine
    prepared = prepare(
        planned.labelled,
        SignalStore(Path(machine.store)),
        run.config.signals,
        workers=machine.workers,
        progress=progress,
    )
    run.keep_config()
    run.write_json("store.json", document(prepared))
    return prepared


def document(prepared: Prepared) -> dict[str, Any]:
    """What is in the store, and what is not with its reason."""
    return {
        "recordings": len(prepared.ready),
        "built": sum(ready.built for ready in prepared.ready),
        "clipped_samples": int(sum(sum(ready.entry.clipped) for ready in prepared.ready)),
        "bytes": sum(ready.entry.npy_bytes for ready in prepared.ready),
        "quarantined": [asdict(entry) for entry in prepared.quarantined],
    }


def open_stored(run: Run, planned: Planned, numbers: Sequence[int]) -> list[StoredRecording]:
    """Stored signals of some of the plan's recordings.

    Raises:
        InputError: if one is not in the store, or is not as long as the index says.
    """
    root = Path(run.config.machine.store)
    if numbers and not root.is_dir():
        raise _not_prepared(run, planned.labelled[numbers[0]].recording.id)
    store = SignalStore(root)
    stored = []
    for number in numbers:
        recording, expected = planned.labelled[number], planned.index.recordings[number].samples
        try:
            signal = store.open(store.key_of(recording.recording.edf, run.config.signals))
        except InputError as error:
            if error.code != "store-missing":
                raise
            raise _not_prepared(run, recording.recording.id) from error
        assert signal.samples == expected, f"{recording.recording.id}: {signal.samples} in the store, not {expected}"
        stored.append(signal)
    return stored


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
