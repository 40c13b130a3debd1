"""Builders in processes of their own, to be killed at any moment.

A nursery is one process that has imported everything; each builder is forked from it within milliseconds.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ictal.recordings.corpus import Labelled
from ictal.signals.places import Place
from ictal.signals.prepare import Workers, prepare
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import SignalStore

ROOT = Path(__file__).resolve().parents[2]
SMALL = PreprocessConfig(rate_hz=64, band_hz=(0.5, 28.0), notch_hz=0.0)
"""Settings that make small recordings."""
_WATCHED = ("store.py", "folder.py", "files.py", "ledger.py", "fingerprint.py", "prepare.py")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a builder does; it is killed as it comes to the n-th line of the store's code, if n is not 0.

    Of lines that are executed again and again the first two times count: signal and description take the same path.
    """

    recordings: Sequence[Labelled]
    root: Path | Place
    config: PreprocessConfig = SMALL
    processes: int = 1
    killed_at_line: int = 0
    watched: Sequence[str] = _WATCHED
    environment: Mapping[str, str] = field(default_factory=dict)


class Nursery:
    """Where builders begin; one lives at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.signals.builders"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._said() == "ready"

    def begin(self, work: Work) -> int:
        """Start a builder; returns its process id."""
        assert self._process.stdin is not None
        pickle.dump(work, self._process.stdin)
        self._process.stdin.flush()
        return int(self._said())

    def end(self) -> int:
        """Wait for the builder; returns how it ended, 0 for well, -9 for killed."""
        return os.waitstatus_to_exitcode(int(self._said()))

    def close(self) -> None:
        """End the nursery."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()


def _build(work: Work) -> None:
    os.environ.update(work.environment)
    if work.killed_at_line:
        sys.settrace(_Killer(work.killed_at_line, work.watched))
    prepare(work.recordings, SignalStore(work.root), work.config, workers=Workers(processes=work.processes))


class _Killer:
    """Kills this process when it comes to the n-th line, counting each twice at most."""

    def __init__(self, lines: int, watched: Sequence[str]) -> None:
        self.lines, self.watched = lines, watched
        self.seen: Counter[tuple[str, int]] = Counter()
        self.come_to = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> _Killer | None:
        path = Path(frame.f_code.co_filename)
        if path.name not in self.watched or path.parent.name != "signals":
            return None
        if event == "line":
            self.seen[path.name, frame.f_lineno] += 1
            self.come_to += self.seen[path.name, frame.f_lineno] <= 2
            if self.come_to == self.lines:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def main() -> None:
    """Read work, fork a builder for it, say its id and how it ended; until there is no more work."""
    print("ready", flush=True)
    while True:
        try:
            work = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the test that started us
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            _build(work)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    import tests.signals.builders as module  # under its own name, by which the test pickles

    module.main()
