"""Ranking and calibration of any number of steps in bounded memory, with bounds on what binning can have changed.

Probabilities are counted in bins of equal relative width: the leading bits of a float. A bin keeps the mass of ictal
and of background steps and the sum of their probabilities, so that histograms of recordings or of patients add up:

- *Brier score* and skill, mean probability and prevalence are exact but for rounding;
- *AUROC*, *AUPRC* and the *expected calibration error* come as a value and bounds between which the exact one lies,
  whatever the order of the steps within each bin (`ranking` and `reliability` are the exact forms).

The bounds: within a bin, pairs may rank either way (AUROC); all ictal steps may come first or last (AUPRC); and a bin
that an edge of the calibration's bins runs through may be divided in any way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.bootstrap import LEVEL, Interval, divided, interval, resamples
from ictal.scoring.reliability import DEFAULT_BINS, Binning, ReliabilityTable, of_width

Floats: TypeAlias = npt.NDArray[np.float64]

SCORER = "ictal-ranking"
SCORER_VERSION = "1.0.0"

BITS = 12
"""Bits of a probability's fraction that its bin keeps: bins are 1 part in 4,096 wide."""
COARSE_BITS = 6
"""The same for resampling, where every patient has a histogram: 1 part in 64."""

_OCTAVES = 30
_FRACTION_BITS = 52
_SMALLEST = 2.0**-_OCTAVES
_CHUNK = 1 << 22


class Bounded(NamedTuple):
    """A value from bins, and the least and the greatest that the exact one can be; NaN where undefined."""

    value: float
    lower: float
    upper: float


