"""TUSZ: an `edf` folder with `train`, `dev` and `eval`, or these in the root.

Below a part, 2.0.x has `patient/session/montage` and 1.5.2 `montage/group/patient/session`; in both a file's name
begins with its patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ictal.recordings.layouts.layout import SPLITS, Layout, Recording, edf_files, first_part, recording


def _tops(root: Path) -> list[Path]:
    """Folders that hold the parts."""
    return [top for top in (root / "edf", root) if any((top / split).is_dir() for split in SPLITS)]


def _fits(root: Path) -> bool:
    return bool(_tops(root))


def _recordings(root: Path) -> Iterator[Recording]:
    top = _tops(root)[0]
    for split in SPLITS:
        for path in edf_files(top / split):
            yield recording(root, path, first_part(path.stem), split)


LAYOUT = Layout(name="tusz", expected="edf/train, /dev or /eval", fits=_fits, recordings=_recordings)
