"""An EDF preprocessed: what the store keeps and what a detection begins from, by the same calls.

The file is read a minute at a time, so that memory does not grow with the recording and most work is done in the core's
cache; a recording that is filtered forward and backward is read at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.recordings import montages
from ictal.recordings.edf import Header, read_uv
from ictal.recordings.held import Held
from ictal.recordings.montages import Derivation
from ictal.signals.kernels import KernelName
from ictal.signals.preprocess import PreprocessConfig, Preprocessor, Quantised, require_samples, resolved

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
        named = zip(self.derivation.channels, self.derivation.validity, self.signal.values, strict=True)
        return tuple(channel for channel, validity, values in named if validity != "absent" and not values.any())


def prepared(header: Header, config: PreprocessConfig, *, kernel: KernelName = "scipy") -> Prepared:
    """Read, derive and preprocess an EDF.

    Raises:
        InputError: as `montages.derive`, `edf.read_uv` and `preprocess.quantised` do.
    """
    derivation = montages.derive(montages.named(config.montage), header, policy=config.missing)
    return _prepared(header, derivation, config, kernel, lambda chunk_s: _chunks(header, derivation, chunk_s))


def prepared_held(held: Held, config: PreprocessConfig, *, kernel: KernelName = "scipy") -> Prepared:
    """Derive and preprocess a recording in memory: what its EDF would give.

    Raises:
        InputError: as `montages.derive` and `preprocess.quantised` do.
    """
    derivation = montages.derive(montages.named(config.montage), held.header, policy=config.missing)
    return _prepared(held.header, derivation, config, kernel, lambda chunk_s: _held_chunks(held, derivation, chunk_s))


def _prepared(
    header: Header,
    derivation: Derivation,
    config: PreprocessConfig,
    kernel: KernelName,
    chunks: Callable[[float], Iterator[npt.NDArray[np.float32]]],
) -> Prepared:
    samples_in = round(header.duration_s * derivation.rate_hz)
    samples = require_samples(samples_in, derivation.rate_hz, config)
    known = resolved(config, next(chunks(_CHUNK_S)), derivation.rate_hz)
    chunk_s = _CHUNK_S if config.phase == "causal" else header.duration_s
    preprocessor = Preprocessor(len(derivation.channels), derivation.rate_hz, known, kernel=kernel)
    values = np.empty((len(derivation.channels), samples), dtype=np.int16)
    clipped = np.zeros(len(values), dtype=np.int64)
    received = done = 0
    for chunk_uv in chunks(chunk_s):
        received += chunk_uv.shape[1]
        part = preprocessor.feed(chunk_uv, last=received == samples_in)
        values[:, done : done + part.values.shape[1]] = part.values
        clipped += part.clipped
        done += part.values.shape[1]
    assert done == samples, (done, samples)
    signal = Quantised(values=values, scale_uv=part.scale_uv, clipped=clipped)
    return Prepared(derivation=derivation, config=known, signal=signal)


def _chunks(header: Header, derivation: Derivation, chunk_s: float) -> Iterator[npt.NDArray[np.float32]]:
    """The montage's channels in µV, some data records at a time: (channels, samples)."""
    records = max(1, round(chunk_s / header.record_duration_s))
    for first in range(0, header.record_count, records):
        stop = min(first + records, header.record_count)
        yield derived(derivation, read_uv(header, derivation.labels, first, stop))


def _held_chunks(held: Held, derivation: Derivation, chunk_s: float) -> Iterator[npt.NDArray[np.float32]]:
    """The same of a recording in memory, some seconds at a time."""
    step, samples = max(1, round(chunk_s * derivation.rate_hz)), held.header.record_count
    for first in range(0, samples, step):
        yield derived(derivation, held.read_uv(derivation.labels, first, min(first + step, samples)))


def derived(derivation: Derivation, recorded_uv: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """`matrix @ recorded_uv`; where every channel is one that was recorded, these rows as they are."""
    matrix = derivation.matrix
    column = matrix.argmax(axis=1)
    if np.array_equal(matrix, np.eye(matrix.shape[1], dtype=matrix.dtype)[column]):
        in_order = np.array_equal(column, np.arange(len(recorded_uv)))
        return recorded_uv if in_order else recorded_uv[column]
    return np.asarray(matrix @ recorded_uv, dtype=np.float32)
