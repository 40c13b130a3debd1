"""The batch plan: exact quotas, nothing twice, the same from any step."""

from __future__ import annotations

from itertools import islice
from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows.index import IndexedRecording, build
from ictal.windows.labels import LabelRule
from ictal.windows.plan import BatchConfig, Strategy, balanced
from ictal.windows.planning import make
from tests.windows.strategies import grids, many_recordings, recordings

GRID = WindowGrid(length_samples=600, stride_samples=100)


@given(recordings(), grids(), st.integers(2, 6), st.integers(1, 3), st.integers(0, 5))
@settings(max_examples=150)
def test_every_batch_of_every_rank_holds_exactly_its_quota(
    corpus: list[IndexedRecording], grid: WindowGrid, size: int, ranks: int, seed: int
) -> None:
    """Whatever the corpus, k of B windows hold a seizure; of either kind all are drawn before one comes again."""
    index = build(corpus, grid)
    config = BatchConfig(size=size, seizure_windows=size // 2, seed=seed)
    assume(len(index.seizure_windows) >= config.seizure_windows * ranks)
    assume(index.background_windows >= (size - config.seizure_windows) * ranks)
    seizures = set(index.seizure_windows.tolist())
    plans = [balanced(index, config, rank=rank, ranks=ranks) for rank in range(ranks)]
    batches = [plan.batch(step).tolist() for step in range(20) for plan in plans]
    assert all(sum(window in seizures for window in batch) == config.seizure_windows for batch in batches)
    drawn = [window for batch in batches for window in batch]
    for kind in (True, False):
        own = [window for window in drawn if (window in seizures) == kind]
        held = len(seizures) if kind else index.background_windows
        assert all(len(set(epoch)) == len(epoch) for epoch in (own[a : a + held] for a in range(0, len(own), held)))


def test_nothing_is_drawn_twice_before_everything_was_drawn_once() -> None:
    """Over one epoch the ranks together draw every background window exactly once."""
    index = build(many_recordings(6, 2, 3), GRID)
    plans = [balanced(index, BatchConfig(size=8, seizure_windows=2), rank=rank, ranks=2) for rank in range(2)]
    drawn = np.concatenate([plan.batch(step) for step in range(plans[0].steps_per_epoch) for plan in plans])
    background = drawn[index.ictal_samples_in(drawn) == 0]
    first_epoch = background[: index.background_windows // 12 * 12]
    assert len(np.unique(first_epoch)) == len(first_epoch)
    assert plans[0].coverage(plans[0].steps_per_epoch)["background_windows"] == 1.0


def test_epochs_and_seeds_are_drawn_in_another_order() -> None:
    """The order changes with the epoch and with the seed, and is the same again for the same seed."""
    index = build(many_recordings(6, 2, 3), GRID)
    plan = balanced(index, BatchConfig(size=8, seizure_windows=2))
    first = [plan.batch(step).tolist() for step in range(10)]
    later = [plan.batch(step + plan.steps_per_epoch).tolist() for step in range(10)]
    assert first != later
    assert first != [
        balanced(index, BatchConfig(size=8, seizure_windows=2, seed=1)).batch(s).tolist() for s in range(10)
    ]
    assert first == [balanced(index, BatchConfig(size=8, seizure_windows=2)).batch(s).tolist() for s in range(10)]


def test_a_run_resumes_from_a_step_number() -> None:
    """The batches from step 7 on are those of the run that was never interrupted."""
    plan = balanced(build(many_recordings(6, 2, 3), GRID), BatchConfig(size=8, seizure_windows=2))
    assert list(plan.batches(7, 20)) == list(islice(plan.batches(0, 20), 7, None))


def test_it_serves_a_plain_data_loader() -> None:
    """`batch_sampler=plan.batches(...)` in a DataLoader over any dataset of as many windows draws the plan."""
    index = build(many_recordings(6, 2, 3), GRID)
    plan = balanced(index, BatchConfig(size=8, seizure_windows=2))
    loader = DataLoader(range(index.windows), batch_sampler=list(plan.batches(0, 5)))
    assert [batch.tolist() for batch in loader] == list(plan.batches(0, 5))


def test_the_check_counts_what_is_drawn() -> None:
    """The composition reported is that of the batches."""
    found = balanced(build(many_recordings(6, 2, 3), GRID), BatchConfig(size=8, seizure_windows=3)).check(50)
    assert (found.seizure_min, found.seizure_mean, found.seizure_max, found.checked) == (3, 3.0, 3, 50)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (BatchConfig(size=4, seizure_windows=5), "5 seizure windows in a batch of 4"),
        (BatchConfig(size=4, seizure_windows=4), "4 seizure windows in a batch of 4"),
        (BatchConfig(size=4, seizure_windows=0), "0 seizure windows in a batch of 4"),
        (BatchConfig(size=1000, seizure_windows=999), "fewer seizure windows"),
    ],
)
def test_a_quota_that_cannot_be_kept_is_refused(config: BatchConfig, message: str) -> None:
    """The error holds the counts."""
    with pytest.raises(InputError, match=message) as error:
        balanced(build(many_recordings(6, 2, 3), GRID), config)
    assert error.value.code == "quota-infeasible"


@pytest.mark.parametrize("strategy", get_args(get_type_hints(BatchConfig)["strategy"]))
def test_an_index_without_background_cannot_become_a_plan(strategy: Strategy) -> None:
    """Short clips of a long seizure: there is nothing to tell it from, whatever draws them."""
    clip = IndexedRecording(id="a", patient="a", samples=6000, seizures=np.array([[0, 6000]]))
    with pytest.raises(InputError, match="no background") as error:
        make(build([clip], GRID), BatchConfig(strategy=strategy, size=4, seizure_windows=2))
    assert error.value.code == "quota-infeasible"


@pytest.mark.parametrize("strategy", ["oversample", "undersample"])
@pytest.mark.parametrize("wanted", [-1, 0, 8, 9])
def test_a_mixture_of_one_kind_alone_is_refused(strategy: Strategy, wanted: int) -> None:
    """A share of nothing, or of everything, cannot be had by repeating or leaving out."""
    with pytest.raises(InputError, match=r"batch\.seizure_windows"):
        make(build(many_recordings(6, 2, 3), GRID), BatchConfig(strategy=strategy, size=8, seizure_windows=wanted))


def test_shares_of_any_decimals_stay_exact_for_a_long_run() -> None:
    """Fractions with denominators of 10^12 and more would leave 64 bits after some ten million windows."""
    index = build(many_recordings(60, 2, 20), GRID, LabelRule(peri_ictal_samples=1500))
    shares = {"peri_ictal": 6007 / 9973, "interictal": 7001 / 9967, "seizure_free": 5003 / 9949}
    plan = balanced(index, BatchConfig(size=512, seizure_windows=256, shares=shares))
    batches = 10_000_000
    seizure, *background = (int(count[0]) for count in plan.taken(np.array([batches])))
    assert seizure == 256 * batches
    assert sum(background) == 256 * batches
    for count, part in zip(background, plan.parts[1:], strict=True):
        assert abs(count - 256 * batches * part.share) < 2
        assert float(part.share) == pytest.approx(shares[part.stream.strata[0]] / sum(shares.values()), abs=1e-7)  # type: ignore[attr-defined]


def test_an_index_without_seizures_cannot_become_a_plan() -> None:
    """It says that the annotations were not read."""
    with pytest.raises(InputError, match="annotations were not read"):
        balanced(build(many_recordings(6, 2, 0), GRID), BatchConfig())
