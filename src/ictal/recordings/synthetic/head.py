"""The head: where the electrodes sit, and how activity at one place is seen at another.

Electrodes lie on a unit sphere in the layout of the international 10-20 system (x to the right ear, y to the nose, z
up). Everything spatial in the synthetic corpus (correlation of the background, the field of a blink, the spread of a
seizure) follows from the distances between these points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# Angle from the vertex and angle from the right ear towards the nose, in degrees.
_ANGLES_DEG: dict[str, tuple[float, float]] = {
    "FP1": (90, 108),
    "FP2": (90, 72),
    "F3": (60, 129),
    "F4": (60, 51),
    "C3": (45, 180),
    "C4": (45, 0),
    "P3": (60, 231),
    "P4": (60, 309),
    "O1": (90, 252),
    "O2": (90, 288),
    "F7": (90, 144),
    "F8": (90, 36),
    "T3": (90, 180),
    "T4": (90, 0),
    "T5": (90, 216),
    "T6": (90, 324),
    "FZ": (45, 90),
    "CZ": (0, 0),
    "PZ": (45, 270),
    "A1": (116, 190),
    "A2": (116, 350),
}
_EYES_DEG = (108.0, 90.0)

ELECTRODES: tuple[str, ...] = tuple(_ANGLES_DEG)
INDEX: dict[str, int] = {name: number for number, name in enumerate(ELECTRODES)}

TCP_PAIRS: tuple[tuple[str, str], ...] = (
    *(("FP1", "F7"), ("F7", "T3"), ("T3", "T5"), ("T5", "O1")),
    *(("FP2", "F8"), ("F8", "T4"), ("T4", "T6"), ("T6", "O2")),
    *(("A1", "T3"), ("T3", "C3"), ("C3", "CZ"), ("CZ", "C4"), ("C4", "T4"), ("T4", "A2")),
    *(("FP1", "F3"), ("F3", "C3"), ("C3", "P3"), ("P3", "O1")),
    *(("FP2", "F4"), ("F4", "C4"), ("C4", "P4"), ("P4", "O2")),
)


def _on_sphere(angles_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
    inclination, azimuth = np.deg2rad(np.asarray(angles_deg, dtype=np.float64)).T
    return np.stack(
        [np.sin(inclination) * np.cos(azimuth), np.sin(inclination) * np.sin(azimuth), np.cos(inclination)], axis=-1
    )


POSITIONS: npt.NDArray[np.float64] = _on_sphere(list(_ANGLES_DEG.values()))
DISTANCES: npt.NDArray[np.float64] = np.linalg.norm(POSITIONS[:, None] - POSITIONS[None], axis=-1)


def field(centre: str, width: float) -> Array:
    """Weight with which each electrode sees activity centred under one electrode; 1 at the centre.

    Args:
        centre: Name of the electrode at the centre.
        width: Standard deviation of the bell, in head radii (neighbours are about 0.6 apart).
    """
    return _bell(DISTANCES[INDEX[centre]], width)


def fields(centres: tuple[str, ...], width: float) -> Array:
    """Fields of several centres as the columns of a mixing matrix, shape (electrodes, centres)."""
    return np.stack([field(centre, width) for centre in centres], axis=1)


def eyes_field() -> Array:
    """How a vertical eye movement is seen: nearly all of it at the two frontal poles."""
    distance = np.linalg.norm(POSITIONS - _on_sphere(_EYES_DEG), axis=-1)
    weights = _bell(distance, 0.48)
    return np.asarray(weights / weights.max())


def gaze_field() -> Array:
    """How a horizontal eye movement is seen: opposite signs at F7 and F8."""
    return field("F7", 0.4) - field("F8", 0.4)


def mixing(width: float, own_share: float) -> Array:
    """Matrix that turns independent unit sources into electrodes of unit variance with distance-dependent correlation.

    Args:
        width: Standard deviation of the correlation's bell, in head radii.
        own_share: Share of each electrode's variance that it has with no other.
    """
    correlation = (1 - own_share) * np.exp(-0.5 * (DISTANCES / width) ** 2) + own_share * np.eye(len(ELECTRODES))
    return np.linalg.cholesky(correlation).astype(np.float32)


def _bell(distance: npt.NDArray[np.float64], width: float) -> Array:
    return np.exp(-0.5 * (distance / width) ** 2).astype(np.float32)
