"""NEDC's scores of seizure events: OVLP (any overlap), TAES (time-aligned fractions), EPOCH (fixed epochs).

Source: Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for automatic classification of EEG events"
(2021), and, where its text leaves a choice, what NEDC's scoring software v6.0.0 does; `docs/scoring.md` states each
choice. Written from the definitions. No scorer here knows a tolerance; spans are half-open and exact to a tick.

Invariant: a whole corpus is counted at once, but the recordings lie apart on the axis of `EventLists`, so no detection
ever meets the seizure of another recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.counts import CountTable
from ictal.scoring.eventlists import TICKS_PER_S, EventLists
from ictal.timeline.spans import Samples, Spans, overlap, samples_from_seconds

Floats: TypeAlias = npt.NDArray[np.float64]

SCORER = "ictal-nedc"
SCORER_VERSION = "1.0.0"
EPOCH_S = 0.25

OVLP_PARAMETERS: dict[str, float] = {"tolerance_s": 0.0}
TAES_PARAMETERS: dict[str, float] = {"tolerance_s": 0.0, "max_false_alarm_per_detection": 1.0}
EPOCH_PARAMETERS: dict[str, float] = {"epoch_s": EPOCH_S}


def count_ovlp_by_recording(reference: EventLists, hypothesis: EventLists) -> CountTable:
    """OVLP counts of each recording: a seizure is found, a detection is true, if it meets one of the other side."""
    _check_same(reference, hypothesis)
    found = overlap(hypothesis.spans, reference.spans[:, 0], reference.spans[:, 1]) > 0
    true = overlap(reference.spans, hypothesis.spans[:, 0], hypothesis.spans[:, 1]) > 0
    return CountTable(
        reference=reference.counted(reference.spans[:, 0]),
        true_positives=reference.counted(reference.spans[found][:, 0]),
        false_positives=reference.counted(hypothesis.spans[~true][:, 0]),
        duration_s=reference.durations_s,
    )


def count_taes_by_recording(reference: EventLists, hypothesis: EventLists) -> CountTable:
    """TAES counts of each recording, fractions of events.

    A detection belongs to one seizure at most. It adds to that seizure's hit the share of the seizure that it covers,
    and to the false alarms its time outside, in lengths of the seizure, one at most. A detection that belongs to none
    is one false alarm.
    """
    _check_same(reference, hypothesis)
    owner = _owners(reference.spans, hypothesis.spans)
    owned = owner >= 0
    seizures, detections = reference.spans[owner[owned]], hypothesis.spans[owned]
    within = np.minimum(seizures[:, 1], detections[:, 1]) - np.maximum(seizures[:, 0], detections[:, 0])
    length = seizures[:, 1] - seizures[:, 0]
    false = np.ones(len(owner))
    false[owned] = np.minimum((detections[:, 1] - detections[:, 0] - within) / length, 1.0)
    # Ticks are added before they are divided, so that a seizure covered in pieces is a hit of exactly 1.
    covered = np.zeros(len(reference.spans), dtype=np.int64)
    np.add.at(covered, owner[owned], within)
    hit = covered / (reference.spans[:, 1] - reference.spans[:, 0])
    return CountTable(
        reference=reference.counted(reference.spans[:, 0]),
        true_positives=_per_recording_sum(reference, reference.spans, hit),
        false_positives=_per_recording_sum(reference, hypothesis.spans, false),
        duration_s=reference.durations_s,
    )


def count_epochs_by_recording(reference: EventLists, hypothesis: EventLists, *, epoch_s: float = EPOCH_S) -> CountTable:
    """EPOCH counts of each recording, in *seconds*: as many epochs as are ictal on each side, times their length.

    An epoch is ictal if an event holds its middle. Epochs start at 0 s; one whose middle lies past the end is none.

    Args:
        reference: Seizures.
        hypothesis: Detections in the same recordings.
        epoch_s: Length of an epoch.
    """
    _check_same(reference, hypothesis)
    grid = EpochGrid.of(reference, epoch_s)
    true, said = grid.spans(reference), grid.spans(hypothesis)
    starts, stops = grid.starts, grid.starts + grid.epochs
    shared = np.zeros(len(starts), dtype=np.int64)
    np.add.at(shared, np.searchsorted(starts, said[:, 0], side="right") - 1, overlap(true, said[:, 0], said[:, 1]))
    return CountTable(
        reference=_seconds(overlap(true, starts, stops), epoch_s),
        true_positives=_seconds(shared, epoch_s),
        false_positives=_seconds(overlap(said, starts, stops) - shared, epoch_s),
        duration_s=reference.durations_s,
    )


@dataclass(frozen=True, kw_only=True)
class EpochGrid:
    """The epochs of all recordings on one axis, one number between recordings left out."""

    epoch_ticks: int
    epochs: Samples
    starts: Samples

    @classmethod
    def of(cls, lists: EventLists, epoch_s: float) -> EpochGrid:
        """The grid of some recordings, epochs of so many seconds."""
        epoch_ticks = int(samples_from_seconds(epoch_s, TICKS_PER_S))
        assert epoch_ticks >= 1, epoch_s
        epochs = _middles_before(lists.durations, epoch_ticks)
        return cls(epoch_ticks=epoch_ticks, epochs=epochs, starts=np.cumsum(epochs + 1) - epochs - 1)

    def spans(self, lists: EventLists) -> Spans:
        """Ictal epochs of each event; an event that holds no middle has none."""
        recording = lists.recording_of(lists.spans[:, 0])
        epochs = _middles_before(lists.spans - lists.starts[recording, None], self.epoch_ticks)
        return (epochs + self.starts[recording, None])[epochs[:, 1] > epochs[:, 0]]


def _seconds(epochs: Samples, epoch_s: float) -> Floats:
    return epochs.astype(np.float64) * epoch_s


def _middles_before(ticks: Samples, epoch_ticks: int) -> Samples:
    """Number of epochs whose middle lies before each tick: of all n, n * length + length / 2 < tick."""
    return np.maximum((2 * ticks + epoch_ticks - 1) // (2 * epoch_ticks), 0)


def _owners(seizures: Spans, detections: Spans) -> Samples:
    """The seizure that each detection belongs to, -1 for none.

    In order of time, each seizure takes the detections that overlap it and that no earlier one took. All later seizures
    that the first of these reaches are missed: they take nothing. (Of several, the first ends inside its seizure.)
    """
    first = np.searchsorted(detections[:, 1], seizures[:, 0], side="right")
    beyond = np.searchsorted(detections[:, 0], seizures[:, 1], side="left")
    reached = np.searchsorted(seizures[:, 0], detections[:, 1], side="left").tolist()
    owner = np.full(len(detections), -1, dtype=np.int64)
    taken = missed = 0
    met = np.flatnonzero(beyond > first)
    for seizure, low, stop in zip(met.tolist(), first[met].tolist(), beyond[met].tolist(), strict=True):
        start = max(low, taken)
        if seizure >= missed and start < stop:
            owner[start:stop] = seizure
            taken = stop
            missed = reached[start]
    return owner


def _check_same(reference: EventLists, hypothesis: EventLists) -> None:
    assert np.array_equal(reference.durations, hypothesis.durations), "the lists are of different recordings"


def _per_recording_sum(lists: EventLists, spans: Spans, weights: Floats) -> Floats:
    sums = np.zeros(len(lists.starts))
    np.add.at(sums, lists.recording_of(spans[:, 0]), weights)
    return sums
