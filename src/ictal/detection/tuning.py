"""The threshold for a stated burden of false alarms, chosen on the tuning split.

"Unreachable" is a result of its own type, never a default threshold. A threshold at which the detector finds no seizure
is no operating point, so a target that only silence meets is unreachable too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """A threshold that meets the target, with what it does on the tuning split."""

    threshold: float
    sensitivity: float
    false_alarms_per_24h: float
    target_per_24h: float


@dataclass(frozen=True, kw_only=True)
class Unreachable:
    """No candidate meets the target while finding a seizure.

    Args:
        target_per_24h: What was asked for.
        lowest_per_24h: Fewest false alarms per 24 h at which any seizure is found; None if none is ever found.
        reason: One sentence for people.
    """

    target_per_24h: float
    lowest_per_24h: float | None
    reason: str


def choose(
    thresholds: npt.NDArray[np.float64],
    sensitivity: npt.NDArray[np.float64],
    false_alarms_per_24h: npt.NDArray[np.float64],
    *,
    target_per_24h: float,
) -> OperatingPoint | Unreachable:
    """The candidate with the highest sensitivity at no more than the target's false alarms.

    Ties go to the fewest false alarms. Where a range of thresholds ties in both, as it does with few seizures, the one
    nearest to the middle of the range in log-odds is taken: either end is one step of luck away from being worse.

    Args:
        thresholds: Candidates, shape (candidates,), in any order.
        sensitivity: Of each candidate on the tuning split.
        false_alarms_per_24h: Of each candidate on the tuning split.
        target_per_24h: Most false alarms per 24 h allowed.

    Raises:
        InputError: if the target is negative or a rate is undefined (no seizure or no time in the tuning split).
    """
    assert thresholds.shape == sensitivity.shape == false_alarms_per_24h.shape, "one value per candidate"
    _check(sensitivity, false_alarms_per_24h, target_per_24h)
    finding = np.flatnonzero(sensitivity > 0.0)
    allowed = finding[false_alarms_per_24h[finding] <= target_per_24h]
    if allowed.size == 0:
        return _unreachable(false_alarms_per_24h[finding], target_per_24h)
    best = allowed[_middle_of_best(thresholds[allowed], sensitivity[allowed], false_alarms_per_24h[allowed])]
    return OperatingPoint(
        threshold=float(thresholds[best]),
        sensitivity=float(sensitivity[best]),
        false_alarms_per_24h=float(false_alarms_per_24h[best]),
        target_per_24h=target_per_24h,
    )


def _middle_of_best(
    thresholds: npt.NDArray[np.float64], sensitivity: npt.NDArray[np.float64], rates: npt.NDArray[np.float64]
) -> int:
    """Place of the middle threshold among those with the highest sensitivity and then the fewest false alarms."""
    tied = np.flatnonzero(sensitivity == sensitivity.max())
    tied = tied[rates[tied] == rates[tied].min()]
    with np.errstate(divide="ignore"):
        log_odds = np.log(thresholds[tied]) - np.log1p(-thresholds[tied])
    finite = log_odds[np.isfinite(log_odds)]
    if finite.size == 0:
        return int(tied[0])
    distance = np.abs(log_odds - (finite.min() + finite.max()) / 2)
    return int(tied[np.lexsort((-thresholds[tied], distance))[0]])


def _unreachable(rates_per_24h: npt.NDArray[np.float64], target_per_24h: float) -> Unreachable:
    if rates_per_24h.size == 0:
        reason = "No threshold finds any seizure of the tuning split"
        return Unreachable(target_per_24h=target_per_24h, lowest_per_24h=None, reason=reason)
    lowest = float(rates_per_24h.min())
    reason = (
        f"Every threshold that finds a seizure of the tuning split gives at least {lowest:.4g} false alarms per 24 h; "
        f"{target_per_24h:g} were asked for"
    )
    return Unreachable(target_per_24h=target_per_24h, lowest_per_24h=lowest, reason=reason)


def _check(
    sensitivity: npt.NDArray[np.float64], false_alarms_per_24h: npt.NDArray[np.float64], target_per_24h: float
) -> None:
    undefined = int((np.isnan(sensitivity) | np.isnan(false_alarms_per_24h)).sum())
    if undefined:
        raise InputError(
            "The tuning split cannot choose a threshold",
            where="tuning split",
            got=f"{undefined} of {sensitivity.size} candidates with an undefined rate",
            expected="at least one seizure and some recorded time",
            remedy="choose a split whose tuning part holds a seizure",
            code="tuning-undefined",
        )
    if not target_per_24h >= 0.0:
        raise InputError(
            "The target for false alarms cannot be met by anything",
            where="target false alarms per 24 h",
            got=target_per_24h,
            expected="0 or more",
            remedy="state a target of 0 or more per 24 h",
            code="tuning-target",
        )
