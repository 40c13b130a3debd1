"""SzCORE event and sample scoring on validated event lists, in exact integer time.

Source: Dan et al., SzCORE (Epilepsia 2024), as timescoring 0.0.7 computes it; `docs/scoring.md` lists where this
differs and why. A whole corpus is counted at once; every recording is counted alone.

Event scoring, on reference and hypothesis alike: events less than 90 s apart are merged, and what is longer than 300 s
is cut into pieces of 300 s and a rest. A reference piece is detected if the hypothesis overlaps it, extended by 30 s
before and 60 s after and cut at the recording's ends, by more than `min_overlap` of its length. A hypothesis piece is
false if it overlaps no detected extended piece.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from ictal.scoring.counts import Counts, CountTable
from ictal.scoring.eventlists import SEPARATION_TICKS, TICKS_PER_S, EventLists, event_lists
from ictal.timeline.spans import Samples, Spans, overlap, samples_from_seconds, union

SCORER = "ictal-szcore"
SCORER_VERSION = "1.0.0"
SAMPLE_RATE_HZ = 1


@dataclass(frozen=True, kw_only=True)
class EventParameters:
    """What SzCORE fixes for event scoring; field for field timescoring's `EventScoring.Parameters`."""

    tolerance_start_s: float = 30.0
    tolerance_end_s: float = 60.0
    min_overlap: float = 0.0
    max_event_duration_s: float = 300.0
    min_duration_between_events_s: float = 90.0

    def __post_init__(self) -> None:
        assert 0.0 <= self.min_duration_between_events_s * TICKS_PER_S < SEPARATION_TICKS, self
        assert min(self.tolerance_start_s, self.tolerance_end_s) >= 0.0, self
        assert 0.0 <= self.min_overlap < 1.0, self
        assert self.max_event_duration_s * TICKS_PER_S >= 1.0, self


SZCORE = EventParameters()
PARAMETERS: dict[str, float] = {**asdict(SZCORE), "sample_rate_hz": SAMPLE_RATE_HZ}


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """Events as they are counted, merged and cut, in ticks of the lists' axis.

    Args:
        references: Of the reference.
        detected: Which of them are.
        hypotheses: Of the hypothesis.
        false: Which of them are.
    """

    references: Spans
    detected: npt.NDArray[np.bool_]
    hypotheses: Spans
    false: npt.NDArray[np.bool_]


def count_events(
    reference_s: npt.ArrayLike,
    hypothesis_s: npt.ArrayLike,
    duration_s: float,
    *,
    name: str = "recording",
    parameters: EventParameters = SZCORE,
) -> Counts:
    """Event counts of one recording.

    Args:
        reference_s: `(onset_s, stop_s)` of each reference event, in any order.
        hypothesis_s: The same of the hypothesis.
        duration_s: Seconds of the recording.
        name: What an error calls the recording.
        parameters: SzCORE's unless stated.

    Raises:
        InputError: if the events cannot be those of this recording (see `event_lists`).
    """
    reference, hypothesis = _one(reference_s, hypothesis_s, duration_s, name)
    return count_events_by_recording(reference, hypothesis, parameters).pooled()


def count_samples(
    reference_s: npt.ArrayLike, hypothesis_s: npt.ArrayLike, duration_s: float, *, name: str = "recording"
) -> Counts:
    """Counts of one recording's seconds; arguments as `count_events`."""
    reference, hypothesis = _one(reference_s, hypothesis_s, duration_s, name)
    return count_samples_by_recording(reference, hypothesis).pooled()


def count_events_by_recording(
    reference: EventLists, hypothesis: EventLists, parameters: EventParameters = SZCORE
) -> CountTable:
    """Event counts of each recording of a corpus."""
    found = outcomes(reference, hypothesis, parameters)
    return CountTable(
        reference=reference.counted(found.references[:, 0]),
        true_positives=reference.counted(found.references[found.detected, 0]),
        false_positives=reference.counted(found.hypotheses[found.false, 0]),
        duration_s=reference.durations_s,
    )


