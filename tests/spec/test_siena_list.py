"""Siena's `Seizures-list-PNxx.txt`: one test per clause of the format and per irregularity that is read by a rule."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import siena
from ictal.recordings.events import Annotation, Event, seizures

LIST = """PN00

Data Sampling Rate: 512 Hz

Channels in EDF files:
Channel 1: Fp1
Channel 5: 1

Seizure n 1
File name: PN00-1.edf
Registration start time: 19.39.33
Registration end time:  20.22.58
Seizure start time: 19.58.36
Seizure end time: 19.59.46

Seizure n 2
File name: PN00-2.edf
Registration start time: 02.18.17
Registration end time: 02.56.19
Seizure start time: 02.38.37
Seizure end time: 02.39.31
"""


def write(folder: Path, text: str = LIST, *, name: str = "Seizures-list-PN00.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read_or_refused(path: Path) -> dict[str, Annotation] | None:
    """None after an error that names the file."""
    try:
        return siena.read(path)
    except InputError as error:
        where = error.where
    assert where.startswith(str(path))
    return None


def code_and_place(path: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        siena.read(path)
    return caught.value.code, caught.value.where.removeprefix(str(path))


def test_a_seizure_is_counted_from_the_start_of_the_registration(tmp_path):
    """Clock times become seconds; the list states the length and the start."""
    annotation = siena.read(write(tmp_path))["PN00-1.edf"]
    assert annotation.events == (Event(onset_s=1143.0, stop_s=1213.0, label="seiz"),)
    assert annotation.events[0].line == 13
    assert (annotation.duration_s, annotation.start) == (2605.0, dt.time(19, 39, 33))


def test_every_recording_of_the_list_has_its_annotation(tmp_path):
    """By the name of its EDF."""
    assert siena.read(write(tmp_path)).keys() == siena.names(write(tmp_path)) == {"PN00-1.edf", "PN00-2.edf"}


def test_a_recording_that_is_not_listed_is_unlabelled(tmp_path):
    """Incident a2: absent is not background."""
    with pytest.raises(InputError) as caught:
        siena.read_recording(write(tmp_path), "PN00-3.edf")
    assert caught.value.code == "annotation-missing"


@pytest.mark.parametrize("clock", ["19:58:36", "19:58.36", "19.58:36", "1 9.58.36"])
def test_points_and_colons_are_equal_and_an_hour_may_be_torn_apart(tmp_path, clock):
    """PN01, PN12 and PN10 write so."""
    text = LIST.replace("19.58.36", clock)
    assert seizures(siena.read(write(tmp_path, text))["PN00-1.edf"]) == ((1143.0, 1213.0),)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [("23.50.00", "23.51.00", (600.0, 660.0)), ("23.59.50", "00.00.10", (1190.0, 1210.0))],
)
def test_midnight_may_lie_anywhere(tmp_path, start, end, expected):
    """Before, inside or after the seizure."""
    text = LIST.replace("19.39.33", "23.40.00").replace("20.22.58", "00.40.00")
    text = text.replace("19.58.36", start).replace("19.59.46", end)
    annotation = siena.read(write(tmp_path, text))["PN00-1.edf"]
    assert seizures(annotation) == (expected,)
    assert annotation.duration_s == 3600.0


@pytest.mark.parametrize(
    ("written", "meant"),
    [("PNO6-2.edf", "PN06-2.edf"), ("PN01.edf", "PN01-1.edf"), ("PN11-.edf", "PN11-1.edf"), ("PN10-4.5.6.edf", None)],
)
def test_misspelt_names_are_mended_by_a_table_and_no_other_way(tmp_path, written, meant):
    """The letter O for a zero; two names without their number."""
    assert (meant or written) in siena.read(write(tmp_path, LIST.replace("PN00-1.edf", written)))


@pytest.mark.parametrize("heading", ["Seizure n 1 ", "Seizure n 1:", "Seizure n 1 (in sleep):", "seizure n1"])
def test_a_heading_may_carry_a_remark(tmp_path, heading):
    """As some patients' do."""
    assert len(siena.read(write(tmp_path, LIST.replace("Seizure n 1", heading)))) == 2


