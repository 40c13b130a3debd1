"""What an evaluation says about ranking: of windows, seconds and steps, each with its interval."""

from __future__ import annotations

import itertools
import json
from typing import cast

import numpy as np
import pytest

from ictal.recipes import plan as planning
from ictal.recipes.evaluate import BAND_RATES_PER_24H, CURVE_POINTS
from ictal.recipes.ranking import Measured, by_second, by_window
from ictal.recipes.run import open_planned
from ictal.report.numbers import FALSE_ALARM_TARGETS
from ictal.scoring.ranking import auprc, auroc
from ictal.scoring.reliability import brier_skill, ece
from tests.end_to_end.commands import SAMPLES_PER_STEP, FinishedRun


def test_a_second_is_the_mean_of_its_steps() -> None:
    """At 2.5 steps a second: of 0, 0.4 and 0.8 s, then of 1.2 and 1.6 s; ictal if half of it is."""
    mean, truth = by_second(np.array([0.0, 0.3, 0.6, 1.0, 0.0]), np.array([0.0, 0.5, 1.0, 1.0, 0.0]), 2.5)
    assert mean.tolist() == pytest.approx([0.3, 0.5])
    assert truth.tolist() == [True, True]


def _ictal(seizures: np.ndarray, samples: int) -> list[bool]:
    """Whether at least half of each time step is ictal, step by step."""
    edges = [*range(0, samples, SAMPLES_PER_STEP), samples]
    return [
        2 * sum(max(0, min(stop, last) - max(start, first)) for first, last in seizures) >= stop - start
        for start, stop in itertools.pairwise(edges)
    ]


