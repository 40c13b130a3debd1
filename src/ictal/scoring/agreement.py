"""How far people, or systems, who read the same recordings agree: NEDC's IRA, each against each, and all together.

Time is cut into NEDC's epochs of 0.25 s, each with the label of the event that holds its middle, or background. A table
counts epochs by the label that one voice gives and the label that the other does:

- *Cohen's kappa* (1960): of all labels at once, and of each label against the rest, agreement beyond chance;
- *Fleiss' kappa* (1971): the same for any number of voices. Its observed agreement is the mean of all pairs', and its
  chance is that of two draws from the labels of all voices, so that tables of pairs are all it needs.

Invariant: recordings never meet; tables of recordings add up, ratios come last; undefined is NaN.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.scoring.bootstrap import DRAWS, LEVEL, divided, interval, patient_bootstrap, resamples
from ictal.scoring.counts import total
from ictal.scoring.eventlists import EventLists, event_lists
from ictal.scoring.nedc import EPOCH_PARAMETERS, EPOCH_S, EpochGrid
from ictal.scoring.summary import Json, bounds, by_patient, nullable, ratios
from ictal.scoring.szcore import SCORER as EVENT_SCORER
from ictal.scoring.szcore import SCORER_VERSION as EVENT_SCORER_VERSION
from ictal.scoring.szcore import count_events_by_recording
from ictal.timeline.spans import overlap

Floats: TypeAlias = npt.NDArray[np.float64]
EventsS: TypeAlias = npt.NDArray[np.float64]

SCORER = "ictal-agreement"
SCORER_VERSION = "1.0.0"
SEIZURE = "seizure"


@dataclass(frozen=True, kw_only=True, eq=False)
class Voice:
    """What one person or system says about every recording.

    Args:
        name: Who.
        events_s: Per recording `(onset_s, stop_s)` of each event, sorted and disjoint, shape (events, 2).
        labels: Per recording the label of each event.
    """

    name: str
    events_s: Sequence[EventsS]
    labels: Sequence[Sequence[str]]

    def of(self, label: str) -> list[EventsS]:
        """Per recording the events of one label."""
        pairs = zip(self.events_s, self.labels, strict=True)
        return [events[[one == label for one in labels]] for events, labels in pairs]

    @property
    def untyped(self) -> Voice:
        """The same with one label for all events."""
        return Voice(name=self.name, events_s=self.events_s, labels=[[SEIZURE] * len(e) for e in self.events_s])


@dataclass(frozen=True, kw_only=True, eq=False)
class Recordings:
    """What the voices speak of; one entry per recording in every list.

    Args:
        names: Ids.
        patients: The patient of each.
        durations_s: Seconds of each.
    """

    names: Sequence[str]
    patients: Sequence[str]
    durations_s: Sequence[float]

    def lists(self, events_s: Sequence[EventsS], voice: str) -> EventLists:
        """Events on one axis."""
        return event_lists(events_s, self.durations_s, [f"{name} by {voice}" for name in self.names])

    def add(self, tables: Floats) -> Floats:
        """Tables of recordings added to tables of patients, patients in alphabetical order."""
        _, owner = np.unique(np.array(self.patients), return_inverse=True)
        added = np.zeros((int(owner.max()) + 1, *tables.shape[1:]))
        np.add.at(added, owner, tables)
        return added


def contingency(first: Voice, second: Voice, recordings: Recordings, labels: Sequence[str]) -> Floats:
    """Epochs by the label of one voice and of the other, background first: (recordings, labels + 1, labels + 1).

    Args:
        first: Down.
        second: Across.
        recordings: What they speak of.
        labels: All labels but background.
    """
    sides = [[recordings.lists(voice.of(label), voice.name) for label in labels] for voice in (first, second)]
    grid = EpochGrid.of(recordings.lists([np.empty((0, 2))] * len(recordings.names), "nobody"), EPOCH_S)
    starts, stops = grid.starts, grid.starts + grid.epochs
    true, said = ([grid.spans(lists) for lists in side] for side in sides)
    table = np.zeros((len(starts), len(labels) + 1, len(labels) + 1))
    for row, own in enumerate(true, 1):
        table[:, row, 0] = overlap(own, starts, stops)
        for column, other in enumerate(said, 1):
            owner = np.searchsorted(starts, other[:, 0], side="right") - 1
            np.add.at(table[:, row, column], owner, overlap(own, other[:, 0], other[:, 1]))
    for column, other in enumerate(said, 1):
        table[:, 0, column] = overlap(other, starts, stops) - table[:, 1:, column].sum(axis=1)
    table[:, 1:, 0] -= table[:, 1:, 1:].sum(axis=2)
    table[:, 0, 0] = grid.epochs - table.sum(axis=(1, 2))
    return table


def kappa(table: Floats) -> Floats:
    """Cohen's kappa of tables (..., labels, labels), NaN where both voices say one thing throughout: (...)."""
    whole = table.sum(axis=(-2, -1))
    observed = divided(np.trace(table, axis1=-2, axis2=-1), whole)
    chance = divided((table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1), whole**2)
    return divided(observed - chance, 1.0 - chance)


