"""Corpora: which recordings there are, whose they are, and when they hold seizures.

Invariants: a recording's id is its path below the root, so ids are unique and stable; two recordings of one child have
one patient; a recording without annotation stops the reading, it is never taken for background.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.annotations import beside, chbmit, helsinki, seizeit1, siena
from ictal.recordings.annotations.lists import DAY_S, elapsed_s
from ictal.recordings.annotations.text import read_lines
from ictal.recordings.events import MAJORITY, Annotation, seizure_types, seizures
from ictal.recordings.labels import NO_MAPPING

NO_ALIASES: Mapping[str, str] = MappingProxyType({})
SPLITS = ("train", "dev", "eval")
DURATION_TOLERANCE_S = 1.0
START_TOLERANCE_S = 1

_SAME_CHILD = {"chb21": "chb01", "chb17a": "chb17", "chb17b": "chb17", "chb17c": "chb17"}
_SAME_CHILD_BIDS = {"sub-21": "sub-01"}
_SEIZEIT1 = re.compile(r"P_ID\d+(?=_)", re.ASCII)
_SEIZEIT1_EDF = re.compile(r"P_ID\d+_r\d+", re.ASCII)
_HELSINKI_EDF = re.compile(r"eeg\d{1,3}", re.ASCII)
_SUFFIXES = {".edf", ".bdf"}
_SIENA = re.compile(r"PN\d\d(?=-)")
_CHBMIT_EDF = re.compile(r"chb\d\d[a-z]?_\d\d\+?", re.ASCII)
_SIENA_EDF = re.compile(r"PN\d\d-\S+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One EDF of a corpus.

    Args:
        id: Its path below the corpus's root, without suffix, with forward slashes.
        patient: Whose it is; the unit that splits keep together.
        split: `train`, `dev` or `eval` where the corpus itself says.
        edf: The file.
    """

    id: str
    patient: str
    split: str | None
    edf: Path


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A folder of recordings.

    Args:
        name: Its layout: `tusz`, `bids`, `chbmit`, `siena`, `seizeit1`, `helsinki` or `folder`.
        root: The folder.
        recordings: Sorted by id.
    """

    name: str
    root: Path
    recordings: tuple[Recording, ...]


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A recording with all that is known about it before its signal is read.

    Args:
        recording: The recording.
        duration_s: By the EDF.
        seizures_s: `(onset_s, stop_s)`, sorted, disjoint, inside the recording.
        header: Of the EDF.
        types: Type of each seizure; empty where they were not asked for.
    """

    recording: Recording
    duration_s: float
    seizures_s: tuple[tuple[float, float], ...]
    header: edf.Header
    types: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """A recording that is set aside, with the reason."""

    id: str
    path: str
    code: str
    reason: str


def discover(root: Path, corpus: str = "auto", same_patient: Mapping[str, str] = NO_ALIASES) -> Corpus:
    """List the recordings below a folder; files whose name starts with a dot are not looked at.

    Args:
        root: The folder.
        corpus: `tusz` (an `edf` folder with train, dev, eval, or these in the root), `bids` (`sub-*` folders), `chbmit`
            (`chbNN-summary.txt` beside EDFs `chbNN_MM`, in the root or one folder below), `siena` (likewise,
            `Seizures-list-PNxx.txt` beside `PNxx-N`), `seizeit1` (`P_IDn_rm_a1.tsv` beside `P_IDn_rm`), `helsinki` (the
            experts' CSVs beside `eegN`), `folder` (any EDF or BDF at any depth; the patient is the name up to the first
            underscore), or `auto`: the first that fits.
        same_patient: Other names of a patient, and the name to use (`{"sub-21": "sub-01"}`).

    Raises:
        InputError: if the folder is absent (code `corpus-missing`), has not the layout asked for (`corpus-layout`), or
            holds no patient of a name that is said to be another's (`corpus-patient`).
    """
    root = Path(root)
    if not root.is_dir():
        raise _fault("There is no such folder", root, "nothing", "a folder of EDF files", "corpus-missing")
    name = _layout(root) if corpus == "auto" else corpus
    recordings = sorted(_LAYOUTS[_checked(root, name)](root), key=lambda recording: recording.id)
    return Corpus(name=name, root=root, recordings=_renamed(root, recordings, same_patient))


