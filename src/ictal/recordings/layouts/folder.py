"""Any folder of EDF and BDF files with an annotation beside each; names say whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ictal.recordings.layouts import chbmit, seizeit1, siena
from ictal.recordings.layouts.layout import Layout, Recording, edf_files, first_part, recording


def patient_of(stem: str) -> str:
    """Whose recording a file's name says it is: by the rules of the corpora, else the part before the first underscore.

    `chb01_03` is of chb01, `PN00-1` of PN00, `P_ID3_r1` of P_ID3; chb21 is chb01, a year and a half later.
    """
    return chbmit.patient(stem) or siena.patient(stem) or seizeit1.patient(stem) or first_part(stem)


def _recordings(root: Path) -> Iterator[Recording]:
    return (recording(root, path, patient_of(path.stem)) for path in edf_files(root))


LAYOUT = Layout(name="folder", expected="a folder", fits=Path.is_dir, recordings=_recordings)
