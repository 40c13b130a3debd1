"""One path for files, windows and streams: equal numbers, whatever the chunks, the kernel and the surroundings."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled
from ictal.recordings.edf import read_uv
from ictal.signals import filters, kernels, resampling, scaling
from ictal.signals.preprocess import PreprocessConfig, Preprocessor, quantised, window
from ictal.signals.source import prepared
from tests.reference import preprocess as twin

RATES_HZ = (250.0, 256.0, 400.0, 512.0, 199.8)
CONFIGS = (
    PreprocessConfig(),
    PreprocessConfig(scale="running", notch_hz=50.0, notch_harmonics=2),
    PreprocessConfig(order=4, band_hz=(1.0, 40.0), notch_hz=0),
)
ZERO = PreprocessConfig(phase="zero")
SECONDS = 150


@functools.cache
def eeg(rate_hz: float) -> npt.NDArray[np.float32]:
    """Two channels of drift, noise and offset; the second one louder."""
    rng = np.random.default_rng(7)
    samples = round(SECONDS * rate_hz) + 3
    slow = np.cumsum(rng.standard_normal((2, samples)), axis=1)
    rows = slow + rng.standard_normal((2, samples)) * np.array([[5.0], [60.0]]) + np.array([[900.0], [-4000.0]])
    return rows.astype(np.float32)


@functools.cache
def whole(rate_hz: float, config: PreprocessConfig) -> npt.NDArray[np.int16]:
    return quantised(eeg(rate_hz), rate_hz, config).values


def units_apart(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16]) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(np.int64) - other).max(initial=0))


@given(
    rate_hz=st.sampled_from(RATES_HZ),
    config=st.sampled_from(CONFIGS),
    cuts=st.lists(st.integers(0, SECONDS * 199), max_size=6),
)
@settings(max_examples=25)
def test_a_stream_in_chunks_of_any_size_is_the_file(rate_hz: float, config: PreprocessConfig, cuts: list[int]) -> None:
    """Chunks of a sample or of minutes, or empty ones: together they are the whole to one unit, clipped counts too."""
    signal = eeg(rate_hz)
    preprocessor = Preprocessor(2, rate_hz, config)
    edges = [0, *sorted(cuts), signal.shape[1]]
    parts = [
        preprocessor.feed(signal[:, first:stop], last=stop == edges[-1] and number == len(edges) - 2)
        for number, (first, stop) in enumerate(itertools.pairwise(edges))
    ]
    assert units_apart(np.concatenate([part.values for part in parts], axis=1), whole(rate_hz, config)) <= 1
    assert sum(part.clipped for part in parts).tolist() == quantised(signal, rate_hz, config).clipped.tolist()


def test_a_stream_gives_what_is_known_and_no_later() -> None:
    """Chunk by chunk of a second, no more than the resampler's reach is held back."""
    preprocessor, given_samples = Preprocessor(2, 250.0, CONFIGS[0]), 0
    reach_s = resampling.design(250.0, 256, 60.0).lookahead_s
    for second in range(20):
        given_samples += preprocessor.feed(eeg(250.0)[:, 250 * second : 250 * (second + 1)]).values.shape[1]
        assert given_samples == pytest.approx(256 * (second + 1 - reach_s), abs=2)


@given(
    rate_hz=st.sampled_from(RATES_HZ),
    config=st.sampled_from([*CONFIGS, ZERO, PreprocessConfig(phase="zero", scale="running")]),
    start=st.integers(0, SECONDS * 256),
    length=st.integers(1, 20 * 256),
)
@settings(max_examples=40)
def test_a_window_from_its_surroundings_is_cut_from_the_whole(
    rate_hz: float, config: PreprocessConfig, start: int, length: int
) -> None:
    """A window anywhere, computed from its halo alone, is the recording's to one unit."""
    values = whole(rate_hz, config)
    start = min(start, values.shape[1] - 1)
    stop = min(start + length, values.shape[1])
    signal = eeg(rate_hz)
    found = window(lambda first, end: signal[:, first:end], signal.shape[1], rate_hz, config, (start, stop))
    assert units_apart(found.values, values[:, start:stop]) <= 1


Layout: TypeAlias = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


def _inside_a_larger_array(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    around = np.full((signal.shape[0] + 2, signal.shape[1] + 9), np.nan, dtype=np.float32)
    inside = around[1:-1, 5:-4]
    inside[:] = signal
    return inside


@given(
    channels=st.integers(1, 20),
    samples=st.integers(1, 700),
    order=st.integers(1, 8),
    notches=st.integers(0, 2),
    layout=st.sampled_from([np.copy, np.asfortranarray, _inside_a_larger_array]),
    seed=st.integers(0, 99),
)
@settings(max_examples=30)
def test_the_kernels_agree_to_the_last_bit(
    channels: int, samples: int, order: int, notches: int, layout: Layout, seed: int
) -> None:
    """Compiled and scipy: equal filtered numbers, states, units and clipped counts, piece after piece and joined."""
    rng = np.random.default_rng(seed)
    made = filters.sections(256, (0.5, 60.0), order, tuple(50.0 * n for n in range(1, notches + 1)))
    states = [rng.standard_normal((channels, len(made), 2))] * 2
    states = [state.copy() for state in states]
    for _ in range(2):
        signal = (rng.standard_normal((channels, samples)) * 400).astype(np.float32)
        results = []
        for state, name in zip(states, ("scipy", "compiled"), strict=True):
            kernel, before = kernels.named(name), state.copy()
            filtered = kernel.filtered(signal, made, state)
            units = np.empty(filtered.shape, dtype=np.int16)
            clipped = kernel.quantise(filtered, 0.0244, units)
            results.append((filtered, state.copy(), clipped, units))
            joined, out = before.copy(), np.empty_like(units)
            np.testing.assert_array_equal(kernel.units(layout(signal), made, joined, 0.0244, out), clipped)
            np.testing.assert_array_equal(out, units)
            np.testing.assert_array_equal(joined, state)
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other)


