"""`ictal.load(model).detect(recording)`: detection from a program of one's own, as `ictal detect` does it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recipes import detector as detectors
from ictal.recipes import writing
from ictal.recipes.config import MachineConfig
from ictal.recipes.detect import as_trained, look
from ictal.recipes.detector import Detector, Trace
from ictal.recipes.extras import needed
from ictal.recipes.writing import Found
from ictal.recordings import edf, held
from ictal.recordings.held import Held, Raw
from ictal.signals.source import prepared, prepared_held

Recording: TypeAlias = "str | os.PathLike[str] | Raw | npt.NDArray[Any]"
"""Path of an EDF or BDF (a `BIDSPath` is one), MNE `Raw`, or array (channels, samples) in µV."""


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A seizure that was found; times are in seconds from the recording's first sample."""

    onset_s: float
    """When the detector was sure."""
    onset_earliest_s: float
    """When it began to suspect; the onset lies between the two."""
    stop_s: float
    confidence: float
    """Mean probability inside, which is the ictal share to expect of its time."""
    label: str
    """`sz`, or its type in HED-SCORE's words where the model tells types apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """What was found in one recording."""

    events: tuple[Detection, ...]
    probability: Trace
    """Calibrated probability of each time step being ictal, (steps,)."""
    steps_hz: float
    """Time steps per second; step n begins at n / steps_hz."""
    threshold: float
    """Probability at which an event begins."""
    found: Found
    """As files keep it."""

    def to_mne_annotations(self) -> Any:
        """The events as `mne.Annotations`, described as `seizure`, for `raw.set_annotations`.

        Raises:
            InputError: if MNE is not installed (code `package-missing`).
        """
        mne = needed("mne", extra="mne", what="to_mne_annotations")
        onsets, stops = ([getattr(event, end) for event in self.events] for end in ("onset_s", "stop_s"))
        lengths = [stop_s - onset_s for onset_s, stop_s in zip(onsets, stops, strict=True)]
        return mne.Annotations(onsets, lengths, ["seizure"] * len(onsets))

    def write(self, target: str | os.PathLike[str]) -> None:
        """Keep them as the file's name asks: `.tsv` (HED-SCORE), `.csv_bi` (TUSZ), `.edf` (EDF+) or `.json`.

        Raises:
            InputError: if the name asks for none of these, or the file holds something else.
        """
        path = Path(target)
        form = writing.format_of(path)
        writing.require_writable(path, form)
        writing.write(path, self.found, form)


class ReadyDetector:
    """A detector that finds seizures in recordings; `ictal.load` makes it.

    Args:
        detector: With a threshold.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    @property
    def channels(self) -> tuple[str, ...]:
        """What it reads: a recording has these, or the electrodes that they are made from."""
        return self._detector.channels

    @property
    def limits(self) -> str:
        """What whoever uses it must know."""
        return self._detector.limits

    def detect(
        self, recording: Recording, *, rate_hz: float | None = None, channels: Sequence[str] | None = None
    ) -> Detections:
        """Find the seizures in one recording.

        Args:
            recording: Path of an EDF or BDF, MNE `Raw`, or array (channels, samples) in µV.
            rate_hz: Samples per second of an array.
            channels: Name of each channel of an array.

        Raises:
            InputError: if the recording cannot be used; nothing is filled in, and no empty answer is given for it.
        """
        detector = self._detector
        if isinstance(recording, (str, os.PathLike)):
            _require_none(rate_hz, channels)
            path = Path(recording)
            header = edf.read_header(path)
            with as_trained(detector):
                name, ready = path.stem, prepared(header, detector.config.signals)
        else:
            source = _held(recording, rate_hz, channels)
            header, name = source.header, source.header.path.name
            with as_trained(detector):
                ready = prepared_held(source, detector.config.signals)
        found, probability = look(name, header, ready, detector)
        assert detector.operating_point is not None
        return Detections(
            events=tuple(_detections(found)),
            probability=probability,
            steps_hz=detector.steps_hz,
            threshold=detector.operating_point.threshold,
            found=found,
        )


def load(model: str | os.PathLike[str], *, device: str = "cpu") -> ReadyDetector:
    """See `ictal.load`."""
    folder = detectors.folder_of(os.fspath(model))
    detector = detectors.require_ready(detectors.load(folder, MachineConfig(device=device)), folder)
    if detector.limits:
        logging.getLogger("ictal").warning("Model %s: %s", os.fspath(model), detector.limits)
    return ReadyDetector(detector)


def _held(recording: Raw | npt.NDArray[Any], rate_hz: float | None, channels: Sequence[str] | None) -> Held:
    if isinstance(recording, np.ndarray):
        if rate_hz is None or channels is None:
            got = f"rate_hz {rate_hz}, channels {channels}"
            raise _not_taken("An array says neither its rate nor its channels", got, "both, beside the array")
        return held.from_array(recording, rate_hz, channels)
    if isinstance(recording, Raw):
        _require_none(rate_hz, channels)
        return held.from_mne(recording)
    raise _not_taken("This is no recording", type(recording).__name__, "a path, an MNE Raw or a numpy array")


def _require_none(rate_hz: float | None, channels: Sequence[str] | None) -> None:
    if rate_hz is not None or channels is not None:
        got = f"rate_hz {rate_hz}, channels {channels}"
        raise _not_taken("Rate and channels are the recording's own", got, "rate_hz and channels with arrays alone")


def _detections(found: Found) -> Iterator[Detection]:
    for event, earliest_s in zip(found.events, found.earliest_s, strict=True):
        assert event.confidence is not None
        yield Detection(
            onset_s=event.onset_s,
            onset_earliest_s=earliest_s,
            stop_s=event.stop_s,
            confidence=event.confidence,
            label=event.label,
        )


def _not_taken(what: str, got: str, expected: str) -> InputError:
    return InputError(
        what,
        where="detect()",
        got=got,
        expected=expected,
        remedy="see docs/python.md",
        code="recording-argument",
    )
