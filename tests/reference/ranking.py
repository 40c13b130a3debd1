"""Ranking areas from their definitions: every pair for AUROC, every distinct threshold for average precision."""

from __future__ import annotations

from collections.abc import Sequence


def auroc(scores: Sequence[float], labels: Sequence[bool], weights: Sequence[float]) -> float:
    """Weighted share of (ictal, background) pairs in the right order, ties counting half."""
    won = pairs = 0.0
    for score, ictal, weight in zip(scores, labels, weights, strict=True):
        for other, other_ictal, other_weight in zip(scores, labels, weights, strict=True):
            if ictal and not other_ictal:
                pairs += weight * other_weight
                won += weight * other_weight * (1.0 if score > other else 0.5 if score == other else 0.0)
    return won / pairs if pairs else float("nan")


def auprc(scores: Sequence[float], labels: Sequence[bool], weights: Sequence[float]) -> float:
    """Sum over thresholds, highest first, of precision times gain in recall."""
    rows = list(zip(scores, labels, weights, strict=True))
    ictal = sum(w for _, label, w in rows if label)
    background = sum(w for _, label, w in rows if not label)
    if not (ictal and background):
        return float("nan")
    area = recall = 0.0
    for threshold in sorted(set(scores), reverse=True):
        said = sum(w for s, _, w in rows if s >= threshold)
        true = sum(w for s, label, w in rows if s >= threshold and label)
        if said:
            area += true / said * (true / ictal - recall)
            recall = true / ictal
    return area
