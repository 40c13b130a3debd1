"""How far the pooled rates would move with other patients: percentile intervals from resampling whole patients.

Seizures and false alarms of one patient come together, so the patient is what is drawn, with replacement. Draws that
leave a rate undefined (no seizure drawn) are left out of its interval and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.counts import SECONDS_PER_DAY, Counts

Floats: TypeAlias = npt.NDArray[np.float64]

DRAWS = 2_000
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Bounds of one rate; NaN with fewer than two patients or where every draw leaves it undefined."""

    lower: float
    upper: float
    undefined_draws: int


def patient_bootstrap(
    per_patient: Mapping[str, Counts], generator: np.random.Generator, *, draws: int = DRAWS, level: float = LEVEL
) -> dict[str, Interval]:
    """Intervals of the pooled `sensitivity` and `false_alarms_per_24h`.

    Args:
        per_patient: Counts of each patient.
        generator: Source of the draws.
        draws: Resamples.
        level: Share of the resamples inside the interval.
    """
    counts = list(per_patient.values())
    assert counts, "no patient to draw"
    patients = len(counts)
    times = generator.multinomial(patients, np.full(patients, 1.0 / patients), size=draws).astype(np.float64)
    reference: Floats = times @ np.array([c.reference for c in counts])
    detected: Floats = times @ np.array([c.true_positives for c in counts])
    false: Floats = times @ np.array([c.false_positives for c in counts])
    days: Floats = times @ np.array([c.duration_s / SECONDS_PER_DAY for c in counts])
    enough = patients >= 2
    return {
        "sensitivity": _interval(detected, reference, level, enough=enough),
        "false_alarms_per_24h": _interval(false, days, level, enough=enough),
    }


def _interval(part: Floats, whole: Floats, level: float, *, enough: bool) -> Interval:
    defined = whole > 0.0
    undefined_draws = int((~defined).sum())
    if not (enough and defined.any()):
        return Interval(lower=np.nan, upper=np.nan, undefined_draws=undefined_draws)
    tail = (1.0 - level) / 2.0
    lower, upper = np.quantile(part[defined] / whole[defined], [tail, 1.0 - tail])
    return Interval(lower=float(lower), upper=float(upper), undefined_draws=undefined_draws)
