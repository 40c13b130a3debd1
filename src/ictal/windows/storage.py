"""The window index as one Parquet file: a row per recording; windows are counted again when it is read."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ictal.appearing import appearing
from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows.index import IndexedRecording, WindowIndex, build
from ictal.windows.labels import LabelRule


def save(index: WindowIndex, path: Path) -> None:
    """Write the index with the hash of what it was made from; the file appears whole or not at all."""
    table = pa.table(
        {
            "recording": [r.id for r in index.recordings],
            "patient": [r.patient for r in index.recordings],
            "samples": pa.array([r.samples for r in index.recordings], pa.int64()),
            "seizure_starts": pa.array([r.seizures[:, 0].tolist() for r in index.recordings], pa.list_(pa.int64())),
            "seizure_stops": pa.array([r.seizures[:, 1].tolist() for r in index.recordings], pa.list_(pa.int64())),
            "seizure_types": pa.array([list(r.types) for r in index.recordings], pa.list_(pa.string())),
        }
    )
    metadata = {"grid": json.dumps(asdict(index.grid)), "rule": json.dumps(asdict(index.rule)), "hash": index.hash}
    with appearing(path) as draft:
        pq.write_table(table.replace_schema_metadata(metadata), draft)


def load(path: Path) -> WindowIndex:
    """Read an index and verify its hash.

    Raises:
        InputError: if the file is no index (code `file-damaged`) or does not hold what its hash says (`index-corrupt`).
    """
    try:
        table = pq.read_table(path)
        metadata = {name.decode(): text.decode() for name, text in (table.schema.metadata or {}).items()}
        grid = WindowGrid(**json.loads(metadata["grid"]))
        rule = LabelRule(**json.loads(metadata["rule"]))
        index = build([_recording(row) for row in table.to_pylist()], grid, rule)
    except (pa.ArrowInvalid, KeyError, TypeError, json.JSONDecodeError) as error:
        raise InputError(
            "The window index is damaged",
            where=path,
            got=str(error).splitlines()[0],
            expected="the file as it was written",
            remedy="run `ictal plan` again",
            code="file-damaged",
        ) from error
    if index.hash != metadata.get("hash"):
        raise InputError(
            "The window index does not hold what its hash says",
            where=path,
            got=index.hash,
            expected=metadata.get("hash"),
            remedy="run `ictal plan` again",
            code="index-corrupt",
        )
    return index


def _recording(row: dict[str, Any]) -> IndexedRecording:
    return IndexedRecording(
        id=row["recording"],
        patient=row["patient"],
        samples=row["samples"],
        seizures=np.array([row["seizure_starts"], row["seizure_stops"]], dtype=np.int64).T.reshape(-1, 2),
        types=tuple(row["seizure_types"]),
    )