def one_against_the_rest(table: Floats, label: int) -> Floats:
    """Tables of one label and everything else, (..., 2, 2)."""
    both = table[..., label, label]
    row, column = table[..., label, :].sum(axis=-1), table[..., :, label].sum(axis=-1)
    rest = table.sum(axis=(-2, -1)) - row - column + both
    return np.stack([np.stack([rest, column - both], axis=-1), np.stack([row - both, both], axis=-1)], axis=-2)


def fleiss(pairs: Sequence[Floats]) -> Floats:
    """Fleiss' kappa from the tables (..., labels, labels) of every pair of voices: (...)."""
    tables = np.stack(pairs)
    whole = tables[0].sum(axis=(-2, -1))
    observed = divided(np.trace(tables, axis1=-2, axis2=-1).mean(axis=0), whole)
    # Every voice is in equally many pairs, so the mean over both margins of all pairs is that over voices.
    margins = (tables.sum(axis=-1) + tables.sum(axis=-2)).mean(axis=0) / 2.0
    chance = divided((margins**2).sum(axis=-1), whole**2)
    return divided(observed - chance, 1.0 - chance)


def document(
    voices: Sequence[Voice], consensus: Voice | None, recordings: Recordings, generator: np.random.Generator
) -> dict[str, Json]:
    """Everything that can be said about who agrees with whom, as JSON.

    Args:
        voices: At least two.
        consensus: What they agree on, to hold each against.
        recordings: What they speak of.
        generator: Source of the bootstrap's draws.
    """
    assert len(voices) >= 2, "agreement is of two or more"
    patients = len(set(recordings.patients))
    times = resamples(patients, generator)
    labels = sorted({label for voice in voices for own in voice.labels for label in own})
    pairs = list(itertools.combinations(voices, 2))
    binary = [recordings.add(contingency(a.untyped, b.untyped, recordings, [SEIZURE])) for a, b in pairs]
    drawn = [np.tensordot(times, table, axes=1) for table in binary]
    return {
        "scorer": SCORER,
        "scorer_version": SCORER_VERSION,
        "parameters": {**EPOCH_PARAMETERS},
        "event_scorer": f"{EVENT_SCORER} {EVENT_SCORER_VERSION}",
        "level": LEVEL,
        "draws": DRAWS,
        "recordings": len(recordings.names),
        "patients": patients,
        "hours": sum(recordings.durations_s) / 3600.0,
        "voices": {voice.name: _said(voice, recordings) for voice in voices},
        "fleiss_kappa": _bounded(float(fleiss([t.sum(axis=0) for t in binary])), fleiss(drawn), patients),
        "pairs": [
            {
                "first": a.name,
                "second": b.name,
                **_kappas(table, rows, patients),
                "by_label": _by_label(a, b, recordings, labels, times) if len(labels) > 1 else None,
                "events": _events(a, b, recordings, generator),
            }
            for (a, b), table, rows in zip(pairs, binary, drawn, strict=True)
        ],
        "consensus": {} if consensus is None else _against(consensus, voices, recordings, times, generator),
    }


