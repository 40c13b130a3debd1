"""The document: pooled, per recording and macro, undefined as null with its reason."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from ictal.scoring import nedc, summary, szcore
from ictal.scoring.counts import Counts
from ictal.scoring.summary import SCORERS, SZCORE_EVENT, by_patient, document, scores

HOUR_S = 3_600.0
PER_RECORDING = {
    "silent_1": Counts(reference=2, true_positives=0, false_positives=0, duration_s=HOUR_S),
    "found_1": Counts(reference=2, true_positives=2, false_positives=1, duration_s=HOUR_S),
    "found_2": Counts(reference=1, true_positives=0, false_positives=1, duration_s=HOUR_S),
    "healthy_1": Counts(reference=0, true_positives=0, false_positives=3, duration_s=HOUR_S),
    "quiet_1": Counts(reference=0, true_positives=0, false_positives=0, duration_s=HOUR_S),
}
PATIENTS = {name: name.split("_")[0] for name in PER_RECORDING}
KEYS = {
    "sensitivity",
    "precision",
    "f1",
    "false_alarms_per_24h",
    "reference",
    "true_positives",
    "false_positives",
    "hours",
    "undefined",
}


@pytest.fixture
def scored() -> dict[str, Any]:
    """The document of the five recordings above, through JSON and back."""
    built = document(PER_RECORDING, PATIENTS, generator=np.random.default_rng(0))
    return json.loads(json.dumps(built, allow_nan=False))


def test_pooled_ratios_come_from_added_counts(scored: dict[str, Any]) -> None:
    """2 of 5 seizures, 5 false alarms in 5 hours."""
    assert (scored["reference"], scored["true_positives"], scored["false_positives"]) == (5, 2, 5)
    assert scored["sensitivity"] == 0.4
    assert scored["precision"] == pytest.approx(2 / 7)
    assert scored["f1"] == pytest.approx(4 / 12)
    assert scored["false_alarms_per_24h"] == pytest.approx(24.0)
    assert scored["hours"] == 5.0
    assert scored["undefined"] == []


def test_pooled_and_recordings_have_the_same_keys(scored: dict[str, Any]) -> None:
    """The contract's keys at both levels; the scorer's name, version, parameters and NaN policy beside them."""
    assert scored.keys() >= KEYS | {"scorer", "scorer_version", "parameters", "nan_policy", "macro", "intervals"}
    assert scored["per_recording"].keys() == PER_RECORDING.keys()
    assert all(row.keys() == KEYS for row in scored["per_recording"].values())
    assert (scored["scorer"], scored["nan_policy"]) == ("ictal-szcore", "current")


def test_whoever_reads_the_document_finds_these_names(scored: dict[str, Any]) -> None:
    """All of them, at every level: reports and other people's programs go by them."""
    beside = {"scorer", "scorer_version", "parameters", "nan_policy", "further", "patients", "intervals", "macro"}
    assert scored.keys() == KEYS | beside | {"per_patient", "per_recording"}
    rates = {"sensitivity", "precision", "f1", "false_alarms_per_24h"}
    assert scored["intervals"].keys() == rates | {"level", "draws"}
    assert scored["intervals"]["sensitivity"].keys() == {"lower", "upper", "undefined_draws"}
    for rule in ("current", "legacy"):
        assert scored["macro"][rule].keys() == rates | {"undefined", "intervals"}
        assert scored["macro"][rule]["undefined"].keys() == scored["macro"][rule]["intervals"].keys() == rates


def test_undefined_is_null_with_its_reason(scored: dict[str, Any]) -> None:
    """No NaN reaches JSON, and no reader has to guess."""
    quiet = scored["per_recording"]["quiet_1"]
    assert (quiet["sensitivity"], quiet["precision"], quiet["f1"]) == (None, None, None)
    assert quiet["undefined"] == [
        "sensitivity: no reference item",
        "precision: no detection",
        "f1: neither a reference item nor a detection",
    ]
    assert scored["per_recording"]["silent_1"]["undefined"] == ["precision: no detection"]


