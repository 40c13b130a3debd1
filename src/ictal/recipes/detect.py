"""`ictal detect`: EDFs in, the times of their seizures out, by the same path as in an evaluation.

A folder of recordings becomes a folder of detections with the same names below it. What was done is kept in a ledger
there, by the content of the recording and of the detector and by this program's version: the same command goes on
where it was interrupted. A recording that cannot be used is named and leaves no file, so that no answer is ever taken
for "no seizure".
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ictal.detection.artefacts import Read, in_events
from ictal.detection.events import confidence, means_inside
from ictal.errors import InputError
from ictal.recipes import detector as detectors
from ictal.recipes import named, seizure_types, writing
from ictal.recipes.config import MachineConfig
from ictal.recipes.detector import Detector, SayBackend, Trace
from ictal.recipes.writing import Format, Found
from ictal.recordings import edf
from ictal.recordings.corpus import Quarantined
from ictal.recordings.edf import Header
from ictal.recordings.events import Event
from ictal.recordings.montages import valid
from ictal.signals.fingerprint import content_hash
from ictal.signals.source import Prepared, prepared
from ictal.signals.units import FULL_SCALE

LEDGER = "detections.jsonl"


@dataclass(frozen=True, kw_only=True, eq=False)
class InMemory:
    """A recording at the store's rate that is in no store."""

    signal_uv: npt.NDArray[np.float32]
    valid_channels: npt.NDArray[np.bool_]
    """Which channels it has: (channels,)."""

    @property
    def samples(self) -> int:
        """Length of the recording."""
        return int(self.signal_uv.shape[1])

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """Microvolts from a sample on, zero past the end: (channels, length_samples)."""
        window = np.zeros((len(self.signal_uv), length_samples), dtype=np.float32)
        inside = self.signal_uv[:, start_sample : start_sample + length_samples]
        window[:, : inside.shape[1]] = inside
        return window


@dataclass(frozen=True, kw_only=True)
class Detected:
    """What a command found."""

    recordings: int
    done: int
    """Of these, those that were read by this command; the others were done before."""
    seizures: int
    quarantined: tuple[Quarantined, ...]
    doubt: str | None
    """Why the threshold misses its target, if it does."""
    limits: str
    """What whoever uses the detector must know; empty where its folder says nothing."""
    backend: str | None
    """What computed the detector's Mamba layers; None where it has none."""

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        return {**asdict(self), "quarantined": [asdict(one) for one in self.quarantined]}


def open_detector(run_folder: Path, machine: MachineConfig, chosen: SayBackend | None = None) -> Detector:
    """The detector of a run that was evaluated.

    Args:
        run_folder: Of the run, or of an exported model.
        machine: Where to compute.
        chosen: Called with the backend and what was asked for, unless the model has no Mamba layers.

    Raises:
        InputError: if there is none, or it has no threshold yet.
    """
    detector = detectors.require_ready(detectors.load(run_folder, machine), run_folder)
    detector.say_backend(chosen)
    torch.set_num_threads(machine.threads)
    return detector


def detect(
    sources: Sequence[Path],
    target: Path,
    run_folder: Path,
    machine: MachineConfig,
    form: Format = "tsv",
    progress: Callable[[int, int], None] | None = None,
    chosen: SayBackend | None = None,
) -> Detected:
    """`detect_file` for one EDF, and `detect_folder` for a folder, a pattern, or more than one of any of these."""
    if named.is_one_file(sources):
        return detect_file(sources[0], target, run_folder, machine, chosen)
    return detect_folder(sources, target, run_folder, machine, form, progress, chosen)


