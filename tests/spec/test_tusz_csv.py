"""TUSZ annotations, `csv_v1.0.0`: one test per clause of the format."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import tusz
from ictal.recordings.events import Event, seizures

STEM = "aaaaaaac_s001_t000"
HEADER = f"""# version = csv_v1.0.0
# bname = {STEM}
# duration = 301.00 secs
# montage_file = nedc_eas_default_montage.txt
#
channel,start_time,stop_time,label,confidence
"""


def write(folder: Path, rows: str, *, suffix: str = ".csv", header: str = HEADER) -> Path:
    path = folder / f"{STEM}{suffix}"
    path.write_text(header + rows, encoding="utf-8")
    return path


def code_and_place(path: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        tusz.read(path)
    return caught.value.code, caught.value.where.removeprefix(str(path))


def test_csv_rows_carry_channel_times_type_and_confidence(tmp_path):
    """The format's own example is read to the digit."""
    path = write(tmp_path, "FP1-F7,0.0000,36.8868,bckg,1.0000\nFP1-F7,36.8868,183.3055,cpsz,0.5000\n")
    annotation = tusz.read(path)
    assert annotation.duration_s == 301.0
    assert annotation.events == (
        Event(onset_s=0.0, stop_s=36.8868, label="bckg", channels=("FP1-F7",), confidence=1.0),
        Event(onset_s=36.8868, stop_s=183.3055, label="cpsz", channels=("FP1-F7",), confidence=0.5),
    )
    assert [event.line for event in annotation.events] == [7, 8]


def test_csv_bi_rows_are_about_the_whole_recording(tmp_path):
    """TERM is no channel."""
    annotation = tusz.read(write(tmp_path, "TERM,36.8868,183.3055,seiz,1.0000\n", suffix=".csv_bi"))
    assert annotation.events[0].channels == ()


def test_csv_bi_with_another_channel_is_refused(tmp_path):
    """A per-channel file under the name of the other kind would count each seizure many times."""
    path = write(tmp_path, "TERM,0.0,1.0,bckg,1.0\nFP1-F7,1.0,2.0,seiz,1.0\n", suffix=".csv_bi")
    assert code_and_place(path) == ("annotation-row", ":8")


def test_any_montage_file_is_accepted(tmp_path):
    """Its value varies between revisions of the corpus."""
    header = HEADER.replace("nedc_eas_default_montage.txt", "/data/isip/01_tcp_ar_montage v2.txt")
    assert tusz.read(write(tmp_path, "TERM,0,1,bckg,1\n", header=header)).events


def test_windows_line_ends_are_accepted(tmp_path):
    """A carriage return before the newline is no content."""
    path = tmp_path / f"{STEM}.csv"
    path.write_bytes((HEADER + "TERM,0,1,bckg,1\n").replace("\n", "\r\n").encode())
    assert len(tusz.read(path).events) == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("csv_v1.0.0", "csv_v2.0.0", "annotation-header", 1),
        ("# version = csv_v1.0.0\n", "", "annotation-header", 1),
        ("# bname", "# name", "annotation-header", 2),
        (STEM, "aaaaaaac_s001_t001", "annotation-name", 2),
        ("301.00 secs", "301.00", "annotation-header", 3),
        ("301.00", "nan", "annotation-header", 3),
        ("301.00", "-1", "annotation-header", 3),
        ("# montage_file = nedc_eas_default_montage.txt\n", "", "annotation-header", 4),
        ("channel,start_time", "start_time,channel", "annotation-header", 6),
        ("channel,start_time,stop_time,label,confidence\n", "", "annotation-header", 6),
    ],
)
def test_a_header_that_differs_stops_at_its_line(tmp_path, old, new, code, line):
    """Version, name, duration, montage, rule and columns, in this order."""
    path = write(tmp_path, "TERM,0,1,bckg,1\n", header=HEADER.replace(old, new))
    assert code_and_place(path) == (code, f":{line}")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("TERM,0.0,1.0,bckg", "annotation-row"),
        ("TERM,0.0,1.0,bckg,1.0,extra", "annotation-row"),
        ("TERM,0.0,1.0,,1.0", "annotation-row"),
        ("TERM,zero,1.0,bckg,1.0", "annotation-row"),
        ("TERM,nan,1.0,bckg,1.0", "annotation-row"),
        ("TERM,-1.0,1.0,bckg,1.0", "annotation-row"),
        ("TERM,0.0,inf,bckg,1.0", "annotation-row"),
        ("TERM,0.0,1_0,bckg,1.0", "annotation-row"),
        ("TERM,0.0,1.0,bckg,sure", "annotation-row"),
        ("# a remark", "annotation-row"),
        ("", "annotation-row"),
        ("TERM,2.0,1.0,seiz,1.0", "annotation-times"),
        ("TERM,2.0,302.1,seiz,1.0", "annotation-times"),
    ],
)
def test_a_row_that_cannot_be_read_stops_with_file_and_line(tmp_path, row, code):
    """Incident a1: a lenient parser skipped every row and labelled 252,089 windows as background."""
    path = write(tmp_path, f"TERM,0.0,1.0,bckg,1.0\n{row}\nTERM,1.0,2.0,bckg,1.0\n")
    assert code_and_place(path) == (code, ":8")


def test_a_stop_within_a_second_of_the_end_is_accepted(tmp_path):
    """The corpus rounds durations to whole seconds in places."""
    assert tusz.read(write(tmp_path, "TERM,0.0,302.0,seiz,1.0\n")).events[0].stop_s == 302.0


