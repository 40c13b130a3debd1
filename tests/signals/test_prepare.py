"""Preparing many recordings: one bad one stops none, workers do not matter, interruption loses little."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from ictal.errors import InputError
from ictal.recordings.channels import SCALP_19
from ictal.recordings.corpus import Labelled
from ictal.signals.prepare import Workers, prepare
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import SignalStore

WriteRecording: TypeAlias = Callable[..., Labelled]
CONFIG = PreprocessConfig()


@pytest.fixture
def store(tmp_path: Path) -> SignalStore:
    return SignalStore(tmp_path / "store")


def mixed(write_recording: WriteRecording) -> list[Labelled]:
    """Three good recordings of three rates; one without O2, one too slow, one that was cut off, one gone."""
    recordings = [
        write_recording("a_1", seconds=12, seed=1),
        write_recording("b_1", channels=SCALP_19[:-1]),
        write_recording("c_1", seconds=12, seed=2, rate_hz=400),
        write_recording("d_1", rate_hz=100),
        write_recording("e_1", seconds=20, seed=3),
        write_recording("f_1", seconds=20, seed=4),
        write_recording("g_1", seconds=11, seed=5, rate_hz=250),
    ]
    truncated, gone = recordings[4].recording.edf, recordings[5].recording.edf
    truncated.write_bytes(truncated.read_bytes()[:100_000])
    gone.unlink()
    return recordings


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_recordings_are_set_aside_and_the_others_prepared(
    write_recording: WriteRecording, store: SignalStore, workers: int
) -> None:
    """The ledger has every bad recording with its reason, the store every good one, in order, whatever the workers."""
    seen: list[tuple[int, int]] = []
    recordings = mixed(write_recording)
    result = prepare(
        recordings, store, CONFIG, workers=Workers(processes=workers), progress=lambda *call: seen.append(call)
    )
    assert [ready.id for ready in result.ready] == ["a_1", "c_1", "g_1"]
    assert [(q.id, q.code) for q in result.quarantined] == [
        ("b_1", "channel-missing"),
        ("d_1", "rate-too-low"),
        ("e_1", "edf-truncated"),
        ("f_1", "edf-unreadable"),
    ]
    assert "O2" in result.quarantined[0].reason
    assert [total for _, total in seen] == [12 + 37 + 12 + 37 + 20 + 20 + 11] * 7
    assert sorted(done for done, _ in seen) == [done for done, _ in seen]
    assert seen[-1][0] == seen[-1][1]
    for ready in result.ready:
        assert ready.built
        assert store.verify(ready.entry.key) == ready.entry


def test_the_second_time_everything_is_found(write_recording: WriteRecording, store: SignalStore) -> None:
    """Preparing again builds nothing and gives the same entries."""
    recordings = [write_recording("a_1", seconds=5, seed=1), write_recording("b_1", seconds=5, seed=2)]
    first, second = (prepare(recordings, store, CONFIG) for _ in range(2))
    assert [ready.entry for ready in first.ready] == [ready.entry for ready in second.ready]
    assert [ready.built for ready in (*first.ready, *second.ready)] == [True, True, False, False]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_leaves_a_valid_store_to_go_on_from(
    write_recording: WriteRecording, store: SignalStore, workers: int
) -> None:
    """After Ctrl-C every visible recording is whole, no draft is left, and the next call builds only the rest."""
    recordings = [write_recording(f"p_{number}", seconds=5, seed=number) for number in range(8)]

    def interrupt(done: int, total: int) -> None:
        assert total == 5 * len(recordings)
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(recordings, store, CONFIG, workers=Workers(processes=workers), progress=interrupt)
    whole = {file.stem for file in store.place.own.glob("*.json")}
    assert len(whole) >= 2
    assert not list(store.place.own.glob("*.tmp"))
    assert all(store.verify(key) for key in whole)
    result = prepare(recordings, store, CONFIG, workers=Workers(processes=workers))
    assert len(result.ready) == 8
    assert {ready.entry.key for ready in result.ready if not ready.built} == whole


@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_store_stops_the_preparation(
    write_recording: WriteRecording, store: SignalStore, workers: int
) -> None:
    """Damage in the store is not one recording's fault: it is shown at once, whole, also from another process."""
    recordings = [write_recording("a_1", seconds=5)]
    entry = prepare(recordings, store, CONFIG).ready[0].entry
    (store.place.own / f"{entry.key}.npy").write_bytes(b"")
    with pytest.raises(InputError, match="delete") as caught:
        prepare(recordings, store, CONFIG, workers=Workers(processes=workers))
    assert caught.value.code == "store-damaged"


def test_nothing_to_prepare_is_nothing_done(store: SignalStore) -> None:
    """No recordings give no entries, and not even a folder."""
    result = prepare([], store, CONFIG)
    assert (result.ready, result.quarantined) == ((), ())
    assert not store.place.own.exists()
