"""Pools of windows against plain lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.timeline.grid import WindowGrid
from ictal.windows.index import IndexedRecording, build
from ictal.windows.labels import STRATA, LabelRule
from ictal.windows.pools import Pool
from tests.reference import index as slow
from tests.windows.strategies import grids, recordings, rules


@given(recordings(), grids(), rules(), st.sets(st.sampled_from(STRATA)))
@settings(max_examples=100)
def test_the_nth_member_is_the_nth_window_of_a_list(
    corpus: list[IndexedRecording], grid: WindowGrid, rule: LabelRule, strata: set[str]
) -> None:
    """For any set of strata."""
    pool = build(corpus, grid, rule).pool(*strata)
    listed = [n for n, window in enumerate(slow.windows(corpus, grid, rule)) if window.stratum in strata]
    assert pool.size == len(listed)
    assert pool.members(np.arange(pool.size)).tolist() == listed


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 3000)), min_size=1, max_size=40))
@settings(max_examples=50)
def test_runs_of_very_different_lengths_share_buckets(gaps_and_lengths: list[tuple[int, int]]) -> None:
    """Many short runs in one bucket and one run over many buckets are both found."""
    edges = np.cumsum(np.array(gaps_and_lengths).ravel()).reshape(-1, 2)
    pool = Pool(runs=edges)
    listed = np.concatenate([np.arange(first, stop) for first, stop in edges])
    assert (pool.members(np.arange(pool.size)) == listed).all()


def test_members_keep_the_shape_of_the_places() -> None:
    """A table of places gives a table of windows."""
    pool = Pool(runs=np.array([[5, 8], [20, 30]]))
    assert pool.members([[0, 2], [3, 12]]).tolist() == [[5, 7], [20, 29]]
    assert pool.members(4).tolist() == 21
