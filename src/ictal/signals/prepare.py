"""Many recordings into the store, on many cores: a bad one is set aside with its reason, the rest goes on.

Invariants: the outcome does not depend on the number of workers; what was finished before an interruption is found
again by the next call, and nothing unfinished is ever visible in the store.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled, Quarantined
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import Entry, SignalStore

_RECORDING_FAULTS = ("edf-", "channel-", "signal-", "rate-")
"""Beginnings of the codes that blame one recording; any other error stops the whole preparation."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A recording that is in the store.

    Args:
        id: The recording's.
        entry: Its entry in the store.
        built: Whether it was built now, not found.
    """

    id: str
    entry: Entry
    built: bool


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What became of the recordings, each list in their order."""

    ready: tuple[Ready, ...]
    quarantined: tuple[Quarantined, ...]


def prepare(
    recordings: Sequence[Labelled],
    store: SignalStore,
    config: PreprocessConfig,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Put recordings into the store.

    Args:
        recordings: What to prepare.
        store: Where to.
        config: How.
        workers: Processes; 1 works in this one.
        progress: Called with (done, total).

    Raises:
        InputError: if the store itself or the configuration is at fault, not one recording.
    """
    assert workers >= 1, workers
    outcomes: dict[int, Ready | Quarantined] = {}
    work = _in_process(recordings, store, config) if workers == 1 else _in_pool(recordings, store, config, workers)
    with closing(work):
        for number, outcome in work:
            outcomes[number] = outcome
            if progress is not None:
                progress(len(outcomes), len(recordings))
    ordered = [outcomes[number] for number in range(len(recordings))]
    return Prepared(
        ready=tuple(outcome for outcome in ordered if isinstance(outcome, Ready)),
        quarantined=tuple(outcome for outcome in ordered if isinstance(outcome, Quarantined)),
    )


_Outcomes = Generator[tuple[int, Ready | Quarantined], None, None]


def _in_process(recordings: Sequence[Labelled], store: SignalStore, config: PreprocessConfig) -> _Outcomes:
    for number, recording in enumerate(recordings):
        yield number, _outcome(recording, store, config)


def _in_pool(recordings: Sequence[Labelled], store: SignalStore, config: PreprocessConfig, workers: int) -> _Outcomes:
    with _pool(workers) as pool:
        numbers = {pool.submit(_outcome, recording, store, config): i for i, recording in enumerate(recordings)}
        for future in as_completed(numbers):
            yield numbers[future], future.result()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that finish the recording in hand when this one is interrupted, and begin no other."""
    context = multiprocessing.get_context("forkserver")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_the_parent)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _outcome(recording: Labelled, store: SignalStore, config: PreprocessConfig) -> Ready | Quarantined:
    try:
        entry, built = store.build(recording.header, config)
    except InputError as error:
        if not error.code.startswith(_RECORDING_FAULTS):
            raise
        reason = f"{error.what}: got {error.got}, expected {error.expected}"
        path = str(recording.recording.edf)
        return Quarantined(id=recording.recording.id, path=path, code=error.code, reason=reason)
    return Ready(id=recording.recording.id, entry=entry, built=built)
