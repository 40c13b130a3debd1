"""Which recordings a command line names: files, folders, patterns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from glob import has_magic
from pathlib import Path

from ictal.errors import InputError

_RECORDINGS = {".edf", ".bdf"}


def is_one_file(sources: Sequence[Path]) -> bool:
    """Whether one recording is named, there or not, and nothing that may be many."""
    return len(sources) == 1 and not sources[0].is_dir() and not _is_pattern(sources[0])


def recordings(sources: Sequence[Path], target: Path) -> dict[str, Path]:
    """What was named, by place and name below the folder that all sources share, in that order.

    Args:
        sources: Folders of EDFs and BDFs, at any depth; patterns; recordings, which are taken whatever their suffix.
        target: Where detections are written, which may be below a source.

    Raises:
        InputError: if there is no recording (code `corpus-empty`), or two have one name (`recording-twice`).
    """
    root = Path(os.path.commonpath([_root(source).absolute() for source in sources]))
    found: dict[str, Path] = {}
    names: dict[str, Path] = {}
    for path in sorted({path for source in sources for path in _of_source(source, target)}):
        id_ = path.absolute().relative_to(root).with_suffix("").as_posix()
        same = names.setdefault(id_.removesuffix("_eeg"), path)  # which BIDS leaves out of what is told of a recording
        if same != path:
            raise _one_name(same, path)
        found[id_] = path
    if not found:
        raise nothing(sources, "no EDF or BDF")
    return found


def _of_source(source: Path, target: Path) -> Iterator[Path]:
    """What a folder or a pattern holds, but for detections that may lie there as EDF+; else what was named."""
    if source.is_dir():
        yield from _kept(source.rglob("*"), target)
    elif _is_pattern(source):
        root = _root(source)
        yield from _kept(root.glob(source.relative_to(root).as_posix()), target)
    elif source.is_file():
        yield source
    else:
        raise nothing([source], "no such file")


def _kept(paths: Iterable[Path], target: Path) -> Iterator[Path]:
    for path in paths:
        hidden = path.name.startswith(".") or target.absolute() in path.absolute().parents
        if path.suffix.lower() in _RECORDINGS and path.is_file() and not hidden:
            yield path


def _is_pattern(source: Path) -> bool:
    return has_magic(str(source)) and not source.exists()


def _root(source: Path) -> Path:
    """The folder that a source names: itself, or that of the file, or what stands before a pattern's first wildcard."""
    if source.is_dir():
        return source
    folder = source.parent
    while has_magic(str(folder)) and not folder.exists():
        folder = folder.parent
    return folder


def _one_name(first: Path, second: Path) -> InputError:
    return InputError(
        "Two recordings have one name",
        where=second,
        got=f"{first} and {second}, whose detections would have one name",
        expected="recordings whose names differ by more than `_eeg` and their suffix",
        remedy="detect them apart, or rename one",
        code="recording-twice",
    )


def nothing(sources: Sequence[Path], got: str) -> InputError:
    """The error that none of them can be used."""
    return InputError(
        "There is nothing to detect seizures in",
        where=", ".join(str(source) for source in sources),
        got=got,
        expected="an EDF, or a folder or pattern with at least one that can be used",
        remedy="look at them with `ictal audit`",
        code="corpus-empty",
    )
