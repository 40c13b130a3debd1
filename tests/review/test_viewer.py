"""The viewer's scripts: built from their source, type-checked, and exact in what they draw."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deno import find_deno_bin

from ictal.review.views import TITLES
from tests.reference.columns import block_columns, line_columns

PAGE = Path("src/ictal/review/page").resolve()
DENO = find_deno_bin()
BRIDGE = """
import { blockColumns, factorFor, lineColumns } from "%s/columns.ts";
const cases = JSON.parse(await new Response(Deno.stdin.readable).text());
const said = cases.map(({ kind, values, first, perColumn, columns }) => {
  const out = new Float32Array(2 * columns);
  (kind === "line" ? lineColumns : blockColumns)(Float32Array.from(values), first, perColumn, out);
  return Array.from(out, (value) => Number.isNaN(value) ? null : value);
});
console.log(JSON.stringify({ said, factors: [0.5, 8, 15.9, 64, 5000].map((n) => factorFor(n, [1, 2, 4, 8, 64])) }));
"""


def test_the_scripts_are_those_of_the_source(tmp_path: Path) -> None:
    """What is shipped is what `make viewer` makes of the TypeScript, byte by byte; checker and linter are content."""
    path = f"{Path(DENO).parent}:/usr/bin:/bin"
    built = subprocess.run(
        [PAGE / "build.sh", tmp_path / "built"],
        env={"PATH": path, "HOME": str(tmp_path), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    made = {one.name: one.read_text() for one in (tmp_path / "built").iterdir()}
    assert made == {one.name: one.read_text() for one in (PAGE / "built").iterdir()}
    assert set(made) == {f"{source.stem}.js" for source in PAGE.glob("*.ts")}


def test_the_page_asks_for_every_script_at_once() -> None:
    """None waits for another to be read first."""
    page = (PAGE / "index.html").read_text()
    asked = set(re.findall(r'(?:src|href)="/page/([\w.]+)"', page))
    assert asked == {"style.css", *(one.name for one in (PAGE / "built").iterdir())}


def test_every_montage_can_be_the_one_that_is_shown_first() -> None:
    """The page begins with a montage that the server knows."""
    assert re.search(r'montage: "([\w-]+)"', (PAGE / "state.ts").read_text())[1] in TITLES  # type: ignore[index]


def _cases() -> list[dict[str, Any]]:
    """Signals of every length, on pages that begin before, in and after them, magnified and condensed."""
    generator = np.random.default_rng(0)
    cases: list[dict[str, Any]] = []
    for _ in range(400):
        length = int(generator.integers(0, 60))
        values = np.rint(generator.normal(0, 100, length)).tolist()
        kind = str(generator.choice(["line", "block"]))
        if kind == "block":
            values = np.stack([values, np.add(values, generator.integers(0, 50, length))], axis=1).ravel().tolist()
        first = float(generator.choice([0.0, -5.0, 3.0, generator.uniform(-10, 70)]))
        width = float(generator.choice([0.25, 0.5, 1.0, 2.0, 7.0, generator.uniform(0.1, 10)]))
        columns = int(generator.integers(1, 30))
        cases.append({"kind": kind, "values": values, "first": first, "perColumn": width, "columns": columns})
    return cases


@pytest.fixture(scope="module")
def said() -> Any:
    """What the viewer's own functions make of the cases."""
    script = BRIDGE % PAGE.as_uri()
    answer = subprocess.run(
        [DENO, "eval", "--quiet", "--no-check", script],
        input=json.dumps(_cases()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_columns_hold_exactly_what_the_signal_covers(said: Any) -> None:
    """Equal to the slow twin: no spike is lost, nothing is drawn that is not there, neighbours touch."""
    for case, own in zip(_cases(), said["said"], strict=True):
        if case["kind"] == "line":
            expected = line_columns(case["values"], case["first"], case["perColumn"], case["columns"])
        else:
            pairs = list(zip(case["values"][::2], case["values"][1::2], strict=True))
            expected = block_columns(pairs, case["first"], case["perColumn"], case["columns"])
        flat = [value for pair in expected for value in (pair or (None, None))]
        assert [value is None for value in own] == [value is None for value in flat], case
        drawn = [(a, b) for a, b in zip(own, flat, strict=True) if a is not None]
        np.testing.assert_allclose([a for a, _ in drawn], [b for _, b in drawn], atol=1e-3, err_msg=str(case))


def test_samples_are_asked_for_one_by_one_until_they_are_many_a_column(said: Any) -> None:
    """Then 8 blocks a column or more."""
    assert said["factors"] == [1, 1, 1, 8, 64]
