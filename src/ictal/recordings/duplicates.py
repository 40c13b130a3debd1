"""Recordings with the same signal, whatever their names, patients and dates say.

Only files of equal layout and length can hold the same data records. Of those, 4 kB of the record in the middle are
compared, and only where these agree are the files read whole. A signal of one value throughout says nothing and has no
duplicate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from ictal.recordings.edf import Header, data_records

_PROBE_BYTES = 4096
_DIGEST_BYTES = 16


def duplicates(headers: Sequence[Header]) -> tuple[tuple[Header, ...], ...]:
    """Groups of two or more recordings with the same signal, each in the order given.

    Raises:
        InputError: if a file has become shorter (code `edf-truncated`).
    """
    groups: Iterable[list[Header]] = [list(headers)]
    for key in (_layout, _probe, _whole):
        groups = [part for group in groups for part in _parts(group, key)]
    return tuple(tuple(group) for group in groups)


def _parts(group: list[Header], key: Callable[[Header], Hashable]) -> Iterator[list[Header]]:
    """The parts of a group with equal keys, of two members or more; a key of None is equal to nothing."""
    members: dict[Hashable, list[Header]] = {}
    for header in group:
        members.setdefault(key(header), []).append(header)
    return (part for value, part in members.items() if value is not None and len(part) > 1)


def _layout(header: Header) -> Hashable:
    return header.record_count, header.record_bytes, header.sample_bytes


def _probe(header: Header) -> bytes:
    middle = header.record_count // 2
    return b"".join(raw.tobytes()[:_PROBE_BYTES] for raw in data_records(header, middle, middle + 1))


def _whole(header: Header) -> bytes | None:
    """Hash of the data records; None if all samples have one value."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    first = b""
    varies = False
    for raw in data_records(header):
        digest.update(raw.data)
        first = first or raw.data[:1].tobytes()[: header.sample_bytes]
        varies = varies or raw.tobytes() != first * (raw.size // header.sample_bytes)
    return digest.digest() if varies else None
