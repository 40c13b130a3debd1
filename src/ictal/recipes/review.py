"""`ictal review`: what a run's detector said about each recording, or a folder of EDFs, opened for looking and marking.

Of a run, the part that was evaluated is shown, and no other: nothing of a locked part is seen here first. Of a folder,
every EDF is; a recording without annotation is shown as one, not as background.
"""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError, check_setting, command
from ictal.recordings import corpus as corpora
from ictal.recordings import edf
from ictal.recordings.annotations import beside, bids
from ictal.recordings.corpus import Labelled, Quarantined, quarantined
from ictal.recordings.events import MAJORITY, seizure_types, seizures
from ictal.recordings.labels import NO_MAPPING, hed_score
from ictal.recordings.layouts.layout import Recording
from ictal.review.access import Door, is_loopback
from ictal.review.listing import Listed, Opened, Times, compared
from ictal.review.server import Review, listen, server

MARKS = "review"
"""Folder of marks and corrected annotations, in the run or beside the recordings, unless another is named."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a folder is read.

    Args:
        layout: See `corpus.discover`.
        mapping: See `labels.kind_of`.
        consensus: See `events.seizures`.
        detections: Folder with what a detector found, under the recordings' ids, as `ictal detect` writes it.
    """

    layout: str = "auto"
    mapping: Mapping[str, str] = field(default_factory=lambda: NO_MAPPING)
    consensus: str = MAJORITY
    detections: Path | None = None


def open_any(folder: Path, reading: Reading, *, marks: Path | None = None, progress: Progress | None = None) -> Opened:
    """A run, or a folder of recordings; see `open_run` and `open_folder`.

    Raises:
        InputError: as these do, or if something is said of a run that it knows itself (code `config-value`).
    """
    if not (folder / "config.toml").exists():
        return open_folder(folder, reading, marks=marks, progress=progress)
    expected = "a folder of recordings: a run knows these itself"
    check_setting(reading == Reading(), "--detections, --corpus, ...", folder, expected)
    return open_run(folder, marks=marks)


def open_folder(
    folder: Path, reading: Reading, *, marks: Path | None = None, progress: Progress | None = None
) -> Opened:
    """The recordings of a folder, with the annotation that lies beside each, if any does.

    Args:
        folder: Of EDFs, at any depth.
        reading: How to read it.
        marks: Where marks are kept; by default in the folder.
        progress: Called with (done, total).

    Raises:
        InputError: if there is no recording, or marks cannot be kept.
    """
    corpus = corpora.discover(folder, reading.layout)
    kept = marks or folder / MARKS
    listed: list[Listed] = []
    aside: list[Quarantined] = []
    for done, recording in enumerate(corpus.recordings, 1):
        try:
            _require_inside(recording, folder)
            listed.append(_listed(recording, reading))
        except InputError as error:
            aside.append(quarantined(recording, error))
        if progress is not None:
            progress(done, len(corpus.recordings))
    if not listed:
        raise corpora.empty(corpus, aside)
    _require_writable(kept)
    return Opened(title=folder.absolute().name, recordings=tuple(listed), aside=tuple(aside), marks=kept)


def open_run(folder: Path, *, marks: Path | None = None) -> Opened:
    """The recordings that a run's detector was evaluated on, with its detections and probabilities.

    Raises:
        InputError: if the run has not been evaluated, its files are damaged or of another plan, or marks cannot be
            kept.
    """
    from ictal.recipes import plan as planning  # noqa: PLC0415 - loads torch, which a folder does without
    from ictal.recipes.run import open_planned  # noqa: PLC0415

    run = open_planned(folder, ())
    planned = planning.load(run)
    evaluation: Mapping[str, Any] = run.read_json("evaluation.json", "evaluate")
    part = evaluation["part"]
    if evaluation["plan_hash"] != planned.hash:
        raise _stale(folder, evaluation["plan_hash"], planned.hash)
    kept = marks or folder / MARKS
    listed = [
        _evaluated(planned.labelled[number], folder, part, place) for place, number in enumerate(planned.split[part])
    ]
    _require_writable(kept)
    return Opened(
        title=folder.absolute().name,
        recordings=tuple(listed),
        aside=planned.quarantined,
        marks=kept,
        steps_hz=run.config.signals.rate_hz / run.config.model.samples_per_step,
        threshold=evaluation["operating_point"]["threshold"],
    )