def _renamed(root: Path, recordings: Sequence[Recording], same_patient: Mapping[str, str]) -> tuple[Recording, ...]:
    """The recordings with every patient under one name."""
    unknown = sorted(set(same_patient) - {recording.patient for recording in recordings})
    if unknown:
        raise InputError(
            "A patient with a second name is not in the corpus",
            where=root,
            got=unknown[0],
            expected="the name of one of its patients, as `ictal audit` shows them",
            remedy="correct corpus.same_patient",
            code="corpus-patient",
        )
    return tuple(replace(one, patient=same_patient.get(one.patient, one.patient)) for one in recordings)


def read_labels(
    corpus: Corpus,
    *,
    mapping: Mapping[str, str] = NO_MAPPING,
    consensus: str = MAJORITY,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Labelled], list[Quarantined]]:
    """Read every recording's header and annotation, and no signal.

    An EDF that cannot be used, or whose length its annotation contradicts, is set aside; an annotation's fault stops.

    Args:
        corpus: What to read.
        mapping: See `labels.kind_of`.
        consensus: See `events.seizures`.
        progress: Called with (done, total).

    Raises:
        InputError: at the first missing or unreadable annotation or unknown label, or if no recording is left (code
            `corpus-empty`).
    """
    labelled: list[Labelled] = []
    aside: list[Quarantined] = []
    for done, recording in enumerate(corpus.recordings, 1):
        annotation = beside.read(beside.find(recording.edf), recording.edf)
        seizures_s = seizures(annotation, mapping, consensus)
        try:
            found = label(recording, edf.read_header(recording.edf), annotation, seizures_s)
        except InputError as error:
            if not is_quarantine(error):
                raise
            aside.append(quarantined(recording, error))
        else:
            labelled.append(replace(found, types=_types(found, annotation, mapping)))
        if progress is not None:
            progress(done, len(corpus.recordings))
    if not labelled:
        raise empty(corpus, aside)
    return labelled, aside


def label(
    recording: Recording,
    header: edf.Header,
    annotation: Annotation,
    seizures_s: tuple[tuple[float, float], ...],
) -> Labelled:
    """Bring a recording's header and its annotation together; a seizure is cut at the EDF's end.

    Raises:
        InputError: if their lengths differ by over 1 s (or what the annotation's format asks for), or an event lies
            over 1 s beyond the end (code `duration-mismatch`); if the annotation counts from another clock time than
            the EDF starts at (`start-mismatch`).
    """
    _reconcile(annotation, header)
    _check_start(annotation, header)
    inside_s = tuple((onset_s, min(stop_s, header.duration_s)) for onset_s, stop_s in seizures_s)
    return Labelled(
        recording=recording,
        duration_s=header.duration_s,
        seizures_s=tuple((onset_s, stop_s) for onset_s, stop_s in inside_s if onset_s < stop_s),
        header=header,
    )


