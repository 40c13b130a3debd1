"""A keyed permutation of `0..size-1`: any position can be asked for, in any order, by anyone, with the same answer.

Small ones are shuffled outright and remembered. Large ones need no memory: a number is written as (left, right) in a
square grid that just holds `size`, and each half in turn is shifted, modulo its range, by a hash of the other: a
Feistel network over any range, after Black & Rogaway 2002, "Ciphers with arbitrary finite domains". The few values
that fall outside `size` are sent through again until they fall inside. It shuffles; it keeps no secrets.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.windows.pools import Numbers

ROUNDS = 6
SHUFFLED = 1 << 14
"""Largest size that is shuffled outright: below it a network's halves are too narrow to mix well."""
_CHUNK = 1 << 15
"""Values that go through the network together: what they need stays in the processor's cache."""
_MULTIPLIERS = (0x9E3779B1, 0x85EBCA77)
Words: TypeAlias = npt.NDArray[np.uint64]
Halves: TypeAlias = npt.NDArray[Any]


def permute(positions: npt.ArrayLike, size: int, key: int) -> Numbers:
    """The number at each position of the permutation of `0..size-1` that belongs to the key.

    Args:
        positions: Positions in `0..size-1`, any shape.
        size: How many numbers are permuted.
        key: Any integer; another key gives another permutation.
    """
    asked = np.asarray(positions, dtype=np.int64)
    if size <= SHUFFLED:
        shuffled: Numbers = _shuffle(size, key % 2**64)[asked]
        return shuffled
    keys = _round_keys(key)
    found = _pass(asked.ravel(), size, keys)
    outside = np.flatnonzero(found >= size)
    while len(outside):
        again = _pass(found[outside], size, keys)
        found[outside] = again
        outside = outside[again >= size]
    return found.reshape(asked.shape)


@lru_cache(maxsize=16)
def _shuffle(size: int, key: int) -> Numbers:
    """All of a small permutation: the order of hashes of the numbers."""
    words = _mix(np.arange(size, dtype=np.uint64) + _mix(np.array([key], dtype=np.uint64)))
    order: Numbers = np.argsort(words, kind="stable").astype(np.int64)
    order.flags.writeable = False
    return order


def _pass(values: Numbers, size: int, keys: Words) -> Numbers:
    """Send all values through the network once: to numbers below the smallest square that holds `size`."""
    side = math.isqrt(size - 1) + 1
    word: type[np.uint32 | np.uint64] = np.uint32 if side <= 1 << 16 else np.uint64
    found = np.empty_like(values)
    for first in range(0, len(values), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        left = values[chunk] // side
        right = values[chunk] - left * side
        left, right = _mixed(left.astype(word), right.astype(word), word(side), keys.astype(word))
        np.multiply(left, side, out=found[chunk], dtype=np.int64, casting="unsafe")
        found[chunk] += right.astype(np.int64)
    return found


def _mixed(left: Halves, right: Halves, side: np.unsignedinteger, keys: Halves) -> tuple[Halves, Halves]:
    """The halves after all rounds; both are changed in place.

    The upper half of a word's bits is a fair number below `2^half`; times `side`, and down again, it is one below
    `side`. A sum below `2 * side` is reduced by taking the smaller of it and it less `side`, which wraps if negative.
    """
    half = left.dtype.type(left.dtype.itemsize * 4)
    scratch, shifted = np.empty_like(left), np.empty_like(left)
    for number, key in enumerate(keys):
        source, target = (right, left) if number % 2 == 0 else (left, right)
        np.add(source, key, out=scratch)
        np.multiply(scratch, left.dtype.type(_MULTIPLIERS[0]), out=scratch)
        np.right_shift(scratch, half, out=shifted)
        np.bitwise_xor(scratch, shifted, out=scratch)
        np.multiply(scratch, left.dtype.type(_MULTIPLIERS[1]), out=scratch)
        np.right_shift(scratch, half, out=scratch)
        np.multiply(scratch, side, out=scratch)
        np.right_shift(scratch, half, out=scratch)
        np.add(target, scratch, out=target)
        np.subtract(target, side, out=scratch)
        np.minimum(target, scratch, out=target)
    return left, right


def _round_keys(key: int) -> Words:
    words = _mix(np.arange(ROUNDS, dtype=np.uint64) + _mix(np.array([key % 2**64], dtype=np.uint64)))
    return words >> np.uint64(32)


def _mix(words: Words) -> Words:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
