"""Several runs on one page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.figure import Figure

from ictal.report import comparison
from ictal.report import tables as report_tables
from ictal.report.comparison import Compared, Pair
from ictal.report.contents import Contents, SensitivityBand
from ictal.report.parts import Table
from tests.report import specimen
from tests.report.pages import HOSTILE, assert_whole, text, words

RATE = {
    "first": 0.5, "second": 0.75, "difference": 0.25, "lower": -0.1, "upper": 0.6, "p": 0.21, "p_holm": 0.84,
    "exact": True,
}  # fmt: skip
NOTHING = {**dict.fromkeys(RATE, None), "exact": False}
DOCUMENT = {
    "patients": 5, "level": 0.95, "scorers": {"szcore_event": {"sensitivity": RATE, "f1": NOTHING}},
}  # fmt: skip


def run(name: str, seed: int = 0, **settings: str) -> Compared:
    return Compared(name=name, contents=specimen.full(seed=seed), settings={"train.steps": "5", **settings})


RUNS = (run("a", **{"model.kind": "bimamba"}), run("b", seed=3, **{"model.kind": "mamba"}))
STOPPED = Compared(name="stopped", contents=specimen.stopped())
BARE = Compared(name="bare", contents=specimen.bare())


def tables(section: comparison.Section) -> list[Table]:
    return [part if isinstance(part, Table) else part.table for part in section.parts]  # type: ignore[misc]


@pytest.fixture(
    params=[RUNS, (*RUNS, STOPPED, BARE), (STOPPED, BARE)], ids=["two", "four", "none evaluated"], scope="module"
)
def page(request: pytest.FixtureRequest) -> str:
    pairs = [Pair(first="a", second="b", document=DOCUMENT), Pair(first="a", second="stopped", unlike="no scores")]
    return comparison.render(request.param, pairs)


def test_the_page_is_whole_and_asks_nothing_of_the_network(page: str) -> None:
    """Whether all, some or none were evaluated."""
    assert_whole(page)


def test_verdicts_come_first_and_every_run_has_its_row() -> None:
    """Those that were stopped too."""
    said = words(comparison.render((*RUNS, STOPPED), []))
    assert said.index("a: The detector learnt") < said.index("stopped: Stopped at step 60") < said.index("Key numbers")
    (numbers,) = tables(comparison.numbers((*RUNS, STOPPED, BARE)))
    assert [row[0] for row in numbers.rows] == ["a", "b", "stopped", "bare"]
    assert [text(cell) for cell in numbers.rows[0][3:5]] == ["5 of 6", "0.83 (0.50 to 1.00)"]
    assert set(numbers.rows[3][2:]) == {"–"}


def test_differences_stand_with_interval_and_chance_and_undefined_is_said() -> None:
    """One table for each pair that can be compared; the others with their reason."""
    pairs = [Pair(first="a", second="b", document=DOCUMENT), Pair(first="a", second="c", unlike="other patients")]
    section = comparison.differences(pairs)
    (table,) = tables(section)
    assert table.rows[0][1:] == ("0.5", "0.75", "0.25", "-0.1 to 0.6", "0.21", "0.84")
    assert set(table.rows[1][1:]) == {"undefined"}
    assert "a and c: other patients." in section.lead
    assert "other patients" in comparison.differences(pairs[1:]).absent


def test_curves_lie_over_each_other_and_can_be_told_apart() -> None:
    """By style as well as by colour, with every run's name in the figure and its numbers below."""
    styles = {comparison._line(number) for number in range(24)}
    assert len(styles) == 24
    assert len({comparison._line(number)[1] for number in range(4)}) == 4
    for section in (comparison.sensitivity(RUNS), comparison.training(RUNS)):
        (figure,) = section.parts
        assert not isinstance(figure, Table)
        assert all(f">{name}<" in str(figure.drawing) for name in ("a", "b"))
        assert figure.table is not None
        column = figure.table.columns.index("Run")
        assert {row[column] for row in figure.table.rows} == {"a", "b"}
    assert comparison.sensitivity((STOPPED,)).absent
    assert comparison.training((BARE,)).absent