def _types(labelled: Labelled, annotation: Annotation, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Types of the seizures, by all annotation files: TUSZ's `.csv_bi` says only that there is a seizure."""
    if not labelled.seizures_s:
        return ()
    path = labelled.recording.edf
    others = [beside.read(other, path) for other in beside.find_all(path) if other != annotation.path]
    return seizure_types([annotation, *others], labelled.seizures_s, mapping)


def is_quarantine(error: InputError) -> bool:
    """Whether an error sets one recording aside instead of stopping the corpus."""
    return error.code.startswith("edf-") or error.code in {"duration-mismatch", "start-mismatch"}


def empty(corpus: Corpus, aside: list[Quarantined]) -> InputError:
    """The error for a corpus with no usable recording."""
    reasons = "; ".join(f"{q.id}: {q.reason}" for q in aside[:5])
    got = f"{len(corpus.recordings)} EDF files, {len(aside)} of them set aside {reasons}".rstrip()
    return _fault("The corpus has no usable recording", corpus.root, got, "at least one", "corpus-empty")


def quarantined(recording: Recording, error: InputError) -> Quarantined:
    """A recording set aside for this error."""
    reason = f"{error.what}: got {error.got}, expected {error.expected}"
    return Quarantined(id=recording.id, path=str(recording.edf), code=error.code, reason=reason)


def _reconcile(annotation: Annotation, header: edf.Header) -> None:
    last_s = max((event.stop_s for event in annotation.events), default=0.0)
    stated_s = annotation.duration_s
    tolerance_s = annotation.duration_tolerance_s
    agrees = abs(stated_s - header.duration_s) <= tolerance_s if stated_s is not None else True
    if not agrees or last_s > header.duration_s + DURATION_TOLERANCE_S:
        raise InputError(
            "The annotation and the EDF have different lengths",
            where=annotation.path,
            got=f"{stated_s if stated_s is not None else last_s} s in the annotation, {header.duration_s} s in the EDF",
            expected=f"a difference of at most {tolerance_s} s",
            remedy="find out which of the two belongs to another recording",
            code="duration-mismatch",
        )


def _check_start(annotation: Annotation, header: edf.Header) -> None:
    if annotation.start is None or header.start is None:
        return
    apart_s = elapsed_s(_since_midnight_s(annotation.start), _since_midnight_s(header.start.time()))
    if START_TOLERANCE_S < apart_s < DAY_S - START_TOLERANCE_S:
        raise InputError(
            "The annotation counts from another start than the EDF's",
            where=annotation.path,
            got=f"{annotation.start} in the annotation, {header.start.time()} in the EDF",
            expected=f"a difference of at most {START_TOLERANCE_S} s",
            remedy="find out which is right: every seizure is off by the difference",
            code="start-mismatch",
        )


def _since_midnight_s(time: dt.time) -> int:
    return 3600 * time.hour + 60 * time.minute + time.second


def _layout(root: Path) -> str:
    if _tusz_top(root) is not None:
        return "tusz"
    if any(path.is_dir() for path in root.glob("sub-*")):
        return "bids"
    if _is_chbmit(root):
        return "chbmit"
    if _is_siena(root):
        return "siena"
    if _is_seizeit1(root):
        return "seizeit1"
    return "helsinki" if _is_helsinki(root) else "folder"


def _tusz_top(root: Path) -> Path | None:
    for top in (root / "edf", root):
        if any((top / split).is_dir() for split in SPLITS):
            return top
    return None


def _tusz(root: Path) -> Iterator[Recording]:
    top = _tusz_top(root)
    if top is None:
        raise _fault("The folder is not laid out as TUSZ", root, "neither", "edf/train, /dev or /eval", "corpus-layout")
    for split in SPLITS:
        for path in _edf_files(top / split):
            yield _recording(root, path, path.stem.split("_", maxsplit=1)[0], split)


def _bids(root: Path) -> Iterator[Recording]:
    subjects = [path for path in root.glob("sub-*") if path.is_dir()]
    if not subjects:
        raise _fault("The folder is not laid out as BIDS", root, "no sub-*", "folders named sub-*", "corpus-layout")
    same = _SAME_CHILD_BIDS if _names_chbmit(root / "dataset_description.json") else {}
    parts = _parts(root / "participants.tsv")
    for subject in subjects:
        for path in _edf_files(subject):
            yield _recording(root, path, same.get(subject.name, subject.name), parts.get(subject.name))


def _parts(participants: Path) -> dict[str, str]:
    """The part of each subject, where the list of participants has a column `split`, as `ictal convert` writes it."""
    rows = [line.split("\t") for line in read_lines(participants)] if participants.is_file() else []
    if not rows or not {"participant_id", "split"} <= set(rows[0]):
        return {}
    subject, split = rows[0].index("participant_id"), rows[0].index("split")
    wide = [row for row in rows[1:] if len(row) == len(rows[0])]
    return {row[subject]: row[split] for row in wide if row[split] in SPLITS}


def _names_chbmit(description: Path) -> bool:
    return description.is_file() and b"CHB-MIT" in description.read_bytes()


def _folder(root: Path) -> Iterator[Recording]:
    for path in _edf_files(root):
        yield _recording(root, path, patient_of(path.stem), None)


def _chbmit(root: Path) -> Iterator[Recording]:
    if not _is_chbmit(root):
        expected = "chbNN-summary.txt beside chbNN_MM.edf, here or one folder below"
        raise _fault("The folder is not laid out as CHB-MIT", root, "neither", expected, "corpus-layout")
    return _folder(root)


def _siena(root: Path) -> Iterator[Recording]:
    if not _is_siena(root):
        expected = "Seizures-list-PNxx.txt beside PNxx-N.edf, here or one folder below"
        raise _fault("The folder is not laid out as Siena", root, "neither", expected, "corpus-layout")
    return _folder(root)


def _seizeit1(root: Path) -> Iterator[Recording]:
    if not _is_seizeit1(root):
        expected = f"P_IDn_rm{seizeit1.SUFFIXES[0]} beside P_IDn_rm.edf, here or one folder below"
        raise _fault("The folder is not laid out as SeizeIT1", root, "neither", expected, "corpus-layout")
    return _folder(root)


def _helsinki(root: Path) -> Iterator[Recording]:
    if not _is_helsinki(root):
        expected = "annotations_2017_A.csv beside eegN.edf"
        raise _fault("The folder is not laid out as Helsinki's", root, "neither", expected, "corpus-layout")
    return _folder(root)


def _is_seizeit1(root: Path) -> bool:
    return _has_beside(root, f"P_ID*{seizeit1.SUFFIXES[0]}", _SEIZEIT1_EDF)


def _is_helsinki(root: Path) -> bool:
    return any(map(helsinki.is_list, root.glob("*.csv"))) and _has_beside(root, "*.csv", _HELSINKI_EDF)


def _is_chbmit(root: Path) -> bool:
    return _has_beside(root, f"chb??{chbmit.SUFFIX}", _CHBMIT_EDF)


def _is_siena(root: Path) -> bool:
    return _has_beside(root, f"{siena.PREFIX}PN??.txt", _SIENA_EDF)


def _has_beside(root: Path, lists: str, recording: re.Pattern[str]) -> bool:
    """Whether a list lies beside an EDF with a name of its corpus; clips cut from a corpus are named otherwise."""
    folders = {path.parent for pattern in (lists, f"*/{lists}") for path in root.glob(pattern)}
    return any(recording.fullmatch(path.stem) for folder in folders for path in _edf_files(folder))


def patient_of(stem: str) -> str:
    """Whose recording a file's name says it is: the part before the first underscore.

    `chb01_03` is of chb01, `PN00-1` of PN00, `P_ID3_r1` of P_ID3; chb21 is chb01, a year and a half
    later.
    """
    named = _SIENA.match(stem) or _SEIZEIT1.match(stem)
    patient = named.group() if named else stem.split("_", maxsplit=1)[0]
    return _SAME_CHILD.get(patient, patient)


def _recording(root: Path, path: Path, patient: str, split: str | None) -> Recording:
    return Recording(id=path.relative_to(root).with_suffix("").as_posix(), patient=patient, split=split, edf=path)


def _edf_files(folder: Path) -> Iterator[Path]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return (path for path in files if path.is_file() and not path.name.startswith("."))


_LAYOUTS: Mapping[str, Callable[[Path], Iterator[Recording]]] = {
    "tusz": _tusz,
    "bids": _bids,
    "chbmit": _chbmit,
    "siena": _siena,
    "seizeit1": _seizeit1,
    "helsinki": _helsinki,
    "folder": _folder,
}


def _checked(root: Path, name: str) -> str:
    if name not in _LAYOUTS:
        raise _fault(
            "There is no such corpus layout", root, repr(name), f"auto, {', '.join(_LAYOUTS)}", "corpus-layout"
        )
    return name


def _fault(what: str, root: Path, got: object, expected: object, code: str) -> InputError:
    remedy = "check the corpus's folder and its layout (corpus.layout)"
    return InputError(what, where=root, got=got, expected=expected, remedy=remedy, code=code)