def test_a_file_without_rows_is_refused(tmp_path):
    """A TUSZ file always has rows, if only background."""
    assert code_and_place(write(tmp_path, "")) == ("annotation-empty", ":7")


def test_an_empty_file_is_refused(tmp_path):
    """Zero bytes are no annotation."""
    assert code_and_place(write(tmp_path, "", header="")) == ("annotation-header", ":1")


def test_bytes_that_are_no_utf8_are_refused(tmp_path):
    """The message names the byte and where it is."""
    path = tmp_path / f"{STEM}.csv"
    path.write_bytes(HEADER.encode() + b"TERM,0,1,b\xffkg,1\n")
    with pytest.raises(InputError, match=f"byte 0xff at offset {len(HEADER) + 10}") as caught:
        tusz.read(path)
    assert caught.value.code == "annotation-unreadable"


def test_an_absent_file_is_refused(tmp_path):
    """Absence is an error of reading, not an empty annotation."""
    assert code_and_place(tmp_path / f"{STEM}.csv") == ("annotation-unreadable", "")


def test_write_bi_tiles_the_recording_with_seiz_and_bckg(tmp_path):
    """Overlapping seizures are one; what is between is background."""
    path = tmp_path / "x_s001_t000.csv_bi"
    events = [
        Event(onset_s=5.00004, stop_s=8, label="fnsz", channels=("FP1-F7",)),
        Event(onset_s=6, stop_s=9.5, label="gnsz"),
        Event(onset_s=0, stop_s=3, label="bckg"),
    ]
    tusz.write_bi(path, bname="x_s001_t000", duration_s=20.0, events=events)
    assert path.read_text(encoding="utf-8").splitlines()[6:] == [
        "TERM,0.0000,5.0000,bckg,1.0000",
        "TERM,5.0000,9.5000,seiz,1.0000",
        "TERM,9.5000,20.0000,bckg,1.0000",
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_write_bi_keeps_how_sure_the_events_were(tmp_path):
    """Of events that become one, the surest; 1 where none says, and for background."""
    path = tmp_path / "x.csv_bi"
    events = [
        Event(onset_s=1.0, stop_s=4.0, label="sz", confidence=0.4321),
        Event(onset_s=6.0, stop_s=8.0, label="sz", confidence=0.2),
        Event(onset_s=7.0, stop_s=9.0, label="sz", confidence=0.7),
        Event(onset_s=8.5, stop_s=9.5, label="sz"),
        Event(onset_s=12.0, stop_s=13.0, label="sz"),
    ]
    tusz.write_bi(path, bname="x", duration_s=20.0, events=events)
    read = tusz.read(path).events
    assert [one.confidence for one in read if one.label == "seiz"] == [0.4321, 0.7, 1.0]
    assert {one.confidence for one in read if one.label == "bckg"} == {1.0}


def test_write_channels_gives_each_channel_its_seizures_and_gaps(tmp_path):
    """An event without a channel stands on every channel; one with a channel only there."""
    path = tmp_path / "x.csv"
    events = [
        Event(onset_s=2, stop_s=4, label="fnsz", channels=("F7-T3",)),
        Event(onset_s=6, stop_s=8, label="gnsz"),
    ]
    channels = ["FP1-F7", "F7-T3"]
    tusz.write_channels(path, bname="x", duration_s=8, montage_file="m.txt", events=events, channels=channels)
    assert [line.rsplit(",", 1)[0] for line in path.read_text(encoding="utf-8").splitlines()[6:]] == [
        "FP1-F7,0.0000,6.0000,bckg",
        "FP1-F7,6.0000,8.0000,gnsz",
        "F7-T3,0.0000,2.0000,bckg",
        "F7-T3,2.0000,4.0000,fnsz",
        "F7-T3,4.0000,6.0000,bckg",
        "F7-T3,6.0000,8.0000,gnsz",
    ]


tenths_of_ms = st.integers(0, 3_000_000)


@settings(max_examples=60)
@given(st.lists(st.tuples(tenths_of_ms, tenths_of_ms), max_size=6))
def test_both_kinds_written_of_the_same_events_hold_the_same_seizures(tmp_path_factory, pairs):
    """Round trip: events to file to events, for `.csv` and `.csv_bi`, equal to the last decimal."""
    folder = tmp_path_factory.mktemp("round_trip")
    ordered = sorted({edge for pair in pairs for edge in pair})
    intervals = list(zip(ordered[::2], ordered[1::2], strict=False))
    events = [Event(onset_s=a / 1e4, stop_s=b / 1e4, label="fnsz") for a, b in intervals]
    per_channel = {"montage_file": "m", "channels": ["FP1-F7", "F7-T3"]}
    tusz.write_bi(folder / "x.csv_bi", bname="x", duration_s=300, events=events)
    tusz.write_channels(folder / "x.csv", bname="x", duration_s=300, events=events, **per_channel)
    whole, channels = tusz.read(folder / "x.csv_bi"), tusz.read(folder / "x.csv")
    assert seizures(whole) == seizures(channels) == tuple((a / 1e4, b / 1e4) for a, b in intervals)


def test_a_name_may_hold_spaces_and_letters_of_any_alphabet(tmp_path):
    """Whatever the recording's file is called, what is written is read again."""
    path = tmp_path / "jörg müller_1.csv_bi"
    tusz.write_bi(path, bname=path.stem, duration_s=60, events=[Event(onset_s=1, stop_s=2, label="seiz")])
    assert seizures(tusz.read(path)) == ((1, 2),)
