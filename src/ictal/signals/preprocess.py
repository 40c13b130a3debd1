"""From µV as recorded to the numbers a model sees: resample, filter, limit, quantise.

Invariants: the past never depends on the future beyond `lookahead_s` (the filters are causal, the resampler's reach is
a fraction of a second), and no statistic of the whole recording is used: a live system computes the same numbers.
What the store keeps and what `preprocess` returns are the same to the last bit. Length follows one rule, `samples_out`.

Each channel starts in the filters' steady state at its first sample. A band-pass lets nothing of a constant through, so
this is exactly: subtract the first sample and start from rest. An electrode's offset therefore rings nowhere.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, iirnotch, sosfilt, tf2sos

from ictal.errors import InputError, check_setting
from ictal.recordings import montages
from ictal.signals import resampling
from ictal.signals.resampling import PASS_SHARE_MAX, Resampler, samples_out

__all__ = [
    "FULL_SCALE",
    "NUMERICS_VERSION",
    "PreprocessConfig",
    "Quantised",
    "lookahead_s",
    "preprocess",
    "quantised",
    "samples_out",
]

NUMERICS_VERSION = 1
"""Raised by whoever changes a number that this module or `resampling` computes; part of the signal store's key."""

FULL_SCALE = 32767
"""Largest stored value; its negative is the smallest, so that clipping is symmetric."""

_NOTCH_QUALITY = 30.0


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """What is done to a recording's signals before a model sees them; part of the signal store's key."""

    montage: str = "referential-19"
    """Which channels, and against what they are measured; see `recordings.montages`."""
    rate_hz: int = 256
    """Samples per second, whatever the recording has."""
    band_hz: tuple[float, float] = (0.5, 60.0)
    """Edges (-3 dB) of the causal Butterworth band-pass."""
    order: int = 3
    """Order of the band-pass at each edge: 6 dB per octave each."""
    notch_hz: float = 60.0
    """Frequency of the mains, taken out by a notch 1/30 of it wide; 0 for no notch."""
    clip_uv: float = 800.0
    """Amplitude that fills the store's int16; larger ones are limited to it, and counted."""

    def __post_init__(self) -> None:
        low, high = self.band_hz
        limit_hz = PASS_SHARE_MAX * self.rate_hz / 2
        montages.named(self.montage)
        check_setting(1 <= self.rate_hz <= 4096, "signals.rate_hz", self.rate_hz, "1 to 4096 Hz")
        check_setting(
            0 < low < high <= limit_hz,
            "signals.band_hz",
            self.band_hz,
            f"0 < low < high <= {limit_hz:.4g} Hz ({PASS_SHARE_MAX:g} of half the rate)",
        )
        check_setting(1 <= self.order <= 8, "signals.order", self.order, "1 to 8")
        check_setting(
            self.notch_hz == 0 or low < self.notch_hz < self.rate_hz / 2,
            "signals.notch_hz",
            self.notch_hz,
            "a frequency above the band's lower edge and below half the rate, or 0",
        )
        check_setting(0 < self.clip_uv < math.inf, "signals.clip_uv", self.clip_uv, "a positive amplitude")

    def canonical(self) -> str:
        """The settings as JSON with one spelling for equal settings (60 and 60.0 are one)."""
        fields = {
            "montage": self.montage,
            "rate_hz": int(self.rate_hz),
            "band_hz": [float(edge) for edge in self.band_hz],
            "order": int(self.order),
            "notch_hz": float(self.notch_hz),
            "clip_uv": float(self.clip_uv),
        }
        return json.dumps(fields, sort_keys=True)

    @property
    def uv_per_unit(self) -> float:
        """Microvolts of one step of the stored int16."""
        return self.clip_uv / FULL_SCALE


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantised:
    """A preprocessed recording as it is stored.

    Args:
        values: (channels, samples), from -32767 to 32767.
        scale_uv: Microvolts of one unit, for each channel.
        clipped: Number of samples of each channel that were beyond the scale and were limited to it.
    """

    values: npt.NDArray[np.int16]
    scale_uv: npt.NDArray[np.float32]
    clipped: npt.NDArray[np.int64]

    def to_uv(self) -> npt.NDArray[np.float32]:
        """The stored numbers in microvolts."""
        return np.multiply(self.values, self.scale_uv[:, None], dtype=np.float32)


