"""EDF, EDF+ and BDF: a header decoded strictly where a mistake would move time or change amplitude; samples in µV.

Invariants: the data bytes are as many as the header says; a value is `gain_uv * digital + offset_uv`; record r of the
file begins at exactly `r * record_duration_s`. Nothing is repaired: what breaks an invariant is refused with a code
that starts with `edf-`; what is merely odd (a date with colons) is noted. Text may hold any byte. A recording with gaps
in time (EDF+D, or EDF+C that is none) is refused with a list of them; one that is marked so and has none is read.

Sources: Kemp et al. 1992 (EDF), Kemp & Olivan 2003 (EDF+), BioSemi (BDF: 24 bits, else as EDF).
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings.channels import is_scalp
from ictal.recordings.timekeeping import Timekeeper, delay_s, gaps_of

_FIXED_BYTES = 256
_SIGNAL_BYTES = 256
_VERSIONS = {b"0".ljust(8): 2, b"\xffBIOSEMI": 3}  # bytes of one sample
_PLUS = {b"EDF+C": "C", b"EDF+D": "D", b"BDF+C": "C", b"BDF+D": "D"}  # continuous, discontinuous
_ANNOTATIONS = {"edf annotations", "bdf annotations"}
_BLOCK_BYTES = 2 << 20  # what is read at once stays in the second cache of most cores; more, or less, reads slower
_EXCESS_S = 1.0
_GREATEST_UV = 1_000_000_000  # a kilovolt: no amplifier records it, so the header is wrong about unit or range
_UV = {"uv": 1.0, "μv": 1.0, "mv": 1e3, "v": 1e6}  # casefold() turns the micro sign into the Greek mu of this key
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_FIELDS = (
    ("label", 16),
    ("transducer", 80),
    ("dimension", 8),
    ("physical_min", 8),
    ("physical_max", 8),
    ("digital_min", 8),
    ("digital_max", 8),
    ("prefiltering", 80),
    ("samples", 8),
    ("reserved", 32),
)


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One ordinary signal of an EDF.

    Args:
        label: As in the file, without padding.
        dimension: As in the file, without padding.
        prefiltering: As in the file, without padding.
        samples_per_record: Samples in one data record.
        rate_hz: Samples per second.
        gain_uv: µV per digital unit, negative where the file is calibrated upside down; NaN where it has no µV.
        offset_uv: µV at digital zero; NaN where the signal has no µV.
        first_sample: Its place in a data record, in samples.
        digital_limits: Lowest and highest digital value by the header; NaN where the header states no number.
    """

    label: str
    dimension: str
    prefiltering: str
    samples_per_record: int
    rate_hz: float
    gain_uv: float
    offset_uv: float
    first_sample: int
    digital_limits: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What an EDF says about itself.

    Args:
        path: The file.
        signals: Its ordinary signals in order; annotation signals are left out.
        record_count: Whole data records.
        record_duration_s: Length of one.
        duration_s: Length of the recording.
        data_s: Length of what the file holds after its header, a part of a data record included.
        start: When it started, by the recorder's clock; None where the file does not say.
        header_bytes: Where the first data record begins.
        record_bytes: Length of one data record, annotation signals included.
        sample_bytes: Of one sample: 2, or 3 in a BDF.
        notes: What is odd about the header and was read all the same.
    """

    path: Path
    signals: tuple[Signal, ...]
    record_count: int
    record_duration_s: float
    duration_s: float
    data_s: float
    start: dt.datetime | None
    header_bytes: int
    record_bytes: int
    sample_bytes: int
    notes: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the ordinary signals, in order."""
        return tuple(signal.label for signal in self.signals)


def read_header(path: Path) -> Header:
    """Decode the header of an EDF, EDF+ or BDF file and check it against the file's size.

    Raises:
        InputError: codes `edf-unreadable` (no EDF, or a field that is no number), `edf-truncated` (fewer data bytes
            than the header says), `edf-excess` (over 1 s more), `edf-discontinuous` (EDF+D with gaps, or without the
            times of its data records; EDF+C whose last one is over 1 s late or early), `edf-calibration` (a scalp
            channel in volts whose digital or physical range is empty, no number or impossible).
    """
    path = Path(path)
    try:
        fixed, rows, data_bytes = _read_parts(path)
        record_bytes = _record_bytes(fixed, rows)
        record_count = _record_count(fixed, record_bytes, data_bytes)
        if fixed.plus:
            _check_gapless(fixed, rows, record_count)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _header(fixed, rows, record_count, data_bytes)


