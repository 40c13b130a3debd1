"""The report: one file that holds everything, says the verdict first, and hides nothing."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest

from ictal.report import readings
from ictal.report.contents import Contents
from ictal.report.page import render
from tests.report import specimen
from tests.report.pages import HOSTILE, assert_whole, outline, words


@pytest.fixture(scope="module")
def full_page() -> str:
    return render(specimen.full())


@pytest.fixture(params=["full", "stopped", "bare"], scope="module")
def page(request: pytest.FixtureRequest) -> str:
    contents: Contents = getattr(specimen, request.param)()
    return render(contents)


def test_the_page_is_whole_and_asks_nothing_of_the_network(page: str) -> None:
    """Of a run that was finished, of one that was stopped, and of one that came to nothing."""
    assert_whole(page)


def test_figures_hold_drawings_of_every_part(full_page: str) -> None:
    """Seven figures and one strip for each recording."""
    parsed = outline(full_page)
    kinds = [figure.get("class") for figure in parsed.figures]
    assert kinds.count("chart") == 5
    assert kinds.count("eeg") == 2
    assert kinds.count("strip") == len(specimen.full().strips)
    assert "Figure 7." in words(full_page)


def test_figures_follow_the_colour_scheme(full_page: str) -> None:
    """No figure holds a colour of its own: all are variables that the dark scheme redefines."""
    figures = "".join(re.findall(r"<svg.*?</svg>", full_page, re.DOTALL))
    assert re.findall(r"(?:fill|stroke): ?#[0-9a-f]{3,8}\b", figures) == []
    assert "prefers-color-scheme: dark" in full_page


def test_the_verdict_comes_first(page: str) -> None:
    """The verdict stands before every section."""
    assert page.index('class="verdict') < page.index("<nav") < page.index("<main")


def test_a_stopped_run_says_so_and_what_it_did_not_reach() -> None:
    """A run without evaluation shows its verdict, its curves, and names what is missing."""
    text = words(render(specimen.stopped()))
    assert "no-skill Stopped at step 60" in text
    assert "A guard stopped the run at step 60." in text
    assert "Calibration The run was not evaluated." in text


def test_a_run_that_came_to_nothing_still_gets_a_report() -> None:
    """Only a title and a verdict are needed."""
    text = words(render(specimen.bare()))
    assert "The corpus holds no seizure." in text
    assert "The run stopped before it had any." in text


def test_hostile_names_are_text() -> None:
    """Names of recordings, patients, channels, labels and files are shown, never run."""
    contents = specimen.full()
    example = dataclasses.replace(
        contents.examples[0], recording=HOSTILE, patient=HOSTILE, caption=HOSTILE, channels=(HOSTILE,) * 19
    )
    strip = dataclasses.replace(specimen.full().strips[1], recording=HOSTILE)
    corpus = {**specimen.CORPUS, "labels": {HOSTILE: 1}, "corpus": HOSTILE}
    incident = {"rows": [{**row, "strategy": HOSTILE} for row in specimen.INCIDENT["rows"]]}
    verdict = dataclasses.replace(contents.verdict, headline=HOSTILE, evidence=(HOSTILE,), kind=HOSTILE)
    page = render(
        dataclasses.replace(
            contents,
            title=HOSTILE,
            verdict=verdict,
            corpus=corpus,
            incident=incident,
            examples=(example,),
            strips=(strip,),
            provenance={HOSTILE: HOSTILE},
            warnings=(HOSTILE,),
        )
    )
    parsed = outline(page)
    assert parsed.open == []
    assert "<script" not in page
    assert "alert('x')</script>" in " ".join(parsed.text)
    assert "49" not in parsed.text[parsed.text.index(HOSTILE)]


def test_backslashes_in_names_are_kept() -> None:
    """A Windows path in a strategy's name is not taken for a reference to a group."""
    incident = {"rows": [{**row, "strategy": r"C:\1\g<0>"} for row in specimen.INCIDENT["rows"]]}
    page = render(dataclasses.replace(specimen.full(), incident=incident, examples=()))
    assert r"C:\1\g&lt;0&gt;: 5.9" in page


def test_undefined_ratios_say_why() -> None:
    """A NaN or null is shown as undefined with its reason, and never as a number."""
    text = words(render(specimen.full()))
    assert "aaaaaabq – undefined undefined undefined 0.0" in text
    assert "Sensitivity: no reference event to find; Precision: nothing was detected" in text
    assert re.search(r"\bnan\b(?! policy)", text, re.IGNORECASE) is None
    assert "None" not in re.sub(r"None in \d", "", text)


def test_an_evaluation_without_a_single_seizure_or_alarm_is_shown_as_undefined() -> None:
    """Key numbers stay honest when every ratio is undefined."""
    silent = {**specimen.evaluation(), "window_auroc": float("nan"), "window_auprc": None, "ece": None}
    silent["scorers"] = {"szcore_event": specimen.ratios(0, 0, 0, 0.0)}
    text = words(render(dataclasses.replace(specimen.full(), evaluation=silent)))
    assert "Sensitivity undefined (no reference event to find)" in text
    assert "Window AUROC undefined (only one class among the scored windows)" in text
    assert "There was no time to score." in text


