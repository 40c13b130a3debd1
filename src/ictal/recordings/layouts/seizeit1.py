"""SeizeIT1: `P_IDn_rm_a1.tsv` beside EDFs `P_IDn_rm`, in the root or one folder below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ictal.recordings.annotations import seizeit1
from ictal.recordings.layouts.layout import Layout, Recording, beside, edf_files, first_part, recording

_PATIENT = re.compile(r"P_ID\d+(?=_)", re.ASCII)
_EDF = re.compile(r"P_ID\d+_r\d+", re.ASCII)


def patient(stem: str) -> str | None:
    """`P_ID3` of `P_ID3_r1`; None for a name that is not SeizeIT1's."""
    named = _PATIENT.match(stem)
    return None if named is None else named.group()


def _fits(root: Path) -> bool:
    return beside(root, f"P_ID*{seizeit1.SUFFIXES[0]}", _EDF.fullmatch)


def _recordings(root: Path) -> Iterator[Recording]:
    return (recording(root, path, patient(path.stem) or first_part(path.stem)) for path in edf_files(root))


LAYOUT = Layout(
    name="seizeit1",
    expected=f"P_IDn_rm{seizeit1.SUFFIXES[0]} beside P_IDn_rm.edf, here or one folder below",
    fits=_fits,
    recordings=_recordings,
)
