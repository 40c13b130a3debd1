"""Processes that are forked from a server of their own, not from the process that wants them.

The server was started anew and does nothing but fork: its children share no lock, thread or open file with whoever
asked for them. What it has imported they need not import, and its memory they share. It and they leave the signals
that end a whole process group to the process that asked, and end with that one, however it ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerContext

from ictal.recordings.interrupts import withheld


def context(*imported: str) -> ForkServerContext:
    """How to start such processes. Their server begins here, if it is not running yet.

    Args:
        imported: Modules that the server imports before it forks, if it is not running yet.
    """
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(["__main__", "ictal.signals.forking_server", *imported])
    with withheld():
        forkserver.ensure_running()
    return chosen


def begin(*, terminable: bool) -> None:
    """What such a process does first.

    Args:
        terminable: Whether SIGTERM ends it; else it is left to the parent, as Ctrl-C is.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL if terminable else signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
