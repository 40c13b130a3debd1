"""Do probabilities mean what they say: Brier score and skill, calibration error, the table behind a reliability plot.

The expected calibration error is the weighted mean, over bins, of |mean probability - ictal share|. Bins have equal
mass unless equal width is asked for: at a prevalence of 1 % equal-width bins hold nearly every step in the lowest one.
For a plot neither serves: bins of equal mass have all steps with a high probability in one. Equal widths of the
probability's square root show both ends.
Steps with one probability always share a bin, so the result does not depend on their order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Reals: TypeAlias = npt.NDArray[np.floating]
Binning: TypeAlias = Literal["equal-mass", "equal-width", "equal-root"]
DEFAULT_BINS = 15


@dataclass(frozen=True, kw_only=True)
class ReliabilityTable:
    """Bins that hold at least one step, by rising probability.

    Args:
        binning: How the bins were cut.
        weight: Steps (or their weight) in each bin.
        mean_probability: Of the steps in each bin.
        ictal_share: Of the steps in each bin.
    """

    binning: Binning
    weight: Floats
    mean_probability: Floats
    ictal_share: Floats

    @property
    def ece(self) -> float:
        """Expected calibration error; NaN without a step."""
        if self.weight.size == 0:
            return math.nan
        return float(self.weight @ np.abs(self.mean_probability - self.ictal_share) / self.weight.sum())


def brier(
    probability: Reals,
    labels: Bools,
    weights: Reals | None = None,
) -> float:
    """Mean squared difference between probability and truth; NaN without a step.

    Args:
        probability: Of each step, shape (steps,).
        labels: True where ictal, shape (steps,).
        weights: How much each step counts, >= 0; None where all count alike.
    """
    p, ictal, weight = _checked(probability, labels, weights)
    mass = float(weight.sum())
    return float(weight @ (p - ictal) ** 2) / mass if mass else math.nan


def brier_skill(
    probability: Reals,
    labels: Bools,
    weights: Reals | None = None,
) -> float:
    """1 for certainty that is right, 0 for always answering the prevalence; NaN if a class is absent."""
    _, ictal, weight = _checked(probability, labels, weights)
    positive, negative = float(weight @ ictal), float(weight @ (1.0 - ictal))
    if not (positive and negative):
        return math.nan
    return 1.0 - brier(probability, labels, weights) * (positive + negative) ** 2 / (positive * negative)


def ece(
    probability: Reals,
    labels: Bools,
    weights: Reals | None = None,
    *,
    bins: int = DEFAULT_BINS,
    binning: Binning = "equal-mass",
) -> float:
    """Expected calibration error; arguments as `reliability_table`."""
    return reliability_table(probability, labels, weights, bins=bins, binning=binning).ece


def reliability_table(
    probability: Reals,
    labels: Bools,
    weights: Reals | None = None,
    *,
    bins: int = DEFAULT_BINS,
    binning: Binning = "equal-mass",
) -> ReliabilityTable:
    """What each bin of probability promised and what it held.

    Args:
        probability: Of each step, shape (steps,).
        labels: True where ictal, shape (steps,).
        weights: How much each step counts, >= 0; None where all count alike.
        bins: Most bins to cut; fewer come back where some stay empty.
        binning: Bins of equal mass, of equal width, or of equal width on a scale of square roots.
    """
    p, ictal, weight = _checked(probability, labels, weights)
    number = _equal_mass(p, weight, bins) if binning == "equal-mass" else of_width(p, bins, binning)
    mass: Floats = np.bincount(number, weights=weight, minlength=bins).astype(np.float64)
    held = mass > 0.0
    promised = np.bincount(number, weights=weight * p, minlength=bins)
    found = np.bincount(number, weights=weight * ictal, minlength=bins)
    return ReliabilityTable(
        binning=binning,
        weight=mass[held],
        mean_probability=promised[held] / mass[held],
        ictal_share=found[held] / mass[held],
    )


def of_width(probability: Floats, bins: int, binning: Literal["equal-width", "equal-root"]) -> npt.NDArray[np.int64]:
    """Bin of each probability, by itself or by its square root."""
    value = probability if binning == "equal-width" else np.sqrt(probability)
    return np.minimum(np.floor(value * bins), bins - 1).astype(np.int64)


def _equal_mass(probability: Floats, weight: Floats, bins: int) -> npt.NDArray[np.int64]:
    """Bin of the middle of each distinct probability's mass."""
    _, place = np.unique(probability, return_inverse=True)
    mass = np.bincount(place, weights=weight)
    middle = np.cumsum(mass) - 0.5 * mass
    number = np.floor(middle * bins / mass.sum()) if mass.any() else np.zeros(mass.shape)
    return np.minimum(number, bins - 1).astype(np.int64)[place]


def _checked(probability: Reals, labels: Bools, weights: Reals | None) -> tuple[Floats, Floats, Floats]:
    p = np.asarray(probability, dtype=np.float64)
    weight = np.ones_like(p) if weights is None else np.asarray(weights, dtype=np.float64)
    assert p.shape == labels.shape == weight.shape == (p.size,), (p.shape, labels.shape, weight.shape)
    assert ((p >= 0.0) & (p <= 1.0)).all(), "not probabilities"
    assert ((weight >= 0.0) & (weight < np.inf)).all(), "weights are not masses"
    return p, labels.astype(np.float64), weight
