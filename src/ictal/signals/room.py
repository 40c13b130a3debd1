"""Memory that is used again: else the system maps, zeroes and takes back every array of a megabyte."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", bound=np.number)


class Room(Generic[Number]):
    """One array at a time of any shape; it holds until the next is asked for.

    Args:
        kind: What it holds.
    """

    def __init__(self, kind: type[Number]) -> None:
        self._kind = kind
        self._values: npt.NDArray[Number] = np.empty(0, dtype=kind)

    def __call__(self, *shape: int) -> npt.NDArray[Number]:
        """An array of this shape, with anything in it."""
        size = math.prod(shape)
        if len(self._values) < size:
            self._values = np.empty(size, dtype=self._kind)
        return self._values[:size].reshape(shape)
