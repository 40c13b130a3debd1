"""The annotation that lies beside an EDF: where it is looked for, and which reader it needs.

| name, for `X.edf` | format | |
|---|---|---|
| `X.csv_bi` | TUSZ, whole recording | taken first |
| `X.csv` | TUSZ, per channel | |
| `X_events.tsv`, and `Y_events.tsv` for `Y_eeg.edf` | BIDS / HED-SCORE | |
| `X.tse_bi`, `X.tse` | TUSZ before 2.0 | |
| `X_a1.tsv`, `X_a2.tsv` | SeizeIT1, the first and the second reading | |
| `chbNN-summary.txt` for `chbNN_*.edf` | CHB-MIT, all recordings of a case | if none of the above is there |
| `X.edf.seizures` | CHB-MIT, only for recordings with a seizure | beside the summary |
| `Seizures-list-PNxx.txt` for `PNxx-*.edf` | Siena, all recordings of a patient | if none of the above is there |
| `annotations_2017_A.csv`, `_B`, `_C` for `eegN.edf` | Helsinki, three experts | if none of the above is there |
| `X.edf` itself | EDF+ annotations that name seizures or background | if nothing else is there |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ictal.errors import InputError
from ictal.recordings.annotations import bids, chbmit, edfplus, helsinki, seizeit1, siena, tse, tusz, wfdb
from ictal.recordings.events import Annotation

BIDS_SUFFIX = "_events.tsv"
TUSZ_SUFFIXES = (".csv_bi", ".csv")
TSE_SUFFIXES = (".tse_bi", ".tse")


def events_of(recording: str) -> str:
    """Name of the events in BIDS's format of a recording, by its id or its file's stem."""
    return f"{recording.removesuffix('_eeg')}{BIDS_SUFFIX}"


def find(edf_path: Path) -> Path:
    """The annotation file of a recording.

    Raises:
        InputError: if there is none: a recording without annotation is unlabelled, never background (code
            `annotation-missing`).
    """
    present = find_all(edf_path)
    if present:
        return present[0]
    raise InputError(
        "The recording has no annotation file",
        where=edf_path,
        got="none",
        expected=" or ".join(path.name for path in (*_names(edf_path), *_lists(edf_path))),
        remedy="put the annotation beside the EDF or take the recording out of the corpus; nothing is assumed",
        code="annotation-missing",
    )


def find_all(edf_path: Path) -> tuple[Path, ...]:
    """Every annotation file of a recording, the one that is used first; see the table above."""
    for group in (_names(edf_path), _lists(edf_path)):
        present = tuple(path for path in group if path.is_file())
        if present:
            return present
    return (edf_path,) if edf_path.is_file() and edfplus.speaks_of_seizures(edf_path) else ()


def is_list(path: Path) -> bool:
    """Whether a file is, by its name, about many recordings."""
    return path.name.endswith(chbmit.SUFFIX) or path.name.startswith(siena.PREFIX) or helsinki.is_list(path)


def listed(path: Path) -> frozenset[str] | None:
    """The EDFs that a list about many recordings names; None for a file about one recording."""
    if path.name.endswith(chbmit.SUFFIX):
        return chbmit.names(path)
    if helsinki.is_list(path):
        return helsinki.names(path)
    return siena.names(path) if path.name.startswith(siena.PREFIX) else None


def read(path: Path, edf_path: Path | None = None) -> Annotation:
    """Read an annotation file by the reader that its name calls for.

    Args:
        path: The file.
        edf_path: Its recording; needed where the file is about many.

    Raises:
        InputError: if the file does not follow its format, or its name belongs to none (code `annotation-format`), or
            it is a list that does not name the recording (code `annotation-missing`).
    """
    if edf_path is not None and is_list(path):
        return _LISTS[_kind(path)](path, edf_path.name)
    for suffixes, reader in _READERS.items():
        if path.name.endswith(suffixes):
            return reader(path)
    raise InputError(
        "No annotation format has this file name",
        where=path,
        got=path.name,
        expected=", ".join(f"*{suffix}" for suffixes in _READERS for suffix in suffixes),
        remedy="give the file the name that its format asks for",
        code="annotation-format",
    )


def _names(edf_path: Path) -> tuple[Path, ...]:
    tusz_names, tse_names = (
        tuple(edf_path.with_suffix(suffix) for suffix in suffixes) for suffixes in (TUSZ_SUFFIXES, TSE_SUFFIXES)
    )
    readings = (edf_path.with_name(edf_path.stem + suffix) for suffix in seizeit1.SUFFIXES)
    return (*tusz_names, edf_path.with_name(events_of(edf_path.stem)), *tse_names, *readings)


def _lists(edf_path: Path) -> tuple[Path, ...]:
    seizures = edf_path.with_name(edf_path.name + wfdb.SUFFIX)
    lists = (chbmit.summary_of(edf_path), siena.list_of(edf_path), helsinki.list_of(edf_path))
    return (*(path for path in lists if path is not None), seizures)


def _kind(path: Path) -> str:
    if path.name.endswith(chbmit.SUFFIX):
        return "chbmit"
    return "siena" if path.name.startswith(siena.PREFIX) else "helsinki"


_LISTS: Mapping[str, Callable[[Path, str], Annotation]] = {
    "chbmit": chbmit.read_recording,
    "siena": siena.read_recording,
    "helsinki": helsinki.read_recording,
}
_READERS: Mapping[tuple[str, ...], Callable[[Path], Annotation]] = {
    TUSZ_SUFFIXES: tusz.read,
    seizeit1.SUFFIXES: seizeit1.read,
    (BIDS_SUFFIX, ".tsv"): bids.read,
    TSE_SUFFIXES: tse.read,
    (wfdb.SUFFIX,): wfdb.read,
    (".edf", ".EDF"): edfplus.read,
}