def test_file_and_registration_may_stand_above_the_first_heading(tmp_path):
    """As PN01 has it, with keys that leave `Seizure` out."""
    text = """File name: PN01.edf
Registration start time:19.00.44
Registration end time: 08.30.00
Seizure n 1
Start time: 21:51:02
End time: 21:51:56
Seizure n 2
Start time: 07:53:17
End time: 07:54:31
"""
    read = siena.read(write(tmp_path, text))
    assert read.keys() == {"PN01-1.edf"}
    assert seizures(read["PN01-1.edf"]) == ((10218.0, 10272.0), (46353.0, 46427.0))


SECOND = "Registration start time: 02.18.17\nRegistration end time: 02.56.19\n"


def test_the_second_seizure_of_a_file_may_leave_its_registration_out(tmp_path):
    """As PN12 has it."""
    text = LIST.replace("PN00-2", "PN00-1").replace(SECOND, "").replace("02.38.37", "20.00.00")
    read = siena.read(write(tmp_path, text.replace("02.39.31", "20.01.00")))
    assert seizures(read["PN00-1.edf"]) == ((1143.0, 1213.0), (1227.0, 1287.0))


def test_a_file_has_one_registration(tmp_path):
    """Two different ones cannot both be right."""
    assert code_and_place(write(tmp_path, LIST.replace("PN00-2", "PN00-1"))) == ("annotation-times", ":18")


def test_of_two_onsets_the_earlier_and_of_two_ends_the_later_counts(tmp_path):
    """PN10: a clinical and an electric onset; one end or (oppure) another."""
    both = "19.58.36 (CLINICAL ONSET); 19.58.30 (ELECTRIC ONSET)"
    text = LIST.replace("19.58.36", both).replace("19.59.46", "19.59.46 opure 19.59.20")
    assert seizures(siena.read(write(tmp_path, text))["PN00-1.edf"]) == ((1137.0, 1213.0),)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("Seizure start time: 19.58.36\n", "", 9),
        ("File name: PN00-1.edf\n", "", 9),
        (SECOND, "", 16),
        ("Registration end time:  20.22.58\n", "", 9),
        ("File name: PN00-1.edf", "File name: PN00-1", 10),
        ("File name: PN00-1.edf", "File: PN00-1.edf", 10),
        ("Seizure start", "Sezure start", 13),
        ("Seizure n 2", "Seizure n 3", 16),
        ("Seizure n 2", "Seizure", 16),
        ("Seizure n 2\n", "", 16),
        ("19.58.36", "19.58", 13),
        ("19.58.36", "25.58.36", 13),
        ("19.58.36", "19.61.36", 13),
        ("19.58.36", "19.58.36 (maybe)", 13),
        ("19.58.36", "19.58.36; 19.58.37; 19.58.38", 13),
        ("Channel 1: Fp1", "Seizure start time: 19.58.36", 6),
        ("Channel 1: Fp1", "Sezure 1", None),
        ("Channel 1: Fp1", "start tme: 19.58.36 time", 6),
        ("Channel 1: Fp1", "Registration end time: 19.58.36", 1),
    ],
)
def test_a_line_that_is_not_understood_stops_with_its_place(tmp_path, old, new, line):
    """Incident a1. Only text without times above the first heading is free."""
    path = write(tmp_path, LIST.replace(old, new))
    if line is None:
        assert len(siena.read(path)) == 2
    else:
        assert code_and_place(path) == ("annotation-row", f":{line}")


@pytest.mark.parametrize("end", ["20.59.46", "19.58.36", "19.58.30", "20.23.40"])
def test_a_time_that_cannot_be_right_stops_its_recording_and_no_other(tmp_path, end):
    """An hour late, no length, before its start, beyond the registration."""
    path = write(tmp_path, LIST.replace("19.59.46", end))
    assert code_and_place(path) == ("annotation-times", ":14")
    assert len(siena.read_recording(path, "PN00-2.edf").events) == 1


