"""`ictal compare`: two systems on the same recordings, of two runs or of two results of `ictal score`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ictal.errors import InputError, command
from ictal.recipes.run import damaged, missing, read_json
from ictal.scoring.bootstrap import LEVEL
from ictal.scoring.counts import Counts
from ictal.scoring.paired import RATES, Difference, differences, holm

EVALUATION = "evaluation.json"
SEED = 0
DURATION_TOLERANCE_S = 1.0
EVENT_TOLERANCE_S = 0.01
"""By how much one seizure's times may differ between formats that round."""


@dataclass(frozen=True, kw_only=True)
class _Recording:
    """What one recording was scored against."""

    patient: str
    duration_s: float
    seizures_s: tuple[tuple[float, float], ...]


def compare_results(first: Path, second: Path) -> dict[str, Any]:
    """Every scorer's rates of both, their differences, and the chance of these between systems that are alike.

    Args:
        first: A run folder with an evaluation, or a file that `ictal score --json` wrote.
        second: Another.

    Raises:
        InputError: if one of them holds no scores, or they are not of the same recordings, patients and seizures, one
            by one (code `compare-unlike`).
    """
    documents = [_document(path) for path in (first, second)]
    _require_same_reference(_reference(documents[0], first), _reference(documents[1], second), second)
    results = [document["scorers"] for document in documents]
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
        "made_by": {name: f"{one['scorer']} {one['scorer_version']}" for name, one in results[0].items()},
        "scorers": {
            scorer: {rate: _row(rates[rate], next(adjusted)) for rate in RATES} for scorer, rates in found.items()
        },
    }


def _document(path: Path) -> dict[str, Any]:
    file = path / EVALUATION if path.is_dir() else path
    if not file.is_file():
        raise missing(file, command("evaluate", path))
    document: dict[str, Any] = read_json(file)
    for part in ("scorers", "reference"):
        if not isinstance(document.get(part), dict) or not document[part]:
            raise damaged(file, f"no {part}")
    return document


def _reference(document: Mapping[str, Any], path: Path) -> dict[str, _Recording]:
    """What each recording of a result was scored against, by its id."""
    try:
        return {
            name: _Recording(
                patient=str(one["patient"]),
                duration_s=float(one["duration_s"]),
                seizures_s=tuple((float(onset), float(stop)) for onset, stop in sorted(one["seizures_s"])),
            )
            for name, one in document["reference"].items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"an unreadable reference: {error}") from error


def _require_same_reference(ours: Mapping[str, _Recording], theirs: Mapping[str, _Recording], where: Path) -> None:
    """Refuse two results unless every recording has the same length and the same seizures in both.

    Recordings are paired by their ids, or by the last part of these where one corpus lay deeper than the other.
    """
    if ours.keys() != theirs.keys():
        ours, theirs = _by_last_part(ours), _by_last_part(theirs)
    strangers = sorted(ours.keys() ^ theirs.keys())
    if strangers:
        raise _unlike(f"recording {strangers[0]}", "scored by one of them only", "the same recordings")
    for name, one in ours.items():
        other = theirs[name]
        if one.patient != other.patient:
            raise _unlike(f"{where}, {name}", f"patient {other.patient}", f"patient {one.patient}")
        if abs(one.duration_s - other.duration_s) > DURATION_TOLERANCE_S:
            raise _unlike(f"{where}, {name}", f"{other.duration_s} s", f"{one.duration_s} s")
        if len(one.seizures_s) != len(other.seizures_s):
            got = f"{len(other.seizures_s)} seizures"
            raise _unlike(f"{where}, {name}", got, f"{len(one.seizures_s)} seizures")
        for (onset_s, stop_s), (other_onset_s, other_stop_s) in zip(one.seizures_s, other.seizures_s, strict=True):
            if max(abs(onset_s - other_onset_s), abs(stop_s - other_stop_s)) > EVENT_TOLERANCE_S:
                got = f"a seizure from {other_onset_s} s to {other_stop_s} s"
                raise _unlike(f"{where}, {name}", got, f"from {onset_s} s to {stop_s} s")


def _by_last_part(reference: Mapping[str, _Recording]) -> Mapping[str, _Recording]:
    """The same by the last part of each id, if these are unlike each other."""
    named = {name.rsplit("/", maxsplit=1)[-1]: one for name, one in reference.items()}
    return named if len(named) == len(reference) else reference


def _require_version(scorer: str, first: Mapping[str, Any], second: Mapping[str, Any], where: Path) -> None:
    keys = ("scorer", "scorer_version", "parameters")
    ours, theirs = ({key: one.get(key) for key in keys} for one in (first, second))
    if ours != theirs:
        raise _unlike(f"{where}, {scorer}", theirs, ours)


def _unlike(where: str, got: object, expected: object) -> InputError:
    return InputError(
        "The two cannot be compared",
        where=where,
        got=got,
        expected=expected,
        remedy="score both with the same version, on the same recordings, against the same annotations",
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
