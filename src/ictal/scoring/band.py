"""How far the curve of sensitivity against false alarms would move with other patients: a band around it.

Whole patients are drawn with replacement, as for every interval (`bootstrap`). Each resample has a curve of its own, at
every threshold; from it is taken, as from the curve that is shown, the best sensitivity at no more than each rate of
false alarms. The band holds the middle 95 % of these at each rate.

Counts at a threshold are sums of what patients' staircases add at the heights above it. So a resample's curve is one
running sum over these heights, each weighted by how often its patient was drawn: exact, and as fast for a thousand
patients as for ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.bootstrap import DRAWS, LEVEL, divided, interval, resamples
from ictal.scoring.counts import SECONDS_PER_DAY
from ictal.scoring.staircase import Staircase

Floats: TypeAlias = npt.NDArray[np.float64]

_CHUNK = 1 << 22
"""Heights times resamples that are held at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """The best sensitivity at no more than so many false alarms per 24 h, 0 where only silence makes so few.

    Args:
        rates_per_24h: Ascending, shape (rates,).
        sensitivity: Of all patients; NaN without a seizure, shape (rates,).
        lower: Lower bound, NaN with fewer than two patients, shape (rates,).
        upper: Upper bound, shape (rates,).
        undefined_draws: Resamples without a seizure, which are left out.
    """

    rates_per_24h: Floats
    sensitivity: Floats
    lower: Floats
    upper: Floats
    undefined_draws: int


def band(
    patients: Sequence[Staircase],
    rates_per_24h: Floats,
    generator: np.random.Generator,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Band:
    """The band of the patients' pooled curve.

    Args:
        patients: Counts of each patient.
        rates_per_24h: False alarms per 24 h to give bounds for, ascending.
        generator: Source of the draws.
        draws: Resamples.
        level: Share of the resamples inside the band.
    """
    curves = _Curves.of(patients, rates_per_24h)
    times = resamples(len(patients), generator, draws)
    rows = max(1, _CHUNK // max(curves.owner.size, 1))
    drawn = np.concatenate([curves.best(times[first : first + rows]) for first in range(0, draws, rows)])
    bounds = [interval(column, patients=len(patients), level=level) for column in drawn.T]
    return Band(
        rates_per_24h=rates_per_24h,
        sensitivity=curves.best(np.ones((1, len(patients))))[0],
        lower=np.array([one.lower for one in bounds]),
        upper=np.array([one.upper for one in bounds]),
        undefined_draws=bounds[0].undefined_draws,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Curves:
    """What patients add to the counts, from the highest threshold down.

    Args:
        owner: The patient of each addition, shape (additions,).
        found: Seizures found, shape (additions,).
        false: False events, shape (additions,).
        last: The last addition at each distinct height.
        reference: Seizures of each patient.
        duration_s: Recorded time of each patient.
        rates_per_24h: Where sensitivity is read off.
    """

    owner: npt.NDArray[np.int64]
    found: Floats
    false: Floats
    last: npt.NDArray[np.int64]
    reference: Floats
    duration_s: Floats
    rates_per_24h: Floats

    @classmethod
    def of(cls, patients: Sequence[Staircase], rates_per_24h: Floats) -> _Curves:
        assert patients, "no patient to draw"
        assert (np.diff(rates_per_24h) > 0.0).all(), "rates must ascend"
        height = np.concatenate([one.highest for one in patients])
        found, false = (np.concatenate(side) for side in zip(*(one.changes() for one in patients), strict=True))
        owner = np.repeat(np.arange(len(patients)), [one.highest.size for one in patients])
        order = np.argsort(-height, kind="stable")
        return cls(
            owner=owner[order],
            found=found[order].astype(np.float64),
            false=false[order].astype(np.float64),
            last=np.flatnonzero(np.diff(height[order], append=-np.inf)),
            reference=np.array([one.reference for one in patients], dtype=np.float64),
            duration_s=np.array([one.duration_s for one in patients]),
            rates_per_24h=rates_per_24h,
        )

    def best(self, times: Floats) -> Floats:
        """Best sensitivity at no more than each rate, with each patient so many times, (draws, patients)."""
        weight = times[:, self.owner]
        found, false = (np.cumsum(weight * side, axis=1)[:, self.last] for side in (self.found, self.false))
        rate = divided(false * SECONDS_PER_DAY, np.broadcast_to((times @ self.duration_s)[:, None], false.shape))
        place = np.searchsorted(self.rates_per_24h, rate)
        most = np.zeros((len(times), self.rates_per_24h.size + 1))
        np.maximum.at(most, (np.arange(len(times))[:, None], place), found)
        reached = np.maximum.accumulate(most[:, :-1], axis=1)
        return divided(reached, np.broadcast_to((times @ self.reference)[:, None], reached.shape))