def test_a_seizure_of_over_half_an_hour_is_not_believed(tmp_path):
    """Inside a long recording the end of the registration does not show an hour too many."""
    path = write(tmp_path, LIST.replace("20.22.58", "08.00.00").replace("19.59.46", "20.59.46"))
    assert code_and_place(path) == ("annotation-times", ":14")


@pytest.mark.parametrize("text", ["", "PN00\n"])
def test_a_list_without_seizures_is_refused(tmp_path, text):
    """Nothing read is nothing known."""
    assert code_and_place(write(tmp_path, text)) == ("annotation-empty", ":1")


def test_the_list_of_a_recording_is_that_of_its_patient():
    """By name; other names have none."""
    assert siena.list_of(Path("a/PN10-4.5.6.edf")) == Path("a/Seizures-list-PN10.txt")
    assert siena.list_of(Path("a/PN10.edf")) is None


@settings(max_examples=300)
@given(st.data())
def test_a_list_with_lines_changed_is_read_or_refused_with_its_place(tmp_path_factory, data):
    """Lines dropped, doubled, swapped or cut: nothing but an InputError, and never a lost seizure."""
    lines = LIST.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.sampled_from([*LIST.splitlines(), "", "x", lines[at][: len(lines[at]) // 2]]))
        lines[at : at + data.draw(st.integers(0, 1))] = [other]
    path = write(tmp_path_factory.mktemp("fuzz"), "\n".join(lines))
    annotations = read_or_refused(path)
    if annotations is not None:
        starts = sum(line.startswith("Seizure start time") for line in lines)
        assert sum(len(annotation.events) for annotation in annotations.values()) == starts


@settings(max_examples=150)
@given(
    st.binary(max_size=40),
    st.sampled_from(["", "Seizure n 1\n", LIST, LIST.rsplit("\n", 2)[0] + "\nSeizure end time:"]),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, before):
    """Nothing but an InputError."""
    path = tmp_path_factory.mktemp("fuzz") / "Seizures-list-PN00.txt"
    path.write_bytes(before.encode() + content)
    read_or_refused(path)


@settings(max_examples=200)
@given(st.integers(0, 86_399), st.integers(120, 50_000), st.data())
def test_times_written_as_clock_times_are_read_back(tmp_path_factory, start_s, duration_s, data):
    """Whatever the hour of the day, over midnight too."""
    onset_s = data.draw(st.integers(0, duration_s - 1))
    stop_s = data.draw(st.integers(onset_s + 1, min(duration_s, onset_s + siena.LONGEST_SEIZURE_S)))

    def clock(after_s: int) -> str:
        minutes, seconds = divmod((start_s + after_s) % 86_400, 60)
        return f"{minutes // 60:02d}.{minutes % 60:02d}.{seconds:02d}"

    text = f"""Seizure n 1
File name: PN00-1.edf
Registration start time: {clock(0)}
Registration end time: {clock(duration_s)}
Seizure start time: {clock(onset_s)}
Seizure end time: {clock(stop_s)}
"""
    annotation = siena.read(write(tmp_path_factory.mktemp("round"), text))["PN00-1.edf"]
    assert seizures(annotation) == ((onset_s, stop_s),)
    assert annotation.duration_s == duration_s


def test_the_genuine_list_is_read_and_its_late_hour_is_reported(shared_data):
    """PN00's third seizure ends at 19.29.29, half an hour after the registration."""
    path = shared_data / "fixtures" / "siena" / "PN00" / "Seizures-list-PN00.txt"
    good = {n: seizures(siena.read_recording(path, f"PN00-{n}.edf")) for n in (1, 2, 4, 5)}
    assert good == {1: ((1143, 1213),), 2: ((1220, 1274),), 4: ((1006, 1080),), 5: ((904, 971),)}
    with pytest.raises(InputError, match="beyond the end of the registration") as caught:
        siena.read_recording(path, "PN00-3.edf")
    assert caught.value.where == f"{path}:58"
