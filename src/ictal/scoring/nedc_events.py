"""NEDC's further scores of seizure events: DPALIGN (order alone), ATWV (term-weighted value), IRA (kappa).

Source as in `nedc`; `docs/scoring.md` states each choice where the definitions leave one.

- *DPALIGN* compares what is said, not when: a recording is the sequence of its labels, seizure and background in turn,
  and the two sequences are aligned with the fewest insertions, deletions and substitutions (Wagner & Fischer 1974). Of
  alignments with equally few, one with the most seizures found counts. As the labels take turns, one of them pairs all
  events of the side that has fewer, so that no alignment need be sought.
- *ATWV* comes from the search for spoken terms (Fiscus et al. 2007): a detection is right if its middle lies in a
  seizure, or within half a second of it, that no earlier detection has found.
- *IRA* is Cohen's kappa of reference and hypothesis over the epochs of EPOCH: agreement beyond chance.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ictal.scoring.counts import Counts, CountTable
from ictal.scoring.eventlists import TICKS_PER_S, EventLists
from ictal.timeline.spans import Spans

ATWV_TOLERANCE_S = 0.5
BETA = 999.9
"""Weight of the chance of a false alarm against that of a miss (NIST 2006)."""

DPALIGN_PARAMETERS: dict[str, float] = {"insertion": 1.0, "deletion": 1.0, "substitution": 1.0}
ATWV_PARAMETERS: dict[str, float] = {"tolerance_s": ATWV_TOLERANCE_S, "beta": BETA}


def count_dpalign_by_recording(reference: EventLists, hypothesis: EventLists) -> CountTable:
    """DPALIGN counts of each recording: of two numbers of events the lesser is found."""
    seizures, detections = (lists.counted(lists.spans[:, 0]) for lists in (reference, hypothesis))
    found = np.minimum(seizures, detections)
    return CountTable(
        reference=seizures,
        true_positives=found,
        false_positives=detections - found,
        duration_s=reference.durations_s,
    )


def count_atwv_by_recording(reference: EventLists, hypothesis: EventLists) -> CountTable:
    """ATWV counts of each recording."""
    tolerance = round(ATWV_TOLERANCE_S * TICKS_PER_S)
    middles = hypothesis.spans.sum(axis=1) / 2
    found = _found(reference.spans, middles, tolerance)
    right = hypothesis.spans[list(found.values())]
    return CountTable(
        reference=reference.counted(reference.spans[:, 0]),
        true_positives=reference.counted(right[:, 0]),
        false_positives=reference.counted(hypothesis.spans[:, 0]) - reference.counted(right[:, 0]),
        duration_s=reference.durations_s,
    )


def term_weighted_value(counts: Counts) -> float:
    """1 - P(miss) - beta P(false alarm) of ATWV counts, each second without a seizure's onset a trial; NaN without one.

    1 is perfect, silence 0; a false alarm in an hour costs 0.28, as much as missing 28 % of the seizures.
    """
    trials = counts.duration_s - counts.reference
    if trials <= 0:
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
