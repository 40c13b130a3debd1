"""Commands as a user types them, in this process."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ictal.cli import main


class Said(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Terminal:
    """Runs `ictal` commands and keeps what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: object) -> Said:
        """`terminal("plan", folder, "--json")`."""
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as leave:
            main([str(word) for word in words])
        out, err = self.capsys.readouterr()
        assert isinstance(leave.value.code, int)
        return Said(leave.value.code, out, err)
