"""Recordings without a store: the numbers of the store, in bounded memory."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.channels import SCALP_19
from ictal.recordings.corpus import Labelled
from ictal.recordings.edf import Header, read_header
from ictal.signals import direct
from ictal.signals.direct import DirectRecording
from ictal.signals.fingerprint import FingerprintCache
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import SignalStore, StoredRecording
from tests.signals.builders import SMALL

WriteRecording: TypeAlias = Callable[..., Labelled]
Pair: TypeAlias = tuple[DirectRecording, StoredRecording]


def opened(header: Header, cache: Path, config: PreprocessConfig = SMALL, memory_bytes: int = 10**9) -> DirectRecording:
    """A recording without a store; `SMALL` makes 2,432 bytes of a second of it."""
    fingerprints = FingerprintCache(path=cache / "fingerprints.sqlite")
    return DirectRecording(
        header=header, config=config, kernel="scipy", fingerprints=fingerprints, memory_bytes=memory_bytes
    )


def both(header: Header, folder: Path, config: PreprocessConfig) -> Pair:
    """The same recording without a store and with one."""
    store = SignalStore(folder)
    return opened(header, folder, config), store.open(store.build(header, config)[0].key)


@pytest.fixture
def pair(write_recording: WriteRecording, tmp_path: Path) -> Pair:
    return both(write_recording(seconds=23).header, tmp_path, SMALL)


@given(start=st.integers(0, 1600), length=st.integers(0, 1600))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_window_is_the_one_of_the_store(pair: Pair, start: int, length: int) -> None:
    """Any start and length: inside, over the end, beyond it; as integers and in microvolts."""
    ours, theirs = pair
    assert np.array_equal(ours.read(start, length), theirs.read(start, length))
    assert np.array_equal(ours.read_uv(start, length), theirs.read_uv(start, length))


@pytest.mark.parametrize(
    ("rate_hz", "changed"),
    [
        (256, {}),
        (400, {"phase": "zero"}),
        (250, {"scale": "running", "notch_hz": "auto"}),
        (256, {"montage": "double-banana-18"}),
    ],
)
def test_all_that_is_said_of_it_is_what_the_store_says(
    write_recording: WriteRecording, tmp_path: Path, rate_hz: int, changed: dict[str, object]
) -> None:
    """Whatever the settings: name, channels, length, scale, and every number."""
    config = replace(PreprocessConfig(), **changed)  # type: ignore[arg-type]
    ours, theirs = both(write_recording(rate_hz=rate_hz, seconds=12).header, tmp_path, config)
    for name in ("key", "channels", "validity", "reference", "rate_hz", "samples"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert np.array_equal(ours.scale_uv, theirs.scale_uv)
    assert np.array_equal(ours.read(0, ours.samples), theirs.read(0, theirs.samples))
    assert ours.size_bytes == ours.read(0, ours.samples).nbytes


def test_interpolated_and_absent_channels_are_the_stores(write_recording: WriteRecording, tmp_path: Path) -> None:
    """The same policy decides about an electrode that is missing."""
    header = write_recording(seconds=5, channels=SCALP_19[:-1]).header
    for missing in ("interpolate", "mask"):
        ours, theirs = both(header, tmp_path / missing, replace(SMALL, missing=missing))  # type: ignore[arg-type]
        assert ours.validity == theirs.validity
        assert set(ours.validity) > {"measured"}
        assert np.array_equal(ours.read(0, ours.samples), theirs.read(0, theirs.samples))


def test_memory_is_bounded_and_the_least_recently_read_goes(
    write_recording: WriteRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room for two of three: a third drops the one that was not read since, and nothing is prepared that is there."""
    memory = direct._Memory()
    monkeypatch.setattr(direct, "_memory", memory)
    asked: list[str] = []
    original = direct.prepared

    def noted(header: Header, *rest: object, **named: object) -> object:
        asked.append(header.path.stem)
        return original(header, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(direct, "prepared", noted)
    size = 19 * 64 * 4 * 2
    a, b, c = (
        opened(write_recording(f"{name}_1", seconds=4, seed=n).header, tmp_path, memory_bytes=2 * size + 10)
        for n, name in enumerate("abc")
    )
    for recording in (a, b, a, c, a, b):
        recording.read(0, 10)
        assert memory.size_bytes() <= 2 * size
    assert asked == ["a_1", "b_1", "c_1", "b_1"]
    a.evict()
    assert memory.size_bytes() == size
    large = opened(write_recording("large_1", seconds=30).header, tmp_path, memory_bytes=2 * size)
    large.read(0, 10)
    assert memory.size_bytes() == large.size_bytes  # one alone may be larger


def test_only_who_waits_has_it_prepared(pair: Pair) -> None:
    """A loader first takes what is in memory."""
    ours, _ = pair
    ours.evict()
    out = np.full((19, 10), 7, dtype=np.int16)
    ours.announce(0, 10)
    assert not ours.read_into(0, out, wait=False)
    assert (out == 7).all()
    assert ours.read_into(0, out)
    assert ours.read_into(0, out, wait=False)


def test_threads_that_ask_at_once_have_it_prepared_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader's thread, and the one that scores the dev part."""
    ours, theirs = pair
    ours.evict()
    prepared: list[int] = []
    original = direct.prepared
    monkeypatch.setattr(direct, "prepared", lambda *a, **b: (prepared.append(1), original(*a, **b))[1])
    windows: list[object] = []
    threads = [threading.Thread(target=lambda: windows.append(ours.read(5, 300))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(prepared) == 1
    assert all(np.array_equal(window, theirs.read(5, 300)) for window in windows)  # type: ignore[arg-type]


def test_an_edf_that_changes_meanwhile_is_an_error(write_recording: WriteRecording, tmp_path: Path) -> None:
    """Else a run would have two recordings under one name."""
    header, other = write_recording("a_1", seconds=4, seed=1).header, write_recording("b_1", seconds=4, seed=2).header
    recording = opened(header, tmp_path)
    assert recording.key
    header.path.write_bytes(other.path.read_bytes())
    with pytest.raises(InputError, match="has changed") as caught:
        recording.read(0, 10)
    assert caught.value.code == "edf-changed"


def test_other_processes_read_it(pair: Pair) -> None:
    """It travels as header and settings, never with its signal."""
    ours, theirs = pair
    ours.read(0, 10)
    starts = list(range(0, 1400, 200))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
        windows = list(pool.map(ours.read, starts, [300] * len(starts)))
    for start, window in zip(starts, windows, strict=True):
        assert np.array_equal(window, theirs.read(start, 300))


def test_a_real_recording_is_the_stores(shared_data: Path, tmp_path: Path) -> None:
    """A CHB-MIT clip."""
    edf = min((shared_data / "chbmit_clips").glob("*.edf"))
    ours, theirs = both(read_header(edf), tmp_path, PreprocessConfig(montage="double-banana-18"))
    assert np.array_equal(ours.read(0, ours.samples), theirs.read(0, theirs.samples))
