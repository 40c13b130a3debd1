"""From µV as recorded to the numbers a model sees: resample, filter, scale, limit, quantise.

One path, `Preprocessor`, is fed a whole recording at once, a stream as it comes, or the surroundings of a window, and
gives equal numbers: the resampler reaches a fraction of a second, and what the filters remember is gone after
`halo_s`. With `phase = "causal"` the past never depends on the future beyond `lookahead_s`, and no statistic of the
whole recording is used: a live system computes the same numbers. Length follows one rule, `samples_out`.

Each channel starts in the filters' steady state at its first sample. A band-pass lets nothing of a constant through, so
this is exactly: subtract the first sample and start from rest. An electrode's offset therefore rings nowhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError, check_setting
from ictal.recordings import montages
from ictal.recordings.montages import MissingPolicy
from ictal.signals import filters, kernels, resampling, scaling
from ictal.signals.kernels import KernelName
from ictal.signals.recorded import Chunk, Recorded, first_uv
from ictal.signals.resampling import PASS_SHARE_MAX, Resampler, samples_out
from ictal.signals.room import Room
from ictal.signals.units import FULL_SCALE

__all__ = [
    "FULL_SCALE",
    "NUMERICS_VERSION",
    "PreprocessConfig",
    "Preprocessor",
    "Quantised",
    "halo_s",
    "lookahead_s",
    "preprocess",
    "quantised",
    "require_samples",
    "resolved",
    "samples_out",
    "window",
]

NUMERICS_VERSION = 2
"""Raised by whoever changes a number that this room computes; part of the signal store's key."""

_BLOCK_S = 10
_PIECE_SAMPLES = 4096  # what of a recording is filtered at once, so that it stays in the core's second cache


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """What is done to a recording's signals before a model sees them; part of the signal store's key."""

    montage: str = "referential-19"
    """Which channels, and against what they are measured; see `recordings.montages`."""
    missing: MissingPolicy = "error"
    """Electrodes that a recording lacks: `error` sets it aside, `interpolate` computes up to four of the 19 by splines,
    `mask` leaves the channels that need them at zero; see `recordings.montages`."""
    rate_hz: int = 256
    """Samples per second, whatever the recording has."""
    band_hz: tuple[float, float] = (0.5, 60.0)
    """Edges (-3 dB) of the Butterworth band-pass."""
    order: int = 3
    """Order of the band-pass at each edge: 6 dB per octave each."""
    notch_hz: float | Literal["auto"] = 60.0
    """Frequency of the mains, taken out by a notch 1/30 of it wide; 0 for no notch; `auto` for what stands out."""
    notch_harmonics: int = 1
    """How many multiples of the mains get a notch, the first included."""
    phase: Literal["causal", "zero"] = "causal"
    """`causal` delays, as live use must; `zero` filters forward and backward, which takes the whole recording."""
    scale: Literal["fixed", "running"] = "fixed"
    """`fixed` keeps µV; `running` brings each channel to a median amplitude of 10 µV, from its own last minute."""
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
        check_setting(1 <= self.notch_harmonics <= 40, "signals.notch_harmonics", self.notch_harmonics, "1 to 40")
        for mains_hz in filters.MAINS_HZ if self.notch_hz == "auto" else (self.notch_hz,):
            check_setting(
                mains_hz == 0 or low < mains_hz <= mains_hz * self.notch_harmonics < self.rate_hz / 2,
                "signals.notch_hz",
                self.notch_hz,
                "a frequency above the band's lower edge, with its harmonics below half the rate, or 0",
            )
        check_setting(0 < self.clip_uv < math.inf, "signals.clip_uv", self.clip_uv, "a positive amplitude")

    def canonical(self) -> str:
        """The settings as JSON with one spelling for equal settings (60 and 60.0 are one)."""
        fields = {
            "montage": self.montage,
            "missing": self.missing,
            "rate_hz": int(self.rate_hz),
            "band_hz": [float(edge) for edge in self.band_hz],
            "order": int(self.order),
            "notch_hz": self.notch_hz if self.notch_hz == "auto" else float(self.notch_hz),
            "notch_harmonics": int(self.notch_harmonics),
            "phase": self.phase,
            "scale": self.scale,
            "clip_uv": float(self.clip_uv),
        }
        return json.dumps(fields, sort_keys=True)

    @property
    def uv_per_unit(self) -> float:
        """Microvolts of one step of the stored int16."""
        return self.clip_uv / FULL_SCALE

    @property
    def notches_hz(self) -> tuple[float, ...]:
        """Frequencies that are taken out; `auto` has to be `resolved` first."""
        assert self.notch_hz != "auto"
        return tuple(self.notch_hz * n for n in range(1, self.notch_harmonics + 1)) if self.notch_hz else ()


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


