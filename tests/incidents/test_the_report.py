"""The incident report: what its probe really risked, what its sampler really drew, and the traps in its own code."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ictal.detection.calibration import correct_prior, sigmoid
from ictal.recipes.config import known_keys
from ictal.recordings.prior import log10_binomial_tail
from ictal.scoring.ranking import auroc
from ictal.timeline.grid import WindowGrid
from ictal.training.guards import GuardConfig, GuardStop, Observation, SkillGuard
from ictal.windows import probing, splits
from ictal.windows.feasibility import log_none_in_probe
from ictal.windows.index import IndexedRecording, build
from ictal.windows.plan import BatchConfig, balanced
from ictal.windows.prior import EffectivePrior, LossWeights, Prevalence, Prior
from ictal.windows.splits import SplitConfig
from tests.end_to_end.commands import Terminal
from tests.training.small import BlindModel, silent, trainer
from tests.windows.strategies import many_recordings

PARTIAL, FULL, BACKGROUND = 13_095, 6_759, 232_235
SEIZURE = PARTIAL + FULL
WINDOWS = SEIZURE + BACKGROUND
GRID = WindowGrid(length_samples=600, stride_samples=100)


@pytest.fixture(scope="module")
def seizure() -> npt.NDArray[np.bool_]:
    """Which of the report's windows held a seizure, had its labels been read."""
    labels = np.zeros(WINDOWS, dtype=np.bool_)
    labels[:SEIZURE] = True
    return np.random.default_rng(0).permutation(labels)


def test_the_numbers_of_the_register_add_up() -> None:
    """252,089 windows, 7.88 % of them with a seizure."""
    assert WINDOWS == 252_089
    assert pytest.approx(0.0788, abs=5e-5) == SEIZURE / WINDOWS


def test_0_of_1000_was_broken_labels_and_not_bad_luck() -> None:
    """2e-36 at the true prevalence, drawn with or without replacement; the report took it for 20 to 40 %."""
    assert math.exp(log_none_in_probe(WINDOWS, SEIZURE, 1000)) == pytest.approx(2e-36, rel=0.15)
    assert 10 ** log10_binomial_tail(0, 1000, SEIZURE / WINDOWS) == pytest.approx(2e-36, rel=0.15)
    assert math.exp(log_none_in_probe(WINDOWS, SEIZURE, 500)) < 1e-17


@pytest.mark.parametrize(("probe", "drawn"), [(500, 0.0790), (20_000, 0.0905)])
def test_the_reports_sampler_never_balanced_whatever_the_probe(
    probe: int, drawn: float, seizure: npt.NDArray[np.bool_]
) -> None:
    """It weighted windows at random: 7.90 % with its probe of 500 and 9.05 % with the recommended 20,000."""
    weights, found = probing.probed_weights(seizure, probe, np.random.default_rng(1))
    assert found > 0
    assert float(weights @ seizure / weights.sum()) == pytest.approx(drawn, abs=0.001)


def test_the_same_weight_on_exact_labels_balances(seizure: npt.NDArray[np.bool_]) -> None:
    """What the report meant: its square-root weight, given to the windows that do hold a seizure, draws 22.6 %."""
    weights = np.where(seizure, probing.positive_weight(float(seizure.mean())), 1.0)
    assert float(weights @ seizure / weights.sum()) == pytest.approx(0.2262, abs=0.001)


def test_a_probe_without_a_seizure_falls_back_to_uniform_only_in_the_replay() -> None:
    """Solution 1 returns nothing when unlucky; kept in the baseline, absent from the plan."""
    weights, found = probing.probed_weights(np.zeros(1000, dtype=np.bool_), 500, np.random.default_rng(0))
    assert found == 0
    assert (weights == 1).all()


def test_the_search_does_not_stop_at_the_first_hundred() -> None:
    """Solution 2 ends in the first files; the index lists the seizure windows of the last recording too."""
    recordings = many_recordings(60, 2, 60)
    index = build(recordings, GRID)
    assert len(index.seizure_windows) > 100
    assert int(index.locate(index.seizure_windows[-1:])[0][0]) == len(recordings) - 1


def test_a_split_of_files_would_leave_validation_empty_and_this_one_does_not() -> None:
    """Solution 5: `int(n * 0.2)` of four seizure files is none; here every part holds a seizure, by patient."""
    recordings = many_recordings(8, 1, 4)
    assert int(4 * 0.2) == 0
    parts = splits.split(recordings, [None] * 8, SplitConfig(method="stratified"))
    assert all(sum(len(recordings[n].seizures) for n in numbers) > 0 for numbers in parts.values())


