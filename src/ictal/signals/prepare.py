"""Many recordings into the store, on many cores or machines: a bad one is set aside with its reason, the rest goes on.

Invariants: the outcome does not depend on the number of workers; what was finished before an interruption is found
again by the next call, and nothing unfinished is ever visible in the store. A cluster's worker that dies loses the
recording in hand, which another one builds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from ictal.errors import InputError
from ictal.recordings import montages
from ictal.recordings.corpus import Labelled, Quarantined
from ictal.signals import files, forking
from ictal.signals.kernels import KernelName
from ictal.signals.ledger import Line
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import BYTES_PER_VALUE, Entry, SignalStore

_RECORDING_FAULTS = ("edf-", "channel-", "signal-", "rate-")
"""Beginnings of the codes that blame one recording; any other error stops the whole preparation."""

_PATIENCE_S = 10.0


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


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who works.

    Args:
        processes: Of this machine; 1 works in this process.
        scheduler: Address of a Dask scheduler, `tcp://host:8786`, whose workers share the store's folder and the
            corpus's; empty for this machine.
        kernel: Which implementation of the filters they run; the numbers do not depend on it.
    """

    processes: int = 1
    scheduler: str = ""
    kernel: KernelName = "scipy"


def prepare(
    recordings: Sequence[Labelled],
    store: SignalStore,
    config: PreprocessConfig,
    *,
    workers: Workers = Workers(),
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Put recordings into the store.

    Args:
        recordings: What to prepare.
        store: Where to.
        config: How.
        workers: Who does it.
        progress: Called with (done, total), in seconds of EEG.

    Raises:
        InputError: if the store itself or the configuration is at fault, not one recording; if the disk is full
            (`store-full`), a worker is killed (`worker-died`), or the scheduler is not there or is lost (`scheduler`).
    """
    assert workers.processes >= 1, workers
    outcomes: dict[int, Ready | Quarantined] = {}
    total_s = sum(recording.duration_s for recording in recordings)
    done_s = 0.0
    work = _Work(store=store, config=config, kernel=workers.kernel)
    try:
        with closing(_outcomes(recordings, work, workers)) as finished:
            for number, outcome in finished:
                outcomes[number] = outcome
                done_s += recordings[number].duration_s
                if progress is not None:
                    progress(round(done_s), round(total_s))
    except InputError as error:
        if error.code != files.FULL:
            raise
        raise _with_all_that_is_to_come(error, total_s - done_s, config) from error
    ordered = [outcomes[number] for number in range(len(recordings))]
    ready = tuple(outcome for outcome in ordered if isinstance(outcome, Ready))
    _complete_ledger(store, [one.entry for one in ready])
    return Prepared(ready=ready, quarantined=tuple(one for one in ordered if isinstance(one, Quarantined)))


def _with_all_that_is_to_come(error: InputError, rest_s: float, config: PreprocessConfig) -> InputError:
    """The error of a full disk, with the room that is needed to come to the end."""
    channels = len(montages.named(config.montage).channels)
    rest_bytes = rest_s * config.rate_hz * channels * BYTES_PER_VALUE
    return InputError(
        error.what,
        where=error.where,
        got=error.got,
        expected=f"{error.expected}; at most {rest_bytes / 1e6:.1f} MB for the {rest_s / 3600:.2f} h still to prepare",
        remedy=error.remedy,
        code=error.code,
    )


def _complete_ledger(store: SignalStore, entries: Sequence[Entry]) -> None:
    """A line for every recording whose builder was killed between making it and saying so."""
    if not _untold(store, entries):
        return
    with store.alone("ledger"):
        for entry in _untold(store, entries):
            with store.alone(entry.key):  # whoever has just built it has said so when this is free
                pass
        for entry in _untold(store, entries):
            reason = "its builder was killed before it could say so"
            store.ledger.append(Line(key=entry.key, source=entry.source, built=True, reason=reason))


def _untold(store: SignalStore, entries: Sequence[Entry]) -> list[Entry]:
    told = {line.key for line in store.ledger.lines()}
    return list({entry.key: entry for entry in entries if entry.key not in told}.values())


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What is done to every recording; travels to the workers."""

    store: SignalStore
    config: PreprocessConfig
    kernel: KernelName

    def __call__(self, recording: Labelled) -> Ready | Quarantined:
        edf = recording.recording.edf
        try:
            entry, built = self.store.build(recording.header, self.config, kernel=self.kernel)
        except InputError as error:
            if not error.code.startswith(_RECORDING_FAULTS):
                raise
            reason = f"{error.what}: got {error.got}, expected {error.expected}"
            self.store.ledger.append(Line(source=str(edf), built=False, code=error.code, reason=reason))
            return Quarantined(id=recording.recording.id, path=str(edf), code=error.code, reason=reason)
        return Ready(id=recording.recording.id, entry=entry, built=built)


def _outcomes(
    recordings: Sequence[Labelled], work: _Work, workers: Workers
) -> Generator[tuple[int, Ready | Quarantined], None, None]:
    """Outcomes by the recordings' numbers, as they come."""
    if workers.processes == 1 and not workers.scheduler:
        yield from ((number, work(recording)) for number, recording in enumerate(recordings))
        return
    with _cluster(workers.scheduler) if workers.scheduler else _pool(workers.processes) as executor:
        numbers = {executor.submit(work, recording): number for number, recording in enumerate(recordings)}
        for future in as_completed(numbers):
            yield numbers[future], future.result()


@contextmanager
def _pool(processes: int) -> Iterator[Executor]:
    """Processes that finish the recording in hand when this one is interrupted, and begin no other."""
    initializer = partial(forking.begin, terminable=True)
    pool = ProcessPoolExecutor(processes, mp_context=forking.context(__name__), initializer=initializer)
    try:
        yield pool
    except BrokenExecutor as error:
        raise _worker_died("machine.workers", f"one of {processes} processes ended: {error}") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _cluster(scheduler: str) -> Iterator[Executor]:
    """The workers of a Dask scheduler; recordings that no worker has begun are taken back at the end."""
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415 - an extra, needed for a cluster alone

        client = Client(scheduler, timeout=_PATIENCE_S, set_as_default=False)
    except (ImportError, OSError, ValueError) as error:
        raise InputError(
            "The Dask scheduler cannot be used",
            where="machine.scheduler",
            got=f"{scheduler}: {error}",
            expected="the address of a running scheduler, such as tcp://host:8786, and ictal[cluster] installed",
            remedy="start one with `dask scheduler`, and `dask worker ADDRESS` on every machine",
            code="scheduler",
        ) from error
    with client, client.get_executor(pure=False) as executor:
        try:
            yield executor
        except KilledWorker as error:
            raise _worker_died("machine.scheduler", error) from error
        except CancelledError as error:  # what becomes of everything asked for when the connection breaks
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it would show where it gave up
            raise _scheduler_lost(scheduler) from error
        finally:
            executor.shutdown(wait=False)


def _scheduler_lost(scheduler: str) -> InputError:
    return InputError(
        "The Dask scheduler was lost",
        where="machine.scheduler",
        got=f"the connection to {scheduler} broke while signals were prepared",
        expected="a scheduler that lives until the work is done",
        remedy="start it and its workers anew; what was built is kept, and the same command goes on from there",
        code="scheduler",
    )


def _worker_died(where: str, got: object) -> InputError:
    return InputError(
        "A process that prepares signals was killed",
        where=where,
        got=got,
        expected="workers that live until the work is done",
        remedy="where memory ran out, use fewer of them; the same command goes on from there",
        code="worker-died",
    )
