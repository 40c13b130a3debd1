"""Helsinki: the experts' CSVs in the root, beside EDFs `eegN`; each neonate has one recording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ictal.recordings.annotations import helsinki
from ictal.recordings.layouts.layout import Layout, Recording, beside, edf_files, first_part, recording

_EDF = re.compile(r"eeg\d{1,3}", re.ASCII)


def _fits(root: Path) -> bool:
    return any(map(helsinki.is_list, root.glob("*.csv"))) and beside(root, "*.csv", _EDF.fullmatch)


def _recordings(root: Path) -> Iterator[Recording]:
    return (recording(root, path, first_part(path.stem)) for path in edf_files(root))


LAYOUT = Layout(name="helsinki", expected="annotations_2017_A.csv beside eegN.edf", fits=_fits, recordings=_recordings)
