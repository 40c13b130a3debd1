"""The oracle matrix: every scorer, every ratio, on cases whose scores follow from the definitions alone."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest

from ictal.recipes.score import score_folders
from ictal.recordings.annotations import bids, edfplus
from ictal.recordings.events import Event
from ictal.scoring.summary import SCORERS
from tests.scoring import oracles
from tests.scoring.oracles import CASES, HOUR_S

BETA = 999.9


@pytest.fixture(scope="module")
def scored() -> dict[str, dict[str, Any]]:
    """Every case by every scorer."""
    return {name: oracles.scores(case) for name, case in CASES.items()}


def test_every_scorer_is_in_the_matrix() -> None:
    """A new one needs a column."""
    assert CASES["perfect"].expected.keys() == SCORERS.keys()


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("case", CASES)
def test_counts_and_ratios_are_those_of_the_definitions(scored: dict[str, Any], case: str, scorer: str) -> None:
    """Counts by hand; ratios from them by the formulas of docs/scoring.md; undefined where the divisor is 0."""
    found, (reference, true, false) = scored[case][scorer], CASES[case].expected[scorer]
    counts = (found["reference"], found["true_positives"], found["false_positives"])
    assert counts == pytest.approx((reference, true, false), abs=1e-12)
    duration_s = HOUR_S * len(CASES[case].recordings)
    assert found["sensitivity"] == (pytest.approx(true / reference) if reference else None)
    assert found["precision"] == (pytest.approx(true / (true + false)) if true + false else None)
    either = true + false + reference
    assert found["f1"] == (pytest.approx(2 * true / either) if either else None)
    assert found["false_alarms_per_24h"] == pytest.approx(false * 86_400 / duration_s)
    undefined = {text.split(":")[0] for text in found["undefined"]}
    assert undefined == {name for name in oracles.RATIOS if found[name] is None}


@pytest.mark.parametrize("case", CASES)
def test_further_rates_are_those_of_the_definitions(scored: dict[str, Any], case: str) -> None:
    """Cohen's kappa of the four cells in seconds; the term-weighted value of misses and false alarms."""
    duration_s = HOUR_S * len(CASES[case].recordings)
    for scorer in ("szcore_sample", "nedc_epoch"):
        reference, true, false = CASES[case].expected[scorer]
        agreed = (true + duration_s - reference - false) / duration_s
        said = true + false
        chance = (reference * said + (duration_s - reference) * (duration_s - said)) / duration_s**2
        expected = None if math.isclose(chance, 1) else pytest.approx((agreed - chance) / (1 - chance), abs=1e-12)
        assert scored[case][scorer]["further"]["kappa"] == expected, scorer
    reference, true, false = CASES[case].expected["nedc_atwv"]
    value = pytest.approx(true / reference - BETA * false / (duration_s - reference)) if reference else None
    assert scored[case]["nedc_atwv"]["further"]["term_weighted_value"] == value


@pytest.mark.parametrize("case", CASES)
def test_seizures_are_found_as_late_as_they_are(case: str) -> None:
    """Each annotated seizure by itself."""
    found, (hits, latency_s) = oracles.found(CASES[case]), CASES[case].found
    seizures = sum(len(reference) for reference, _ in CASES[case].recordings)
    assert (found["seizures"], found["found"]) == (seizures, hits)
    assert found["median_latency_s"] == (None if latency_s is None else pytest.approx(latency_s, abs=1e-4))
    assert found["sensitivity"] == (pytest.approx(hits / seizures) if seizures else None)


def test_the_page_is_what_the_scorers_count() -> None:
    """To the last character: `python -m tests.scoring.oracles` writes it."""
    assert oracles.PAGE.read_text() == oracles.page()


@pytest.mark.parametrize("write", ["tsv", "edf"])
def test_midnight_in_files_changes_nothing(tmp_path: Path, write: str, scored: dict[str, Any]) -> None:
    """Through files that know the clock: events count from the recording's start, not from the day's."""
    start = dt.datetime(2026, 1, 31, 23, 30)  # noqa: DTZ001 - an EDF knows no zone
    for folder, pairs in zip(("reference", "hypothesis"), CASES["midnight"].recordings[0], strict=True):
        (tmp_path / folder).mkdir()
        events = [Event(onset_s=onset, stop_s=stop, label="sz") for onset, stop in pairs]
        if folder == "reference" or write == "tsv":
            bids.write(tmp_path / folder / "p_1_events.tsv", events=events, duration_s=HOUR_S, start=start)
        else:
            edfplus.write(tmp_path / folder / "p_1.edf", events=events, duration_s=HOUR_S, start=start)
    found: Any = score_folders(tmp_path / "reference", tmp_path / "hypothesis")["scorers"]
    for scorer, expected in scored["midnight"].items():
        for key in ("reference", "true_positives", "false_positives", "hours"):
            assert found[scorer][key] == pytest.approx(expected[key]), (scorer, key)
