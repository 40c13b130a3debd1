"""Interval algebra on half-open sample spans, against sets of sample numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.timeline import spans as algebra
from tests.reference import spans as twin

LENGTH = 60
edges = st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH))
pairs = st.lists(edges, max_size=8)
quick = settings(max_examples=150)


def array(spans: list[tuple[int, int]]) -> algebra.Spans:
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


@quick
@given(pairs, pairs)
def test_union_holds_the_samples_of_both_sets_and_is_normal(a, b):
    """Backward and empty spans hold nothing; touching spans become one."""
    assert algebra.union(array(a), array(b)).tolist() == twin.runs(twin.samples(a) | twin.samples(b))


@quick
@given(pairs, pairs)
def test_intersection_holds_the_samples_of_both(a, b):
    """Intersection of sets of spans is intersection of sets of samples."""
    got = algebra.intersect(algebra.union(array(a)), algebra.union(array(b)))
    assert got.tolist() == twin.runs(twin.samples(a) & twin.samples(b))


@quick
@given(pairs, st.integers(0, LENGTH))
def test_complement_holds_what_is_left_of_the_recording(a, length):
    """Spans beyond the end are not part of the recording."""
    assert algebra.complement(array(a), length).tolist() == twin.runs(set(range(length)) - twin.samples(a))


@quick
@given(pairs, edges)
def test_clip_keeps_what_lies_inside(a, window):
    """Clipping is intersection with one span."""
    start, stop = sorted(window)
    inside = twin.samples(a) & set(range(start, stop))
    assert algebra.clip(algebra.union(array(a)), start, stop).tolist() == twin.runs(inside)


@quick
@given(pairs)
def test_total_counts_a_sample_covered_twice_once(a):
    """The total is the size of the set of samples."""
    assert algebra.total(array(a)) == len(twin.samples(a))


@quick
@given(pairs, st.lists(edges, min_size=1, max_size=5))
def test_overlap_is_the_exact_count_of_a_per_sample_loop(a, queries):
    """Incident a8: a window wholly inside a seizure overlaps it by its whole length."""
    ordered = [tuple(sorted(query)) for query in queries]
    starts, stops = zip(*ordered, strict=True)
    expected = [twin.overlap(a, start, stop) for start, stop in ordered]
    assert algebra.overlap(array(a), starts, stops).tolist() == expected


@quick
@given(pairs)
def test_mask_and_spans_are_the_same_set(a):
    """Spans to mask to spans is the identity on normal sets."""
    normal = algebra.union(array(a))
    mask = algebra.to_mask(normal, LENGTH)
    assert set(np.flatnonzero(mask)) == twin.samples(a)
    assert algebra.from_mask(mask).tolist() == normal.tolist()


@quick
@given(st.integers(0, 10**7), st.sampled_from([200, 250, 256, 400, 500, 512, 1000]))
def test_a_sample_written_with_four_decimals_is_read_as_that_sample(sample, rate_hz):
    """Incident a7: truncation would put 47 % of on-sample onsets at 256 Hz one sample early."""
    assert algebra.samples_from_seconds(round(sample / rate_hz, 4), rate_hz) == sample


def test_seconds_halfway_between_samples_round_up():
    """Both ends of two touching events go to the same sample."""
    assert algebra.samples_from_seconds([0.5, 1.5, 2.5], 1).tolist() == [1, 2, 3]


def test_spans_from_seconds_are_normal():
    """Intervals are rounded, sorted and merged."""
    assert algebra.spans_from_seconds([(2.0, 3.0), (0.0, 1.0), (1.0, 1.5)], 4).tolist() == [[0, 6], [8, 12]]


@pytest.mark.parametrize("spans", [[], [(5, 5)], [(7, 3)]])
def test_nothing_is_covered_by_no_empty_or_backward_span(spans):
    """The empty set has one form."""
    assert algebra.union(array(spans)).shape == (0, 2)
    assert algebra.overlap(array(spans), [0], [10]).tolist() == [0]
