"""The annotation that lies beside an EDF: where it is looked for, and which reader it needs.

| name, for `X.edf` | format | |
|---|---|---|
| `X.csv_bi` | TUSZ, whole recording | taken first |
| `X.csv` | TUSZ, per channel | |
| `X_events.tsv`, and `Y_events.tsv` for `Y_eeg.edf` | BIDS / HED-SCORE | |
| `X.tse_bi`, `X.tse` | TUSZ before 2.0 | |
| `chbNN-summary.txt` for `chbNN_*.edf` | CHB-MIT, all recordings of a case | if none of the above is there |
| `Seizures-list-PNxx.txt` for `PNxx-*.edf` | Siena, all recordings of a patient | if none of the above is there |
"""

from __future__ import annotations

from pathlib import Path

from ictal.errors import InputError
from ictal.recordings.annotations import bids, chbmit, siena, tse, tusz
from ictal.recordings.events import Annotation

BIDS_SUFFIX = "_events.tsv"
TUSZ_SUFFIXES = (".csv_bi", ".csv")
TSE_SUFFIXES = (".tse_bi", ".tse")


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
    """Every annotation file beside a recording, the one that is used first; a list only if nothing else is there."""
    own = tuple(path for path in _names(edf_path) if path.is_file())
    return own or tuple(path for path in _lists(edf_path) if path.is_file())


def is_list(path: Path) -> bool:
    """Whether a file is, by its name, about many recordings."""
    return path.name.endswith(chbmit.SUFFIX) or path.name.startswith(siena.PREFIX)


def listed(path: Path) -> frozenset[str] | None:
    """The EDFs that a list about many recordings names; None for a file about one recording."""
    if path.name.endswith(chbmit.SUFFIX):
        return chbmit.names(path)
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
    if path.suffix in TUSZ_SUFFIXES:
        return tusz.read(path)
    if path.suffix == ".tsv":
        return bids.read(path)
    if path.suffix in TSE_SUFFIXES:
        return tse.read(path)
    if edf_path is not None and path.name.endswith(chbmit.SUFFIX):
        return chbmit.read_recording(path, edf_path.name)
    if edf_path is not None and path.name.startswith(siena.PREFIX):
        return siena.read_recording(path, edf_path.name)
    raise InputError(
        "No annotation format has this file name",
        where=path,
        got=path.name,
        expected=f"*.csv_bi, *.csv, *{BIDS_SUFFIX}, *.tse_bi or *.tse",
        remedy="give the file the name that its format asks for",
        code="annotation-format",
    )


def _names(edf_path: Path) -> tuple[Path, ...]:
    events = edf_path.stem.removesuffix("_eeg") + BIDS_SUFFIX
    tusz_names, tse_names = (
        tuple(edf_path.with_suffix(suffix) for suffix in suffixes) for suffixes in (TUSZ_SUFFIXES, TSE_SUFFIXES)
    )
    return (*tusz_names, edf_path.with_name(events), *tse_names)


def _lists(edf_path: Path) -> tuple[Path, ...]:
    return tuple(path for path in (chbmit.summary_of(edf_path), siena.list_of(edf_path)) if path is not None)
