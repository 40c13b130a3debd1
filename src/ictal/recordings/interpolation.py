"""Potentials at missing electrodes from those at measured ones, by spherical splines.

The 19 electrodes lie on a unit sphere: the 10-20 ring 72 degrees from Cz, the inner ones on great circles of 10-20.
Interpolation is linear, so it is a matrix; every row of it sums to one, so the reference does not matter.

Source: Perrin, Pernier, Bertrand & Echallier 1989, equations 1 to 3, with m = 4, and MNE-Python's
smoothing of 1e-5 on the diagonal.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ictal.recordings.channels import SCALP_19

_ORDER = 4
_TERMS = 50
_SMOOTHING = 1e-5
_RING = ("Fp2", "F8", "T4", "T6", "O2", "O1", "T5", "T3", "F7", "Fp1")
_AXES = {"Cz": (0.0, 0.0), "Fz": (36.0, 90.0), "Pz": (36.0, -90.0), "C3": (36.0, 180.0), "C4": (36.0, 0.0)}
_MIDPOINTS = {"F3": ("F7", "Fz"), "F4": ("F8", "Fz"), "P3": ("T5", "Pz"), "P4": ("T6", "Pz")}


def _positions() -> dict[str, tuple[float, float, float]]:
    """Unit vectors: x to the right, y to the nose, z to the vertex."""
    degrees = {**_AXES, **{name: (72.0, 72.0 - 36.0 * place) for place, name in enumerate(_RING)}}
    points = {name: _point(from_vertex, from_right) for name, (from_vertex, from_right) in degrees.items()}
    for name, (one, other) in _MIDPOINTS.items():
        middle = points[one] + points[other]
        points[name] = middle / np.linalg.norm(middle)
    return {name: (float(x), float(y), float(z)) for name in SCALP_19 for x, y, z in [points[name]]}


def _point(from_vertex_degrees: float, from_right_degrees: float) -> npt.NDArray[np.float64]:
    tilt, turn = np.radians(from_vertex_degrees), np.radians(from_right_degrees)
    return np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)])


POSITIONS: Mapping[str, tuple[float, float, float]] = MappingProxyType(_positions())
"""Unit vectors of the 19 scalp electrodes: x to the right, y to the nose, z to the vertex."""


@functools.cache
def spline_weights(measured: tuple[str, ...], wanted: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Weights of the measured electrodes in each wanted one, (wanted, measured); all of them of the 19."""
    here = np.array([POSITIONS[name] for name in measured])
    there = np.array([POSITIONS[name] for name in wanted]).reshape(len(wanted), 3)
    count = len(measured)
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = _g(here @ here.T) + _SMOOTHING * np.eye(count)
    system[count, count] = 0.0
    right = np.column_stack([_g(there @ here.T), np.ones(len(wanted))])
    weights = np.asarray(np.linalg.solve(system, right.T).T[:, :count], dtype=np.float64)
    weights.setflags(write=False)
    return weights


def _g(cosines: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Perrin's equation 3, a sum of Legendre polynomials of the cosine of the angle between two electrodes."""
    n = np.arange(1, _TERMS + 1)
    coefficients = np.concatenate([[0.0], (2 * n + 1) / (n * (n + 1.0)) ** _ORDER])
    values: npt.NDArray[np.float64] = np.polynomial.legendre.legval(np.clip(cosines, -1.0, 1.0), coefficients)
    return values / (4 * np.pi)
