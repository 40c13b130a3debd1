"""Resampling: accuracy in dB, exact length, and no more of the future than it says."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.signals.resampling import design, ratio, samples_out
from ictal.signals.room import Room
from ictal.timeline.spans import samples_from_seconds
from tests.reference import preprocess as twin

RATES_HZ = (200.0, 250.0, 400.0, 500.0, 512.0, 1000.0, 2048.0)
EDGE_SAMPLES = 200


def tone(frequency_hz: float, rate_hz: float, samples: int) -> npt.NDArray[np.float64]:
    return np.asarray(np.sin(2 * np.pi * frequency_hz * np.arange(samples) / rate_hz + 0.7), dtype=np.float64)


def resample(signal: npt.NDArray[np.float64], rate_hz: float) -> npt.NDArray[np.float64]:
    """One channel to 256 Hz, as the package does it."""
    out = design(rate_hz, 256, 60.0)(signal.astype(np.float32)[None])
    return out[0].astype(np.float64)


def level_db(signal: npt.NDArray[np.float64], against: npt.NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(signal**2) / np.mean(against**2)))


@pytest.mark.parametrize(
    ("rate_hz", "frequency_hz"),
    [(rate, tone) for rate in RATES_HZ for tone in (0.7, 7.3, 33.0, 59.0, 76.0) if tone <= 0.3 * min(rate, 256)],
)
def test_a_tone_in_the_band_keeps_amplitude_and_phase_to_90_db(rate_hz: float, frequency_hz: float) -> None:
    """The output is the tone sampled at the new rate, with an error at least 90 dB below it."""
    out = resample(tone(frequency_hz, rate_hz, int(12 * rate_hz)), rate_hz)
    ideal = tone(frequency_hz, 256, len(out))
    inside = slice(EDGE_SAMPLES, -EDGE_SAMPLES)
    assert level_db(ideal[inside], out[inside] - ideal[inside]) >= 90


@pytest.mark.parametrize(
    ("rate_hz", "frequency_hz"),
    [(rate, tone) for rate in RATES_HZ for tone in (128.5, 140.0, 170.0, 196.0, 230.0) if 256 < rate > 2 * tone],
)
def test_a_tone_above_the_new_nyquist_frequency_is_rejected_by_90_db(rate_hz: float, frequency_hz: float) -> None:
    """A tone that the new rate cannot hold leaves nothing behind, at whatever frequency it would alias to."""
    signal = tone(frequency_hz, rate_hz, int(12 * rate_hz))
    out = resample(signal, rate_hz)
    assert level_db(out[EDGE_SAMPLES:-EDGE_SAMPLES], signal) <= -90


@pytest.mark.parametrize("rate_hz", [200.0, 250.0])
def test_interpolation_leaves_no_image_of_an_electrode_offset(rate_hz: float) -> None:
    """A constant of 10 mV comes out as that constant: its images would be tones of a few Hz."""
    out = resample(np.full(2000, 10_000.0), rate_hz)
    assert np.abs(out - 10_000.0).max() < 0.01


@pytest.mark.parametrize("rate_hz", [200, 250, 400, 512, 1000])
def test_matrix_form_equals_the_zero_stuffing_twin(rate_hz: int) -> None:
    """Blocks of matrix products give what filtering at the common multiple of the rates gives, ends included."""
    row = np.random.default_rng(rate_hz).standard_normal(3217)
    out = resample(row, rate_hz)
    expected = twin.resample(row, rate_hz, 256, 60.0)
    assert out.shape == expected.shape
    assert np.abs(out - expected).max() < 1e-4


@given(
    samples=st.integers(1, 600),
    rate_hz=st.sampled_from([200, 250, 256, 400, 512, 1000]),
    rate_out_hz=st.sampled_from([100, 128, 200, 256, 512]),
)
@settings(max_examples=60)
def test_recordings_of_any_length_have_the_length_that_the_rule_says(
    samples: int, rate_hz: int, rate_out_hz: int
) -> None:
    """Even one sample is resampled to the nearest whole number of samples, all of them finite."""
    out = design(rate_hz, rate_out_hz, 20.0)(np.ones((1, samples), dtype=np.float32))[0]
    assert len(out) == math.floor(samples * Fraction(rate_out_hz, rate_hz) + Fraction(1, 2))
    assert len(out) == samples_out(samples, rate_hz, rate_out_hz)
    assert np.allclose(out, 1.0, atol=1e-5)


@given(samples=st.integers(0, 10**9), rate_hz=st.sampled_from([199.8, 249.75, 250.0, 256.0, 400.0, 512.0, 1000.0]))
@settings(max_examples=100)
def test_length_rule_is_the_one_rounding_of_time(samples: int, rate_hz: float) -> None:
    """The length is the nearest sample to the duration, as `samples_from_seconds` has it, within float's reach."""
    exact = Fraction(samples) / Fraction(rate_hz).limit_denominator(1000) * 256
    assert samples_out(samples, rate_hz, 256) == math.floor(exact + Fraction(1, 2))
    if abs(exact - math.floor(exact) - Fraction(1, 2)) > Fraction(1, 10**5):
        assert samples_out(samples, rate_hz, 256) == samples_from_seconds(samples / rate_hz, 256)


