"""The signal store: every recording preprocessed once, whole, and addressed by what it was made from.

A recording is two files named by its key: `<key>.npy`, int16 of shape (blocks, channels, block_samples), the last block
filled up with zeros, and `<key>.json`, what is known about it. A window is one positioned read of adjoining blocks.

Invariants: the key is a hash of the EDF's content and of everything that decides the numbers; labels and names are not
in it. A file appears under its name only when it is whole, the JSON last: where it is, the recording is complete.
Nothing here overwrites, mends or deletes a complete recording. Of several builders of one recording that share a folder
one works and the others wait, by a lock that the system takes from a process that dies; in a bucket, which has no
locks, both work and one of them writes.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from blake3 import blake3
from pydantic import TypeAdapter, ValidationError

from ictal.errors import InputError
from ictal.recordings import montages
from ictal.recordings.edf import Header
from ictal.recordings.montages import Validity
from ictal.signals import faults, reading
from ictal.signals.blocks import VALUE, Blocks, laid_out
from ictal.signals.fingerprint import CACHE_NAME, DIGEST_BYTES, FingerprintCache
from ictal.signals.folder import Folder
from ictal.signals.kernels import KernelName
from ictal.signals.ledger import Ledger, Line
from ictal.signals.places import Place, SignalFile
from ictal.signals.preprocess import NUMERICS_VERSION, PreprocessConfig
from ictal.signals.readable import Readable, Window
from ictal.signals.source import flat, pieces

FORMAT_VERSION = 4
BLOCK_S = 10
"""Length of a block: a 60 s window reads at most 1/6 more than it needs, and blocks are long enough to read fast."""

_FEW = 8  # recordings that are asked for one by one; for more, the place lists all that it has
BYTES_PER_VALUE = VALUE.itemsize


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the store knows about one recording."""

    format: int
    """Version of the layout of the two files."""
    key: str
    """Name of both files."""
    source: str
    """Path of the EDF when it was prepared; for people, nothing depends on it."""
    fingerprint: str
    """Hash of the EDF's content."""
    config: str
    """Preprocessing settings, as canonical JSON."""
    kernel: KernelName
    """Which implementation of the filters ran; the numbers do not depend on it."""
    notch_hz: float
    """Frequency of the mains that was taken out."""
    channels: tuple[str, ...]
    """Names of the channels, in order."""
    validity: tuple[Validity, ...]
    """Of each channel: `measured`, `interpolated`, or `absent` and then zero throughout."""
    interpolated: tuple[str, ...]
    """Electrodes that were not measured and take part."""
    flat: tuple[str, ...]
    """Channels that are not absent and never change: nothing was connected."""
    reference: str
    """Common reference by the EDF's labels (`REF`, `LE`, `AR`, `AVG`), or empty where they name none."""
    recorded_rate_hz: float
    """Samples per second of the EDF."""
    rate_hz: int
    """Samples per second."""
    samples: int
    """Length of the recording, without the zeros that fill the last block."""
    block_samples: int
    """Length of a block."""
    scale_uv: tuple[float, ...]
    """Microvolts of one unit, for each channel."""
    clipped: tuple[int, ...]
    """Samples of each channel that were beyond the scale and were limited to it."""
    npy_bytes: int
    """Size of the signal file."""
    checksum: str
    """Hash of the signal file."""

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.samples // self.block_samples)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the stored array: (blocks, channels, block_samples)."""
        return self.blocks, len(self.channels), self.block_samples


