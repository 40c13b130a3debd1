"""The incident report's first two solutions as plans, faults included: something to compare with, nothing to train on.

Both give every window a weight and draw with replacement. `probe` is its `create_balanced_sampler`: it looks at some
windows, gives the seizure windows among them the positive weight, and everything that it did not look at the positive
weight *by chance*. `search` is its `find_all_seizure_windows`: from the first file on until 100 seizure windows are
found; the others never get their weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.windows.index import WindowIndex
from ictal.windows.labels import AMBIGUOUS, SEIZURE
from ictal.windows.permutation import permute
from ictal.windows.plan import BatchConfig, StreamPlan, require_both
from ictal.windows.pools import Numbers
from ictal.windows.streams import key_of

ENOUGH_FOUND = 100
"""Seizure windows after which `search` stops looking."""
SEARCHED_WINDOWS = 50_000
"""Windows after which it gives up."""
WINDOWS_MAX = 20_000_000
"""A weight for each window must fit into memory: the report's ways end here, as `torch.multinomial` does at 2^24."""
_CHANCES = 1 << 53
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightedStream:
    """Windows drawn with replacement, each as often as its weight says."""

    index: WindowIndex
    weights: Weights
    seed: int

    @property
    def epoch_size(self) -> int:
        """As many draws as windows: nothing is promised of them."""
        return self.index.windows

    @property
    def windows(self) -> int:
        """Windows that can come."""
        return int((self.weights > 0).sum())

    def at(self, positions: Numbers) -> Numbers:
        """Window number at each position: where a number in 0..1, which follows from the position, falls."""
        chance = permute(positions, _CHANCES, key_of(self.seed, "weighted", 0)) / _CHANCES
        drawn: Numbers = np.searchsorted(self._cumulative, chance * self._cumulative[-1], side="right")
        return drawn

    def means(self) -> tuple[float, float]:
        """Each window by its weight."""
        ictal, labelled = self.index.labelled_samples_in(np.arange(self.index.windows))
        share = self.weights / self.weights.sum()
        return float(share @ ictal), float(share @ labelled)

    @cached_property
    def _cumulative(self) -> Weights:
        return np.cumsum(self.weights)


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightedPlan(StreamPlan):
    """A plan whose share of seizure windows is what its weights happen to give."""

    weights: Weights

    @property
    def seizure_share(self) -> float:
        """The seizure windows' share of the weights."""
        return float(self.weights[self.index.seizure_windows].sum() / self.weights.sum())


def probe(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> WeightedPlan:
    """The report's sampler with a probe of `config.probe_windows`.

    Raises:
        InputError: if there is no seizure window, or too many windows to give each a weight.
    """
    seizure = _seizure(index)
    weights, _ = probed_weights(seizure, config.probe_windows, np.random.default_rng(config.seed))
    return _weighted(index, config, weights, rank, ranks)


def search(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> WeightedPlan:
    """The report's search, from the first window on.

    Raises:
        InputError: as `probe`, and if no seizure lies in the windows that it searches.
    """
    seizure = _seizure(index)
    found = np.flatnonzero(seizure[:SEARCHED_WINDOWS])[:ENOUGH_FOUND]
    if len(found) == 0:
        raise InputError(
            "The report's search finds no seizure",
            where='batch.strategy = "search"',
            got=f"0 seizure windows in the first {SEARCHED_WINDOWS:,}",
            expected=f"some: the index knows of {len(index.seizure_windows):,}",
            remedy='use batch.strategy = "balanced", which knows where they are',
            code="quota-infeasible",
        )
    weights = np.ones(index.windows)
    weights[found] = positive_weight(float(seizure.mean()))
    return _weighted(index, config, weights, rank, ranks)


def positive_weight(share: float) -> float:
    """Weight that the report's project gave a seizure window: the square root of the odds against one."""
    return float(np.sqrt((1 - share) / share))


def probed_weights(seizure: npt.NDArray[np.bool_], probe: int, rng: np.random.Generator) -> tuple[Weights, int]:
    """Sampling weights as the report's `create_balanced_sampler` made them, and the seizure windows in its probe.

    It looks at `probe` windows; every window that it did not look at gets the seizure weight *by chance*, with the
    probe's share of seizures as probability. A probe without seizures falls back to uniform weights; so does one of
    nothing else, whose windows would all weigh nothing.
    """
    looked = rng.permutation(len(seizure))[:probe]
    found = int(seizure[looked].sum())
    weights = np.ones(len(seizure))
    if found in {0, len(looked)}:
        return weights, found
    share = found / len(looked)
    guessed = rng.random(len(seizure)) < share
    guessed[looked] = seizure[looked]
    weights[guessed] = positive_weight(share)
    return weights, found


def _seizure(index: WindowIndex) -> npt.NDArray[np.bool_]:
    require_both(index)
    if index.windows > WINDOWS_MAX:
        raise InputError(
            "The corpus is too large for the report's samplers, which give every window a weight",
            where="batch.strategy",
            got=f"{index.windows:,} windows",
            expected=f"at most {WINDOWS_MAX:,}",
            remedy='use batch.strategy = "balanced", whose memory follows the seizures',
            code="quota-infeasible",
        )
    seizure: npt.NDArray[np.bool_] = index.stratum_of(np.arange(index.windows)) < len(SEIZURE)
    return seizure


def _weighted(index: WindowIndex, config: BatchConfig, weights: Weights, rank: int, ranks: int) -> WeightedPlan:
    """The plan of these weights, but that ambiguous windows are drawn by none."""
    weights = np.where(index.stratum_of(np.arange(index.windows)) == AMBIGUOUS, 0.0, weights)
    return WeightedPlan(
        index=index,
        config=config,
        rank=rank,
        ranks=ranks,
        stream=WeightedStream(index=index, weights=weights, seed=config.seed),
        epoch_seizure_windows=0,
        weights=weights,
    )
