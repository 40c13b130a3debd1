"""Gaps are found in time stamps; jitter and drift are none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.recordings.arriving.continuity import DRIFT, Continuity
from ictal.recordings.timekeeping import Gap

RATE_HZ, TOLERANCE_S = 100.0, 0.1
Stamps = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def divided(stamps_s: Stamps, numbers: Numbers, cuts: list[int]) -> list[tuple[list[int], Gap | None]]:
    """What the pieces hold, by the samples' places; pieces of one stretch together."""
    continuity = Continuity(RATE_HZ, TOLERANCE_S)
    edges = [0, *sorted(min(cut, len(stamps_s)) for cut in cuts), len(stamps_s)]
    stretches: list[tuple[list[int], Gap | None]] = []
    for a, b in pairwise(edges):
        for piece, gap in continuity.divide(stamps_s[a:b], numbers[a:b]):
            if gap is not None or not stretches:
                stretches.append(([], gap))
            stretches[-1][0].extend(range(a, b)[piece])
    return stretches


CUTS = st.lists(st.integers(0, 400), max_size=5)
LOSSES = st.lists(st.tuples(st.integers(1, 299), st.integers(1, 80)), max_size=3, unique_by=lambda loss: loss[0])


@settings(max_examples=200)
@given(losses=LOSSES, cuts=CUTS, seed=st.integers(0, 99))
def test_samples_that_were_lost_make_a_gap(losses: list[tuple[int, int]], cuts: list[int], seed: int) -> None:
    """Every sample is in one stretch; each gap is where, and as long as, the loss; none is made up."""
    kept = np.ones(300 + sum(length for _, length in losses), dtype=bool)
    for place, length in losses:
        kept[place : place + length] = False
    numbers = np.flatnonzero(kept)
    jitter_s = np.random.default_rng(seed).uniform(0, 0.004, len(numbers))
    stretches = divided(5000 + numbers / RATE_HZ + jitter_s, numbers, cuts)
    starts = [0, *np.flatnonzero(np.diff(numbers) > 1) + 1, len(numbers)]
    assert [places for places, _ in stretches] == [list(range(a, b)) for a, b in pairwise(starts)]
    for (places, gap), (before, _) in zip(stretches[1:], stretches, strict=False):
        assert gap is not None
        lost_s = (numbers[places[0]] - numbers[before[-1]] - 1) / RATE_HZ
        assert gap.resume_s - gap.stop_s == pytest.approx(lost_s, abs=0.01)
        assert gap.resume_s == pytest.approx((numbers[places[0]] - numbers[0]) / RATE_HZ, abs=0.03)


@settings(max_examples=50)
@given(lost=st.integers(11, 500), cuts=CUTS)
def test_stamps_alone_tell(lost: int, cuts: list[int]) -> None:
    """Where nobody numbers the samples, a jump of the stamps beyond the tolerance is a gap."""
    stamps_s = np.arange(200) / RATE_HZ
    stamps_s[100:] += lost / RATE_HZ
    stretches = divided(stamps_s, np.arange(200), cuts)
    assert [len(places) for places, _ in stretches] == [100, 100]
    gap = stretches[1][1]
    assert gap is not None
    assert (gap.stop_s, gap.resume_s) == (pytest.approx(1.0), pytest.approx(1.0 + lost / RATE_HZ))


def test_a_clock_that_steps_back_is_a_gap_of_unknown_length() -> None:
    """The sender has begun anew: nothing before it is gone on with."""
    stamps_s = np.concatenate([np.arange(100), np.arange(100) - 5000]) / RATE_HZ
    stretches = divided(stamps_s, np.arange(200), [])
    assert [len(places) for places, _ in stretches] == [100, 100]
    assert stretches[1][1] == Gap(stop_s=1.0, resume_s=1.0)


@pytest.mark.parametrize(("drift", "stretches"), [(0.8 * DRIFT, 1), (-0.8 * DRIFT, 1), (20 * DRIFT, 10)])
def test_a_slow_clock_is_followed_and_steady_loss_is_not(drift: float, stretches: int) -> None:
    """Half an hour in pieces of 1 s: quartz stays within the tolerance, a sample lost every 2.5 s does not."""
    stamps_s = np.arange(180_000) / RATE_HZ * (1 + drift)
    found = divided(stamps_s, np.arange(180_000), list(range(0, 180_000, 100)))
    assert len(found) == 1 if stretches == 1 else len(found) >= stretches
