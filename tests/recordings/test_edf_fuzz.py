"""Bytes of EDF headers changed at random: the file is read, consistently, or refused; nothing else happens."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.channels import is_scalp
from ictal.recordings.flags import examined
from ictal.recordings.montages import MONTAGES, derive
from tests.reference.edf_bytes import Channel, constant, edf_bytes

TIMES = b"".join(text.ljust(16, b"\0") for text in (b"+0\x14\x14\0", b"+1\x14\x14\0"))
TIMED = Channel(label="EDF Annotations", samples=np.frombuffer(TIMES, dtype="<i2").reshape(2, 8).tolist())
SOUND = {
    "EDF": edf_bytes([constant("EEG FP1-REF"), constant("EEG F7-REF", samples=4), constant("EKG1", samples=2)]),
    "EDF+D": edf_bytes([constant("FP1-F7"), TIMED, constant("T8-P8"), constant("T8-P8")], reserved="EDF+D"),
    "BDF": edf_bytes([constant("A1", samples=3)], version=b"\xffBIOSEMI", reserved="24BIT")[:512] + bytes(18),
}
Result = TypeVar("Result")
FIELDS = [b"-1", b"0", b"-0", b"1e9", b"9E99", b"1E-99", b"99999999", b"nan", b"", b"+.", b"\xff" * 8, b"0,5", b"EDF+D"]
"""What a field may hold by mischance, and what a parser of numbers may stumble over."""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound file with bytes or fields of its header and times replaced, cut out or put in, and perhaps cut short."""
    raw = bytearray(SOUND[draw(st.sampled_from(sorted(SOUND)))])
    header_bytes = int(raw[184:192])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, min(header_bytes + 60, len(raw)) - 1))
        match draw(st.sampled_from(["byte", "field", "number", "delete", "insert", "cut"])):
            case "byte":
                raw[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case "field":
                start = place - place % 8
                raw[start : start + 8] = draw(st.sampled_from(FIELDS)).ljust(8)
            case "number":
                start = draw(st.sampled_from([184, 236, 244, 252]))
                width = 4 if start == 252 else 8
                raw[start : start + width] = str(draw(st.integers(-3, 9999))).encode().ljust(width)
            case "delete":
                del raw[place]
            case "insert":
                raw.insert(place, draw(st.integers(0, 255)))
            case "cut":
                del raw[draw(st.integers(0, len(raw) - 1)) :]
        if len(raw) < header_bytes:
            break
    return bytes(raw)


@settings(max_examples=250)
@given(mutated())
def test_a_mutated_header_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """What is read keeps the invariants: as many bytes as it says, calibrated channels of the scalp, finite samples."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.edf"
    path.write_bytes(raw)
    header, refused = attempt(lambda: edf.read_header(path), "edf-")
    assert (header is None) == bool(refused)
    if header is not None:
        check(header, path)


def attempt(read: Callable[[], Result], codes: str) -> tuple[Result | None, str]:
    """What is read, or the code of the refusal, which begins so; any other error passes."""
    try:
        return read(), ""
    except InputError as error:
        if not error.code.startswith(codes):
            raise
        return None, error.code


def check(header: edf.Header, path: Path) -> None:
    """The invariants of a header, and that reading by it gives samples or an `InputError`."""
    assert header.header_bytes + header.record_count * header.record_bytes <= path.stat().st_size
    assert 0 < header.duration_s < math.inf
    assert header.duration_s == pytest.approx(header.record_count * header.record_duration_s)
    ends = [signal.first_sample + signal.samples_per_record for signal in header.signals]
    assert all(header.sample_bytes * end <= header.record_bytes for end in ends)
    examined(header)
    for signal in header.signals:
        label = signal.label
        values, _ = attempt(lambda label=label: edf.read_uv(header, [label]), "edf-")  # type: ignore[misc]
        if values is not None:
            assert values.shape[1] % header.record_count == 0
            assert not is_scalp(label) or np.isfinite(values).all()
    for montage in MONTAGES.values():
        with pytest.raises(InputError):  # three channels make no montage
            derive(montage, header, policy="interpolate")
