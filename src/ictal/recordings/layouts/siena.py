"""Siena: `Seizures-list-PNxx.txt` beside EDFs `PNxx-N`, in the root or one folder below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ictal.recordings.annotations import siena
from ictal.recordings.layouts.layout import Layout, Recording, beside, edf_files, first_part, recording

_PATIENT = re.compile(r"PN\d\d(?=-)")
_EDF = re.compile(r"PN\d\d-\S+", re.ASCII)


def patient(stem: str) -> str | None:
    """`PN00` of `PN00-1`; None for a name that is not Siena's."""
    named = _PATIENT.match(stem)
    return None if named is None else named.group()


def _fits(root: Path) -> bool:
    return beside(root, f"{siena.PREFIX}PN??.txt", _EDF.fullmatch)


def _recordings(root: Path) -> Iterator[Recording]:
    return (recording(root, path, patient(path.stem) or first_part(path.stem)) for path in edf_files(root))


LAYOUT = Layout(
    name="siena",
    expected="Seizures-list-PNxx.txt beside PNxx-N.edf, here or one folder below",
    fits=_fits,
    recordings=_recordings,
)
