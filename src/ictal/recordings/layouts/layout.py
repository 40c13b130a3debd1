"""What a corpus's layout is: how it is recognised, and which recordings it has.

Each sibling of this file describes one corpus as a `Layout`; `corpus.py` lists them in the order they are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "dev", "eval")

_SUFFIXES = {".edf", ".bdf"}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One EDF of a corpus.

    Args:
        id: Its path below the corpus's root, without suffix, with forward slashes.
        patient: Whose it is; the unit that splits keep together.
        split: `train`, `dev` or `eval` where the corpus itself says.
        edf: The file.
        corrected: An annotation that counts in place of whatever lies beside the EDF.
    """

    id: str
    patient: str
    split: str | None
    edf: Path
    corrected: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How the folders and files of a corpus lie.

    Args:
        name: As `corpus.layout` names it.
        expected: What it is recognised by, for the message where it is not there.
        fits: Whether a folder has this layout.
        recordings: Those of a folder that has it, in any order.
    """

    name: str
    expected: str
    fits: Callable[[Path], bool]
    recordings: Callable[[Path], Iterator[Recording]]


def recording(root: Path, path: Path, patient: str, split: str | None = None) -> Recording:
    """The recording of a file below a corpus's root."""
    return Recording(id=path.relative_to(root).with_suffix("").as_posix(), patient=patient, split=split, edf=path)


def edf_files(folder: Path) -> Iterator[Path]:
    """EDF and BDF files at any depth; names that start with a dot are not looked at."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return (path for path in files if path.is_file() and not path.name.startswith("."))


def first_part(stem: str) -> str:
    """A file's name up to its first underscore: the patient, where a corpus has no rule of its own."""
    return stem.split("_", maxsplit=1)[0]


def beside(root: Path, lists: str, is_recording: Callable[[str], object]) -> bool:
    """Whether a list lies beside an EDF whose name is its corpus's, in the root or one folder below.

    Clips that are cut from a corpus have names of their own, and are no corpus of that layout.
    """
    folders = {path.parent for pattern in (lists, f"*/{lists}") for path in root.glob(pattern)}
    return any(is_recording(path.stem) for folder in folders for path in edf_files(folder))
