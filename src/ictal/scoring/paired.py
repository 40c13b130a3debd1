"""Whether one system is better than another on the same recordings, or has only had luck with these patients.

Both are compared patient by patient, for what one patient has in common (many seizures, a noisy night) touches both.

- *Interval* of a difference: patients are drawn with replacement, the same for both, and the pooled rates subtracted.
- *p*: if the two systems were alike, it would not matter which of them is called which, in any patient. The names are
  exchanged within patients, in all ways where these are few, else in many random ones; p is the share of ways in which
  the difference is at least as large as the one that was found (Fisher 1935; the found one counts among the ways).
- Several comparisons at once find something by chance: `holm` raises each p so that the chance of a single false claim
  among all of them stays below the level (Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.scoring.bootstrap import divided, interval, resamples
from ictal.scoring.counts import SECONDS_PER_DAY, Counts

Floats: TypeAlias = npt.NDArray[np.float64]

EXACT_PATIENTS = 13
"""Up to so many patients every exchange is tried: 8,192 of them."""
EXCHANGES = 10_000
"""Random exchanges where patients are more."""
RATES = ("sensitivity", "precision", "f1", "false_alarms_per_24h")

_EQUAL = 1e-12


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One rate of two systems.

    Args:
        first: Pooled rate of the first system; NaN where undefined.
        second: Of the second.
        lower: Bound of the interval of `second - first`; NaN with fewer than two patients or without defined draws.
        upper: The other bound.
        p: Chance of so large a difference between systems that are alike; NaN where either rate is undefined.
        exact: Whether every exchange was tried.
    """

    first: float
    second: float
    lower: float
    upper: float
    p: float
    exact: bool

    @property
    def difference(self) -> float:
        """What the second system has more than the first."""
        return self.second - self.first


def differences(
    first: Mapping[str, Counts], second: Mapping[str, Counts], generator: np.random.Generator
) -> dict[str, Difference]:
    """The difference of each pooled rate.

    Args:
        first: Counts of each patient by one system.
        second: Counts of the same patients by another.
        generator: Source of the draws.

    Raises:
        InputError: if the two were not scored on the same patients, the same time and the same reference items.
    """
    _require_same(first, second)
    tables = [_table([counts[patient] for patient in first]) for counts in (first, second)]
    patients = len(first)
    times = resamples(patients, generator)
    drawn = [_rates(times @ table) for table in tables]
    found = [_rates(table.sum(axis=0)) for table in tables]
    exchanged, exact = _exchanges(patients, generator)
    swapped = [_rates(np.where(exchanged[:, :, None], b, a).sum(axis=1)) for a, b in (tables, tables[::-1])]
    intervals = [interval(drawn[1][:, n] - drawn[0][:, n], patients=patients) for n in range(len(RATES))]
    return {
        rate: Difference(
            first=float(found[0][n]),
            second=float(found[1][n]),
            lower=intervals[n].lower,
            upper=intervals[n].upper,
            p=_chance(swapped[1][:, n] - swapped[0][:, n], float(found[1][n] - found[0][n]), exact=exact),
            exact=exact,
        )
        for n, rate in enumerate(RATES)
    }


def holm(chances: Sequence[float]) -> list[float]:
    """Each p for a claim about all comparisons together, in the order given; NaN is no comparison and stays.

    The smallest is multiplied by the number of comparisons, the next by one less, and so on; none falls below one
    before it, nor rises above 1.
    """
    adjusted = [math.nan] * len(chances)
    order = sorted((n for n, p in enumerate(chances) if not math.isnan(p)), key=lambda n: chances[n])
    least = 0.0
    for place, number in enumerate(order):
        least = adjusted[number] = min(1.0, max(least, chances[number] * (len(order) - place)))
    return adjusted


def _require_same(first: Mapping[str, Counts], second: Mapping[str, Counts]) -> None:
    strangers = sorted(first.keys() ^ second.keys())
    if strangers:
        raise _unlike(f"patient {strangers[0]}", "scored by one of them only", "the same patients")
    for patient, ours in first.items():
        theirs = second[patient]
        if not math.isclose(ours.duration_s, theirs.duration_s, abs_tol=1.0):
            raise _unlike(f"patient {patient}", f"{ours.duration_s} s and {theirs.duration_s} s", "the same recordings")
        if not math.isclose(ours.reference, theirs.reference, abs_tol=1e-6):
            got = f"{ours.reference} and {theirs.reference} reference items"
            raise _unlike(f"patient {patient}", got, "the same reference")


def _unlike(where: str, got: str, expected: str) -> InputError:
    return InputError(
        "The two systems cannot be compared",
        where=where,
        got=got,
        expected=expected,
        remedy="score both on the same recordings against the same annotations",
        code="compare-unlike",
    )


def _table(counts: Sequence[Counts]) -> Floats:
    """Reference, detected, false items and days of each patient: (patients, 4)."""
    rows = [(c.reference, c.true_positives, c.false_positives, c.duration_s / SECONDS_PER_DAY) for c in counts]
    return np.array(rows, dtype=np.float64)


def _rates(sums: Floats) -> Floats:
    """`RATES` of summed columns (..., 4), NaN where undefined: (..., 4)."""
    reference, detected, false, days = np.moveaxis(sums, -1, 0)
    parts = (detected, detected, 2 * detected, false)
    wholes = (reference, detected + false, detected + false + reference, days)
    return np.stack([divided(part, whole) for part, whole in zip(parts, wholes, strict=True)], axis=-1)


def _exchanges(patients: int, generator: np.random.Generator) -> tuple[npt.NDArray[np.bool_], bool]:
    """In which patients the names are exchanged, one way per row, and whether these are all ways."""
    if patients > EXACT_PATIENTS:
        return generator.random((EXCHANGES, patients)) < 0.5, False
    ways = np.arange(2**patients)
    return (ways[:, None] >> np.arange(patients)) % 2 == 1, True


def _chance(exchanged: Floats, found: float, *, exact: bool) -> float:
    """Share of the defined exchanges with at least the difference that was found."""
    if math.isnan(found):
        return math.nan
    defined = np.abs(exchanged[~np.isnan(exchanged)])
    as_large = int((defined >= abs(found) - _EQUAL).sum())
    return as_large / len(defined) if exact else (as_large + 1) / (len(defined) + 1)