def detect_file(
    source: Path, target: Path, run_folder: Path, machine: MachineConfig, chosen: SayBackend | None = None
) -> Detected:
    """Write the detections of one EDF in the format that the target's name asks for; `chosen` as in `open_detector`.

    Raises:
        InputError: if the EDF, the detector or the target cannot be used.
    """
    form = writing.format_of(target)
    writing.require_writable(target, form)
    detector = open_detector(run_folder, machine, chosen)
    found = find(source, detector)
    writing.write(target, found, form)
    return Detected(
        recordings=1,
        done=1,
        seizures=len(found.events),
        quarantined=(),
        doubt=detector.unreached,
        limits=detector.limits,
        backend=detector.backend,
    )


def detect_folder(
    sources: Sequence[Path],
    target: Path,
    run_folder: Path,
    machine: MachineConfig,
    form: Format = "tsv",
    progress: Callable[[int, int], None] | None = None,
    chosen: SayBackend | None = None,
) -> Detected:
    """Write the detections of many recordings into a folder.

    Args:
        sources: Folders of EDFs and BDFs, at any depth; patterns such as `data/**/*.edf`; recordings.
        target: Folder of the detections, which have the recordings' names and their places below the folder that all
            sources share.
        run_folder: Of the detector.
        machine: Where to compute.
        form: Format of the detections.
        progress: Called with (done, total), in recordings.
        chosen: As in `open_detector`.

    Raises:
        InputError: if the detector cannot be used, no recording can, or two would have one name.
    """
    recordings = named.recordings(sources, target)
    writing.require_folder(target)
    detector = open_detector(run_folder, machine, chosen)
    target.mkdir(parents=True, exist_ok=True)
    name = _hash_of(run_folder)
    ledger = _Ledger(target / LEDGER)
    done, seizures = 0, 0
    aside: list[Quarantined] = []
    for number, (id_, recording) in enumerate(recordings.items(), 1):
        output = target / f"{id_.removesuffix('_eeg') if form == 'tsv' else id_}{writing.SUFFIXES[form]}"
        try:
            key = f"{content_hash(recording)} {name} {form}"
            known = ledger.known(id_, key) if output.exists() else None
            if known is None:
                writing.require_writable(output, form)
                found = find(recording, detector)
                writing.write(output, found, form)
                known = ledger.add(id_, key, len(found.events))
                done += 1
            seizures += known
        except InputError as error:
            reason = f"{error.what}: got {error.got}, expected {error.expected}"
            aside.append(Quarantined(id=id_, path=str(recording), code=error.code, reason=reason))
        if progress is not None:
            progress(number, len(recordings))
    if len(aside) == len(recordings):
        raise named.nothing(sources, f"{len(aside)} recordings, none usable; the first: {aside[0].reason}")
    return Detected(
        recordings=len(recordings),
        done=done,
        seizures=seizures,
        quarantined=tuple(aside),
        doubt=detector.unreached,
        limits=detector.limits,
        backend=detector.backend,
    )


def find(source: Path, detector: Detector) -> Found:
    """The seizures of one recording, with the mean probability inside each as confidence.

    Raises:
        InputError: if the recording cannot be used.
    """
    header = edf.read_header(source)
    with as_trained(detector):
        ready = prepared(header, detector.config.signals)
    return look(source.stem, header, ready, detector)[0]


@contextmanager
def as_trained(detector: Detector) -> Iterator[None]:
    """Where channels are missing, what to do about it: the montage is the model's and cannot be chosen."""
    try:
        yield
    except InputError as error:
        if error.code != "channel-missing":
            raise
        montage = detector.config.signals.montage
        raise InputError(
            error.what,
            where=error.where,
            got=error.got,
            expected=error.expected,
            remedy=f"this model reads {montage} alone: give it these channels (in MNE, interpolate those marked as bad "
            "first), or use a model of another montage",
            code=error.code,
        ) from None


