"""Corpora: which recordings there are, whose they are, and when they hold seizures.

Invariants: a recording's id is its path below the root, so ids are unique and stable; two recordings of one child have
one patient; a recording without annotation stops the reading, it is never taken for background.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.annotations import beside
from ictal.recordings.annotations.lists import DAY_S, elapsed_s
from ictal.recordings.events import MAJORITY, Annotation, seizure_types, seizures
from ictal.recordings.labels import NO_MAPPING
from ictal.recordings.layouts import bids, chbmit, folder, helsinki, seizeit1, siena, tusz
from ictal.recordings.layouts.layout import Layout, Recording

NO_ALIASES: Mapping[str, str] = MappingProxyType({})
DURATION_TOLERANCE_S = 1.0
START_TOLERANCE_S = 1

LAYOUTS: tuple[Layout, ...] = (
    tusz.LAYOUT,
    bids.LAYOUT,
    chbmit.LAYOUT,
    siena.LAYOUT,
    seizeit1.LAYOUT,
    helsinki.LAYOUT,
    folder.LAYOUT,
)
"""In the order they are tried; any folder fits the last."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A folder of recordings.

    Args:
        name: Of its layout.
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


def discover(
    root: Path,
    corpus: str = "auto",
    same_patient: Mapping[str, str] = NO_ALIASES,
    corrected: Path | None = None,
) -> Corpus:
    """List the recordings below a folder; files whose name starts with a dot are not looked at.

    Args:
        root: The folder.
        corpus: Name of one of `LAYOUTS`, each of which is a file in `layouts`, or `auto`: the first that fits.
        same_patient: Other names of a patient, and the name to use (`{"sub-21": "sub-01"}`).
        corrected: Folder of annotations as `ictal review` writes them, under the recordings' ids: where it holds one,
            that counts and nothing beside the EDF does.

    Raises:
        InputError: if the folder is absent (code `corpus-missing`), has not the layout asked for (`corpus-layout`), or
            holds no patient of a name that is said to be another's (`corpus-patient`), if two recordings have one id
            (`recording-twice`) or one has one that is no text (`recording-name`), or if the corrected annotations are
            none of its recordings' (`corpus-corrected`).
    """
    root = Path(root)
    if not root.is_dir():
        raise _fault(
            "There is no such folder",
            root,
            "a file" if root.exists() else "nothing",
            "a folder of EDF files",
            "corpus-missing",
        )
    layout = _layout(root, corpus)
    recordings = sorted(layout.recordings(root), key=lambda recording: recording.id)
    _require_text(recordings)
    _require_unique(recordings)
    renamed = _renamed(root, recordings, same_patient)
    return Corpus(name=layout.name, root=root, recordings=renamed if corrected is None else _with(corrected, renamed))


def annotations_of(recording: Recording) -> tuple[Path, ...]:
    """Annotation files of a recording, the one that counts first; others may say more of a seizure's type.

    Raises:
        InputError: if there is none (code `annotation-missing`).
    """
    if recording.corrected is not None:
        return (recording.corrected,)
    return beside.find_all(recording.edf) or (beside.find(recording.edf),)


def _with(corrected: Path, recordings: Sequence[Recording]) -> tuple[Recording, ...]:
    """The recordings, with the corrected annotation of each that has one."""
    names = {beside.events_of(recording.id) for recording in recordings}
    found = {path.relative_to(corrected).as_posix() for path in corrected.rglob(f"*{beside.BIDS_SUFFIX}")}
    strangers = sorted(found - names)
    if strangers or not found:
        raise InputError(
            "The corrected annotations are not this corpus's",
            where=corrected,
            got=f"{strangers[0]}, of no recording" if strangers else f"no *{beside.BIDS_SUFFIX}",
            expected="what `ictal review` wrote for it: annotations under the ids of its recordings",
            remedy="correct corpus.corrected, or move away what belongs to another corpus",
            code="corpus-corrected",
        )
    return tuple(
        replace(one, corrected=corrected / name) if (name := beside.events_of(one.id)) in found else one
        for one in recordings
    )


