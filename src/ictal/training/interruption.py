"""Ctrl-C and SIGTERM as a question that the loop asks between two steps, so that nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):  # noqa: N818 - the user asked for it
    """The run was asked to stop and has saved itself."""

    def __init__(self, signal_number: int, step: int) -> None:
        super().__init__(signal_number, step)
        self.signal_number = signal_number
        self.step = step

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.signal_number).name} after {self.step} steps; the checkpoint is saved"


class Request:
    """Whether somebody has asked to stop."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def note(self, signal_number: int, _frame: FrameType | None) -> None:
        """Remember the signal; the loop will act on it."""
        self.signal_number = signal_number


@contextmanager
def stop_requests() -> Iterator[Request]:
    """Collect SIGINT and SIGTERM while the block runs."""
    request = Request()
    before = {number: signal.signal(number, request.note) for number in STOP_SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
