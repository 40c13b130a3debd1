"""Preprocessing: agreement with the float64 twin, causality, clipping that is counted, faults that are named."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.signals.preprocess import PreprocessConfig, lookahead_s, preprocess, quantised, samples_out
from ictal.signals.units import FULL_SCALE
from tests.reference import preprocess as twin

CONFIG = PreprocessConfig()


def eeg(channels: int, samples: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Brownian-like signals with an offset of millivolts, about 50 µV in the band."""
    rng = np.random.default_rng(seed)
    slow = np.cumsum(rng.standard_normal((channels, samples)), axis=1)
    fast = 20 * rng.standard_normal((channels, samples))
    return (slow + fast + 4000 * rng.standard_normal((channels, 1))).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [250, 256, 400, 512])
@pytest.mark.parametrize("notch_hz", [0.0, 50.0, 60.0])
def test_result_is_that_of_the_twin_within_one_stored_unit(rate_hz: int, notch_hz: float) -> None:
    """Matrix resampling, filters from rest and int16 give scipy's float64 answer to one unit (0.024 µV)."""
    config = PreprocessConfig(notch_hz=notch_hz)
    signal = eeg(3, 30 * rate_hz)
    expected = twin.preprocess(
        signal.astype(np.float64),
        rate_hz,
        rate_hz=config.rate_hz,
        band_hz=config.band_hz,
        order=config.order,
        notch_hz=notch_hz,
        clip_uv=config.clip_uv,
    )
    result = preprocess(signal, rate_hz, config)
    assert result.dtype == np.float32
    assert result.shape == expected.shape == (3, samples_out(30 * rate_hz, rate_hz, 256))
    assert np.abs(result - expected).max() <= config.uv_per_unit


@given(seed=st.integers(0, 100), change=st.integers(300, 2500), rate_hz=st.sampled_from([250, 256, 400]))
@settings(max_examples=20)
def test_the_future_does_not_change_the_past(seed: int, change: int, rate_hz: int) -> None:
    """Whatever comes after a sample and the lookahead, the sample is the same to the last bit."""
    signal = eeg(2, 3000, seed)
    changed = signal.copy()
    changed[:, change:] = eeg(2, 3000 - change, seed + 1)
    same = math.floor((change / rate_hz - lookahead_s(rate_hz, CONFIG)) * 256)
    before, after = preprocess(signal, rate_hz, CONFIG), preprocess(changed, rate_hz, CONFIG)
    assert np.array_equal(before[:, :same], after[:, :same])
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("rate_hz", [250, 256, 512])
def test_a_recording_that_is_cut_short_begins_as_the_whole_one(rate_hz: int) -> None:
    """A live system, which has seen only the beginning, has computed the same numbers to one unit."""
    signal = eeg(2, 20 * rate_hz)
    whole, cut = preprocess(signal, rate_hz, CONFIG), preprocess(signal[:, : 7 * rate_hz + 13], rate_hz, CONFIG)
    known = cut.shape[1] - math.ceil(lookahead_s(rate_hz, CONFIG) * 256) - 1
    assert np.abs(whole[:, :known] - cut[:, :known]).max() <= CONFIG.uv_per_unit


def test_an_electrode_offset_leaves_no_transient() -> None:
    """A constant of 100 mV is silence from the first sample on."""
    for rate_hz in (250, 256, 400):
        assert not preprocess(np.full((1, 4000), 1e5, dtype=np.float32), rate_hz, CONFIG).any()


def test_the_band_passes_and_the_notch_stops() -> None:
    """10 Hz passes untouched, the mains at 60 Hz and a drift of 0.05 Hz are gone once the filters have settled."""
    time_s = np.arange(60 * 256) / 256
    tones = np.sin(2 * np.pi * np.array([[10.0], [60.0], [0.05]]) * time_s).astype(np.float32) * 100
    settled = preprocess(tones, 256.0, CONFIG)[:, -20 * 256 :]
    assert np.abs(settled).max(axis=1) == pytest.approx([100, 0, 0], abs=0.5)


def test_clipping_is_counted_for_each_channel() -> None:
    """Samples beyond the scale are limited to it, and their number is reported."""
    signal = np.zeros((2, 2560), dtype=np.float32)
    signal[1] = 2000 * np.sin(2 * np.pi * 10 * np.arange(2560) / 256)
    result = quantised(signal, 256.0, CONFIG)
    assert result.clipped[0] == 0
    assert result.clipped[1] == np.count_nonzero(np.abs(result.values[1]) == FULL_SCALE) > 1000
    assert result.to_uv().max() == pytest.approx(CONFIG.clip_uv)
    assert result.values.min() == -FULL_SCALE


def test_scale_depends_on_nothing_but_the_configuration() -> None:
    """A loud recording and a silent one have one scale, which a live system knows beforehand."""
    loud, silent = quantised(eeg(2, 2560), 256.0, CONFIG), quantised(np.zeros((2, 2560), np.float32), 256.0, CONFIG)
    assert np.array_equal(loud.scale_uv, silent.scale_uv)
    assert loud.scale_uv.dtype == np.float32


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_place(value: float) -> None:
    """NaN and infinity are faults of the input, never replaced."""
    signal = eeg(3, 1000)
    signal[1, 700] = value
    with pytest.raises(InputError, match="channel 1, sample 700") as caught:
        preprocess(signal, 256.0, CONFIG)
    assert caught.value.code == "signal-not-finite"


@pytest.mark.parametrize(("samples", "rate_hz"), [(0, 256.0), (1, 1000.0)])
def test_a_recording_without_a_sample_is_refused(samples: int, rate_hz: float) -> None:
    """Nothing, or less than half a sample at the store's rate, is no recording."""
    with pytest.raises(InputError) as caught:
        preprocess(np.zeros((2, samples), dtype=np.float32), rate_hz, CONFIG)
    assert caught.value.code == "signal-empty"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rate_hz", 0),
        ("rate_hz", 100),
        ("band_hz", (60.0, 0.5)),
        ("band_hz", (0.0, 60.0)),
        ("band_hz", (0.5, 127.0)),
        ("order", 0),
        ("notch_hz", 200.0),
        ("notch_hz", -60.0),
        ("clip_uv", 0.0),
        ("clip_uv", math.nan),
    ],
)
def test_settings_that_cannot_work_are_refused(field: str, value: object) -> None:
    """The configuration is checked when it is made, by the name of the setting."""
    with pytest.raises(InputError, match=r"signals\.\w+ cannot be used") as caught:
        PreprocessConfig(**{field: value})  # type: ignore[arg-type]
    assert caught.value.code == "config-value"


def test_an_unknown_montage_is_refused() -> None:
    """The montage is one of those that `recordings.montages` names."""
    with pytest.raises(InputError) as caught:
        PreprocessConfig(montage="standard")
    assert caught.value.code == "montage-unknown"


def test_equal_settings_have_one_canonical_form() -> None:
    """60 and 60.0 are the same frequency, so they are the same store key."""
    assert PreprocessConfig(notch_hz=60, clip_uv=800).canonical() == CONFIG.canonical()
    assert PreprocessConfig(notch_hz=50.0).canonical() != CONFIG.canonical()


def test_the_canonical_form_has_every_setting() -> None:
    """A setting that were left out could change the numbers without changing the store's key."""
    assert json.loads(CONFIG.canonical()).keys() == {field.name for field in dataclasses.fields(PreprocessConfig)}
