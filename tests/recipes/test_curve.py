"""Recordings are counted one by one: at every threshold, or at some where a refractory time hides events."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from ictal.detection.events import events
from ictal.recipes.config import EventConfig
from ictal.recipes.curve import SAMPLED, staircases
from ictal.scoring.counts import total
from ictal.scoring.curves import Trace
from ictal.scoring.staircase import Staircase, added
from ictal.scoring.szcore import count_events


def _traces() -> Iterator[Trace]:
    generator = np.random.default_rng(0)
    for number in range(4):
        walk = np.convolve(generator.normal(size=3_600 + 39), np.ones(40) / 40**0.5, mode="valid")
        yield Trace(
            name=f"r{number}",
            probability=1 / (1 + np.exp(3 - 2 * walk)),
            reference_s=np.array([[100.0, 200.0]] * (number % 2)).reshape(-1, 2),
            duration_s=3_600.0,
        )


@pytest.mark.parametrize("refractory_s", [0.0, 300.0])
def test_counts_are_those_of_scoring_at_each_threshold(refractory_s: float) -> None:
    """Recording by recording, and together; with a refractory time at some thresholds alone, and it says so."""
    config = EventConfig(refractory_s=refractory_s)
    found = staircases(_traces, 1.0, config)
    assert len(found) == 4
    pooled = added(found)
    assert pooled.every_threshold == (refractory_s == 0.0)
    curve = pooled.curve()
    assert curve.thresholds.size > 30
    for on in curve.thresholds[::11].tolist():
        counts = [count_events(t.reference_s, events(t.probability, 1.0, config.rule(on)), 3_600.0) for t in _traces()]
        assert pooled.at(on) == total(counts)
        assert [one.at(on) for one in found] == counts


def test_few_thresholds_are_sampled_and_the_best_are_among_them() -> None:
    """Those at which something changes without a refractory time; so a short one gives the same envelope."""
    every, some = (added(staircases(_traces, 1.0, EventConfig(refractory_s=s))).curve() for s in (0.0, 1e-3))
    assert some.thresholds.size <= SAMPLED + 4
    for rate, best in zip(*every.envelope(), strict=True):
        assert some.sensitivity[some.false_alarms_per_24h <= rate].max() == best


@pytest.mark.parametrize("refractory_s", [0.0, 300.0])
def test_what_other_processes_counted_is_part_of_it(refractory_s: float) -> None:
    """Each looks at its own recordings; thresholds that are sampled are those of all."""
    config = EventConfig(refractory_s=refractory_s)
    whole = staircases(_traces, 1.0, config)
    halves = [
        lambda: (t for n, t in enumerate(_traces()) if n % 2 == 0),
        lambda: (t for n, t in enumerate(_traces()) if n % 2),
    ]
    asked: list[list[Staircase]] = []

    def first_half(own: list[Staircase]) -> list[Staircase]:
        asked.append(own)
        return own

    staircases(halves[0], 1.0, config, first_half)
    rounds = len(asked)
    assert rounds == (1 if refractory_s == 0.0 else 2)
    others: list[list[Staircase]] = []

    def both(own: list[Staircase]) -> list[Staircase]:
        others.append(own)
        return [*own, *(whole[::2] if len(others) == rounds else asked[0])]

    found = added(staircases(halves[1], 1.0, config, both))
    assert found.highest.tolist() == added(whole).highest.tolist()
    assert found.false_positives.tolist() == added(whole).false_positives.tolist()
