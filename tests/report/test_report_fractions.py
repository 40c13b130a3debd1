"""Scores that count fractions of events are not rounded to whole ones in the report."""

from __future__ import annotations

from ictal.report.numbers import count, decimal
from ictal.report.tables import scores
from tests.report import specimen


def test_fractions_keep_two_digits_and_whole_counts_none() -> None:
    """2.175 of 3 seizures by TAES beside 3 of 3 by OVLP, under names that a reader knows."""
    stated = {"scorer": "ictal-nedc", "scorer_version": "1.0.0", "nan_policy": "current"}
    document = {
        "scorers": {
            "nedc_ovlp": {**specimen.ratios(3, 3, 0, 1.0), **stated},
            "nedc_taes": {**specimen.ratios(3, 2, 0, 1.0), **stated, "true_positives": 2.175, "false_positives": 0.825},
        }
    }
    assert scores(document).note == "Scored by ictal-nedc 1.0.0. NaN policy: current."
    rows = scores(document).rows
    assert [row[0] for row in rows] == ["NEDC OVLP, by event", "NEDC TAES, in fractions"]
    assert [row[5:8] for row in rows] == [("3", "3", "0"), ("3", "2.17", "0.82")]


def test_what_rounds_to_zero_has_no_sign() -> None:
    """A detection 40 ms before a seizure's onset is 0.0 s late."""
    assert decimal(-0.04, 1) == "0.0"
    assert count(-0.4) == "0"
