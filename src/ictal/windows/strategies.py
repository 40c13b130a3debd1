"""What each way of drawing from the incident report would have drawn, replayed on known labels.

These are baselines to compare with, kept as the report's project had them, faults included; nothing trains on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.windows.index import Numbers
from ictal.windows.plan import BatchPlan


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
    seizure = np.zeros(index.windows, dtype=np.bool_)
    seizure[index.seizure_windows] = True

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
    ours = f"ictal: exactly {plan.config.seizure_windows} of {size}"
    outcomes.append(_outcome(ours, plan.table(0, steps), seizure))
    return outcomes


def positive_weight(share: float) -> float:
    """Weight that the report's project gave a seizure window: the square root of the odds against one."""
    return float(np.sqrt((1 - share) / share))


def probed_weights(
    seizure: npt.NDArray[np.bool_], probe: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], int]:
    """Sampling weights as the report's `create_balanced_sampler` made them, and the seizure windows in its probe.

    It looks at `probe` windows; every window that it did not look at gets the seizure weight *by chance*, with the
    probe's share of seizures as probability. A probe without seizures falls back to uniform weights.
    """
    looked = rng.permutation(len(seizure))[:probe]
    found = int(seizure[looked].sum())
    weights = np.ones(len(seizure))
    if found == 0:
        return weights, found
    share = found / len(looked)
    guessed = rng.random(len(seizure)) < share
    guessed[looked] = seizure[looked]
    weights[guessed] = positive_weight(share)
    return weights, found


def _outcome(name: str, drawn: Numbers, seizure: npt.NDArray[np.bool_], *, probe_found: int | None = None) -> Outcome:
    hits = seizure[drawn]
    return Outcome(
        strategy=name,
        probe_found=probe_found,
        drawn_seizure_share=float(hits.mean()),
        batches_without_seizure=float((~hits.any(axis=1)).mean()),
        seizure_windows_seen=len(np.unique(drawn[hits])) / int(seizure.sum()),
    )
