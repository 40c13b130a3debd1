"""Register B: batches that were not what they were said to be."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ictal.detection.calibration import prior_offset
from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.training.guards import GuardStop
from ictal.training.loop import TrainConfig
from ictal.training.loss import StepLoss
from ictal.windows import prior, splits, strategies
from ictal.windows.dataset import WindowDataset
from ictal.windows.index import IndexedRecording, WindowIndex, build
from ictal.windows.plan import BatchConfig, BatchPlan, balanced
from ictal.windows.prior import LossWeights, effective
from ictal.windows.splits import SplitConfig
from tests.end_to_end.commands import BATCH, QUOTA, STEPS, FinishedRun, Terminal, linked, words
from tests.training.small import NoisySource, silent, trainer
from tests.windows.strategies import many_recordings

GRID = WindowGrid(length_samples=600, stride_samples=100)


@pytest.fixture(scope="module")
def index() -> WindowIndex:
    """Twelve recordings of six patients, three of them with seizures."""
    return build(many_recordings(6, 2, 3), GRID)


@pytest.fixture(scope="module")
def plan(index: WindowIndex) -> BatchPlan:
    """4 of 8."""
    return balanced(index, BatchConfig(size=8, seizure_windows=4))


def test_b1_the_index_is_exact_and_what_it_cannot_give_is_an_error_with_counts(index: WindowIndex) -> None:
    """A probe of 500 windows returned None when unlucky; here one seizure window among thousands is found."""
    rare = build(many_recordings(60, 2, 1)[:1] + many_recordings(60, 2, 0)[2:], GRID)
    assert len(rare.seizure_windows) > 0
    assert len(rare.seizure_windows) / rare.windows < 0.002
    assert balanced(rare, BatchConfig(size=8, seizure_windows=2)).check(100).seizure_min == 2
    with pytest.raises(InputError) as stop:
        balanced(index, BatchConfig(size=2000, seizure_windows=1000))
    assert str(len(index.seizure_windows)) in str(stop.value.got)
    assert "smaller batches" in stop.value.remedy


def test_b2_without_seizures_there_is_no_plan_and_so_no_uniform_one() -> None:
    """The silent fall-back drew uniformly; here nothing is drawn at all."""
    with pytest.raises(InputError) as stop:
        balanced(build(many_recordings(6, 2, 0), GRID), BatchConfig())
    assert stop.value.code == "no-seizures"


def test_b3_the_plan_balances_where_the_reports_sampler_did_not() -> None:
    """On the same index its probe, as written, draws about the natural share; the plan exactly its quota."""
    plan = balanced(build(many_recordings(400, 2, 200), GRID), BatchConfig(size=8, seizure_windows=4))
    outcomes = {o.strategy: o for o in strategies.replay(plan, 1000, seed=0)}
    natural = len(plan.index.seizure_windows) / plan.index.windows
    for strategy in ("uniform", "the report's probe of 500 windows, as it was written"):
        assert outcomes[strategy].drawn_seizure_share == pytest.approx(natural, rel=0.2)
        assert outcomes[strategy].batches_without_seizure > 0.5
    assert outcomes["ictal: exactly 4 of 8"].drawn_seizure_share == 0.5
    assert outcomes["ictal: exactly 4 of 8"].batches_without_seizure == 0


def test_b3_the_composition_is_counted_before_step_0_and_at_every_step(
    finished_run: FinishedRun, tmp_path: Path
) -> None:
    """The plan counts all batches of the run; a loader that draws something else is stopped at its first batch."""
    counted = finished_run.json("plan.json")["batches"]
    assert (counted["checked"], counted["seizure_min"], counted["seizure_max"]) == (STEPS, QUOTA, QUOTA)
    run = trainer(tmp_path)
    index = run.dataset.index
    shifted = [NoisySource(r.samples, r.seizures, n) for n, r in enumerate(index.recordings)]
    run.dataset = _OneWindowLate(index, shifted, run.dataset.samples_per_step)
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert (stop.value.verdict.kind, stop.value.verdict.step) == ("composition", 0)
    assert stop.value.verdict.evidence["found"] != stop.value.verdict.evidence["planned"]


class _OneWindowLate(WindowDataset):
    """A dataset whose numbers mean other windows than the plan's."""

    def __getitems__(self, windows):  # type: ignore[no-untyped-def]
        return super().__getitems__([(window + 40) % self.index.windows for window in windows])


