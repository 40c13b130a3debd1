"""A store in a bucket, in S3's language and in that of Google's cloud: the same files as in a folder.

The servers are real ones (`tests.object_store`); a test that names S3 alone is of what only one of them has or is slow.
"""

from __future__ import annotations

import json
import multiprocessing
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled
from ictal.signals import bucket as bucket_module
from ictal.signals import manifest, upkeep
from ictal.signals.addresses import place_of
from ictal.signals.bucket import LINES_PER_OBJECT, Bucket, BucketFile
from ictal.signals.ledger import Line
from ictal.signals.prepare import prepare
from ictal.signals.store import Entry, SignalStore, StoredRecording
from tests.object_store import S3_ALONE, Server, s3_server
from tests.signals.builders import SMALL, Nursery, Work

WriteRecording: TypeAlias = Callable[..., Labelled]
Spoil: TypeAlias = Callable[[bytes], bytes]


def place(url: str, own: Path, cache_bytes: int = 10**9) -> Bucket:
    """The bucket as one machine sees it."""
    found = place_of(url, own, cache_bytes)
    assert isinstance(found, Bucket)
    return found


@pytest.fixture
def store(bucket_url: str, tmp_path: Path) -> SignalStore:
    """A store in a bucket, whose recordings this machine may copy."""
    return SignalStore(place(bucket_url, tmp_path / "own"))


@pytest.fixture
def far(bucket_url: str, tmp_path: Path) -> SignalStore:
    """The same bucket, for a machine without room for copies."""
    return SignalStore(place(bucket_url, tmp_path / "other", cache_bytes=0))


def test_its_files_are_those_of_a_folder(
    write_recording: WriteRecording, store: SignalStore, server: Server, tmp_path: Path
) -> None:
    """Names and bytes, and the order in which they come: the signal, then what describes it."""
    header = write_recording(seconds=23).header
    folder = SignalStore(tmp_path / "folder")
    theirs, _ = folder.build(header, SMALL)
    ours, built = store.build(header, SMALL)
    assert (ours, built) == (theirs, True)
    for name in (f"{ours.key}.npy", f"{ours.key}.json"):
        assert server.get(store.address(name)) == (tmp_path / "folder" / name).read_bytes()
    assert [kept.name for kept in store.place.kept()] == sorted([f"{ours.key}.npy", f"{ours.key}.json"])
    put = [url.rpartition(".")[2] for method, url, _ in server.asked(store.address(ours.key)) if method == "PUT"]
    assert put == ["npy", "json"]
    assert store.build(header, SMALL) == (ours, False)
    assert store.verify(ours.key) == ours


def test_a_window_is_one_ranged_request_where_nothing_may_be_copied(
    write_recording: WriteRecording, store: SignalStore, far: SignalStore, server: Server, tmp_path: Path
) -> None:
    """Announced or not; no byte of it is kept on the disk."""
    entry, _ = store.build(write_recording(seconds=33).header, SMALL)
    recording, whole = far.open(entry.key), store.open(entry.key).read(0, entry.samples)
    before = server.requests(store.address(f"{entry.key}.npy"))
    for start in (0, 100, 1900):
        recording.announce(start, 640)
        window = recording.read(start, 640)
        assert np.array_equal(window[:, : entry.samples - start], whole[:, start : start + 640])
        assert not window[:, entry.samples - start :].any()
    assert np.array_equal(recording.read(5, 640), whole[:, 5:645])
    assert server.requests(store.address(f"{entry.key}.npy")) - before == {("GET", 206): 4}
    assert not list((tmp_path / "other").rglob("*.npy"))


def test_a_recording_crosses_the_network_once_where_there_is_room(
    write_recording: WriteRecording, store: SignalStore, server: Server
) -> None:
    """Whatever is read of it, and by whoever opens the store again."""
    entry, _ = store.build(write_recording(seconds=33).header, SMALL)
    before = server.requests(store.address(f"{entry.key}.npy"))
    for _ in range(2):
        recording = store.open(entry.key)
        for start in (0, 700, 300):
            recording.announce(start, 640)
            recording.read(start, 640)
    assert server.requests(store.address(f"{entry.key}.npy")) - before == {("GET", 200): 1, ("HEAD", 200): 2}
    recording.evict()
    assert recording.read_into(0, np.empty((19, 10), np.int16), wait=True)


