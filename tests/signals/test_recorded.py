"""Samples of an EDF on their way to the filters: both kernels give the microvolts that a loop over samples gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.recordings.corpus import Labelled
from ictal.recordings.edf import read_uv
from ictal.signals import kernels
from ictal.signals.recorded import Recorded, recorded
from tests.reference import preprocess as twin

Write = Callable[..., Labelled]


@given(
    records=st.integers(1, 4),
    samples=st.integers(1, 70),
    order=st.permutations(range(4)),
    channels=st.integers(1, 4),
    beside=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_both_kernels_give_what_a_loop_over_samples_gives(
    records: int, samples: int, order: Sequence[int], channels: int, beside: tuple[int, int], seed: int
) -> None:
    """Any channels in any order, less any constant, to the last bit, and nothing beside their place is touched."""
    rng = np.random.default_rng(seed)
    chunk = Recorded(
        words=rng.integers(-32768, 32768, (records, 4 * samples), dtype=np.int16),
        first_words=np.array(order[:channels], dtype=np.int64) * samples,
        samples_per_record=samples,
        gain_uv=rng.normal(0, 1, channels).astype(np.float32),
        offset_uv=rng.choice([0.0, 3.7, -1e4], channels).astype(np.float32),
    )
    before, after = beside
    constant = chunk.first_uv if seed % 2 else rng.normal(0, 100, (channels, 1)).astype(np.float32)
    expected = np.full((channels, before + records * samples + after), 7.0, dtype=np.float32)
    expected[:, before : before + records * samples] = twin.recorded_less(chunk, constant)
    for name in ("scipy", "compiled"):
        out = np.full_like(expected, 7.0)
        kernels.named(name).less(chunk, constant, out, before)  # type: ignore[arg-type]
        np.testing.assert_array_equal(out, expected)


def test_any_number_of_records_at_once_gives_what_is_in_the_file(
    write_recording: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it does where the system gives a part of what is asked for, as Linux does beyond 2 GB."""
    header = write_recording(seconds=7).header
    labels = header.labels[2::-1]
    expected = read_uv(header, labels)
    whole, asked = os.preadv, []

    def in_parts(descriptor: int, buffers: list[memoryview], place: int) -> int:
        asked.append(place)
        return whole(descriptor, [buffers[0][:1000]], place)

    for at_once in (1, 3, 7, 100):
        chunks = [chunk.to_uv() for chunk in recorded(header, labels, at_once)]
        assert len(chunks) == -(-7 // at_once)
        np.testing.assert_array_equal(np.concatenate(chunks, axis=1), expected)
    monkeypatch.setattr(os, "preadv", in_parts)
    np.testing.assert_array_equal(next(recorded(header, labels, 7)).to_uv(), expected)
    assert len(asked) > 7 * header.record_bytes // 1000
