"""Logits become probabilities that mean what they say.

Two corrections, in this order. *Prior*: training drew seizures more often than nature does, by an exactly known
amount; that adds one constant to every logit (Bayes' rule), which `correct_prior` takes away again. *Calibration*: what
is left of over- or under-confidence is a line `logit / temperature + bias`, fitted on the tuning split by minimising
the weighted log loss with Newton's method. Labels are softened as Platt (1999) does, from 0 and 1 to 1/(n + 2) and
(n + 1)/(n + 2), so that a perfectly separated tuning split has a finite answer; with many labels this changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError

Floats: TypeAlias = npt.NDArray[np.float64]

_MAX_ITERATIONS = 100
_DECREMENT_TOLERANCE = 1e-12
"""Squared Newton decrement, in nats of mean log loss, below which the fit has arrived."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The line that turns prior-corrected logits into calibrated ones."""

    temperature: float = 1.0
    bias: float = 0.0

    def apply(self, logits: npt.NDArray[np.floating]) -> Floats:
        """Calibrated logits."""
        return np.asarray(logits, dtype=np.float64) / self.temperature + self.bias


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


def fit_temperature(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.floating] | None = None
) -> float:
    """The temperature alone, for logits whose prior is trusted; arguments as `fit_calibration`."""
    slope = _fit_slopes(logits, labels, weights, with_bias=False)[0]
    return float(1.0 / _positive(slope))


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
    slope, bias = _fit_slopes(logits, labels, weights, with_bias=True)
    return Calibration(temperature=float(1.0 / _positive(slope)), bias=float(bias))


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


def _fit_slopes(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.floating] | None,
    *,
    with_bias: bool,
) -> Floats:
    x = np.asarray(logits, dtype=np.float64)
    weight = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    assert x.shape == labels.shape == weight.shape == (x.size,), (x.shape, labels.shape, weight.shape)
    assert np.isfinite(x).all(), "logits are not finite"
    assert ((weight > 0.0) & (weight < np.inf)).all(), "weights are not positive"
    _check_informative(x, labels)
    columns = np.stack([x, np.ones_like(x)] if with_bias else [x])
    return _newton(columns, _soft_targets(labels, weight), weight / weight.sum())


def _check_informative(logits: Floats, labels: npt.NDArray[np.bool_]) -> None:
    if labels.all() or not labels.any():
        raise InputError(
            "Calibration needs ictal and background steps",
            where="tuning split",
            got=f"{int(labels.sum())} ictal of {labels.size} steps",
            expected="at least one of each",
            remedy="choose a split whose tuning part holds a seizure",
            code="calibration-one-class",
        )
    if np.ptp(logits) == 0.0:
        raise InputError(
            "The detector gives every step the same logit",
            where="tuning split",
            got=f"{float(logits[0]):g} at each of {logits.size} steps",
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
    raise InputError(
        "The calibration fit did not converge",
        where="tuning split",
        got=f"squared Newton decrement {float(gradient @ step):.3g} after {_MAX_ITERATIONS} iterations",
        expected=f"below {_DECREMENT_TOLERANCE:g}",
        remedy="check the logits of the tuning split for values of extreme size",
        code="calibration-not-converged",
    )


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
