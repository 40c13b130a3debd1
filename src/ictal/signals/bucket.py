"""A store in a bucket of an object store: S3 and what speaks its language, Google Cloud Storage, Azure.

Objects are whole or absent, and a conditional put lets one of several builders write each. What describes a recording
is put last, as in a folder. A window is one ranged request, and a batch's are sent at once; a recording for which the
cache has room is fetched whole at its first window, compared with its checksum, and read from there.

Credentials, endpoint and region are those that `obstore` finds in the environment or is given by the machine; none is
a setting here, and none travels to other processes.
"""

from __future__ import annotations

import datetime as dt
import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import obstore
from blake3 import blake3
from obstore import exceptions
from obstore.store import ObjectStore, from_url

from ictal.signals import faults, reading
from ictal.signals.answers import PastTheEnd, asked
from ictal.signals.cache import Cache, in_use
from ictal.signals.files import alone
from ictal.signals.fingerprint import DIGEST_BYTES
from ictal.signals.places import Kept, Parts

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

JOURNAL = "ledger"
REQUESTS_AT_ONCE = 16
LINES_PER_OBJECT = 100
"""A line of the journal is put by writing its object again, with all lines before it, until it holds so many."""

_MOST_ANNOUNCED = 256
_CLIENT: ClientConfig = {"connect_timeout": "5s", "timeout": "15m", "allow_http": True}
_SILENCE: ClientConfig = {"read_timeout": "30s"}  # an upload is silence, so this is for reading alone
_RETRIES: RetryConfig = {"max_retries": 6, "retry_timeout": dt.timedelta(seconds=60)}

