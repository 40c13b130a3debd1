"""Commands as a user types them, in this process, and the small run that many tests look at."""

from __future__ import annotations

import io
import json
import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ictal.cli import main

STEPS = 16
LENGTH_S, STRIDE_S, RATE_HZ, SAMPLES_PER_STEP = 10, 2, 64, 8
BATCH, QUOTA = 8, 4
SETTINGS: dict[str, object] = {
    "windows.length_s": LENGTH_S,
    "windows.stride_s": STRIDE_S,
    "signals.rate_hz": RATE_HZ,
    "signals.band_hz": [0.5, 28],
    "signals.notch_hz": 0,
    "model.samples_per_step": SAMPLES_PER_STEP,
    "batch.size": BATCH,
    "batch.seizure_windows": QUOTA,
    "train.steps": STEPS,
    "train.learning_rate": 0.005,
    "train.warmup_steps": 2,
    "train.average_decay": 0.5,
    "machine.workers": 1,
    "machine.threads": 1,
}
"""A run of seconds: the same program on short windows, a low rate and few steps."""


class Said(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout; more or less than one is an error."""
        document: dict[str, Any] = json.loads(self.out)
        return document


class Terminal:
    """Runs `ictal` commands and keeps what they print."""

    def __call__(self, *words: object) -> Said:
        """`terminal("plan", folder, "--json")`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as leave:
            main([str(word) for word in words])
        assert isinstance(leave.value.code, int)
        return Said(leave.value.code, out.getvalue(), err.getvalue())


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run that went all the way, and what each command said."""

    folder: Path
    corpus: Path
    store: Path
    said: dict[str, Said]

    def json(self, name: str) -> Any:
        """A document of the run folder."""
        return json.loads((self.folder / name).read_text())


def words(**settings: object) -> list[str]:
    """`SETTINGS`, with some of them changed, as words of a command line; `section__key=value`."""
    changed = SETTINGS | {key.replace("__", "."): value for key, value in settings.items()}
    return [word for key, value in changed.items() for word in (f"--{key}", str(value))]


def finish(terminal: Terminal, folder: Path, corpus: Path, store: Path, **settings: object) -> FinishedRun:
    """Plan, prepare, train and evaluate a quick run."""
    places = ["--corpus.path", corpus, "--machine.store", store]
    said = {
        "plan": terminal("plan", folder, *places, *words(**settings), "--json"),
        "prepare": terminal("prepare", folder),
        "train": terminal("train", folder),
        "evaluate": terminal("evaluate", folder, "--open-eval", "--json"),
    }
    assert {verb: done.err for verb, done in said.items() if done.code not in {0, 1}} == {}
    return FinishedRun(folder=folder, corpus=corpus, store=store, said=said)


def begun_anew(finished: FinishedRun, folder: Path) -> Path:
    """A run folder with the finished run's settings and plan, and nothing done."""
    folder.mkdir()
    for name in ("config.toml", "plan.json"):
        shutil.copy(finished.folder / name, folder / name)
    return folder


def linked(corpus: Path, copy: Path) -> Path:
    """A copy of a corpus that takes no space; its files must be replaced (`put`), never written into."""
    shutil.copytree(corpus, copy, copy_function=os.link)
    return copy


def put(path: Path, content: str | bytes) -> None:
    """Replace a file, leaving those linked to it as they are."""
    path.unlink(missing_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; nothing where there is no such folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def recordings(corpus: Path, split: str, *, ictal: bool | None = None) -> list[Path]:
    """EDF files of one part of a synthetic corpus, perhaps only those with or without seizures."""
    truth = json.loads((corpus / "truth.json").read_text())
    return [
        corpus / f"{recording['id']}.edf"
        for recording in truth["recordings"]
        if recording["split"] == split and ictal in {None, bool(recording["seizures"])}
    ]
