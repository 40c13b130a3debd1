"""HED-SCORE `_events.tsv` as SzCORE exchanges it: one test per clause."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import bids
from ictal.recordings.events import Event, seizures

HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
START = dt.datetime(2000, 1, 2, 3, 4, 5)  # noqa: DTZ001
ROW = "10.00\t40.00\tsz\tn/a\tn/a\t2000-01-01 00:00:00\t50.00\n"


def write(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "x_events.tsv"
    path.write_text(header + rows, encoding="utf-8")
    return path


def code_and_place(path: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        bids.read(path)
    return caught.value.code, caught.value.where.removeprefix(str(path))


def test_onset_and_duration_are_seconds_and_the_recording_states_its_length(tmp_path):
    """The stop is onset plus duration."""
    annotation = bids.read(write(tmp_path, ROW))
    assert annotation.events == (Event(onset_s=10.0, stop_s=50.0, label="sz"),)
    assert annotation.duration_s == 50.0


def test_columns_are_found_by_name_and_further_ones_left_alone(tmp_path):
    """SeizeIT2 has more columns in another order."""
    header = "eventType\tonset\tduration\tlateralization\n"
    annotation = bids.read(write(tmp_path, "sz_foc_ia\t1\t2\tleft\n", header))
    assert annotation.events[0].label == "sz_foc_ia"
    assert annotation.duration_s is None


def test_channels_and_confidence_are_kept(tmp_path):
    """`n/a` and `all` mean the whole recording."""
    rows = "0\t1\tsz\t0.75\tT3,T5\tn/a\t50\n2\t1\tsz\tn/a\tall\tn/a\t50\n"
    first, second = bids.read(write(tmp_path, rows)).events
    assert (first.channels, first.confidence) == (("T3", "T5"), 0.75)
    assert (second.channels, second.confidence) == ((), None)


@pytest.mark.parametrize(
    ("header", "rows", "code", "line"),
    [
        (HEADER.replace("eventType", "trial_type"), ROW, "annotation-header", 1),
        (HEADER.replace("\t", ","), ROW, "annotation-header", 1),
        (HEADER.replace("channels", "onset"), ROW, "annotation-header", 1),
        ("", "", "annotation-header", 1),
        (HEADER, "", "annotation-empty", 2),
        (HEADER, ROW + "1\t2\tsz\n", "annotation-row", 3),
        (HEADER, ROW + "\n", "annotation-row", 3),
        (HEADER, ROW.replace("10.00", "n/a"), "annotation-row", 2),
        (HEADER, ROW.replace("40.00", "-1"), "annotation-row", 2),
        (HEADER, ROW.replace("n/a", "sure", 1), "annotation-row", 2),
        (HEADER, ROW + ROW.replace("\t50.00", "\t60.00"), "annotation-row", 2),
        (HEADER, ROW.replace("\t50.00", "\t0"), "annotation-row", 2),
    ],
)
def test_what_cannot_be_read_stops_with_file_and_line(tmp_path, header, rows, code, line):
    """Nothing is skipped."""
    assert code_and_place(write(tmp_path, rows, header)) == (code, f":{line}")


@pytest.mark.parametrize("duration", ["40000", "10240"])
def test_durations_in_milliseconds_or_samples_are_caught(tmp_path, duration):
    """Some writers confuse units; the recording's length gives them away."""
    assert code_and_place(write(tmp_path, ROW.replace("40.00", duration))) == ("annotation-times", ":2")


def test_a_recording_without_event_is_written_as_one_background_row(tmp_path):
    """SzCORE's convention: silence is said, not left out."""
    path = tmp_path / "x_events.tsv"
    bids.write(path, events=[], duration_s=3600, start=START, decimals=2)
    assert path.read_text(encoding="utf-8") == (
        HEADER + "0.00\t3600.00\tbckg\tn/a\tn/a\t2000-01-02 03:04:05\t3600.00\n"
    )
    assert seizures(bids.read(path)) == ()


def test_an_unknown_start_is_written_as_not_available(tmp_path):
    """No date is made up."""
    bids.write(tmp_path / "x_events.tsv", events=[], duration_s=5, start=None)
    assert "\tbckg\tn/a\tn/a\tn/a\t5.0000" in (tmp_path / "x_events.tsv").read_text(encoding="utf-8")


@settings(max_examples=60)
@given(st.lists(st.integers(0, 36_000_000), unique=True, max_size=8))
def test_written_events_are_read_back_to_the_last_decimal(tmp_path_factory, edges):
    """Incident f7: events to file to events is the identity."""
    path = tmp_path_factory.mktemp("round_trip") / "x_events.tsv"
    ordered = sorted(edges)
    pairs = [(a / 1e4, b / 1e4) for a, b in zip(ordered[::2], ordered[1::2], strict=False)]
    events = [Event(onset_s=a, stop_s=b, label="sz", confidence=0.5) for a, b in pairs]
    bids.write(path, events=reversed(events), duration_s=3600, start=START)
    read = bids.read(path)
    assert seizures(read) == tuple(pairs)
    assert not events or read.events == tuple(events)


ARTEFACTS = st.none() | st.lists(
    st.sampled_from(["flat F7", "flat FP1-F7", "clipped O1", "absent A1", "interpolated T3"]), unique=True, max_size=3
).map(tuple)


@given(st.lists(ARTEFACTS, max_size=4))
def test_artefacts_are_a_column_where_somebody_looked(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, ...] | None]
) -> None:
    """Read again as written: some, none, or nobody looked; where nobody did, the columns are the format's own."""
    path = tmp_path_factory.getbasetemp() / "artefacts_events.tsv"
    events = [
        Event(onset_s=10.0 * n, stop_s=10.0 * n + 5, label="sz", artefacts=flaws) for n, flaws in enumerate(drawn)
    ]
    bids.write(path, events=events, duration_s=100.0, start=START)
    header = path.read_text().splitlines()[0] + "\n"
    looked = any(flaws is not None for flaws in drawn)
    assert header == (HEADER.replace("\n", "\tartefacts\n") if looked else HEADER)
    assert [one.artefacts for one in bids.read(path).events] == (drawn or [None])
    if looked:
        assert path.read_text().splitlines()[1].split("\t")[-1] in {"n/a", "none", *[",".join(f or ()) for f in drawn]}
