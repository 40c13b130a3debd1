"""CHB-MIT's `chbNN-summary.txt`: one test per clause of the format."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import chbmit
from ictal.recordings.events import Annotation, Event, seizures

SUMMARY = """Data Sampling Rate: 256 Hz
*************************

Channels in EDF Files:
**********************
Channel 1: FP1-F7
Channel 2: F7-T7

File Name: chb01_01.edf
File Start Time: 11:42:54
File End Time: 12:42:54
Number of Seizures in File: 0

File Name: chb01_03.edf
File Start Time: 13:43:04
File End Time: 14:43:04
Number of Seizures in File: 1
Seizure Start Time: 2996 seconds
Seizure End Time: 3036 seconds

Channels changed:
Channel 1: -

File Name: chb01_05+.edf
File Start Time: 23:21:32
File End Time: 24:21:32
Number of Seizures in File: 2
Seizure 1 Start Time: 10 seconds
Seizure 1 End Time: 20 seconds
Seizure 2 Start Time:       30 seconds
Seizure 2 End Time: 41 seconds
"""


def write(folder: Path, text: str = SUMMARY) -> Path:
    path = folder / "chb01-summary.txt"
    path.write_text(text, encoding="utf-8")
    return path


def read_or_refused(path: Path) -> dict[str, Annotation] | None:
    """None after an error that names the file."""
    try:
        return chbmit.read(path)
    except InputError as error:
        where = error.where
    assert where.startswith(str(path))
    return None


def code_and_place(path: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        chbmit.read(path)
    return caught.value.code, caught.value.where.removeprefix(str(path))


def test_a_recording_has_a_block_and_a_seizure_a_pair_of_lines(tmp_path):
    """The first spelling, without numbers; seconds from the start of the file."""
    annotation = chbmit.read(write(tmp_path))["chb01_03.edf"]
    assert annotation.events == (Event(onset_s=2996.0, stop_s=3036.0, label="seiz"),)
    assert annotation.events[0].line == 18


def test_seizures_may_be_numbered(tmp_path):
    """The second spelling."""
    assert seizures(chbmit.read(write(tmp_path))["chb01_05+.edf"]) == ((10.0, 20.0), (30.0, 41.0))


def test_no_seizures_is_a_statement(tmp_path):
    """`0` is read as no event, of a file that is listed."""
    annotation = chbmit.read(write(tmp_path))["chb01_01.edf"]
    assert (annotation.events, annotation.duration_s) == ((), 3600.0)


def test_a_file_that_is_not_listed_is_unlabelled(tmp_path):
    """Incident a2: absent is not background."""
    with pytest.raises(InputError) as caught:
        chbmit.read_recording(write(tmp_path), "chb01_02.edf")
    assert caught.value.code == "annotation-missing"


@pytest.mark.parametrize(
    ("start", "end", "duration_s"),
    [
        ("11:42:54", "12:42:54", 3600),
        ("06:22:21", "7:22:21", 3600),
        ("23:21:32", "24:21:32", 3600),
        ("23:21:32", "0:21:32", 3600),
        ("24:21:39", "01:21:39", 3600),
    ],
)
def test_the_length_is_the_time_between_the_clock_times(tmp_path, start, end, duration_s):
    """Over midnight, whichever way its hours are counted."""
    text = SUMMARY.replace("11:42:54", start).replace("12:42:54", end)
    assert chbmit.read(write(tmp_path, text))["chb01_01.edf"].duration_s == duration_s


def test_clock_times_may_be_absent(tmp_path):
    """Case 24 has none; then the file states no length."""
    lines = [line for line in SUMMARY.splitlines() if not line.startswith(("File Start", "File End"))]
    read = chbmit.read(write(tmp_path, "\n".join(lines)))
    assert {annotation.duration_s for annotation in read.values()} == {None}
    assert seizures(read["chb01_03.edf"]) == ((2996.0, 3036.0),)


def test_lists_of_channels_are_free_text(tmp_path):
    """Before and between the blocks."""
    text = SUMMARY.replace("Channel 1: -\n", "Channel 1: -\nany note\n***\n")
    assert len(chbmit.read(write(tmp_path, text))) == 3


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("in File: 1", "in File: 2", 19),
        ("in File: 1", "in File: 0", 18),
        ("in File: 1", "in File: one", 17),
        ("Number of Seizures in File: 1\n", "", 17),
        ("Seizure End Time: 3036 seconds\n", "", 18),
        ("Seizure Start Time: 2996 seconds\n", "", 18),
        ("2996 seconds", "2996", 18),
        ("2996 seconds", "nan seconds", 18),
        ("3036 seconds", "3036 samples", 19),
        ("Seizure 2 Start", "Seizure 3 Start", 30),
        ("Seizure Start", "Sezure Start", 18),
        ("File Start Time: 13:43:04\n", "", 15),
        ("13:43:04", "13:43", 15),
        ("13:43:04", "13:61:04", 15),
        ("14:43:04", "13:43:04", 16),
        ("File Name: chb01_03", "File: chb01_03", 14),
        ("File Name: chb01_03.edf", "File Name: chb01_01.edf", 14),
        ("File Name: chb01_03.edf", "File Name:", 14),
        ("Channel 1: -", "Seizure Start Time: 3 seconds", 22),
        ("Channel 2: F7-T7", "Number of Seizures in File: 1", 7),
    ],
)
def test_a_line_that_is_not_understood_stops_with_its_place(tmp_path, old, new, line):
    """Incident a1; and a block has exactly as many seizures as it says."""
    assert code_and_place(write(tmp_path, SUMMARY.replace(old, new))) == ("annotation-row", f":{line}")


@pytest.mark.parametrize(("old", "new"), [("3036", "2996"), ("3036", "2000"), ("3036", "3602")])
def test_a_seizure_lies_inside_its_recording_and_has_a_length(tmp_path, old, new):
    """Otherwise it stops that recording, and no other one."""
    path = write(tmp_path, SUMMARY.replace(old, new))
    assert code_and_place(path) == ("annotation-times", ":18")
    assert len(chbmit.read_recording(path, "chb01_05+.edf").events) == 2


@pytest.mark.parametrize("text", ["", "Data Sampling Rate: 256 Hz\n"])
def test_a_summary_without_blocks_is_refused(tmp_path, text):
    """Nothing read is nothing known."""
    assert code_and_place(write(tmp_path, text)) == ("annotation-empty", ":1")


@pytest.mark.parametrize(
    ("edf", "summary"),
    [("chb02_16+", "chb02"), ("chb17a_03", "chb17"), ("chb21_01", "chb21"), ("aaaaaaac_s001_t000", None)],
)
def test_the_summary_of_a_recording_is_that_of_its_case(edf, summary):
    """Parts a, b, c of case 17 share one."""
    found = chbmit.summary_of(Path(f"{edf}.edf"))
    assert (found and found.name) == (summary and f"{summary}-summary.txt")


@settings(max_examples=300)
@given(st.data())
def test_a_summary_with_lines_changed_is_read_or_refused_with_its_place(tmp_path_factory, data):
    """Lines dropped, doubled, swapped or cut: nothing but an InputError, and never a lost seizure."""
    lines = SUMMARY.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.sampled_from([*SUMMARY.splitlines(), "", "x", lines[at][: len(lines[at]) // 2]]))
        lines[at : at + data.draw(st.integers(0, 1))] = [other]
    path = write(tmp_path_factory.mktemp("fuzz"), "\n".join(lines))
    annotations = read_or_refused(path)
    if annotations is not None:
        starts = sum(line.startswith("Seizure") and "Start" in line for line in lines)
        assert sum(len(annotation.events) for annotation in annotations.values()) == starts


@settings(max_examples=150)
@given(
    st.binary(max_size=60),
    st.sampled_from(["", "File Name: x.edf\n", "File Name: x.edf\nNumber of Seizures in File: "]),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, before):
    """Nothing but an InputError."""
    path = tmp_path_factory.mktemp("fuzz") / "chb01-summary.txt"
    path.write_bytes(before.encode() + content)
    read_or_refused(path)


def test_the_genuine_summaries_are_read_whole(shared_data):
    """chb05 and chb01: every file, every seizure."""
    case5 = chbmit.read(shared_data / "fixtures" / "chbmit" / "chb05" / "chb05-summary.txt")
    case1 = chbmit.read(shared_data / "chbmit_clips" / "chb01-summary.txt")
    assert (len(case5), sum(len(a.events) for a in case5.values())) == (39, 5)
    assert (len(case1), sum(len(a.events) for a in case1.values())) == (42, 7)
    assert seizures(case5["chb05_06.edf"]) == ((417.0, 532.0),)
    assert sum(a.duration_s for a in case5.values()) == 39 * 3600 + 10