def test_every_curve_has_its_band() -> None:
    """Each as in the run's own report: an area of its own in the figure, the interval at each rate in the table."""
    (figure,) = comparison.sensitivity(RUNS).parts
    assert not isinstance(figure, Table)
    assert figure.table is not None
    rows = {(row[0], row[1]): row[2:] for row in figure.table.rows}
    contents = RUNS[1].contents
    assert contents.curve is not None
    for target, *cells in report_tables.sensitivity(contents.curve).rows:
        assert rows[target, "b"] == tuple(cells)
    assert "(40.0\u202f% to 90.0\u202f%)" in rows["≤ 24", "b"][0]
    assert figure.table.note == "In brackets: 95\u202f% intervals over patients."
    assert "Shaded" in figure.caption
    without = [dataclasses.replace(run, contents=banded(run.contents, None)) for run in RUNS]
    (bare,) = comparison.sensitivity(without).parts
    assert not isinstance(bare, Table)
    assert "Shaded" not in bare.caption
    assert areas(RUNS) == 2
    assert areas([RUNS[0], without[1]]) == 1


def banded(contents: Contents, band: SensitivityBand | None) -> Contents:
    """With another band."""
    assert contents.curve is not None
    return dataclasses.replace(contents, curve=dataclasses.replace(contents.curve, band=band))


def areas(runs: Sequence[Compared]) -> int:
    """Of the chart."""
    ax = Figure().subplots()
    comparison._curves(ax, list(enumerate(runs)))
    return len(ax.collections)


def test_key_numbers_have_their_intervals() -> None:
    """Where they are defined; what is undefined says why."""
    (table,) = tables(comparison.numbers(RUNS))
    assert "(0.900 to 1.000)" in table.rows[0][6]
    document = {**specimen.evaluation(), "window_auroc": None}
    contents = dataclasses.replace(specimen.full(), evaluation=document)
    (table,) = tables(comparison.numbers([Compared(name="one class", contents=contents)]))
    assert "only one class" in table.rows[0][6]


def test_recordings_with_different_outcomes_are_shown_run_under_run() -> None:
    """Only those, and only where both runs were scored on them."""
    line = specimen.full().strips[1]
    other = dataclasses.replace(line, detections_s=np.empty((0, 2)), reference_s=line.reference_s)
    same = dataclasses.replace(line, recording="same")
    runs = [
        Compared(name=name, contents=dataclasses.replace(specimen.full(), strips=(own, same)))
        for name, own in (("a", line), ("b", other))
    ]
    (table,) = tables(comparison.recordings(runs))
    assert [(row[0], row[1]) for row in table.rows] == [(line.recording, "a"), (line.recording, "b")]
    assert "alike" in comparison.recordings([runs[0], runs[0].__class__(name="c", contents=runs[0].contents)]).absent
    assert comparison.recordings((RUNS[0], STOPPED)).absent


def test_only_settings_that_differ_are_listed() -> None:
    """With the value of each."""
    (table,) = tables(comparison.settings(RUNS))
    assert table.rows == (("model.kind", "bimamba", "mamba"),)
    assert comparison.settings((RUNS[0], RUNS[0])).absent


def test_names_are_no_formulas_and_none_is_left_out() -> None:
    """Dollar signs are no mathematics, and a folder may begin with an underscore."""
    page = comparison.render((run("$a_{$"), run("_b")), [])
    assert page.count("$a_{$</text>") == page.count(" _b</text>") == 2


def test_hostile_names_are_text() -> None:
    """Of runs, settings and reasons."""
    runs = (run(HOSTILE, **{"corpus.path": HOSTILE}), run("b", **{"corpus.path": "x"}))
    page = comparison.render(runs, [Pair(first=HOSTILE, second="b", unlike=HOSTILE)])
    assert "<script>" not in page
    assert "49" not in words(page).partition("Settings that differ")[2][:200]