def test_what_finds_no_room_is_read_past_the_cache(
    write_recording: WriteRecording, bucket_url: str, server: Server, tmp_path: Path
) -> None:
    """Room for one of two: the first stays, and no window of the second fetches more than its own bytes."""
    store = SignalStore(place(bucket_url, tmp_path / "own", cache_bytes=100_000))
    first, second = (
        store.open(store.build(write_recording(f"{name}_1", seconds=33, seed=n).header, SMALL)[0].key)
        for n, name in enumerate("ab")
    )
    for start in (0, 640, 100):
        for recording in (first, second):
            recording.announce(start, 640)
            assert recording.read(start, 640).any()
    got = {one: server.requests(one.file.address) for one in (first, second)}
    assert (got[first]["GET", 200], got[first]["GET", 206]) == (1, 0)
    assert (got[second]["GET", 200], got[second]["GET", 206]) == (0, 3)
    assert [path.stem for path in (tmp_path / "own" / "recordings").glob("*.npy")] == [first.entry.checksum]


def test_nothing_is_waited_for_that_is_not_here(write_recording: WriteRecording, store: SignalStore) -> None:
    """A loader takes what is in memory first, and asks for the rest at once."""
    entry, _ = store.build(write_recording(seconds=3).header, SMALL)
    recording, out = store.open(entry.key), np.full((19, 10), 7, dtype=np.int16)
    assert not recording.read_into(0, out, wait=False)
    assert (out == 7).all()
    assert recording.read_into(0, out)
    assert recording.read_into(0, out, wait=False)


def test_many_are_opened_by_one_listing(write_recording: WriteRecording, store: SignalStore, server: Server) -> None:
    """A corpus has thousands: no request for each size."""
    keys = [store.build(write_recording(f"p{n}_1", seconds=2, seed=n).header, SMALL)[0].key for n in range(8)]
    before = len([1 for method, _, _ in server.asked() if method == "HEAD"])
    assert [recording.key for recording in store.open_each(keys[::-1])] == keys[::-1]
    assert len([1 for method, _, _ in server.asked() if method == "HEAD"]) == before
    assert sorted(keys) == [recording.key for recording in store.open_each(store.every_key())]
    with pytest.raises(InputError) as caught:
        list(store.open_each([*keys, "0" * 32]))
    assert caught.value.code == "store-missing"
    assert [recording.key for recording in store.open_each(keys[:2])] == keys[:2]


def _read(recording: StoredRecording, start: int) -> object:
    return recording.read(start, 300)


@S3_ALONE
def test_other_processes_read_it(write_recording: WriteRecording, store: SignalStore, far: SignalStore) -> None:
    """Handles travel without connection, credentials or signal."""
    entry, _ = store.build(write_recording(seconds=33).header, SMALL)
    for one in (store, far):
        recording = one.open(entry.key)
        recording.read(0, 10)
        assert b"testing" not in pickle.dumps(recording)
        starts = list(range(0, 2000, 200))
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
            windows = list(pool.map(_read, [recording] * len(starts), starts))
        for start, window in zip(starts, windows, strict=True):
            assert np.array_equal(window, recording.read(start, 300))  # type: ignore[arg-type]


def flipped(content: bytes) -> bytes:
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


def cut(content: bytes) -> bytes:
    return content[:-2000]


@pytest.mark.parametrize("spoil", [flipped, cut])
def test_damage_is_caught_before_anything_is_read_from_a_copy(
    write_recording: WriteRecording, store: SignalStore, server: Server, tmp_path: Path, spoil: Spoil
) -> None:
    """It is named with its address, is not kept, and only the command that is named removes it."""
    header = write_recording(seconds=9).header
    entry, _ = store.build(header, SMALL)
    recording, name = store.open(entry.key), store.address(f"{entry.key}.npy")
    sound = server.get(name)
    server.put(name, spoil(sound))
    with pytest.raises(InputError, match=r"gc .* --damaged") as caught:
        recording.read(0, 10)
    assert (caught.value.code, str(caught.value.where)) == ("store-damaged", name)
    assert not list((tmp_path / "own").rglob("*.npy"))
    assert [(fault.code, str(fault.where)) for fault in upkeep.damaged(store)] == [("store-damaged", name)]
    upkeep.delete(upkeep.damaged_files(store))
    assert store.place.kept() == []
    assert store.build(header, SMALL) == (entry, True)
    assert server.get(name) == sound


