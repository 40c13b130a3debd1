"""`ictal score`: two folders (or two files) of annotations, by any tools, into clinical scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ictal.errors import InputError
from ictal.recordings.annotations import beside
from ictal.recordings.events import Annotation, seizures
from ictal.recordings.labels import NO_MAPPING
from ictal.scoring import summary

SUFFIXES = ("_eeg_events.tsv", "_events.tsv", ".csv_bi", ".csv")
"""`_eeg` belongs to the name of a BIDS recording, and not to that of its events."""
BOOTSTRAP_SEED = 0


def score_folders(
    reference: Path,
    hypothesis: Path,
    *,
    missing_as_silence: bool = False,
    mapping: Mapping[str, str] = NO_MAPPING,
) -> dict[str, object]:
    """Score every recording of the reference.

    Recordings are paired by their names below the two folders. The patient is the part before the first underscore.

    Args:
        reference: Folder of annotations that are taken as true, or one file.
        hypothesis: Folder of detections with the same names, or one file.
        mapping: How to read labels outside the vocabulary.
        missing_as_silence: Take a missing hypothesis for a detector that found nothing, and list it.

    Raises:
        InputError: if a hypothesis is missing, superfluous, unreadable or of another length.
    """
    pairs, silent = _pairs(reference, hypothesis, missing_as_silence=missing_as_silence)
    read = {name: (beside.read(true), beside.read(said) if said else None) for name, (true, said) in pairs.items()}
    scores = summary.scores(
        names=list(read),
        patients=[Path(name).name.split("_")[0] for name in read],
        reference_s=[_array(true, mapping) for true, _ in read.values()],
        hypothesis_s=[_array(said, mapping) if said else np.empty((0, 2)) for _, said in read.values()],
        durations_s=[_duration_s(true, said) for true, said in read.values()],
        generator=np.random.default_rng(BOOTSTRAP_SEED),
    )
    return {"recordings": len(read), "missing_as_silence": silent, "scorers": scores}


def _pairs(
    reference: Path, hypothesis: Path, *, missing_as_silence: bool
) -> tuple[dict[str, tuple[Path, Path | None]], list[str]]:
    if reference.is_file() and hypothesis.is_file():
        return {_name(reference.name): (reference, hypothesis)}, []
    true, said = _annotations(reference), _annotations(hypothesis)
    extra = sorted(said.keys() - true.keys())
    missing = sorted(true.keys() - said.keys())
    if extra:
        raise _mismatch("A hypothesis belongs to no reference", said[extra[0]], f"{len(extra)} such files", "remove it")
    if missing and not missing_as_silence:
        remedy = "run the detector on it, or say --missing-as-silence to count it as having found nothing"
        raise _mismatch("A hypothesis is missing", true[missing[0]], f"{len(missing)} missing of {len(true)}", remedy)
    return {name: (true[name], said.get(name)) for name in sorted(true)}, missing


def _annotations(folder: Path) -> dict[str, Path]:
    """The annotation files below a folder by recording; of several formats of one recording the first of SUFFIXES."""
    if not folder.is_dir():
        raise InputError(
            "There is no such folder",
            where=folder,
            got="nothing" if not folder.exists() else "a file",
            expected="two folders, or two files",
            remedy="give the folder that holds the annotations",
            code="annotation-missing",
        )
    found: dict[str, Path] = {}
    for suffix in SUFFIXES:
        for path in sorted(folder.rglob(f"*{suffix}")):
            found.setdefault(_name(path.relative_to(folder).as_posix()), path)
    if not found:
        raise InputError(
            "The folder holds no annotations",
            where=folder,
            got="no file",
            expected=f"files that end in {', '.join(SUFFIXES)}",
            remedy="give the folder that holds the annotations",
            code="annotation-missing",
        )
    return found


def _name(path: str) -> str:
    for suffix in SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path


def _array(annotation: Annotation, mapping: Mapping[str, str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(seizures(annotation, mapping), dtype=np.float64).reshape(-1, 2)


def _duration_s(reference: Annotation, hypothesis: Annotation | None) -> float:
    """The recording's length, which the reference states and the hypothesis must share."""
    if reference.duration_s is None:
        raise _mismatch("A reference does not say how long its recording is", reference.path, None, "add the duration")
    said_s = reference.duration_s if hypothesis is None else hypothesis.duration_s
    if said_s is not None and hypothesis is not None and abs(said_s - reference.duration_s) > 1:
        got = f"{said_s} s; the reference has {reference.duration_s} s"
        raise _mismatch("A hypothesis has another length", hypothesis.path, got, "run the detector on this recording")
    return reference.duration_s


def _mismatch(what: str, path: Path, got: object, remedy: str) -> InputError:
    return InputError(
        what,
        where=path,
        got=got,
        expected="for every reference one hypothesis of the same name and length",
        remedy=remedy,
        code="hypothesis-mismatch",
    )