def look(recording: str, header: Header, ready: Prepared, detector: Detector) -> tuple[Found, Trace]:
    """The seizures of a preprocessed recording, and the probability of each time step."""
    signal = InMemory(signal_uv=ready.signal.to_uv(), valid_channels=valid(ready.derivation.validity))
    traces = detector.traces(signal)
    probability = detector.probability(traces.logits)
    found_s = detector.detect(probability, header.duration_s)
    values = ready.signal.values
    artefacts = artefacts_of(
        lambda start, length: values[:, start : start + length],
        values.shape[1],
        ready.config.rate_hz,
        found_s,
        channels=ready.derivation.channels,
        validity=ready.derivation.validity,
    )
    sure = confidence(probability, detector.steps_hz, found_s)
    found = Found(
        recording=recording,
        events=described(found_s, sure, artefacts, labels=labels_of(detector, traces.types, found_s)),
        earliest_s=detector.onsets(probability, found_s)[:, 0].tolist(),
        duration_s=header.duration_s,
        start=header.start,
    )
    return found, probability


def described(
    found_s: Trace, sure: Trace, artefacts: Sequence[tuple[str, ...]], *, labels: Sequence[str]
) -> list[Event]:
    """Detections with how sure the detector is of each, what was wrong with the channels in it, and what it is."""
    return [
        Event(onset_s=float(onset), stop_s=float(stop), label=label, confidence=round(float(c), 4), artefacts=flaws)
        for (onset, stop), c, flaws, label in zip(found_s, sure, artefacts, labels, strict=True)
    ]


def labels_of(detector: Detector, types: Trace, found_s: Trace) -> list[str]:
    """What each detection is called, from the log probability of each type in every time step, (steps, types)."""
    inside = means_inside(types, detector.steps_hz, found_s)
    return [seizure_types.label(detector.config.model.seizure_types, means) for means in inside.tolist()]


def artefacts_of(
    read: Read, samples: int, rate_hz: float, found_s: Trace, *, channels: Sequence[str], validity: Sequence[str]
) -> list[tuple[str, ...]]:
    """Of each detection the channels that are flat or clipped in it, and those that were not measured at all.

    Args:
        read: Gives a stretch of the signal as it is quantised.
        samples: Length of the signal.
        rate_hz: Of the signal.
        found_s: The detections.
        channels: Names of the channels.
        validity: Of each whether it was `measured`, `interpolated` or is `absent`.
    """
    flaws = []
    for flat, clipped in in_events(read, samples, rate_hz, found_s, FULL_SCALE):
        present = np.array(validity) != "absent"
        states = (flat & present, clipped, ~present, np.array(validity) == "interpolated")
        flaws.append(
            tuple(
                f"{kind} {channel}"
                for kind, state in zip(writing.KINDS, states, strict=True)
                for channel, is_so in zip(channels, state.tolist(), strict=True)
                if is_so
            )
        )
    return flaws


class _Ledger:
    """What was done in a folder of detections: one line per recording, the last one counts.

    A line that was cut short says nothing: its recording is done again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, tuple[str, int]] = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            with suppress(UnicodeDecodeError, json.JSONDecodeError):
                one = json.loads(line)
                self.lines[one["recording"]] = one["key"], one["seizures"]

    def known(self, recording: str, key: str) -> int | None:
        """How many seizures were found, if this recording was done with this detector and format."""
        before, seizures = self.lines.get(recording, ("", 0))
        return seizures if before == key else None

    def add(self, recording: str, key: str, seizures: int) -> int:
        """Remember on disk that a recording is done; returns its seizures."""
        line = json.dumps({"recording": recording, "key": key, "seizures": seizures}).encode()
        with self.path.open("ab") as file:
            file.write(b"\n" + line + b"\n")  # on a line of its own, whatever was cut short before it
            file.flush()
            os.fsync(file.fileno())
        return seizures


def _hash_of(run_folder: Path) -> str:
    """Hash of all that decides what is found in a recording."""
    digest = hashlib.blake2b(version("ictal").encode(), digest_size=16)
    for name in (detectors.WEIGHTS, detectors.CARD):
        digest.update((run_folder / name).read_bytes())
    return digest.hexdigest()
