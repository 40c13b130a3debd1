"""Files that are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ictal.appearing import appearing


def test_a_file_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    """Until then what was there before has the name; afterwards nothing but the file is there."""
    path = tmp_path / "a.json"
    path.write_text("before")
    with appearing(path) as draft:
        draft.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """Half of a file is nowhere to be found."""
    path = tmp_path / "a.json"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError):
        _fail_halfway(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def _fail_halfway(path: Path) -> None:
    """Write half a file."""
    with appearing(path) as draft:
        draft.write_text("half")
        raise ZeroDivisionError


def test_it_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut after a rename would else leave an empty file under the name of the one that was whole."""
    path = tmp_path / "a.json"
    synced: list[str] = []
    original = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(f"{Path(f'/proc/self/fd/{descriptor}').readlink().suffix} {path.exists()}")
        original(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    with appearing(path) as draft:
        draft.write_bytes(b"whole")
    assert synced[0] == ".tmp False"
    assert len(synced) == 2


def test_two_that_write_one_file_do_not_write_into_each_other(tmp_path: Path) -> None:
    """Whoever ends last has the name, whole."""
    path = tmp_path / "a.json"
    with appearing(path) as first, appearing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
