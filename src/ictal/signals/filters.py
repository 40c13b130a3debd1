"""The filters: a Butterworth band-pass and notches on the mains, as second-order sections; how long they ring."""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, iirnotch, tf2sos, welch

from ictal.signals.kernels import Kernel

NOTCH_QUALITY = 30.0
MAINS_HZ = (50.0, 60.0)

_FORGOTTEN = 1e-9
_PEAK_OVER_NEIGHBOURS = 4.0
_LISTEN_S = 60.0
_SPECTRUM_S = 4.0


def sections(
    rate_hz: float, band_hz: tuple[float, float], order: int, notches_hz: tuple[float, ...]
) -> npt.NDArray[np.float64]:
    """Second-order sections of the band-pass, then of each notch: (sections, 6).

    A lower edge of 0 or an upper one of infinity is open: a low-pass, a high-pass, or nothing is left of the band-pass.
    """
    return _designed(rate_hz, band_hz, order, notches_hz).copy()


@functools.lru_cache(maxsize=16)
def _designed(
    rate_hz: float, band_hz: tuple[float, float], order: int, notches_hz: tuple[float, ...]
) -> npt.NDArray[np.float64]:
    notches = [tf2sos(*iirnotch(notch_hz, NOTCH_QUALITY, fs=rate_hz)) for notch_hz in notches_hz]
    return np.vstack([np.empty((0, 6)), *_band(rate_hz, band_hz, order), *notches])


def _band(rate_hz: float, band_hz: tuple[float, float], order: int) -> list[npt.NDArray[np.float64]]:
    low_hz, high_hz = band_hz
    if low_hz > 0 and math.isfinite(high_hz):
        return [butter(order, band_hz, btype="bandpass", fs=rate_hz, output="sos")]
    if low_hz > 0:
        return [butter(order, low_hz, btype="highpass", fs=rate_hz, output="sos")]
    return [butter(order, high_hz, btype="lowpass", fs=rate_hz, output="sos")] if math.isfinite(high_hz) else []


@functools.lru_cache(maxsize=16)
def ringing_s(rate_hz: float, band_hz: tuple[float, float], order: int, notches_hz: tuple[float, ...]) -> float:
    """Time after which less than a billionth of whatever the filters' state was is left."""
    made = sections(rate_hz, band_hz, order, notches_hz)
    largest = max((np.abs(np.roots(section[3:])).max() for section in made), default=0.0)
    return math.log(_FORGOTTEN) / math.log(largest) / rate_hz if largest > 0 else 0.0


def both_ways(
    signal: npt.NDArray[np.floating], made: npt.NDArray[np.float64], kernel: Kernel
) -> npt.NDArray[np.float64]:
    """Forward and backward, so that nothing is delayed: each time from rest on the signal less its first sample."""
    for _ in range(2):
        state = np.zeros((len(signal), len(made), 2))
        signal = kernel.filtered(signal - signal[:, :1], made, state)[:, ::-1]
    return np.ascontiguousarray(signal, dtype=np.float64)


def mains_hz(signal_uv: npt.NDArray[np.float32], rate_hz: float) -> float:
    """The mains' frequency in the first minute: 50 or 60 Hz, whichever stands out more, 0 if neither does by 6 dB."""
    begin = signal_uv[:, : round(_LISTEN_S * rate_hz)].astype(np.float64)
    length = min(round(_SPECTRUM_S * rate_hz), begin.shape[1])
    frequency_hz, power = welch(begin, rate_hz, window="hann", nperseg=length)
    middle = np.median(power, axis=0)
    stands_out = {mains: _over_neighbours(frequency_hz, middle, mains) for mains in MAINS_HZ}
    best = max(stands_out, key=lambda mains: stands_out[mains])
    return best if stands_out[best] >= _PEAK_OVER_NEIGHBOURS else 0.0


def _over_neighbours(frequency_hz: npt.NDArray[np.float64], power: npt.NDArray[np.float64], mains: float) -> float:
    """Largest power within 0.5 Hz of a frequency against the median from 2 to 5 Hz beside it."""
    apart = np.abs(frequency_hz - mains)
    near, around = power[apart <= 0.5], power[(apart >= 2) & (apart <= 5)]
    return float(near.max() / np.median(around)) if near.size and around.size and np.median(around) > 0 else 0.0
