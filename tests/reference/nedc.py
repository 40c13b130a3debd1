"""NEDC scoring as slow loops on exact fractions of a second, one recording at a time: no arrays, no shared axis."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Interval = tuple[Fraction, Fraction]
Triple = tuple[Fraction, Fraction, Fraction]


def count_ovlp(reference: Sequence[Interval], hypothesis: Sequence[Interval]) -> tuple[int, int, int]:
    """Seizures, those that meet a detection, and detections that meet no seizure."""
    found = [r for r in reference if any(_shared(r, h) > 0 for h in hypothesis)]
    false = [h for h in hypothesis if not any(_shared(r, h) > 0 for r in reference)]
    return len(reference), len(found), len(false)


def count_taes(reference: Sequence[Interval], hypothesis: Sequence[Interval]) -> Triple:
    """Seizures, hits and false alarms in fractions; a walk over all pairs with a flag for each event that is done."""
    open_reference, open_hypothesis = set(reference), set(hypothesis)
    hit = false = Fraction(0)
    for seizure in reference:
        if seizure not in open_reference:
            continue
        found = [h for h in hypothesis if h in open_hypothesis and _shared(seizure, h) > 0]
        for detection in found:
            length = seizure[1] - seizure[0]
            within = _shared(seizure, detection)
            hit += within / length
            false += min(Fraction(1), (detection[1] - detection[0] - within) / length)
            open_hypothesis.remove(detection)
        if found and found[0][1] >= seizure[1]:
            open_reference -= {r for r in reference if r > seizure and _shared(r, found[0]) > 0}
    return Fraction(len(reference)), hit, false + len(open_hypothesis)


def count_epochs(
    reference: Sequence[Interval], hypothesis: Sequence[Interval], duration: Fraction, epoch: Fraction
) -> Triple:
    """Ictal seconds, shared ones and false ones, epoch by epoch."""
    true = said = shared = 0
    middle = epoch / 2
    while middle < duration:
        is_true, is_said = (any(e[0] <= middle < e[1] for e in events) for events in (reference, hypothesis))
        true, said, shared = true + is_true, said + is_said, shared + (is_true and is_said)
        middle += epoch
    return true * epoch, shared * epoch, (said - shared) * epoch


def _shared(a: Interval, b: Interval) -> Fraction:
    return max(Fraction(0), min(a[1], b[1]) - max(a[0], b[0]))
