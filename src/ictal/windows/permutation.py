"""A keyed permutation of `0..size-1` that needs no memory: any position can be asked for, in any order, by anyone.

A balanced Feistel network permutes the smallest domain of 4^n that holds `size`; values that fall outside are sent
through again until they fall inside (cycle walking: Black & Rogaway 2002, "Ciphers with arbitrary finite domains").
It shuffles; it keeps no secrets.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ROUNDS = 6
Numbers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


def permute(positions: npt.ArrayLike, size: int, key: int) -> Numbers:
    """The number at each position of the permutation of `0..size-1` that belongs to the key.

    Args:
        positions: Positions in `0..size-1`, any shape.
        size: How many numbers are permuted.
        key: Any integer; another key gives another permutation.
    """
    values = np.atleast_1d(np.asarray(positions, dtype=np.uint64))
    half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    keys = _mix(np.arange(ROUNDS, dtype=np.uint64) + np.uint64(key % 2**64))
    values = _feistel(values, half_bits, keys)
    outside = values >= size
    while outside.any():
        values[outside] = _feistel(values[outside], half_bits, keys)
        outside = values >= size
    return values.astype(np.int64).reshape(np.shape(positions))


def _feistel(values: Words, half_bits: int, keys: Words) -> Words:
    shift, mask = np.uint64(half_bits), np.uint64((1 << half_bits) - 1)
    left, right = values >> shift, values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return (left << shift) | right


def _mix(words: Words) -> Words:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