def _require_text(recordings: Sequence[Recording]) -> None:
    """Refuse names in another encoding than UTF-8, as old systems wrote them: no result could hold them."""
    for one in recordings:
        try:
            one.id.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                "The name of a recording is no text",
                where=repr(str(one.edf)),
                got=f"bytes that are no UTF-8 at character {error.start}",
                expected="a name in UTF-8",
                remedy="rename the file or its folder, or move it out of the corpus",
                code="recording-name",
            ) from error


def _require_unique(recordings: Sequence[Recording]) -> None:
    for before, after in itertools.pairwise(recordings):
        if before.id == after.id:
            raise InputError(
                "Two recordings have one name",
                where=after.edf,
                got=f"{before.edf.name} and {after.edf.name}, both {after.id}",
                expected="recordings whose names differ by more than their suffix",
                remedy="rename one, or move it out of the corpus",
                code="recording-twice",
            )


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
        annotation = beside.read(annotations_of(recording)[0], recording.edf)
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
        InputError: if their lengths differ by over 1 s (or what the annotation's format asks for), an event lies over
            1 s beyond the end, or nothing of a seizure lies before it (code `duration-mismatch`); if the annotation
            counts from another clock time than the EDF starts at (`start-mismatch`).
    """
    _reconcile(annotation, header, seizures_s)
    _check_start(annotation, header)
    return Labelled(
        recording=recording,
        duration_s=header.duration_s,
        seizures_s=tuple((onset_s, min(stop_s, header.duration_s)) for onset_s, stop_s in seizures_s),
        header=header,
    )


def _types(labelled: Labelled, annotation: Annotation, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Types of the seizures, by all annotation files: TUSZ's `.csv_bi` says only that there is a seizure."""
    if not labelled.seizures_s:
        return ()
    path = labelled.recording.edf
    others = [beside.read(other, path) for other in annotations_of(labelled.recording)[1:]]
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


def _reconcile(annotation: Annotation, header: edf.Header, seizures_s: Sequence[tuple[float, float]]) -> None:
    last_s = max((event.stop_s for event in annotation.events), default=0.0)
    outside = [onset_s for onset_s, _ in seizures_s if onset_s >= header.duration_s]
    stated_s = annotation.duration_s
    tolerance_s = annotation.duration_tolerance_s
    agrees = abs(stated_s - header.duration_s) <= tolerance_s if stated_s is not None else True
    if not agrees or last_s > header.duration_s + DURATION_TOLERANCE_S or outside:
        raise InputError(
            "The annotation and the EDF have different lengths",
            where=annotation.path,
            got=f"{stated_s if stated_s is not None else last_s} s in the annotation, {header.duration_s} s in the EDF"
            + "".join(f"; a seizure that begins at {onset_s} s" for onset_s in outside[:1]),
            expected=f"a difference of at most {tolerance_s} s, and seizures that begin before the EDF ends",
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


def _layout(root: Path, name: str) -> Layout:
    """The layout of this name, which the folder must have, or the first that fits."""
    if name == "auto":
        return next(layout for layout in LAYOUTS if layout.fits(root))
    named = {layout.name: layout for layout in LAYOUTS}
    if name not in named:
        expected = f"auto, {', '.join(named)}"
        raise _fault("There is no such corpus layout", root, repr(name), expected, "corpus-layout")
    if not named[name].fits(root):
        what = f"The folder is not laid out as {name}"
        raise _fault(what, root, "nothing of the kind", named[name].expected, "corpus-layout")
    return named[name]


def _fault(what: str, root: Path, got: object, expected: object, code: str) -> InputError:
    remedy = "check the corpus's folder and its layout (corpus.layout)"
    return InputError(what, where=root, got=got, expected=expected, remedy=remedy, code=code)
