"""How far the pooled rates would move with other patients: percentile intervals from resampling whole patients.

Seizures and false alarms of one patient come together, so the patient is what is drawn, with replacement. Draws that
leave a rate undefined (no seizure drawn) are left out of its interval and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.counts import SECONDS_PER_DAY, Counts

Floats: TypeAlias = npt.NDArray[np.float64]
Rates: TypeAlias = Mapping[str, Callable[[Counts], float]]

DRAWS = 2_000
LEVEL = 0.95
NOTHING: Rates = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Bounds of one rate; NaN with fewer than two patients or where every draw leaves it undefined."""

    lower: float
    upper: float
    undefined_draws: int


def patient_bootstrap(
    per_patient: Mapping[str, Counts],
    generator: np.random.Generator,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    further: Rates = NOTHING,
) -> dict[str, Interval]:
    """Intervals of the pooled `sensitivity`, `precision`, `f1`, `false_alarms_per_24h`, and of whatever else is asked.

    Args:
        per_patient: Counts of each patient.
        generator: Source of the draws.
        draws: Resamples.
        level: Share of the resamples inside the interval.
        further: What else to make of pooled counts, by name.
    """
    counts = list(per_patient.values())
    assert counts, "no patient to draw"
    times = resamples(len(counts), generator, draws)
    reference: Floats = times @ np.array([c.reference for c in counts])
    detected: Floats = times @ np.array([c.true_positives for c in counts])
    false: Floats = times @ np.array([c.false_positives for c in counts])
    duration_s: Floats = times @ np.array([c.duration_s for c in counts])
    drawn = {
        "sensitivity": divided(detected, reference),
        "precision": divided(detected, detected + false),
        "f1": divided(2.0 * detected, detected + false + reference),
        "false_alarms_per_24h": divided(false * SECONDS_PER_DAY, duration_s),
        **{name: _each(rate, reference, detected, false, duration_s) for name, rate in further.items()},
    }
    return {name: interval(values, patients=len(counts), level=level) for name, values in drawn.items()}


def mean_bootstrap(
    rates: Mapping[str, Sequence[float]], generator: np.random.Generator, *, draws: int = DRAWS, level: float = LEVEL
) -> dict[str, Interval]:
    """Intervals of the mean of each rate over patients, those left out for whom it is NaN.

    Args:
        rates: By name, the rate of each patient, in one order for all.
        generator: Source of the draws.
        draws: Resamples.
        level: Share of the resamples inside the interval.
    """
    values = np.array(list(rates.values()), dtype=np.float64)
    patients = values.shape[1]
    times = resamples(patients, generator, draws)
    present = ~np.isnan(values)
    sums = times @ np.where(present, values, 0.0).T
    means = divided(sums, times @ present.T.astype(np.float64))
    return {name: interval(means[:, n], patients=patients, level=level) for n, name in enumerate(rates)}


def resamples(patients: int, generator: np.random.Generator, draws: int = DRAWS) -> Floats:
    """How often each patient is drawn in each resample of as many patients, shape (draws, patients)."""
    return generator.multinomial(patients, np.full(patients, 1.0 / patients), size=draws).astype(np.float64)


def interval(drawn: Floats, *, patients: int, level: float = LEVEL) -> Interval:
    """Bounds of what the resamples gave, NaN where they gave nothing.

    Args:
        drawn: A rate in every resample, shape (draws,).
        patients: How many there are to draw; one alone says nothing about others.
        level: Share of the resamples inside the interval.
    """
    defined = drawn[~np.isnan(drawn)]
    undefined_draws = drawn.size - defined.size
    if patients < 2 or defined.size == 0:
        return Interval(lower=np.nan, upper=np.nan, undefined_draws=undefined_draws)
    tail = (1.0 - level) / 2.0
    lower, upper = np.quantile(defined, [tail, 1.0 - tail])
    return Interval(lower=float(lower), upper=float(upper), undefined_draws=undefined_draws)


def divided(part: Floats, whole: Floats) -> Floats:
    """Part by whole, NaN where the whole is nothing."""
    ratio: Floats = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0.0)
    return ratio


def _each(rate: Callable[[Counts], float], *columns: Floats) -> Floats:
    """A rate of each row of reference, true and false positives, and seconds."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    counts = (
        Counts(reference=reference, true_positives=true, false_positives=false, duration_s=duration_s)
        for reference, true, false, duration_s in rows
    )
    return np.array([rate(one) for one in counts], dtype=np.float64)
