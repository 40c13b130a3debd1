"""`ictal score`: two folders (or two files) of annotations, by any tools, into clinical scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.annotations import beside
from ictal.recordings.corpus import NO_ALIASES
from ictal.recordings.events import MAJORITY, Annotation, seizure_types, seizures
from ictal.recordings.labels import NO_MAPPING
from ictal.recordings.layouts.folder import patient_of
from ictal.scoring import seizures as seizures_found
from ictal.scoring import summary

SUFFIXES = ("_events.tsv", ".csv_bi", ".csv", ".tse_bi", ".tse", "_a1.tsv", ".edf", ".bdf")
"""An EDF stands for the annotation that lies beside it, in a list or in itself."""
_SIGNALS = {".edf", ".bdf"}
BOOTSTRAP_SEED = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """What is scored; one entry per recording in every list.

    Args:
        names: The recordings' ids.
        patients: The patient of each.
        reference_s: `(onset_s, stop_s)` of its seizures, shape (seizures, 2).
        hypothesis_s: `(onset_s, stop_s)` of its detections, shape (detections, 2).
        durations_s: Its length.
        types: The type of each of its seizures.
        montages: The montage of each; nothing where montages are not known.
    """

    names: Sequence[str]
    patients: Sequence[str]
    reference_s: Sequence[npt.NDArray[np.float64]]
    hypothesis_s: Sequence[npt.NDArray[np.float64]]
    durations_s: Sequence[float]
    types: Sequence[Sequence[str]]
    montages: Sequence[str] = ()


def score_folders(
    reference: Path,
    hypothesis: Path,
    *,
    missing_as_silence: bool = False,
    no_seizures_expected: bool = False,
    mapping: Mapping[str, str] = NO_MAPPING,
    consensus: str = MAJORITY,
    same_patient: Mapping[str, str] = NO_ALIASES,
) -> dict[str, object]:
    """Score every recording of the reference.

    Recordings are paired by their names below the two folders; their names say whose they are (`folder.patient_of`).

    Args:
        reference: Folder of annotations that are taken as true, or one file.
        hypothesis: Folder of detections with the same names, or one file.
        mapping: How to read labels outside the vocabulary.
        missing_as_silence: Take a missing hypothesis for a detector that found nothing, and list it.
        no_seizures_expected: The reference is meant to hold no seizure, as of healthy people.
        consensus: What counts where several experts read the reference; see `events.seizures`.
        same_patient: Other names of a patient, and the name to use.

    Raises:
        InputError: if a hypothesis is missing, superfluous, unreadable or of another length; if the reference holds no
            seizure and that was not declared, or one and that was (code `reference-seizures`).
    """
    pairs, silent = _pairs(reference, hypothesis, missing_as_silence=missing_as_silence)
    read = {
        name: (read_annotation(true), read_annotation(said) if said else None) for name, (true, said) in pairs.items()
    }
    references_s = [_array(true, mapping, consensus) for true, _ in read.values()]
    types = [
        seizure_types([true], [(float(a), float(b)) for a, b in pairs_s], mapping)
        for (true, _), pairs_s in zip(read.values(), references_s, strict=True)
    ]
    require_declared(reference, sum(map(len, references_s)), no_seizures_expected=no_seizures_expected)
    owners = [patient_of(Path(name).name) for name in read]
    corpus = Corpus(
        names=list(read),
        patients=[same_patient.get(owner, owner) for owner in owners],
        reference_s=references_s,
        hypothesis_s=[_array(said, mapping) if said else np.empty((0, 2)) for _, said in read.values()],
        durations_s=[duration_of(true, said) for true, said in read.values()],
        types=types,
    )
    return {"recordings": len(read), "missing_as_silence": silent, **scored(corpus)}


def scored(corpus: Corpus) -> dict[str, object]:
    """What results hold of a scored corpus: numbers of every scorer, tables of seizures, what they were scored on."""
    columns = {name: value for name, value in vars(corpus).items() if name not in {"types", "montages"}}
    return {
        "scorers": summary.scores(**columns, generator=np.random.default_rng(BOOTSTRAP_SEED)),
        "seizures": seizures_found.document(**vars(corpus), generator=np.random.default_rng(BOOTSTRAP_SEED)),
        "reference": {
            name: {"patient": patient, "duration_s": duration_s, "seizures_s": np.asarray(reference_s).tolist()}
            for name, patient, duration_s, reference_s in zip(
                corpus.names, corpus.patients, corpus.durations_s, corpus.reference_s, strict=True
            )
        },
    }


def require_declared(reference: Path | str, found: int, *, no_seizures_expected: bool) -> None:
    """Refuse a reference without seizures that was not declared to be so, and a declaration that is wrong.

    Raises:
        InputError: with code `reference-seizures`.
    """
    if (found == 0) != no_seizures_expected:
        raise InputError(
            "The reference holds no seizure" if found == 0 else "The reference holds seizures",
            where=reference,
            got=f"{found} seizures",
            expected="none, as declared" if no_seizures_expected else "at least one",
            remedy="leave the declaration out"
            if no_seizures_expected
            else "if that is meant, say --no-seizures-expected (in a run --evaluate.no_seizures_expected true); "
            "else the annotations were not read",
            code="reference-seizures",
        )


def read_annotation(path: Path) -> Annotation:
    """Read an annotation file, or what is annotated about an EDF.

    Raises:
        InputError: as `annotations.beside.read`.
    """
    if path.suffix not in _SIGNALS:
        return beside.read(path)
    found = beside.find(path)
    annotation = beside.read(found, path)
    if annotation.duration_s is not None or found == path:
        return annotation
    return replace(annotation, duration_s=edf.read_header(path).duration_s)


def _pairs(
    reference: Path, hypothesis: Path, *, missing_as_silence: bool
) -> tuple[dict[str, tuple[Path, Path | None]], list[str]]:
    if reference.is_file() and hypothesis.is_file():
        return {_name(reference.name): (reference, hypothesis)}, []
    true, said = annotations_below(reference), annotations_below(hypothesis)
    extra = sorted(said.keys() - true.keys())
    missing = sorted(true.keys() - said.keys())
    if extra:
        raise _mismatch("A hypothesis belongs to no reference", said[extra[0]], f"{len(extra)} such files", "remove it")
    if missing and not missing_as_silence:
        remedy = "run the detector on it, or say --missing-as-silence to count it as having found nothing"
        raise _mismatch("A hypothesis is missing", true[missing[0]], f"{len(missing)} missing of {len(true)}", remedy)
    return {name: (true[name], said.get(name)) for name in sorted(true)}, missing


def annotations_below(folder: Path) -> dict[str, Path]:
    """The annotation files below a folder by recording; of several formats of one recording the first of SUFFIXES.

    Raises:
        InputError: if there is no such folder, or nothing in it (code `annotation-missing`).
    """
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
            if not beside.is_list(path):
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
    """The recording's name; `_eeg` belongs to the file of a BIDS recording and not to that of its events."""
    for suffix in SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix).removesuffix("_eeg")
    return path


def _array(annotation: Annotation, mapping: Mapping[str, str], consensus: str = MAJORITY) -> npt.NDArray[np.float64]:
    return np.array(seizures(annotation, mapping, consensus), dtype=np.float64).reshape(-1, 2)


def duration_of(reference: Annotation, hypothesis: Annotation | None) -> float:
    """The recording's length in seconds, which the reference states and the hypothesis must share.

    Raises:
        InputError: if it is not stated, or another one is (code `hypothesis-mismatch`).
    """
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