@pytest.mark.parametrize("rate_hz", [250.0, 400.0, 512.0])
def test_no_sample_depends_on_a_later_time_than_the_lookahead(rate_hz: float) -> None:
    """What happens after the lookahead changes nothing before it, to the last bit."""
    resampler = design(rate_hz, 256, 60.0)
    signal = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    changed = signal.copy()
    changed[:, 3000:] += 100
    same = math.floor((3000 / rate_hz - resampler.lookahead_s) * 256)
    assert np.array_equal(resampler(signal)[:, :same], resampler(changed)[:, :same])
    assert resampler.lookahead_s < 0.2


def test_equal_rates_leave_the_signal_as_it_is() -> None:
    """256 Hz to 256 Hz is the identity, with no lookahead."""
    resampler = design(256.0, 256, 60.0)
    signal = np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)
    assert np.array_equal(resampler(signal), signal)
    assert resampler.lookahead_s == 0


def test_rates_that_are_fractions_are_exact() -> None:
    """A rate such as 256 samples in 0.999 s is recovered from its float."""
    assert ratio(256 / 0.999, 256) == (999, 1000)
    assert ratio(199.8, 256) == (1280, 999)


@pytest.mark.parametrize("rate_hz", [math.pi * 80, 0.0, -256.0, math.nan, math.inf, 255.99])
def test_rates_without_a_small_ratio_are_refused(rate_hz: float) -> None:
    """A rate that would need rounding is an error, since rounding would move every event."""
    with pytest.raises(InputError) as caught:
        design(rate_hz, 256, 60.0)
    assert caught.value.code == "rate-ratio"


def test_a_recording_too_slow_for_the_band_is_refused() -> None:
    """100 Hz cannot hold a band up to 60 Hz: no recording silently gets a narrower band than the others."""
    with pytest.raises(InputError) as caught:
        design(100.0, 256, 60.0)
    assert caught.value.code == "rate-too-low"


@given(rate_hz=st.sampled_from(RATES_HZ), channels=st.integers(1, 3), lengths=st.lists(st.integers(1, 900), max_size=4))
@settings(max_examples=40)
def test_memory_that_is_used_again_changes_no_number(rate_hz: float, channels: int, lengths: list[int]) -> None:
    """What the memory held before, and how much of it there is, leaves nothing behind."""
    resampler, held, out = design(rate_hz, 256, 60.0), Room(np.float32), Room(np.float32)
    rng = np.random.default_rng(0)
    for length in lengths:
        signal = rng.standard_normal((channels, length)).astype(np.float32)
        memory = held(channels, resampler.held_samples(length))
        memory[:] = np.nan
        memory[:, resampler.reach_samples : resampler.reach_samples + length] = signal
        assert np.array_equal(resampler.of_held(memory, length, out), resampler(signal))
