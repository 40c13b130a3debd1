"""The slow, obvious twin of `ictal.signals.preprocess`: float64, zeros between the samples, one long filter."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy import signal

from ictal.signals.recorded import Recorded


def resample(
    row: npt.NDArray[np.float64], rate_in_hz: int, rate_out_hz: int, pass_hz: float
) -> npt.NDArray[np.float64]:
    """Zeros between the samples, then a Kaiser low-pass up to the lower Nyquist frequency; the ends are held."""
    factor = Fraction(rate_out_hz, rate_in_hz)
    if factor == 1:
        return row
    nyquist_hz = min(rate_in_hz, rate_out_hz) / 2
    edge_hz = max(pass_hz, 0.6 * nyquist_hz)
    rate_hz = rate_in_hz * factor.numerator
    half = math.ceil((100 - 7.95) / 14.36 * rate_hz / (nyquist_hz - edge_hz) / 2)
    window = ("kaiser", signal.kaiser_beta(100.0))
    taps = signal.firwin(2 * half + 1, (edge_hz + nyquist_hz) / 2, window=window, fs=rate_hz)
    reach = math.ceil(half / factor.numerator)
    held = np.pad(row, reach, mode="edge")
    stuffed = np.zeros(len(held) * factor.numerator)
    stuffed[:: factor.numerator] = held * factor.numerator
    smooth = signal.oaconvolve(stuffed, taps, mode="same")
    length = math.floor(len(row) * factor + Fraction(1, 2))
    return np.asarray(smooth[reach * factor.numerator :: factor.denominator][:length], dtype=np.float64)


def preprocess(
    signal_uv: npt.NDArray[np.float64],
    rate_in_hz: int,
    *,
    rate_hz: int,
    band_hz: tuple[float, float],
    order: int,
    notch_hz: float,
    clip_uv: float,
) -> npt.NDArray[np.float64]:
    """Every channel: resample, band-pass and notch from their steady state at the first sample, limit."""
    sections = signal.butter(order, band_hz, btype="bandpass", fs=rate_hz, output="sos")
    if notch_hz:
        sections = np.vstack([sections, signal.tf2sos(*signal.iirnotch(notch_hz, 30.0, fs=rate_hz))])
    rows = []
    for row in np.asarray(signal_uv, dtype=np.float64):
        resampled = resample(row, rate_in_hz, rate_hz, band_hz[1])
        state = signal.sosfilt_zi(sections) * row[0]
        filtered, _ = signal.sosfilt(sections, resampled, zi=state)
        rows.append(np.clip(filtered, -clip_uv, clip_uv))
    return np.array(rows)


def running_scale(signal_uv: npt.NDArray[np.float64], block_samples: int) -> npt.NDArray[np.float64]:
    """Sample by sample: 10 µV over the median of the last six whole blocks' median amplitudes, in straight lines."""
    out = np.empty_like(signal_uv)
    for channel, row in enumerate(signal_uv):
        blocks = [np.median(np.abs(block)) for block in np.split(row, range(block_samples, len(row), block_samples))]

        def gain(block: int, medians: list[np.float64] = blocks) -> float:
            past = medians[max(block - 6, 0) : max(block, 0)]
            return 10.0 / max(float(np.median(past)), 0.5) if past else 1.0

        for sample, value in enumerate(row):
            block, inside = divmod(sample, block_samples)
            share = inside / block_samples
            out[channel, sample] = value * (gain(block - 1) * (1 - share) + gain(block) * share)
    return out


def recorded_less(chunk: Recorded, constant_uv: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Microvolts of every sample of an EDF's data records less a constant of its channel, one after the other."""
    channels, samples = chunk.shape
    out = np.empty((channels, samples), dtype=np.float32)
    for channel in range(channels):
        for sample in range(samples):
            record, place = divmod(sample, chunk.samples_per_record)
            word = np.float32(chunk.words[record, chunk.first_words[channel] + place])
            out[channel, sample] = word * chunk.gain_uv[channel] + chunk.offset_uv[channel] - constant_uv[channel, 0]
    return out
