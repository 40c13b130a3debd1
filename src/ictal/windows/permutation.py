"""A keyed permutation of `0..size-1`: any position can be asked for, in any order, by anyone, with the same answer.

Small ones are shuffled outright and remembered. Large ones need no memory: a Feistel network permutes the smallest
domain of 2^n that holds `size`, and values that fall outside are sent through again until they fall inside (cycle
walking: Black & Rogaway 2002, "Ciphers with arbitrary finite domains"). It shuffles; it keeps no secrets.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.windows.pools import Numbers

ROUNDS = 6
SHUFFLED = 1 << 14
"""Largest size that is shuffled outright: below it a network's halves are too narrow to mix well."""
_CHUNK = 1 << 14
"""Positions that go through the network together: what they need stays in the processor's cache."""
_MULTIPLIERS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77))
Words: TypeAlias = npt.NDArray[np.uint64]
Halves: TypeAlias = npt.NDArray[np.uint32]


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
    flat, found = asked.ravel(), np.empty(asked.size, dtype=np.int64)
    keys = _round_keys(key)
    for first in range(0, len(flat), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        found[chunk] = _walk(flat[chunk], size, keys)
    return found.reshape(asked.shape)


@lru_cache(maxsize=16)
def _shuffle(size: int, key: int) -> Numbers:
    """All of a small permutation: the order of hashes of the numbers."""
    words = _mix(np.arange(size, dtype=np.uint64) + _mix(np.array([key], dtype=np.uint64)))
    order: Numbers = np.argsort(words, kind="stable").astype(np.int64)
    order.flags.writeable = False
    return order


def _walk(positions: Numbers, size: int, keys: Halves) -> Numbers:
    bits = (size - 1).bit_length()
    values = _feistel(positions, bits, keys)
    outside = np.flatnonzero(values >= size)
    while len(outside):
        again = _feistel(values[outside], bits, keys)
        values[outside] = again
        outside = outside[again >= size]
    return values


def _feistel(values: Numbers, bits: int, keys: Halves) -> Numbers:
    """One pass: the halves, of `bits // 2` bits and the rest, are changed in turn by hashes of each other."""
    narrow = bits // 2
    wide = bits - narrow
    left = (values >> wide).astype(np.uint32)
    right = (values & ((1 << wide) - 1)).astype(np.uint32)
    scratch, shifted = np.empty_like(left), np.empty_like(left)
    for number, key in enumerate(keys):
        source, target, target_bits = (right, left, narrow) if number % 2 == 0 else (left, right, wide)
        np.add(source, key, out=scratch)
        np.multiply(scratch, _MULTIPLIERS[0], out=scratch)
        np.right_shift(scratch, np.uint32(15), out=shifted)
        np.bitwise_xor(scratch, shifted, out=scratch)
        np.multiply(scratch, _MULTIPLIERS[1], out=scratch)
        np.right_shift(scratch, np.uint32(32 - target_bits), out=scratch)
        np.bitwise_xor(target, scratch, out=target)
    joined = left.astype(np.int64)
    np.left_shift(joined, wide, out=joined)
    np.bitwise_or(joined, right, out=joined)
    return joined


def _round_keys(key: int) -> Halves:
    words = _mix(np.arange(ROUNDS, dtype=np.uint64) + _mix(np.array([key % 2**64], dtype=np.uint64)))
    return (words >> np.uint64(32)).astype(np.uint32)


def _mix(words: Words) -> Words:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
