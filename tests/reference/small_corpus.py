"""Small corpora on disk, file by file, so that tests can break one thing at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ictal.recordings.annotations import tusz
from ictal.recordings.channels import SCALP_19
from ictal.recordings.events import Event
from tests.reference.edf_bytes import constant, edf_bytes

LABELS = [f"EEG {name.upper()}-REF" for name in SCALP_19]


def write_edf(path: Path, *, duration_s: int = 60, labels: Sequence[str] = LABELS) -> None:
    """A silent recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(edf_bytes([constant(label, records=duration_s) for label in labels]))


def write_recording(
    path: Path, seizures_s: Sequence[tuple[float, float]] = (), *, duration_s: int = 60, label: str = "fnsz"
) -> None:
    """A silent recording with both of TUSZ's annotation files beside it."""
    write_edf(path, duration_s=duration_s)
    events = [Event(onset_s=onset_s, stop_s=stop_s, label=label) for onset_s, stop_s in seizures_s]
    stem, channels = path.stem, ["FP1-F7", "F7-T3"]
    tusz.write_bi(path.with_suffix(".csv_bi"), bname=stem, duration_s=duration_s, events=events)
    tusz.write_channels(
        path.with_suffix(".csv"),
        bname=stem,
        duration_s=duration_s,
        montage_file="m.txt",
        events=events,
        channels=channels,
    )


def tusz_path(root: Path, split: str, patient: str, token: int = 0) -> Path:
    """Where TUSZ keeps a recording."""
    return root / "edf" / split / patient / "s001_2010" / "01_tcp_ar" / f"{patient}_s001_t{token:03d}.edf"


def write_tusz(root: Path) -> None:
    """Three patients, one seizure each in train and dev."""
    write_recording(tusz_path(root, "train", "aaaaaaaa"), [(10, 20)])
    write_recording(tusz_path(root, "train", "aaaaaaaa", 1))
    write_recording(tusz_path(root, "dev", "aaaaaaab"), [(30.5, 45.25)])
    write_recording(tusz_path(root, "eval", "aaaaaaac"))
