"""SeizeIT1's annotation files: one test per clause."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import beside, seizeit1
from ictal.recordings.events import Event, seizures

SOUND = "# start\tstop\ttype\tcomment\n\n10.5\t70\tFIA\tlat:L, loc:temp\n100\t130.25\tF-BTC\t\n"


def put(folder: Path, content: str, name: str = "P_ID1_r1_a1.tsv") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def read_or_refused(path: Path) -> tuple[tuple[Event, ...] | None, str]:
    """The events, or None and what the error names."""
    try:
        return seizeit1.read(path).events, str(path)
    except InputError as error:
        return None, error.where


def test_rows_are_start_stop_type_and_comment(tmp_path: Path) -> None:
    """Types in HED-SCORE's words; lines of comment and blank ones are none."""
    annotation = seizeit1.read(put(tmp_path, SOUND))
    found = [(e.onset_s, e.stop_s, e.label, e.line) for e in annotation.events]
    assert found == [(10.5, 70.0, "sz_foc_ia", 3), (100.0, 130.25, "sz_foc_f2b", 4)]


def test_no_rows_mean_no_seizure(tmp_path: Path) -> None:
    """The file is there, so the recording was read."""
    assert seizures(seizeit1.read(put(tmp_path, "# nothing seen\n"))) == ()


def test_the_first_reading_is_used_and_the_second_is_its_twin(tmp_path: Path) -> None:
    """Both lie beside the recording."""
    first, second = put(tmp_path, SOUND), put(tmp_path, SOUND, "P_ID1_r1_a2.tsv")
    assert beside.find_all(tmp_path / "P_ID1_r1.edf") == (first, second)
    assert beside.read(first).events == beside.read(second).events


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("10\t70", "annotation-row"),
        ("10\t70\t\tx", "annotation-row"),
        ("10 70 FIA x", "annotation-row"),
        ("-1\t70\tFIA\tx", "annotation-row"),
        ("10\t\tFIA\tx", "annotation-times"),
        ("10\tnan\tFIA\tx", "annotation-times"),
        ("10\t10\tFIA\tx", "annotation-times"),
    ],
)
def test_a_row_that_is_not_understood_stops_with_its_line(tmp_path: Path, row: str, code: str) -> None:
    """Too few fields, no type, no tabs, a time before 0, and the twelve seizures without a stop."""
    path = put(tmp_path, f"{SOUND}{row}\n")
    with pytest.raises(InputError) as caught:
        seizeit1.read(path)
    assert (caught.value.code, caught.value.where) == (code, f"{path}:5")


def test_a_type_that_is_not_known_stops_unless_it_is_mapped(tmp_path: Path) -> None:
    """As every label."""
    annotation = seizeit1.read(put(tmp_path, "1\t2\tFUA\tx\n"))
    with pytest.raises(InputError, match="FUA"):
        seizures(annotation)
    assert seizures(annotation, {"FUA": "sz_foc"}) == ((1.0, 2.0),)


@settings(max_examples=150)
@given(st.text(alphabet="0123456789.-\tFIABTC#\n nan", max_size=60))
def test_whatever_the_text_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Every row that is no comment is an event, or reading stops."""
    path = put(tmp_path_factory.getbasetemp(), text)
    rows = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    events, where = read_or_refused(path)
    assert where.startswith(str(path))
    assert events is None or len(events) == len(rows)
    assert all(0 <= event.onset_s < event.stop_s for event in events or ())
