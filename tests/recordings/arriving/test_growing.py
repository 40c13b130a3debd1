"""A file that is being written is read as far as it is whole, and its gaps are those of its times."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ictal.errors import InputError
from ictal.recordings.arriving.growing import GrowingEdf
from ictal.recordings.timekeeping import Gap
from tests.reference.edf_bytes import Channel, edf_bytes

RECORDS, SAMPLES = 6, 4


def raw(onsets: list[str] | None = None) -> bytes:
    """Six data records of one second that count their samples; an EDF+D if they say when they began."""
    counted = [[r * SAMPLES + n for n in range(SAMPLES)] for r in range(RECORDS)]
    channels = [Channel(label="EEG C3-REF", samples=counted)]
    if onsets is None:
        return edf_bytes(channels)
    times = [np.frombuffer(f"+{o}\x14\x14\0".encode().ljust(20, b"\0"), dtype="<i2").tolist() for o in onsets]
    channels.append(Channel(label="EDF Annotations", samples=times, dimension=""))
    return edf_bytes(channels, reserved="EDF+D")


def parts(whole: bytes, records: str | None) -> tuple[bytes, list[bytes]]:
    """The header, with another number of data records if one is given, and the data records."""
    header_bytes = int(whole[184:192])
    header = whole[:header_bytes]
    if records is not None:
        header = header[:236] + records.encode().ljust(8) + header[244:]
    length = (len(whole) - header_bytes) // RECORDS
    return header, [whole[header_bytes + n * length : header_bytes + (n + 1) * length] for n in range(RECORDS)]


def taken(source: GrowingEdf) -> Iterator[tuple[npt.NDArray[np.float32], Gap | None]]:
    for piece in source.take(("EEG C3-REF",), 0.0) or []:
        yield piece.signal_uv, piece.gap


def values(source: GrowingEdf) -> list[int]:
    return [round(float(value) * 10) for signal_uv, _ in taken(source) for value in signal_uv[0]]


def test_whole_data_records_are_given_once(tmp_path: Path) -> None:
    """A part of one is left until it is whole; the file is over when it says how many there are."""
    path = tmp_path / "a.edf"
    header, records = parts(raw(), "-1")
    path.write_bytes(header)
    source = GrowingEdf(path, settle_s=0.0)
    assert values(source) == []
    path.write_bytes(header + records[0] + records[1][:3])
    assert [values(source), values(source)] == [[0, 1, 2, 3], []]
    path.write_bytes(header + b"".join(records))
    assert values(source) == list(range(4, 24))
    assert source.take(("EEG C3-REF",), 0.0) == []
    path.write_bytes(raw())
    _let_settle(source)
    assert source.take(("EEG C3-REF",), 0.0) is None


def test_a_recorder_that_counts_along_is_not_taken_to_be_done(tmp_path: Path) -> None:
    """Its header always states what is there; only when nothing is added for a while is it over."""
    path = tmp_path / "a.edf"
    header, records = parts(raw(), "1")
    path.write_bytes(header + records[0])
    source = GrowingEdf(path, settle_s=0.0)
    assert values(source) == [0, 1, 2, 3]
    assert source.take(("EEG C3-REF",), 0.0) == []
    path.write_bytes(parts(raw(), "2")[0] + records[0] + records[1])
    assert values(source) == [4, 5, 6, 7]
    _let_settle(source)
    assert source.take(("EEG C3-REF",), 0.0) is None


def _let_settle(source: GrowingEdf) -> None:
    source._grew_s -= 2.0 * source.header.record_duration_s


@pytest.mark.parametrize("at_once", [True, False])
def test_times_of_the_data_records_tell_gaps(tmp_path: Path, at_once: bool) -> None:
    """Where, and how long; whether both sides are read together or not. What follows each other is one piece."""
    path = tmp_path / "a.edf"
    header, records = parts(raw(["0.5", "1.5", "2.5", "63.5", "64.5", "70"]), "-1")
    path.write_bytes(header)
    source = GrowingEdf(path)
    found = []
    for stop in [RECORDS] if at_once else range(1, RECORDS + 1):
        path.write_bytes(header + b"".join(records[:stop]))
        found += list(taken(source))
    gaps = [(int(signal_uv[0, 0] * 10 + 0.5), gap) for signal_uv, gap in found if gap is not None]
    assert gaps == [(12, Gap(stop_s=3.0, resume_s=63.0)), (20, Gap(stop_s=65.0, resume_s=69.5))]
    assert sum(signal_uv.shape[1] for signal_uv, _ in found) == RECORDS * SAMPLES


def test_a_header_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    """No file, then part of a header, then all of it."""
    path = tmp_path / "a.edf"
    header, records = parts(raw(), "-1")

    def write() -> None:
        for content in (b"", header[:100], header[:300], header + records[0]):
            time.sleep(0.06)
            path.write_bytes(content)

    writer = threading.Thread(target=write)
    writer.start()
    source = GrowingEdf(path, patience_s=30)
    writer.join()
    assert values(source) == [0, 1, 2, 3]


@pytest.mark.parametrize("content", [None, b"", raw()[:300], b"noise" * 100])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """After the patience, as any file that cannot be read."""
    path = tmp_path / "a.edf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"EDF|header"):
        GrowingEdf(path, patience_s=0.0)


def test_a_file_that_becomes_shorter_is_refused(tmp_path: Path) -> None:
    """A recorder that has begun the file anew."""
    path = tmp_path / "a.edf"
    header, records = parts(raw(), "-1")
    path.write_bytes(header + records[0] + records[1])
    source = GrowingEdf(path)
    assert len(values(source)) == 8
    path.write_bytes(header + records[0])
    with pytest.raises(InputError) as error:
        source.take(("EEG C3-REF",), 0.0)
    assert error.value.code == "edf-truncated"