def test_b4_the_resolved_plan_is_printed_and_kept(finished_run: FinishedRun) -> None:
    """Counts, quotas and hashes; "balanced" in a configuration is not taken on trust."""
    plan = finished_run.json("plan.json")
    assert plan == finished_run.said["plan"].document
    assert plan["batches"]["size"] == BATCH
    assert plan["batches_hash"] == finished_run.json("detector.json")["batches_hash"]
    assert plan["index_hash"]


def test_b4_an_unused_setting_is_an_error(terminal: Terminal, synthetic_corpus: Path, tmp_path: Path) -> None:
    """`batch.balanced = true` would change nothing."""
    said = terminal("plan", tmp_path, "--corpus.path", synthetic_corpus, "--batch.balanced", "true")
    assert said.code == 2
    assert "batch.balanced" in said.err


def test_b5_an_index_goes_by_the_content_of_its_inputs(finished_run: FinishedRun) -> None:
    """A manifest that "exists" but was built before its inputs: any change of them is another hash."""
    recordings = many_recordings(2, 1, 1)
    index = build(recordings, GRID)
    assert build(many_recordings(2, 1, 1), GRID).hash == index.hash
    assert build(many_recordings(2, 1, 1, seed=1), GRID).hash != index.hash
    assert build(recordings, WindowGrid(length_samples=600, stride_samples=50)).hash != index.hash
    assert finished_run.json("plan.json")["seizure_windows"] > 0