def outcomes(reference: EventLists, hypothesis: EventLists, parameters: EventParameters = SZCORE) -> Outcomes:
    """Events as they are counted, each with what became of it."""
    assert np.array_equal(reference.durations, hypothesis.durations), "the lists are of different recordings"
    references, hypotheses = pieces_of(reference.spans, parameters), pieces_of(hypothesis.spans, parameters)
    extended = extended_by(references, reference, parameters)
    within = overlap(hypotheses, extended[:, 0], extended[:, 1])
    # Ticks are whole, so a millionth of one only absorbs the rounding of the product.
    detected = within > parameters.min_overlap * (extended[:, 1] - extended[:, 0]) + 1e-6
    false = overlap(extended[detected], hypotheses[:, 0], hypotheses[:, 1]) == 0
    return Outcomes(references=references, detected=detected, hypotheses=hypotheses, false=false)


def count_samples_by_recording(reference: EventLists, hypothesis: EventLists) -> CountTable:
    """Counts of each recording's seconds; a second is ictal where an event holds it, its ends rounded to seconds."""
    assert np.array_equal(reference.durations, hypothesis.durations), "the lists are of different recordings"
    lengths = np.maximum(_whole_seconds(reference.durations), 1)
    starts = np.cumsum(lengths + 1) - lengths - 1
    references, hypotheses = (_seconds(lists, starts, lengths) for lists in (reference, hypothesis))
    stops = starts + lengths
    reference_seconds, hypothesis_seconds = overlap(references, starts, stops), overlap(hypotheses, starts, stops)
    shared = overlap(references, hypotheses[:, 0], hypotheses[:, 1])
    owner = np.searchsorted(starts, hypotheses[:, 0], side="right") - 1
    true_positives = np.zeros(len(starts), dtype=np.int64)
    np.add.at(true_positives, owner, shared)
    return CountTable(
        reference=reference_seconds,
        true_positives=true_positives,
        false_positives=hypothesis_seconds - true_positives,
        duration_s=lengths.astype(np.float64),
    )


def _one(
    reference_s: npt.ArrayLike, hypothesis_s: npt.ArrayLike, duration_s: float, name: str
) -> tuple[EventLists, EventLists]:
    return (
        event_lists([reference_s], [duration_s], [f"reference of {name}"]),
        event_lists([hypothesis_s], [duration_s], [f"hypothesis of {name}"]),
    )


def pieces_of(spans: Spans, parameters: EventParameters) -> Spans:
    """Neighbours merged, then what is too long cut into pieces that touch."""
    if len(spans) == 0:
        return spans
    apart = spans[1:, 0] - spans[:-1, 1] >= _ticks(parameters.min_duration_between_events_s)
    onset, stop = spans[np.concatenate([[True], apart]), 0], spans[np.concatenate([apart, [True]]), 1]
    longest = _ticks(parameters.max_event_duration_s)
    pieces = -(-(stop - onset) // longest)
    nth = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(onset, pieces) + nth * longest
    return np.stack([starts, np.minimum(starts + longest, np.repeat(stop, pieces))], axis=1)


def extended_by(pieces: Spans, lists: EventLists, parameters: EventParameters) -> Spans:
    """Each piece with its tolerances, cut at the ends of its recording."""
    recording = lists.recording_of(pieces[:, 0])
    first = lists.starts[recording]
    starts = np.maximum(pieces[:, 0] - _ticks(parameters.tolerance_start_s), first)
    stops = np.minimum(pieces[:, 1] + _ticks(parameters.tolerance_end_s), first + lists.durations[recording])
    return np.stack([starts, stops], axis=1)


def _seconds(lists: EventLists, starts: Samples, lengths: Samples) -> Spans:
    """Events in whole seconds on an axis where recording r starts at `starts[r]`; none rounds to nothing."""
    recording = lists.recording_of(lists.spans[:, 0])
    local = lists.spans - lists.starts[recording, None]
    onset, stop = _whole_seconds(local).T
    vanished = stop <= onset
    onset = np.minimum(np.where(vanished, local[:, 0] // TICKS_PER_S, onset), lengths[recording] - 1)
    stop = np.minimum(np.maximum(stop, onset + 1), lengths[recording])
    return union(np.stack([onset, stop], axis=1) + starts[recording, None])


def _whole_seconds(ticks: Samples) -> Samples:
    """Nearest second, ties to even, as timescoring rounds."""
    return np.rint(ticks / TICKS_PER_S).astype(np.int64)


def _ticks(seconds: float) -> int:
    return int(samples_from_seconds(seconds, TICKS_PER_S))