def quantised(
    signal_uv: npt.NDArray[np.float32], rate_in_hz: float, config: PreprocessConfig, *, kernel: KernelName = "scipy"
) -> Quantised:
    """Resample, filter, scale, limit and quantise every channel of a whole recording.

    Raises:
        InputError: if there is no sample (code `signal-empty`) or one is not finite (`signal-not-finite`), if the rate
            is too low for the band (`rate-too-low`) or has no small ratio to the configured one (`rate-ratio`).
    """
    require_samples(signal_uv.shape[1], rate_in_hz, config)
    known = resolved(config, signal_uv, rate_in_hz)
    return Preprocessor(len(signal_uv), rate_in_hz, known, kernel=kernel).feed(signal_uv, last=True)


def require_samples(samples_in: int, rate_in_hz: float, config: PreprocessConfig) -> int:
    """Length of a recording after preprocessing.

    Raises:
        InputError: if it is 0 (code `signal-empty`).
    """
    samples = samples_out(samples_in, rate_in_hz, config.rate_hz)
    if samples == 0:
        raise _signal_fault("The recording is empty", f"{samples_in} samples", "at least one", "signal-empty")
    return samples


def resolved(config: PreprocessConfig, signal_uv: npt.NDArray[np.float32], rate_in_hz: float) -> PreprocessConfig:
    """The configuration with the mains' frequency named, listened for in the recording's first minute if need be."""
    if config.notch_hz != "auto":
        return config
    return replace(config, notch_hz=filters.mains_hz(signal_uv, rate_in_hz))


