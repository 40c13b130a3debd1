"""Pieces of any length become the store's blocks: what a loop over samples puts there."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.recordings.corpus import Labelled
from ictal.recordings.montages import Derivation
from ictal.signals.blocks import Blocks
from ictal.signals.preprocess import PreprocessConfig, Quantised
from ictal.signals.source import Pieces
from ictal.signals.store import SignalStore

CHANNELS, WIDTH = 3, 10
DERIVATION = Derivation(
    labels=("a", "b", "c"),
    matrix=np.eye(CHANNELS, dtype=np.float32),
    channels=("a", "b", "c"),
    rate_hz=10.0,
    validity=("measured",) * CHANNELS,
    interpolated=(),
    reference="",
)


def pieces(values: npt.NDArray[np.int16], cuts: Sequence[int]) -> Pieces:
    """The signal cut at these places; in each piece one sample of each channel is said to be clipped."""

    def of_signal() -> Iterator[Quantised]:
        for start, stop in itertools.pairwise([0, *sorted(cuts), values.shape[1]]):
            scale_uv = np.array([0.5, 1, 2], dtype=np.float32)
            yield Quantised(values=values[:, start:stop], scale_uv=scale_uv, clipped=np.ones(CHANNELS, np.int64))

    return Pieces(derivation=DERIVATION, config=PreprocessConfig(), samples=values.shape[1], of_signal=of_signal())


def sample_by_sample(values: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """The slow twin."""
    out = np.zeros((-(-values.shape[1] // WIDTH), CHANNELS, WIDTH), dtype="<i2")
    for channel, sample in np.ndindex(*values.shape):
        out[sample // WIDTH, channel, sample % WIDTH] = values[channel, sample]
    return out


@given(
    samples=st.integers(1, 95),
    cuts=st.lists(st.integers(0, 95), max_size=6),
    silent=st.sets(st.integers(0, CHANNELS - 1)),
    seed=st.integers(0, 99),
)
@settings(max_examples=80)
def test_any_pieces_give_the_blocks_of_the_whole(samples: int, cuts: list[int], silent: set[int], seed: int) -> None:
    """However it is cut, with zeros after the end; silent are the channels that are zero in every piece."""
    values = np.random.default_rng(seed).integers(1, 32768, (CHANNELS, samples)).astype(np.int16)
    values[list(silent)] = 0
    cuts = [min(cut, samples) for cut in cuts]
    blocks = Blocks(pieces(values, cuts), WIDTH)
    found = np.array([block.copy() for block in blocks])
    np.testing.assert_array_equal(found, sample_by_sample(values))
    assert found.shape == blocks.shape
    assert blocks.silent.tolist() == [channel in silent for channel in range(CHANNELS)]
    assert blocks.clipped.tolist() == [len(cuts) + 1] * CHANNELS
    assert blocks.scale_uv.tolist() == [0.5, 1, 2]


def test_a_channel_that_wakes_late_is_not_silent() -> None:
    """One sample in the last piece is enough."""
    values = np.zeros((CHANNELS, 40), dtype=np.int16)
    values[1, 39] = 1
    blocks = Blocks(pieces(values, [10, 20, 30]), WIDTH)
    assert len(list(blocks)) == 4
    assert blocks.silent.tolist() == [True, False, True]


@pytest.mark.parametrize("minutes", [4, 12])
def test_what_a_build_needs_of_memory_does_not_grow_with_the_recording(
    write_recording: Callable[..., Labelled], tmp_path: Path, minutes: int
) -> None:
    """8 MB do for four minutes and for twelve, whose stored numbers alone are 7 MB."""
    header = write_recording(seconds=60 * minutes).header
    tracemalloc.start()
    SignalStore(tmp_path / "store").build(header, PreprocessConfig())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6
