"""What is opened for review: recordings with what experts and the detector say about each.

An event here has a name that lasts as long as its times do, so that a mark made yesterday finds it today.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.recordings.corpus import Quarantined
from ictal.recordings.edf import Header
from ictal.scoring.szcore import SZCORE, count_events

Source: TypeAlias = Literal["reference", "detection", "reviewer"]
Outcome: TypeAlias = Literal["found", "missed", "hit", "false alarm", ""]
Times: TypeAlias = Sequence[tuple[float, float]]

UNCERTAIN_APART_S = 10
"""Uncertain seconds that are offered lie at least so far from each other."""
_UNCERTAIN_OFFERED = 50
_ONE_BY_ONE = replace(SZCORE, min_duration_between_events_s=0.0, max_event_duration_s=86_400.0 * 365)
"""SzCORE's tolerances on events as they are: nothing is merged or cut."""


@dataclass(frozen=True, kw_only=True)
class ShownEvent:
    """A seizure that somebody or something states.

    Args:
        source: Who states it.
        onset_s: Its first instant.
        stop_s: The instant after its last.
        label: HED-SCORE's word for it.
        outcome: What the other side says: a reference event is `found` or `missed`, a detection a `hit` or a
            `false alarm`, by SzCORE's tolerances; empty where there is no other side.
    """

    source: Source
    onset_s: float
    stop_s: float
    label: str
    outcome: Outcome = ""

    @property
    def name(self) -> str:
        """Made of its source and times."""
        return f"{self.source}:{self.onset_s:.4f}-{self.stop_s:.4f}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Listed:
    """A recording that can be looked at.

    Args:
        id: Its path below the folder, without suffix.
        patient: Whose it is.
        header: Of the EDF.
        labelled: Whether an expert's annotation is known; without one, nothing is known about its background.
        events: Reference and detections.
        remark: Why there is no annotation, if there should be one.
        probability: Reads the detector's trace, one value per step; None without one.
    """

    id: str
    patient: str
    header: Header
    labelled: bool
    events: tuple[ShownEvent, ...]
    remark: str = ""
    probability: Callable[[], npt.NDArray[np.float32]] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """Everything that the page may show, and nothing else is shown.

    Args:
        title: Of the run or folder.
        recordings: In order; their place is their number.
        aside: What cannot be looked at, with the reason.
        marks: Folder where marks and corrected annotations are kept.
        steps_hz: Steps of a probability trace per second.
        threshold: Probability at which the detector reports a seizure; None without a detector.
    """

    title: str
    recordings: tuple[Listed, ...]
    aside: tuple[Quarantined, ...]
    marks: Path
    steps_hz: float | None = None
    threshold: float | None = None


def compared(
    reference: Times, labels: Sequence[str], detections: Times, duration_s: float, *, both: bool
) -> tuple[ShownEvent, ...]:
    """Reference events and detections, each with its outcome.

    Args:
        reference: Of the expert, sorted and disjoint.
        labels: HED-SCORE label of each.
        detections: Of the detector, sorted and disjoint.
        duration_s: Of the recording.
        both: Whether there is a reference and a detector, and so an outcome.

    Raises:
        InputError: as `szcore.count_events`.
    """
    shown = []
    for pair, label in zip(reference, labels, strict=True):
        found = both and count_events([pair], detections, duration_s, parameters=_ONE_BY_ONE).true_positives > 0
        outcome: Outcome = ("found" if found else "missed") if both else ""
        shown.append(ShownEvent(source="reference", onset_s=pair[0], stop_s=pair[1], label=label, outcome=outcome))
    for pair in detections:
        false = both and count_events(reference, [pair], duration_s, parameters=_ONE_BY_ONE).false_positives > 0
        outcome = ("false alarm" if false else "hit") if both else ""
        shown.append(ShownEvent(source="detection", onset_s=pair[0], stop_s=pair[1], label="sz", outcome=outcome))
    return tuple(shown)


def uncertain_seconds(probability: npt.NDArray[np.float32], steps_hz: float) -> tuple[tuple[int, float], ...]:
    """Whole seconds in which the detector knows least, the most uncertain first.

    A second is as uncertain as the entropy of its mean probability, which is greatest at a half. One that lies less
    than `UNCERTAIN_APART_S` from a more uncertain one is left out.

    Args:
        probability: Calibrated, one value per step.
        steps_hz: Steps per second.

    Returns:
        `(second, mean probability)`, at most 50 of them.
    """
    edges = np.floor(np.arange(int(len(probability) / steps_hz) + 1) * steps_hz + 0.5).astype(np.int64)
    if len(edges) < 2:
        return ()
    total = np.concatenate([[0.0], np.cumsum(probability, dtype=np.float64)])
    mean = (total[edges[1:]] - total[edges[:-1]]) / np.diff(edges)
    chosen: list[int] = []
    free = np.ones(len(mean), dtype=np.bool_)
    for second in np.argsort(np.abs(mean - 0.5), kind="stable").tolist():
        if free[second] and len(chosen) < _UNCERTAIN_OFFERED:
            chosen.append(second)
            free[max(0, second - UNCERTAIN_APART_S + 1) : second + UNCERTAIN_APART_S] = False
    return tuple((second, float(mean[second])) for second in chosen)
