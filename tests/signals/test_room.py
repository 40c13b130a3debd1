"""Memory that is used again: what new windows cost the system."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ictal.recordings.corpus import Labelled
from ictal.signals.store import SignalStore
from tests.signals.builders import SMALL

KEPT, PAGES_PER_WINDOW = 8, 19 * 64 * 60 * 4 // 4096
READ = """
import resource, sys
from pathlib import Path
from ictal.signals.store import SignalStore

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

recording = SignalStore(Path(sys.argv[1])).open(sys.argv[2])
for round in range(3):
    before = faults()
    windows = [recording.read_uv(0, 3840) for _ in range(int(sys.argv[3]))]
    of_last = faults() - before
    del windows
print(of_last)
"""


@pytest.mark.parametrize("bounds", [{}, {"MALLOC_MMAP_THRESHOLD_": "131072"}], ids=["ours", "of the environment"])
def test_windows_are_read_into_memory_that_was_freed(
    write_recording: Callable[..., Labelled], tmp_path: Path, bounds: dict[str, str]
) -> None:
    """A process that reads some windows, drops them and reads on has its pages mapped once.

    Whoever has told the C library how much to keep has their way: each page is mapped again, which also shows that the
    system's count can tell one from the other.
    """
    store = SignalStore(tmp_path)
    entry, _ = store.build(write_recording(seconds=60).header, SMALL)
    command = [sys.executable, "-c", READ, str(tmp_path), entry.key, str(KEPT)]
    said = subprocess.run(command, env=os.environ | bounds, capture_output=True, text=True, check=True).stdout
    assert (int(said) > KEPT * PAGES_PER_WINDOW // 2) == bool(bounds)
