"""Who gets Ctrl-C."""

from __future__ import annotations

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

import pytest

from ictal.recordings.interrupts import withheld
from ictal.signals import forking


def blocked() -> bool:
    """Whether SIGINT cannot reach this process."""
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.parametrize("method", ["spawn", "fork server"])
def test_a_process_begun_within_never_gets_it(method: str) -> None:
    """Whichever way it begins; who has begun it does."""
    with withheld():
        context = multiprocessing.get_context("spawn") if method == "spawn" else forking.context()
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            assert pool.submit(blocked).result(timeout=60)
    assert not blocked()
