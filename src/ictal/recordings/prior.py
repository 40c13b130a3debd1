"""Does a corpus hold as many seizures as is published of it?

Labels that are all lost look like a corpus in which seizures are rare. The binomial tail says how unlikely such luck
would be: none in 1,000 windows at 7.88 % is 2e-36, which is no bad luck but broken labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled
from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import overlap, samples_from_seconds, spans_from_seconds

PRIORS: Mapping[str, float] = {"tusz": 0.0788}  # share of 60 s windows every 10 s that hold any seizure
PRIOR_LOG10_LIMIT = -6.0

_CLOCK_HZ = 256
_WINDOW_S, _STRIDE_S = 60, 10


@dataclass(frozen=True, kw_only=True)
class PriorTest:
    """How many windows hold a seizure, against the published share.

    Args:
        prior: The published share.
        windows: 60 s windows every 10 s.
        seizure_windows: Those that hold any seizure.
        log10_tail: Probability, as log10, of so few or fewer at the published share, counted on windows that do not
            overlap, for overlapping ones are no separate draws.
    """

    prior: float
    windows: int
    seizure_windows: int
    log10_tail: float

    @property
    def sentence(self) -> str:
        """The test with its numbers, for a message."""
        share = self.seizure_windows / self.windows
        return (
            f"{self.seizure_windows} of {self.windows} windows of {_WINDOW_S} s hold one ({share:.2%}), published are"
            f" {self.prior:.2%}; so few by chance: 10^{self.log10_tail:.1f}"
        )


def prior_test(labelled: list[Labelled], prior: float) -> PriorTest:
    """Count windows with seizure and say how likely so few are at the prior.

    Args:
        labelled: At least one recording.
        prior: Share of windows with seizure to expect, between 0 and 1.

    Raises:
        InputError: if the prior is no such share (code `prior-range`).
    """
    if not 0 < prior < 1:
        raise InputError(
            "The prior is no share of windows",
            where="prior",
            got=prior,
            expected="a number between 0 and 1",
            remedy="state the share of 60 s windows that hold a seizure, or leave it out",
            code="prior-range",
        )
    windows, seizure_windows = _count(labelled, _STRIDE_S)
    draws, successes = _count(labelled, _WINDOW_S)
    tail = log10_binomial_tail(successes, draws, prior)
    return PriorTest(prior=prior, windows=windows, seizure_windows=seizure_windows, log10_tail=tail)


def _count(labelled: list[Labelled], stride_s: int) -> tuple[int, int]:
    """Windows of all recordings on one grid, and those that hold any seizure."""
    grid = WindowGrid(length_samples=_WINDOW_S * _CLOCK_HZ, stride_samples=stride_s * _CLOCK_HZ)
    windows, ictal = 0, 0
    for one in labelled:
        count = int(grid.count(samples_from_seconds(one.duration_s, _CLOCK_HZ)))
        windows += count
        if one.seizures_s:
            starts = grid.starts(np.arange(count))
            inside = overlap(spans_from_seconds(one.seizures_s, _CLOCK_HZ), starts, starts + grid.length_samples)
            ictal += int(np.count_nonzero(inside))
    return windows, ictal


def log10_binomial_tail(successes: int, draws: int, share: float) -> float:
    """log10 of the probability of at most so many successes; the sum is taken relative to its largest term."""
    logs = [_log_probability(k, draws, share) for k in range(successes + 1)]
    largest = max(logs)
    total = largest + math.log(math.fsum(math.exp(term - largest) for term in logs))
    return min(total, 0.0) / math.log(10)


def _log_probability(k: int, draws: int, share: float) -> float:
    chosen = math.lgamma(draws + 1) - math.lgamma(k + 1) - math.lgamma(draws - k + 1)
    return chosen + k * math.log(share) + (draws - k) * math.log1p(-share)
