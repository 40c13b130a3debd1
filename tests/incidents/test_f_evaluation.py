"""Register F: scores that were not what they were called."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ictal.detection.calibration import correct_prior, prior_offset, sigmoid
from ictal.detection.events import EventRule, events
from ictal.detection.stitching import stitch
from ictal.detection.tuning import OperatingPoint, Unreachable, choose
from ictal.errors import InputError
from ictal.recipes.score import score_folders
from ictal.recordings.annotations import bids, tusz
from ictal.recordings.events import Event, seizures
from ictal.scoring import summary
from ictal.scoring.counts import Counts
from ictal.scoring.szcore import count_events, count_samples
from tests.end_to_end.commands import FinishedRun, recordings


def test_f1_a_seizure_in_eleven_windows_is_one_seizure() -> None:
    """Counted once per window, 12 false alarms a day became 84.6; here windows are stitched and recordings scored."""
    starts = np.arange(0, 111, 10)
    truth = np.zeros(210)
    truth[100:110] = 1
    logits = np.stack([truth[start : start + 100] * 20 - 10 for start in starts])
    assert int((logits.max(axis=1) > 0).sum()) >= 10
    probability = sigmoid(stitch(logits, starts, 210))
    found_s = events(probability, 1.0, EventRule())
    assert found_s.tolist() == [[100, 110]]
    assert count_events([(100, 110)], found_s, 210) == Counts(reference=1, true_positives=1, duration_s=210)


def test_f1_hours_and_seizures_are_those_of_the_recordings(finished_run: FinishedRun) -> None:
    """Not those of windows that overlap five times."""
    truth = json.loads((finished_run.corpus / "truth.json").read_text())
    own = [r for r in truth["recordings"] if r["split"] == "eval"]
    scores = finished_run.json("evaluation.json")["scorers"]["szcore_event"]
    assert scores["hours"] * 3600 == pytest.approx(sum(r["duration_s"] for r in own))
    assert scores["reference"] == sum(len(r["seizures"]) for r in own)


@pytest.mark.parametrize("count", [count_events, count_samples])
def test_f2_oracles(count) -> None:  # type: ignore[no-untyped-def]
    """Perfect is 1, silence 0, and a detector that never overlaps the seizure 0; "TAES" gave it 1."""
    reference = [(100.0, 130.0)]
    assert count(reference, reference, 3600.0).f1 == 1
    assert count(reference, [], 3600.0).sensitivity == 0
    disjoint = count(reference, [(2000.0, 2030.0)], 3600.0)
    assert (disjoint.sensitivity, disjoint.precision, disjoint.f1) == (0, 0, 0)


def test_f2_recordings_are_not_laid_on_one_time_axis() -> None:
    """A detection at the start of one recording does not find the seizure at the end of the one before.

    Nor do the two become one: seizures that touch where the recordings would meet are two.
    """
    late, early = [(50.0, 60.0)], [(0.0, 10.0)]
    for reference_s, hypothesis_s, seizures_found in (
        ([late, []], [[], early], (1, 0)),
        ([late, early], [[], []], (2, 0)),
    ):
        scores = summary.scores(
            names=["p_1", "p_2"],
            patients=["p", "p"],
            reference_s=reference_s,
            hypothesis_s=hypothesis_s,
            durations_s=[60.0, 60.0],
            generator=np.random.default_rng(0),
        )
        for scorer, score in scores.items():
            assert isinstance(score, dict)
            unit = 10 if scorer in {"szcore_sample", "nedc_epoch"} else 1
            assert (score["reference"], score["true_positives"]) == (unit * seizures_found[0], seizures_found[1])


def test_f3_an_unreachable_target_is_a_result_of_its_own_kind() -> None:
    """It returned a default threshold."""
    candidates = np.array([0.2, 0.5, 0.9]), np.array([1.0, 0.5, 0.0]), np.array([90.0, 30.0, 0.0])
    unreachable = choose(*candidates, target_per_24h=24)
    assert isinstance(unreachable, Unreachable)
    assert unreachable.lowest_per_24h == 30
    assert "24 were asked for" in unreachable.reason
    assert isinstance(choose(*candidates, target_per_24h=30), OperatingPoint)


def test_f4_a_patient_without_predictions_is_named_and_not_dropped_in_silence() -> None:
    """Both rules are in the document; the silent patient is 0 in one, named as left out in the other."""
    found = Counts(reference=1, true_positives=1, duration_s=3600)
    silent = Counts(reference=1, duration_s=3600)
    per_recording = {"a_1": found, "b_1": silent}
    scores = summary.document(per_recording, {"a_1": "a", "b_1": "b"}, generator=np.random.default_rng(0))
    macro = scores["macro"]
    assert isinstance(macro, dict)
    current, legacy = macro["current"], macro["legacy"]
    assert isinstance(current, dict)
    assert isinstance(legacy, dict)
    assert (current["f1"], legacy["f1"]) == (0.5, 1.0)
    assert isinstance(legacy["undefined"], dict)
    assert legacy["undefined"]["f1"] == ["b"]
    assert scores["nan_policy"] == "current"


def test_f5_a_missing_or_wrong_length_hypothesis_is_an_error(tmp_path: Path) -> None:
    """Both were scored as all-zero; silence counts only when asked for, and is listed."""
    reference, hypothesis = tmp_path / "reference", tmp_path / "hypothesis"
    for folder in (reference, hypothesis):
        folder.mkdir()
        for name in ("a", "b"):
            found = [Event(onset_s=10, stop_s=20, label="sz")]
            bids.write(folder / f"{name}_events.tsv", events=found, duration_s=60, start=None)
    (hypothesis / "b_events.tsv").unlink()
    with pytest.raises(InputError, match="hypothesis is missing"):
        score_folders(reference, hypothesis)
    assert score_folders(reference, hypothesis, missing_as_silence=True)["missing_as_silence"] == ["b"]
    bids.write(hypothesis / "b_events.tsv", events=[], duration_s=50, start=None)
    with pytest.raises(InputError, match="another length"):
        score_folders(reference, hypothesis)


@pytest.mark.parametrize("rate_hz", [1, 8, 256])
def test_f6_post_processing_is_in_seconds_whatever_the_rate(rate_hz: int) -> None:
    """A kernel of 5 samples was 20 ms; here 4 s is too short and a gap of 8 s is closed, at any rate."""
    probability = np.zeros(100 * rate_hz)
    for onset_s, stop_s in ((10, 14), (40, 50), (58, 70)):
        probability[onset_s * rate_hz : stop_s * rate_hz] = 0.9
    found = events(probability, rate_hz, EventRule(min_duration_s=5, merge_gap_s=10))
    assert found.tolist() == [[40, 70]]


def test_f7_every_recording_has_its_own_file_that_reads_back_the_same(
    finished_run: FinishedRun, tmp_path: Path
) -> None:
    """One file held all recordings, with wrong times; here each format gives back what was written."""
    for edf in recordings(finished_run.corpus, "eval"):
        beside = edf.relative_to(finished_run.corpus).with_name(f"{edf.stem}_events.tsv")
        annotation = tusz.read(edf.with_suffix(".csv_bi"))
        assert bids.read(finished_run.folder / "detections" / "eval" / beside).duration_s == annotation.duration_s
    found = [Event(onset_s=3.0625, stop_s=9.5, label="sz"), Event(onset_s=1234.5678, stop_s=2000.1, label="sz")]
    bids.write(tmp_path / "a_events.tsv", events=found, duration_s=3600, start=None)
    seiz = [Event(onset_s=e.onset_s, stop_s=e.stop_s, label="seiz") for e in found]
    tusz.write_bi(tmp_path / "a.csv_bi", bname="a", duration_s=3600, events=seiz)
    expected = tuple((event.onset_s, event.stop_s) for event in found)
    assert seizures(bids.read(tmp_path / "a_events.tsv")) == expected
    assert seizures(tusz.read(tmp_path / "a.csv_bi")) == expected


def test_f8_rates_come_with_intervals_over_patients(finished_run: FinishedRun) -> None:
    """Averages had no uncertainty; the unit that is resampled is the patient."""
    scores = finished_run.json("evaluation.json")["scorers"]["szcore_event"]
    assert scores["intervals"]["level"] == 0.95
    for rate in ("sensitivity", "false_alarms_per_24h"):
        assert scores["intervals"][rate]["lower"] <= scores[rate] <= scores["intervals"][rate]["upper"]
    found = {"a1": 4, "a2": 0, "b1": 4, "b2": 0}
    counts = {name: Counts(reference=4, true_positives=n, duration_s=3600) for name, n in found.items()}
    of = {
        patients: summary.document(
            counts, dict(zip(counts, patients, strict=True)), generator=np.random.default_rng(0)
        )["intervals"]["sensitivity"]
        for patients in ("aaaa", "aabb", "aabc")
    }
    assert of["aaaa"]["lower"] is of["aaaa"]["upper"] is None  # one patient says nothing of others
    assert of["aabb"]["lower"] == of["aabb"]["upper"] == 0.5  # two who are alike
    assert (of["aabc"]["lower"], of["aabc"]["upper"]) == (0, 1)


def test_f9_the_drawn_prior_is_taken_back_and_the_threshold_comes_from_the_tuning_part(
    finished_run: FinishedRun,
) -> None:
    """Thresholds of 0.86 and 0.78 had to be guessed."""
    assert sigmoid(correct_prior(np.array([0.0]), 0.01, 0.5))[0] == pytest.approx(0.01)
    prior = finished_run.json("plan.json")["prior"]
    offset = prior_offset(prior["natural"]["time_step"], prior["drawn"]["time_step"])
    assert offset < -1
    evaluation = finished_run.json("evaluation.json")
    assert evaluation["operating_point"]["tuned_on"] == "dev"
    assert evaluation["part"] == "eval"
    assert evaluation["temperature"] > 0
    assert evaluation["operating_point"]["target_per_24h"] == 24
