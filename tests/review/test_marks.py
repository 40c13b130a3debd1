"""The journal: nothing confirmed is ever lost, and nobody overwrites what they have not seen."""

from __future__ import annotations

import json
import multiprocessing
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.review.marks import Journal, Mark, StaleEditError, mark_of

MARK = Mark(
    event="detection:1.0000-2.0000",
    source="detection",
    onset_s=1.0,
    stop_s=2.0,
    label="sz",
    verdict="seizure",
    comment="",
    author="Ä. Reviewer",
    edit="first",
    time="2026-01-02T03:04:05+00:00",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal is not yet."""
    return tmp_path / "deep" / "a.marks.jsonl"


def test_what_was_written_is_read_again(path: Path) -> None:
    """By another journal of the same file; the last mark of an event counts."""
    journal = Journal(path)
    first = journal.append(MARK, 0)
    second = journal.append(replace(MARK, edit="second", verdict="background", comment="chewing – left"), 1)
    other = journal.append(replace(MARK, edit="third", event="other"), 0)
    assert (first.revision, second.revision, other.revision) == (1, 2, 3)
    assert Journal(path).marks() == journal.marks() == {MARK.event: second, "other": other}
    assert len(path.read_text().splitlines()) == 3


def test_an_edit_that_is_sent_again_after_others_counts_once(path: Path) -> None:
    """Two tabs send what neither knows the other to have sent; the later edit stays the one that counts."""
    journal = Journal(path)
    first = journal.append(MARK, 0)
    second = journal.append(replace(MARK, edit="second", verdict="background"), 1)
    assert Journal(path).append(MARK, 0) == first
    assert Journal(path).marks() == {MARK.event: second}
    assert len(path.read_text().splitlines()) == 2


def test_an_edit_of_what_was_changed_meanwhile_is_refused(path: Path) -> None:
    """With what it was changed to, by whom; the file stays as it is. Other events are no matter."""
    mine, theirs = Journal(path), Journal(path)
    assert mine.marks() == {}
    written = theirs.append(replace(MARK, author="B", edit="theirs"), 0)
    before = path.read_bytes()
    with pytest.raises(StaleEditError) as stale:
        mine.append(replace(MARK, edit="mine"), 0)
    assert stale.value.current == written
    assert path.read_bytes() == before
    assert mine.append(replace(MARK, event="other"), 0).revision == 2
    assert mine.append(replace(MARK, edit="mine"), written.revision).revision == 3


def test_an_edit_that_is_sent_twice_counts_once(path: Path) -> None:
    """As when the answer to the first was lost on the way."""
    journal = Journal(path)
    written = journal.append(MARK, 0)
    assert journal.append(MARK, 0) == Journal(path).append(MARK, 0) == written
    assert len(path.read_text().splitlines()) == 1


@given(st.integers(1, 400))
def test_a_line_cut_short_by_a_crash_is_taken_away(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    """Wherever it was cut: what was confirmed before stays, the next edit follows it."""
    path = tmp_path_factory.mktemp("crash") / "a.jsonl"
    journal = Journal(path)
    first = journal.append(MARK, 0)
    journal.append(replace(MARK, edit="second", comment="x" * 100), 1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][: min(kept, len(lines[1]) - 1)])
    recovered = Journal(path)
    assert recovered.marks() == {MARK.event: first}
    third = recovered.append(replace(MARK, edit="third"), 1)
    assert third.revision == 2
    assert Journal(path).marks() == {MARK.event: third}


@pytest.mark.parametrize("damage", [b"{}\n", b"nothing\n", b"\xff\n", b"[]\n"])
def test_a_damaged_line_stops(path: Path, damage: bytes) -> None:
    """Naming its place; nothing is skipped."""
    Journal(path).append(MARK, 0)
    path.write_bytes(path.read_bytes() + damage)
    with pytest.raises(InputError) as error:
        Journal(path).marks()
    assert error.value.where == f"{path}:2"


def test_a_line_that_is_missing_stops(path: Path) -> None:
    """Revisions count lines; a file that was cut while it is open is not written to."""
    journal = Journal(path)
    journal.append(MARK, 0)
    journal.append(replace(MARK, edit="second"), 1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[1])
    for reader in (Journal(path), journal):
        with pytest.raises(InputError, match="damaged"):
            reader.marks()
    with pytest.raises(InputError, match="damaged"):
        journal.append(replace(MARK, edit="third"), 2)


def _write_many(path: Path, author: str, edits: int) -> None:
    journal = Journal(path)
    for number in range(edits):
        journal.append(replace(MARK, event=f"{author} {number}", author=author, edit=f"{author} {number}"), 0)


def test_two_programs_and_many_threads_lose_nothing(path: Path) -> None:
    """All that was confirmed is in the file, once, in some order."""
    path.parent.mkdir()
    context = multiprocessing.get_context("forkserver")
    workers = [context.Process(target=_write_many, args=(path, f"process {n}", 20)) for n in range(2)]
    shared = Journal(path)
    threads = [
        threading.Thread(target=lambda n=n: shared.append(replace(MARK, event=f"thread {n}", edit=f"t{n}"), 0))
        for n in range(20)
    ]
    for one in (*workers, *threads):
        one.start()
    for one in (*workers, *threads):
        one.join()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["revision"] for row in rows] == list(range(1, 61))
    assert len({row["event"] for row in rows}) == len(shared.marks()) == 60


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("onset_s", -1.0), ("onset_s", 2.0), ("stop_s", float("nan")), ("stop_s", "2"), ("onset_s", True)),
        *(("verdict", "perhaps"), ("source", "rumour"), ("author", " "), ("author", "a\tb"), ("author", "a" * 81)),
        *(("comment", "two\nlines"), ("comment", "x" * 2001), ("comment", None), ("label", ""), ("edit", "")),
    ],
)
def test_a_mark_that_says_nothing_sensible_is_refused(field: str, value: object) -> None:
    """Above all what would break the row of a table."""
    with pytest.raises(InputError, match="A mark cannot be used"):
        mark_of({**MARK.__dict__, field: value})