def test_an_object_that_ends_early_is_never_taken_for_zeros(
    write_recording: WriteRecording, store: SignalStore, far: SignalStore, server: Server
) -> None:
    """By ranges nothing can be compared, but what is missing is noticed; so is an object that has gone."""
    entry, _ = store.build(write_recording(seconds=33).header, SMALL)
    recording, name = far.open(entry.key), store.address(f"{entry.key}.npy")
    sound = server.get(name)
    for content in (sound[:-10], sound[:200]):
        server.put(name, content)
        with pytest.raises(InputError) as caught:
            recording.read(entry.samples - 10, 10)
        assert caught.value.code == "store-damaged"
        with pytest.raises(InputError) as caught:
            far.open(entry.key)
        assert caught.value.code == "store-damaged"
    far.place.delete(f"{entry.key}.npy")
    for one in (recording, StoredRecording(file=store.place.signal(f"{entry.key}.npy", 1, "0" * 32), entry=entry)):
        with pytest.raises(InputError) as caught:
            one.read(0, 10)
        assert caught.value.code == "store-missing"


def test_a_builder_killed_at_any_line_leaves_a_true_store(
    nursery: Nursery, write_recording: WriteRecording, server: Server, bucket_url: str, tmp_path: Path
) -> None:
    """SIGKILL before each line of the store's code in turn; between signal and description there is no recording.

    In Google's language before every fourth: the lines are the same.
    """
    recordings = [write_recording(seconds=2)]
    code, line, seen = -signal.SIGKILL, 0, set()
    while code != 0:
        line += {"s3": 1, "gs": 4}[server.scheme]
        one = place(f"{bucket_url}/{line}", tmp_path / f"own{line}")
        what = {"recordings": recordings, "root": one, "environment": server.environment}
        code = nursery.end(nursery.begin(Work(**what, killed_at_line=line, watched=("store.py", "bucket.py"))))
        assert code in {0, -signal.SIGKILL}
        kinds = frozenset(kept.name.rpartition(".")[2] for kept in one.kept())
        if kinds in seen and code:
            continue  # what is there was built upon before
        seen.add(kinds)
        store = SignalStore(one)
        assert len(store.every_key()) == ("json" in kinds)
        assert upkeep.damaged(store) == []
        (ready,) = prepare(recordings, store, SMALL).ready
        assert ready.built == ("json" not in kinds)
        assert [line.key for line in store.ledger.lines()] == [ready.entry.key]
        assert upkeep.damaged(store) == []
    assert {frozenset(), frozenset({"npy"}), frozenset({"npy", "json"})} <= seen


def test_two_builders_on_two_machines_make_each_recording_once(
    nursery: Nursery, write_recording: WriteRecording, server: Server, bucket_url: str, tmp_path: Path
) -> None:
    """They share no lock: the object store decides who writes."""
    recordings = [write_recording(f"p{n}_1", seconds=2 + n, seed=n) for n in range(6)]
    places = [place(bucket_url, tmp_path / own) for own in ("own1", "own2")]
    works = [Work(recordings=recordings, root=one, environment=server.environment) for one in places]
    builders = [nursery.begin(work) for work in works]
    assert [nursery.end(builder) for builder in builders] == [0, 0]
    store = SignalStore(place(bucket_url, tmp_path / "own"))
    assert len(store.every_key()) == 6
    assert upkeep.damaged(store) == []
    assert Counter(line.key for line in store.ledger.lines()) == dict.fromkeys(store.every_key(), 1)


def test_of_many_who_put_one_object_at_once_one_does(store: SignalStore) -> None:
    """What is there then is whole, and is that of the one who was told so."""
    bucket = store.place
    assert isinstance(bucket, Bucket)
    contents = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for name in ("a.npy", "b.npy", "c.npy"):
            put = [pool.submit(bucket.create, name, len(one), iter([one])) for one in contents]
            told = [one.result() for one in put]
            assert sum(told) == 1
            assert bucket.read(name) == contents[told.index(True)]


