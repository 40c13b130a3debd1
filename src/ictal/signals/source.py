"""An EDF preprocessed: what the store keeps and what a detection begins from, by the same calls.

The file is read a minute at a time, so that memory does not grow with the recording and most work is done in the core's
cache; a recording that is filtered forward and backward is read at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.recordings import montages
from ictal.recordings.edf import Header, read_uv
from ictal.recordings.held import Held
from ictal.recordings.montages import Derivation
from ictal.signals.kernels import KernelName
from ictal.signals.preprocess import PreprocessConfig, Preprocessor, Quantised, require_samples, resolved
from ictal.signals.recorded import Chunk, in_uv, recorded
from ictal.signals.room import Room

_CHUNK_S = 60.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A recording as a model sees it.

    Args:
        derivation: How its channels came about.
        config: With the mains' frequency named.
        signal: The numbers.
    """

    derivation: Derivation
    config: PreprocessConfig
    signal: Quantised

    @property
    def flat(self) -> tuple[str, ...]:
        """Channels that are not absent and never change; preprocessing leaves zeros of any constant."""
        return flat(self.derivation, [not row.any() for row in self.signal.values])


@dataclass(frozen=True, kw_only=True, eq=False)
class Pieces:
    """A recording that is preprocessed as its pieces are asked for, in order and once.

    Args:
        derivation: How its channels come about.
        config: With the mains' frequency named.
        samples: Length of the pieces together.
        of_signal: The pieces.
    """

    derivation: Derivation
    config: PreprocessConfig
    samples: int
    of_signal: Iterator[Quantised]


def flat(derivation: Derivation, silent: Iterable[bool]) -> tuple[str, ...]:
    """Channels that are not absent and hold zeros alone."""
    named = zip(derivation.channels, derivation.validity, silent, strict=True)
    return tuple(channel for channel, validity, zeros in named if validity != "absent" and zeros)


def prepared(header: Header, config: PreprocessConfig, *, kernel: KernelName = "scipy") -> Prepared:
    """Read, derive and preprocess an EDF.

    Raises:
        InputError: as `montages.derive`, `edf.read_uv` and `preprocess.quantised` do.
    """
    return _joined(pieces(header, config, kernel=kernel))


def prepared_held(held: Held, config: PreprocessConfig, *, kernel: KernelName = "scipy") -> Prepared:
    """Derive and preprocess a recording in memory: what its EDF would give.

    Raises:
        InputError: as `montages.derive` and `preprocess.quantised` do.
    """
    derivation = montages.derive(montages.named(config.montage), held.header, policy=config.missing)
    chunks = functools.partial(_held_chunks, held, derivation)
    return _joined(_pieces(held.header, derivation, config, kernel, chunks))


def pieces(header: Header, config: PreprocessConfig, *, kernel: KernelName = "scipy") -> Pieces:
    """As `prepared`, a minute of the EDF after the other; what it raises comes with the piece that is at fault."""
    derivation = montages.derive(montages.named(config.montage), header, policy=config.missing)
    return _pieces(header, derivation, config, kernel, functools.partial(_chunks, header, derivation))


def _pieces(
    header: Header,
    derivation: Derivation,
    config: PreprocessConfig,
    kernel: KernelName,
    chunks: Callable[[float], Iterator[Chunk]],
) -> Pieces:
    samples_in = round(header.duration_s * derivation.rate_hz)
    samples = require_samples(samples_in, derivation.rate_hz, config)
    known = config
    if config.notch_hz == "auto":
        known = resolved(config, in_uv(next(chunks(_CHUNK_S))), derivation.rate_hz)
    chunk_s = _CHUNK_S if config.phase == "causal" else header.duration_s
    preprocessor = Preprocessor(len(derivation.channels), derivation.rate_hz, known, kernel=kernel)
    return Pieces(
        derivation=derivation,
        config=known,
        samples=samples,
        of_signal=_fed(preprocessor, chunks(chunk_s), samples_in),
    )


def _fed(preprocessor: Preprocessor, chunks: Iterator[Chunk], samples_in: int) -> Iterator[Quantised]:
    received = 0
    for chunk in chunks:
        received += chunk.shape[1]
        yield preprocessor.feed(chunk, last=received == samples_in)


def _joined(made: Pieces) -> Prepared:
    channels, done = len(made.derivation.channels), 0
    values = np.empty((channels, made.samples), dtype=np.int16)
    clipped = np.zeros(channels, dtype=np.int64)
    for piece in made.of_signal:
        values[:, done : done + piece.values.shape[1]] = piece.values
        clipped += piece.clipped
        done += piece.values.shape[1]
    assert done == made.samples, (done, made.samples)
    signal = Quantised(values=values, scale_uv=piece.scale_uv, clipped=clipped)
    return Prepared(derivation=made.derivation, config=made.config, signal=signal)


def _chunks(header: Header, derivation: Derivation, chunk_s: float) -> Iterator[Chunk]:
    """The montage's channels, some data records at a time, as (channels, samples) until the next is asked for."""
    records, rows = max(1, round(chunk_s / header.record_duration_s)), _rows(derivation)
    if rows is not None and header.sample_bytes == 2:
        yield from recorded(header, [derivation.labels[row] for row in rows], records)
        return
    room = Room(np.float32)
    for first in range(0, header.record_count, records):
        stop = min(first + records, header.record_count)
        yield derived(derivation, read_uv(header, derivation.labels, first, stop, room=room))


def _held_chunks(held: Held, derivation: Derivation, chunk_s: float) -> Iterator[npt.NDArray[np.float32]]:
    """The same of a recording in memory, some seconds at a time."""
    step, samples = max(1, round(chunk_s * derivation.rate_hz)), held.header.record_count
    for first in range(0, samples, step):
        yield derived(derivation, held.read_uv(derivation.labels, first, min(first + step, samples)))


def derived(derivation: Derivation, recorded_uv: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """`matrix @ recorded_uv`; where every channel is one that was recorded, these rows as they are."""
    rows = _rows(derivation)
    if rows is None:
        return np.asarray(derivation.matrix @ recorded_uv, dtype=np.float32)
    in_order = np.array_equal(rows, np.arange(len(recorded_uv)))
    return recorded_uv if in_order else recorded_uv[rows]


def _rows(derivation: Derivation) -> npt.NDArray[np.int64] | None:
    """Which recorded channel each channel of the montage is; None where one is made of several."""
    matrix = derivation.matrix
    rows = np.asarray(matrix.argmax(axis=1), dtype=np.int64)
    return rows if np.array_equal(matrix, np.eye(matrix.shape[1], dtype=matrix.dtype)[rows]) else None
