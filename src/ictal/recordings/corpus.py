"""Corpora: which recordings there are, whose they are, and when they hold seizures.

Invariants: a recording's id is its path below the root, so ids are unique and stable; two recordings of one child have
one patient; a recording without annotation stops the reading, it is never taken for background.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.annotations import beside
from ictal.recordings.events import Annotation, seizures
from ictal.recordings.labels import NO_MAPPING

SPLITS = ("train", "dev", "eval")
DURATION_TOLERANCE_S = 1.0

_SAME_CHILD = {"chb21": "chb01", "chb17a": "chb17", "chb17b": "chb17", "chb17c": "chb17"}
_SIENA = re.compile(r"PN\d\d(?=-)")


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
        name: Its layout: `tusz`, `bids` or `folder`.
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
    """

    recording: Recording
    duration_s: float
    seizures_s: tuple[tuple[float, float], ...]
    header: edf.Header


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """A recording that is set aside, with the reason."""

    id: str
    path: str
    code: str
    reason: str


def discover(root: Path, corpus: str = "auto") -> Corpus:
    """List the recordings below a folder; files whose name starts with a dot are not looked at.

    Args:
        root: The folder.
        corpus: `tusz` (an `edf` folder with train, dev, eval, or these in the root), `bids` (`sub-*` folders), `folder`
            (any EDF at any depth; the patient is the name up to the first underscore), or `auto`: the first that fits.

    Raises:
        InputError: if the folder is absent (code `corpus-missing`) or has not the layout asked for (`corpus-layout`).
    """
    root = Path(root)
    if not root.is_dir():
        raise _fault("There is no such folder", root, "nothing", "a folder of EDF files", "corpus-missing")
    name = _layout(root) if corpus == "auto" else corpus
    recordings = sorted(_LAYOUTS[_checked(root, name)](root), key=lambda recording: recording.id)
    return Corpus(name=name, root=root, recordings=tuple(recordings))


def read_labels(
    corpus: Corpus,
    *,
    mapping: Mapping[str, str] = NO_MAPPING,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Labelled], list[Quarantined]]:
    """Read every recording's header and annotation, and no signal.

    An EDF that cannot be used, or whose length its annotation contradicts, is set aside; an annotation's fault stops.

    Args:
        corpus: What to read.
        mapping: See `labels.kind_of`.
        progress: Called with (done, total).

    Raises:
        InputError: at the first missing or unreadable annotation or unknown label, or if no recording is left (code
            `corpus-empty`).
    """
    labelled: list[Labelled] = []
    aside: list[Quarantined] = []
    for done, recording in enumerate(corpus.recordings, 1):
        annotation = beside.read(beside.find(recording.edf))
        seizures_s = seizures(annotation, mapping)
        try:
            labelled.append(label(recording, edf.read_header(recording.edf), annotation, seizures_s))
        except InputError as error:
            if not is_quarantine(error):
                raise
            aside.append(quarantined(recording, error))
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
        InputError: if their lengths differ by over 1 s, or an event lies further beyond the end (code
            `duration-mismatch`).
    """
    _reconcile(annotation, header)
    inside_s = tuple((onset_s, min(stop_s, header.duration_s)) for onset_s, stop_s in seizures_s)
    return Labelled(
        recording=recording,
        duration_s=header.duration_s,
        seizures_s=tuple((onset_s, stop_s) for onset_s, stop_s in inside_s if onset_s < stop_s),
        header=header,
    )


def is_quarantine(error: InputError) -> bool:
    """Whether an error sets one recording aside instead of stopping the corpus."""
    return error.code.startswith("edf-") or error.code == "duration-mismatch"


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
    agrees = abs(stated_s - header.duration_s) <= DURATION_TOLERANCE_S if stated_s is not None else True
    if not agrees or last_s > header.duration_s + DURATION_TOLERANCE_S:
        raise InputError(
            "The annotation and the EDF have different lengths",
            where=annotation.path,
            got=f"{stated_s if stated_s is not None else last_s} s in the annotation, {header.duration_s} s in the EDF",
            expected=f"a difference of at most {DURATION_TOLERANCE_S} s",
            remedy="find out which of the two belongs to another recording",
            code="duration-mismatch",
        )


def _layout(root: Path) -> str:
    if _tusz_top(root) is not None:
        return "tusz"
    return "bids" if any(path.is_dir() for path in root.glob("sub-*")) else "folder"


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
    for subject in subjects:
        for path in _edf_files(subject):
            yield _recording(root, path, subject.name, None)


def _folder(root: Path) -> Iterator[Recording]:
    for path in _edf_files(root):
        yield _recording(root, path, _patient(path.stem), None)


def _patient(stem: str) -> str:
    """`chb01_03` is of chb01, `PN00-1` of PN00; chb21 is chb01, a year and a half later."""
    siena = _SIENA.match(stem)
    patient = siena.group() if siena else stem.split("_", maxsplit=1)[0]
    return _SAME_CHILD.get(patient, patient)


def _recording(root: Path, path: Path, patient: str, split: str | None) -> Recording:
    return Recording(id=path.relative_to(root).with_suffix("").as_posix(), patient=patient, split=split, edf=path)


def _edf_files(folder: Path) -> Iterator[Path]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() == ".edf")
    return (path for path in files if path.is_file() and not path.name.startswith("."))


_LAYOUTS: Mapping[str, Callable[[Path], Iterator[Recording]]] = {"tusz": _tusz, "bids": _bids, "folder": _folder}


def _checked(root: Path, name: str) -> str:
    if name not in _LAYOUTS:
        raise _fault(
            "There is no such corpus layout", root, repr(name), f"auto, {', '.join(_LAYOUTS)}", "corpus-layout"
        )
    return name


def _fault(what: str, root: Path, got: object, expected: object, code: str) -> InputError:
    remedy = "check the corpus's folder and its layout (corpus.layout)"
    return InputError(what, where=root, got=got, expected=expected, remedy=remedy, code=code)
