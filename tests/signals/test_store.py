"""The signal store: windows are slices of the whole, building is idempotent and atomic, damage is an error."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.channels import SCALP_19
from ictal.recordings.corpus import Labelled
from ictal.recordings.edf import read_header, read_uv
from ictal.signals import store as store_module
from ictal.signals.files import whole_file
from ictal.signals.folder import LocalFile
from ictal.signals.preprocess import PreprocessConfig, preprocess
from ictal.signals.store import FORMAT_VERSION, Entry, SignalStore, StoredRecording

WriteRecording: TypeAlias = Callable[..., Labelled]
CONFIG = PreprocessConfig()
VALUES = np.random.default_rng(0).integers(-32767, 32768, (3, 4 * 100 + 37)).astype("<i2")


@pytest.fixture
def store(tmp_path: Path) -> SignalStore:
    return SignalStore(tmp_path / "store")


@pytest.fixture(scope="module")
def random_recording(tmp_path_factory: pytest.TempPathFactory) -> StoredRecording:
    """`VALUES` in the store's layout: 3 channels, 4 blocks and a bit."""
    blocks = np.zeros((5, 3, 100), dtype="<i2")
    for sample in range(VALUES.shape[1]):
        blocks[sample // 100, :, sample % 100] = VALUES[:, sample]
    path = tmp_path_factory.mktemp("store") / "key.npy"
    np.save(path, blocks)
    entry = Entry(
        format=FORMAT_VERSION,
        key="key",
        source="",
        fingerprint="",
        config="",
        kernel="scipy",
        notch_hz=60.0,
        channels=("a", "b", "c"),
        validity=("measured", "measured", "measured"),
        interpolated=(),
        flat=(),
        reference="REF",
        recorded_rate_hz=10.0,
        rate_hz=10,
        samples=VALUES.shape[1],
        block_samples=100,
        scale_uv=(0.5, 1.0, 2.0),
        clipped=(0, 0, 0),
        npy_bytes=path.stat().st_size,
        checksum="",
    )
    return StoredRecording(file=LocalFile(path=path), entry=entry)


@given(start=st.integers(0, 700), length=st.integers(0, 700))
@settings(max_examples=300)
def test_a_window_is_a_slice_of_the_whole_with_zeros_past_the_end(
    random_recording: StoredRecording, start: int, length: int
) -> None:
    """Any start and length: inside, over block edges, over the end, beyond it."""
    padded = np.concatenate([VALUES, np.zeros((3, 1400), np.int16)], axis=1)
    window = random_recording.read(start, length)
    assert window.dtype == np.int16
    assert np.array_equal(window, padded[:, start : start + length])
    scale = np.array([[0.5], [1.0], [2.0]], dtype=np.float32)
    assert np.array_equal(random_recording.read_uv(start, length), window * scale)
    used = np.full((3, length), np.nan, dtype=np.float32)
    random_recording.read_uv_into(start, used)
    assert np.array_equal(used, window * scale)


@pytest.mark.parametrize(("rate_hz", "seconds"), [(256, 37), (250, 20), (400, 11), (256, 3)])
def test_the_store_gives_what_preprocess_gives(
    write_recording: WriteRecording, store: SignalStore, rate_hz: int, seconds: int
) -> None:
    """Training reads from the store, detection preprocesses: to the last bit the same numbers."""
    header = write_recording(rate_hz=rate_hz, seconds=seconds).header
    entry, built = store.build(header, CONFIG)
    recording = store.open(entry.key)
    expected = preprocess(read_uv(header, header.labels), rate_hz, CONFIG)
    assert built
    assert recording.samples == expected.shape[1] == seconds * 256
    assert recording.channels == SCALP_19
    assert recording.rate_hz == 256
    assert np.array_equal(recording.read_uv(0, recording.samples), expected)
    assert np.load(Path(recording.file.address)).shape == entry.shape == (-(-seconds // 10), 19, 2560)


def test_building_again_finds_the_recording_and_touches_nothing(
    write_recording: WriteRecording, store: SignalStore
) -> None:
    """The second build gives the same entry and leaves the files as they are."""
    header = write_recording().header
    first, built_first = store.build(header, CONFIG)
    files = {file: file.stat().st_mtime_ns for file in store.place.own.glob(f"{first.key}.*")}
    second, built_second = store.build(header, CONFIG)
    assert (built_first, built_second) == (True, False)
    assert first == second == store.verify(first.key)
    assert {file: file.stat().st_mtime_ns for file in store.place.own.glob(f"{first.key}.*")} == files


def test_a_renamed_recording_is_the_same_recording(write_recording: WriteRecording, store: SignalStore) -> None:
    """The key depends on content; the name and the annotation beside the file play no part."""
    header = write_recording().header
    entry, _ = store.build(header, CONFIG)
    other = header.path.with_name("other_s009_t009.edf")
    shutil.copy(header.path, other)
    other.with_suffix(".csv_bi").write_text("another annotation")
    assert store.build(read_header(other), CONFIG) == (entry, False)
    assert store.key_of(other, CONFIG) == entry.key


def test_another_content_has_another_key(write_recording: WriteRecording, store: SignalStore) -> None:
    """One sample that differs makes another recording."""
    one, two = write_recording("a_1", seed=1), write_recording("b_1", seed=2)
    assert store.build(one.header, CONFIG)[0].key != store.build(two.header, CONFIG)[0].key


@pytest.mark.parametrize(
    "change",
    [
        {"montage": "average-19"},
        {"missing": "mask"},
        {"rate_hz": 200},
        {"band_hz": (1.0, 60.0)},
        {"order": 2},
        {"notch_hz": 50.0},
        {"clip_uv": 500.0},
    ],
)
def test_every_setting_is_part_of_the_key(store: SignalStore, change: dict[str, object]) -> None:
    """No two configurations share a key."""
    assert {field.name for field in dataclasses.fields(CONFIG)} >= set(change)
    assert store.key("f", CONFIG) != store.key("f", dataclasses.replace(CONFIG, **change))  # type: ignore[arg-type]
    assert store.key("f", CONFIG) == store.key("f", PreprocessConfig())


def test_another_version_of_the_numerics_is_another_key(store: SignalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers computed by older code are never taken for today's."""
    before = store.key("f", CONFIG)
    monkeypatch.setattr(store_module, "NUMERICS_VERSION", 999)
    assert store.key("f", CONFIG) != before


def test_what_a_crash_left_is_not_a_recording(write_recording: WriteRecording, store: SignalStore) -> None:
    """A signal file without its JSON, or a half-written draft, is not there; the next build completes it."""
    header = write_recording().header
    entry, _ = store.build(header, CONFIG)
    json_file, npy_file = (store.place.own / f"{entry.key}.{suffix}" for suffix in ("json", "npy"))
    draft = store.place.own / f".{entry.key}.npy.123-00000000.tmp"
    draft.write_bytes(b"half")
    json_file.unlink()
    npy_file.write_bytes(npy_file.read_bytes()[:1000])
    with pytest.raises(InputError) as caught:
        store.open(entry.key)
    assert caught.value.code == "store-missing"
    assert store.build(header, CONFIG) == (entry, True)
    assert store.verify(entry.key) == entry


def test_a_failed_build_leaves_nothing(write_recording: WriteRecording, store: SignalStore) -> None:
    """A recording that cannot be prepared leaves no file in the store but the cache of fingerprints."""
    header = write_recording(channels=SCALP_19[:-1]).header
    with pytest.raises(InputError) as caught:
        store.build(header, CONFIG)
    assert caught.value.code == "channel-missing"
    assert [file.name for file in store.place.own.iterdir()] == ["fingerprints.sqlite"]


def test_a_recording_that_breaks_off_while_it_is_written_leaves_nothing(
    write_recording: WriteRecording, store: SignalStore
) -> None:
    """Two of its three minutes are written when the third is found to be cut off: the draft goes."""
    header = write_recording(seconds=180).header
    header.path.write_bytes(header.path.read_bytes()[:-1000])
    with pytest.raises(InputError) as caught:
        store.build(header, CONFIG)
    assert caught.value.code == "edf-truncated"
    assert [file.name for file in store.place.own.iterdir()] == ["fingerprints.sqlite"]


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    """Whatever ends the writing, the name stays free and the draft goes."""

    def interrupted() -> None:
        with whole_file(tmp_path / "a.npy", 4) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_recording_names_the_command(store: SignalStore) -> None:
    """Training never builds: it says what to run."""
    with pytest.raises(InputError, match="ictal prepare RUN") as caught:
        store.open("0" * 32)
    assert caught.value.code == "store-missing"


def spoil_size(entry: Entry, root: Path) -> None:
    npy = root / f"{entry.key}.npy"
    npy.write_bytes(npy.read_bytes()[:-2])


def spoil_absence(entry: Entry, root: Path) -> None:
    (root / f"{entry.key}.npy").unlink()


def spoil_json(entry: Entry, root: Path) -> None:
    (root / f"{entry.key}.json").write_text("{")


def spoil_field(entry: Entry, root: Path) -> None:
    fields = dataclasses.asdict(entry)
    del fields["samples"]
    (root / f"{entry.key}.json").write_text(json.dumps(fields))


def spoil_identity(entry: Entry, root: Path) -> None:
    (root / f"{entry.key}.json").write_text(json.dumps({**dataclasses.asdict(entry), "key": "another"}))


@pytest.mark.parametrize("spoil", [spoil_size, spoil_absence, spoil_json, spoil_field, spoil_identity])
def test_damage_is_an_error_and_never_rebuilt_silently(
    write_recording: WriteRecording, store: SignalStore, spoil: Callable[[Entry, Path], None]
) -> None:
    """Neither opening nor building goes on with a recording whose files contradict each other."""
    header = write_recording(seconds=3).header
    entry, _ = store.build(header, CONFIG)
    spoil(entry, store.place.own)
    for attempt in (lambda: store.open(entry.key), lambda: store.build(header, CONFIG)):
        with pytest.raises(InputError, match="delete") as caught:
            attempt()
        assert caught.value.code == "store-damaged"


def test_a_flipped_bit_is_found_by_verify(write_recording: WriteRecording, store: SignalStore) -> None:
    """One bit in the signal file, at the same size, changes the checksum."""
    entry, _ = store.build(write_recording(seconds=3).header, CONFIG)
    npy = store.place.own / f"{entry.key}.npy"
    content = bytearray(npy.read_bytes())
    content[5000] ^= 1
    npy.write_bytes(content)
    with pytest.raises(InputError, match="checksum") as caught:
        store.verify(entry.key)
    assert caught.value.code == "store-damaged"


def test_another_format_is_refused(write_recording: WriteRecording, store: SignalStore) -> None:
    """A store of another version is not read by guess."""
    entry, _ = store.build(write_recording(seconds=3).header, CONFIG)
    (store.place.own / f"{entry.key}.json").write_text(json.dumps({**dataclasses.asdict(entry), "format": 1}))
    with pytest.raises(InputError) as caught:
        store.open(entry.key)
    assert caught.value.code == "store-version"


def test_a_file_that_shrinks_after_opening_is_an_error(write_recording: WriteRecording, store: SignalStore) -> None:
    """A short read never becomes zeros."""
    entry, _ = store.build(write_recording(seconds=25).header, CONFIG)
    recording = store.open(entry.key)
    Path(recording.file.address).write_bytes(Path(recording.file.address).read_bytes()[:100_000])
    with pytest.raises(InputError) as caught:
        recording.read(2560, 2560)
    assert caught.value.code == "store-damaged"


def test_a_file_that_goes_after_opening_is_an_error(write_recording: WriteRecording, store: SignalStore) -> None:
    """Whether it is read at once or announced first."""
    entry, _ = store.build(write_recording(seconds=3).header, CONFIG)
    recording = store.open(entry.key)
    Path(recording.file.address).unlink()
    for attempt in (recording.read, recording.announce):
        with pytest.raises(InputError) as caught:
            attempt(0, 10)
        assert caught.value.code == "store-missing"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_an_open_recording_is_read_by_other_processes(random_recording: StoredRecording, method: str) -> None:
    """Workers of a loader, forked or fresh, read the same windows at the same time."""
    random_recording.read(0, 10)
    starts = list(range(0, 400, 9))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        windows = list(pool.map(random_recording.read, starts, [60] * len(starts)))
    for start, window in zip(starts, windows, strict=True):
        assert np.array_equal(window, random_recording.read(start, 60))


def test_an_open_recording_is_small_to_pickle(random_recording: StoredRecording) -> None:
    """It travels as its path and entry."""
    copy = pickle.loads(pickle.dumps(random_recording))  # noqa: S301
    assert copy.entry == random_recording.entry
    assert len(pickle.dumps(random_recording)) < 1000


def test_real_recordings_are_stored(shared_data: Path, store: SignalStore) -> None:
    """CHB-MIT clips, bipolar at 256 Hz, come out in the double banana with plausible amplitudes."""
    config = PreprocessConfig(montage="double-banana-18")
    edf = min((shared_data / "chbmit_clips").glob("*.edf"))
    header = read_header(edf)
    recording = store.open(store.build(header, config)[0].key)
    signal = recording.read_uv(0, recording.samples)
    assert recording.samples == round(header.duration_s * 256)
    assert signal.shape[0] == 18
    assert np.all((signal.std(axis=1) > 1) & (signal.std(axis=1) < 400))
