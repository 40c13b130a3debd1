"""The window index against a loop over every sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows import storage
from ictal.windows.index import IndexedRecording, WindowConfig, build
from tests.reference import index as slow
from tests.windows.strategies import grids, many_recordings, recordings


@given(recordings(), grids())
@settings(max_examples=300, deadline=None)
def test_every_window_is_what_a_loop_over_samples_finds(corpus: list[IndexedRecording], grid: WindowGrid) -> None:
    """Number, place, valid samples and ictal samples of all windows are exact."""
    index = build(corpus, grid)
    expected = slow.windows(corpus, grid)
    numbers = np.arange(index.windows)
    place = index.locate(numbers)
    found = zip(*place, index.valid_samples(numbers), index.ictal_samples_in(numbers), strict=True)
    assert [tuple(map(int, row)) for row in found] == expected


@given(recordings(), grids())
@settings(max_examples=200, deadline=None)
def test_seizure_and_background_windows_are_all_windows(corpus: list[IndexedRecording], grid: WindowGrid) -> None:
    """The n-th background window, for all n, and the seizure windows together are every window once."""
    index = build(corpus, grid)
    background = index.background(np.arange(index.background_windows))
    assert sorted([*index.seizure_windows, *background]) == list(range(index.windows))
    assert (index.ictal_samples_in(background) == 0).all()
    assert (index.ictal_samples > 0).all()


@given(recordings(), grids())
@settings(max_examples=100, deadline=None)
def test_strata_count_every_window_once(corpus: list[IndexedRecording], grid: WindowGrid) -> None:
    """Background, partial and full windows are those that the loop finds."""
    rows = slow.windows(corpus, grid)
    full = sum(valid == ictal for *_, valid, ictal in rows)
    background = sum(ictal == 0 for *_, ictal in rows)
    expected = {"background": background, "partial": len(rows) - full - background, "full": full}
    assert build(corpus, grid).strata() == expected


@given(recordings(), grids())
@settings(max_examples=100, deadline=None)
def test_every_sample_lies_in_a_window(corpus: list[IndexedRecording], grid: WindowGrid) -> None:
    """Tails and short recordings are kept."""
    for number, recording in enumerate(corpus):
        covered = np.zeros(recording.samples, dtype=bool)
        for owner, start, valid, _ in slow.windows(corpus, grid):
            if owner == number:
                covered[start : start + valid] = True
        assert covered.all()
    assert build(corpus, grid).windows == len(slow.windows(corpus, grid))


def test_memory_follows_seizures_not_windows() -> None:
    """A hundred million background windows need no list."""
    empty = np.empty((0, 2), dtype=np.int64)
    corpus = [
        IndexedRecording(id=f"r{n}", patient=f"p{n}", samples=10**9, seizures=empty if n else np.array([[5, 900]]))
        for n in range(100)
    ]
    index = build(corpus, WindowGrid(length_samples=1000, stride_samples=100))
    assert index.windows > 9.9e8
    assert len(index.seizure_windows) < 10
    assert index.background(index.background_windows - 1) == index.windows - 1


def test_a_seizure_outside_its_recording_is_refused() -> None:
    """The error names the recording and both lengths."""
    recording = IndexedRecording(id="a/b", patient="a", samples=100, seizures=np.array([[90, 101]]))
    with pytest.raises(InputError, match=r"a/b[\s\S]*90, 101[\s\S]*100"):
        build([recording], WindowGrid(length_samples=10, stride_samples=10))


def test_a_stride_longer_than_the_window_is_refused() -> None:
    """It would leave samples that nobody looks at."""
    with pytest.raises(InputError, match="gaps"):
        WindowConfig(length_s=10, stride_s=11).grid(256)


def test_the_index_comes_back_from_disk_and_a_changed_file_is_noticed(tmp_path: Path) -> None:
    """A saved index is equal; one whose content was changed does not load."""
    index = build(many_recordings(4, 2, 2), WindowGrid(length_samples=600, stride_samples=100))
    path = tmp_path / "index.parquet"
    storage.save(index, path)
    loaded = storage.load(path)
    assert loaded.hash == index.hash
    assert (loaded.seizure_windows == index.seizure_windows).all()
    assert list(tmp_path.iterdir()) == [path]
    other = build(many_recordings(4, 2, 3), index.grid)
    object.__setattr__(other, "hash", index.hash)
    storage.save(other, path)
    with pytest.raises(InputError, match="index"):
        storage.load(path)
