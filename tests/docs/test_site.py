"""The documentation as a site: it builds without a warning, asks nobody for anything, and names everything it must."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path("docs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. `--strict` makes an error of every broken link, missing anchor and page outside the menu."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and pictures come with the site, so it opens offline."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*?src=\"?(https?:[^\s\"]+)", page.read_text())
        loaded += re.findall(r"<link[^>]*?rel=\"?stylesheet[^>]*?href=\"?(https?:[^\s\">]+)", page.read_text())
        assert loaded == [], page


def test_the_api_reference_holds_the_docstrings(site: Path) -> None:
    """Not only their names: a sentence of one is on the page."""
    page = (site / "api.html").read_text()
    assert "Divide the recordings by patient" in page
    assert 'id="ictal.windows.splits.split"' in page


def test_every_verdict_has_a_page_and_a_row() -> None:
    """Every kind that a guard can say, no other."""
    source = Path("src/ictal/training/guards.py").read_text()
    kinds = set(re.findall(r"_at\(\s*observation,\s*\"([\w-]+)\"", source)) | set(
        re.findall(r"kind=\"([\w-]+)\"", source)
    )
    assert {page.stem for page in (DOCS / "stopped").glob("*.md")} == kinds
    rows = "\n".join(line for line in (DOCS / "guards.md").read_text().splitlines() if line.startswith("| `"))
    assert {kind for kind in kinds if f"`{kind}`" not in rows} == set()


def test_every_benchmark_is_listed_and_every_script_that_is_named_exists() -> None:
    """docs/benchmarks.md has a row for each script; no page names one that is not there."""
    scripts = {str(path) for path in Path("benchmarks").glob("*.py") if "def main(" in path.read_text()}
    page = (DOCS / "benchmarks.md").read_text()
    assert set(re.findall(r"^\| `(benchmarks/\w+\.py)`", page, re.MULTILINE)) == scripts
    for path in [Path("README.md"), *DOCS.rglob("*.md")]:
        named = set(re.findall(r"benchmarks/\w+\.py", path.read_text()))
        assert {name for name in named if not Path(name).exists()} == set(), path


def test_the_pictures_are_what_the_functions_draw(tmp_path: Path) -> None:
    """The texts in each picture, counts of detections and false alarms among them, are those of the present code."""
    drawn = subprocess.run(
        [sys.executable, "docs/pictures/draw.py", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert drawn.returncode == 0, drawn.stderr
    pictures = sorted((DOCS / "pictures").glob("*.svg"))
    assert len(pictures) == 3
    for picture in pictures:
        texts = [re.findall(r">([^<>\n]+)</text>", p.read_text()) for p in (picture, tmp_path / picture.name)]
        assert texts[0] == texts[1]
        assert len(texts[0]) > 5
