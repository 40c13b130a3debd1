"""The command line itself: help, mistakes in typing, a reader that leaves, Ctrl-C."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from ictal.cli import app
from tests.end_to_end.commands import Terminal, recordings, words
from tests.end_to_end.test_bad_input import require_refusal


def commands(of: App = app, *above: str) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command that does something, with the words that call it."""
    for name in of:
        if not name.startswith("-"):
            if of[name].default_command is None:
                yield from commands(of[name], *above, name)
            else:
                yield (*above, name), of[name]


EVERY = dict(commands())


def examples(command: App) -> list[str]:
    """The command lines that a command's help shows."""
    return re.findall(r"^ictal (.*)$", command.help_epilogue or "", re.MULTILINE)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_parameter_is_explained(words: tuple[str, ...]) -> None:
    """No option is there without a word about it."""
    collection = EVERY[words].assemble_argument_collection(parse_docstring=True)
    silent = [one.name for one in collection if not one.parameter.help]
    assert silent == []


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_example_is_understood(words: tuple[str, ...]) -> None:
    """They begin with the command that they explain, and its parameters take their words."""
    shown = examples(EVERY[words])
    assert shown
    for example in shown:
        tokens = example.split()
        assert tuple(tokens[: len(words)]) == words
        settings = [n for n, token in enumerate(tokens) if re.match(r"--\w+\.", token) and "mapping" not in token]
        first = settings[0] if settings else len(tokens)
        app.parse_args([*tokens[:first], "--", *tokens[first:]], exit_on_error=False, print_error=False)


def test_help_lists_the_steps_of_a_run_in_their_order(terminal: Terminal) -> None:
    """And every command once."""
    said = terminal("--help")
    listed = re.findall(r"^│ (\w+) +\w", said.out, re.MULTILINE)
    steps = ["plan", "prepare", "train", "evaluate", "report"]
    assert [name for name in listed if name in steps] == steps
    assert sorted(listed) == sorted({words[0] for words in EVERY})


@pytest.mark.parametrize(
    ("typed", "where", "mentioned"),
    [
        ("trian runs/a", "ictal", 'Did you mean "train"?'),
        ("plan", "ictal plan", "nothing for RUN"),
        ("agreement", "ictal agreement", "nothing for FOLDER"),
        ("synth out more", "ictal synth", "more words than expected: more"),
        ("train runs/a --chek", "ictal train", "Did you mean --check?"),
        ("train runs/a --steps 5", "ictal train", "perhaps the setting --train.steps is meant"),
        ("train --train.steps 5 runs/a --jsn", "ictal train", "Did you mean --json?"),
        ("store verfy store", "ictal store", 'Did you mean "verify"?'),
        ("synth out --hours long", "ictal synth", '"long"'),
        ("score a b --train.steps 3", "ictal score", "Unknown option: --train.steps"),
    ],
)
def test_a_slip_in_typing_is_named_with_what_was_meant(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, where: str, mentioned: str
) -> None:
    """Before anything is read or written."""
    monkeypatch.chdir(tmp_path)
    require_refusal(terminal(*typed.split()), f"where:    {where}\n", mentioned, f"{where} ")
    assert list(tmp_path.iterdir()) == []


def test_a_label_mapping_is_no_setting(terminal: Terminal, tmp_path: Path) -> None:
    """It has a point in its name, as settings have."""
    (tmp_path / "a").mkdir()
    said = terminal("score", "--label-mapping.nesz", "bckg", tmp_path / "a", tmp_path / "b")
    require_refusal(said, "holds no annotations")


def ictal(*words: object, **options: object) -> subprocess.Popen[str]:
    """A command in a process of its own, the first of a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ictal", *map(str, words)], stderr=subprocess.PIPE, text=True, start_new_session=True,
        **options,
    )  # fmt: skip


def test_a_reader_that_leaves_is_no_finding(synthetic_corpus: Path) -> None:
    """`ictal audit FOLDER | head -1`: the end that a closed pipe makes of any program, without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    process = ictal("audit", synthetic_corpus, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 141
    assert "Traceback" not in err
    assert "Broken" not in err


def test_ctrl_c_is_one_line(tmp_path: Path) -> None:
    """Its signal goes to the whole group, as a terminal sends it."""
    process = ictal("synth", tmp_path / "corpus", "--patients", "300", "--hours", "40", stdout=subprocess.PIPE)
    while not any(tmp_path.rglob("*.edf")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert [line for line in err.splitlines() if line.strip()] == ["ictal: interrupted; the same command begins anew"]
    assert not (tmp_path / "corpus").exists()


def test_what_audit_says_to_type_next_plans(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a split by patient where the corpus has no parts of its own; in a folder whose name needs quotes."""
    monkeypatch.chdir(tmp_path)
    for corpus, official in ((tmp_path / "theirs é", True), (tmp_path / "own é", False)):
        (corpus / "x").mkdir(parents=True)
        for path in (p for p in synthetic_corpus.rglob("*") if p.suffix in {".edf", ".csv_bi"}):
            place = corpus / path.relative_to(synthetic_corpus) if official else corpus / "x" / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(path)
        suggested = shlex.split(terminal("audit", corpus).err.splitlines()[-1])
        assert suggested[:3] == ["next", "ictal", "plan"]
        assert ("stratified" in suggested) is not official
        assert terminal(*suggested[2:], *words()).code == 0


def test_a_file_is_no_missing_folder(terminal: Terminal, synthetic_corpus: Path) -> None:
    """Who audits one EDF is told what is wrong with that."""
    require_refusal(terminal("audit", recordings(synthetic_corpus, "eval")[0]), "got:      a file")
