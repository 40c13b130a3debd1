"""The signal store: every recording preprocessed once, whole, and addressed by what it was made from.

A recording is two files named by its key: `<key>.npy`, int16 of shape (blocks, channels, block_samples), the last block
filled up with zeros, and `<key>.json`, what is known about it. A window is one positioned read of adjoining blocks.

Invariants: the key is a hash of the EDF's content and of everything that decides the numbers; labels and names are not
in it. A file appears under its name only when it is whole, the JSON last: where it is, the recording is complete.
Nothing here overwrites, mends or deletes a complete recording. Of several builders of one recording one works and the
others wait, by a lock that the system takes from a process that dies.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import io
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from blake3 import blake3
from pydantic import TypeAdapter, ValidationError

from ictal.errors import InputError
from ictal.recordings import montages
from ictal.recordings.edf import Header
from ictal.recordings.montages import Validity
from ictal.signals import reading
from ictal.signals.blocks import VALUE, Blocks
from ictal.signals.files import room_for, whole_file
from ictal.signals.fingerprint import CACHE_NAME, DIGEST_BYTES, FingerprintCache, content_hash
from ictal.signals.kernels import KernelName
from ictal.signals.ledger import FOLDER as LEDGER
from ictal.signals.ledger import Ledger, Line
from ictal.signals.preprocess import NUMERICS_VERSION, PreprocessConfig
from ictal.signals.readable import Readable, Window
from ictal.signals.source import flat, pieces

FORMAT_VERSION = 4
BLOCK_S = 10
"""Length of a block: a 60 s window reads at most 1/6 more than it needs, and blocks are long enough to read fast."""

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
        path: The signal file.
        entry: What is known about it.
    """

    path: Path
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
        for number, block in enumerate(blocks, first):
            zero = number * width
            begin, end = max(zero, start_sample), min(zero + width, start_sample + inside)
            out[:, begin - start_sample : end - start_sample] = block[:, begin - zero : end - zero]
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
            reading.announce(self.path, data_start + first * block_bytes, (stop - first) * block_bytes)
        except FileNotFoundError as error:
            raise _missing(self.path) from error

    def evict(self) -> None:
        """Give the file's pages back to the system."""
        reading.evict(self.path)

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
            got = reading.read_at(self.path, place, blocks, wait=wait)
        except FileNotFoundError as error:
            raise _missing(self.path) from error
        if got != blocks.nbytes and wait:
            raise _damaged(self.path, f"the file ends at byte {place + got}", f"{self.entry.npy_bytes} bytes")
        return got == blocks.nbytes


