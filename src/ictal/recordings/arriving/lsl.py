"""A stream of the Lab Streaming Layer, through mne-lsl: samples with the sender's time stamps.

A sender that is lost is waited for and taken up again; its stamps then say how long it was away. One with an id liblsl
would take up by itself, whatever its channels and its rate are by then: here they are looked at again. Samples that are
no numbers, as some amplifiers send for what they have lost, are lost. Source: labstreaminglayer.readthedocs.io, XDF
"EEG meta-data" for labels and units.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings.arriving.continuity import Arrived, Continuity
from ictal.recordings.channels import is_scalp
from ictal.recordings.edf import Header, Signal, signals_uv

if TYPE_CHECKING:
    from mne_lsl.lsl import StreamInlet
    from mne_lsl.lsl.stream_info import _BaseStreamInfo as Info

TOLERANCE_S = 0.1
"""By how much a stamp may be early or late: senders that stamp what has arrived jitter by some tens of ms."""
SETTLE_S = 1.0
"""How long others that may be meant are waited for, once one has answered."""
BUFFER_S = 60
"""What is kept of a stream while nobody takes it; more is lost, which its stamps then say."""

_UV = {
    "uv": 1.0,
    "μv": 1.0,
    "microvolts": 1.0,
    "microvolt": 1.0,
    "mv": 1e3,
    "millivolts": 1e3,
    "millivolt": 1e3,
    "v": 1e6,
    "volts": 1e6,
    "volt": 1e6,
}
_MOST_SAMPLES = 4096
_OPEN_S = 10.0  # how long a sender has to answer


def library() -> Any:
    """The module `mne_lsl.lsl`.

    Raises:
        InputError: if it is not installed (code `extra-missing`).
    """
    try:
        from mne_lsl import lsl  # noqa: PLC0415 - an extra, which loads liblsl
    except ImportError as error:
        raise InputError(
            "The Lab Streaming Layer cannot be used",
            where="lsl",
            got=str(error),
            expected="mne-lsl, which brings liblsl",
            remedy="pip install 'ictal[lsl]'",
            code="extra-missing",
        ) from error
    return lsl


class LslStream:
    """A stream that somebody sends.

    Args:
        name: Its name; empty for the only EEG stream that there is.
        unit: Unit of its EEG channels (uV, mV, V) where it states none; empty to insist that it does.
        patience_s: How long to look for it.

    Raises:
        InputError: if mne-lsl is not installed (code `extra-missing`), no stream or more than one is found
            (`stream-missing`, `stream-ambiguous`), or the stream has no steady rate, no channel names or no unit
            (`stream-unusable`).
    """

    def __init__(self, name: str = "", *, unit: str = "", patience_s: float = 10.0) -> None:
        self._unit = unit
        info = _only(_found(name, patience_s), name)
        self.name = info.name
        opened = _opened(info)
        if opened is None:
            raise _not_one([], name)
        self._inlet: StreamInlet | None = opened[0]
        self.header = _header(opened[1], unit)
        self._continuity = Continuity(self.header.signals[0].rate_hz, TOLERANCE_S)
        self._number = 0

    def take(self, labels: tuple[str, ...], wait_s: float) -> list[Arrived]:
        """Samples that have been sent since the last call; see `Source`. A stream is never over.

        Raises:
            InputError: if a sender that was lost comes back with other channels or another rate (`stream-changed`).
        """
        values, stamps_s = self._pull(wait_s)
        chosen = signals_uv(self.header, labels)
        signal_uv = values[:, [signal.first_sample for signal in chosen]].astype(np.float32)
        signal_uv *= np.array([signal.gain_uv for signal in chosen], dtype=np.float32)
        numbers = self._number + np.arange(len(signal_uv))
        self._number += len(signal_uv)
        usable = np.isfinite(signal_uv).all(axis=1)
        rows = np.ascontiguousarray(signal_uv[usable].T)
        pieces = self._continuity.divide(stamps_s[usable], numbers[usable])
        return [Arrived(signal_uv=rows[:, samples], gap=gap) for samples, gap in pieces]

    def close(self) -> None:
        """Leave the stream."""
        if self._inlet is not None:
            self._inlet.close_stream()

    def _pull(self, wait_s: float) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.float64]]:
        nothing = np.empty((0, len(self.header.signals)), dtype=np.float32), np.empty(0)
        if self._inlet is None and not self._found_again(wait_s):
            return nothing
        assert self._inlet is not None
        try:
            values, stamps_s = self._inlet.pull_chunk(timeout=0.0, max_samples=_MOST_SAMPLES)
        except RuntimeError:  # liblsl's "connection has been lost"
            self._inlet = None
            self._number += 1  # whatever the stamps of the next sender say, its samples do not follow
            return nothing
        if len(stamps_s) == 0:
            time.sleep(wait_s)
        return np.asarray(values), stamps_s

    def _found_again(self, wait_s: float) -> bool:
        found = _found(self.name, wait_s, settle=False)
        opened = _opened(_only(found, self.name)) if found else None
        if opened is None:
            return False
        inlet, header = opened[0], _header(opened[1], self._unit)
        if header != self.header:
            raise InputError(
                "The stream has come back as another one",
                where=self.header.path,
                got=_described(header),
                expected=_described(self.header),
                remedy="start `ictal detect` anew for this stream",
                code="stream-changed",
            )
        self._inlet = inlet
        return True


def _found(name: str, patience_s: float, *, settle: bool = True) -> list[Info]:
    """Streams of a name, or all EEG streams; where any may be meant, others are given time to answer."""
    resolve_streams = library().resolve_streams
    wanted = {"name": name} if name else {"stype": "EEG"}
    if not resolve_streams(timeout=patience_s, **wanted):
        return []
    return list(resolve_streams(timeout=SETTLE_S if settle else 0.1, minimum=1024, **wanted))


def _only(found: list[Info], name: str) -> Info:
    if len(found) == 1:
        return found[0]
    raise _not_one(found, name)


def _not_one(found: list[Info], name: str) -> InputError:
    wanted = f"an LSL stream named {name}" if name else "an LSL stream of type EEG"
    return InputError(
        "The stream is ambiguous" if found else "The stream is not there",
        where="--stream lsl",
        got=", ".join(sorted(info.name for info in found)) or "none",
        expected=wanted,
        remedy="name one with --stream lsl:NAME" if found else "start the sender, or try one with `ictal play lsl`",
        code="stream-ambiguous" if found else "stream-missing",
    )


def _opened(info: Info) -> tuple[StreamInlet, Info] | None:
    """A stream and all that it says of itself; None if it is gone before it could be asked."""
    inlet: StreamInlet = library().StreamInlet(info, max_buffered=BUFFER_S, recover=False)
    try:
        inlet.open_stream(timeout=_OPEN_S)
        return inlet, inlet.get_sinfo(timeout=_OPEN_S)
    except (RuntimeError, TimeoutError):
        return None


def _header(info: Info, unit: str) -> Header:
    names = info.get_channel_names() or []
    if info.sfreq <= 0 or info.dtype is str or len(names) != info.n_channels or None in names:
        got = f"{info.n_channels} channels at {info.sfreq:g} Hz, named {names or 'nothing'}"
        raise _unusable(info.name, got, "numbers at a steady rate, with a name for every channel", "mend the sender")
    units = info.get_channel_units() or [None] * info.n_channels
    signals = tuple(
        _signal(info, place, label, stated or unit)
        for place, (label, stated) in enumerate(zip(names, units, strict=True))
    )
    return Header(
        path=Path(f"lsl:{info.name}"),
        signals=signals,
        record_count=0,
        record_duration_s=1 / info.sfreq,
        duration_s=0.0,
        data_s=0.0,
        start=None,
        header_bytes=0,
        record_bytes=0,
        sample_bytes=0,
        notes=(),
    )


def _signal(info: Info, place: int, label: str, unit: str) -> Signal:
    """One channel; `first_sample` is its column."""
    gain_uv = _UV.get(unit.strip().casefold(), math.nan)
    if math.isnan(gain_uv) and is_scalp(label):
        got = f"channel {label} in {unit or 'no unit'}"
        raise _unusable(info.name, got, "a unit of voltage", "state it with --unit uV, mV or V, or mend the sender")
    return Signal(
        label=label,
        dimension="" if math.isnan(gain_uv) else "uV",
        prefiltering="",
        samples_per_record=1,
        rate_hz=float(info.sfreq),
        gain_uv=gain_uv,
        offset_uv=0.0,
        first_sample=place,
        digital_limits=(math.nan, math.nan),
    )


def _described(header: Header) -> str:
    return f"{', '.join(header.labels)} at {header.signals[0].rate_hz:g} Hz"


def _unusable(name: str, got: str, expected: str, remedy: str) -> InputError:
    what = "The stream cannot be used"
    return InputError(what, where=f"lsl:{name}", got=got, expected=expected, remedy=remedy, code="stream-unusable")