def preprocess(
    signal_uv: npt.NDArray[np.float32], rate_in_hz: float, config: PreprocessConfig
) -> npt.NDArray[np.float32]:
    """The numbers that a model sees of a recording: (channels, samples_out) in µV, as the store would give them.

    Args:
        signal_uv: (channels, samples) of the montage's channels.
        rate_in_hz: Their rate.
        config: What to do.

    Raises:
        InputError: see `quantised`.
    """
    return quantised(signal_uv, rate_in_hz, config).to_uv()


def quantised(signal_uv: npt.NDArray[np.float32], rate_in_hz: float, config: PreprocessConfig) -> Quantised:
    """Resample, filter, limit and quantise every channel.

    Raises:
        InputError: if there is no sample (code `signal-empty`) or one is not finite (`signal-not-finite`), if the rate
            is too low for the band (`rate-too-low`) or has no small ratio to the configured one (`rate-ratio`).
    """
    resampler = _resampler(rate_in_hz, config)
    sos = _filters(config)
    samples = samples_out(signal_uv.shape[1], rate_in_hz, config.rate_hz)
    if samples == 0:
        raise _signal_fault("The recording is empty", f"{signal_uv.shape[1]} samples", "at least one", "signal-empty")
    values = np.empty((len(signal_uv), samples), dtype=np.int16)
    clipped = np.zeros(len(signal_uv), dtype=np.int64)
    for number, channel in enumerate(signal_uv):
        _check_finite(channel, number)
        filtered = sosfilt(sos, resampler(channel - channel[0]))
        clipped[number] = _quantise(filtered, config.uv_per_unit, values[number])
    scale_uv = np.full(len(signal_uv), config.uv_per_unit, dtype=np.float32)
    return Quantised(values=values, scale_uv=scale_uv, clipped=clipped)


def lookahead_s(rate_in_hz: float, config: PreprocessConfig) -> float:
    """Time after a sample until which the recording must be known to compute it; 0 where the rates are equal."""
    return _resampler(rate_in_hz, config).lookahead_s


def _resampler(rate_in_hz: float, config: PreprocessConfig) -> Resampler:
    return resampling.design(rate_in_hz, config.rate_hz, config.band_hz[1])


def _filters(config: PreprocessConfig) -> npt.NDArray[np.float64]:
    """Second-order sections of the band-pass and the notch: (sections, 6), float64 for their long memory."""
    band = butter(config.order, config.band_hz, btype="bandpass", fs=config.rate_hz, output="sos")
    if config.notch_hz == 0:
        return np.asarray(band, dtype=np.float64)
    notch = tf2sos(*iirnotch(config.notch_hz, _NOTCH_QUALITY, fs=config.rate_hz))
    return np.concatenate([band, notch], dtype=np.float64)


def _quantise(filtered_uv: npt.NDArray[np.float64], uv_per_unit: float, out: npt.NDArray[np.int16]) -> int:
    """Write a channel as int16; returns how many samples were beyond the scale. Uses up its input."""
    filtered_uv /= uv_per_unit
    units = np.rint(filtered_uv, out=filtered_uv)
    clipped = 0
    if max(units.max(), -units.min()) > FULL_SCALE:
        clipped = int(np.count_nonzero(np.abs(units) > FULL_SCALE))
        np.clip(units, -FULL_SCALE, FULL_SCALE, out=units)
    out[:] = units
    return clipped


def _check_finite(channel: npt.NDArray[np.float32], number: int) -> None:
    finite = np.isfinite(channel)
    if not finite.all():
        got = f"channel {number}, sample {int(np.argmin(finite))}: {channel[np.argmin(finite)]}"
        raise _signal_fault("The signal is not finite", got, "a number for every sample", "signal-not-finite")


def _signal_fault(what: str, got: str, expected: str, code: str) -> InputError:
    return InputError(
        what,
        where="the recording's signal",
        got=got,
        expected=expected,
        remedy="take the recording out of the corpus, or get its file anew",
        code=code,
    )
