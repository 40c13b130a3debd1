"""The view of a run in training: right numbers, in a terminal and in a log file."""

from __future__ import annotations

import io

from rich.console import Console

from ictal.recipes.live import LINE_EVERY_S, Show, TrainingView, curve


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The present second."""
        return self.now


def record(step: int, **more: object) -> dict[str, object]:
    return {"step": step, "loss": 0.5, "skill": 0.25, "separation": 1.5, "seizure_windows": 4, **more}


def view_after(steps: int, *, first: int = 0, step_s: float = 2.0) -> TrainingView:
    clock = Clock()
    view = TrainingView(100, clock)
    for step in range(first, first + steps):
        clock.now += step_s
        view.take(step + 1, record(step))
    return view


def test_speed_and_time_left_come_from_the_last_steps() -> None:
    """Ten steps of two seconds: half a step a second, 180 s for the other ninety."""
    view = view_after(10)
    assert view.steps_per_s == 0.5
    assert view.seconds_left == 180
    assert "10/100" in view.line()
    assert "3 min 00 s left" in view.line()


def test_a_resumed_run_counts_its_own_steps() -> None:
    """Seizure windows are counted from where the view began, and that is said."""
    rows = dict(view_after(5, first=50)._rows())
    assert rows["seizure windows"] == "4 in this batch, 20 in 5"


def test_the_last_hundred_batches_and_the_dev_part_are_shown() -> None:
    """The report's count over a hundred batches, and the last validation with the step of the best one."""
    view = view_after(3)
    view.take(4, record(3, recent_seizure_windows=396, auroc=0.75, dev_auprc=0.5, dev_sensitivity=0.25, dev_best=True))
    view.take(5, record(4, recent_seizure_windows=400, auroc=0.76, dev_auprc=0.4, dev_sensitivity=0.25, dev_best=False))
    view.take(6, record(5, recent_seizure_windows=400, auroc=0.77))
    rows = dict(view._rows())
    assert rows["seizure windows"] == "4 in this batch, 24 in 6, 400 in the last hundred"
    assert rows["AUROC of windows"].startswith("0.770")
    assert rows["dev part"] == "auprc 0.400  sensitivity 0.250  (best after 4 steps)"
    assert "dev auprc 0.400" in view.line()


def test_no_speed_is_claimed_from_one_step() -> None:
    """One step has no duration that is known."""
    view = view_after(1)
    assert view.seconds_left is None
    assert "left" not in view.line()


def test_the_curve_is_the_course_of_the_skill() -> None:
    """Lowest bar at zero and below, highest at one, in between in proportion."""
    assert curve([-1.0, 0.0, 0.5, 1.0]) == "▁▁▅█"
    assert curve([]) == ""
    assert len(curve([0.1] * 1000)) == 40


def test_a_step_time_is_split_where_it_was_measured() -> None:
    """Shares of what ends in `_s`."""
    view = TrainingView(10, Clock())
    view.take(1, record(0, data_s=1.0, forward_s=3.0))
    assert dict(view._rows())["time of a step"] == "data 25%  forward 75%"


def test_warnings_stay_to_be_seen() -> None:
    """A verdict that was chosen not to stop the run is shown until the end."""
    view = TrainingView(10, Clock())
    view.take(1, record(0, warnings=[{"message": "flat batch"}]))
    view.take(2, record(1))
    terminal = Console(file=io.StringIO(), width=100)
    terminal.print(view.panel())
    assert "warning: step 0: flat batch" in terminal.file.getvalue()  # type: ignore[attr-defined]


def test_a_log_file_gets_a_line_now_and_then() -> None:
    """Not every step, not none."""
    clock, out = Clock(), io.StringIO()
    with Show(Console(file=out, width=200), TrainingView(1000, clock)) as show:
        for step in range(100):
            clock.now += 1.0
            show.take(step + 1, record(step))
    lines = out.getvalue().splitlines()
    assert len(lines) == 1 + 99 // LINE_EVERY_S
    assert lines[0].startswith("train")


def test_a_terminal_gets_the_panel() -> None:
    """It is drawn at once and wiped at the end."""
    out = io.StringIO()
    with Show(Console(file=out, width=100, force_terminal=True), TrainingView(10, Clock())) as show:
        show.take(1, record(0))
    assert "between ictal and other steps" in out.getvalue()