class Histogram:
    """Steps by probability and truth.

    Args:
        bits: See `BITS`. Probabilities below 2^-30 share a bin.
    """

    def __init__(self, bits: int = BITS) -> None:
        assert 1 <= bits <= 20, bits
        self.bits = bits
        shape = (2, _OCTAVES * (1 << bits) + 2)
        self.mass = np.zeros(shape)
        self.promised = np.zeros(shape)
        self.squares = 0.0

    def add(
        self,
        probability: npt.NDArray[np.floating],
        ictal: npt.NDArray[np.bool_],
        weights: npt.NDArray[np.floating] | None = None,
    ) -> None:
        """Count steps.

        Args:
            probability: Of each step, from 0 to 1, shape (steps,).
            ictal: The truth of each, shape (steps,).
            weights: How much each counts, >= 0; None where all count alike.
        """
        p = np.asarray(probability, dtype=np.float64)
        assert p.shape == ictal.shape == (p.size,), (p.shape, ictal.shape)
        assert p.min(initial=0.0) >= 0.0, "a value is below 0 or not a number"
        assert p.max(initial=0.0) <= 1.0, "a value is above 1"
        bins = self.mass.shape[1]
        place = self._bin(p) + np.where(ictal, bins, 0)
        weight = None if weights is None else np.asarray(weights, dtype=np.float64)
        promised = p if weight is None else p * weight
        self.mass += np.bincount(place, weights=weight, minlength=2 * bins).reshape(2, bins)
        self.promised += np.bincount(place, weights=promised, minlength=2 * bins).reshape(2, bins)
        self.squares += float(promised @ p)

    def __add__(self, other: Histogram) -> Histogram:
        assert self.bits == other.bits, (self.bits, other.bits)
        both = Histogram(self.bits)
        both.mass, both.promised = self.mass + other.mass, self.promised + other.promised
        both.squares = self.squares + other.squares
        return both

    @property
    def steps(self) -> float:
        """Mass of all steps."""
        return float(self.mass.sum())

    @property
    def prevalence(self) -> float:
        """Ictal share of the steps; NaN without one."""
        return _ratio(float(self.mass[1].sum()), self.steps)

    @property
    def mean_probability(self) -> float:
        """Mean probability of the steps; NaN without one."""
        return _ratio(float(self.promised.sum()), self.steps)

    @property
    def brier(self) -> float:
        """Mean squared difference between probability and truth; NaN without a step."""
        squared = self.squares - 2.0 * float(self.promised[1].sum()) + float(self.mass[1].sum())
        return _ratio(max(squared, 0.0), self.steps)

    @property
    def brier_skill(self) -> float:
        """1 - Brier score / that of the prevalence; NaN where a class is absent."""
        negative, positive = self.mass.sum(axis=1).tolist()
        return 1.0 - _ratio(self.brier * (positive + negative) ** 2, positive * negative)

    @property
    def auroc(self) -> Bounded:
        """Area under the receiver operating characteristic; NaN where a class is absent."""
        background, ictal = self.mass
        value = float(_auroc(ictal, background))
        either = _ratio(float(ictal @ background), float(ictal.sum() * background.sum())) / 2.0
        return Bounded(value, max(value - either, 0.0), min(value + either, 1.0))

    @property
    def auprc(self) -> Bounded:
        """Average precision; NaN where a class is absent."""
        value = float(_auprc(self.mass[1], self.mass[0]))
        if math.isnan(value):
            return Bounded(value, value, value)
        background, ictal = self.mass[:, ::-1][:, self.mass[1, ::-1] > 0.0]
        above = np.cumsum(self.mass[:, ::-1], axis=1)[:, self.mass[1, ::-1] > 0.0]
        found, seen = above[1] - ictal, above.sum(axis=0) - ictal  # ictal steps before; all steps but these
        first = ictal * (found + ictal) / (seen - background + ictal)
        wrong = seen - found
        last = ictal - wrong * np.log1p(ictal / np.where(seen > 0.0, seen, 1.0))
        total = float(ictal.sum())
        return Bounded(value, max(float(last.sum()) / total, 0.0), min(float(first.sum()) / total, 1.0))

    @property
    def ece(self) -> Bounded:
        """Expected calibration error in 15 bins of equal mass; NaN without a step."""
        value = float(_ece(self.mass[1], self.mass[0], self.promised.sum(axis=0)))
        if math.isnan(value):
            return Bounded(value, value, value)
        mass = self.mass.sum(axis=0)
        after = np.cumsum(mass)
        edges = np.arange(1, DEFAULT_BINS) * (after[-1] / DEFAULT_BINS)
        divided_bins = np.searchsorted(edges, after - mass, side="left") < np.searchsorted(edges, after, side="right")
        wrong = self.promised[0] + self.mass[1] - self.promised[1]  # sum of |p - truth| in each bin
        either = 2.0 * float(wrong[divided_bins & (mass > 0.0)].sum()) / float(after[-1])
        return Bounded(value, max(value - either, 0.0), min(value + either, 1.0))

    def reliability(self, binning: Binning = "equal-mass") -> ReliabilityTable:
        """What each bin promised and held, as `reliability_table`, but that none of the histogram's is divided."""
        mass, promised = self.mass.sum(axis=0), self.promised.sum(axis=0)
        if binning == "equal-mass":
            number = _equal_mass(mass[None])
        else:
            mean = np.divide(promised, mass, out=np.zeros_like(mass), where=mass > 0.0)
            number = of_width(np.minimum(mean, 1.0), DEFAULT_BINS, binning)
        mass, promised, ictal = (
            np.bincount(number, weights=one, minlength=DEFAULT_BINS).astype(np.float64)
            for one in (mass, promised, self.mass[1])
        )
        held = mass > 0.0
        return ReliabilityTable(
            binning=binning,
            weight=mass[held],
            mean_probability=promised[held] / mass[held],
            ictal_share=ictal[held] / mass[held],
        )

    def _bin(self, probability: Floats) -> npt.NDArray[np.int64]:
        """0 below the smallest, then so many to an octave, 1 in the last."""
        leading = probability.view(np.int64) >> (_FRACTION_BITS - self.bits)
        smallest = np.float64(_SMALLEST).view(np.int64) >> (_FRACTION_BITS - self.bits)
        return np.asarray(np.maximum(leading - smallest + 1, 0), dtype=np.int64)


