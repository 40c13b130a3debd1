"""BIDS datasets (SzCORE, SeizeIT2): folders `sub-*`; the subject is the patient.

SeizeIT2 (ds005873) records heart, muscle and movement in EDFs of their own beside the EEG's; these are no EEG and have
no events. Its `impd` rows, of poor contact, are labels to map (`corpus.label_mapping`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ictal.recordings.annotations.text import read_lines
from ictal.recordings.layouts.layout import SPLITS, Layout, Recording, edf_files, recording

_OTHER_MODALITIES = ("_ecg", "_emg", "_mov")
_SAME_CHILD = {"sub-21": "sub-01"}
"""In a dataset made of CHB-MIT, whose chb21 is chb01."""


def _fits(root: Path) -> bool:
    return any(_subjects(root))


def _recordings(root: Path) -> Iterator[Recording]:
    same = _SAME_CHILD if _names_chbmit(root / "dataset_description.json") else {}
    parts = _parts(root / "participants.tsv")
    for subject in _subjects(root):
        for path in edf_files(subject):
            if not path.stem.endswith(_OTHER_MODALITIES):
                yield recording(root, path, same.get(subject.name, subject.name), parts.get(subject.name))


def _subjects(root: Path) -> Iterator[Path]:
    return (path for path in root.glob("sub-*") if path.is_dir())


def _parts(participants: Path) -> dict[str, str]:
    """The part of each subject, where the list of participants has a column `split`, as `ictal convert` writes it."""
    rows = [line.split("\t") for line in read_lines(participants)] if participants.is_file() else []
    if not rows or not {"participant_id", "split"} <= set(rows[0]):
        return {}
    subject, split = rows[0].index("participant_id"), rows[0].index("split")
    wide = [row for row in rows[1:] if len(row) == len(rows[0])]
    return {row[subject]: row[split] for row in wide if row[split] in SPLITS}


def _names_chbmit(description: Path) -> bool:
    return description.is_file() and b"CHB-MIT" in description.read_bytes()


LAYOUT = Layout(name="bids", expected="folders named sub-*", fits=_fits, recordings=_recordings)
