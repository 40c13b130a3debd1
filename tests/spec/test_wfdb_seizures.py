"""CHB-MIT's `.edf.seizures`, WFDB's annotation format: one test per clause."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import wfdb
from ictal.recordings.events import Event

RATE = b"## time resolution: 256"
CHB01_03 = bytes.fromhex(f"0058 17fc {RATE.hex()} 00 00ecffffffff 0100 00ec0b0000b4 0080 00ec00000028 0084 0000")
"""A note with the rate, padded; a place that moves nothing; [ after 2996 s, ] 40 s later; the end."""


def word(code: int, samples: int = 0) -> bytes:
    return struct.pack("<H", code << 10 | samples)


def skip(samples: int) -> bytes:
    high, low = struct.unpack(">HH", struct.pack(">i", samples))
    return word(59) + struct.pack("<HH", high, low)


def text(content: bytes) -> bytes:
    return word(63, len(content)) + content + b"\0" * (len(content) % 2)


HEAD = word(22) + text(RATE)


def put(folder: Path, content: bytes) -> Path:
    path = folder / "chb01_03.edf.seizures"
    path.write_bytes(content)
    return path


def code_of(path: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        wfdb.read(path)
    return caught.value.code, caught.value.where.rpartition("byte ")[2]


def read_or_refused(path: Path) -> tuple[tuple[Event, ...], str]:
    """The events, or none and what the error names."""
    try:
        return wfdb.read(path).events, str(path)
    except InputError as error:
        return (), error.where


def test_the_bytes_of_the_first_seizure_of_the_corpus(tmp_path: Path) -> None:
    """From 2996 to 3036 s, as the summary of chb01 says; samples are counted from the mark before."""
    assert (CHB01_03[38], CHB01_03[41], CHB01_03[49]) == (2996 >> 8, 2996 & 0xFF, 40)
    (event,) = wfdb.read(put(tmp_path, CHB01_03)).events
    assert (event.onset_s, event.stop_s, event.label) == (2996.0, 3036.0, "seiz")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=6))
def test_intervals_add_up(tmp_path_factory: pytest.TempPathFactory, lengths: list[tuple[int, int]]) -> None:
    """Short ones stand in the word itself, long ones in the 32 bits after a skip."""
    body, at, expected = b"", 0, []
    for before, length in lengths:
        for code, samples in ((32, before), (33, length)):
            body += word(code, samples) if samples < 1024 else skip(samples) + word(code)
        expected.append(((at + before) / 256, (at + before + length) / 256))
        at += before + length
    path = put(tmp_path_factory.mktemp("wfdb"), HEAD + body + word(0))
    assert [(event.onset_s, event.stop_s) for event in wfdb.read(path).events] == expected


def test_the_rate_is_the_files_own(tmp_path: Path) -> None:
    """512 samples at 512 per second are one second."""
    content = word(22) + text(b"## time resolution: 512") + word(32, 512) + word(33, 256) + word(0)
    assert wfdb.read(put(tmp_path, content)).events[0].onset_s == 1.0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ("annotation-row", "0")),
        (word(0), ("annotation-header", "0")),
        (word(22) + text(b"no rate") + word(0), ("annotation-header", "0")),
        (word(22) + text(b"## time resolution: 0") + word(0), ("annotation-header", "0")),
        (HEAD + word(0), ("annotation-empty", str(len(HEAD) + 2))),
        (HEAD + word(32, 5) + word(0), ("annotation-row", str(len(HEAD)))),
        (HEAD + word(33, 5) + word(32, 5) + word(0), ("annotation-row", str(len(HEAD)))),
        (HEAD + word(32, 5) + word(33, 0) + word(0), ("annotation-times", str(len(HEAD)))),
        (HEAD + word(1, 5) + word(0), ("annotation-row", str(len(HEAD)))),
        (HEAD + word(32, 5) + word(33, 5), ("annotation-row", str(len(HEAD) + 4))),
        (HEAD + word(32, 5) + word(33, 5) + word(0) + b"x", ("annotation-row", str(len(HEAD) + 6))),
    ],
)
def test_what_does_not_follow_the_format_is_refused_at_its_byte(
    tmp_path: Path, content: bytes, expected: tuple[str, str]
) -> None:
    """No header, no rate, no seizure, half a seizure, ends in the wrong order, no length, a beat, no end, a rest."""
    assert code_of(put(tmp_path, content)) == expected


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, len(CHB01_03)))
def test_whatever_the_bytes_they_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int
) -> None:
    """Bytes put anywhere into a sound file: it still holds whole seizures, or reading stops."""
    path = put(tmp_path_factory.getbasetemp(), CHB01_03[:place] + noise + CHB01_03[place + len(noise) :])
    events, where = read_or_refused(path)
    assert where.startswith(str(path))
    assert all(0 <= event.onset_s < event.stop_s for event in events)
