"""The model card of an exported detector, as Markdown: what it learnt from, how good it was found, what it is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ictal.report.numbers import UNDEFINED, decimal, percent
from ictal.report.templates import template

Json = Mapping[str, Any]
FEW_SEIZURES = 30
_CARD = template("card.md.jinja")


def render(name: str, detector: Json, provenance: Json) -> str:
    """The card. It depends on its arguments only.

    Args:
        name: Of the model.
        detector: What `detector.json` holds, with the number of `parameters`.
        provenance: What `provenance.json` holds.
    """
    evaluation, config = provenance["evaluation"], detector["config"]
    prior = detector["prior"]
    return _CARD.render(
        name=name,
        detector=detector,
        provenance=provenance,
        evaluation=evaluation,
        config=config,
        steps_hz=config["signals"]["rate_hz"] / config["model"]["samples_per_step"],
        offset=_logit(prior["natural"]["time_step"]) - _logit(prior["drawn"]["time_step"]),
        scores=[_row(scorer, score) for scorer, score in evaluation["scorers"].items()],
        ranking=[_ranked(kind, evaluation["ranking"][kind]) for kind in ("window", "second", "step")],
        level=percent(evaluation["scorers"]["szcore_event"]["intervals"]["level"]),
        cautions=cautions(detector, evaluation),
        decimal=decimal,
        percent=percent,
    )


def cautions(detector: Json, evaluation: Json) -> list[str]:
    """What makes the scores worth less than they look."""
    reference = evaluation["scorers"]["szcore_event"]["reference"]
    found = []
    if not evaluation["unseen_patients"]:
        found.append("It was scored on patients that it was trained on: this shows that it can learn, not more.")
    if not evaluation["independent_of_tuning"]:
        found.append("Its threshold was chosen on the recordings that it was scored on: expect less on others.")
    if detector["unreached"] is not None:
        found.append(f"Its threshold misses its target: {detector['unreached']}.")
    if reference < FEW_SEIZURES:
        found.append(f"Only {reference:g} seizures were scored: the intervals are wide.")
    if evaluation["eval_openings"] > 1:
        times = evaluation["eval_openings"]
        found.append(f"The evaluation part was opened {times} times: what was changed in between may fit it by chance.")
    return found


def _row(scorer: str, score: Json) -> list[str]:
    intervals = score["intervals"]
    return [
        f"{scorer} ({score['scorer']} {score['scorer_version']})",
        _with_interval(score["sensitivity"], intervals["sensitivity"]),
        _with_interval(score["false_alarms_per_24h"], intervals["false_alarms_per_24h"]),
        _with_interval(score["precision"], intervals["precision"]),
        _with_interval(score["f1"], intervals["f1"]),
        f"{score['true_positives']:.4g} of {score['reference']:.4g}",
    ]


def _ranked(kind: str, found: Json) -> list[str]:
    areas = [_with_interval(found[area], found["intervals"][area], digits=4) for area in ("auroc", "auprc")]
    return [f"{kind}s", f"{found['count']:,}", f"{found['ictal']:,}", *areas]


def _with_interval(value: float | None, interval: Json, digits: int = 2) -> str:
    if value is None:
        return UNDEFINED
    lower, upper = (decimal(interval[end], digits) for end in ("lower", "upper"))
    return f"{decimal(value, digits)} ({lower} to {upper})"


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
