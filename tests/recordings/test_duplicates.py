"""The same signal under two names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ictal.recordings import edf
from ictal.recordings.duplicates import duplicates
from tests.reference.edf_bytes import Channel, edf_bytes


def recording(path: Path, seed: int, *, last: int = 0, **header: str) -> edf.Header:
    """40 kB of noise; `last` is the last sample."""
    values = np.random.default_rng(seed).integers(-2000, 2000, (10, 1000))
    values[-1, -1] = last
    path.write_bytes(edf_bytes([Channel(label=name, samples=values.tolist()) for name in ("C3", "C4")], **header))
    return edf.read_header(path)


def names(groups: tuple[tuple[edf.Header, ...], ...]) -> list[list[str]]:
    return [[header.path.stem for header in group] for group in groups]


def test_equal_signals_are_found_under_other_names_and_dates(tmp_path):
    """Two pairs among six; what differs in one sample far from the middle is another signal."""
    headers = [
        recording(tmp_path / "a.edf", 1),
        recording(tmp_path / "b.edf", 2),
        recording(tmp_path / "c.edf", 1, date="09.09.09", patient="somebody else"),
        recording(tmp_path / "d.edf", 1, last=1),
        recording(tmp_path / "e.edf", 3),
        recording(tmp_path / "f.edf", 2),
    ]
    assert names(duplicates(headers)) == [["a", "c"], ["b", "f"]]


def test_silence_is_no_duplicate_of_silence(tmp_path):
    """One value throughout says nothing; two values do."""
    for name, values in (("a", [5] * 8), ("b", [5] * 8), ("c", [5] * 7 + [6]), ("d", [5] * 7 + [6])):
        (tmp_path / f"{name}.edf").write_bytes(edf_bytes([Channel(label="C3", samples=[values])]))
    headers = [edf.read_header(path) for path in sorted(tmp_path.glob("*.edf"))]
    assert names(duplicates(headers)) == [["c", "d"]]


def test_no_recordings_have_no_duplicates():
    """An empty corpus is another finding."""
    assert duplicates([]) == ()
