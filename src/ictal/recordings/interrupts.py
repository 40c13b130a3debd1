"""Ctrl-C, which a terminal sends to every process of a command, left to the one that its user started."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def withheld() -> Iterator[None]:
    """Processes that begin within never get SIGINT, not even while they import; this one still does.

    They inherit the mask of the thread that begins them. Python's tracker of resources, which begins with the first
    of them, would lift it, and so begins before.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
