"""How well probabilities rank and what they mean: over the index's windows, over seconds, and over time steps.

Recordings are added one by one. Windows and seconds are few: their areas and errors are exact, up to a million of them.
Time steps, and windows and seconds beyond, are counted in bins and come with the bounds of what binning can have
changed. Intervals are those of resampled patients, from one coarser histogram for each patient.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.bootstrap import DRAWS, LEVEL
from ictal.scoring.ranking import auprc, auroc
from ictal.scoring.reliability import brier, brier_skill, ece
from ictal.scoring.streaming import COARSE_BITS, SCORER, SCORER_VERSION, Bounded, Histogram, bootstrap
from ictal.scoring.summary import bounds, nullable
from ictal.windows.index import WindowIndex

Trace: TypeAlias = npt.NDArray[np.float64]
Truth: TypeAlias = npt.NDArray[np.bool_]
Labelled: TypeAlias = tuple[Trace, Truth]
"""Probabilities and truths of one recording."""

SEED = 0
EXACT_ITEMS = 1 << 20
"""So many windows, or seconds, are kept to be measured exactly: 290 h of seconds."""
_EXACT = {"auroc": auroc, "auprc": auprc, "brier": brier, "brier_skill": brier_skill, "ece": ece}


class Ranked:
    """Measures of all three kinds, of the recordings so far.

    Args:
        index: The recordings that are scored.
        samples_per_step: Samples in a time step.
        rate_hz: Samples per second.
    """

    def __init__(self, index: WindowIndex, samples_per_step: int, rate_hz: int) -> None:
        self.index, self.samples_per_step, self.steps_hz = index, samples_per_step, rate_hz / samples_per_step
        self.windows, self.seconds, self.steps = Measured(EXACT_ITEMS), Measured(EXACT_ITEMS), Measured(0)

    def add(self, number: int, probability: Trace, ictal_share: Trace) -> None:
        """Add a recording.

        Args:
            number: Of the recording in the index.
            probability: Of every time step.
            ictal_share: The truth of the same.
        """
        patient = self.index.recordings[number].patient
        self.windows.add(patient, *by_window(self.index, number, probability, self.samples_per_step))
        self.seconds.add(patient, *by_second(probability, ictal_share, self.steps_hz))
        self.steps.add(patient, probability, ictal_share >= 0.5)

    def document(self) -> dict[str, object]:
        """The measures with their intervals, as JSON."""
        return {
            "scorer": SCORER,
            "scorer_version": SCORER_VERSION,
            "level": LEVEL,
            "draws": DRAWS,
            "window": self.windows.document(),
            "second": self.seconds.document(),
            "step": self.steps.document(),
        }


class Measured:
    """Things of one kind with their probabilities and truths; ictal steps are those of which at least half is.

    Args:
        exact_items: As long as there are no more, they are kept and measured exactly.
    """

    def __init__(self, exact_items: int) -> None:
        self.exact_items = exact_items
        self.histogram = Histogram()
        self.by_patient: dict[str, Histogram] = {}
        self.kept: list[Labelled] = []

    def add(self, patient: str, score: Trace, truth: Truth) -> None:
        """Add those of one recording."""
        self.histogram.add(score, truth)
        self.by_patient.setdefault(patient, Histogram(COARSE_BITS)).add(score, truth)
        if self.is_exact:
            self.kept.append((score, truth))
        else:
            self.kept.clear()

    @property
    def is_exact(self) -> bool:
        """Whether all are kept."""
        return self.histogram.steps <= self.exact_items

    def document(self) -> dict[str, object]:
        """Measures with their intervals, as JSON."""
        return {
            "count": int(self.histogram.steps),
            "ictal": int(self.histogram.mass[1].sum()),
            **(self._exact() if self.is_exact else self._binned()),
            "intervals": self._intervals(),
        }

    def _exact(self) -> dict[str, object]:
        score, truth = (np.concatenate(side) for side in zip(*self.kept, strict=True))
        return {name: nullable(measure(score, truth)) for name, measure in _EXACT.items()}

    def _binned(self) -> dict[str, object]:
        held = self.histogram
        binned = {"auroc": held.auroc, "auprc": held.auprc, "ece": held.ece}
        return {
            **{name: nullable(one.value) for name, one in binned.items()},
            "brier": nullable(held.brier),
            "brier_skill": nullable(held.brier_skill),
            "binned_between": {name: _between(one) for name, one in binned.items()},
        }

    def _intervals(self) -> dict[str, object]:
        patients = [self.by_patient[name] for name in sorted(self.by_patient)]
        found = bootstrap(patients, np.random.default_rng(SEED), draws=DRAWS)
        return {name: bounds(one) for name, one in found.items()}


def by_window(index: WindowIndex, number: int, probability: Trace, samples_per_step: int) -> Labelled:
    """Highest probability in every window of a recording, and whether the window holds a seizure."""
    windows = np.arange(index.offsets[number], index.offsets[number + 1])
    _, start = index.locate(windows)
    stop = start + index.valid_samples(windows)
    spans = zip(start // samples_per_step, -(-stop // samples_per_step), strict=True)
    score = np.array([probability[first:last].max() for first, last in spans], dtype=np.float64)
    return score, index.ictal_samples_in(windows) > 0


def by_second(probability: Trace, ictal_share: Trace, steps_hz: float) -> Labelled:
    """Mean probability of every second of a recording, and whether at least half of it is ictal."""
    second = (np.arange(len(probability)) / steps_hz).astype(np.int64)
    steps = np.bincount(second)
    mean = np.minimum(np.bincount(second, weights=probability) / steps, 1.0)
    return mean, np.bincount(second, weights=ictal_share) / steps >= 0.5


def _between(one: Bounded) -> list[float] | None:
    return None if math.isnan(one.value) else [one.lower, one.upper]
