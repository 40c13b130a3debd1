"""The window index as one Parquet file: a row per recording; windows are counted again when it is read (2 ms)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows.index import IndexedRecording, WindowIndex, build


def save(index: WindowIndex, path: Path) -> None:
    """Write the index with the hash of what it was made from; the file appears whole or not at all."""
    table = pa.table(
        {
            "recording": [r.id for r in index.recordings],
            "patient": [r.patient for r in index.recordings],
            "samples": pa.array([r.samples for r in index.recordings], pa.int64()),
            "seizure_starts": pa.array([r.seizures[:, 0].tolist() for r in index.recordings], pa.list_(pa.int64())),
            "seizure_stops": pa.array([r.seizures[:, 1].tolist() for r in index.recordings], pa.list_(pa.int64())),
        }
    )
    metadata = {
        "length_samples": str(index.grid.length_samples),
        "stride_samples": str(index.grid.stride_samples),
        "hash": index.hash,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(table.replace_schema_metadata(metadata), temporary)
    temporary.replace(path)


def load(path: Path) -> WindowIndex:
    """Read an index and verify its hash.

    Raises:
        InputError: if the file does not hold what its hash says.
    """
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise InputError(
            "The window index is damaged",
            where=path,
            got=str(error).splitlines()[0],
            expected="the file as it was written",
            remedy="run `ictal plan` again",
            code="file-damaged",
        ) from error
    metadata = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    grid = WindowGrid(length_samples=int(metadata["length_samples"]), stride_samples=int(metadata["stride_samples"]))
    recordings = [
        IndexedRecording(
            id=row["recording"],
            patient=row["patient"],
            samples=row["samples"],
            seizures=np.array([row["seizure_starts"], row["seizure_stops"]], dtype=np.int64).T.reshape(-1, 2),
        )
        for row in table.to_pylist()
    ]
    index = build(recordings, grid)
    if index.hash != metadata["hash"]:
        raise InputError(
            "The window index does not hold what its hash says",
            where=path,
            got=index.hash,
            expected=metadata["hash"],
            remedy="run `ictal plan` again",
            code="index-corrupt",
        )
    return index
