"""What the pages tell people to type is typed here.

Python runs as it stands. Of shells' blocks, lines that begin with `ictal` run as they stand, in a folder with a small
corpus where the page has `/data/...`; `ictal plan` gets the settings of a run of seconds. Other lines must be of a kind
that is known not to be run here.
"""

from __future__ import annotations

import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ictal.recipes.config import load
from ictal.recordings.annotations.beside import read as read_annotation
from tests.end_to_end.commands import SETTINGS, FinishedRun, Terminal, linked, recordings

PAGES = [path for path in (Path("README.md"), *sorted(Path("docs").rglob("*.md"))) if "decisions" not in path.parts]
ELSEWHERE = ("make ", "apt ", "pip ", "source ", "python benchmarks/", "torchrun ", "docker ", "podman ")
"""What a line may begin with that is not run: installs, and what has tests or places of its own."""
LONG = ("ictal demo", "ictal bench", "ictal review", "ictal play", "ictal detect --stream")
"""Commands that take minutes, or serve until they are stopped; they have tests of their own."""


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def lines(page: Path) -> list[str]:
    """Commands of a page's shell blocks, without comments."""
    text = "".join(blocks(page, "sh")).replace("\\\n", " ")
    found = (re.sub(r"\s+#.*", "", line).strip() for line in text.splitlines())
    return [line for line in found if line and not line.startswith("#")]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=str)
def test_every_block_of_python_runs(
    page: Path, synthetic_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of a page one after the other, in one namespace and a folder with one recording."""
    code = blocks(page, "python")
    (tmp_path / "some.edf").hardlink_to(recordings(synthetic_corpus, "eval")[0])
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "page"}
    for number, block in enumerate(code):
        exec(compile(block, f"{page}, block {number}", "exec"), names)  # noqa: S102 - the page's own code


@pytest.mark.parametrize("page", [p for p in PAGES if lines(p)], ids=str)
def test_every_line_of_a_shell_block_is_accounted_for(page: Path) -> None:
    """It is a command of ours, or of a kind that is known."""
    assert [line for line in lines(page) if not line.startswith(("ictal ", *ELSEWHERE))] == []


@pytest.mark.parametrize("page", [p for p in PAGES if any(line.startswith("ictal") for line in lines(p))], ids=str)
def test_every_command_of_a_page_works(
    page: Path, synthetic_corpus: Path, finished_run: FinishedRun, terminal: Terminal, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One after the other, in the folder where their user would be: each ends with 0, or 1 for findings."""
    commands = [line for line in lines(page) if line.startswith("ictal ") and not line.startswith(LONG)]
    lay_out(tmp_path, synthetic_corpus, finished_run, planned=any(line.startswith("ictal plan") for line in commands))
    if any("--corpus.corrected" in line for line in commands):
        correct(tmp_path / "runs" / "a" / "review", synthetic_corpus)
    monkeypatch.chdir(tmp_path)
    for line in commands:
        said = terminal(*typed(line, tmp_path))
        assert said.code in {0, 1}, f"{line}\n{said.err}"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "tsv")], ids=str)
def test_every_annotation_of_a_page_is_one(page: Path, tmp_path: Path) -> None:
    """With the seizures or the background that it shows."""
    for number, block in enumerate(blocks(page, "tsv")):
        path = tmp_path / f"{number}_events.tsv"
        path.write_text(block)
        assert read_annotation(path).events


def test_every_setting_in_a_sentence_of_a_page_is_one() -> None:
    """`--section.key value` between backticks is accepted, unless the value stands for another (`N`, `FOLDER`)."""
    spans = [code for page in PAGES for code in re.findall(r"`([^`\n]+)`", page.read_text()) if "--" in code]
    typed = []
    for tokens in (shlex.split(code) for code in spans):
        pairs = [
            pair for pair in pairwise(tokens) if re.fullmatch(r"--[a-z]+\.[a-z_]+", pair[0]) and not pair[1].isupper()
        ]
        typed.append([word for pair in pairs for word in pair if "section.key" not in pair[0]])
    assert sum(map(bool, typed)) > 5
    for words in typed:
        load(None, words)


def lay_out(folder: Path, corpus: Path, finished: FinishedRun, *, planned: bool) -> None:
    """What pages take for granted: corpora below data/, one recording, examples, and, unless they plan, a run."""
    linked(corpus, folder / "data" / "tusz")
    (folder / "data" / "eeg").mkdir()
    for path in (p for p in corpus.rglob("*") if p.suffix in {".edf", ".csv_bi"}):
        (folder / "data" / "eeg" / path.name).hardlink_to(path)
    for name in ("recording.edf", "some.edf"):
        (folder / name).hardlink_to(recordings(corpus, "eval")[0])
    for name in ("REFERENCE", "HYPOTHESIS"):
        (folder / name).mkdir()
        for path in corpus.rglob("*.csv_bi"):
            (folder / name / path.name).hardlink_to(path)
    (folder / "examples").symlink_to(Path("examples").resolve())
    if not planned:
        shutil.copytree(finished.folder, folder / "runs" / "a")
        shutil.copytree(finished.store, folder / "store")


def correct(marks: Path, corpus: Path) -> None:
    """What a review leaves behind that has moved one seizure."""
    edf = recordings(corpus, "train", ictal=True)[0]
    path = marks / f"{edf.relative_to(corpus).with_suffix('')}_events.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("onset\tduration\teventType\n30\t20\tsz_foc\n")


def typed(line: str, folder: Path) -> list[str]:
    """The words of a command, its corpus in the folder and its run one of seconds."""
    words = [word.replace("/data/", f"{folder}/data/") for word in shlex.split(line)[1:]]
    if "--train.steps" in words:
        words[words.index("--train.steps") + 1] = str(SETTINGS["train.steps"])
    match words[0]:
        case "plan":
            return [*words, *(word for key, value in SETTINGS.items() for word in (f"--{key}", str(value)))]
        case "synth":
            return [*words, "--patients", "12", "--hours", "0.8", "--seizure-share", "0.05", "--workers", "1"]
    return words
