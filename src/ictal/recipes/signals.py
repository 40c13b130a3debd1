"""Where a run's signals are read from: its store, or, where it has none, the EDFs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from ictal.errors import InputError, command
from ictal.recipes.config import NO_STORE, MachineConfig
from ictal.recipes.plan import Planned
from ictal.recipes.run import Run
from ictal.recordings.corpus import Labelled
from ictal.signals.addresses import place_of
from ictal.signals.direct import DirectRecording
from ictal.signals.fingerprint import CACHE_NAME, FingerprintCache
from ictal.signals.readable import Readable
from ictal.signals.store import SignalStore
from ictal.windows import leakage
from ictal.windows.leakage import Signal
from ictal.windows.splits import Part


def open_parts(run: Run, planned: Planned) -> dict[Part, list[Readable]]:
    """Signals of every part of the plan: only so is it known that none serves in two of them.

    Raises:
        InputError: if one is not in the store or its EDF cannot be read, is not as long as the index says, or is the
            signal of another patient or of another part.
    """
    opened = _open(run, planned, used(planned))
    contents = {planned.index.recordings[number].id: signal.content for number, signal in opened.items()}
    leakage.copies(signals_of(planned, contents))
    return {part: [opened[number] for number in numbers] for part, numbers in planned.split.items()}


def open_signals(run: Run, planned: Planned, part: Part) -> list[Readable]:
    """Signals of one part, after all were opened; see `open_parts`."""
    return open_parts(run, planned)[part]


def open_one(run: Run, planned: Planned, number: int) -> Readable:
    """Signal of one recording of the plan.

    Raises:
        InputError: if it is not in the store.
    """
    return _open(run, planned, [number])[number]


def store_of(machine: MachineConfig) -> SignalStore:
    """The store that a machine's settings name.

    Raises:
        InputError: as `addresses.place_of` does.
    """
    return SignalStore(place_of(machine.store, Path(machine.cache), machine.cache_mb * 1_000_000))


def used(planned: Planned) -> list[int]:
    """Numbers of the recordings that serve for something; a subset leaves some out."""
    return sorted(number for numbers in planned.split.values() for number in numbers)


def signals_of(planned: Planned, contents: Mapping[str, str]) -> list[Signal]:
    """Who each signal belongs to and what it serves for, to be looked at for leaks.

    Args:
        planned: The plan.
        contents: Hash of each signal by its recording's id; others are left out.
    """
    return [
        Signal(id=r.id, patient=r.patient, part=part, content=contents[r.id])
        for part, numbers in planned.split.items()
        for r in (planned.index.recordings[number] for number in numbers)
        if r.id in contents
    ]


def _open(run: Run, planned: Planned, numbers: Sequence[int]) -> dict[int, Readable]:
    labelled = [planned.labelled[number] for number in numbers]
    without = run.config.machine.store == NO_STORE
    signals = map(partial(_direct, run), labelled) if without else _stored(run, labelled)
    opened = dict(zip(numbers, signals, strict=True))
    for number, signal in opened.items():
        expected = planned.index.recordings[number]
        assert signal.samples == expected.samples, f"{expected.id}: {signal.samples} samples, not {expected.samples}"
    return opened


def _direct(run: Run, labelled: Labelled) -> DirectRecording:
    machine = run.config.machine
    return DirectRecording(
        header=labelled.header,
        config=run.config.signals,
        kernel=machine.kernel,
        fingerprints=FingerprintCache(path=Path(machine.cache) / CACHE_NAME),
        memory_bytes=machine.memory_mb * 1_000_000,
    )


def _stored(run: Run, labelled: Sequence[Labelled]) -> Iterator[Readable]:
    store = store_of(run.config.machine)
    if not store.place.exists():
        raise _not_prepared(run, labelled[0].recording.id)
    opened = store.open_each([store.key_of(one.recording.edf, run.config.signals) for one in labelled])
    for one in labelled:
        try:
            yield next(opened)
        except InputError as error:
            if error.code != "store-missing":
                raise
            raise _not_prepared(run, one.recording.id) from error


def _not_prepared(run: Run, recording: str) -> InputError:
    return InputError(
        "A recording of the plan is not in the signal store",
        where=recording,
        got=f"nothing in {run.config.machine.store}",
        expected="a recording prepared with the run's settings",
        remedy=(
            f"run `{command('prepare', run.folder)}`; if it sets the recording aside, leave it out of the plan "
            f"(corpus.exclude) and plan again"
        ),
        code="store-missing",
    )