@pytest.mark.parametrize(("found", "seizures"), [(2, 2), (30, 30), (0, 3)])
def test_a_rate_of_all_or_none_comes_with_what_it_does_not_rule_out(found: int, seizures: int) -> None:
    """A detector of that rate does the same once in 20 times, by the binomial; an interval of no width is left out."""
    event = {
        **specimen.ratios(seizures, found, 1, 2.0),
        "intervals": {"level": 0.95, "sensitivity": {"lower": found / seizures, "upper": found / seizures}},
    }
    (said,) = readings.doubts(event)
    stated = re.search(r"finds ([\d.]+)\u202f%", said)
    assert stated
    rate = float(stated[1]) / 100
    assert math.isclose(rate**seizures if found else (1 - rate) ** seizures, 0.05, rel_tol=0.02)
    silent = {**specimen.evaluation(), "scorers": {"szcore_event": event}}
    text = words(render(dataclasses.replace(specimen.full(), evaluation=silent)))
    assert f"{found} of {seizures} annotated seizures of patients never seen in training were reported. " in text


def test_no_false_alarm_comes_with_what_it_does_not_rule_out() -> None:
    """Three in the time that was scored, by Poisson: 3.0 / 1.5 h is 48 per 24 h; else nothing is said."""
    (said,) = readings.doubts(specimen.ratios(4, 2, 0, 1.5))
    assert "a detector with 48 per 24 h" in said
    assert "a detector with 719 per 24 h" in next(readings.doubts(specimen.ratios(4, 2, 0, 0.1)))
    assert "a detector with 1.0 per 24 h" in next(readings.doubts(specimen.ratios(4, 2, 0, 72.0)))
    assert list(readings.doubts(specimen.ratios(4, 2, 1, 1.5))) == []
    assert list(readings.doubts(specimen.ratios(0, 0, 0, 0.0))) == []


def test_scores_on_training_patients_are_called_that() -> None:
    """A run scored on its own training part does not claim unseen patients."""
    trained_on = {**specimen.evaluation(), "unseen_patients": False}
    text = words(render(dataclasses.replace(specimen.full(), evaluation=trained_on)))
    assert "annotated seizures of the TRAINING patients" in text
    assert "annotated seizures of patients never seen in training" not in text


def test_a_threshold_chosen_on_what_is_scored_is_not_called_unseen() -> None:
    """Without a dev part it comes from there, and so does the calibration."""
    whole = specimen.full()
    point = {**whole.evaluation["operating_point"], "tuned_on": "eval"}
    document = {**whole.evaluation, "independent_of_tuning": False, "operating_point": point}
    page = words(
        render(dataclasses.replace(whole, evaluation=document, calibrated="calibration by platt on the eval part"))
    )
    assert "the threshold was chosen on these" in page
    assert "asked for on the eval part" in page
    assert "applied here unseen" not in page
    assert "fixed before these were scored" not in page


def test_an_unreachable_target_is_said() -> None:
    """Without an operating point the page says why."""
    point = {"threshold": None, "target_reached": False, "reason": "no threshold finds a seizure"}
    contents = specimen.full()
    assert contents.curve is not None
    curve = dataclasses.replace(contents.curve, operating=None)
    unreached = {**specimen.evaluation(), "operating_point": point}
    text = words(render(dataclasses.replace(contents, evaluation=unreached, curve=curve)))
    assert "There is no operating point. no threshold finds a seizure" in text


def test_a_target_missed_on_the_tuning_patients_is_said() -> None:
    """An operating point that only comes near its target says so."""
    missed = {
        "threshold": 0.9,
        "target_per_24h": 1.0,
        "tuned_on": "dev",
        "target_reached": False,
        "reason": "too noisy",
    }
    text = words(
        render(dataclasses.replace(specimen.full(), evaluation={**specimen.evaluation(), "operating_point": missed}))
    )
    assert "The target was NOT reached there: too noisy" in text


def test_the_page_repeats_itself() -> None:
    """Equal contents give equal pages, so that a report can be compared."""
    assert render(specimen.full()) == render(specimen.full())


def test_the_file_is_small() -> None:
    """Four minutes of EEG on 19 channels and 60 recordings fit in 3 MB."""
    contents = specimen.full(steps=600, recordings=60)
    page = render(dataclasses.replace(contents, examples=contents.examples * 2))
    assert len(page.encode()) <= 3_000_000


def test_a_lone_step_a_lone_bin_and_a_flat_curve_can_be_drawn() -> None:
    """The shortest run draws without a warning."""
    contents = specimen.full(steps=1)
    assert contents.training is not None
    assert contents.reliability is not None
    assert contents.curve is not None
    training = dataclasses.replace(contents.training, validation=())
    bins = dataclasses.replace(
        contents.reliability, mean_probability=np.array([0.2]), observed_share=np.array([0.0]), count=np.array([9])
    )
    curve = dataclasses.replace(
        contents.curve, false_alarms_per_24h=np.zeros(1), sensitivity=np.zeros(1), threshold=np.ones(1), operating=0
    )
    page = render(dataclasses.replace(contents, training=training, reliability=bins, curve=curve))
    assert outline(page).open == []


def test_a_part_without_a_seizure_has_a_curve_without_numbers() -> None:
    """Where no seizure was scored the curve's sensitivity is undefined, and the page says so instead of failing."""
    contents = specimen.full()
    assert contents.curve is not None
    nothing = np.full_like(contents.curve.sensitivity, np.nan)
    curve = dataclasses.replace(contents.curve, sensitivity=nothing, operating=None)
    text = words(render(dataclasses.replace(contents, curve=curve)))
    assert "≤ 24 undefined" in text


def test_only_events_in_view_are_listed_under_an_example() -> None:
    """The table under a stretch of EEG leaves out what happens elsewhere in the recording."""
    contents = specimen.full()
    example = dataclasses.replace(contents.examples[0], detections_s=np.array([[10.0, 20.0], [320.0, 349.0]]))
    page = render(dataclasses.replace(contents, examples=(example,)))
    text = words(page)
    assert "detection 0:05:20 0:05:49" in text
    assert "detection 0:00:10" not in text
    assert "1 annotated and 1 detected events" in page
