"""Every reader of annotations, and of EDF headers, on damaged files: each is read or refused by name, none crashes.

    python benchmarks/fuzz.py [--inputs 5000] [--seed 0]

A sound file of each format is damaged in one to five places: bytes changed, doubled, taken out, lines exchanged, digits
and signs put in. Anything but a result or an `InputError` that names the file stops the script with the bytes.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import edfio
import numpy as np

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.annotations import bids, chbmit, edfplus, helsinki, seizeit1, siena, tse, tusz, wfdb

CSV_HEAD = (
    "# version = csv_v1.0.0\n# bname = {stem}\n# duration = 301.00 secs\n# montage_file = m.txt\n#\n"
    "channel,start_time,stop_time,label,confidence\n"
)
SIENA = (
    "PN00\nSeizure n 1\nFile name: PN00-1.edf\nRegistration start time: 19.39.33\nRegistration end time: 20.22.58\n"
    "Seizure start time: 19.58.36\nSeizure end time: 19.59.46\n"
)
CHBMIT = (
    "Channel 1: FP1-F7\n\nFile Name: chb01_03.edf\nFile Start Time: 13:43:04\nFile End Time: 14:43:04\n"
    "Number of Seizures in File: 1\nSeizure Start Time: 2996 seconds\nSeizure End Time: 3036 seconds\n"
)
WFDB = bytes.fromhex(
    f"0058 17fc {b'## time resolution: 256'.hex()} 00 00ecffffffff 0100 00ec0b0000b4 0080 00ec00000028 0084 0000"
)
SPICE = (b"0", b"9", b"-", b".", b",", b"\t", b"\n", b" ", b"nan", b"inf", b"1e9", b"\xff", b"\x00", b"\x14", b"bckg")


def sound(folder: Path) -> dict[str, tuple[str, bytes, Callable[[Path], object]]]:
    """A file of each format: its name, its bytes, its reader."""
    rows = "FP1-F7,0.0000,36.8868,bckg,1.0000\nFP1-F7,36.8868,183.3055,cpsz,1.0000\n"
    whole = "TERM,0.0000,36.8868,bckg,1.0000\nTERM,36.8868,301.0000,seiz,1.0000\n"
    table = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
    table += "10.0\t20.5\tsz_foc_ia\t0.9\tFp1,F7\t2020-01-01 10:00:00\t300.0\n"
    signal = edfio.EdfSignal(np.sin(np.arange(2560) / 9), 256, label="EEG Fp1", physical_dimension="uV")
    edfio.Edf([signal], annotations=[edfio.EdfAnnotation(1, 2, "sz@@Fp1")]).write(folder / "sound.edf")
    signals = (folder / "sound.edf").read_bytes()
    return {
        "TUSZ .csv": ("a.csv", (CSV_HEAD.format(stem="a") + rows).encode(), tusz.read),
        "TUSZ .csv_bi": ("a.csv_bi", (CSV_HEAD.format(stem="a") + whole).encode(), tusz.read),
        "TUSZ .tse": ("a.tse", b"version = tse_v1.0.0\n\n0.0 36.8 bckg 1.0\n36.8 301.0 cpsz 0.5\n", tse.read),
        "BIDS events.tsv": ("a_events.tsv", table.encode(), bids.read),
        "CHB-MIT summary": ("chb01-summary.txt", CHBMIT.encode(), chbmit.read),
        "CHB-MIT .seizures": ("a.edf.seizures", WFDB, wfdb.read),
        "Siena list": ("Seizures-list-PN00.txt", SIENA.encode(), siena.read),
        "SeizeIT1 tsv": ("a_a1.tsv", b"# x\n10.5\t70\tFIA\tloc:temp\n100\t130\tFA\t\n", seizeit1.read),
        "Helsinki expert": (
            "annotations_2017_A.csv", b"1,2\n0,1\n1,1\n1,\n", lambda path: helsinki.read_recording(path, "eeg1.edf")
        ),
        "EDF+ annotations": ("a.edf", signals, edfplus.read),
        "EDF header": ("b.edf", signals, edf.read_header),
    }  # fmt: skip


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The content with one to five faults."""
    found = bytearray(content)
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(min(len(found), 1024) + 1)
        match draw.randrange(5):
            case 0:
                found[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                found[at:at] = draw.choice(SPICE)
            case 2:
                del found[at : at + draw.randint(1, 20)]
            case 3:
                found[at:at] = found[at : at + draw.randint(1, 40)]
            case _:
                lines = bytes(found).split(b"\n")
                draw.shuffle(lines)
                found = bytearray(b"\n".join(lines))
    return bytes(found)


def run(
    name: str, content: bytes, reader: Callable[[Path], object], inputs: int, draw: random.Random
) -> tuple[int, int]:
    """How many damaged files were read, and how many refused."""
    read = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        for _ in range(inputs):
            path.write_bytes(damaged(content, draw))
            try:
                reader(path)
                read += 1
            except InputError as error:
                if path.name not in error.where:
                    raise AssertionError(f"{error.where} does not name {path.name}") from error
            except Exception:
                print(f"{name}: {path.read_bytes()!r}")
                raise
    return read, inputs - read


def main() -> None:
    """Print a row per format."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    total = 0
    print(f"{'format':20}{'read':>9}{'refused':>9}{'seconds':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for title, (name, content, reader) in sound(Path(folder)).items():
            draw = random.Random(f"{given.seed} {title}")  # noqa: S311 - chance, not secrecy
            begin = time.perf_counter()
            read, refused = run(name, content, reader, given.inputs, draw)
            total += given.inputs
            print(f"{title:20}{read:9,}{refused:9,}{time.perf_counter() - begin:9.1f}")
    print(f"{total:,} damaged files: each was read or refused by name")


if __name__ == "__main__":
    main()
