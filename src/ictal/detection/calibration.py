"""Logits become probabilities that mean what they say.

Two corrections, in this order. *Prior*: training drew seizures more often than nature does, by an exactly known
amount; that adds one constant to every logit (Bayes' rule), which `correct_prior` takes away again. *Calibration*: what
is left of over- or under-confidence is measured on the tuning split, which is at natural prevalence, by a method:

- `temperature`: the line `logit / temperature`; keeps the prior's offset as it is.
- `platt`: the line `logit / temperature + bias` (Platt, 1999); also takes back an offset that is not the prior's,
  as where training chose its background (hard negatives, strata in other shares than nature's).
- `isotonic`: any rising path, by pooling adjacent violators (Ayer et al., 1955); needs many seizures, and gives one
  probability to logits that it pools, so that thresholds between them are lost.

Lines have the least weighted log loss, found with Newton's method. Labels are softened as Platt does, from 0 and 1 to
1/(n + 2) and (n + 1)/(n + 2), so that a perfectly separated tuning split has a finite answer; with many labels this
changes nothing. Where tuning steps are no fair sample of nature, `weights` say how many natural steps each stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError

Floats: TypeAlias = npt.NDArray[np.float64]
Method: TypeAlias = Literal["temperature", "platt", "isotonic"]

_MAX_ITERATIONS = 100
_DECREMENT_TOLERANCE = 1e-12
"""Squared Newton decrement, in nats of mean log loss, below which the fit has arrived."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The line, or the path, that turns prior-corrected logits into calibrated ones.

    Args:
        temperature: Of the line.
        bias: Of the line.
        knots: `(logit, calibrated logit)` of the path, both rising; none where a line does it all. Between knots the
            path is straight, outside level.
    """

    temperature: float = 1.0
    bias: float = 0.0
    knots: Sequence[tuple[float, float]] = ()

    def apply(self, logits: npt.NDArray[np.floating]) -> Floats:
        """Calibrated logits."""
        line = np.asarray(logits, dtype=np.float64) / self.temperature + self.bias
        if not self.knots:
            return line
        place, value = np.array(self.knots).T
        path: Floats = np.interp(line, place, value)
        return path


def sigmoid(logits: npt.NDArray[np.floating]) -> Floats:
    """Probability of each logit; exact in the tails and free of overflow."""
    small = np.exp(-np.abs(np.asarray(logits, dtype=np.float64)))
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)


def prior_offset(natural: float, drawn: float) -> float:
    """What to add to a logit that was learnt at prevalence `drawn` to make it right at `natural`.

    Args:
        natural: Share of ictal time steps in the recordings.
        drawn: Share of ictal time steps in what the model was trained on.

    Raises:
        InputError: if a prevalence is not strictly between 0 and 1.
    """
    return _logit(natural, "natural") - _logit(drawn, "drawn")


def correct_prior(logits: npt.NDArray[np.floating], natural: float, drawn: float) -> Floats:
    """Logits as a model trained at the natural prevalence would have given them."""
    return np.asarray(logits, dtype=np.float64) + prior_offset(natural, drawn)


def fit(
    method: Method,
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.floating] | None = None,
) -> Calibration:
    """The calibration by a method; arguments and errors as `fit_calibration`."""
    if method == "temperature":
        return Calibration(temperature=fit_temperature(logits, labels, weights))
    return fit_calibration(logits, labels, weights) if method == "platt" else fit_isotonic(logits, labels, weights)


def fit_temperature(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None = None
) -> float:
    """The temperature alone, for logits whose prior is trusted; arguments as `fit_calibration`."""
    slope, _ = _fit_line(logits, labels, weights, with_bias=False)
    return 1.0 / slope


def fit_calibration(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None = None
) -> Calibration:
    """Temperature and bias with the least weighted log loss.

    Args:
        logits: Prior-corrected logits of the tuning split, shape (steps,).
        labels: True where ictal, shape (steps,).
        weights: How many natural steps each stands for, > 0; None where every step stands for itself.

    Raises:
        InputError: if only one class is present, the logits are constant, or they fall where seizures are.
    """
    slope, bias = _fit_line(logits, labels, weights, with_bias=True)
    return Calibration(temperature=1.0 / slope, bias=bias)


def fit_isotonic(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None = None
) -> Calibration:
    """The rising path with the least squared error; arguments and errors as `fit_calibration`."""
    x, weight = _informative(logits, labels, weights)
    place, which = np.unique(x, return_inverse=True)
    mass: Floats = np.bincount(which, weights=weight).astype(np.float64)
    share: Floats = np.bincount(which, weights=weight * _soft_targets(labels, weight)) / mass
    first, pooled = pool_adjacent_violators(share, mass)
    if len(first) == 1:
        _positive(0.0)
    value = np.log(pooled) - np.log1p(-pooled)
    last = np.append(first[1:], place.size) - 1
    ends = np.union1d(first, last)
    block = np.searchsorted(first, ends, side="right") - 1
    return Calibration(knots=tuple(zip(place[ends].tolist(), value[block].tolist(), strict=True)))


def pool_adjacent_violators(values: Floats, weights: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """The rising sequence nearest to `values` in weighted squares, as blocks of equal value.

    Args:
        values: Shape (n,).
        weights: Above 0, shape (n,).

    Returns:
        First place of each block and its value, which rises from block to block.
    """
    first: list[int] = []
    mean: list[float] = []
    mass: list[float] = []
    for n, (value, weight) in enumerate(zip(values.tolist(), weights.tolist(), strict=True)):
        first.append(n)
        mean.append(value)
        mass.append(weight)
        while len(mean) > 1 and mean[-2] >= mean[-1]:
            added = mass[-2] + mass[-1]
            mean[-2:] = [(mean[-2] * mass[-2] + mean[-1] * mass[-1]) / added]
            mass[-2:] = [added]
            first.pop()
    return np.array(first), np.array(mean)


def _logit(prevalence: float, name: str) -> float:
    if not 0.0 < prevalence < 1.0:
        raise InputError(
            "A prevalence must lie strictly between 0 and 1",
            where=f"{name} prevalence",
            got=prevalence,
            expected="0 < prevalence < 1",
            remedy="take both prevalences from one batch plan; at 0 or 1 there is nothing to learn",
            code="prevalence",
        )
    return math.log(prevalence) - math.log1p(-prevalence)


def _fit_line(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.floating] | None,
    *,
    with_bias: bool,
) -> tuple[float, float]:
    """Slope and bias; fitted to logits that are moved and scaled to -1..1, where Newton's method loses no digits."""
    x, weight = _informative(logits, labels, weights)
    centre = float(weight @ x / weight.sum()) if with_bias else 0.0
    scale = float(np.abs(x - centre).max())
    unit = (x - centre) / scale
    columns = np.stack([unit, np.ones_like(unit)] if with_bias else [unit])
    fitted = _newton(columns, _soft_targets(labels, weight), weight / weight.sum())
    slope = float(fitted[0]) / scale
    return _positive(slope), float(fitted[1]) - slope * centre if with_bias else 0.0


