"""A corpus as two Parquet tables, one of recordings and one of events, for whoever works with it elsewhere.

Fingerprints tell revisions of a corpus apart that bear one name: of a recording (header, length, and 4 kB from the
start, the middle and the end of its data), and of its annotation files (every byte).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ictal.appearing import appearing
from ictal.errors import InputError
from ictal.recordings.annotations import beside
from ictal.recordings.audit import Audit
from ictal.recordings.inspection import Inspected, shown_path
from ictal.recordings.tallies import rates

RECORDINGS, EVENTS = "recordings.parquet", "events.parquet"

_PROBE_BYTES = 4096
_DIGEST_BYTES = 16
_RECORDINGS: dict[str, pa.DataType] = {
    "recording": pa.string(),
    "patient": pa.string(),
    "split": pa.string(),
    "edf": pa.string(),
    "annotation": pa.string(),
    "duration_s": pa.float64(),
    "start": pa.timestamp("us"),
    "rates_hz": pa.list_(pa.string()),
    "channels": pa.list_(pa.string()),
    "montages": pa.list_(pa.string()),
    "reference": pa.string(),
    "missing": pa.list_(pa.string()),
    "seizures": pa.int64(),
    "seizure_s": pa.float64(),
    "usable": pa.bool_(),
    "fingerprint": pa.string(),
    "annotation_fingerprint": pa.string(),
    "checksum": pa.string(),
}
_EVENTS: dict[str, pa.DataType] = {
    "recording": pa.string(),
    "onset_s": pa.float64(),
    "stop_s": pa.float64(),
    "label": pa.string(),
    "channels": pa.list_(pa.string()),
    "confidence": pa.float64(),
    "rater": pa.string(),
    "file": pa.string(),
    "line": pa.int64(),
}


def write(audit: Audit, folder: Path) -> tuple[Path, Path]:
    """Write both tables into a folder; each appears whole or not at all.

    `checksum`, of every data record, is there only after an audit that read the signals. Events are those of every
    annotation file that could be read, as they stand there: background, per channel, and of every rater.

    Returns:
        The files of recordings and of events.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recordings = pa.Table.from_pylist(
        [_recording(audit.root, one) for one in audit.inspected], schema=pa.schema(_RECORDINGS)
    )
    events = pa.Table.from_pylist(
        [row for one in audit.inspected for row in _events(audit.root, one)], schema=pa.schema(_EVENTS)
    )
    return _written(recordings, folder / RECORDINGS), _written(events, folder / EVENTS)


def _written(table: pa.Table, path: Path) -> Path:
    with appearing(path) as draft:
        pq.write_table(table, draft)
    return path


def _recording(root: Path, one: Inspected) -> dict[str, Any]:
    header, seizures_s = one.header, () if one.labelled is None else one.labelled.seizures_s
    return {
        "recording": one.recording.id,
        "patient": one.recording.patient,
        "split": one.recording.split,
        "edf": one.recording.edf.relative_to(root).as_posix(),
        "annotation": shown_path(one.annotations[0], root) if one.annotations else None,
        "duration_s": None if header is None else header.duration_s,
        "start": None if header is None else header.start,
        "rates_hz": [] if header is None else list(rates(header)),
        "channels": [] if header is None else list(header.labels),
        "montages": list(one.fit.montages),
        "reference": one.reference,
        "missing": list(one.fit.missing),
        "seizures": len(seizures_s),
        "seizure_s": sum(stop_s - onset_s for onset_s, stop_s in seizures_s),
        "usable": one.labelled is not None,
        "fingerprint": _fingerprint(one.recording.edf),
        "annotation_fingerprint": _whole(one.annotations),
        "checksum": None if one.flags is None else one.flags.checksum,
    }


def _events(root: Path, one: Inspected) -> Iterable[dict[str, Any]]:
    for path in one.annotations:
        try:
            annotation = beside.read(path, one.recording.edf)
        except InputError:
            continue  # a finding of the audit
        for event in annotation.events:
            yield {
                "recording": one.recording.id,
                "onset_s": event.onset_s,
                "stop_s": event.stop_s,
                "label": event.label,
                "channels": list(event.channels),
                "confidence": event.confidence,
                "rater": event.rater,
                "file": shown_path(path, root),
                "line": event.line,
            }


def _fingerprint(path: Path) -> str:
    """Of a file's length, its first 4 kB (an EDF's header), and 4 kB from its middle and its end."""
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=_DIGEST_BYTES)
    with path.open("rb") as file:
        for place in (0, size // 2, max(0, size - _PROBE_BYTES)):
            digest.update(os.pread(file.fileno(), _PROBE_BYTES, place))
    return digest.hexdigest()


def _whole(paths: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for path in paths:
        digest.update(path.read_bytes() if path.suffix.lower() not in {".edf", ".bdf"} else b"")
    return digest.hexdigest()
