"""Which stretches of EEG a report shows."""

from __future__ import annotations

import numpy as np
import pytest

from ictal.recipes.examples import ALARM, FAINT, LATE, MISSED, SURE, ScoredRecording, chosen
from ictal.report.contents import RecordingStrip

STEPS_HZ = 2.0
Pairs = list[tuple[float, float]]


def scored(name: str, reference: Pairs, detections: Pairs, peaks: dict[float, float]) -> ScoredRecording:
    """A recording of 200 s with these probabilities at these seconds, and zero elsewhere."""
    probability = np.zeros(400)
    for second, value in peaks.items():
        probability[int(second * STEPS_HZ)] = value
    strip = RecordingStrip(
        recording=name,
        patient=name,
        duration_s=200.0,
        reference_s=np.array(reference, dtype=np.float64).reshape(-1, 2),
        detections_s=np.array(detections, dtype=np.float64).reshape(-1, 2),
    )
    return ScoredRecording(number=0, strip=strip, probability=probability)


def picked(*recordings: ScoredRecording) -> dict[str, tuple[str, float]]:
    return {name: (one.recording.strip.recording, float(one.span_s[0])) for name, one in chosen(recordings, STEPS_HZ)}


def test_the_surest_the_missed_the_latest_and_the_false() -> None:
    """Each by its own measure, over all recordings."""
    a = scored("a", [(10, 20), (60, 70)], [(10, 18), (66, 72)], {12: 0.9, 67: 0.6})
    b = scored("b", [(10, 20), (100, 110)], [(172, 176), (180, 190)], {15: 0.3, 105: 0.1, 173: 0.7, 182: 0.8})
    assert picked(a, b) == {SURE: ("a", 10), MISSED: ("b", 100), LATE: ("a", 60), ALARM: ("b", 180)}


def test_what_szcore_counts_as_found_is_not_shown_as_missed() -> None:
    """Up to 30 s before a seizure and 60 s after, as in the counts of the same page."""
    a = scored("a", [(40, 50)], [(12, 20), (105, 108)], {15: 0.9, 45: 0.4, 106: 0.8})
    assert picked(a) == {SURE: ("a", 40)}
    b = scored("b", [(40, 50)], [(0, 9), (111, 120)], {45: 0.4, 115: 0.8})
    assert picked(b) == {MISSED: ("b", 40), ALARM: ("b", 111)}


def test_where_nothing_was_missed_the_faintest_is_the_worst() -> None:
    """And no event is shown twice, though it be faintest and latest."""
    a = scored("a", [(10, 20), (60, 70)], [(9, 18), (66, 72)], {12: 0.9, 67: 0.6})
    assert picked(a) == {SURE: ("a", 10), FAINT: ("a", 60)}


@pytest.mark.parametrize(
    ("reference", "detections", "names"),
    [([], [], set()), ([(5, 9)], [], {MISSED}), ([(5, 9)], [(5, 9)], {SURE}), ([], [(5, 9)], {ALARM})],
)
def test_what_there_is_not_is_not_shown(reference: Pairs, detections: Pairs, names: set[str]) -> None:
    """A detection that is first is not late."""
    assert picked(scored("a", reference, detections, {6: 0.5})).keys() == names