def _informative(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None
) -> tuple[Floats, Floats]:
    """Logits and weights as they are computed with, after a look whether a fit can learn from them."""
    x = np.asarray(logits, dtype=np.float64)
    weight = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    assert x.shape == labels.shape == weight.shape == (x.size,), (x.shape, labels.shape, weight.shape)
    assert np.isfinite(x).all(), "logits are not finite"
    assert ((weight > 0.0) & (weight < np.inf)).all(), "weights are not positive"
    _check_informative(x, labels, weight)
    return x, weight


def _check_informative(logits: Floats, labels: npt.NDArray[np.bool_], weight: Floats) -> None:
    if labels.all() or not labels.any():
        raise InputError(
            "Calibration needs ictal and background steps",
            where="tuning split",
            got=f"{weight[labels].sum():.10g} ictal of {weight.sum():.10g} steps",
            expected="at least one of each",
            remedy="choose a split whose tuning part holds a seizure, and time without one",
            code="calibration-one-class",
        )
    if np.ptp(logits) == 0.0:
        raise InputError(
            "The detector gives every step the same logit",
            where="tuning split",
            got=f"{float(logits[0]):g} at each of {weight.sum():.10g} steps",
            expected="logits that vary",
            remedy="look at the training run: this detector has collapsed",
            code="calibration-constant",
        )


def _soft_targets(labels: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    ictal, background = float(weight[labels].sum()), float(weight[~labels].sum())
    return np.where(labels, (ictal + 1.0) / (ictal + 2.0), 1.0 / (background + 2.0))


def _newton(columns: Floats, targets: Floats, share: Floats) -> Floats:
    slopes: Floats = np.zeros(len(columns))
    for _ in range(_MAX_ITERATIONS):
        probability = sigmoid(slopes @ columns)
        gradient = columns @ (share * (probability - targets))
        curvature = (columns * (share * probability * (1.0 - probability))) @ columns.T
        step: Floats = np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
        if gradient @ step < _DECREMENT_TOLERANCE:
            return np.asarray(slopes - step, dtype=np.float64)
        slopes = _descend(slopes, step, columns, targets, share)
    raise AssertionError(f"squared Newton decrement {gradient @ step:.3g} after {_MAX_ITERATIONS} iterations")


def _descend(slopes: Floats, step: Floats, columns: Floats, targets: Floats, share: Floats) -> Floats:
    """The Newton step, halved until it lowers the loss: a full step may overshoot far from the optimum."""
    loss = _log_loss(slopes, columns, targets, share)
    for halvings in range(60):
        proposal = slopes - step * 0.5**halvings
        if _log_loss(proposal, columns, targets, share) <= loss:
            return proposal
    return slopes


def _log_loss(slopes: Floats, columns: Floats, targets: Floats, share: Floats) -> float:
    z = slopes @ columns
    return float(share @ (np.logaddexp(0.0, z) - targets * z))


def _positive(slope: float) -> float:
    if not slope > 0.0:
        raise InputError(
            "The detector's logits are not higher where the seizures are",
            where="tuning split",
            got=f"best slope {slope:.4g}",
            expected="a slope above 0",
            remedy="look at the training run: labels and signals may be out of step",
            code="calibration-inverted",
        )
    return slope
