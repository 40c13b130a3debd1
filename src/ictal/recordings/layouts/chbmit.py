"""CHB-MIT: `chbNN-summary.txt` beside EDFs `chbNN_MM`, in the root or one folder below.

chb21 is the child of chb01, a year and a half later; the recordings of chb17 are in three series.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ictal.recordings.annotations import chbmit
from ictal.recordings.layouts.layout import Layout, Recording, beside, edf_files, first_part, recording

_SAME_CHILD = {"chb21": "chb01", "chb17a": "chb17", "chb17b": "chb17", "chb17c": "chb17"}
_EDF = re.compile(r"chb\d\d[a-z]?_\d\d\+?", re.ASCII)


def patient(stem: str) -> str | None:
    """The child, where the name's first part is not what the child is called."""
    return _SAME_CHILD.get(first_part(stem))


def _fits(root: Path) -> bool:
    return beside(root, f"chb??{chbmit.SUFFIX}", _EDF.fullmatch)


def _recordings(root: Path) -> Iterator[Recording]:
    return (recording(root, path, patient(path.stem) or first_part(path.stem)) for path in edf_files(root))


LAYOUT = Layout(
    name="chbmit",
    expected="chbNN-summary.txt beside chbNN_MM.edf, here or one folder below",
    fits=_fits,
    recordings=_recordings,
)
