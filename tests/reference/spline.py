"""Spherical spline interpolation, one term at a time, after Perrin 1989: solve with smoothing, then evaluate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np


def interpolate(values: Mapping[str, float], wanted: str, positions: Mapping[str, Sequence[float]]) -> float:
    """The potential at one electrode."""
    names = list(values)
    rows = [[g(positions[a], positions[b]) + (1e-5 if a == b else 0.0) for b in names] + [1.0] for a in names]
    rows.append([1.0] * len(names) + [0.0])
    *coefficients, constant = np.linalg.solve(np.array(rows), np.array([*values.values(), 0.0]))
    terms = zip(coefficients, names, strict=True)
    return constant + sum(c * g(positions[wanted], positions[name]) for c, name in terms)


def g(one: Sequence[float], other: Sequence[float]) -> float:
    """Equation 3 with m = 4; Legendre polynomials by Bonnet's recursion."""
    x = sum(a * b for a, b in zip(one, other, strict=True))
    before, here, total = 1.0, x, 0.0
    for n in range(1, 51):
        total += (2 * n + 1) / (n * (n + 1)) ** 4 * here
        before, here = here, ((2 * n + 1) * x * here - n * before) / (n + 1)
    return total / (4 * math.pi)