def test_the_quota_is_the_share_that_was_asked_for() -> None:
    """The oversampling option's 0.2 is a ratio to negatives: 16.7 %; and where seizures are frequent it is none."""
    negatives, positives, target = 8000, 100, 0.2
    repeated = positives * int(negatives * target / positives)
    assert repeated / (negatives + repeated) == pytest.approx(1 / 6)
    assert int(100 * target / 50) == 0
    frequent = build([_recording(f"p{n}", 6000, [[0, 5500]]) for n in range(4)] + [_recording("q", 6000, [])], GRID)
    assert len(frequent.seizure_windows) > frequent.background_windows
    plan = balanced(frequent, BatchConfig(size=5, seizure_windows=1))
    assert [int((frequent.ictal_samples_in(plan.batch(step)) > 0).sum()) for step in range(50)] == [1] * 50


def test_every_small_batch_holds_a_seizure_and_not_81_percent_of_them() -> None:
    """Test 2: of batches of 4 drawn independently at 34 %, 19 % hold none; of the plan's none does."""
    assert pytest.approx(0.19, abs=0.001) == 0.66**4
    index = build(many_recordings(6, 2, 3), GRID)
    plan = balanced(index, BatchConfig(size=4, seizure_windows=1))
    assert plan.check(200).seizure_min == 1


def test_the_guard_asks_what_was_learnt_and_not_how_many_predictions_exceed_one_half() -> None:
    """Test 3 fires on a calibrated model at 1 % prevalence and passes one that says "seizure" at random."""
    rng = np.random.default_rng(0)
    labels = rng.random(200_000) < 0.5
    informative = np.where(labels, 1.0, -1.0) * 1.5 + rng.normal(size=labels.size)
    natural = sigmoid(correct_prior(informative, 0.01, 0.5))
    assert (natural[rng.random(labels.size) < np.where(labels, 0.01, 0.99)] > 0.5).mean() < 0.01
    assert _verdict(informative * 1.5, labels) is None
    random = rng.choice([-3.0, 3.0], size=labels.size)
    assert (sigmoid(random) > 0.5).mean() > 0.01
    assert _verdict(random, labels) == "no-skill"


def test_auroc_is_blind_to_a_model_that_never_says_seizure() -> None:
    """The report has "AUROC = 0.5" for all-negative predictions; with the ranks right it is 1."""
    assert auroc(np.array([0.01, 0.02, 0.4]), np.array([False, False, True])) == 1.0


def test_nothing_can_be_forced(terminal: Terminal, tmp_path: Path) -> None:
    """`--force` was a foot-gun: no command knows it, and no setting switches a guard or a check off."""
    words = {word for key in known_keys() for word in key.replace(".", "_").split("_")}
    assert words.isdisjoint({"force", "bypass", "skip", "ignore", "unsafe", "smoke", "debug"})
    for command in (["plan", tmp_path], ["audit", tmp_path], ["score", tmp_path, tmp_path]):
        said = terminal(*command, "--force")
        assert said.code == 2
        assert "--force" in said.err


def test_a_blind_model_does_not_get_to_the_end(tmp_path: Path) -> None:
    """The cascade of doom stops at the first step after the grace, for the price of that grace."""
    run = trainer(tmp_path, model=BlindModel())
    with pytest.raises(GuardStop) as stop:
        run.run(silent)
    assert stop.value.verdict.step == 30


def _recording(patient: str, samples: int, seizures: list[list[int]]) -> IndexedRecording:
    spans = np.array(seizures, dtype=np.int64).reshape(-1, 2)
    return IndexedRecording(id=patient, patient=patient, samples=samples, seizures=spans)


def _verdict(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> str | None:
    """What the skill guard says of a model that has given these logits for long enough."""
    target = torch.from_numpy(labels.astype(np.float64))[None]
    answer = torch.from_numpy(logits)[None]
    observation = Observation(
        step=500,
        first_batch=500,
        windows=np.arange(1),
        recordings=("r0",),
        shift_samples=np.zeros(1, dtype=np.int64),
        signal_uv=torch.zeros(1, 1, 1),
        loss=float(torch.nn.functional.binary_cross_entropy_with_logits(answer, target)),
        logits=answer,
        labels=target,
        weights=torch.ones_like(target),
        gradient_norm=1.0,
        learning_rate=0.1,
    )
    drawn = Prevalence(window=1.0, time_step=float(labels.mean()))
    known = EffectivePrior(prior=Prior(natural=drawn, drawn=drawn), weights=LossWeights())
    guard = SkillGuard(GuardConfig(smoothing_steps=1), known)
    verdict = guard.observe(observation)
    return None if verdict is None else verdict.kind