def _said(voice: Voice, recordings: Recordings) -> dict[str, Json]:
    ictal = [name for name, events in zip(recordings.patients, voice.events_s, strict=True) if len(events)]
    ictal_s = sum(float((events[:, 1] - events[:, 0]).sum()) for events in voice.events_s)
    return {
        "seizures": sum(map(len, voice.events_s)),
        "patients_with_seizures": len(set(ictal)),
        "ictal_hours": ictal_s / 3600.0,
    }


def _kappas(table: Floats, drawn: Floats, patients: int) -> dict[str, Json]:
    """Kappa and plain agreement of one pair, from tables of patients and of resamples."""
    whole = table.sum(axis=0)
    agreed = divided(np.trace(whole), whole.sum())
    undefined: list[Json] = [] if whole.sum() else ["observed: no recorded time"]
    found = _bounded(float(kappa(whole)), kappa(drawn), patients)
    undefined += ["kappa: both say one thing throughout"] if found["value"] is None else []
    return {"kappa": found, "observed": nullable(float(agreed)), "undefined": undefined}


def _by_label(
    first: Voice, second: Voice, recordings: Recordings, labels: Sequence[str], times: Floats
) -> dict[str, Json]:
    """Kappa of all labels at once, of each against the rest, and the table in seconds."""
    table = recordings.add(contingency(first, second, recordings, labels))
    drawn, whole, patients = np.tensordot(times, table, axes=1), table.sum(axis=0), len(table)
    named = ["background", *labels]
    return {
        "labels": [*named],
        "seconds": (whole * EPOCH_S).tolist(),
        "kappa": _bounded(float(kappa(whole)), kappa(drawn), patients),
        "each": {
            name: _bounded(
                float(kappa(one_against_the_rest(whole, place))), kappa(one_against_the_rest(drawn, place)), patients
            )
            for place, name in enumerate(named)
        },
    }


def _events(first: Voice, second: Voice, recordings: Recordings, generator: np.random.Generator) -> dict[str, Json]:
    """SzCORE's event scores of the pair, by who is taken as the reference."""
    return {true.name: _scored(true, said, recordings, generator) for true, said in ((first, second), (second, first))}


def _scored(true: Voice, said: Voice, recordings: Recordings, generator: np.random.Generator) -> dict[str, Json]:
    lists = [recordings.lists(voice.events_s, voice.name) for voice in (true, said)]
    counts = dict(zip(recordings.names, count_events_by_recording(lists[0], lists[1]).rows(), strict=True))
    owners = dict(zip(recordings.names, recordings.patients, strict=True))
    intervals = patient_bootstrap(by_patient(counts, owners), generator)
    return {**ratios(total(counts.values())), "intervals": {name: bounds(one) for name, one in intervals.items()}}


def _against(
    consensus: Voice, voices: Sequence[Voice], recordings: Recordings, times: Floats, generator: np.random.Generator
) -> dict[str, Json]:
    rows: dict[str, Json] = {}
    for voice in voices:
        table = recordings.add(contingency(consensus.untyped, voice.untyped, recordings, [SEIZURE]))
        rows[voice.name] = {
            **_kappas(table, np.tensordot(times, table, axes=1), len(table)),
            "events": _scored(consensus, voice, recordings, generator),
        }
    return {"name": consensus.name, **_said(consensus, recordings), "voices": rows}


def _bounded(value: float, drawn: Floats, patients: int) -> dict[str, Json]:
    return {"value": nullable(value), **bounds(interval(drawn, patients=patients))}