def serve(opened: Opened, *, author: str, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted.

    Args:
        opened: What to show.
        author: Who marks, unless the page says otherwise.
        host: Address to bind; on any but the loopback a token is needed.
        port: 0 takes any that is free.
        ready: Called with the link once it can be opened.

    Raises:
        InputError: if the address cannot be used.
    """
    review = Review(opened, author)
    with listen(host, port) as socket:
        token = "" if is_loopback(host) else secrets.token_urlsafe(24)
        door = Door(host=host, port=socket.getsockname()[1], token=token)
        ready(door.url)
        try:
            server(review.app(), door).run(sockets=[socket])
        except KeyboardInterrupt:
            return


def user() -> str:
    """Name of who runs this program."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need not have a name
        return f"user {os.getuid()}"


def _listed(recording: Recording, reading: Reading) -> Listed:
    """A recording of a folder; one whose annotation cannot be used is shown with the reason, as unlabelled."""
    header = edf.read_header(recording.edf)
    found = _detections(recording, reading.detections)
    try:
        reference, labels = _reference(recording, header, reading)
    except InputError as error:
        remark = "" if error.code == "annotation-missing" else f"{error.what}: got {error.got}"
        events = compared((), (), found, header.duration_s, both=False)
        return Listed(
            id=recording.id, patient=recording.patient, header=header, labelled=False, events=events, remark=remark
        )
    events = compared(reference, labels, found, header.duration_s, both=reading.detections is not None)
    return Listed(id=recording.id, patient=recording.patient, header=header, labelled=True, events=events)


def _reference(recording: Recording, header: edf.Header, reading: Reading) -> tuple[Times, Sequence[str]]:
    """Seizures of the annotation beside an EDF, and the HED-SCORE label of each.

    Raises:
        InputError: if there is no annotation, or it cannot be used.
    """
    annotations = [beside.read(path, recording.edf) for path in corpora.annotations_of(recording)]
    found = seizures(annotations[0], reading.mapping, reading.consensus)
    labelled = corpora.label(recording, header, annotations[0], found)
    types = seizure_types(annotations, labelled.seizures_s, reading.mapping)
    return labelled.seizures_s, [hed_score(one) for one in types]


def _detections(recording: Recording, folder: Path | None) -> Times:
    if folder is None:
        return ()
    names = [folder / beside.events_of(recording.id), folder / f"{recording.id}.csv_bi"]
    present = next((path for path in names if path.is_file()), None)
    if present is None:
        raise InputError(
            "The recording has no detections",
            where=folder,
            got="none",
            expected=" or ".join(path.name for path in names),
            remedy="run `ictal detect` on it; nothing found is a file too",
            code="detections-missing",
        )
    return seizures(beside.read(present))


def _evaluated(labelled: Labelled, run: Path, part: str, place: int) -> Listed:
    recording = labelled.recording
    found = seizures(bids.read(run / "detections" / part / f"{recording.id}{beside.BIDS_SUFFIX}"))
    labels = [hed_score(one) for one in labelled.types]
    return Listed(
        id=recording.id,
        patient=recording.patient,
        header=labelled.header,
        labelled=True,
        events=compared(labelled.seizures_s, labels, found, labelled.duration_s, both=True),
        probability=lambda: _trace(run / "traces.npz", f"probability_{place}"),
    )


def _trace(path: Path, name: str) -> npt.NDArray[np.float32]:
    try:
        with np.load(path) as traces:
            return np.asarray(traces[name], dtype=np.float32)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(
            "The probabilities cannot be read",
            where=path,
            got=str(error),
            expected=f"the trace {name}",
            remedy="run `ictal evaluate` again",
            code="file-damaged",
        ) from error


def _require_inside(recording: Recording, folder: Path) -> None:
    """Refuse an EDF that a link takes out of the folder: what is served lies where it was said to."""
    if recording.edf.resolve().is_relative_to(folder.resolve()):
        return
    raise InputError(
        "The recording lies outside the folder",
        where=recording.edf,
        got=recording.edf.resolve(),
        expected=f"a file below {folder.resolve()}",
        remedy="open the folder that it lies in",
        code="path-outside",
    )


def _require_writable(marks: Path) -> None:
    try:
        marks.mkdir(parents=True, exist_ok=True)
        probe = marks / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            "Marks cannot be kept",
            where=marks,
            got=error.strerror,
            expected="a folder that can be written to",
            remedy="name another with --marks",
            code="marks-folder",
        ) from error


def _stale(folder: Path, got: object, expected: object) -> InputError:
    return InputError(
        "The evaluation is of another plan",
        where=folder / "evaluation.json",
        got=f"plan {got}",
        expected=f"plan {expected}",
        remedy=f"run `{command('evaluate', folder)}` again",
        code="plan-changed",
    )