Fetched: TypeAlias = "obstore.Bytes | None"
"""The bytes of a window; None where the recording is in the cache now."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A prefix of a bucket.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`, without a slash at its end.
        own: Folder of this machine, for fingerprints, locks and copies of recordings.
        cache_bytes: Most that the copies take.
    """

    url: str
    own: Path
    cache_bytes: int

    @property
    def address(self) -> str:
        """The URL."""
        return self.url

    @property
    def near(self) -> bool:
        """Whether reading costs little: it does not."""
        return False

    @property
    def journal(self) -> BucketJournal:
        """What was done here."""
        return BucketJournal(bucket=self)

    @property
    def cache(self) -> Cache:
        """Copies of recordings on this machine."""
        return Cache(folder=self.own / "recordings", limit_bytes=self.cache_bytes)

    @property
    def reader(self) -> ObjectStore:
        """What asks it, in this process.

        Raises:
            InputError: if the URL or the environment lacks something.
        """
        return _client(self.url, writes=False)

    @property
    def writer(self) -> ObjectStore:
        """What tells it, in this process.

        Raises:
            InputError: as `reader` does.
        """
        return _client(self.url, writes=True)

    def exists(self) -> bool:
        """Whether there is any object."""
        with asked(self.url):
            return any(obstore.list(self.reader, chunk_size=1))

    def kept(self) -> list[Kept]:
        """Every object that lies directly below the prefix, by its name."""
        with asked(self.url):
            objects = obstore.list_with_delimiter(self.reader)["objects"]
        found = [
            Kept(name=one["path"], size_bytes=one["size"], changed_s=one["last_modified"].timestamp())
            for one in objects
        ]
        return sorted(found, key=lambda one: one.name)

    def size_bytes(self, name: str) -> int | None:
        """Size of an object; None if there is none."""
        try:
            with asked(self.url):
                return obstore.head(self.reader, name)["size"]
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes | None:
        """A whole object; None if there is none."""
        try:
            with asked(self.url):
                return obstore.get(self.reader, name).bytes().to_bytes()
        except FileNotFoundError:
            return None

    def read_each(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """Whole objects in the order of their names, many requests at once; None for one that is not there."""
        return _threads().map(self.read, names)

    def create(self, name: str, size_bytes: int, parts: Parts) -> bool:
        """Put an object, unless there is one; returns whether it is this one. It is one request, gathered in memory."""
        content = bytearray()
        for part in parts:
            content += part
        assert len(content) == size_bytes, (len(content), size_bytes)
        try:
            with asked(self.url):
                obstore.put(self.writer, name, content, mode="create")
        except exceptions.AlreadyExistsError:
            return False
        return True

    def replace(self, name: str, content: bytes) -> None:
        """Put an object, in place of one that may be there."""
        with asked(self.url):
            obstore.put(self.writer, name, content, use_multipart=False)

    def delete(self, name: str) -> None:
        """Remove an object, if nobody else has."""
        with suppress(FileNotFoundError), asked(self.url):
            obstore.delete(self.writer, name)

    def alone(self, name: str) -> AbstractContextManager[None]:
        """The only process of this machine that works at what has this name; other machines are not asked."""
        return alone(self.own / f".{name}.lock")

    def signal(self, name: str, size_bytes: int, checksum: str) -> BucketFile:
        """A signal file that is here."""
        return BucketFile(bucket=self, name=name, size_bytes=size_bytes, written=checksum)


@dataclass(frozen=True, kw_only=True)
class BucketFile:
    """A recording's signal file in a bucket, read through the cache or past it.

    Args:
        bucket: Where it is.
        name: Its name.
        size_bytes: Its size.
        written: Hash of what was written.
    """

    bucket: Bucket
    name: str
    size_bytes: int
    written: str

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{self.bucket.url}/{self.name}"

    def read_at(self, place: int, out: npt.NDArray[np.int16], *, wait: bool = True) -> int:
        """Fill contiguous memory from a place in the file; returns how many bytes there were."""
        copied = self._read_copy(place, out, wait=wait)
        if copied is not None or not wait:
            return copied or 0
        fetched = _ahead.taken((self, place, out.nbytes), lambda: self._fetch(place, out.nbytes)).result()
        if fetched is None:
            copied = self._read_copy(place, out, wait=True)
            if copied is not None:
                return copied
            fetched = self._window(place, out.nbytes)  # whoever tidies up has just removed the copy
        got = np.frombuffer(memoryview(fetched), dtype=np.uint8)
        out.reshape(-1).view(np.uint8)[: len(got)] = got
        return len(got)

    def announce(self, place: int, length_bytes: int) -> None:
        """Send the request for what will be read, or let the disk begin where there is a copy."""
        try:
            reading.announce(self._copy, place, length_bytes)
        except FileNotFoundError:
            pass
        else:
            return
        _ahead.asked((self, place, length_bytes), lambda: self._fetch(place, length_bytes))

    def evict(self) -> None:
        """Give the pages of its copy back to the system, where there is one."""
        try:
            reading.evict(self._copy)
        except FileNotFoundError:
            return

    def checksum(self) -> str:
        """Hash of every byte, as the bucket has them."""
        digest = blake3()
        for chunk in self._chunks():
            digest.update(chunk)
        return digest.hexdigest(length=DIGEST_BYTES)

    def _read_copy(self, place: int, out: npt.NDArray[np.int16], *, wait: bool) -> int | None:
        """Read from the copy; None where there is none."""
        try:
            got = reading.read_at(self._copy, place, out, wait=wait)
        except FileNotFoundError:
            return None
        in_use(self._copy)
        return got

    @functools.cached_property
    def _copy(self) -> Path:
        return self.bucket.cache.path(self.written)

    def _fetch(self, place: int, length_bytes: int) -> Fetched:
        """Bring the recording into the cache, or, where there is no room, the bytes of the window.

        Raises:
            InputError: if the recording is not what was written (code `store-damaged`).
        """
        found = self.bucket.cache.keep(self.written, self.size_bytes, self._chunks)
        if found is None:
            return self._window(place, length_bytes)
        if found != self.written:
            raise faults.damaged(self.address, f"checksum {found}", self.written)
        return None

    def _window(self, place: int, length_bytes: int) -> obstore.Bytes:
        """The bytes `[place, place + length)`, fewer where the object ends before."""
        try:
            with asked(self.bucket.url):
                return obstore.get_range(self.bucket.reader, self.name, start=place, length=length_bytes)
        except PastTheEnd:
            return obstore.Bytes(b"")

    def _chunks(self) -> Iterator[memoryview]:
        with asked(self.bucket.url):
            for chunk in obstore.get(self.bucket.reader, self.name).stream():
                yield memoryview(chunk)


@dataclass(frozen=True, kw_only=True)
class BucketJournal:
    """Objects of some lines, each written by one process.

    Args:
        bucket: Where they are.
    """

    bucket: Bucket

    def add(self, by: str, text: bytes) -> None:
        """Keep a line; it is in the bucket when this returns."""
        with _own_lines_lock:
            lines = _own_lines.setdefault((self.bucket.url, by), [])
            lines.append(text)
            number = (len(lines) - 1) // LINES_PER_OBJECT
            part = lines[number * LINES_PER_OBJECT :]
            self.bucket.replace(f"{JOURNAL}/{by}-{number:04d}.jsonl", b"".join(part))

    def texts(self) -> Iterator[bytes]:
        """What every process has written."""
        with asked(self.bucket.url):
            listed = [one["path"] for page in obstore.list(self.bucket.reader, JOURNAL) for one in page]
        return filter(None, self.bucket.read_each(sorted(listed)))


_own_lines_lock = threading.Lock()
_own_lines: dict[tuple[str, str], list[bytes]] = {}
"""Lines that this process has written, by bucket and name."""


class _Ahead:
    """What was announced and not read yet, in this process."""

    def __init__(self) -> None:
        self._asked: OrderedDict[tuple[BucketFile, int, int], Future[Fetched]] = OrderedDict()
        self._lock = threading.Lock()

    def asked(self, window: tuple[BucketFile, int, int], fetch: Callable[[], Fetched]) -> None:
        """Let a thread fetch a window; of too many, the oldest that nobody came for are forgotten."""
        with self._lock:
            if window not in self._asked:
                self._asked[window] = _threads().submit(fetch)
            if len(self._asked) > _MOST_ANNOUNCED:
                self._asked.popitem(last=False)[1].cancel()

    def taken(self, window: tuple[BucketFile, int, int], fetch: Callable[[], Fetched]) -> Future[Fetched]:
        """The answer for a window, which is asked for now if it was not announced."""
        with self._lock:
            return self._asked.pop(window, None) or _threads().submit(fetch)


_ahead = _Ahead()


@functools.lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="bucket")


@functools.lru_cache(maxsize=16)
def _client(url: str, *, writes: bool) -> ObjectStore:
    with asked(url):
        return from_url(url, client_options=_CLIENT if writes else _CLIENT | _SILENCE, retry_config=_RETRIES)
