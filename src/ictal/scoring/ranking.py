"""How well scores rank ictal above background: exact areas, ties and weights included; NaN if a class is absent.

AUROC is the probability that an ictal step scores above a background step, a tie counting half. AUPRC is average
precision: the sum over distinct scores, from the highest, of precision times the gain in recall, without interpolation.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


def auroc(
    scores: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None = None
) -> float:
    """Area under the receiver operating characteristic.

    Args:
        scores: Higher means more likely ictal, shape (steps,), finite.
        labels: True where ictal, shape (steps,).
        weights: How much each step counts, >= 0; None where all count alike.
    """
    ictal, background = _mass_by_score(scores, labels, weights)
    total_ictal, total_background = float(ictal.sum()), float(background.sum())
    if total_ictal == 0.0 or total_background == 0.0:
        return math.nan
    ictal_above = np.cumsum(ictal) - ictal
    return float(background @ (ictal_above + 0.5 * ictal)) / (total_ictal * total_background)


def auprc(
    scores: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None = None
) -> float:
    """Average precision; arguments as `auroc`."""
    ictal, background = _mass_by_score(scores, labels, weights)
    total_ictal = float(ictal.sum())
    if total_ictal == 0.0 or float(background.sum()) == 0.0:
        return math.nan
    gain = ictal > 0.0
    precision = np.cumsum(ictal)[gain] / np.cumsum(ictal + background)[gain]
    return float(ictal[gain] @ precision) / total_ictal


def _mass_by_score(
    scores: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None
) -> tuple[Floats, Floats]:
    """Weight of ictal and of background steps at each distinct score, highest score first."""
    weight = np.ones(scores.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    assert scores.shape == labels.shape == weight.shape == (scores.size,), (scores.shape, labels.shape, weight.shape)
    assert np.isfinite(scores).all(), "scores are not finite"
    assert ((weight >= 0.0) & (weight < np.inf)).all(), "weights are not masses"
    if scores.size == 0:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(-scores, kind="stable")
    in_order, ictal = scores[order], labels.astype(np.bool_)[order]
    first = np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
    mass = weight[order]
    return np.add.reduceat(np.where(ictal, mass, 0.0), first), np.add.reduceat(np.where(ictal, 0.0, mass), first)
