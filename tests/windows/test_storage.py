"""The window index on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from ictal.errors import InputError
from ictal.timeline.grid import WindowGrid
from ictal.windows import storage
from ictal.windows.index import IndexedRecording, WindowIndex, build
from ictal.windows.labels import LabelRule
from tests.windows.strategies import grids, many_recordings, recordings, rules

GRID = WindowGrid(length_samples=600, stride_samples=100)


@pytest.fixture
def index() -> WindowIndex:
    """A small index."""
    return build(many_recordings(4, 2, 2), GRID)


@given(recordings(), grids(), rules())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_index_comes_back_from_disk_as_it_was(
    tmp_path: Path, corpus: list[IndexedRecording], grid: WindowGrid, rule: LabelRule
) -> None:
    """Windows, strata and hash are those that were saved, and nothing else is left in the folder."""
    index = build(corpus, grid, rule)
    storage.save(index, tmp_path / "index.parquet")
    loaded = storage.load(tmp_path / "index.parquet")
    assert (loaded.hash, loaded.strata(), loaded.rule) == (index.hash, index.strata(), rule)
    assert (loaded.seizure_windows == index.seizure_windows).all()
    assert [path.name for path in tmp_path.iterdir()] == ["index.parquet"]


def test_types_come_back(tmp_path: Path) -> None:
    """They are kept beside the seizures."""
    seizures = np.array([[10, 20], [30, 40]])
    one = IndexedRecording(id="a", patient="p", samples=99, seizures=seizures, types=("fnsz", "gnsz"))
    storage.save(build([one], GRID), tmp_path / "index.parquet")
    loaded = storage.load(tmp_path / "index.parquet").recordings[0]
    assert loaded.types == one.types


def test_an_index_whose_content_was_changed_does_not_load(tmp_path: Path, index: WindowIndex) -> None:
    """A longer recording under the old hash is refused."""
    path = tmp_path / "index.parquet"
    storage.save(index, path)
    table = pq.read_table(path)
    longer = pa.array([samples + 1 for samples in table["samples"].to_pylist()], pa.int64())
    pq.write_table(table.set_column(table.schema.get_field_index("samples"), "samples", longer), path)
    with pytest.raises(InputError, match="hash") as error:
        storage.load(path)
    assert error.value.code == "index-corrupt"


@pytest.mark.parametrize("kept", [b"", b"PAR1"])
def test_a_file_that_is_no_index_is_named(tmp_path: Path, kept: bytes) -> None:
    """Cut off or empty, it is damaged."""
    path = tmp_path / "index.parquet"
    path.write_bytes(kept)
    with pytest.raises(InputError, match=r"index\.parquet") as error:
        storage.load(path)
    assert error.value.code == "file-damaged"


def test_a_table_without_what_an_index_needs_is_named(tmp_path: Path) -> None:
    """Any Parquet file is not an index."""
    path = tmp_path / "index.parquet"
    pq.write_table(pa.table({"recording": ["a"]}), path)
    with pytest.raises(InputError) as error:
        storage.load(path)
    assert error.value.code == "file-damaged"
