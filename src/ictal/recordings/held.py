"""A recording that another program holds in memory: an array in µV, or an MNE `Raw`; MNE itself is not imported."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings.edf import Header, Signal

Read: TypeAlias = Callable[[Sequence[str], int, int], npt.NDArray[np.float32]]
"""Samples `[start, stop)` of some channels in µV: (channels, samples)."""
USUAL_UV = (0.1, 5_000.0)
"""Where the usual deflection of an EEG lies: below it are volts or millivolts, above it counts of a converter, or µV
that were called volts."""
_LOOKS, _LOOK_S = 16, 1.0
_UV_PER_V = 1e6
_NUMBERED = re.compile(r"(.+)-\d+")


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """A recording in memory.

    Args:
        header: What an EDF of it would say.
        read_uv: Its samples.
    """

    header: Header
    read_uv: Read


@runtime_checkable
class Raw(Protocol):
    """What is asked of an MNE `Raw`."""

    ch_names: Sequence[str]
    info: Mapping[str, Any]
    n_times: int

    def get_data(self, picks: Sequence[int], start: int, stop: int) -> npt.NDArray[np.float64]:
        """Samples in volts: (channels, samples)."""

    def get_channel_types(self) -> Sequence[str]:
        """Kind of each channel."""


def from_array(signal_uv: npt.NDArray[Any], rate_hz: float, channels: Sequence[str]) -> Held:
    """A recording from numbers.

    Args:
        signal_uv: (channels, samples) in µV.
        rate_hz: Samples per second.
        channels: Name of each channel, as an EDF would have it.

    Raises:
        InputError: codes `array-shape` (not one row of numbers for each name), `array-rate`, `array-unit` (deflections
            that are no EEG's in µV, see `USUAL_UV`).
    """
    names = tuple(channels)
    if signal_uv.ndim != 2 or len(signal_uv) != len(names) or signal_uv.dtype.kind not in "fiu":
        got = f"{signal_uv.dtype} of shape {signal_uv.shape} and {len(names)} names"
        turned = ": turn it round, signal_uv.T" if signal_uv.shape[1:] == (len(names),) else ""
        expected = f"numbers (channels, samples) and a name for each{turned}"
        raise _fault("The array is no recording", got, expected, "array-shape")
    if not isinstance(rate_hz, Real) or not 0 < rate_hz < math.inf:
        raise _fault("The array has no rate", repr(rate_hz), "samples per second", "array-rate")
    row = {name: number for number, name in reversed(list(enumerate(names)))}

    def read(labels: Sequence[str], start: int, stop: int) -> npt.NDArray[np.float32]:
        return signal_uv[[row[label] for label in labels], start:stop].astype(np.float32)

    header = _header("array", names, float(rate_hz), signal_uv.shape[1], start=None)
    return _in_uv(Held(header=header, read_uv=read), "µV: volts times a million, millivolts times a thousand")


def from_mne(raw: Raw) -> Held:
    """A recording from an MNE `Raw`: its EEG channels that are not marked as bad, from its first sample on.

    Numbers that MNE adds to names that come twice (`T8-P8-0`) are taken off again.

    Raises:
        InputError: codes `array-shape` (no such channel) and `array-unit` (see `from_array`).
    """
    bad, kinds = set(raw.info["bads"]), raw.get_channel_types()
    picks = [n for n, name in enumerate(raw.ch_names) if kinds[n] == "eeg" and name not in bad]
    if not picks:
        got = f"{len(kinds)} channels: {', '.join(sorted(set(kinds)))}; marked as bad: {', '.join(bad) or 'none'}"
        raise _fault("The Raw has no EEG", got, "channels of type eeg that are not marked as bad", "array-shape")
    names = _without_numbers([raw.ch_names[pick] for pick in picks])
    pick_of = {name: pick for pick, name in reversed(list(zip(picks, names, strict=True)))}

    def read(labels: Sequence[str], start: int, stop: int) -> npt.NDArray[np.float32]:
        volts = raw.get_data([pick_of[label] for label in labels], start, stop)
        return (volts * _UV_PER_V).astype(np.float32)

    rate_hz, start = float(raw.info["sfreq"]), raw.info["meas_date"]
    header = _header("mne.io.Raw", names, rate_hz, raw.n_times, start=start)
    return _in_uv(Held(header=header, read_uv=read), "volts, as MNE has them: µV times 1e-6")


def _in_uv(held: Held, expected: str) -> Held:
    """The recording, if its usual deflection can be an EEG's; one that is flat, or no number, is left to others.

    The deflection is the median distance from the median, within some seconds all over the recording: no offset, drift
    or artefact decides.
    """
    samples = held.header.record_count
    labels, long = held.header.labels, min(samples, math.ceil(_LOOK_S * held.header.signals[0].rate_hz))
    if samples == 0:
        return held
    looks = [held.read_uv(labels, int(at), int(at) + long) for at in np.linspace(0, samples - long, _LOOKS)]
    usual = np.median([np.abs(look - np.median(look, axis=1, keepdims=True)) for look in looks], axis=(0, 2))
    moving = usual[usual > 0]
    if len(moving) and not USUAL_UV[0] <= (typical := float(np.median(moving))) <= USUAL_UV[1]:
        got = f"usual deflections of {typical:.2g} µV"
        raise _fault("The recording is in another unit", got, expected, "array-unit")
    return held


def _without_numbers(names: Sequence[str]) -> tuple[str, ...]:
    bases = {name: found[1] for name in names if (found := _NUMBERED.fullmatch(name))}
    repeated = Counter(bases.values())
    return tuple(bases[name] if name in bases and repeated[bases[name]] > 1 else name for name in names)


def _header(where: str, names: tuple[str, ...], rate_hz: float, samples: int, *, start: dt.datetime | None) -> Header:
    signals = tuple(
        Signal(
            label=name,
            dimension="uV",
            prefiltering="",
            samples_per_record=1,
            rate_hz=rate_hz,
            gain_uv=1.0,
            offset_uv=0.0,
            first_sample=number,
            digital_limits=(math.nan, math.nan),
        )
        for number, name in enumerate(names)
    )
    return Header(
        path=Path(where),
        signals=signals,
        record_count=samples,
        record_duration_s=1 / rate_hz,
        duration_s=samples / rate_hz,
        data_s=samples / rate_hz,
        start=None if start is None else start.replace(tzinfo=None),
        header_bytes=0,
        record_bytes=0,
        sample_bytes=0,
        notes=(),
    )


def _fault(what: str, got: object, expected: str, code: str) -> InputError:
    return InputError(
        what,
        where="the recording given to detect()",
        got=got,
        expected=expected,
        remedy="give detect(signal_uv, rate_hz=..., channels=[...]), an MNE Raw, or the path of an EDF",
        code=code,
    )
