"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from ictal.recipes.config import Config, known_keys
from ictal.recipes.reference import field_docs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "ictal"
MODULES = sorted(PACKAGE.rglob("*.py"))


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in MODULES:
        yield path.relative_to(ROOT), ast.parse(path.read_text())


def test_the_readme_shows_the_tree_as_it_is() -> None:
    """Every package is in the README's tree with a line of its own, and nothing else is."""
    shown = set(re.findall(r"^  (\w+)/ {2,}\S", (ROOT / "README.md").read_text(), flags=re.MULTILINE))
    assert shown == {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}


def test_the_readme_is_short() -> None:
    """Nobody reads a long one."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_nothing_reads_the_environment() -> None:
    """A second, invisible configuration would make two runs of one config differ."""
    for path, tree in _trees():
        for node in ast.walk(tree):
            names = {getattr(node, "attr", None), getattr(node, "id", None)}
            assert not names & {"environ", "getenv", "environb"}, f"{path}:{getattr(node, 'lineno', 0)}"


def test_every_setting_is_read_somewhere() -> None:
    """A setting that nothing reads changes nothing, silently."""
    read = {node.attr for _, tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    unpacked = {"off_ratio", "min_duration_s", "merge_gap_s"}  # EventConfig goes to EventRule as a whole
    assert {key.split(".")[1] for key in known_keys()} - unpacked <= read


def test_every_setting_is_explained() -> None:
    """`ictal config` has a line for each."""
    for section, part in vars(Config()).items():
        undocumented = part.__dataclass_fields__.keys() - field_docs(type(part)).keys()
        assert not undocumented, f"{section}: {undocumented}"


def test_package_files_are_empty() -> None:
    """One name, one address."""
    for path in PACKAGE.rglob("__init__.py"):
        if path.parent != PACKAGE:
            assert not path.read_text(), path


def test_functions_are_short() -> None:
    """None over 60 lines, half of them at most 12."""
    lengths = {
        f"{path}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    }
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}
    assert median(lengths.values()) <= 12


@pytest.mark.parametrize("pattern", [r"except Exception\b", r"except:", r"\bnan_to_num\b", r"\bhasattr\(", r"\bTODO\b"])
def test_nothing_hides_a_fault(pattern: str) -> None:
    """No broad except, no repaired numbers, no guessing at types, nothing left for later."""
    for path in MODULES:
        text = path.read_text()
        if path.name == "cli.py":  # the outermost frame shows any fault of the program's own and exits 70
            text = text.replace("except Exception:  # noqa: BLE001", "", 1)
        assert not re.search(pattern, text), path


def test_help_does_not_import_what_is_heavy() -> None:
    """`ictal --help` loads neither torch nor numpy."""
    code = "import sys, ictal.cli; print(sorted({'torch', 'numpy', 'scipy', 'pydantic', 'pyarrow'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
