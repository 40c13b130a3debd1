"""Memory that is used again: else the system maps, zeroes and takes back every array of a megabyte."""

from __future__ import annotations

import functools
import math
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", bound=np.number)

_LARGEST_BYTES = 32 * 2**20 - 2**13
"""Largest array, with what the allocator puts before it, whose end tells glibc to keep more: `mallopt(3)`."""


@functools.cache
def keep_what_is_freed() -> None:
    """Let this process keep up to 64 MB of the memory that it frees, for its next arrays.

    glibc gives every array of more than 128 kB back to the system, which maps the pages of the next one anew, one by
    one; once an array of up to 32 MB has been freed, it keeps arrays up to that size, and twice as much in all. So one
    is made and freed, of which nobody touches a page. With another C library, or where the environment sets `MALLOC_`
    thresholds, nothing changes.
    """
    np.empty(_LARGEST_BYTES, dtype=np.uint8)


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
