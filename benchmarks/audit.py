"""The audit of a corpus of TUSZ's size: 7,364 recordings, annotations alone and whole, from a warm disk.

The corpus is made for this: EDFs with a header of about 32 channels whose data are a hole, but for 4 kB in the middle,
and a `.csv_bi` and a `.csv` beside each. Reading its annotations, its headers and auditing it are run in turn. Prints
medians in seconds of one core, which the other programs of the machine do not lengthen, and by the clock.
Run: `python benchmarks/audit.py [FOLDER]`; the folder keeps the corpus.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ictal.recordings import corpus as corpora
from ictal.recordings import edf
from ictal.recordings.annotations import beside, tusz
from ictal.recordings.audit import audit
from ictal.recordings.channels import SCALP_19
from ictal.recordings.events import Event, seizures

RECORDINGS = 7364
PATIENTS = 675
SEIZURE_RECORDINGS = 0.17
ROUNDS = 3
EXTRAS = ("A1", "A2", "T1", "T2", "SP1", "SP2", "LOC", "ROC", "EKG1", "EMG", "PHOTIC", "IBI", "BURSTS", "SUPPR")
PAIRS = [f"{a}-{b}".upper() for a, b in zip(SCALP_19, (*SCALP_19[1:], "O1", "T3", "C3", "F3"), strict=False)]


def main(folder: Path) -> None:
    """Make the corpus unless it is there, audit it, print."""
    if not (folder / "edf").exists():
        make(folder)
    rows = {"annotations (.csv_bi)": all_annotations, "EDF headers": headers, "whole audit": whole}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, work in rows.items():
            times[name].append(seconds(work, folder))
    print(f"{RECORDINGS} recordings, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, measured in times.items():
        core_s, clock_s = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"{name:22} {core_s:6.2f} s of a core, {clock_s:6.2f} s by the clock (medians of {ROUNDS})")


def all_annotations(folder: Path) -> None:
    """Find and read the annotation that is used of each recording."""
    for recording in corpora.discover(folder).recordings:
        seizures(beside.read(beside.find(recording.edf), recording.edf))


def headers(folder: Path) -> None:
    """Read every header."""
    for recording in corpora.discover(folder).recordings:
        edf.read_header(recording.edf)


def whole(folder: Path) -> None:
    """The audit: both annotation files of each recording, its header, montages, the prior test."""
    found = audit(folder)
    assert found.recordings == RECORDINGS, found.recordings
    assert not [finding for finding in found.findings if finding.severity == "error"], found.findings[:3]


def seconds(work: Callable[[Path], None], folder: Path) -> tuple[float, float]:
    """Time of the processor and of the clock."""
    core_s, clock_s = time.process_time(), time.perf_counter()
    work(folder)
    return time.process_time() - core_s, time.perf_counter() - clock_s


def make(folder: Path) -> None:
    """A corpus in TUSZ's layout."""
    draw = random.Random(0)  # noqa: S311 - no secret
    for number in range(RECORDINGS):
        patient = f"aaaaa{number % PATIENTS:03d}"
        split = ("train", "train", "train", "dev", "eval")[number % PATIENTS % 5]
        path = folder / "edf" / split / patient / "s001_2010" / "01_tcp_ar" / f"{patient}_s001_t{number:04d}.edf"
        path.parent.mkdir(parents=True, exist_ok=True)
        duration_s = draw.choice((60, 301, 600, 900, 1200))
        write_edf(path, duration_s, draw)
        write_annotations(path, duration_s, draw)


def write_edf(path: Path, duration_s: int, draw: random.Random) -> None:
    """A header as TUSZ has it; the data are a hole in the file but for 4 kB."""
    extras = [name for name in EXTRAS if draw.random() < 0.9]
    labels = [f"EEG {name}-REF" for name in (*map(str.upper, SCALP_19), *extras)]
    count, rate_hz = len(labels), draw.choice((250, 256, 400, 512))
    fields = [("0", 8), ("X X X X", 80), ("Startdate", 80), ("01.01.10", 8), ("00.00.00", 8)]
    fields += [(str(256 * (count + 1)), 8), ("", 44), (str(duration_s), 8), ("1", 8), (str(count), 4)]
    fields += [(label, 16) for label in labels] + [("Unknown", 80)] * count + [("uV", 8)] * count
    for bound in ("-5000.0", "5000.0", "-32767", "32767"):
        fields += [(bound, 8)] * count
    fields += [("HP:0.0 Hz LP:0.0 Hz N:0.0", 80)] * count + [(str(rate_hz), 8)] * count + [("", 32)] * count
    with path.open("wb") as file:
        file.write(b"".join(text.encode().ljust(width) for text, width in fields))
        file.seek(duration_s // 2 * 2 * count * rate_hz, os.SEEK_CUR)
        file.write(draw.randbytes(4096))  # by which signals of equal length are told apart
        file.truncate(256 * (count + 1) + 2 * count * rate_hz * duration_s)


def write_annotations(path: Path, duration_s: int, draw: random.Random) -> None:
    """One seizure in some of the recordings, on all channels."""
    events = []
    if draw.random() < SEIZURE_RECORDINGS:
        onset_s = round(draw.uniform(0, duration_s / 2), 4)
        events = [Event(onset_s=onset_s, stop_s=round(onset_s + duration_s / 4, 4), label="fnsz")]
    tusz.write_bi(path.with_suffix(".csv_bi"), bname=path.stem, duration_s=duration_s, events=events)
    tusz.write_channels(
        path.with_suffix(".csv"),
        bname=path.stem,
        duration_s=duration_s,
        montage_file="nedc_eas_default_montage.txt",
        events=events,
        channels=PAIRS,
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
