"""The store as one table: a row for each recording in it and for each that was set aside, as Parquet.

The table is made from the recordings' own files and from the ledger, and can be made again at any time; it appears
whole or not at all, whoever else makes it at the moment.
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from ictal.signals.store import Entry, SignalStore

NAME = "manifest.parquet"

_COLUMNS = (
    *("key", "source", "fingerprint", "config", "kernel", "channels", "validity", "interpolated", "flat"),
    *("reference", "recorded_rate_hz", "rate_hz", "samples", "scale_uv", "clipped", "npy_bytes", "checksum"),
)
_SCHEMA = pa.schema(
    [
        ("status", pa.string()),
        ("key", pa.string()),
        ("source", pa.string()),
        ("fingerprint", pa.string()),
        ("config", pa.string()),
        ("kernel", pa.string()),
        ("channels", pa.list_(pa.string())),
        ("validity", pa.list_(pa.string())),
        ("interpolated", pa.list_(pa.string())),
        ("flat", pa.list_(pa.string())),
        ("reference", pa.string()),
        ("recorded_rate_hz", pa.float64()),
        ("rate_hz", pa.int64()),
        ("samples", pa.int64()),
        ("scale_uv", pa.list_(pa.float64())),
        ("clipped", pa.list_(pa.int64())),
        ("npy_bytes", pa.int64()),
        ("checksum", pa.string()),
        ("code", pa.string()),
        ("reason", pa.string()),
        ("at", pa.string()),
    ]
)


def table(store: SignalStore) -> pa.Table:
    """The table: `status` is `stored` or `set aside`, the latter only for what has not been stored since.

    Raises:
        InputError: if a recording's own file is damaged.
    """
    entries = [recording.entry for recording in store.open_each(store.every_key())]
    rows: list[dict[str, object]] = [_stored(entry) for entry in entries]
    present = {entry.source for entry in entries}
    failed = {line.source: line for line in store.ledger.lines() if not line.built}
    rows += [
        {"status": "set aside", "source": source, "code": one.code, "reason": one.reason, "at": one.at}
        for source, one in sorted(failed.items())
        if source not in present
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def write(store: SignalStore) -> None:
    """Write the table into the store.

    Raises:
        InputError: as `table` does, and if there is no room (code `store-full`).
    """
    sink = io.BytesIO()
    pq.write_table(table(store), sink)
    store.place.replace(NAME, sink.getvalue())


def _stored(entry: Entry) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(entry, name) for name in _COLUMNS}
    return {"status": "stored", **row}