_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredRecording(Readable):
    """A recording in the store. It holds no open file (`reading` does), so it may be pickled and kept in thousands.

    Args:
        file: The signal file.
        entry: What is known about it.
    """

    file: SignalFile
    entry: Entry

    @property
    def key(self) -> str:
        """Its name in the store."""
        return self.entry.key

    @property
    def content(self) -> str:
        """Hash of the signal file."""
        return self.entry.checksum

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in order."""
        return self.entry.channels

    @property
    def validity(self) -> tuple[Validity, ...]:
        """Of each channel: `measured`, `interpolated`, or `absent` and then zero throughout."""
        return self.entry.validity

    @property
    def reference(self) -> str:
        """Common reference by the EDF's labels, or empty where they name none."""
        return self.entry.reference

    @property
    def rate_hz(self) -> int:
        """Samples per second."""
        return self.entry.rate_hz

    @property
    def samples(self) -> int:
        """Length of the recording."""
        return self.entry.samples

    @property
    def size_bytes(self) -> int:
        """Size of the signal file."""
        return self.entry.npy_bytes

    @functools.cached_property
    def scale_uv(self) -> npt.NDArray[np.float32]:
        """Microvolts of one unit, (channels,)."""
        return np.array(self.entry.scale_uv, dtype=np.float32)

    def read_into(self, start_sample: int, out: Window, *, wait: bool = True) -> bool:
        """Fill (channels, length) with the samples from `start` on in units, zeros past the end.

        Raises:
            InputError: if the signal file is gone or shorter than it was (codes `store-missing`, `store-damaged`).
        """
        assert start_sample >= 0, start_sample
        first, stop = self._blocks_of(start_sample, out.shape[1])
        width = self.entry.block_samples
        blocks = reading.scratch(stop - first, out.shape[0], width)
        if not self._fill(blocks, first, wait=wait):
            return False
        inside = max(min(out.shape[1], self.samples - start_sample), 0)
        laid_out(blocks, start_sample - first * width, out[:, :inside])
        out[:, inside:] = 0
        return True

    def announce(self, start_sample: int, length_samples: int) -> None:
        """Let the disk begin to read a window that `read_into` will ask for.

        Raises:
            InputError: if the signal file is gone (code `store-missing`).
        """
        first, stop = self._blocks_of(start_sample, length_samples)
        data_start, block_bytes = self._layout
        try:
            self.file.announce(data_start + first * block_bytes, (stop - first) * block_bytes)
        except FileNotFoundError as error:
            raise faults.missing(self.file.address) from error

    def evict(self) -> None:
        """Give back the memory of this machine that holds the file."""
        self.file.evict()

    def _blocks_of(self, start_sample: int, length_samples: int) -> tuple[int, int]:
        """The blocks `[first, stop)` that hold the samples `[start, start + length)` of the recording."""
        width, end = self.entry.block_samples, min(start_sample + length_samples, self.samples)
        first = start_sample // width
        return first, -(-end // width) if end > start_sample else first

    @functools.cached_property
    def _layout(self) -> tuple[int, int]:
        """Where in the file the blocks begin, and the length of one, in bytes."""
        block_bytes = len(self.channels) * self.entry.block_samples * VALUE.itemsize
        return self.entry.npy_bytes - self.entry.blocks * block_bytes, block_bytes

    def _fill(self, blocks: npt.NDArray[np.int16], first: int, *, wait: bool) -> bool:
        """Read adjoining blocks (blocks, channels, block_samples) from `first` on by one positioned read."""
        if blocks.size == 0:
            return True
        data_start, block_bytes = self._layout
        place = data_start + first * block_bytes
        try:
            got = self.file.read_at(place, blocks, wait=wait)
        except FileNotFoundError as error:
            raise faults.missing(self.file.address) from error
        if got != blocks.nbytes and wait:
            ends, whole = f"the file ends at byte {place + got}", f"{self.entry.npy_bytes} bytes"
            raise faults.damaged(self.file.address, ends, whole)
        return got == blocks.nbytes


class SignalStore:
    """A place of prepared recordings, shared by all runs.

    Args:
        place: Where it is; a path means the folder there, made by the first `build`.
    """

    def __init__(self, place: Place | Path) -> None:
        self.place: Place = Folder(root=place) if isinstance(place, Path) else place
        self.fingerprints = FingerprintCache(path=self.place.own / CACHE_NAME)
        self.ledger = Ledger(journal=self.place.journal)

    @staticmethod
    def key(fingerprint: str, config: PreprocessConfig) -> str:
        """Name of the recording with this content under this configuration."""
        parts = {
            "format": FORMAT_VERSION,
            "numerics": NUMERICS_VERSION,
            "fingerprint": fingerprint,
            "config": config.canonical(),
            "channels": montages.named(config.montage).channels,
        }
        return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=DIGEST_BYTES).hexdigest()

    def key_of(self, edf: Path, config: PreprocessConfig) -> str:
        """Name of an EDF's recording under this configuration, whether it is in the store or not.

        Raises:
            InputError: if the EDF cannot be read.
        """
        return self.key(self.fingerprints.fingerprint(edf), config)

    def build(self, header: Header, config: PreprocessConfig, *, kernel: KernelName = "scipy") -> tuple[Entry, bool]:
        """Prepare a recording, or find it prepared.

        Returns:
            Its entry, and whether it was built now.

        Raises:
            InputError: if the recording cannot be used, or is in the store and damaged.
        """
        key = self.key(self.fingerprints.fingerprint(header.path), config)
        found = self._found(key)
        if found is not None:
            return found, False
        with self.alone(key):
            found = self._found(key)
            return (found, False) if found is not None else self._build(header, config, kernel)

    def _found(self, key: str) -> Entry | None:
        """The entry of a recording that is there; checked to its last byte, if its place is near."""
        try:
            return self.verify(key) if self.place.near else self.open(key).entry
        except InputError as error:
            if error.code != faults.MISSING:
                raise
        return None

    def _build(self, header: Header, config: PreprocessConfig, kernel: KernelName) -> tuple[Entry, bool]:
        fingerprint = self.fingerprints.fingerprint(header.path)
        key = self.key(fingerprint, config)
        made = pieces(header, config, kernel=kernel)
        blocks = Blocks(made, BLOCK_S * config.rate_hz)
        npy_bytes, checksum = self._write_signal(key, blocks)
        if checksum is None:
            return self._build(header, config, kernel)
        assert made.config.notch_hz != "auto"
        entry = Entry(
            format=FORMAT_VERSION,
            key=key,
            source=str(header.path),
            fingerprint=fingerprint,
            config=config.canonical(),
            kernel=kernel,
            notch_hz=made.config.notch_hz,
            channels=made.derivation.channels,
            validity=made.derivation.validity,
            interpolated=made.derivation.interpolated,
            flat=flat(made.derivation, blocks.silent),
            reference=made.derivation.reference,
            recorded_rate_hz=made.derivation.rate_hz,
            rate_hz=config.rate_hz,
            samples=made.samples,
            block_samples=BLOCK_S * config.rate_hz,
            scale_uv=tuple(blocks.scale_uv.tolist()),
            clipped=tuple(blocks.clipped.tolist()),
            npy_bytes=npy_bytes,
            checksum=checksum,
        )
        text = json.dumps(asdict(entry), indent=1).encode()
        if not self.place.create(_json(key), len(text), iter([text])):
            return self.verify(key), False  # by a builder of another machine
        self.ledger.append(Line(key=key, source=str(header.path), built=True))
        return entry, True

    def alone(self, name: str) -> AbstractContextManager[None]:
        """The only process of this machine (or file server) that works at what has this name, such as a key.

        Raises:
            InputError: if there is no room for the lock (code `store-full`).
        """
        return self.place.alone(name)

    def every_key(self) -> tuple[str, ...]:
        """Names of all recordings, in order."""
        names = [one.name for one in self.place.kept()]
        return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))

    def open(self, key: str) -> StoredRecording:
        """A recording that is in the store.

        Raises:
            InputError: if it is not (code `store-missing`), is of another version (`store-version`), or its files
                contradict each other (`store-damaged`).
        """
        return next(self.open_each([key]))

    def open_each(self, keys: Sequence[str]) -> Iterator[StoredRecording]:
        """Recordings that are in the store, in the order of their keys; the place is asked for many at once.

        Raises:
            InputError: as `open` does, for each in its turn.
        """
        return map(_sound, self.look_at(keys))

    def look_at(self, keys: Sequence[str]) -> Iterator[StoredRecording | InputError]:
        """The same, with the error in the place of a recording that cannot be opened."""
        sizes = {} if len(keys) < _FEW else {one.name: one.size_bytes for one in self.place.kept()}
        size_of: Callable[[str], int | None] = sizes.get if sizes else self.place.size_bytes
        for key, text in zip(keys, self.place.read_each([_json(key) for key in keys]), strict=True):
            try:
                yield self._opened(key, text, size_of)
            except InputError as error:
                yield error

    def _opened(self, key: str, text: bytes | None, size_of: Callable[[str], int | None]) -> StoredRecording:
        if text is None:
            raise faults.missing(self.address(_json(key)))
        entry = _decoded(self.address(_json(key)), text)
        npy_bytes = size_of(_npy(key)) or 0
        if npy_bytes != entry.npy_bytes:
            raise faults.damaged(self.address(_npy(key)), f"{npy_bytes} bytes", f"{entry.npy_bytes} bytes")
        return StoredRecording(file=self.place.signal(_npy(key), npy_bytes, entry.checksum), entry=entry)

    def verify(self, key: str) -> Entry:
        """Compare a recording's signal file with its checksum; reads all of it.

        Raises:
            InputError: as `open` does, and if the bytes are not those that were written (code `store-damaged`).
        """
        recording = self.open(key)
        checksum = recording.file.checksum()
        if checksum != recording.entry.checksum:
            raise faults.damaged(recording.file.address, f"checksum {checksum}", recording.entry.checksum)
        return recording.entry

    def address(self, name: str) -> str:
        """Where a file of the store is."""
        return f"{self.place.address}/{name}"

    def _write_signal(self, key: str, blocks: Blocks) -> tuple[int, str | None]:
        """Write the signal file as the blocks come.

        Returns:
            Its size and checksum; no checksum if it could not be written for another one, which is gone now.
        """
        header = io.BytesIO()
        layout = {"descr": VALUE.str, "fortran_order": False, "shape": blocks.shape}
        np.lib.format.write_array_header_1_0(header, layout)
        npy_bytes = header.tell() + math.prod(blocks.shape) * BYTES_PER_VALUE
        digest = blake3()
        written = self.place.create(_npy(key), npy_bytes, _hashed(digest, header.getvalue(), blocks))
        checksum = digest.hexdigest(length=DIGEST_BYTES)
        if written or self._may_stay(key, npy_bytes, checksum):
            return npy_bytes, checksum
        self.place.delete(_npy(key))
        return npy_bytes, None

    def _may_stay(self, key: str, npy_bytes: int, checksum: str) -> bool:
        """Whether the signal file that a builder of another machine left or is about to describe may stay.

        It must, once it is described; before, if it holds the same. One that differs is of a builder that has died, for
        all that anybody knows: if that one is alive after all, whoever reads the recording finds it damaged.
        """
        if self.place.size_bytes(_json(key)) is not None:
            return True
        try:
            return self.place.signal(_npy(key), npy_bytes, checksum).checksum() == checksum
        except FileNotFoundError:  # another builder has removed it just now
            return False


def _hashed(digest: blake3, header: bytes, blocks: Blocks) -> Iterator[bytes | memoryview]:
    """What a signal file holds, piece by piece, each put into the digest on its way."""
    digest.update(header)
    yield header
    for block in blocks:
        piece = block.data.cast("B")
        digest.update(piece)
        yield piece


def _sound(found: StoredRecording | InputError) -> StoredRecording:
    if isinstance(found, InputError):
        raise found
    return found


def _json(key: str) -> str:
    return f"{key}.json"


def _npy(key: str) -> str:
    return f"{key}.npy"


def _decoded(address: str, text: bytes) -> Entry:
    try:
        version = json.loads(text)["format"]
        if version != FORMAT_VERSION:
            raise faults.other_version(address, version, FORMAT_VERSION)
        entry = _ENTRY.validate_json(text)
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise faults.damaged(address, str(error), "the JSON that ictal wrote") from error
    if not address.endswith(f"/{_json(entry.key)}"):
        raise faults.damaged(address, f"the entry of {entry.key}", "the entry that this file is named for")
    return entry
