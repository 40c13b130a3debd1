"""A training run as it goes: a panel that redraws itself in a terminal, a line now and then in a log file (Slurm).

Skill, separation and the seizure windows drawn stand beside the loss, because a falling loss alone proves nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Self

from rich.console import Console as Terminal
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]
LINE_EVERY_S = 30.0
"""Between two lines where nothing can be redrawn."""
_BARS = "▁▂▃▄▅▆▇█"
_CURVE_POINTS = 40
_RECENT_STEPS = 50
_REDRAWS_PER_S = 4


class TrainingView:
    """What is known of a run in training.

    Args:
        steps: Batches of the whole run.
        clock: Seconds, always rising.
    """

    def __init__(self, steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.steps, self.clock = steps, clock
        self.done = 0
        self.first_done: int | None = None
        """Steps that were done before this view saw the first one."""
        self.started = clock()
        self.record: Record = {}
        self.skills: list[float] = []
        self.recent: deque[tuple[float, int]] = deque(maxlen=_RECENT_STEPS)
        """Time and number of the last steps."""
        self.seizure_windows = 0
        self.validation: dict[str, float] = {}
        """What the last validation on the dev part found."""
        self.best_step = 0
        """Steps done at the best validation; 0 before one."""
        self.warnings: list[str] = []

    def take(self, done: int, record: Record) -> None:
        """Take in one step's record."""
        if self.first_done is None:
            self.first_done = done - 1
        self.done, self.record = done, record
        self.skills.append(record["skill"])
        self.recent.append((self.clock(), done))
        self.seizure_windows += record["seizure_windows"]
        found = {name.removeprefix("dev_"): value for name, value in record.items() if name.startswith("dev_")}
        if found:
            self.best_step = done if found.pop("best") else self.best_step
            self.validation = found
        self.warnings += [f"step {done - 1}: {warning['message']}" for warning in record.get("warnings", ())]

    @property
    def steps_per_s(self) -> float | None:
        """Speed over the last steps; None before there are two."""
        if len(self.recent) < 2 or self.recent[-1][0] == self.recent[0][0]:
            return None
        (first_s, first), (last_s, last) = self.recent[0], self.recent[-1]
        return (last - first) / (last_s - first_s)

    @property
    def seconds_left(self) -> float | None:
        """Time to the last step at the present speed."""
        return None if self.steps_per_s is None else (self.steps - self.done) / self.steps_per_s

    def line(self) -> str:
        """All of it in one line."""
        if not self.record:
            return "train      waiting for the first step"
        left = "" if self.seconds_left is None else f"  {span(self.seconds_left)} left"
        dev = "".join(f"  dev {name} {value:.3f}" for name, value in self.validation.items())
        return (
            f"train      {self.done:,}/{self.steps:,}  loss {self.record['loss']:.3f}  "
            f"skill {self.record['skill']:+.2f}{dev}{left}"
        )

    def panel(self) -> RenderableType:
        """All of it as a small table with a bar."""
        table = Table.grid(padding=(0, 2))
        for name, value in self._rows():
            table.add_row(Text(name, style="dim"), Text(value))
        bar = ProgressBar(total=self.steps, completed=self.done, width=60)
        warnings = [Text(f"warning: {warning}", style="yellow") for warning in self.warnings[-3:]]
        return Group(Text(self.line()), bar, table, *warnings)

    def _rows(self) -> list[tuple[str, str]]:
        if not self.record:
            return []
        steps = self.done - (self.first_done or 0)
        rows = [
            ("skill", curve(self.skills)),
            ("separation", _number(self.record.get("separation"), "{:+.2f} between ictal and other steps (logits)")),
            (
                "seizure windows",
                f"{self.record['seizure_windows']} in this batch, {self.seizure_windows:,} in {steps:,}"
                + _number(self.record.get("recent_seizure_windows"), ", {:,} in the last hundred", none=""),
            ),
            ("AUROC of windows", _number(self.record.get("auroc"), "{:.3f} over the last hundred steps")),
            ("speed", _number(self.steps_per_s, "{:.2f} steps/s")),
        ]
        parts = {name.removesuffix("_s"): value for name, value in self.record.items() if name.endswith("_s")}
        if self.validation:
            found = "  ".join(f"{name} {value:.3f}" for name, value in self.validation.items())
            rows.append(("dev part", f"{found}  (best after {self.best_step:,} steps)"))
        total = sum(parts.values())
        if total > 0:
            rows.append(("time of a step", "  ".join(f"{name} {part / total:.0%}" for name, part in parts.items())))
        return rows


def curve(values: list[float]) -> str:
    """The course of the values as a row of bars from zero to one, each the mean of its share of them."""
    points = min(_CURVE_POINTS, len(values))
    edges = [round(n * len(values) / points) for n in range(points + 1)] if points else []
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    return "".join(_BARS[round(min(max(mean, 0.0), 1.0) * (len(_BARS) - 1))] for mean in means)


class Show:
    """Draws a view while it changes; use it as a context.

    Args:
        terminal: Where to.
        view: What.
    """

    def __init__(self, terminal: Terminal, view: TrainingView) -> None:
        self.terminal, self.view = terminal, view
        self.live = Live(console=terminal, transient=True, auto_refresh=False) if terminal.is_terminal else None
        self.next_s = 0.0

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def take(self, done: int, record: Record) -> None:
        """Take in one step's record and draw it if it is time."""
        self.view.take(done, record)
        now_s = self.view.clock()
        if now_s < self.next_s:
            return
        self.next_s = now_s + (1 / _REDRAWS_PER_S if self.live else LINE_EVERY_S)
        if self.live:
            self.live.update(self.view.panel(), refresh=True)
        else:
            self.terminal.print(self.view.line(), markup=False)


def _number(value: float | None, text: str, none: str = "-") -> str:
    return none if value is None else text.format(value)


def span(seconds: float) -> str:
    """A time that is left, in the two units that matter."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    return f"{hours} h {minutes_of_hour:02} min" if hours else f"{minutes} min {rest:02} s"
