"""The annotation that lies beside an EDF: where it is looked for, and which reader it needs.

| name, for `X.edf` | format | |
|---|---|---|
| `X.csv_bi` | TUSZ, whole recording | taken first |
| `X.csv` | TUSZ, per channel | |
| `X_events.tsv`, and `Y_events.tsv` for `Y_eeg.edf` | BIDS / HED-SCORE | |
"""

from __future__ import annotations

from pathlib import Path

from ictal.errors import InputError
from ictal.recordings.annotations import bids, tusz
from ictal.recordings.events import Annotation

BIDS_SUFFIX = "_events.tsv"
TUSZ_SUFFIXES = (".csv_bi", ".csv")


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
        expected=" or ".join(path.name for path in _names(edf_path)),
        remedy="put the annotation beside the EDF or take the recording out of the corpus; nothing is assumed",
        code="annotation-missing",
    )


def find_all(edf_path: Path) -> tuple[Path, ...]:
    """Every annotation file beside a recording, the one that is used first."""
    return tuple(path for path in _names(edf_path) if path.is_file())


def read(path: Path) -> Annotation:
    """Read an annotation file by the reader that its name calls for.

    Raises:
        InputError: if the file does not follow its format, or its name belongs to none (code `annotation-format`).
    """
    if path.suffix in TUSZ_SUFFIXES:
        return tusz.read(path)
    if path.suffix == ".tsv":
        return bids.read(path)
    raise InputError(
        "No annotation format has this file name",
        where=path,
        got=path.name,
        expected=f"*.csv_bi, *.csv or *{BIDS_SUFFIX}",
        remedy="give the file the name that its format asks for",
        code="annotation-format",
    )


def _names(edf_path: Path) -> tuple[Path, ...]:
    events = edf_path.stem.removesuffix("_eeg") + BIDS_SUFFIX
    return (*(edf_path.with_suffix(suffix) for suffix in TUSZ_SUFFIXES), edf_path.with_name(events))
