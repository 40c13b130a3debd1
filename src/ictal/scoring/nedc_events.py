"""NEDC's further scores of seizure events: DPALIGN (order alone), ATWV (term-weighted value), IRA (kappa).

Source as in `nedc`; `docs/scoring.md` states each choice where the definitions leave one.

- *DPALIGN* compares what is said, not when: a recording is the sequence of its labels, seizure and background in turn,
  and the two sequences are aligned with the fewest insertions, deletions and substitutions (Wagner & Fischer 1974). Of
  alignments with equally few, one with the most seizures found counts.
- *ATWV* comes from the search for spoken terms (Fiscus et al. 2007): a detection is right if its middle lies in a
  seizure, or within half a second of it, that no earlier detection has found.
- *IRA* is Cohen's kappa of reference and hypothesis over the epochs of EPOCH: agreement beyond chance.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ictal.scoring.counts import Counts, CountTable
from ictal.scoring.eventlists import TICKS_PER_S, EventLists
from ictal.timeline.spans import Samples, Spans

ATWV_TOLERANCE_S = 0.5
BETA = 999.9
"""Weight of the chance of a false alarm against that of a miss (NIST 2006)."""

DPALIGN_PARAMETERS: dict[str, float] = {"insertion": 1.0, "deletion": 1.0, "substitution": 1.0}
ATWV_PARAMETERS: dict[str, float] = {"tolerance_s": ATWV_TOLERANCE_S, "beta": BETA}


def count_dpalign_by_recording(reference: EventLists, hypothesis: EventLists) -> CountTable:
    """DPALIGN counts of each recording."""
    true, said = _sequences(reference), _sequences(hypothesis)
    found = [_aligned(*ours, *theirs) for ours, theirs in zip(true, said, strict=True)]
    seizures, detections = ([_seizures(*sequence) for sequence in side] for side in (true, said))
    return CountTable(
        reference=np.array(seizures, dtype=np.int64),
        true_positives=np.array(found, dtype=np.int64),
        false_positives=np.array(detections, dtype=np.int64) - np.array(found, dtype=np.int64),
        duration_s=reference.durations_s,
    )


def count_atwv_by_recording(reference: EventLists, hypothesis: EventLists) -> CountTable:
    """ATWV counts of each recording."""
    tolerance = round(ATWV_TOLERANCE_S * TICKS_PER_S)
    middles = hypothesis.spans.sum(axis=1) / 2
    found = _found(reference.spans, middles, tolerance)
    right = hypothesis.spans[list(found.values())]
    return CountTable(
        reference=_per_recording(reference, reference.spans),
        true_positives=_per_recording(reference, right),
        false_positives=_per_recording(reference, hypothesis.spans) - _per_recording(reference, right),
        duration_s=reference.durations_s,
    )


def term_weighted_value(counts: Counts) -> float:
    """1 - P(miss) - beta P(false alarm) of ATWV counts, each second without a seizure's onset a trial; NaN without one.

    1 is perfect, silence 0; a false alarm in an hour costs 0.28, as much as missing 28 % of the seizures.
    """
    trials = counts.duration_s - counts.reference
    if not counts.reference or trials <= 0:
        return math.nan
    return counts.sensitivity - BETA * counts.false_positives / trials


def kappa(counts: Counts) -> float:
    """Cohen's kappa (1960) of counts in seconds: agreement beyond chance; NaN where both say one thing throughout."""
    whole = counts.duration_s
    if not whole:
        return math.nan
    true, said = counts.reference / whole, (counts.true_positives + counts.false_positives) / whole
    both = counts.true_positives / whole
    agreed = both + 1 - true - said + both
    by_chance = true * said + (1 - true) * (1 - said)
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else math.nan


def _sequences(lists: EventLists) -> list[tuple[bool, int]]:
    """Each recording's labels in turn: whether the first is a seizure, and how many there are."""
    recording = lists.recording_of(lists.spans[:, 0])
    edges = lists.spans - lists.starts[recording, None]
    ends = lists.durations[recording]
    sequences = []
    order = np.searchsorted(recording, np.arange(len(lists.starts) + 1))
    for first, stop in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        if first == stop:
            sequences.append((False, 1))
            continue
        starts_ictal, stops_ictal = bool(edges[first, 0] == 0), bool(edges[stop - 1, 1] == ends[stop - 1])
        sequences.append((starts_ictal, 2 * (stop - first) + 1 - starts_ictal - stops_ictal))
    return sequences


def _seizures(starts_ictal: bool, labels: int) -> int:  # noqa: FBT001 - half of a sequence
    return (labels + starts_ictal) // 2


@lru_cache(maxsize=65_536)
def _aligned(ictal_true: bool, labels_true: int, ictal_said: bool, labels_said: int) -> int:  # noqa: FBT001
    """Seizures found by the alignment of two sequences of alternating labels.

    Rows of the table of Wagner and Fischer, each entry the fewest edits and, negative, the seizures found with them.
    """
    row = [(column, 0) for column in range(labels_said + 1)]
    for line in range(1, labels_true + 1):
        seizure = (line % 2 == 1) == ictal_true
        above, row = row, [(line, 0)]
        for column in range(1, labels_said + 1):
            same = seizure == ((column % 2 == 1) == ictal_said)
            (across, found), (down, found_down), (right, found_right) = above[column - 1], above[column], row[-1]
            row.append(
                min(
                    (across + (not same), found - (same and seizure)),
                    (down + 1, found_down),
                    (right + 1, found_right),
                )
            )
    return -row[-1][1]


def _found(seizures: Spans, middles: npt.NDArray[np.float64], tolerance: int) -> dict[int, int]:
    """The detection that finds each seizure, in order of time; one that could find two finds the first still open."""
    found: dict[int, int] = {}
    first = np.searchsorted(seizures[:, 1] + tolerance, middles, side="left")
    for detection, (start, middle) in enumerate(zip(first.tolist(), middles.tolist(), strict=True)):
        seizure = start
        while seizure < len(seizures) and seizures[seizure, 0] - tolerance <= middle:
            if seizure not in found:
                found[seizure] = detection
                break
            seizure += 1
    return found


def _per_recording(lists: EventLists, spans: Spans) -> Samples:
    return np.bincount(lists.recording_of(spans[:, 0]), minlength=len(lists.starts)).astype(np.int64)
