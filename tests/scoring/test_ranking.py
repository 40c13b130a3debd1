"""Ranking areas against their definitions, ties and weights included."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.scoring.ranking import auprc, auroc
from tests.reference import ranking as slow

ROWS = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 2.0]) | st.floats(-1e3, 1e3), st.booleans(), st.integers(0, 3)),
    max_size=25,
)


@settings(max_examples=300)
@given(ROWS)
def test_equal_their_definitions(rows: list[tuple[float, bool, int]]) -> None:
    """Every pair for AUROC, every distinct threshold for average precision; NaN together."""
    scores, labels, weights = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    arrays = np.array(scores, dtype=np.float64), np.array(labels, dtype=np.bool_), np.array(weights, dtype=np.float64)
    np.testing.assert_allclose(auroc(*arrays), slow.auroc(scores, labels, weights), atol=1e-12)
    np.testing.assert_allclose(auprc(*arrays), slow.auprc(scores, labels, weights), atol=1e-12)


def test_perfect_inverted_and_constant_scores() -> None:
    """1, 0 and one half; average precision of a constant is the prevalence."""
    labels = np.array([False, False, False, True])
    assert auroc(np.array([0.1, 0.2, 0.3, 0.9]), labels) == auprc(np.array([0.1, 0.2, 0.3, 0.9]), labels) == 1.0
    assert auroc(np.array([0.1, 0.2, 0.3, 0.0]), labels) == 0.0
    assert auroc(np.full(4, 0.7), labels) == 0.5
    assert auprc(np.full(4, 0.7), labels) == 0.25


@pytest.mark.parametrize("labels", [[True, True], [False, False], []])
def test_an_absent_class_is_nan(labels: list[bool]) -> None:
    """There is nothing to rank against."""
    scores = np.linspace(0.0, 1.0, len(labels))
    assert math.isnan(auroc(scores, np.array(labels, dtype=np.bool_)))
    assert math.isnan(auprc(scores, np.array(labels, dtype=np.bool_)))


def test_auroc_does_not_see_thresholds() -> None:
    """Any rising function of the scores has the same areas."""
    generator = np.random.default_rng(0)
    scores, labels = generator.normal(size=500), generator.random(500) < 0.1
    assert auroc(np.exp(scores), labels) == auroc(scores, labels)
    assert auprc(np.exp(scores), labels) == auprc(scores, labels)


@pytest.mark.parametrize("weight", [-1.0, np.inf, np.nan])
def test_what_is_no_weight_is_an_error(weight: float) -> None:
    """Less than nothing, without end, or unknown."""
    for area in (auroc, auprc):
        with pytest.raises(AssertionError, match="weights are not masses"):
            area(np.array([0.1, 0.2]), np.array([True, False]), np.array([1.0, weight]))


def test_scores_that_are_not_finite_are_an_error() -> None:
    """NaN has no rank."""
    with pytest.raises(AssertionError, match="not finite"):
        auroc(np.array([0.1, np.nan]), np.array([True, False]))
