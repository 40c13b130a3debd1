"""docs/incident.md points at what exists."""

from __future__ import annotations

import importlib
import re
from functools import reduce
from pathlib import Path

PAGE = Path("docs/incident.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "| `test_" in line]


def test_every_object_that_the_page_names_exists() -> None:
    """Dotted names in the second column are importable."""
    named = [name for row in ROWS for name in re.findall(r"`(ictal\.[\w.]+)`", row)]
    assert len(named) >= 12
    for name in named:
        parts = name.split(".")
        module = importlib.import_module(".".join(parts[:3]))
        reduce(getattr, parts[3:], module)


def test_every_test_that_the_page_names_exists() -> None:
    """Names in the last column are functions of the tests."""
    written = "\n".join(path.read_text() for path in Path("tests").rglob("test_*.py"))
    named = [name for row in ROWS for name in re.findall(r"`(test_\w+)`", row)]
    assert len(named) == len(ROWS) == 12
    assert [name for name in named if f"def {name}(" not in written] == []


def test_every_remedy_of_the_report_is_in_the_table() -> None:
    """The names that people will look for."""
    for name in (
        "create_balanced_sampler", "find_all_seizure_windows", "create_file_aware_sampler",
        "stratified_train_val_split", "OversampleSeizureDataset", "pre-compute", "fail-fast", "adaptive",
        "validation test 1", "validation test 2", "validation test 3",
    ):  # fmt: skip
        assert name in PAGE, name