def test_rounding_and_limits_are_the_same_in_both_kernels() -> None:
    """Halves go to even, and everything beyond the full scale is limited and counted."""
    signal = np.array([[0.5, 1.5, -0.5, 32767.4, 32767.6, -32767.5, 1e9, -1e9]])
    for name in ("scipy", "compiled"):
        out = np.empty(signal.shape, dtype=np.int16)
        assert kernels.named(name).quantise(signal, 1.0, out).tolist() == [4]  # type: ignore[arg-type]
        assert out.tolist() == [[0, 2, 0, 32767, 32767, -32767, 32767, -32767]]


def test_zero_phase_delays_nothing() -> None:
    """Both ways are scipy's, each from rest on the signal less its first sample; a tone stays in phase."""
    signal = eeg(256.0)[:, :5000]
    made = filters.sections(256, ZERO.band_hz, ZERO.order, ZERO.notches_hz)
    rows = signal.astype(np.float64)
    for _ in range(2):
        rows = scipy_signal.sosfilt(made, rows - rows[:, :1])[:, ::-1]
    found = quantised(signal, 256.0, ZERO).to_uv()
    assert np.abs(found - np.clip(rows, -800, 800)).max() <= ZERO.uv_per_unit
    time_s = np.arange(60 * 256) / 256
    tone = (100 * np.sin(2 * np.pi * 10 * time_s)).astype(np.float32)[None]
    inside = slice(20 * 256, -20 * 256)
    assert np.abs(quantised(tone, 256.0, ZERO).to_uv() - tone)[0, inside].max() < 0.1


def test_a_stream_cannot_be_filtered_backward() -> None:
    """`zero` needs the end: a second chunk is refused by the setting's name, and so is listening for the mains."""
    with pytest.raises(InputError, match=r"signals\.phase"):
        Preprocessor(2, 256.0, ZERO).feed(eeg(256.0))
    with pytest.raises(InputError, match=r"signals\.notch_hz"):
        Preprocessor(2, 256.0, PreprocessConfig(notch_hz="auto"))


def test_the_running_scale_is_that_of_the_twin() -> None:
    """Gains move in straight lines to what the last minute's blocks ask for; a silent channel is amplified 20 times."""
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((3, 1037)) * np.array([[80.0], [8.0], [0.01]])
    scale = scaling.RunningScale(3, 100)
    parts = []
    while signal.shape[1] > (done := sum(part.shape[1] for part in parts)):
        parts.append(scale(signal[:, done : done + min(scale.room, int(rng.integers(1, 60)))]))
    found = np.concatenate(parts, axis=1)
    np.testing.assert_allclose(found, twin.running_scale(signal, 100), rtol=1e-12)
    assert np.median(np.abs(found[:, 300:]), axis=1) == pytest.approx([10, 10, 0.13], rel=0.2)


@pytest.mark.parametrize(("mains", "expected"), [((50.0, 20.0), 50.0), ((60.0, 20.0), 60.0), ((50.0, 0.0), 0.0)])
def test_auto_takes_out_the_mains_that_stands_out(mains: tuple[float, float], expected: float) -> None:
    """50 or 60 Hz by what the first minute holds, none where neither stands out; the answer is that of naming it."""
    frequency_hz, amplitude_uv = mains
    signal = eeg(256.0) + amplitude_uv * np.sin(2 * np.pi * frequency_hz * np.arange(eeg(256.0).shape[1]) / 256)
    signal = signal.astype(np.float32)
    found = quantised(signal, 256.0, PreprocessConfig(notch_hz="auto"))
    named = quantised(signal, 256.0, PreprocessConfig(notch_hz=expected))
    assert np.array_equal(found.values, named.values)


@pytest.mark.parametrize("settings_", [{}, {"phase": "zero"}, {"scale": "running"}, {"montage": "average-19"}])
@pytest.mark.parametrize("rate_hz", [250, 256])
def test_a_file_read_by_the_minute_is_the_whole_array(
    write_recording: Callable[..., Labelled], rate_hz: int, settings_: dict[str, Any]
) -> None:
    """Reading an EDF piece by piece gives the numbers of its samples as one array, with both kernels the same."""
    header = write_recording(rate_hz=rate_hz, seconds=135).header
    config = PreprocessConfig(**settings_)
    by_kernel = [prepared(header, config, kernel=name) for name in ("scipy", "compiled")]  # type: ignore[arg-type]
    derivation = by_kernel[0].derivation
    expected = quantised(derivation.matrix @ read_uv(header, derivation.labels), rate_hz, config)
    assert np.array_equal(by_kernel[0].signal.values, by_kernel[1].signal.values)
    assert units_apart(by_kernel[0].signal.values, expected.values) <= 1
    assert by_kernel[0].signal.clipped.tolist() == expected.clipped.tolist()