@dataclass(frozen=True, kw_only=True)
class Growing:
    """An EDF that is being written, as it is at one moment.

    Args:
        header: With the whole data records that there are; none, perhaps.
        stated_records: How many the header states; None while it states -1, as it does until the recorder is done.
        keeper: Where the times of its data records are; None in a file that is no EDF+.
    """

    header: Header
    stated_records: int | None
    keeper: Timekeeper | None


def read_growing(path: Path) -> Growing:
    """Decode the header of an EDF that is being written; its size is compared with nothing, its times are not read.

    Raises:
        InputError: codes `edf-unreadable`, `edf-truncated` (the header itself is not whole yet), `edf-calibration`,
            and `edf-discontinuous` for an EDF+D without the times of its data records.
    """
    path = Path(path)
    try:
        fixed, rows, data_bytes = _read_parts(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    records = data_bytes // _record_bytes(fixed, rows)
    return Growing(
        header=_header(fixed, rows, records, data_bytes),
        stated_records=None if fixed.records == -1 else fixed.records,
        keeper=_keeper(fixed, rows, records) if fixed.plus else None,
    )


def _read_parts(path: Path) -> tuple[_Fixed, tuple[_Row, ...], int]:
    """The two parts of the header, and the bytes after it."""
    with path.open("rb") as file:
        fixed = _read_fixed(path, file.read(_FIXED_BYTES))
        rows = _read_table(path, fixed.signal_count, file.read(_SIGNAL_BYTES * fixed.signal_count))
        return fixed, rows, os.fstat(file.fileno()).st_size - fixed.header_bytes


def _record_bytes(fixed: _Fixed, rows: tuple[_Row, ...]) -> int:
    return fixed.sample_bytes * sum(row.samples for row in rows)


def _header(fixed: _Fixed, rows: tuple[_Row, ...], record_count: int, data_bytes: int) -> Header:
    record_bytes = _record_bytes(fixed, rows)
    start, start_notes = _start(fixed.start)
    count_notes = ("the number of data records is -1; it was counted from the size",) if fixed.records == -1 else ()
    return Header(
        path=fixed.path,
        signals=_signals(fixed.path, rows, fixed.record_duration_s),
        record_count=record_count,
        record_duration_s=float(fixed.record_duration_s),
        duration_s=float(record_count * fixed.record_duration_s),
        data_s=float(data_bytes * fixed.record_duration_s / record_bytes),
        start=start,
        header_bytes=fixed.header_bytes,
        record_bytes=record_bytes,
        sample_bytes=fixed.sample_bytes,
        notes=(*start_notes, *count_notes),
    )


def signals_uv(header: Header, labels: Sequence[str]) -> tuple[Signal, ...]:
    """The signals of these labels, checked to be in µV and of one rate; of equal labels the first is meant.

    CHB-MIT has the label `T8-P8` twice with the same samples.

    Raises:
        InputError: codes `channel-missing`, `edf-dimension` (no voltage), `edf-calibration`, `channel-rate`.
    """
    first = {signal.label: signal for signal in reversed(header.signals)}
    missing = [label for label in labels if label not in first]
    if missing:
        raise InputError(
            f"The recording has no channel {', '.join(missing)}",
            where=header.path,
            got=", ".join(header.labels),
            expected=", ".join(labels),
            remedy="ask for channels that the recording has",
            code="channel-missing",
        )
    chosen = tuple(first[label] for label in labels)
    for signal in chosen:
        _check_uv(header, signal)
    _check_one_rate(header, chosen)
    return chosen


def fresh(*shape: int) -> npt.NDArray[np.float32]:
    """Memory that nobody else uses."""
    return np.empty(shape, dtype=np.float32)


def read_uv(
    header: Header,
    labels: Sequence[str],
    start_record: int = 0,
    stop_record: int | None = None,
    *,
    room: Callable[[int, int, int], npt.NDArray[np.float32]] = fresh,
) -> npt.NDArray[np.float32]:
    """Samples of these channels in µV, of the data records `[start_record, stop_record)`.

    Args:
        header: Of the file.
        labels: As in the file; all of one rate.
        start_record: First data record.
        stop_record: The data record after the last; None means to the end.
        room: Gives the memory for (channels, records, samples of a record).

    Returns:
        An array of shape (channels, samples).

    Raises:
        InputError: as `signals_uv` does, and `edf-truncated` if the file has become shorter.
    """
    chosen = signals_uv(header, labels)
    stop = header.record_count if stop_record is None else stop_record
    assert 0 <= start_record <= stop <= header.record_count, (start_record, stop, header.record_count)
    samples = chosen[0].samples_per_record if chosen else 0
    out = room(len(chosen), stop - start_record, samples)
    if out.size:
        done = 0
        for raw in data_records(header, start_record, stop):
            for row, signal in zip(out[:, done : done + len(raw)], chosen, strict=True):
                _scale(digital(header, signal, raw), signal, row)
            done += len(raw)
    return out.reshape(len(chosen), (stop - start_record) * samples)


def data_records(
    header: Header, start_record: int = 0, stop_record: int | None = None, *, at_once: int | None = None
) -> Iterator[npt.NDArray[np.uint8]]:
    """The data records `[start_record, stop_record)` as bytes: (records, record_bytes).

    Each block is read into the same memory: it holds until the next is asked for.

    Args:
        header: Of the file.
        start_record: First data record.
        stop_record: The data record after the last; None means to the end.
        at_once: Records of a block; None means two megabytes.

    Raises:
        InputError: if the file has become shorter (code `edf-truncated`) or cannot be read (`edf-unreadable`).
    """
    stop = header.record_count if stop_record is None else stop_record
    block = min(at_once or max(1, _BLOCK_BYTES // header.record_bytes), stop - start_record)
    buffer = np.empty((block, header.record_bytes), dtype=np.uint8)
    with _descriptor(header.path) as descriptor:
        for first in range(start_record, stop, max(block, 1)):
            raw = buffer[: stop - first]
            place = header.header_bytes + first * header.record_bytes
            if _filled(descriptor, raw.data.cast("B"), place) != raw.nbytes:
                got = f"the file ends before byte {place + raw.nbytes}"
                raise _fault(header.path, "The EDF is shorter than it was", got, "an unchanged file", "edf-truncated")
            yield raw


def _filled(descriptor: int, out: memoryview, place: int) -> int:
    """Fill memory from a place in a file; returns how many bytes there were. One read gives 2 GB at most."""
    done = 0
    while done < len(out) and (got := os.preadv(descriptor, [out[done:]], place + done)):
        done += got
    return done


@contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    """An open file; what the system says against reading it is an `InputError`."""
    descriptor = -1
    try:
        descriptor = os.open(path, os.O_RDONLY)
        yield descriptor
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def digital(header: Header, signal: Signal, raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.signedinteger]:
    """One signal's samples in some data records, as they are stored: (records, samples)."""
    first, stop = signal.first_sample, signal.first_sample + signal.samples_per_record
    if header.sample_bytes == 2:
        words: npt.NDArray[np.int16] = raw.view("<i2")
        return words[:, first:stop]
    low, middle, high = np.moveaxis(raw.reshape(len(raw), -1, 3)[:, first:stop], 2, 0)
    wide: npt.NDArray[np.int32] = high.view(np.int8).astype(np.int32) << 16 | middle.astype(np.int32) << 8 | low
    return wide


def _scale(own: npt.NDArray[np.signedinteger], signal: Signal, out: npt.NDArray[np.float32]) -> None:
    if own.dtype == np.int32:
        np.multiply(own, signal.gain_uv, out=out, casting="same_kind")  # 24 bits fill a float32: scale in float64
    else:
        out[...] = own
        out *= np.float32(signal.gain_uv)
    if signal.offset_uv:
        out += np.float32(signal.offset_uv)


@dataclass(frozen=True, kw_only=True)
class _Fixed:
    """The first 256 bytes, decoded."""

    path: Path
    start: str
    header_bytes: int
    records: int
    record_duration_s: Fraction
    signal_count: int
    sample_bytes: int
    plus: str


@dataclass(frozen=True, kw_only=True)
class _Row:
    """The header's 256 bytes about one signal, as text."""

    label: str
    dimension: str
    prefiltering: str
    ranges: tuple[str, str, str, str]
    samples: int


def _read_fixed(path: Path, raw: bytes) -> _Fixed:
    sample_bytes = _VERSIONS.get(raw[:8].replace(b"\0", b" "))
    if len(raw) < _FIXED_BYTES or sample_bytes is None:
        expected = "version 0, or 255 BIOSEMI, in the first 8 bytes"
        raise _fault(path, "The file is no EDF", repr(raw[:8]), expected, "edf-unreadable")
    fixed = _Fixed(
        path=path,
        start=f"{_text(raw[168:176])} {_text(raw[176:184])}",
        header_bytes=_integer(path, "number of header bytes", raw[184:192]),
        records=_integer(path, "number of data records", raw[236:244]),
        record_duration_s=_decimal(path, "duration of a data record", raw[244:252]),
        signal_count=_integer(path, "number of signals", raw[252:256]),
        sample_bytes=sample_bytes,
        plus=_PLUS.get(raw[192:197], ""),
    )
    _check_fixed(fixed)
    return fixed


def _check_fixed(fixed: _Fixed) -> None:
    expected_bytes = _FIXED_BYTES + _SIGNAL_BYTES * fixed.signal_count
    if fixed.signal_count < 1 or fixed.header_bytes != expected_bytes:
        got = f"{fixed.header_bytes} header bytes for {fixed.signal_count} signals"
        raise _fault(fixed.path, "The header's length is wrong", got, f"{expected_bytes} bytes", "edf-unreadable")
    if fixed.record_duration_s <= 0 or fixed.records < -1:
        got = f"{fixed.records} data records of {float(fixed.record_duration_s)} s"
        raise _fault(fixed.path, "The recording has no length", got, "a positive duration", "edf-unreadable")


def _read_table(path: Path, signal_count: int, raw: bytes) -> tuple[_Row, ...]:
    """The table of signals, which stores each field for all signals before the next field."""
    if len(raw) < _SIGNAL_BYTES * signal_count:
        got = f"{_FIXED_BYTES + len(raw)} bytes"
        expected = f"{_FIXED_BYTES + _SIGNAL_BYTES * signal_count} bytes of header"
        raise _fault(path, "The file ends inside its header", got, expected, "edf-truncated")
    columns: dict[str, list[bytes]] = {}
    place = 0
    for name, width in _FIELDS:
        columns[name] = [raw[place + i * width : place + (i + 1) * width] for i in range(signal_count)]
        place += width * signal_count
    rows = tuple(_row(path, {name: column[i] for name, column in columns.items()}) for i in range(signal_count))
    if min(row.samples for row in rows) < 0 or not any(row.samples for row in rows):
        got = ", ".join(str(row.samples) for row in rows)
        raise _fault(path, "The data records have no length", got, "samples in each signal", "edf-unreadable")
    return rows


def _row(path: Path, field: dict[str, bytes]) -> _Row:
    bounds = ("physical_min", "physical_max", "digital_min", "digital_max")
    physical_min, physical_max, digital_min, digital_max = (_text(field[name]) for name in bounds)
    return _Row(
        label=_text(field["label"]),
        dimension=_text(field["dimension"]),
        prefiltering=_text(field["prefiltering"]),
        ranges=(physical_min, physical_max, digital_min, digital_max),
        samples=_integer(path, "number of samples in a data record", field["samples"]),
    )


def _record_count(fixed: _Fixed, record_bytes: int, data_bytes: int) -> int:
    """Whole records that the header and the file's size agree on."""
    whole = data_bytes // record_bytes
    count = whole if fixed.records == -1 else fixed.records
    if count == 0:
        raise _fault(fixed.path, "The recording is empty", "no data records", "at least one", "edf-truncated")
    expected = f"{count} data records of {record_bytes} bytes, {count * record_bytes} bytes"
    got = f"{data_bytes} bytes of data, {data_bytes / record_bytes:.2f} records"
    if data_bytes < count * record_bytes:
        raise _fault(fixed.path, "The EDF is shorter than its header says", got, expected, "edf-truncated")
    if (whole - count) * fixed.record_duration_s > _EXCESS_S:
        raise _fault(fixed.path, "The EDF is longer than its header says", got, expected, "edf-excess")
    return count


def _is_annotation(row: _Row) -> bool:
    return row.label.casefold() in _ANNOTATIONS


def _check_gapless(fixed: _Fixed, rows: tuple[_Row, ...], record_count: int) -> None:
    """Accept EDF+ whose data records follow each other; others would move every event after the first gap.

    A file that says it is continuous is taken at its word if its last data record began when it should have.
    """
    keeper = _keeper(fixed, rows, record_count)
    if keeper is None:
        return
    if fixed.plus == "C" and abs(delay_s(keeper, fixed.record_duration_s)) <= _EXCESS_S:
        return
    gaps = gaps_of(keeper, fixed.record_duration_s)
    if gaps:
        shown = "; ".join(
            [*(f"{gap.stop_s:g} s to {gap.resume_s:g} s" for gap in gaps[:5]), *(["..."] * (len(gaps) > 5))]
        )
        got, expected = f"{len(gaps)} gap(s): {shown}", "data records that follow each other in time"
        raise _fault(fixed.path, "The recording has gaps in time", got, expected, "edf-discontinuous")


def _keeper(fixed: _Fixed, rows: tuple[_Row, ...], records: int) -> Timekeeper | None:
    """Where an EDF+ keeps its times; None if it says that it is continuous and keeps none."""
    places = itertools.accumulate((row.samples for row in rows), initial=0)
    first = next(((row, place) for row, place in zip(rows, places, strict=False) if _is_annotation(row)), None)
    if first is None and fixed.plus == "C":
        return None
    if first is None:
        raise _fault(fixed.path, "The recording has no times", "EDF+D", "EDF Annotations", "edf-discontinuous")
    return Timekeeper(
        path=fixed.path,
        first_byte=fixed.header_bytes + fixed.sample_bytes * first[1],
        stride_bytes=_record_bytes(fixed, rows),
        length_bytes=fixed.sample_bytes * first[0].samples,
        records=records,
    )


def _signals(path: Path, rows: tuple[_Row, ...], record_duration_s: Fraction) -> tuple[Signal, ...]:
    first_samples = itertools.accumulate((row.samples for row in rows), initial=0)
    placed = zip(rows, first_samples, strict=False)  # the place after the last row is left over
    ordinary = ((row, first) for row, first in placed if row.samples and not _is_annotation(row))
    rates_hz = {samples: float(samples / record_duration_s) for samples in {row.samples for row in rows}}
    return tuple(_signal(path, row, first, rates_hz[row.samples]) for row, first in ordinary)


def _signal(path: Path, row: _Row, first_sample: int, rate_hz: float) -> Signal:
    factor = _UV.get(row.dimension.replace(" ", "").casefold())
    calibration = None if factor is None else _calibration_uv(row.ranges, factor)
    if factor is not None and calibration is None and is_scalp(row.label):
        raise _uncalibrated(path, row.label, f"physical and digital range {row.ranges} in {row.dimension}")
    gain_uv, offset_uv = calibration or (math.nan, math.nan)
    return Signal(
        label=row.label,
        dimension=row.dimension,
        prefiltering=row.prefiltering,
        samples_per_record=row.samples,
        rate_hz=rate_hz,
        gain_uv=gain_uv,
        offset_uv=offset_uv,
        first_sample=first_sample,
        digital_limits=_limits(row.ranges[2:]),
    )


@functools.lru_cache(maxsize=4096)
def _limits(bounds: tuple[str, ...]) -> tuple[float, float]:
    """Bounds in ascending order; NaN for what is no number."""
    low, high = (math.nan if value is None else float(value) for value in map(_exact, bounds))
    return (low, high) if not low > high else (high, low)


@functools.lru_cache(maxsize=4096)
def _calibration_uv(ranges: tuple[str, ...], factor: float) -> tuple[float, float] | None:
    """Gain and offset in µV; None if there are none.

    That is so if a bound is no number, a digital one no whole number, a range empty, or the physical one impossible.
    """
    bounds = [value for text in ranges if (value := _exact(text)) is not None]
    if len(bounds) < len(ranges):
        return None
    physical_min, physical_max, digital_min, digital_max = bounds
    whole = digital_min.denominator == digital_max.denominator == 1
    possible = max(abs(physical_min), abs(physical_max)) * Fraction(factor) <= _GREATEST_UV
    if not (whole and possible) or physical_min == physical_max or digital_min == digital_max:
        return None
    gain = (physical_max - physical_min) / (digital_max - digital_min)
    return float(gain) * factor, float(physical_min - gain * digital_min) * factor


def _check_uv(header: Header, signal: Signal) -> None:
    if signal.dimension.replace(" ", "").casefold() not in _UV:
        what, got = f"The channel {signal.label} is no voltage", f"dimension {signal.dimension!r}"
        raise _fault(header.path, what, got, "uV, mV or V", "edf-dimension")
    if math.isnan(signal.gain_uv):
        raise _uncalibrated(header.path, signal.label, "a range that is empty, no number or beyond a kilovolt")


def _uncalibrated(path: Path, label: str, got: str) -> InputError:
    what = f"The channel {label} has no calibration"
    return _fault(path, what, got, "a physical and a digital range that an amplifier can have", "edf-calibration")


def _check_one_rate(header: Header, signals: tuple[Signal, ...]) -> None:
    rates = {signal.label: signal.rate_hz for signal in signals}
    if len(set(rates.values())) > 1:
        got = ", ".join(f"{label} {rate_hz:g} Hz" for label, rate_hz in rates.items())
        raise _fault(header.path, "The channels have different rates", got, "one rate", "channel-rate")


def _start(text: str) -> tuple[dt.datetime | None, tuple[str, ...]]:
    """Start by `dd.mm.yy hh.mm.ss`, years 85 to 99 of the last century; and what is odd about how it is written."""
    numbers = re.fullmatch(r"(\d\d)\D(\d\d)\D(\d\d) (\d\d)\D(\d\d)\D(\d\d)", text)
    nothing = None, (f"the start {text!r} is no date and time",)
    if numbers is None:
        return nothing
    day, month, year, hour, minute, second = map(int, numbers.groups())
    try:
        start = dt.datetime(year + (1900 if year >= 85 else 2000), month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return nothing
    odd = text != f"{start:%d.%m.%y %H.%M.%S}"
    return start, (f"the start {text!r} is not written with dots",) if odd else ()


@functools.lru_cache(maxsize=8192)
def _text(field: bytes) -> str:
    """A header field: ASCII by the standard, in practice also UTF-8, and else Latin-1, which reads any byte."""
    try:
        text = field.decode("utf-8")
    except UnicodeDecodeError:
        text = field.decode("latin-1")
    return text.strip(" \0")


def _integer(path: Path, what: str, field: bytes) -> int:
    value = _decimal(path, what, field)
    if value.denominator != 1:
        raise _fault(path, f"The {what} is no whole number", repr(_text(field)), "a whole number", "edf-unreadable")
    return int(value)


def _decimal(path: Path, what: str, field: bytes) -> Fraction:
    """The exact value of a number in a header field, so that rates and durations are not rounded on the way."""
    value = _exact(_text(field))
    if value is None:
        raise _fault(path, f"The {what} is no number", repr(_text(field)), "a decimal number", "edf-unreadable")
    return value


@functools.lru_cache(maxsize=4096)
def _exact(text: str) -> Fraction | None:
    return Fraction(text) if _NUMBER.fullmatch(text) else None


def _unreadable(path: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError | IsADirectoryError):
        return InputError(
            "There is no such file",
            where=path,
            got=error.strerror,
            expected="an EDF",
            remedy="check its path",
            code="edf-unreadable",
        )
    return _fault(path, "The EDF cannot be read", error.strerror, "a readable file", "edf-unreadable")


def _fault(path: Path, what: str, got: object, expected: object, code: str) -> InputError:
    remedy = "get the file anew from its source, or take the recording out of the corpus"
    return InputError(what, where=path, got=got, expected=expected, remedy=remedy, code=code)
