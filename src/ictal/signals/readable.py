"""Recordings that windows can be read of, wherever their numbers come from: a store, or the EDF itself."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.recordings import montages
from ictal.recordings.montages import Validity
from ictal.signals.room import keep_what_is_freed

Window: TypeAlias = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Memory for (channels, length) samples in units; either kind of numbers holds them exactly."""


class Readable(ABC):
    """A preprocessed recording. It holds no open file and no signal, so it may be pickled and kept in thousands."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Its name in a store: a hash of the EDF's content and of everything that decides the numbers."""

    @property
    @abstractmethod
    def content(self) -> str:
        """Hash by which the same signal is found under another name."""

    @property
    @abstractmethod
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in order."""

    @property
    @abstractmethod
    def validity(self) -> tuple[Validity, ...]:
        """Of each channel: `measured`, `interpolated`, or `absent` and then zero throughout."""

    @functools.cached_property
    def valid_channels(self) -> npt.NDArray[np.bool_]:
        """Which channels the recording has, measured or interpolated: (channels,)."""
        return montages.valid(self.validity)

    @property
    @abstractmethod
    def reference(self) -> str:
        """Common reference by the EDF's labels (`REF`, `LE`, `AR`, `AVG`), or empty where they name none."""

    @property
    @abstractmethod
    def rate_hz(self) -> int:
        """Samples per second."""

    @property
    @abstractmethod
    def samples(self) -> int:
        """Length of the recording."""

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """Size of the signal."""

    @property
    @abstractmethod
    def scale_uv(self) -> npt.NDArray[np.float32]:
        """Microvolts of one unit, (channels,)."""

    @abstractmethod
    def read_into(self, start_sample: int, out: Window, *, wait: bool = True) -> bool:
        """Fill (channels, length) with the samples from `start` on in units, zeros past the end.

        Args:
            start_sample: First sample.
            out: Where to.
            wait: Whether to wait for what is not in memory; if not, and some is not, nothing is filled.

        Returns:
            Whether it was filled.

        Raises:
            InputError: if what it is read from is gone or not what it was.
        """

    @abstractmethod
    def announce(self, start_sample: int, length_samples: int) -> None:
        """Begin to fetch a window that `read_into` will ask for.

        Raises:
            InputError: as `read_into` does.
        """

    @abstractmethod
    def evict(self) -> None:
        """Give back the memory that holds its signal, so that the next read shows what a first read takes."""

    def read(self, start_sample: int, length_samples: int) -> npt.NDArray[np.int16]:
        """The samples `[start, start + length)` of every channel, zeros past the end: (channels, length).

        Raises:
            InputError: as `read_into` does.
        """
        keep_what_is_freed()
        out = np.empty((len(self.channels), length_samples), dtype=np.int16)
        self.read_into(start_sample, out)
        return out

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """As `read`, in microvolts."""
        keep_what_is_freed()
        out = np.empty((len(self.channels), length_samples), dtype=np.float32)
        self.read_uv_into(start_sample, out)
        return out

    def read_uv_into(self, start_sample: int, out: npt.NDArray[np.float32]) -> None:
        """Fill (channels, length) with microvolts from a sample on, zeros past the end.

        Raises:
            InputError: as `read_into` does.
        """
        self.read_into(start_sample, out)
        out *= self.scale_uv[:, None]
