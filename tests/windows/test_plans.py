"""Every strategy keeps what it promises, whoever draws and from wherever."""

from __future__ import annotations

from fractions import Fraction
from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows import prior
from ictal.windows.adaptive import HARD_SHARE_MAX, AdaptivePlan, adaptive, hard_windows
from ictal.windows.index import IndexedRecording, WindowIndex, build
from ictal.windows.labels import BACKGROUND, LabelRule
from ictal.windows.plan import BatchConfig, BatchPlan, QuotaPlan, balanced
from ictal.windows.planning import make
from tests.reference import plan as reference
from tests.windows.strategies import grids, many_recordings, recordings

GRID = WindowGrid(length_samples=600, stride_samples=100)
RULE = LabelRule(peri_ictal_samples=1500)
STRATEGIES = get_args(get_type_hints(BatchConfig)["strategy"])
SMALL = build(many_recordings(6, 2, 3), GRID, RULE)


def config(strategy: str = "balanced", **fields: object) -> BatchConfig:
    return BatchConfig(**{"strategy": strategy, "size": 8, "seizure_windows": 3, "probe_windows": 40, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_batches_are_the_same_from_any_step_and_in_any_pieces(strategy: str) -> None:
    """A table is its batches; a later start is a later part of it; another seed is another order."""
    plan = make(SMALL, config(strategy))
    table = plan.table(0, 40)
    assert table.shape == (40, 8)
    assert (plan.table(17, 40) == table[17:]).all()
    assert (plan.batch(23) == table[23]).all()
    assert list(plan.batches(30, 40)) == table[30:].tolist()
    assert not (make(SMALL, config(strategy, seed=1)).table(0, 40) == table).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_planned_count_is_the_count_of_the_labels(strategy: str) -> None:
    """Window by window, looked up in the recordings."""
    plan = make(SMALL, config(strategy, seizure_windows=2.6))
    counted = [reference.seizure_windows(plan, batch.tolist()) for batch in plan.table(5, 25)]
    assert plan.seizure_windows_planned(5, 25).tolist() == counted
    found = plan.check(20)
    assert found.guaranteed == plan.guaranteed == isinstance(plan, QuotaPlan)
    assert found.seizure_min <= found.seizure_mean <= found.seizure_max


@given(st.fractions(Fraction(1), Fraction(7), max_denominator=50), st.integers(1, 4))
@settings(max_examples=60)
def test_a_fractional_quota_is_exact_in_the_mean(quota: Fraction, ranks: int) -> None:
    """Every batch holds the whole number below or above, and their sum is never off by one."""
    cfg = BatchConfig(size=8, seizure_windows=float(quota))
    plans = [balanced(SMALL, cfg, rank=rank, ranks=ranks) for rank in range(ranks)]
    given_ = np.stack([plan.seizure_windows_planned(0, 30) for plan in plans], axis=1).ravel().tolist()
    assert given_ == reference.quotas(quota, 30 * ranks)
    assert all(plan.check(10).guaranteed for plan in plans)


@pytest.mark.parametrize("strategy", [s for s in STRATEGIES if s not in {"probe", "search"}])
@pytest.mark.parametrize("ranks", [1, 3])
def test_ranks_never_share_a_window_within_an_epoch(strategy: str, ranks: int) -> None:
    """Together they draw what one process with a batch of all of them would: nothing twice within an epoch."""
    index = build(many_recordings(12, 4, 6), GRID, RULE)
    plans = [make(index, config(strategy), rank=rank, ranks=ranks) for rank in range(ranks)]
    steps = 12
    drawn = np.concatenate([plan.table(0, steps) for plan in plans]).ravel()
    kind = index.stratum_of(drawn)
    background = drawn[kind >= 3]
    if strategy != "file_aware":  # its strata have epochs of their own
        assert len(np.unique(background)) == len(background)
    by_step = [np.concatenate([plan.batch(step) for plan in plans]) for step in range(steps)]
    if strategy != "oversample":  # which repeats seizure windows
        assert all(len(np.unique(windows)) == len(windows) for windows in by_step)
    assert all(len(np.unique(windows[index.stratum_of(windows) >= 3])) for windows in by_step)


def test_two_ranks_draw_what_one_process_with_both_batches_draws() -> None:
    """Batch g of all is batch g // ranks of rank g % ranks."""
    one = balanced(SMALL, config(seizure_windows=2.5)).table(0, 20)
    two = [balanced(SMALL, config(seizure_windows=2.5), rank=rank, ranks=2).table(0, 10) for rank in range(2)]
    assert (np.stack(two, axis=1).reshape(20, 8) == one).all()


def test_shares_cut_both_groups_exactly() -> None:
    """SeizureTransformer's 1 : 0.3 : 2.5 of full, partial and background windows."""
    size = 38
    cfg = BatchConfig(size=size, seizure_windows=13, shares={"full": 1, "partial": 0.3, "seizure_free": 1})
    index = build(many_recordings(60, 4, 40), WindowGrid(length_samples=60, stride_samples=20), RULE)
    table = balanced(index, cfg).table(0, 50)
    kinds = [(index.stratum_of(table) == code).sum(axis=1) for code in range(6)]
    assert set(kinds[0]) == {10}
    assert set(kinds[1]) == {3}
    assert set(kinds[5]) == {25}


def test_file_aware_draws_a_third_of_the_background_from_each_kind() -> None:
    """Near seizures, elsewhere in their recordings, and in recordings without."""
    index = build(many_recordings(40, 4, 20), GRID, LabelRule(peri_ictal_samples=800))
    assert all(index.strata()[stratum] > 50 for stratum in BACKGROUND)
    table = make(index, BatchConfig(strategy="file_aware", size=16, seizure_windows=4)).table(0, 30)
    kinds = [(index.stratum_of(table) == code).sum(axis=1) for code in range(6)]
    assert [set(counts) for counts in kinds[3:]] == [{4}, {4}, {4}]


def test_a_share_of_what_there_is_none_of_is_refused() -> None:
    """It names the stratum and what there is."""
    every = [r for r in many_recordings(6, 2, 6) if len(r.seizures)]
    with pytest.raises(InputError, match="seizure_free") as error:
        make(build(every, GRID, RULE), config("file_aware"))
    assert error.value.code == "quota-infeasible"


@pytest.mark.parametrize("strategy", ["oversample", "undersample", "natural"])
def test_an_epoch_holds_its_share_exactly_and_leaves_no_seizure_out(strategy: str) -> None:
    """Oversample: all background once and the share asked for; undersample: all seizures once; natural: all once."""
    plan = make(SMALL, config(strategy, size=5, seizure_windows=2))
    epoch = plan.stream.epoch_size  # type: ignore[attr-defined]
    windows = plan.table(0, -(-2 * epoch // 5)).ravel()
    for drawn in (windows[:epoch], windows[epoch : 2 * epoch]):
        seizure = drawn[SMALL.stratum_of(drawn) < 2]
        background = drawn[SMALL.stratum_of(drawn) >= 3]
        assert set(seizure) == set(SMALL.seizure_windows)
        assert len(np.unique(background)) == len(background)
        assert len(seizure) / epoch == pytest.approx(plan.seizure_share)
        if strategy == "oversample":
            assert len(seizure) / epoch == pytest.approx(0.4, abs=1 / epoch)
            assert len(background) == SMALL.background_windows
            times = np.unique(seizure, return_counts=True)[1]
            assert times.max() - times.min() <= 1
        if strategy == "undersample":
            assert len(seizure) / epoch == pytest.approx(0.4, abs=1 / epoch)
            assert len(seizure) == len(SMALL.seizure_windows)


def test_oversampling_frequent_seizures_deletes_none_of_them() -> None:
    """The report's option came to a factor of 0 where seizures were frequent already."""
    plan = make(SMALL, config("oversample", size=20, seizure_windows=1))
    natural = len(SMALL.seizure_windows) / (len(SMALL.seizure_windows) + SMALL.background_windows)
    assert natural > 1 / 20
    assert plan.seizure_share == pytest.approx(natural)


def test_undersampling_that_would_leave_no_background_is_refused() -> None:
    """Three seizure windows at 98 % ask for none."""
    grid = WindowGrid(length_samples=10, stride_samples=10)
    index = build([IndexedRecording(id="r", patient="p", samples=60, seizures=np.array([[0, 30]]))], grid)
    with pytest.raises(InputError, match="no background") as error:
        make(index, config("undersample", size=50, seizure_windows=49))
    assert error.value.code == "quota-infeasible"


def lopsided() -> WindowIndex:
    """One patient with a long and two short seizures, and four patients with one short seizure each."""
    grid = WindowGrid(length_samples=20, stride_samples=5)

    def recording(number: int, patient: str, seizures: list[list[int]]) -> IndexedRecording:
        return IndexedRecording(id=f"r{number}", patient=patient, samples=3000, seizures=np.array(seizures))

    many = [recording(0, "many", [[100, 1100], [1500, 1540], [2000, 2040]])]
    few = [recording(n, f"few{n}", [[500, 540]]) for n in range(1, 5)]
    return build([*many, *few], grid)


@pytest.mark.parametrize("share", [0.25, 0.4, 0.6])
def test_no_patient_has_more_than_the_largest_share(share: float) -> None:
    """In every epoch of the seizure windows; and everything comes in the end, in equal turns."""
    index = lopsided()
    plan = balanced(index, BatchConfig(size=8, seizure_windows=4, patient_share_max=share, windows_per_seizure_max=12))
    stream = plan.parts[0].stream
    size = stream.epoch_size
    for epoch in range(6):
        drawn = stream.at(np.arange(epoch * size, (epoch + 1) * size)).tolist()
        assert len(set(drawn)) == len(drawn)
        found = reference.patients_drawn(plan, drawn)
        assert found["many"] <= share * size + 1e-9
        assert found["many"] == max(found.values())
    every = stream.at(np.arange(400 * size))
    assert set(every.tolist()) == set(index.seizure_windows.tolist())


def test_a_long_seizure_does_not_crowd_out_its_patients_other_seizures() -> None:
    """With at most as many turns as a short seizure has windows, all three come alike."""
    index = lopsided()
    short = int((index.seizure_of == 1).sum())
    plan = balanced(index, BatchConfig(size=8, seizure_windows=4, windows_per_seizure_max=short))
    drawn = plan.parts[0].stream.at(np.arange(50 * plan.parts[0].stream.epoch_size))
    owner = index.seizure_of[np.searchsorted(index.seizure_windows, drawn)]
    assert len(set(np.bincount(owner)[:3])) == 1


def test_a_cap_that_too_few_patients_can_keep_is_refused() -> None:
    """Five patients cannot each have at most a tenth."""
    with pytest.raises(InputError, match="5 patients"):
        balanced(lopsided(), BatchConfig(patient_share_max=0.1))


@given(recordings(max_samples=90), grids(), st.sampled_from(STRATEGIES), st.integers(0, 3))
@settings(max_examples=80)
def test_the_prior_of_every_plan_is_that_of_its_labels(
    corpus: list[IndexedRecording], grid: WindowGrid, strategy: str, cap: int
) -> None:
    """Counted over a long run, ictal share and share of seizure windows come to what is stated beforehand."""
    index = build(corpus, grid)
    assume(2 <= len(index.seizure_windows) <= 40 and 4 <= index.background_windows <= 40)
    try:
        plan = make(index, config(strategy, size=4, seizure_windows=2, windows_per_seizure_max=cap))
    except InputError as refusal:
        assume(refusal.code != "quota-infeasible")
        raise
    drawn = plan.table(0, 6000).ravel()
    ictal, labelled = (values.sum() for values in index.labelled_samples_in(drawn))
    tolerance = 0.06 if strategy in {"probe", "search"} else 0.02
    assert prior.drawn(plan).time_step == pytest.approx(ictal / labelled, rel=tolerance)
    assert prior.drawn(plan).window == pytest.approx((index.stratum_of(drawn) < 2).mean(), rel=tolerance)


@given(recordings(max_samples=60), grids(), st.integers(2, 5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])
def test_ambiguous_windows_are_drawn_by_no_plan(
    corpus: list[IndexedRecording], grid: WindowGrid, min_ictal: int
) -> None:
    """They are neither seizure nor background."""
    index = build(corpus, grid, LabelRule(min_ictal_samples=min_ictal))
    assume(index.strata()["ambiguous"] and len(index.seizure_windows) >= 2 and index.background_windows >= 2)
    for strategy in set(STRATEGIES) - {"file_aware"}:
        drawn = make(index, config(strategy, size=4, seizure_windows=2)).table(0, 30)
        assert not (index.stratum_of(drawn) == 2).any(), strategy


class Numbers(Dataset[int]):
    """A dataset whose items are their own numbers."""

    def __getitem__(self, window: int) -> int:
        return window


@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_data_loader_draws_the_plan_whatever_its_workers(workers: int) -> None:
    """`batch_sampler=list(plan.batches(...))`, nothing else of ours."""
    plan = make(SMALL, config())
    loader = DataLoader(Numbers(), batch_sampler=list(plan.batches(3, 9)), num_workers=workers)
    assert [batch.tolist() for batch in loader] == plan.table(3, 9).tolist()


class TestAdaptive:
    """Quotas that follow the training."""

    def advanced(self) -> AdaptivePlan:
        """Three rounds: as configured, much lost on seizures, nothing lost on them."""
        hard = SMALL.pool("seizure_free").members(np.arange(5)).tolist()
        plan = adaptive(SMALL, config("adaptive"))
        plan = plan.advance(10, seizure_loss=4.0, background_loss=1.0, hard=hard)
        return plan.advance(20, seizure_loss=0.0001, background_loss=1.0)

    def test_it_draws_more_of_what_is_lost_and_never_starves_seizures(self) -> None:
        """Twice the quota at four times the loss, up to half a batch; a floor of one window; hard ones at most 25 %."""
        plan = self.advanced()
        assert [r.seizure_windows for r in plan.rounds] == [3, 4, 1]
        assert plan.seizure_windows_planned(0, 30).tolist() == [3] * 10 + [4] * 10 + [1] * 10
        plan.check(30)
        hard = np.isin(plan.table(10, 30), plan.rounds[1].hard).sum(axis=1)
        assert hard.max() <= 8 * HARD_SHARE_MAX + 1
        assert hard.min() >= 2

    def test_earlier_rounds_stay_as_they_were(self) -> None:
        """What was drawn does not change by what comes after it."""
        first = adaptive(SMALL, config("adaptive"))
        assert (self.advanced().table(0, 10) == first.table(0, 10)).all()

    def test_streams_go_on_across_rounds(self) -> None:
        """No background window comes twice before all came once, whatever the quotas."""
        table = self.advanced().table(0, 30)
        ordinary = table[:, :][(SMALL.stratum_of(table) >= 3) & ~np.isin(table, self.advanced().rounds[1].hard)]
        assert len(np.unique(ordinary)) == len(ordinary)

    def test_a_remembered_plan_draws_the_same(self) -> None:
        """Through plain values and back."""
        plan = self.advanced()
        again = adaptive(SMALL, config("adaptive")).with_state(plan.state_dict())
        assert (again.table(0, 40) == plan.table(0, 40)).all()

    @pytest.mark.parametrize("ranks", [1, 3])
    def test_ranks_together_draw_what_one_draws(self, ranks: int) -> None:
        """Rounds are cut at the same steps on all ranks, and no window is drawn twice."""
        plans = [
            adaptive(SMALL, config("adaptive", size=4, seizure_windows=1), rank=rank, ranks=ranks).advance(
                4, seizure_loss=2.0, background_loss=1.0
            )
            for rank in range(ranks)
        ]
        drawn = np.concatenate([plan.table(0, 8) for plan in plans]).ravel()
        background = drawn[SMALL.stratum_of(drawn) >= 3]
        assert len(np.unique(background)) == len(background)
        assert all(plan.check(8).guaranteed for plan in plans)

    def test_hard_windows_are_those_an_alarm_reaches_far_from_any_seizure(self) -> None:
        """Against every window of the recording, one by one."""
        recording = IndexedRecording(id="r", patient="p", samples=5000, seizures=np.array([[2000, 2200]]))
        index = build([recording], GRID)
        alarms = np.array([[150, 260], [1700, 1800], [4200, 4300]])
        expected = []
        for window in range(index.windows):
            start, stop = window * 100, min(window * 100 + 600, 5000)
            touched = any(a < stop and b > start for a, b in alarms.tolist())
            if touched and not (start < 2200 + 500 and stop > 2000 - 500):
                expected.append(window)
        assert hard_windows(index, {0: alarms}, 500).tolist() == expected
        assert hard_windows(index, {}, 500).tolist() == []


def test_a_plan_without_promise_says_so() -> None:
    """`natural` counts what chance gave."""
    plan: BatchPlan = make(SMALL, config("natural"))
    assert not plan.check(30).guaranteed
    assert plan.check(30).seizure_min < plan.check(30).seizure_max


def test_the_reports_search_stops_at_the_first_files() -> None:
    """It finds at most a hundred windows, all of them at the beginning."""
    index = build(many_recordings(40, 4, 40), GRID)
    plan = make(index, config("search"))
    heavy = np.flatnonzero(plan.weights > 1)  # type: ignore[attr-defined]
    assert heavy.tolist() == index.seizure_windows[:100].tolist()
    assert len(index.seizure_windows) > 200