def test_macro_averages_patients_not_recordings(scored: dict[str, Any]) -> None:
    """The patient with two recordings counts once."""
    macro = scored["macro"]["current"]
    assert macro["sensitivity"] == pytest.approx((0 + 2 / 3) / 2)
    assert macro["precision"] == pytest.approx((0 + 2 / 4) / 2)
    assert macro["false_alarms_per_24h"] == pytest.approx((0 + 24 + 72 + 0) / 4)
    assert scored["per_patient"]["found"]["sensitivity"] == pytest.approx(2 / 3)
    assert scored["patients"] == 4


def test_the_two_nan_policies_differ_in_f1_and_name_who_is_left_out(scored: dict[str, Any]) -> None:
    """Current: silence on seizures and alarms on health are F1 = 0. Legacy: both patients drop out of the mean (f4)."""
    found = 2 * 2 / (2 + 2 + 3)
    current, legacy = scored["macro"]["current"], scored["macro"]["legacy"]
    assert current["f1"] == pytest.approx((0 + found + 0) / 3)
    assert current["undefined"]["f1"] == ["quiet"]
    assert legacy["f1"] == pytest.approx(found)
    assert legacy["undefined"]["f1"] == ["healthy", "quiet", "silent"]
    for name in ("sensitivity", "precision", "false_alarms_per_24h"):
        assert current[name] == legacy[name]
    assert current["undefined"]["sensitivity"] == ["healthy", "quiet"]


def test_intervals_hold_the_pooled_rates(scored: dict[str, Any]) -> None:
    """Sensitivity and false alarms carry 95 % intervals from resampled patients."""
    assert scored["intervals"]["level"] == 0.95
    for name in ("sensitivity", "false_alarms_per_24h"):
        assert scored["intervals"][name]["lower"] <= scored[name] <= scored["intervals"][name]["upper"]


def test_one_quiet_recording_has_only_nulls() -> None:
    """Every ratio but the rate is undefined, at every level."""
    quiet = {"quiet_1": PER_RECORDING["quiet_1"]}
    built = document(quiet, {"quiet_1": "quiet"}, generator=np.random.default_rng(0))
    assert json.loads(json.dumps(built, allow_nan=False))["macro"]["current"]["f1"] is None
    assert built["false_alarms_per_24h"] == 0.0
    assert built["intervals"]["sensitivity"]["lower"] is None


def test_patients_are_added_in_alphabetical_order() -> None:
    """The order of the document does not depend on the order of the recordings."""
    assert list(by_patient(PER_RECORDING, PATIENTS)) == ["found", "healthy", "quiet", "silent"]
    assert by_patient(PER_RECORDING, PATIENTS)["found"].duration_s == 2 * HOUR_S


def test_a_recording_without_a_patient_is_an_error() -> None:
    """Counts and patients speak of the same recordings."""
    with pytest.raises(AssertionError, match="quiet_1"):
        document(
            PER_RECORDING, {k: v for k, v in PATIENTS.items() if k != "quiet_1"}, generator=np.random.default_rng(0)
        )


def test_legacy_f1_is_that_of_timescoring_before_0_0_7() -> None:
    """Harmonic mean of sensitivity and precision, 0 if both are 0, NaN if either is NaN."""
    for counts in PER_RECORDING.values():
        built = document({"r": counts}, {"r": "p"}, generator=np.random.default_rng(0))
        sensitivity, precision = counts.sensitivity, counts.precision
        if math.isnan(sensitivity) or math.isnan(precision):
            expected = None
        elif sensitivity + precision == 0:
            expected = 0.0
        else:
            expected = pytest.approx(2 * sensitivity * precision / (sensitivity + precision))
        assert built["macro"]["legacy"]["f1"] == expected


