"""Traces on disk come back as they went there, and leave nothing behind."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ictal.recipes.spool import Spool


def test_what_was_appended_comes_back_bit_by_bit(tmp_path: Path) -> None:
    """In order, by number, as often as wanted, between one append and the next; an empty trace too."""
    generator = np.random.default_rng(0)
    traces = [generator.normal(size=size) for size in (3, 0, 1_000)]
    spool = Spool(tmp_path)
    assert list(spool) == []
    for number, trace in enumerate(traces):
        spool.append(trace)
        assert spool[number].tobytes() == trace.tobytes()
    assert len(spool) == 3
    for _ in range(2):
        assert [one.tobytes() for one in spool] == [trace.tobytes() for trace in traces]
    with pytest.raises(IndexError):
        spool[3]


def test_other_numbers_are_kept_as_doubles(tmp_path: Path) -> None:
    """Also of an array that is a view."""
    spool = Spool(tmp_path)
    spool.append(np.arange(6, dtype=np.float32)[::2])  # type: ignore[arg-type]
    assert spool[0].tolist() == [0.0, 2.0, 4.0]
    assert spool[0].dtype == np.float64


def test_traces_of_several_numbers_keep_their_shape(tmp_path: Path) -> None:
    """Columns among them that are views, and none at all."""
    spool, generator = Spool(tmp_path), np.random.default_rng(0)
    traces = [generator.normal(size=(4, 3)), generator.normal(size=(2, 5)).T, np.empty((7, 0)), np.empty((0, 2))]
    for trace in traces:
        spool.append(trace)
    for kept, trace in zip(spool, traces, strict=True):
        np.testing.assert_array_equal(kept, trace, strict=True)


def test_there_is_no_file_while_it_is_used_nor_afterwards(tmp_path: Path) -> None:
    """Whatever kills the program, no one has to clean up."""
    spool = Spool(tmp_path)
    spool.append(np.zeros(10))
    assert list(tmp_path.iterdir()) == []
    del spool
    gc.collect()  # an open file would warn, and a warning fails the test
    assert list(tmp_path.iterdir()) == []


def test_memory_is_that_of_one_trace(tmp_path: Path) -> None:
    """Forty times the traces, the same peak."""
    peaks = []
    for count in (1, 40):
        spool = Spool(tmp_path)
        tracemalloc.start()
        for _ in range(count):
            spool.append(np.ones(50_000))
        assert sum(float(trace.sum()) for trace in spool) == 50_000 * count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