def test_who_comes_second_writes_nothing(
    write_recording: WriteRecording, store: SignalStore, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either wrote: the second takes what the first has made, and tells nothing of it."""
    header = write_recording(seconds=3).header
    entry, _ = store.build(header, SMALL)
    before = {one.name: server.get(store.address(one.name)) for one in store.place.kept()}
    monkeypatch.setattr(SignalStore, "_found", lambda _self, _key: None)
    other = SignalStore(place(store.place.address, store.place.own.with_name("second")))
    assert other.build(header, SMALL) == (entry, False)
    assert {one.name: server.get(store.address(one.name)) for one in store.place.kept()} == before
    assert len(list(store.ledger.lines())) == 1


@pytest.mark.parametrize("spoil", [flipped, bytes])
def test_a_signal_that_nobody_describes_is_completed_or_replaced(
    write_recording: WriteRecording, store: SignalStore, server: Server, spoil: Spoil
) -> None:
    """A dead builder's: if it is the same it stays, else it is written anew."""
    header = write_recording(seconds=5).header
    entry, _ = store.build(header, SMALL)
    name = store.address(f"{entry.key}.npy")
    sound = server.get(name)
    store.place.delete(f"{entry.key}.json")
    server.put(name, spoil(sound))
    assert store.build(header, SMALL) == (entry, True)
    assert server.get(name) == sound
    assert store.verify(entry.key) == entry


def test_a_signal_that_goes_while_it_is_compared_is_built_anew(
    write_recording: WriteRecording, store: SignalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another builder found it wrong at the same moment, and removed it."""
    header = write_recording(seconds=5).header
    entry, _ = store.build(header, SMALL)
    store.place.delete(f"{entry.key}.json")
    original = BucketFile.checksum

    def gone(self: BucketFile) -> str:
        self.bucket.delete(self.name)
        return original(self)

    monkeypatch.setattr(BucketFile, "checksum", gone)
    assert store.build(header, SMALL) == (entry, True)
    monkeypatch.undo()
    assert store.verify(entry.key) == entry


def test_the_ledger_and_the_manifest_are_objects(write_recording: WriteRecording, store: SignalStore) -> None:
    """Lines are put together, so that many recordings are not as many objects."""
    for number in range(LINES_PER_OBJECT + 1):
        store.ledger.append(Line(source=f"{number}.edf", built=False, code="edf-truncated"))
    store.build(write_recording(seconds=2).header, SMALL)
    lines = list(store.ledger.lines())
    assert [line.source for line in lines[:-1]] == [f"{number}.edf" for number in range(LINES_PER_OBJECT + 1)]
    assert lines[-1].built
    with bucket_module.asked(""):
        names = [one["path"] for page in bucket_module.obstore.list(store.place.reader, "ledger") for one in page]  # type: ignore[attr-defined]
    assert len(names) == 2
    manifest.write(store)
    assert manifest.NAME in {kept.name for kept in store.place.kept()}
    assert Counter(row["status"] for row in manifest.table(store).to_pylist()) == {"set aside": 101, "stored": 1}


def test_gc_names_what_dead_builders_left(write_recording: WriteRecording, store: SignalStore, server: Server) -> None:
    """A signal without description, when it is a day old; and a recording that this version cannot read."""
    entry, _ = store.build(write_recording("a_1", seconds=2, seed=1).header, SMALL)
    other, _ = store.build(write_recording("b_1", seconds=2, seed=2).header, SMALL)
    store.place.delete(f"{entry.key}.json")
    server.put(store.address(f"{other.key}.json"), json.dumps({**asdict(other), "format": 1}).encode())
    (changed_s,) = {kept.changed_s for kept in store.place.kept() if kept.name == f"{entry.key}.npy"}
    old = [f"{other.key}.json", f"{other.key}.npy"]
    assert [one.name for one in upkeep.garbage(store, now_s=changed_s + 60)] == old
    found = upkeep.garbage(store, now_s=changed_s + 2 * upkeep.ABANDONED_S)
    assert {one.name for one in found} == {*old, f"{entry.key}.npy"}
    assert all(one.address.startswith(store.place.address) for one in found)
    upkeep.delete(found)
    assert store.place.kept() == []


def failed(url: str, own: Path) -> InputError:
    """The one error of a store that cannot be used."""
    store = SignalStore(place(url, own))
    errors = []
    for attempt in (store.every_key, lambda: store.open("0" * 32), lambda: store.place.create("x", 1, iter([b"x"]))):
        with pytest.raises(InputError) as caught:
            attempt()
        errors.append(caught.value)
    assert len({error.code for error in errors}) == 1
    assert all("Debug source" not in str(error) for error in errors)
    return errors[0]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two retries, and no client that was made before."""
    monkeypatch.setattr(bucket_module, "_RETRIES", {"max_retries": 2})
    bucket_module._client.cache_clear()
    yield
    bucket_module._client.cache_clear()


@pytest.mark.usefixtures("impatient")
def test_a_bucket_that_is_not_there_is_one_clear_error(server: Server, tmp_path: Path) -> None:
    """Whatever is asked first."""
    url = f"{server.scheme}://no-such-bucket/store"
    error = failed(url, tmp_path)
    assert (error.code, error.where) == ("store-bucket", url)


@S3_ALONE
@pytest.mark.usefixtures("server", "impatient")
def test_a_server_that_does_not_answer_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some retries."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    error = failed("s3://bucket/gone", tmp_path)
    assert error.code == "store-unreachable"
    assert "127.0.0.1:9" in str(error.got)


def _answers_slowly(listening: socket.socket) -> None:
    """Takes a second and a half for what is sent, and never gives an answer's end; one request of each kind."""
    for _ in range(2):
        connection, _ = listening.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1 << 16)
            if head.startswith(b"PUT"):
                time.sleep(1.5)
                connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 0\r\n\r\n')
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                time.sleep(3)


@S3_ALONE
@pytest.mark.usefixtures("server", "impatient")
def test_a_slow_upload_is_waited_for_and_a_stalled_download_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While something large is sent the other side says nothing: that is no reason to give up."""
    monkeypatch.setattr(bucket_module, "_SILENCE", {"read_timeout": "1s"})
    monkeypatch.setattr(bucket_module, "_RETRIES", {"max_retries": 0})
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=_answers_slowly, args=(listening,))
        server.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        slow = place("s3://bucket/slow", tmp_path)
        assert slow.create("a.npy", 4, iter([b"1234"]))
        with pytest.raises(InputError) as caught:
            slow.read("a.npy")
        assert caught.value.code == "store-unreachable"
        server.join(30)


@S3_ALONE
@pytest.mark.usefixtures("server", "impatient")
def test_no_credentials_are_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the environment nor from the machine, which is asked at an address where nobody is."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    error = failed("s3://bucket/anonymous", tmp_path)
    assert error.code == "store-access"
    assert "AWS_ACCESS_KEY_ID" in str(error.remedy)


@pytest.mark.usefixtures("impatient")
def test_wrong_credentials_are_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that checks them."""
    monkeypatch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "1")  # the making of the bucket
    with s3_server(tmp_path) as strict:
        for name, value in strict.environment.items():
            monkeypatch.setenv(name, value)
        strict.make("guarded")
        assert failed("s3://guarded/store", tmp_path).code == "store-access"


@pytest.mark.parametrize("address", ["s4://bucket/a", "s3:///a", "s3://"])
def test_an_address_of_nothing_is_refused(address: str, tmp_path: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(InputError, match=r"machine\.store") as caught:
        place_of(address, tmp_path, 0)
    assert caught.value.code == "config-value"


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """A process that finds no obstore."""
    code = (
        "import sys; sys.modules['obstore'] = None\n"
        "from pathlib import Path; from ictal.errors import InputError; from ictal.signals.addresses import place_of\n"
        f"try: place_of('s3://bucket/a', Path({str(tmp_path)!r}), 0)\n"
        "except InputError as error: print(error.code, error.remedy)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "store-extra pip install 'ictal[cloud]'"


def test_entries_travel_whole(write_recording: WriteRecording, store: SignalStore, server: Server) -> None:
    """What describes a recording is the JSON of a folder."""
    entry, _ = store.build(write_recording(seconds=2).header, SMALL)
    kept = json.loads(server.get(store.address(f"{entry.key}.json")))
    assert kept == json.loads(json.dumps(asdict(entry)))
    assert isinstance(store.open(entry.key).entry, Entry)