class Preprocessor:
    """Preprocessing as the recording comes in; whatever the chunks, the numbers are the same to one stored unit.

    Args:
        channels: Their number.
        rate_in_hz: Their rate.
        config: What to do; the mains' frequency has to be named.
        kernel: Which implementation of the filters; the numbers do not depend on it.
        first_sample: Where in the recording the first chunk begins, in samples of the configured rate; a multiple of
            the resampler's `up`. The running scale counts its blocks from the recording's beginning.
    """

    def __init__(
        self,
        channels: int,
        rate_in_hz: float,
        config: PreprocessConfig,
        *,
        kernel: KernelName = "scipy",
        first_sample: int = 0,
    ) -> None:
        check_setting(config.notch_hz != "auto", "signals.notch_hz", "auto", "50, 60 or 0: a stream is not known ahead")
        self.config = config
        self._rate_in_hz = rate_in_hz
        self._resampler = _resampler(rate_in_hz, config)
        self._kernel = kernels.named(kernel)
        self._sections = filters.sections(*_filter_settings(config))
        self._state = np.zeros((channels, len(self._sections), 2))
        self._scale = _running_scale(channels, config, first_sample)
        self._first = np.zeros((channels, 1), dtype=np.float32)
        self._tail = np.empty((channels, 0), dtype=np.float32)
        self._room, self._room_out = Room(np.float32), Room(np.float32)
        self._tail_start = self._received = self._given = 0

    def feed(self, chunk: Chunk, *, last: bool = False) -> Quantised:
        """Give the next samples, (channels, samples), and get those that are now known.

        Args:
            chunk: Any number of samples.
            last: Whether the recording ends with them.

        Raises:
            InputError: if one is not finite (code `signal-not-finite`), or there is more than one chunk although the
                filters are to have no delay (`config-value`).
        """
        whole = last and self._received == 0
        expected = "causal: filtering backward begins at the end of a recording that is known as a whole"
        check_setting(whole or self.config.phase == "causal", "signals.phase", self.config.phase, expected)
        if not isinstance(chunk, Recorded):
            _check_finite(chunk, self._received)
        if self._received == 0 and chunk.shape[1]:
            self._first = first_uv(chunk)
        resampled = self._resampled(chunk, last=last)
        values = np.empty(resampled.shape, dtype=np.int16)
        if self._scale is None and self.config.phase == "causal":
            uv = self.config.uv_per_unit
            clipped = self._kernel.units(resampled, self._sections, self._state, uv, values)
        else:
            clipped = self._in_pieces(resampled, values)
        scale_uv = np.full(len(values), self.config.uv_per_unit, dtype=np.float32)
        return Quantised(values=values, scale_uv=scale_uv, clipped=clipped)

    def _in_pieces(self, resampled: npt.NDArray[np.float32], values: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
        """Filter, scale and quantise; returns for each channel how many samples were beyond the full scale."""
        clipped = np.zeros(len(values), dtype=np.int64)
        begin = 0
        for piece in self._filtered(resampled):
            out = values[:, begin : begin + piece.shape[1]]
            clipped += self._kernel.quantise(piece, self.config.uv_per_unit, out)
            begin += piece.shape[1]
        return clipped

    def _filtered(self, resampled: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float64]]:
        """Pieces of the filtered and scaled signal, one after the other."""
        begin, both_ways = 0, None
        if self.config.phase == "zero":
            both_ways = filters.both_ways(resampled, self._sections, self._kernel)
        while begin < resampled.shape[1]:
            stop = begin + (_PIECE_SAMPLES if self._scale is None else min(_PIECE_SAMPLES, self._scale.room))
            if both_ways is None:
                piece = self._kernel.filtered(resampled[:, begin:stop], self._sections, self._state)
            else:
                piece = both_ways[:, begin:stop]
            yield piece if self._scale is None else self._scale(piece)
            begin = stop

    def _resampled(self, chunk: Chunk, *, last: bool) -> npt.NDArray[np.float32]:
        """Samples at the configured rate, less each channel's first one, as far as they are known."""
        resampler = self._resampler
        channels, added = chunk.shape
        self._received += added
        if resampler.up == resampler.down:
            return self._put(chunk, self._room(channels, added), 0)
        kept, samples = self._tail.shape[1], self._tail.shape[1] + added
        memory = self._room(channels, resampler.held_samples(samples))
        held = memory[:, resampler.reach_samples : resampler.reach_samples + samples]
        held[:, :kept] = self._tail
        self._put(chunk, memory, resampler.reach_samples + kept)
        stop = samples_out(self._received, self._rate_in_hz, self.config.rate_hz) if last else self._known()
        start, origin = self._given, self._tail_start // resampler.down * resampler.up
        known = np.empty((len(held), 0), dtype=np.float32)
        if stop > start:
            known = resampler.of_held(memory, samples, self._room_out)[:, start - origin : stop - origin]
            self._given = stop
        keep = max(self._given * resampler.down // resampler.up - resampler.reach_samples - 1, 0)
        keep -= keep % resampler.down
        self._tail, self._tail_start = held[:, keep - self._tail_start :].copy(), keep
        return known

    def _put(self, chunk: Chunk, memory: npt.NDArray[np.float32], column: int) -> npt.NDArray[np.float32]:
        """Microvolts less each channel's first one into memory, from a column on."""
        if isinstance(chunk, Recorded):
            self._kernel.less(chunk, self._first, memory, column)
        else:
            np.subtract(chunk, self._first, out=memory[:, column : column + chunk.shape[1]])
        return memory

    def _known(self) -> int:
        """How many samples depend on none that is still to come."""
        past = self._received - 1 - self._resampler.reach_samples
        return past * self._resampler.up // self._resampler.down + 1 if past >= 0 else 0


def window(
    read_uv: Callable[[int, int], npt.NDArray[np.float32]],
    samples_in: int,
    rate_in_hz: float,
    config: PreprocessConfig,
    span: tuple[int, int],
) -> Quantised:
    """One window of a recording, from its surroundings alone: what the whole recording has there, to one unit.

    Args:
        read_uv: Gives the recording's samples `[start, stop)` in µV: (channels, samples).
        samples_in: Length of the recording.
        rate_in_hz: Its rate.
        config: What to do; the mains' frequency has to be named.
        span: `[start, stop)` in samples of the configured rate, inside the recording.

    Returns:
        The window; `clipped` counts in the surroundings too.
    """
    start, stop = span
    total = samples_out(samples_in, rate_in_hz, config.rate_hz)
    assert 0 <= start <= stop <= total, (span, total)
    resampler = _resampler(rate_in_hz, config)
    before_s, after_s = halo_s(rate_in_hz, config)
    first = max(math.floor((start / config.rate_hz - before_s) * rate_in_hz), 0)
    first -= first % resampler.down
    end = min(math.ceil((stop / config.rate_hz + after_s) * rate_in_hz) + 1, samples_in)
    first_sample = first // resampler.down * resampler.up
    segment = read_uv(first, end)
    whole = Preprocessor(len(segment), rate_in_hz, config, first_sample=first_sample).feed(segment, last=True)
    return replace(whole, values=whole.values[:, start - first_sample : stop - first_sample])


def halo_s(rate_in_hz: float, config: PreprocessConfig) -> tuple[float, float]:
    """How much of a recording before and after a window decides its numbers, in seconds."""
    reach_s = lookahead_s(rate_in_hz, config)
    ringing_s = filters.ringing_s(*_filter_settings(config))
    memory_s = scaling.MEMORY_BLOCKS * _BLOCK_S if config.scale == "running" else 0
    return ringing_s + reach_s + memory_s, reach_s + (ringing_s if config.phase == "zero" else 0.0)


def lookahead_s(rate_in_hz: float, config: PreprocessConfig) -> float:
    """Time that the resampler looks ahead: a causal sample is computed when so much more is known."""
    return _resampler(rate_in_hz, config).lookahead_s


def _resampler(rate_in_hz: float, config: PreprocessConfig) -> Resampler:
    return resampling.design(rate_in_hz, config.rate_hz, config.band_hz[1])


def _filter_settings(config: PreprocessConfig) -> tuple[int, tuple[float, float], int, tuple[float, ...]]:
    return config.rate_hz, config.band_hz, config.order, config.notches_hz


def _running_scale(channels: int, config: PreprocessConfig, first_sample: int) -> scaling.RunningScale | None:
    if config.scale == "fixed":
        return None
    return scaling.RunningScale(channels, _BLOCK_S * config.rate_hz, first_sample=first_sample)


def _check_finite(chunk_uv: npt.NDArray[np.float32], first: int) -> None:
    finite = np.isfinite(chunk_uv)
    if not finite.all():
        channel, place = np.argwhere(~finite)[0]
        got = f"channel {channel}, sample {first + place}: {chunk_uv[channel, place]}"
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
