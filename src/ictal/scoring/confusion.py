"""Which types of seizures are taken for which: counts that add, shares that come last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, eq=False)
class Confusion:
    """Seizures by annotated and named type.

    Args:
        types: The types that are told apart.
        counts: Seizures annotated as the row's type and named as the column's: (types, types).
        others: Seizures annotated as none of them, which are in no row.
    """

    types: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    others: int

    def __add__(self, other: Confusion) -> Confusion:
        assert self.types == other.types, (self.types, other.types)
        return Confusion(types=self.types, counts=self.counts + other.counts, others=self.others + other.others)

    @property
    def accuracy(self) -> float:
        """Share of seizures that are named as annotated; NaN where there is none."""
        return _share(int(np.trace(self.counts)), int(self.counts.sum()))

    @property
    def commonest(self) -> float:
        """Share of the type that is annotated most: the accuracy of always naming that one. NaN where there is none."""
        return _share(int(self.counts.sum(axis=1).max(initial=0)), int(self.counts.sum()))

    @property
    def recalls(self) -> tuple[float, ...]:
        """Of each type, the share that is named as annotated; NaN where there is none."""
        rows = zip(np.diag(self.counts).tolist(), self.counts.sum(axis=1).tolist(), strict=True)
        return tuple(_share(right, seizures) for right, seizures in rows)


def confusion(types: Sequence[str], annotated: Sequence[str], named: Sequence[str]) -> Confusion:
    """Count the seizures of some recordings.

    Args:
        types: The types that are told apart.
        annotated: Type of each seizure, as annotated.
        named: One of `types` for each seizure.
    """
    place = {kind: number for number, kind in enumerate(types)}
    pairs = [(place[a], place[n]) for a, n in zip(annotated, named, strict=True) if a in place]
    counts = np.zeros((len(types), len(types)), dtype=np.int64)
    for row, column in pairs:
        counts[row, column] += 1
    return Confusion(types=tuple(types), counts=counts, others=len(annotated) - len(pairs))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
