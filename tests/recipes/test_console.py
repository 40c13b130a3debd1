"""What the terminal says of long work while it goes on."""

from __future__ import annotations

import io

from rich.console import Console as Terminal

from ictal.recipes.console import Console, counted, show_audit, three_digits


def test_a_step_through_recordings_says_hours_done_hours_a_second_and_the_time_left() -> None:
    """Half an hour of two after ten seconds: 0.05 h/s, half a minute to go; at the end the line stays."""
    now, out = [100.0], io.StringIO()
    console = Console(clock=lambda: now[0])
    console.err = Terminal(file=out, width=120, force_terminal=True, highlight=False)
    with console.recorded("prepare", "the store") as show:
        for now[0], done_s in ((100.0, 0), (105.0, 900), (110.0, 1800)):
            show(done_s, 7200)
    live, _, last = out.getvalue().rpartition("prepare")
    assert "0.50 of 2.00 h of EEG, 0.05 h/s" in live
    assert "0:00:30" in live
    assert "the store" in last
    assert "10.0 s; 0.50 of 2.00 h of EEG, 0.05 h/s" in last


def test_nothing_to_go_through_is_no_division_by_zero() -> None:
    """An answer at once, of a clock that stands still."""
    out = io.StringIO()
    console = Console(clock=lambda: 0.0)
    console.err = Terminal(file=out, width=120)
    with console.recorded("prepare", "the store") as show:
        show(0, 0)
    assert "0.00 of 0.00 h of EEG, 0 h/s" in out.getvalue()


def plain(console: Console) -> io.StringIO:
    """What a console writes on stderr where that is a file."""
    console.err.file = out = io.StringIO()
    return out


def test_a_log_file_gets_a_line_now_and_then_and_no_bar() -> None:
    """After half a minute, with the time left; nothing before, no empty lines, no codes."""
    now = [0.0]
    console = Console(clock=lambda: now[0])
    out = plain(console)
    with console.step("audit", "a corpus") as show:
        for now[0], done in ((1.0, 10), (30.0, 300), (31.0, 310), (61.0, 610)):
            show(done, 1000)
    assert out.getvalue().splitlines() == [
        "audit     300/1,000  1 min 10 s left",
        "audit     610/1,000  0 min 39 s left",
        "audit     a corpus (61.0 s)",
    ]


def test_names_are_shown_as_they_are() -> None:
    """Brackets and colons of a path are neither colours nor pictures; the command to type next is quoted."""
    console = Console(clock=lambda: 0.0)
    out = plain(console)
    with console.step("audit", "/data/[bold]a :smile: b"):
        pass
    console.next("plan", "runs/[bold]a b")
    assert out.getvalue().splitlines() == [
        "audit     /data/[bold]a :smile: b (0.0 s)",
        "next      ictal plan 'runs/[bold]a b'",
    ]


def test_labels_and_names_of_tables_are_shown_as_they_are() -> None:
    """Whatever an annotation file calls its events, and whatever somebody's folder is called."""
    console = Console()
    out = io.StringIO()
    console.out = Terminal(file=out, width=200)
    hostile = "[/red]a[b]"
    tally = {"recordings": 1, "patients": 1, "hours": 1.0, "seizures": 1, "seizure_seconds": 1.0}
    counts = dict.fromkeys(("recordings", "patients", "seizures", "seizure_patients"), 1)
    audit = {
        **counts,
        "corpus": "folder",
        "hours": 1.0,
        "seizure_seconds": 1.0,
        "share": None,
        "labels": {hostile: 1},
        "rates_hz": {},
        "montages": {},
        "repaired": {},
        "findings": [],
        "tallies": {"split": {}, "type": {hostile: tally}},
        "windows": {"strata": {}},
    }
    show_audit(console, audit)
    assert out.getvalue().count(hostile) == 2


def test_who_wants_json_is_told_no_next_command() -> None:
    """It is a program that reads."""
    console = Console(as_json=True)
    out = plain(console)
    console.next("plan", "runs/a")
    assert out.getvalue() == ""


def test_numbers_are_said_as_people_say_them() -> None:
    """One of a kind without an s; no powers of ten for rates above a thousand."""
    assert [counted(number, "seizure") for number in (0, 1, 1200)] == ["0 seizures", "1 seizure", "1,200 seizures"]
    said = [three_digits(value) for value in (0.82143, 24.51, 999.4, 999.6, 6564.9, -1234.5)]
    assert said == ["0.821", "24.5", "999", "1,000", "6,565", "-1,234"]
