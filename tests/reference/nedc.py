"""NEDC scoring as slow loops on exact fractions of a second, one recording at a time: no arrays, no shared axis."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

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


def count_dpalign(
    reference: Sequence[Interval], hypothesis: Sequence[Interval], duration: Fraction
) -> tuple[int, int, int]:
    """Seizures, those found, and false detections of the best of all alignments, tried one by one."""
    true, said = _labels(reference, duration), _labels(hypothesis, duration)

    @cache
    def best(i: int, j: int) -> tuple[int, int]:
        """Edits and, negative, seizures found from the i-th and the j-th label on."""
        if i == len(true) or j == len(said):
            return len(true) - i + len(said) - j, 0
        edits, found = best(i + 1, j + 1)
        across = (edits + (true[i] != said[j]), found - (true[i] == said[j] == "seiz"))
        down, right = best(i + 1, j), best(i, j + 1)
        return min(across, (down[0] + 1, down[1]), (right[0] + 1, right[1]))

    found = -best(0, 0)[1]
    return true.count("seiz"), found, said.count("seiz") - found


def count_atwv(reference: Sequence[Interval], hypothesis: Sequence[Interval]) -> tuple[int, int, int]:
    """Seizures, those found, and false detections; each detection looks for the first open seizure at its middle."""
    still, false = list(reference), 0
    for onset, stop in hypothesis:
        middle, slack = (onset + stop) / 2, Fraction(1, 2)
        met = next((s for s in still if s[0] - slack <= middle <= s[1] + slack), None)
        if met is None:
            false += 1
        else:
            still.remove(met)
    return len(reference), len(reference) - len(still), false


def _labels(events: Sequence[Interval], duration: Fraction) -> list[str]:
    """The labels of a recording in turn."""
    labels, at = [], Fraction(0)
    for onset, stop in events:
        labels += ["bckg", "seiz"] if onset > at else ["seiz"]
        at = stop
    return [*labels, "bckg"] if at < duration or not labels else labels


def _shared(a: Interval, b: Interval) -> Fraction:
    return max(Fraction(0), min(a[1], b[1]) - max(a[0], b[0]))