def test_windows_and_steps_are_those_of_the_scored_recordings(finished_run: FinishedRun) -> None:
    """Window by window from the stored traces; the measures in the results are those of these pairs."""
    run = open_planned(finished_run.folder, ())
    planned = planning.load(run)
    index = planned.index.select(planned.split["eval"])
    with np.load(finished_run.folder / "traces.npz") as traces:
        probability = [traces[f"probability_{n}"].astype(np.float64) for n in range(len(index.recordings))]
    labelled = [by_window(index, n, p, SAMPLES_PER_STEP) for n, p in enumerate(probability)]
    recording, start = index.locate(np.arange(index.windows))
    expected = [
        probability[r][s // SAMPLES_PER_STEP : (s + index.grid.length_samples) // SAMPLES_PER_STEP].max()
        for r, s in zip(recording, start, strict=True)
    ]
    score, truth = (np.concatenate(side) for side in zip(*labelled, strict=True))
    assert score.tolist() == expected
    found = finished_run.json("evaluation.json")["ranking"]
    assert found["window"]["auroc"] == pytest.approx(auroc(score, truth), abs=1e-6)
    assert (found["window"]["count"], found["window"]["ictal"]) == (score.size, truth.sum())
    assert found["step"]["count"] == sum(map(len, probability))
    ictal = np.concatenate([_ictal(one.seizures, one.samples) for one in index.recordings])
    steps = np.concatenate(probability)
    for name, exact in {"auroc": auroc, "auprc": auprc, "ece": ece}.items():
        lower, upper = found["step"]["binned_between"][name]
        assert lower - 1e-6 <= exact(steps, ictal) <= upper + 1e-6, name
        assert lower <= found["step"][name] <= upper
    assert found["step"]["brier_skill"] == pytest.approx(brier_skill(steps, ictal), abs=1e-5)


def test_every_measure_has_an_interval_and_names_what_made_it(finished_run: FinishedRun) -> None:
    """The unit that is resampled is the patient; the areas of before are still where they were."""
    document = finished_run.json("evaluation.json")
    found = document["ranking"]
    assert (found["scorer"], found["scorer_version"], found["level"]) == ("ictal-ranking", "1.0.0", 0.95)
    for kind in ("window", "second", "step"):
        assert found[kind]["intervals"].keys() == {"auroc", "auprc", "ece", "brier", "brier_skill"}
        interval = found[kind]["intervals"]["auroc"]
        assert 0 <= interval["lower"] <= interval["upper"] <= 1
    assert document["window_auprc"] == found["window"]["auprc"]
    assert document["second_auroc"] == found["second"]["auroc"]
    lower, upper = found["step"]["binned_between"]["ece"]
    assert lower - 1e-12 <= document["ece"] <= upper + 1e-12


def test_the_curve_is_of_every_threshold_and_says_so(finished_run: FinishedRun) -> None:
    """With what counted it; the point in use is one of those that are kept, and its counts are the scores."""
    document = finished_run.json("evaluation.json")
    curve, score = document["curve"], document["scorers"]["szcore_event"]
    assert (curve["scorer"], curve["scorer_version"], curve["every_threshold"]) == ("ictal-szcore", "1.0.0", True)
    assert len(curve["thresholds"]) <= CURVE_POINTS + score["reference"] + 2
    assert curve["points"] >= len(curve["thresholds"])
    row = np.searchsorted(curve["highest"], document["operating_point"]["threshold"])
    assert curve["sensitivity"][row] == score["sensitivity"]
    assert curve["false_alarms_per_24h"][row] == pytest.approx(score["false_alarms_per_24h"])
    assert json.dumps(document, allow_nan=False)


def test_the_curve_has_a_band_over_patients(finished_run: FinishedRun) -> None:
    """At each rate the best of the curve, and between which bounds; the rates that tables show are among them."""
    curve = finished_run.json("evaluation.json")["curve"]
    around = curve["band"]
    assert (around["level"], around["draws"], around["undefined_draws"]) == (0.95, 2_000, 0)
    assert around["rates_per_24h"] == BAND_RATES_PER_24H.tolist()
    assert set(FALSE_ALARM_TARGETS) <= set(around["rates_per_24h"])
    rates, sensitivity = (np.array(curve[name]) for name in ("false_alarms_per_24h", "sensitivity"))
    for rate, best, lower, upper in zip(
        *(around[name] for name in ("rates_per_24h", "sensitivity", "lower", "upper")), strict=True
    ):
        assert best == sensitivity[rates <= rate].max(initial=0.0)
        assert 0 <= lower <= best <= upper <= 1


def test_more_than_fits_is_measured_in_bins_and_says_so() -> None:
    """Up to a limit exactly, beyond it with the bounds of what binning can have changed; intervals stay."""
    generator = np.random.default_rng(0)
    exact, binned = Measured(600), Measured(599)
    steps = []
    for patient in ("a", "b", "c"):
        p = generator.beta(0.5, 3, 200)
        steps.append((p, generator.random(200) < p))
        for kind in (exact, binned):
            kind.add(patient, *steps[-1])
    p, truth = (np.concatenate(side) for side in zip(*steps, strict=True))
    found, bounded = exact.document(), binned.document()
    assert (found["count"], found["ictal"]) == (bounded["count"], bounded["ictal"]) == (600, truth.sum())
    assert found["auroc"] == auroc(p, truth)
    assert found["auprc"] == auprc(p, truth)
    assert "binned_between" not in found
    assert not binned.kept
    assert bounded.keys() == found.keys() | {"binned_between"}
    between = cast("dict[str, list[float]]", bounded["binned_between"])
    assert between["auroc"][0] <= auroc(p, truth) <= between["auroc"][1]
    assert bounded["brier_skill"] == pytest.approx(brier_skill(p, truth))
    assert bounded["intervals"] == found["intervals"]


def test_seizures_and_their_reference_are_in_the_results(finished_run: FinishedRun) -> None:
    """Types, lengths, patients and montages of the corpus, and every seizure that was scored."""
    document = finished_run.json("evaluation.json")
    truth = json.loads((finished_run.corpus / "truth.json").read_text())
    own = {r["id"]: r for r in truth["recordings"] if r["split"] == "eval"}
    assert document["reference"].keys() == own.keys()
    for name, one in document["reference"].items():
        assert one["patient"] == own[name]["patient"]
        expected = [value for s in own[name]["seizures"] for value in (s["onset_s"], s["stop_s"])]
        assert [value for pair in one["seizures_s"] for value in pair] == pytest.approx(expected, abs=1e-3)
    tables = document["seizures"]
    seizures = sum(len(r["seizures"]) for r in own.values())
    assert tables["all"]["seizures"] == seizures
    for name in ("by_type", "by_length", "by_patient", "by_montage"):
        assert sum(row["seizures"] for row in tables[name].values()) == seizures, name
    assert tables["all"]["false_alarms"] == document["scorers"]["szcore_event"]["false_positives"]
    assert "untyped" not in tables["by_type"]
