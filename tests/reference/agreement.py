"""Kappas from lists of labels, epoch by epoch, on exact fractions."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

EPOCH = Fraction(1, 4)
Event = tuple[Fraction, Fraction, str]


def epochs(events: Sequence[Event], duration: Fraction) -> list[str]:
    """The label of every epoch whose middle lies in the recording: of the event that holds the middle."""
    labels = []
    while (middle := len(labels) * EPOCH + EPOCH / 2) < duration:
        held = [label for onset, stop, label in events if onset <= middle < stop]
        labels.append(held[0] if held else "background")
    return labels


def cohen(first: Sequence[str], second: Sequence[str]) -> Fraction | None:
    """Cohen (1960), None where it is not defined."""
    n = len(first)
    if n == 0:
        return None
    observed = Fraction(sum(a == b for a, b in zip(first, second, strict=True)), n)
    ours, theirs = Counter(first), Counter(second)
    chance = sum((Fraction(ours[label] * theirs[label], n * n) for label in ours), Fraction(0))
    return (observed - chance) / (1 - chance) if chance < 1 else None


def fleiss(voices: Sequence[Sequence[str]]) -> Fraction | None:
    """Fleiss (1971) from the number of voices that give each subject each label, None where it is not defined."""
    subjects, raters = list(zip(*voices, strict=True)), len(voices)
    if not subjects:
        return None
    agreements = [
        Fraction(sum(count * (count - 1) for count in Counter(subject).values()), raters * (raters - 1))
        for subject in subjects
    ]
    shares = Counter(itertools.chain(*subjects))
    chance = sum((Fraction(count, len(subjects) * raters) ** 2 for count in shares.values()), Fraction(0))
    observed = sum(agreements, Fraction(0)) / len(subjects)
    return (observed - chance) / (1 - chance) if chance < 1 else None
