"""Natural and drawn prevalence, exactly, per window and per time step: the one place that knows them.

Balanced batches are an aid to optimisation. A model trained on them is calibrated for the drawn prevalence; the
detector undoes it with the pair kept here (Saerens, Latinne & Decaestecker 2002, eq. 4, for two classes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ictal.timeline import spans as sp
from ictal.windows.index import WindowIndex
from ictal.windows.plan import BatchPlan


@dataclass(frozen=True, kw_only=True)
class Prevalence:
    """Share of windows that hold a seizure, and share of time steps that are ictal."""

    window: float
    time_step: float


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What the corpus holds and what the plan draws."""

    natural: Prevalence
    drawn: Prevalence

    @property
    def drawn_entropy(self) -> float:
        """Loss, in nats per time step, of the model that has learnt the drawn prior and nothing else."""
        return binary_entropy(self.drawn.time_step)


def binary_entropy(probability: float) -> float:
    """Entropy in nats of a yes/no question."""
    if probability in {0.0, 1.0}:
        return 0.0
    return -probability * math.log(probability) - (1 - probability) * math.log(1 - probability)


def natural(index: WindowIndex) -> Prevalence:
    """Prevalence in the corpus: windows as the grid cuts them, time steps as they were recorded, each once."""
    recorded = sum(r.samples for r in index.recordings)
    ictal = sum(sp.total(r.seizures) for r in index.recordings)
    return Prevalence(window=len(index.seizure_windows) / index.windows, time_step=ictal / recorded)


def drawn(plan: BatchPlan) -> Prevalence:
    """Prevalence in the plan's batches, over whole cycles through both pools."""
    index, config = plan.index, plan.config
    seizure_share = config.seizure_windows / config.size
    seizure_valid = index.valid_samples(index.seizure_windows)
    all_valid = _valid_samples_of_all_windows(index)
    background_valid = (all_valid - seizure_valid.sum()) / index.background_windows
    valid = seizure_share * seizure_valid.mean() + (1 - seizure_share) * background_valid
    return Prevalence(window=seizure_share, time_step=float(seizure_share * index.ictal_samples.mean() / valid))


def of_plan(plan: BatchPlan) -> Prior:
    """Both prevalences of a plan."""
    return Prior(natural=natural(plan.index), drawn=drawn(plan))


def _valid_samples_of_all_windows(index: WindowIndex) -> int:
    """Every window is whole but the last of a recording."""
    counts = np.diff(index.offsets)
    last = index.offsets[1:][counts > 0] - 1
    return int((counts.sum() - len(last)) * index.grid.length_samples + index.valid_samples(last).sum())
