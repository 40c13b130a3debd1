"""How a recording is looked at: a montage through filters, and any span of it read from the EDF alone.

Invariant: a span shows the same numbers wherever the page begins. The filters run forward from far enough before the
span that less than a billionth of their state is left of what lay there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError, check_setting
from ictal.recordings import montages
from ictal.recordings.channels import reference
from ictal.recordings.edf import Header, Signal, read_uv
from ictal.recordings.montages import Derivation, Validity
from ictal.signals import filters
from ictal.signals.kernels import Scipy
from ictal.signals.source import derived

RECORDED = "recorded"
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "double-banana-18": "Double banana",
        "referential-19": "Referential",
        "average-19": "Average reference",
        "laplacian-19": "Laplacian",
        "tcp-ar-22": "TCP, 22 pairs",
        "tcp-ar-a-20": "TCP, 20 pairs",
        RECORDED: "As recorded",
    }
)
"""Montages in the order they are offered, and what people call them."""
ORDER = 2
"""Of the display filters: 12 dB per octave at each edge."""
_LOWEST_HZ = 0.05
LONGEST_RINGING_S = 120.0
"""How far back filters may remember: so much is read before every span."""
_STATE_PER_SECTION = 2


@dataclass(frozen=True, kw_only=True)
class View:
    """A montage and the filters before it.

    Args:
        montage: One of `TITLES`.
        low_hz: Lower edge (-3 dB); 0 for none.
        high_hz: Upper edge (-3 dB); infinity for none.
        notch_hz: Frequency that is taken out; 0 for none.
    """

    montage: str
    low_hz: float = 0.0
    high_hz: float = math.inf
    notch_hz: float = 0.0

    def __post_init__(self) -> None:
        check_setting(self.montage in TITLES, "montage", self.montage, ", ".join(TITLES))
        low = self.low_hz == 0 or _LOWEST_HZ <= self.low_hz < math.inf
        check_setting(low, "low_hz", self.low_hz, f"0 for none, or {_LOWEST_HZ} Hz and above")
        high = self.low_hz < self.high_hz and self.high_hz >= _LOWEST_HZ
        check_setting(high, "high_hz", self.high_hz, f"a frequency above the lower edge, from {_LOWEST_HZ} Hz")
        notch = self.notch_hz == 0 or _LOWEST_HZ <= self.notch_hz < math.inf
        check_setting(notch, "notch_hz", self.notch_hz, f"0 for none, or {_LOWEST_HZ} Hz and above")


@dataclass(frozen=True, kw_only=True, eq=False)
class Eeg:
    """One recording through one view.

    Args:
        header: Of the EDF.
        derivation: Its channels.
        sections: Of the filters.
        halo_samples: How far back the filters remember.
        keeps_constant: Whether the filters let a constant through.
    """

    header: Header
    derivation: Derivation
    sections: npt.NDArray[np.float64]
    halo_samples: int
    keeps_constant: bool

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        return self.derivation.rate_hz

    @property
    def samples(self) -> int:
        """Length of the recording."""
        return self.header.record_count * self._samples_per_record

    @property
    def _samples_per_record(self) -> int:
        return round(self.rate_hz * self.header.record_duration_s)

    def read_uv(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Samples `[start, stop)` of every channel in µV: (channels, samples).

        Raises:
            InputError: as `edf.read_uv`.
        """
        assert 0 <= start <= stop <= self.samples, (start, stop, self.samples)
        begin, per_record = max(0, start - self.halo_samples), self._samples_per_record
        first, last = begin // per_record, -(-stop // per_record)
        recorded = read_uv(self.header, self.derivation.labels, first, last)
        signal = derived(self.derivation, recorded)[:, begin - first * per_record : stop - first * per_record]
        return self._filtered(signal)[:, start - begin :]

    def _filtered(self, signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Through the filters, from their steady state at the first sample."""
        if not len(self.sections) or not signal.shape[1]:
            return signal
        begin = signal[:, :1]
        state = np.zeros((len(signal), len(self.sections), _STATE_PER_SECTION))
        out = Scipy().filtered(signal - begin, self.sections, state)
        return (out + begin if self.keeps_constant else out).astype(np.float32)


def look(header: Header, view: View) -> Eeg:
    """Open a recording through a view; reads nothing of the signal.

    Raises:
        InputError: if the recording cannot be brought to the montage (see `montages.derive`), or a filter lies at or
            above half its rate, or is so narrow that it rings for over `LONGEST_RINGING_S` (code `config-value`).
    """
    derivation = derivation_of(header, view.montage)
    half_hz = derivation.rate_hz / 2
    for key, edge_hz in (("low_hz", view.low_hz), ("notch_hz", view.notch_hz), ("high_hz", view.high_hz)):
        fits = edge_hz < half_hz or (key == "high_hz" and math.isinf(edge_hz))
        check_setting(fits, key, edge_hz, f"below {half_hz:g} Hz, half the recording's rate")
    notches_hz = (view.notch_hz,) if view.notch_hz else ()
    settings = derivation.rate_hz, (view.low_hz, view.high_hz), ORDER, notches_hz
    ringing_s = filters.ringing_s(*settings)
    expected = f"filters that ring for at most {LONGEST_RINGING_S:g} s"
    check_setting(ringing_s <= LONGEST_RINGING_S, "low_hz, high_hz, notch_hz", f"{ringing_s:.0f} s", expected)
    return Eeg(
        header=header,
        derivation=derivation,
        sections=filters.sections(*settings),
        halo_samples=math.ceil(ringing_s * derivation.rate_hz),
        keeps_constant=view.low_hz == 0,
    )


def offered(header: Header) -> tuple[tuple[str, Derivation], ...]:
    """Montages that a recording can be shown in, those of the 10-20 system first.

    One that lacks electrodes is offered with the channels that it has if these are at least half of it; TCP montages
    only if they lack none.
    """
    found = []
    for name in TITLES:
        if name.startswith("tcp-") and montages.missing(montages.named(name), header):
            continue
        try:
            derivation = derivation_of(header, name)
        except InputError:
            continue
        if 2 * derivation.validity.count("absent") <= len(derivation.validity):
            found.append((name, derivation))
    return tuple(found)


def derivation_of(header: Header, montage: str) -> Derivation:
    """How a montage comes about from a recording; what it lacks is absent, and said to be.

    Raises:
        InputError: if it has no channel at all.
    """
    if montage == RECORDED:
        return as_recorded(header)
    return montages.derive(montages.named(montage), header, policy="mask")


def as_recorded(header: Header) -> Derivation:
    """Every channel in volts as it is, of the rate that most of them have; of equal labels the first.

    Raises:
        InputError: if there is none (code `channel-missing`).
    """
    first: dict[str, Signal] = {}
    for signal in header.signals:
        if math.isfinite(signal.gain_uv):
            first.setdefault(signal.label, signal)
    if not first:
        raise InputError(
            "The recording has no channel in volts",
            where=header.path,
            got=", ".join(header.labels) or "no channel",
            expected="a channel in uV, mV or V",
            remedy="take the recording out of the folder",
            code="channel-missing",
        )
    rate_hz = Counter(signal.rate_hz for signal in first.values()).most_common(1)[0][0]
    labels = tuple(label for label, signal in first.items() if signal.rate_hz == rate_hz)
    references = {reference(label) for label in labels}
    measured: Validity = "measured"
    return Derivation(
        labels=labels,
        matrix=np.eye(len(labels), dtype=np.float32),
        channels=labels,
        rate_hz=rate_hz,
        validity=(measured,) * len(labels),
        interpolated=(),
        reference=references.pop() if len(references) == 1 else "",
    )
