"""What `make audit-dependencies` passes over, and that the reasons for it hold."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from tests.end_to_end.commands import Terminal, recordings

ROOT = Path(__file__).resolve().parents[2]
EXCEPTIONS = ROOT / ".ci" / "exceptions.toml"
LISTED: list[dict[str, Any]] = tomllib.loads(EXCEPTIONS.read_text())["exception"]
BEFORE, AFTER = "2026-11-25", "2100-01-01"


def words(requirements: str, today: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What pip-audit would be given."""
    path = folder / "requirements.txt"
    path.write_text(requirements)
    command = [sys.executable, ROOT / ".ci" / "exceptions.py", EXCEPTIONS, path, today]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def brought(but: str = "") -> str:
    """Requirements with every package that has an exception, however it spells itself."""
    return "\n".join(f"{one['package'].title()}==1.0" for one in LISTED if one["package"] != but)


def test_an_exception_is_passed_over_by_each_of_its_names(tmp_path: Path) -> None:
    """As pip-audit reads it."""
    said = words(brought(), BEFORE, tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.split() == [word for one in LISTED for name in one["ids"] for word in ("--ignore-vuln", name)]


def test_an_exception_lapses(tmp_path: Path) -> None:
    """On the day of its review the audit fails, names it, and passes over nothing."""
    for today in (AFTER, *(str(one["review_by"]) for one in LISTED)):
        said = words(brought(), today, tmp_path)
        assert (said.returncode, said.stdout) == (1, "")
        assert "was to be reviewed by" in said.stderr
        assert any(one["ids"][0] in said.stderr for one in LISTED)


@pytest.mark.parametrize("package", sorted({one["package"] for one in LISTED}))
def test_an_exception_without_its_package_is_a_failure(package: str, tmp_path: Path) -> None:
    """So that none outlives its reason."""
    said = words(brought(but=package), BEFORE, tmp_path)
    assert (said.returncode, said.stdout) == (1, "")
    assert f"{package}, " in said.stderr


@pytest.mark.parametrize("exception", LISTED, ids=lambda one: one["ids"][0])
def test_every_exception_has_a_proof(exception: dict[str, Any]) -> None:
    """A test that exists."""
    path, name = exception["proof"].split("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_nothing_is_scripted(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PYSEC-2025-194: no code of ours speaks of `torch.jit`; detection and both exports call no `torch.jit.script`."""

    def refused(*_: object, **__: object) -> NoReturn:
        raise AssertionError("torch.jit.script was called")

    ours = [path for room in ("src", "examples", "benchmarks") for path in (ROOT / room).rglob("*.py")]
    assert [path for path in ours if re.search(r"torch\.jit|torch import .*\bjit\b", path.read_text())] == []
    monkeypatch.setattr(torch.jit, "script", refused)
    with pytest.raises(AssertionError, match="was called"):
        torch.jit.script(torch.sin)
    source = recordings(synthetic_corpus, "eval", ictal=True)[0]
    assert terminal("detect", source, tmp_path / "x.tsv").code == 0
    for form in ("torch-export", "onnx"):
        said = terminal("export", "tiny", tmp_path / form, "--to", form, "--json")
        assert said.code == 0, said.err
        assert max(said.document["graph"]["differences"].values()) < 1e-4
