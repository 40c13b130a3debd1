"""`ictal compare`: two systems on the same recordings, of two runs or of two results of `ictal score`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ictal.errors import InputError
from ictal.recipes.run import damaged, missing, read_json
from ictal.scoring.bootstrap import LEVEL
from ictal.scoring.counts import Counts
from ictal.scoring.paired import RATES, Difference, differences, holm

EVALUATION = "evaluation.json"
SEED = 0


def compare_results(first: Path, second: Path) -> dict[str, Any]:
    """Every scorer's rates of both, their differences, and the chance of these between systems that are alike.

    Args:
        first: A run folder with an evaluation, or a file that `ictal score --json` wrote.
        second: Another.

    Raises:
        InputError: if one of them holds no scores, or they are not of the same patients, recordings and reference
            (code `compare-unlike`).
    """
    results = [_scores(path) for path in (first, second)]
    if results[0].keys() != results[1].keys():
        raise damaged(second, f"scores by {', '.join(results[1])}; the first has {', '.join(results[0])}")
    found: dict[str, dict[str, Difference]] = {}
    for scorer, document in results[0].items():
        other = results[1][scorer]
        _require_version(scorer, document, other, second)
        pair = [_per_patient(one, path) for one, path in ((document, first), (other, second))]
        found[scorer] = differences(pair[0], pair[1], np.random.default_rng(SEED))
    adjusted = iter(holm([one.p for rates in found.values() for one in rates.values()]))
    return {
        "first": str(first),
        "second": str(second),
        "patients": len(next(iter(results[0].values()))["per_patient"]),
        "level": LEVEL,
        "scorers": {
            scorer: {rate: _row(rates[rate], next(adjusted)) for rate in RATES} for scorer, rates in found.items()
        },
    }


def _scores(path: Path) -> dict[str, dict[str, Any]]:
    file = path / EVALUATION if path.is_dir() else path
    if not file.is_file():
        raise missing(file, f"ictal evaluate {path}")
    document = read_json(file)
    scorers = document.get("scorers")
    if not isinstance(scorers, dict) or not scorers:
        raise damaged(file, "no scores")
    return scorers


def _require_version(scorer: str, first: Mapping[str, Any], second: Mapping[str, Any], where: Path) -> None:
    keys = ("scorer", "scorer_version", "parameters")
    ours, theirs = ({key: one.get(key) for key in keys} for one in (first, second))
    if ours != theirs:
        raise InputError(
            "The two were scored in different ways",
            where=f"{where}, {scorer}",
            got=theirs,
            expected=ours,
            remedy="score both with the same version",
            code="compare-unlike",
        )


def _per_patient(scores: Mapping[str, Any], path: Path) -> dict[str, Counts]:
    try:
        return {
            patient: Counts(
                reference=row["reference"],
                true_positives=row["true_positives"],
                false_positives=row["false_positives"],
                duration_s=3600 * row["hours"],
            )
            for patient, row in scores["per_patient"].items()
        }
    except (KeyError, TypeError) as error:
        raise damaged(path, f"no {error}") from error


def _row(one: Difference, adjusted: float) -> dict[str, float | bool | None]:
    numbers = {
        "first": one.first,
        "second": one.second,
        "difference": one.difference,
        "lower": one.lower,
        "upper": one.upper,
        "p": one.p,
        "p_holm": adjusted,
    }
    return {**{name: None if math.isnan(value) else value for name, value in numbers.items()}, "exact": one.exact}