def test_a_corpus_is_scored_by_every_scorer() -> None:
    """One document each, with the same keys, under the scorer's own name, version and parameters."""
    scored = scores(
        names=["p_1", "q_1"],
        patients=["p", "q"],
        reference_s=[[(100.0, 200.0)], []],
        hypothesis_s=[[(150.0, 225.0)], [(10.0, 20.0)]],
        durations_s=[HOUR_S, HOUR_S],
        generator=np.random.default_rng(0),
    )
    scored = json.loads(json.dumps(scored, allow_nan=False))
    assert list(scored) == [
        *("szcore_event", "szcore_sample", "nedc_ovlp", "nedc_taes", "nedc_epoch", "nedc_dpalign", "nedc_atwv")
    ]
    assert [list(one["further"]) for one in scored.values()] == [
        *([], ["kappa"], [], [], ["kappa"], [], ["term_weighted_value"])
    ]
    assert len({tuple(row) for row in scored.values()}) == 1
    assert {key: row["scorer"] for key, row in scored.items()} == {
        key: "ictal-szcore" if key.startswith("szcore") else "ictal-nedc" for key in scored
    }
    assert scored["nedc_epoch"]["parameters"] == {"epoch_s": 0.25}
    found = {key: (row["reference"], row["true_positives"], row["false_positives"]) for key, row in scored.items()}
    assert found["szcore_event"] == found["nedc_ovlp"] == (1, 1, 1)
    assert found["nedc_taes"] == (1, 0.5, 1.25)
    assert found["szcore_sample"] == found["nedc_epoch"] == (100, 50, 35)


def test_every_scorer_stands_with_the_name_version_and_parameters_of_its_family() -> None:
    """Made again by hand they are those of the table, to whom the same is attributed."""
    assert summary._szcore(szcore.count_events_by_recording) == SZCORE_EVENT == SCORERS["szcore_event"]
    assert summary._szcore(szcore.count_samples_by_recording, {"kappa": summary.kappa}) == SCORERS["szcore_sample"]
    assert summary._nedc(nedc.count_ovlp_by_recording, nedc.OVLP_PARAMETERS) == SCORERS["nedc_ovlp"]
    epoch = summary._nedc(nedc.count_epochs_by_recording, nedc.EPOCH_PARAMETERS, {"kappa": summary.kappa})
    assert epoch == SCORERS["nedc_epoch"]
    assert (epoch.name, epoch.version, epoch.parameters) == ("ictal-nedc", nedc.SCORER_VERSION, {"epoch_s": 0.25})
    assert (SZCORE_EVENT.name, SZCORE_EVENT.version) == ("ictal-szcore", szcore.SCORER_VERSION)


def test_what_else_a_scorer_says_has_an_interval_as_well() -> None:
    """Kappa and the term-weighted value, which are no ratio of counts."""
    scored = scores(
        names=["p_1", "q_1"],
        patients=["p", "q"],
        reference_s=[[(100.0, 200.0)], [(5.0, 15.0)]],
        hypothesis_s=[[(150.0, 225.0)], [(10.0, 20.0)]],
        durations_s=[HOUR_S, HOUR_S],
        generator=np.random.default_rng(0),
    )
    for key, name in (("szcore_sample", "kappa"), ("nedc_epoch", "kappa"), ("nedc_atwv", "term_weighted_value")):
        row: Any = scored[key]
        assert row["intervals"][name]["lower"] <= row["further"][name] <= row["intervals"][name]["upper"]


def test_a_recording_more_than_patients_is_an_error() -> None:
    """One patient for each."""
    with pytest.raises(ValueError, match="shorter"):
        scores(
            names=["p_1", "q_1"],
            patients=["p"],
            reference_s=[[], []],
            hypothesis_s=[[], []],
            durations_s=[HOUR_S, HOUR_S],
            generator=np.random.default_rng(0),
        )