class SignalStore:
    """A folder of prepared recordings, shared by all runs.

    Args:
        root: The folder; made by the first `build`.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.fingerprints = FingerprintCache(path=self.root / CACHE_NAME)
        self.ledger = Ledger(folder=self.root / LEDGER)

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
        if self._json(key).exists():
            return self.verify(key), False
        with self.alone(key):
            if self._json(key).exists():
                return self.verify(key), False
            return self._build(header, config, kernel), True

    def _build(self, header: Header, config: PreprocessConfig, kernel: KernelName) -> Entry:
        fingerprint = self.fingerprints.fingerprint(header.path)
        key = self.key(fingerprint, config)
        made = pieces(header, config, kernel=kernel)
        blocks = Blocks(made, BLOCK_S * config.rate_hz)
        npy_bytes, checksum = self._write_signal(key, blocks)
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
        with whole_file(self._json(key), len(text)) as file:
            file.write(text)
        self.ledger.append(Line(key=key, source=str(header.path), built=True))
        return entry

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """The only process of this machine (or file server) that works at what has this name, such as a key.

        Raises:
            InputError: if there is no room for the lock (code `store-full`).
        """
        lock = self.root / f".{name}.lock"
        with room_for(lock, 0):
            self.root.mkdir(parents=True, exist_ok=True)
            while (held := _locked(lock)) is None:
                pass
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
            held.close()

    def every_key(self) -> tuple[str, ...]:
        """Names of all recordings, in order."""
        return tuple(sorted(path.stem for path in self.root.glob("*.json")))

    def open(self, key: str) -> StoredRecording:
        """A recording that is in the store.

        Raises:
            InputError: if it is not (code `store-missing`), is of another version (`store-version`), or its files
                contradict each other (`store-damaged`).
        """
        path = self._json(key)
        try:
            text = path.read_bytes()
        except FileNotFoundError as error:
            raise _missing(path) from error
        entry = _decoded(path, text)
        npy = self._npy(key)
        npy_bytes = npy.stat().st_size if npy.exists() else 0
        if npy_bytes != entry.npy_bytes:
            raise _damaged(npy, f"{npy_bytes} bytes", f"{entry.npy_bytes} bytes")
        return StoredRecording(path=npy, entry=entry)

    def verify(self, key: str) -> Entry:
        """Compare a recording's signal file with its checksum; reads all of it.

        Raises:
            InputError: as `open` does, and if the bytes are not those that were written (code `store-damaged`).
        """
        recording = self.open(key)
        checksum = content_hash(recording.path)
        if checksum != recording.entry.checksum:
            raise _damaged(recording.path, f"checksum {checksum}", recording.entry.checksum)
        return recording.entry

    def _json(self, key: str) -> Path:
        return self.root / f"{key}.json"

    def _npy(self, key: str) -> Path:
        return self.root / f"{key}.npy"

    def _write_signal(self, key: str, blocks: Blocks) -> tuple[int, str]:
        """Write the signal file as the blocks come; returns its size and checksum."""
        header = io.BytesIO()
        layout = {"descr": VALUE.str, "fortran_order": False, "shape": blocks.shape}
        np.lib.format.write_array_header_1_0(header, layout)
        npy_bytes = header.tell() + math.prod(blocks.shape) * BYTES_PER_VALUE
        digest = blake3(header.getbuffer())
        with whole_file(self._npy(key), npy_bytes) as file:
            file.write(header.getbuffer())
            for block in blocks:
                digest.update(block.data.cast("B"))
                file.write(block.data)
        return npy_bytes, digest.hexdigest(length=DIGEST_BYTES)


def _locked(path: Path) -> BinaryIO | None:
    """The file that lies there, held by this process alone; None if it went away, with its holder, meanwhile.

    Whoever held a lock removes its file: who had waited for that one must not take it for a lock.
    """
    file = path.open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except FileNotFoundError:
        pass
    file.close()
    return None


def _decoded(path: Path, text: bytes) -> Entry:
    try:
        version = json.loads(text)["format"]
        if version != FORMAT_VERSION:
            raise _version(path, version)
        entry = _ENTRY.validate_json(text)
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise _damaged(path, str(error), "the JSON that ictal wrote") from error
    if entry.key != path.stem:
        raise _damaged(path, f"the entry of {entry.key}", f"the entry of {path.stem}")
    return entry


def _missing(path: Path) -> InputError:
    return InputError(
        "The recording is not in the signal store",
        where=path,
        got="no such file",
        expected="a prepared recording",
        remedy="run `ictal prepare RUN` with the run's folder; nothing else builds the store",
        code="store-missing",
    )


def _damaged(path: Path, got: str, expected: str) -> InputError:
    pair = f"{path.with_suffix('.json').name} and {path.with_suffix('.npy').name}"
    return InputError(
        "A recording in the signal store is damaged",
        where=path,
        got=got,
        expected=expected,
        remedy=(
            f"look at the disk; `ictal store gc {path.parent} --damaged --no-dry-run` deletes {pair}, "
            "then `ictal prepare RUN` makes them again"
        ),
        code="store-damaged",
    )


def _version(path: Path, got: object) -> InputError:
    return InputError(
        "The signal store was written by another version of ictal",
        where=path,
        got=f"format {got}",
        expected=f"format {FORMAT_VERSION}",
        remedy=(
            "use another store folder (machine.store) and run `ictal prepare RUN`; "
            f"`ictal store gc {path.parent}` lists what could be deleted"
        ),
        code="store-version",
    )
