"""TUSZ annotations before 2.0, `tse_v1.0.0`: one test per clause of the format."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import tse
from ictal.recordings.annotations.text import write_whole
from ictal.recordings.events import Annotation, Event, seizures

HEADER = "version = tse_v1.0.0\n\n"


def write(folder: Path, rows: str, *, header: str = HEADER, suffix: str = ".tse") -> Path:
    path = folder / f"00000258_s002_t000{suffix}"
    path.write_text(header + rows, encoding="utf-8")
    return path


def read_or_refused(path: Path) -> Annotation | None:
    """None after an error that names the file."""
    try:
        return tse.read(path)
    except InputError as error:
        where = error.where
    assert where.startswith(str(path))
    return None


def code_and_place(path: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        tse.read(path)
    return caught.value.code, caught.value.where.removeprefix(str(path))


@pytest.mark.parametrize("suffix", [".tse", ".tse_bi"])
def test_rows_carry_times_type_and_confidence(tmp_path, suffix):
    """Of the whole recording; the line is kept."""
    rows = "0.0000 36.8868 bckg 1.0000\n36.8868 183.3055 cpsz 0.5000\n183.3055 301.0000 bckg 1.0000\n"
    annotation = tse.read(write(tmp_path, rows, suffix=suffix))
    assert annotation.events[1] == Event(onset_s=36.8868, stop_s=183.3055, label="cpsz", confidence=0.5)
    assert [event.line for event in annotation.events] == [3, 4, 5]
    assert seizures(annotation) == ((36.8868, 183.3055),)


def test_the_last_stop_states_the_length(tmp_path):
    """Rows tile the recording: a file that lost its end contradicts the EDF."""
    assert tse.read(write(tmp_path, "0.0 10.0 bckg 1.0\n10.0 301.0 seiz 1.0\n")).duration_s == 301.0


@pytest.mark.parametrize("header", ["version = tse_v1.0.0\n", HEADER, HEADER + "# data starts here\n#\n"])
def test_blank_lines_and_comments_may_follow_the_version(tmp_path, header):
    """Any number of them, none too."""
    assert len(tse.read(write(tmp_path, "0.0 1.0 bckg 1.0\n", header=header)).events) == 1


def test_windows_line_ends_and_several_blanks_are_accepted(tmp_path):
    """Neither is content."""
    path = write(tmp_path, "")
    path.write_bytes(b"version = tse_v1.0.0\r\n\r\n0.0   1.0\tbckg 1.0\r\n")
    assert len(tse.read(path).events) == 1


@pytest.mark.parametrize("header", ["", "\n", "version = lbl_v1.0.0\n\n", "version = tse_v2.0.0\n\n", "# comment\n"])
def test_another_version_or_none_is_refused(tmp_path, header):
    """The first line decides."""
    assert code_and_place(write(tmp_path, "0.0 1.0 bckg 1.0\n", header=header)) == ("annotation-header", ":1")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("0.0 1.0 bckg", "annotation-row"),
        ("0.0 1.0 bckg 1.0 1.0", "annotation-row"),
        ("0.0,1.0,bckg,1.0", "annotation-row"),
        ("", "annotation-row"),
        ("# comment", "annotation-row"),
        ("x 1.0 bckg 1.0", "annotation-row"),
        ("1.0 nan bckg 1.0", "annotation-row"),
        ("1.0 2.0 bckg x", "annotation-row"),
        ("-1.0 1.0 bckg 1.0", "annotation-row"),
        ("3.0 2.0 bckg 1.0", "annotation-times"),
        ("0.5 2.0 bckg 1.0", "annotation-times"),
    ],
)
def test_a_row_that_breaks_the_format_stops_with_its_line(tmp_path, row, code):
    """Incident a1: unreadable rows were skipped. Rows do not overlap either."""
    rows = f"0.0 1.0 bckg 1.0\n{row}\n2.0 3.0 seiz 1.0\n"
    assert code_and_place(write(tmp_path, rows)) == (code, ":4")


def test_a_file_without_rows_is_refused(tmp_path):
    """A recording without seizure has a row of background."""
    assert code_and_place(write(tmp_path, "")) == ("annotation-empty", ":3")


@settings(max_examples=200)
@given(st.text(alphabet=" \n\r\t#.-0123456789abcegiknsvxz_=é", max_size=80), st.booleans())
def test_any_text_is_read_or_refused_with_its_place(tmp_path_factory, text, with_header):
    """Nothing but an InputError."""
    path = write(tmp_path_factory.mktemp("fuzz"), text, header=HEADER if with_header else "")
    annotation = read_or_refused(path)
    if annotation is not None:
        assert len(annotation.events) == sum(bool(line.strip()) and line[0] != "#" for line in text.split("\n"))


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["seiz", "fnsz", "bckg"]), min_size=1, max_size=6))
def test_what_is_written_is_read(tmp_path_factory, labels):
    """To the last decimal."""
    path = tmp_path_factory.mktemp("round") / "x.tse"
    rows = [f"{k * 1.2345:.4f} {(k + 1) * 1.2345:.4f} {label} 1.0000" for k, label in enumerate(labels)]
    write_whole(path, [tse.VERSION, "", *rows])
    read = [f"{e.onset_s:.4f} {e.stop_s:.4f} {e.label} {e.confidence:.4f}" for e in tse.read(path).events]
    assert read == rows
