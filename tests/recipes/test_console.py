"""What the terminal says of long work while it goes on."""

from __future__ import annotations

import io

from rich.console import Console as Terminal

from ictal.recipes.console import Console


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
