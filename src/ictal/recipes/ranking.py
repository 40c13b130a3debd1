"""How well probabilities rank and what they mean: over the index's windows, over seconds, and over time steps.

Windows and seconds are few: their areas and errors are exact. Time steps are many: they are counted in bins, recording
by recording, and come with the bounds of what binning can have changed. Intervals are those of resampled patients, from
one coarser histogram for each patient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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
_EXACT = {"auroc": auroc, "auprc": auprc, "brier": brier, "brier_skill": brier_skill, "ece": ece}


def document(
    index: WindowIndex, probability: Sequence[Trace], ictal_share: Sequence[Trace], samples_per_step: int, rate_hz: int
) -> dict[str, object]:
    """Measures of all three kinds with their intervals.

    Args:
        index: The scored recordings.
        probability: Of every time step of each.
        ictal_share: The truth of the same.
        samples_per_step: Samples in a time step.
        rate_hz: Samples per second.
    """
    patients = [recording.patient for recording in index.recordings]
    return {
        "scorer": SCORER,
        "scorer_version": SCORER_VERSION,
        "level": LEVEL,
        "draws": DRAWS,
        "window": _exact(by_window(index, probability, samples_per_step), patients),
        "second": _exact(by_second(probability, ictal_share, rate_hz / samples_per_step), patients),
        "step": _streamed(zip(probability, ictal_share, strict=True), patients),
    }


def by_window(index: WindowIndex, probability: Sequence[Trace], samples_per_step: int) -> list[Labelled]:
    """Highest probability in every window of each recording, and whether the window holds a seizure."""
    numbers = np.arange(index.windows)
    recording, start = index.locate(numbers)
    stop = start + index.valid_samples(numbers)
    spans = zip(recording.tolist(), start // samples_per_step, -(-stop // samples_per_step), strict=True)
    scores = np.array([probability[r][a:b].max() for r, a, b in spans], dtype=np.float64)
    edges = np.searchsorted(recording, np.arange(1, len(probability)))
    return list(zip(np.split(scores, edges), np.split(index.ictal_samples_in(numbers) > 0, edges), strict=True))


def by_second(probability: Sequence[Trace], ictal_share: Sequence[Trace], steps_hz: float) -> list[Labelled]:
    """Mean probability of every second of each recording, and whether at least half of it is ictal."""
    labelled = []
    for trace, share in zip(probability, ictal_share, strict=True):
        second = (np.arange(len(trace)) / steps_hz).astype(np.int64)
        steps = np.bincount(second)
        mean = np.minimum(np.bincount(second, weights=trace) / steps, 1.0)
        labelled.append((mean, np.bincount(second, weights=share) / steps >= 0.5))
    return labelled


def _exact(recordings: Sequence[Labelled], patients: Sequence[str]) -> dict[str, object]:
    score, truth = (np.concatenate(side) for side in zip(*recordings, strict=True))
    measures = {name: nullable(measure(score, truth)) for name, measure in _EXACT.items()}
    return {"count": score.size, "ictal": int(truth.sum()), **measures, "intervals": _intervals(recordings, patients)}


def _streamed(recordings: Iterable[tuple[Trace, Trace]], patients: Sequence[str]) -> dict[str, object]:
    """Time steps; ictal are those of which at least half is."""
    labelled = [(trace, share >= 0.5) for trace, share in recordings]
    histogram = Histogram()
    for trace, truth in labelled:
        histogram.add(trace, truth)
    binned = {"auroc": histogram.auroc, "auprc": histogram.auprc, "ece": histogram.ece}
    return {
        "count": int(histogram.steps),
        "ictal": int(histogram.mass[1].sum()),
        **{name: nullable(one.value) for name, one in binned.items()},
        "brier": nullable(histogram.brier),
        "brier_skill": nullable(histogram.brier_skill),
        "binned_between": {name: _between(one) for name, one in binned.items()},
        "intervals": _intervals(labelled, patients),
    }


def _between(one: Bounded) -> list[float] | None:
    return None if math.isnan(one.value) else [one.lower, one.upper]


def _intervals(recordings: Sequence[Labelled], patients: Sequence[str]) -> dict[str, object]:
    histograms = {patient: Histogram(COARSE_BITS) for patient in sorted(set(patients))}
    for patient, (score, truth) in zip(patients, recordings, strict=True):
        histograms[patient].add(score, truth)
    found = bootstrap(list(histograms.values()), np.random.default_rng(SEED), draws=DRAWS)
    return {name: bounds(one) for name, one in found.items()}
