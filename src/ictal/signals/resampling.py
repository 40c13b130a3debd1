"""Rational resampling by a linear-phase FIR low-pass, computed as matrix products.

Invariants: output sample n stands for the time n / rate_out exactly (the filter's delay is taken out); a constant stays
that constant (the gain at 0 Hz is exactly 1 at every output phase, so an electrode's offset leaves no tone behind);
nothing later than `Resampler.lookahead_s` after a sample has any influence on it.

Every `up` outputs the filter's phases repeat, `down` inputs further on, so one matrix turns each row of inputs into
the same few outputs of that row. A product of matrices is many times faster than one dot product for each sample.

Source: Crochiere & Rabiner 1983, Multirate Digital Signal Processing, ch. 4; Kaiser 1974 for the window.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import firwin, kaiser_beta

from ictal.errors import InputError
from ictal.signals.room import Room

ATTENUATION_DB = 100.0
PASS_SHARE = 0.6
"""Share of the lower Nyquist frequency that the filter passes untouched, if the band asked for needs no more."""
PASS_SHARE_MAX = 0.95
"""Above this share the filter would grow without bound."""

_MAX_FACTOR = 2000
_RATE_DENOMINATOR = 1000
_GROUP_SAMPLES = 32  # outputs of one product: fewer are slower for each, more multiply by more zeros
_ONE_THREAD_PRODUCTS = 1 << 18  # up to so many multiplications OpenBLAS stays on one core; `prepare` fills the others


def samples_out(samples_in: int, rate_in_hz: float, rate_out_hz: float) -> int:
    """Length of a recording after resampling: the nearest whole sample, halves up, exact for every rate.

    Raises:
        InputError: if the rates have no small ratio (code `rate-ratio`).
    """
    up, down = ratio(rate_in_hz, rate_out_hz)
    return (2 * samples_in * up + down) // (2 * down)


def ratio(rate_in_hz: float, rate_out_hz: float) -> tuple[int, int]:
    """Smallest whole numbers (up, down) with rate_out = rate_in * up / down.

    Raises:
        InputError: if a rate is no positive fraction of small numbers, or a factor is too large (code `rate-ratio`).
    """
    factor = _exact_rate(rate_out_hz) / _exact_rate(rate_in_hz)
    if max(factor.numerator, factor.denominator) > _MAX_FACTOR:
        raise _rate_fault(f"{rate_in_hz} Hz to {rate_out_hz} Hz is {factor.numerator}/{factor.denominator}")
    return factor.numerator, factor.denominator


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Neighbouring outputs of every row.

    Args:
        first_input: Where in a row (which begins `reach_samples` before its own first input) their inputs begin.
        first_output: Where in a row of outputs they lie.
        matrix: What each input adds to each output: (inputs, outputs).
    """

    first_input: int
    first_output: int
    matrix: npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Resampler:
    """A designed filter, laid out as matrices.

    Args:
        up: Factor of interpolation.
        down: Factor of decimation.
        reach_samples: Inputs on either side of an output's time that the output depends on.
        row_samples: Inputs of one row, a multiple of `down`.
        groups: How a row's outputs come about.
        lookahead_s: How much of the future an output depends on.
    """

    up: int
    down: int
    reach_samples: int
    row_samples: int
    groups: tuple[Group, ...]
    lookahead_s: float

    def __call__(self, signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Resample (channels, samples); outside, a channel is taken to hold its first and last value."""
        if self.up == self.down:
            return signal
        samples = signal.shape[1]
        held = np.empty((len(signal), self.held_samples(samples)), dtype=np.float32)
        held[:, self.reach_samples : self.reach_samples + samples] = signal
        return self.of_held(held, samples, Room(np.float32))

    def held_samples(self, samples: int) -> int:
        """Length of the memory in which so many samples are resampled: whole rows, and one after them."""
        return (self._rows(samples)[1] + 1) * self.row_samples

    def of_held(self, held: npt.NDArray[np.float32], samples: int, room: Room[np.float32]) -> npt.NDArray[np.float32]:
        """Resample what stands in such memory from `reach_samples` on; what is beside it is overwritten.

        Args:
            held: (channels, `held_samples(samples)`).
            samples: How many, at least one.
            room: Where the result is put.
        """
        end = self.reach_samples + samples
        held[:, : self.reach_samples] = held[:, self.reach_samples, None]
        held[:, end:] = held[:, end - 1, None]
        length, count = self._rows(samples)
        out = room(len(held), count, self.row_samples // self.down * self.up)
        self._product(held, out)
        return out.reshape(len(held), -1)[:, :length]

    def _rows(self, samples: int) -> tuple[int, int]:
        """How many outputs so many inputs give, and how many rows hold them."""
        length = (2 * samples * self.up + self.down) // (2 * self.down)
        return length, max(1, -(-length // (self.row_samples // self.down * self.up)))

    def _product(self, held: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
        count = out.shape[1]
        for group in self.groups:
            inputs, outputs = group.matrix.shape
            rows = sliding_window_view(held[:, group.first_input :], inputs, axis=1)[:, :: self.row_samples]
            columns = slice(group.first_output, group.first_output + outputs)
            step = max(1, _ONE_THREAD_PRODUCTS // group.matrix.size)
            for first in range(0, count, step):
                stop = min(first + step, count)
                np.matmul(rows[:, first:stop], group.matrix, out=out[:, first:stop, columns])


@functools.lru_cache(maxsize=16)
def design(rate_in_hz: float, rate_out_hz: float, pass_hz: float) -> Resampler:
    """The resampler between two rates that passes everything up to `pass_hz` and lets nothing alias.

    Raises:
        InputError: if a rate is too low to hold `pass_hz` (code `rate-too-low`), or see `ratio`.
    """
    up, down = ratio(rate_in_hz, rate_out_hz)
    nyquist_hz = min(rate_in_hz, rate_out_hz) / 2
    if pass_hz > PASS_SHARE_MAX * nyquist_hz:
        raise InputError(
            "The sampling rate is too low for the band asked for",
            where="signals.band_hz",
            got=f"{rate_in_hz:g} Hz in the recording, {rate_out_hz:g} Hz in the store",
            expected=f"both at least {2 * pass_hz / PASS_SHARE_MAX:.1f} Hz for a band up to {pass_hz:g} Hz",
            remedy="lower the upper edge of signals.band_hz, or take the recording out of the corpus",
            code="rate-too-low",
        )
    taps = _taps(up, rate_in_hz, max(pass_hz, PASS_SHARE * nyquist_hz), nyquist_hz)
    reach = -(-(len(taps) // 2) // up)
    groups = _groups(taps, up, down, reach)
    return Resampler(
        up=up,
        down=down,
        reach_samples=reach,
        row_samples=_periods(up, down, reach) * down,
        groups=groups,
        lookahead_s=reach / rate_in_hz if up != down else 0.0,
    )


def _taps(up: int, rate_in_hz: float, pass_hz: float, stop_hz: float) -> npt.NDArray[np.float64]:
    """Odd number of taps at the rate up * rate_in, each output phase with gain 1 at 0 Hz."""
    rate_hz = up * rate_in_hz
    # Kaiser's formula for the number of taps at this attenuation and width of the transition.
    half = int(np.ceil((ATTENUATION_DB - 7.95) / 14.36 * rate_hz / (stop_hz - pass_hz) / 2))
    window = ("kaiser", float(kaiser_beta(ATTENUATION_DB)))
    taps = np.asarray(firwin(2 * half + 1, (pass_hz + stop_hz) / 2, window=window, fs=rate_hz), dtype=np.float64)
    for phase in range(up):
        taps[phase::up] /= taps[phase::up].sum()
    return taps


def _periods(up: int, down: int, reach: int) -> int:
    """Periods of the phases in one row: so many that a group's inputs are no more than a row."""
    return -(-(_GROUP_SAMPLES * down // up + 2 * reach + 2) // down)


def _groups(taps: npt.NDArray[np.float64], up: int, down: int, reach: int) -> tuple[Group, ...]:
    groups = []
    outputs = _periods(up, down, reach) * up
    for first in range(0, outputs, _GROUP_SAMPLES):
        stop = min(first + _GROUP_SAMPLES, outputs)
        begin, end = first * down // up, -(-(stop - 1) * down // up) + 2 * reach + 1
        row, column = np.arange(begin, end)[:, None], np.arange(first, stop)[None, :]
        place = len(taps) // 2 + column * down - (row - reach) * up
        inside = (place >= 0) & (place < len(taps))
        matrix = np.where(inside, taps[np.where(inside, place, 0)], 0.0).astype(np.float32)
        groups.append(Group(first_input=begin, first_output=first, matrix=np.ascontiguousarray(matrix)))
    return tuple(groups)


def _exact_rate(rate_hz: float) -> Fraction:
    """A rate as the fraction that it was before it became a float (samples in a record over seconds in a record)."""
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise _rate_fault(f"{rate_hz} Hz")
    exact = Fraction(rate_hz).limit_denominator(_RATE_DENOMINATOR)
    if abs(exact - Fraction(rate_hz)) > Fraction(rate_hz) / 10**12:
        raise _rate_fault(f"{rate_hz!r} Hz")
    return exact


def _rate_fault(got: str) -> InputError:
    return InputError(
        "The sampling rate cannot be converted exactly",
        where="sampling rate",
        got=got,
        expected=f"rates whose ratio is a fraction of whole numbers up to {_MAX_FACTOR}",
        remedy="take the recording out of the corpus, or choose another signals.rate_hz",
        code="rate-ratio",
    )
