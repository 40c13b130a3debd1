"""What each way of drawing from the incident report would have drawn, replayed on known labels.

These are baselines to compare with, kept as the report's project had them, faults included; nothing trains on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.windows.labels import SEIZURE
from ictal.windows.plan import BatchPlan
from ictal.windows.pools import Numbers
from ictal.windows.probing import positive_weight, probed_weights


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a strategy drew."""

    strategy: str
    probe_found: int | None
    """Seizure windows in its probe; None if it does not probe."""
    drawn_seizure_share: float
    """Share of the drawn windows that hold a seizure."""
    batches_without_seizure: float
    """Share of the batches that hold none."""
    seizure_windows_seen: float
    """Share of all seizure windows that were drawn at least once."""


def replay(plan: BatchPlan, steps: int, seed: int) -> list[Outcome]:
    """Draw `steps` batches with each strategy and count.

    Args:
        plan: Our plan; the others draw from its index with its batch size.
        steps: Number of batches.
        seed: Seed of the strategies' chance.
    """
    index, size = plan.index, plan.config.size
    rng = np.random.default_rng(seed)
    seizure = index.stratum_of(np.arange(index.windows)) < len(SEIZURE)

    def weighted(weights: npt.NDArray[np.float64]) -> Numbers:
        return rng.choice(index.windows, size=(steps, size), p=weights / weights.sum())

    outcomes = [_outcome("uniform", weighted(np.ones(index.windows)), seizure)]
    for probe in (500, 20_000):
        weights, found = probed_weights(seizure, probe, rng)
        reach = "" if probe < index.windows else " (all that there are)"
        name = f"the report's probe of {probe:,} windows{reach}, as it was written"
        outcomes.append(_outcome(name, weighted(weights), seizure, probe_found=found))
    exact = np.where(seizure, positive_weight(float(seizure.mean())), 1.0)
    outcomes.append(_outcome("the same weight, on exact labels", weighted(exact), seizure))
    promise = f"exactly {plan.config.seizure_windows:g} of {size}" if plan.guaranteed else plan.config.strategy
    ours = f"ictal: {promise}"
    outcomes.append(_outcome(ours, plan.table(0, steps), seizure))
    return outcomes


def _outcome(name: str, drawn: Numbers, seizure: npt.NDArray[np.bool_], *, probe_found: int | None = None) -> Outcome:
    hits = seizure[drawn]
    return Outcome(
        strategy=name,
        probe_found=probe_found,
        drawn_seizure_share=float(hits.mean()),
        batches_without_seizure=float((~hits.any(axis=1)).mean()),
        seizure_windows_seen=len(np.unique(drawn[hits])) / int(seizure.sum()),
    )
