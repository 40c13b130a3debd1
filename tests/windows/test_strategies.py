"""The incident's strategies, replayed on known labels."""

from __future__ import annotations

import numpy as np
import pytest

from ictal.timeline.grid import WindowGrid
from ictal.windows.index import build
from ictal.windows.plan import BatchConfig, balanced
from ictal.windows.probing import positive_weight, probed_weights
from ictal.windows.strategies import Outcome, replay
from tests.windows.strategies import many_recordings


def outcomes() -> dict[str, Outcome]:
    """2,000 batches of each, over 4,400 windows of which 3.9 % hold a seizure."""
    index = build(many_recordings(40, 2, 16), WindowGrid(length_samples=600, stride_samples=100))
    plan = balanced(index, BatchConfig(size=16, seizure_windows=4))
    found = replay(plan, 2000, seed=0)
    return {outcome.strategy.split(",")[0].split(":")[0]: outcome for outcome in found}


def test_ours_never_draws_a_batch_without_a_seizure_and_uniform_often_does() -> None:
    """Shares are those that the labels and the quota say."""
    by_name = outcomes()
    ours, uniform = by_name["ictal"], by_name["uniform"]
    assert (ours.drawn_seizure_share, ours.batches_without_seizure, ours.seizure_windows_seen) == (0.25, 0.0, 1.0)
    index = build(many_recordings(40, 2, 16), WindowGrid(length_samples=600, stride_samples=100))
    share = len(index.seizure_windows) / index.windows
    assert uniform.drawn_seizure_share == pytest.approx(share, rel=0.1)
    assert uniform.batches_without_seizure == pytest.approx((1 - share) ** 16, rel=0.1)


def test_the_reports_probe_draws_less_than_the_same_weight_on_exact_labels() -> None:
    """Weights on guessed windows are lost."""
    by_name = outcomes()
    probe = next(outcome for name, outcome in by_name.items() if "500" in name)
    exact = by_name["the same weight"]
    assert by_name["uniform"].drawn_seizure_share < probe.drawn_seizure_share < exact.drawn_seizure_share


def test_a_probe_without_a_seizure_falls_back_to_uniform_as_the_report_had_it() -> None:
    """Every window then weighs the same."""
    seizure = np.zeros(1000, dtype=bool)
    seizure[7] = True
    weights, found = probed_weights(seizure, 5, np.random.default_rng(0))
    assert found == 0
    assert (weights == 1).all()


def test_a_probe_of_seizures_alone_leaves_every_window_its_weight() -> None:
    """The odds against a seizure are then none, and so is the weight that the report would have given."""
    seizure = np.ones(1000, dtype=bool)
    seizure[7] = False
    weights, found = probed_weights(seizure, 5, np.random.default_rng(0))
    assert found == 5
    assert (weights == 1).all()


def test_the_weight_is_the_square_root_of_the_odds() -> None:
    """At 10 %, nine to one gives three."""
    assert positive_weight(0.1) == pytest.approx(3.0)
