"""Tiles and the overview: exact, and bounded in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings.edf import read_header
from ictal.review.decimation import extremes
from ictal.review.overview import KEPT, Overview, Overviews
from ictal.review.tiles import TILE_COLUMNS, Kept, tile
from ictal.review.views import Eeg, View, look
from tests.review.recordings import write_edf

VIEW = View(montage="double-banana-18", low_hz=0.5, high_hz=40.0)


@pytest.fixture(scope="module")
def eeg(tmp_path_factory: pytest.TempPathFactory) -> Eeg:
    """300 s of 18 channels at 128 Hz."""
    return look(read_header(write_edf(tmp_path_factory.mktemp("tiles") / "a.edf")), VIEW)


@pytest.mark.parametrize("factor", [1, 4, 64])
def test_tiles_side_by_side_are_the_recording(eeg: Eeg, factor: int) -> None:
    """None overlaps, none is missing, and each holds the exact extremes."""
    whole = eeg.read_uv(0, eeg.samples)
    expected = whole if factor == 1 else extremes(whole, factor)
    numbers = range(-(-eeg.samples // (factor * TILE_COLUMNS)))
    shape = (18, -1) if factor == 1 else (18, -1, 2)
    tiles = [np.frombuffer(tile(eeg, factor, n), dtype="<f4").reshape(shape) for n in numbers]
    np.testing.assert_allclose(np.concatenate(tiles, axis=1), expected, atol=2e-3)


@pytest.mark.parametrize(("factor", "number"), [(3, 0), (1, 10), (1, -1), (128, 0)])
def test_there_are_no_other_tiles(eeg: Eeg, factor: int, number: int) -> None:
    """A factor or a place that is none is refused."""
    with pytest.raises(InputError):
        tile(eeg, factor, number)


def test_what_was_not_asked_for_longest_is_let_go() -> None:
    """The memory held stays below its limit; what is asked for again is kept."""
    kept, made = Kept(limit_bytes=30), []

    def ask(key: str) -> None:
        kept.get(key, lambda: made.append(key) or bytes(10))  # type: ignore[func-returns-value]

    for key in "abcabdcb":
        ask(key)
        assert kept.held_bytes <= 30
    assert made == ["a", "b", "c", "d", "c"]


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_overview_is_the_whole_recording(eeg: Eeg) -> None:
    """Made in the background from its start, exact in as many columns as are asked for."""
    overviews = Overviews()
    overview = overviews.of("a", eeg)
    _until(lambda: overview.complete)
    overviews.close()
    whole = eeg.read_uv(0, eeg.samples)
    for most in (1, 7, 10_000):
        factor, columns = overview.columns(most)
        assert columns.shape[1] <= most
        np.testing.assert_allclose(columns, extremes(whole, factor), atol=2e-3)


def test_an_unfinished_overview_shows_only_what_it_knows(eeg: Eeg) -> None:
    """A column is left out until its last sample was seen."""
    overview = Overview(eeg)
    assert overview.columns(50)[1].shape == (18, 0, 2)
    overview.go_on()
    factor, columns = overview.columns(50)
    assert columns.shape[1] == overview.done * overview.factor // factor > 0
    assert not overview.complete


def test_few_overviews_are_kept(eeg: Eeg) -> None:
    """Whoever goes through all montages does not fill the memory; the one asked for last is finished."""
    overviews = Overviews()
    first = overviews.of(0, eeg)
    later = [overviews.of(number, eeg) for number in range(1, KEPT + 1)]
    assert overviews.of(KEPT, eeg) is later[-1]
    _until(lambda: later[-1].complete)
    assert overviews.of(0, eeg) is not first
    overviews.close()


def test_a_file_that_shrinks_ends_its_overview(tmp_path: Path) -> None:
    """With the fault; the thread goes on with the next recording."""
    path = write_edf(tmp_path / "a.edf", duration_s=120)
    eeg = look(read_header(path), VIEW)
    path.write_bytes(path.read_bytes()[:100_000])
    overviews = Overviews()
    cut = overviews.of("cut", eeg)
    _until(lambda: cut.complete)
    assert cut.fault is not None
    assert cut.fault.code == "edf-truncated"
    whole = overviews.of("whole", look(read_header(write_edf(tmp_path / "b.edf", duration_s=120)), VIEW))
    _until(lambda: whole.complete)
    assert whole.fault is None
    overviews.close()