def bootstrap(
    patients: Sequence[Histogram], generator: np.random.Generator, *, draws: int, level: float = LEVEL
) -> Mapping[str, Interval]:
    """Intervals of what a histogram tells, from resampled patients: as exact as the histograms are fine.

    Args:
        patients: The histogram of each patient, of equal bits.
        generator: Source of the draws.
        draws: Resamples.
        level: Share of the resamples inside the interval.
    """
    used = np.any([one.mass.sum(axis=0) > 0.0 for one in patients], axis=0)
    mass = np.array([one.mass[:, used] for one in patients])
    promised = np.array([one.promised[:, used] for one in patients])
    squares = np.array([one.squares for one in patients])
    times = resamples(len(patients), generator, draws)
    rows = max(1, _CHUNK // max(mass[0].size, 1))
    parts = [_measures(times[a : a + rows], mass, promised, squares) for a in range(0, draws, rows)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: interval(drawn, patients=len(patients), level=level) for name, drawn in columns.items()}


def _measures(times: Floats, mass: Floats, promised: Floats, squares: Floats) -> dict[str, Floats]:
    """Every measure in some resamples: (draws,)."""
    background, ictal = np.moveaxis(np.tensordot(times, mass, axes=1), 1, 0)
    said = np.tensordot(times, promised, axes=1)
    positive, negative = ictal.sum(axis=1), background.sum(axis=1)
    total = positive + negative
    brier = divided(np.maximum(times @ squares - 2.0 * said[:, 1].sum(axis=1) + positive, 0.0), total)
    return {
        "auroc": _auroc(ictal, background),
        "auprc": _auprc(ictal, background),
        "ece": _ece(ictal, background, said.sum(axis=1)),
        "brier": brier,
        "brier_skill": 1.0 - divided(brier * total**2, positive * negative),
    }


def _auroc(ictal: Floats, background: Floats) -> Floats:
    """From the masses in bins by rising probability, (..., bins): (...)."""
    below = np.cumsum(background, axis=-1) - background
    wins = (ictal * (below + 0.5 * background)).sum(axis=-1)
    return divided(wins, ictal.sum(axis=-1) * background.sum(axis=-1))


def _auprc(ictal: Floats, background: Floats) -> Floats:
    """Average precision from the same; NaN where a class is absent."""
    found, seen = (np.cumsum(side[..., ::-1], axis=-1) for side in (ictal, ictal + background))
    gained = ictal[..., ::-1] * found / np.where(seen > 0.0, seen, 1.0)
    total = np.where(background.sum(axis=-1) > 0.0, ictal.sum(axis=-1), 0.0)
    return divided(gained.sum(axis=-1), total)


def _ece(ictal: Floats, background: Floats, promised: Floats) -> Floats:
    """Expected calibration error from the same and the sum of probabilities in each bin, (..., bins)."""
    mass = (ictal + background).reshape(-1, ictal.shape[-1])
    number = _equal_mass(mass)
    excess = np.bincount(number, weights=(promised - ictal).reshape(-1), minlength=DEFAULT_BINS * len(mass))
    error = np.abs(excess).reshape(len(mass), DEFAULT_BINS).sum(axis=-1)
    return divided(error, mass.sum(axis=-1)).reshape(ictal.shape[:-1])


def _equal_mass(mass: Floats) -> npt.NDArray[np.int64]:
    """Calibration's bin of each mass in rows of them, (rows, bins), by its middle; those of row r from 15 r on."""
    total = mass.sum(axis=-1)
    middle = np.cumsum(mass, axis=-1) - 0.5 * mass
    whole = np.where(total > 0.0, total, 1.0)[:, None]
    number = np.minimum((middle * DEFAULT_BINS / whole).astype(np.int64), DEFAULT_BINS - 1)
    return np.asarray((number + DEFAULT_BINS * np.arange(len(mass))[:, None]).reshape(-1))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
