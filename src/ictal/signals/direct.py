"""Recordings without a store: preprocessed from their EDF whenever a window is asked for, the last ones kept in memory.

The numbers are those that a store would hold, and so are the names, so that what was begun without a store goes on with
one. A first window costs the preprocessing of its whole recording.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings import montages
from ictal.recordings.edf import Header
from ictal.recordings.montages import Derivation, Validity
from ictal.signals.fingerprint import FingerprintCache
from ictal.signals.kernels import KernelName
from ictal.signals.preprocess import PreprocessConfig, require_samples
from ictal.signals.readable import Readable, Window
from ictal.signals.source import prepared
from ictal.signals.store import BYTES_PER_VALUE, SignalStore

Values = npt.NDArray[np.int16]


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectRecording(Readable):
    """An EDF that is read as if it were in a store.

    Args:
        header: Of the EDF.
        config: How it is preprocessed.
        kernel: Which implementation of the filters runs; the numbers do not depend on it.
        fingerprints: Where its fingerprint is kept.
        memory_bytes: Most that a process keeps in memory of all such recordings; one more than that if it is larger.
    """

    header: Header
    config: PreprocessConfig
    kernel: KernelName
    fingerprints: FingerprintCache
    memory_bytes: int

    @functools.cached_property
    def content(self) -> str:
        """Fingerprint of the EDF.

        Raises:
            InputError: if it cannot be read.
        """
        return self.fingerprints.fingerprint(self.header.path)

    @functools.cached_property
    def key(self) -> str:
        """The name that it would have in a store."""
        return SignalStore.key(self.content, self.config)

    @functools.cached_property
    def _derivation(self) -> Derivation:
        return montages.derive(montages.named(self.config.montage), self.header, policy=self.config.missing)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in order."""
        return self._derivation.channels

    @property
    def validity(self) -> tuple[Validity, ...]:
        """Of each channel: `measured`, `interpolated`, or `absent` and then zero throughout."""
        return self._derivation.validity

    @property
    def reference(self) -> str:
        """Common reference by the EDF's labels, or empty where they name none."""
        return self._derivation.reference

    @property
    def rate_hz(self) -> int:
        """Samples per second."""
        return self.config.rate_hz

    @functools.cached_property
    def samples(self) -> int:
        """Length of the recording."""
        rate_hz = self._derivation.rate_hz
        return require_samples(round(self.header.duration_s * rate_hz), rate_hz, self.config)

    @property
    def size_bytes(self) -> int:
        """Size of the signal in memory."""
        return len(self.channels) * self.samples * BYTES_PER_VALUE

    @functools.cached_property
    def scale_uv(self) -> npt.NDArray[np.float32]:
        """Microvolts of one unit, (channels,)."""
        return np.full(len(self.channels), self.config.uv_per_unit, dtype=np.float32)

    def read_into(self, start_sample: int, out: Window, *, wait: bool = True) -> bool:
        """Fill (channels, length) with the samples from `start` on in units, zeros past the end.

        Raises:
            InputError: if the EDF cannot be used, or is another one than when its name was made (code `edf-changed`).
        """
        values = _memory.kept(self.key)
        if values is None:
            if not wait:
                return False
            values = _memory.made(self)
        inside = values[:, start_sample : start_sample + out.shape[1]]
        out[:, : inside.shape[1]] = inside
        out[:, inside.shape[1] :] = 0
        return True

    def announce(self, start_sample: int, length_samples: int) -> None:
        """Nothing: the processor that would begin is the one that reads."""

    def evict(self) -> None:
        """Forget its signal."""
        _memory.forget(self.key)

    def prepare(self) -> Values:
        """Its signal, preprocessed now: (channels, samples) int16.

        Raises:
            InputError: as `read_into` does.
        """
        values = prepared(self.header, self.config, kernel=self.kernel).signal.values
        found = self.fingerprints.fingerprint(self.header.path)
        if found != self.content:
            raise InputError(
                "The EDF has changed since the run began to read it",
                where=self.header.path,
                got=f"content {found}",
                expected=f"content {self.content}",
                remedy="run the command again: it begins from the EDF as it is",
                code="edf-changed",
            )
        return values


class _Memory:
    """Signals of this process, those read last; many threads may ask."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, Values] = OrderedDict()
        self._table = threading.Lock()
        self._at_work = threading.Lock()

    def kept(self, key: str) -> Values | None:
        """A signal that is in memory, which is then the one read last."""
        with self._table:
            values = self._values.get(key)
            if values is not None:
                self._values.move_to_end(key)
            return values

    def made(self, recording: DirectRecording) -> Values:
        """A signal that was not in memory, prepared by this thread or by the one that is at it."""
        with self._at_work:
            values = self.kept(recording.key)
            if values is None:
                self._make_room(recording.size_bytes, recording.memory_bytes)
                values = recording.prepare()
                with self._table:
                    self._values[recording.key] = values
            return values

    def forget(self, key: str) -> None:
        """Free the memory of one signal."""
        with self._table:
            self._values.pop(key, None)

    def size_bytes(self) -> int:
        """Size of all signals in memory."""
        with self._table:
            return sum(values.nbytes for values in self._values.values())

    def _make_room(self, size_bytes: int, limit_bytes: int) -> None:
        while self.size_bytes() + size_bytes > limit_bytes:
            with self._table:
                if not self._values:
                    return
                self._values.popitem(last=False)


_memory = _Memory()
