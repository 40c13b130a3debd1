"""The loops that take the time, compiled or as scipy has them, with equal numbers to the last bit.

Both compute second-order sections in float64 in the order of scipy's `sosfilt` (transposed direct form II) without
joining a product and a sum into one rounding, so that which of them ran is no part of the signal store's key. A kernel
that is asked for by name runs or raises.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy.signal import sosfilt

from ictal.errors import InputError
from ictal.signals.recorded import Microvolts, Recorded
from ictal.signals.units import FULL_SCALE, Samples

KernelName = Literal["compiled", "scipy"]

_PIECE_SAMPLES = 4096  # what scipy filters at once, so that it stays in the core's second cache


class Kernel(Protocol):
    """What the two have in common; arrays are of shape (channels, samples)."""

    def less(self, chunk: Recorded, first_uv: Microvolts, out: Microvolts, column: int) -> None:
        """Put microvolts less a constant of each channel, (channels, 1), into contiguous memory from a column on."""

    def filtered(self, signal: npt.NDArray[np.floating], sections: Samples, state: Samples) -> Samples:
        """Run the sections over every channel, from `state` (channels, sections, 2), which is brought up to date."""

    def quantise(self, signal: Samples, uv_per_unit: float, out: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
        """Round to units, limited to the full scale; returns for each channel how many were beyond it."""

    def units(
        self, signal: npt.NDArray[np.float32], sections: Samples, state: Samples, uv: float, out: npt.NDArray[np.int16]
    ) -> npt.NDArray[np.int64]:
        """`filtered`, then `quantise` with `uv` per unit, and no array of the filtered signal in between."""


class Scipy:
    """`scipy.signal.sosfilt` and NumPy."""

    def less(self, chunk: Recorded, first_uv: Microvolts, out: Microvolts, column: int) -> None:
        """See `Kernel`."""
        chunk.less(first_uv, out, column)

    def filtered(self, signal: npt.NDArray[np.floating], sections: Samples, state: Samples) -> Samples:
        """See `Kernel`."""
        out, after = sosfilt(sections, signal, axis=-1, zi=state.transpose(1, 0, 2))
        state[:] = after.transpose(1, 0, 2)
        return np.asarray(out, dtype=np.float64)

    def quantise(self, signal: Samples, uv_per_unit: float, out: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
        """See `Kernel`."""
        units = np.rint(signal / uv_per_unit)
        beyond = np.abs(units) > FULL_SCALE
        np.clip(units, -FULL_SCALE, FULL_SCALE, out=units)
        out[:] = units
        return np.asarray(beyond.sum(axis=1), dtype=np.int64)

    def units(
        self, signal: npt.NDArray[np.float32], sections: Samples, state: Samples, uv: float, out: npt.NDArray[np.int16]
    ) -> npt.NDArray[np.int64]:
        """See `Kernel`."""
        clipped = np.zeros(len(signal), dtype=np.int64)
        for begin in range(0, signal.shape[1], _PIECE_SAMPLES):
            piece = slice(begin, begin + _PIECE_SAMPLES)
            clipped += self.quantise(self.filtered(signal[:, piece], sections, state), uv, out[:, piece])
        return clipped


def named(name: KernelName) -> Kernel:
    """A kernel by its name; the compiled one is compiled once on a machine (about 5 s) and kept beside its module.

    Raises:
        InputError: if the compiled one cannot be kept or built here (code `kernel`).
    """
    if name == "scipy":
        return Scipy()
    try:
        from ictal.signals.compiled import Compiled  # noqa: PLC0415 - numba takes half a second to import
    except (ImportError, RuntimeError) as error:  # the latter where numba finds no folder for what it compiled
        raise InputError(
            "The compiled kernel cannot be used",
            where="machine.kernel",
            got=str(error),
            expected="numba, and a folder that it can write to",
            remedy='set machine.kernel = "scipy": the numbers are the same, it takes longer',
            code="kernel",
        ) from error
    return Compiled()