def test_b6_every_window_is_seen_and_the_order_changes_with_each_epoch(plan: BatchPlan) -> None:
    """One fixed pool left 86 % of the background unseen; here an epoch draws all of it, the next in another order."""
    steps = plan.steps_per_epoch
    first = np.concatenate([plan.batch(step) for step in range(steps)])
    second = np.concatenate([plan.batch(step) for step in range(steps, 2 * steps)])
    background = np.setdiff1d(np.arange(plan.index.windows), plan.index.seizure_windows)
    assert np.isin(background, first).all()
    assert not np.array_equal(first, second)
    assert plan.coverage(steps)["background_windows"] == 1.0
    assert plan.coverage(steps // 2)["background_windows"] == pytest.approx(0.5, abs=0.01)


def test_b7_unasked_the_plan_alone_sets_the_prior(plan: BatchPlan) -> None:
    """Sampler weight times positive weight times focal alpha: by default the loss has no weight of its own."""
    assert TrainConfig().loss_weights.neutral
    logits, labels = torch.zeros(2, 10), torch.zeros(2, 10)
    labels[0, :5] = 1
    weights = torch.ones(2, 10)
    symmetric = [StepLoss().sums(logits, target, weights)[0] for target in (labels, 1 - labels)]
    assert symmetric[0] == symmetric[1]
    assert prior.of_plan(plan).drawn.window == 0.5


def test_b7_correcting_the_rarity_twice_is_refused_with_the_product() -> None:
    """Balanced batches and a positive weight: the odds of both, and what the model would believe, are said."""
    plan = balanced(build(many_recordings(60, 2, 20), GRID), BatchConfig(size=8, seizure_windows=4))
    with pytest.raises(InputError, match="corrected twice") as refusal:
        effective(plan, LossWeights(positive_weight=20))
    assert refusal.value.code == "corrected-twice"
    allowed = effective(plan, LossWeights(positive_weight=20), allow_double_correction=True)
    once = effective(plan, LossWeights())
    assert allowed.product == pytest.approx(20 * once.product)
    assert once.logit_offset == pytest.approx(-math.log(once.sampling_odds))
    drawn = once.prior.drawn.time_step
    assert once.initial_bias == pytest.approx(math.log(drawn / (1 - drawn)))
    with pytest.raises(InputError, match="without weight"):
        effective(plan, LossWeights(positive_weight=1e6), allow_double_correction=True)


def test_b8_the_correction_is_in_the_unit_that_the_loss_averages_over(plan: BatchPlan) -> None:
    """Half of the windows hold a seizure, but of their time steps far fewer are ictal: the latter is what counts."""
    stored = [NoisySource(r.samples, r.seizures, n) for n, r in enumerate(plan.index.recordings)]
    dataset = WindowDataset(plan.index, stored, 50)
    cycle = [dataset.__getitems__(plan.batch(step).tolist()) for step in range(3 * plan.steps_per_epoch)]
    ictal = sum(float((batch.labels * batch.weights).sum()) for batch in cycle)
    steps = sum(float(batch.weights.sum()) for batch in cycle)
    drawn = prior.of_plan(plan).drawn
    assert ictal / steps == pytest.approx(drawn.time_step, rel=0.01)
    assert drawn.time_step < 0.6 * drawn.window
    assert prior_offset(0.01, drawn.time_step) != pytest.approx(prior_offset(0.01, drawn.window), abs=0.5)


def test_b9_every_part_holds_seizures_wherever_they_lie_in_the_alphabet() -> None:
    """The first N of the sorted files held none, so checks got a bypass; here no part can be without."""
    recordings = many_recordings(12, 2, 3)
    for order in (recordings, recordings[::-1]):
        renamed = [
            type(r)(id=f"{n:03}", patient=f"{n // 2:03}", samples=r.samples, seizures=r.seizures)
            for n, r in enumerate(order)
        ]
        parts = splits.split(renamed, [None] * len(renamed), SplitConfig(method="stratified", minimum_seizures=2))
        assert all(sum(len(renamed[n].seizures) for n in numbers) >= 2 for numbers in parts.values())


def test_b10_no_patient_and_no_seizure_fills_the_batches() -> None:
    """A patient with a seizure of hours has half of all seizure windows; with a cap he has the share that it allows."""
    long = IndexedRecording(id="long", patient="long", samples=200_000, seizures=np.array([[1_000, 150_000]]))
    index = build([*many_recordings(20, 2, 20), long], GRID)
    owner = np.array([r.patient for r in index.recordings])[index.locate(index.seizure_windows)[0]]
    assert (owner == "long").mean() > 0.5
    plan = balanced(index, BatchConfig(size=16, seizure_windows=8, patient_share_max=0.1))
    drawn = plan.table(0, 500)[:, :8].ravel()
    patients = np.array([r.patient for r in index.recordings])[index.locate(drawn)[0]]
    assert (patients == "long").mean() <= 0.105


@pytest.mark.parametrize("ranks", [2, 3])
def test_b11_every_rank_has_its_quota_and_no_two_ranks_draw_the_same(index: WindowIndex, ranks: int) -> None:
    """A trainer that replaces the sampler cannot: the batches of every rank follow from the plan."""
    config = BatchConfig(size=8, seizure_windows=4)
    plans = [balanced(index, config, rank=rank, ranks=ranks) for rank in range(ranks)]
    assert all(plan.check(100).seizure_min == 4 for plan in plans)
    for step in range(min(plan.steps_per_epoch for plan in plans) - 1):
        drawn = np.concatenate([plan.batch(step) for plan in plans])
        background = drawn[index.ictal_samples_in(drawn) == 0]
        assert len(np.unique(background)) == len(background)
    assert len({plan.hash for plan in plans}) == 1


def test_b12_quotas_are_on_windows_and_not_on_files(plan: BatchPlan) -> None:
    """Seizure files in half of the draws gave 4.1 % seizure windows: most of such a file is background."""
    index = plan.index
    ictal_files = [n for n, r in enumerate(index.recordings) if len(r.seizures)]
    by_file = np.mean([len(index.select([n]).seizure_windows) / index.select([n]).windows for n in ictal_files]) / 2
    assert by_file < 0.15
    drawn = np.concatenate([plan.batch(step) for step in range(100)])
    assert (index.ictal_samples_in(drawn) > 0).mean() == 0.5


def test_b13_the_split_comes_before_any_window_is_drawn() -> None:
    """Copies of a seizure lay in training, validation and test; here a patient in two parts stops the plan."""
    recordings = many_recordings(4, 2, 4)
    with pytest.raises(InputError) as stop:
        splits.split(recordings, ["train", "dev", "train", "eval", "dev", "eval", "train", "dev"], SplitConfig())
    assert stop.value.code == "patient-in-two-parts"


@pytest.mark.parametrize("part", ["train", "eval"])
def test_b13_the_same_signal_under_another_patient_stops_preparation_and_training(
    synthetic_corpus: Path, terminal: Terminal, tmp_path: Path, part: str
) -> None:
    """A recording of training is copied to another patient of either part, under another name.

    `train` finds it by itself: on a cluster only shards are prepared, and nobody looks at all of them together.
    """
    corpus = linked(synthetic_corpus, tmp_path / "corpus")
    source = next(path for path in sorted(corpus.rglob("*.edf")) if "train" in path.parts)
    other = source.parents[4] / part / "aaaaazzz" / "s001_2011" / source.parent.name
    other.mkdir(parents=True)
    for path in (source, source.with_suffix(".csv"), source.with_suffix(".csv_bi")):
        text = path.read_bytes()
        if path.suffix != ".edf":
            text = text.replace(source.stem.encode(), b"aaaaazzz_s001_t000")
        (other / f"aaaaazzz_s001_t000{path.suffix}").write_bytes(text)
    run = tmp_path / "run"
    said = terminal("plan", run, *words(**{"corpus.path": corpus, "machine.store": tmp_path / "store"}))
    assert said.code == 0, said.err
    for command in (("prepare", run, "--shard", "1/2"), ("prepare", run, "--shard", "2/2")):
        assert terminal(*command).code == 0
    for command in (("train", run), ("prepare", run)):
        said = terminal(*command)
        assert said.code == 2
        assert "under two patients" in said.err
        assert "aaaaazzz_s001_t000" in said.err


def test_b9_a_subset_for_a_trial_run_holds_seizures_in_every_part(
    synthetic_corpus: Path, terminal: Terminal, tmp_path: Path
) -> None:
    """The first N of the sorted files held none; a subset has what every part must hold, and the plan says so."""
    said = terminal(
        "plan", tmp_path / "run", "--json", *words(**{"corpus.path": synthetic_corpus, "split.subset_patients": 6})
    )
    parts = said.document["splits"]
    assert sum(part["patients"] for part in parts.values()) <= 6
    assert all(part["seizures"] >= 1 for part in parts.values())
    assert {name: row["seizure_windows"] for name, row in said.document["statistics"].items()} == {
        name: part["seizure_windows"] for name, part in parts.items()
    }
    few = terminal("plan", tmp_path / "few", *words(**{"corpus.path": synthetic_corpus, "split.subset_patients": 2}))
    assert few.code == 2
    assert "at least 3 patients" in few.err


def test_b9_a_subset_prepares_no_more_than_it_uses(synthetic_corpus: Path, terminal: Terminal, tmp_path: Path) -> None:
    """A trial run must not cost what the whole one costs."""
    run = tmp_path / "run"
    places = {"corpus.path": synthetic_corpus, "machine.store": tmp_path / "store", "split.subset_patients": 6}
    document = terminal("plan", run, "--json", *words(**places)).document
    assert terminal("prepare", run).code == 0
    recordings = sum(part["recordings"] for part in document["splits"].values())
    assert len(list((tmp_path / "store").rglob("*.npy"))) == recordings < 12
