"""Pages of the report room as a reader meets them: a file in a browser, offline, in both colour schemes, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from ictal.recipes.audit import Settings, audit_folder
from ictal.report import audit, comparison, page
from tests.reference.small_corpus import LABELS, write_edf, write_tusz
from tests.report import specimen
from tests.report.test_comparison import DOCUMENT, RUNS, STOPPED, Pair

PAGES = ("run", "stopped", "comparison", "audit")
PAPER = {"width": 703, "height": 1030}
"""An A4 page within its margins, in CSS pixels."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of every kind."""
    out = tmp_path_factory.mktemp("pages")
    corpus = out / "corpus"
    write_tusz(corpus)
    edf = next(corpus.rglob("*.edf"))
    write_edf(edf, labels=LABELS[1:])
    pairs = [Pair(first="a", second="b", document=DOCUMENT), Pair(first="a", second="stopped", unlike="no scores")]
    for name, html in (
        ("run", page.render(specimen.full())),
        ("stopped", page.render(specimen.stopped())),
        ("comparison", comparison.render((*RUNS, STOPPED), pairs)),
        ("audit", audit.render(audit_folder(corpus, Settings(missing="mask"), deep=True)[1])),
    ):
        (out / f"{name}.html").write_text(html)
    return out


@contextmanager
def shown(
    browser: Browser,
    file: Path,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1360,
) -> Iterator[Page]:
    """A page without any network; at the end, nothing may have gone wrong or been asked for."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", offline=True
    )
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("request", lambda request: faults.append(request.url) if request.url != file.as_uri() else None)
    opened.goto(file.as_uri())
    yield opened
    assert faults == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_there_are_no_barriers(browser: Browser, folder: Path, name: str, scheme: Literal["light", "dark"]) -> None:
    """Axe finds none; texts in figures, which it does not look at, stand out from the ground as much as others."""
    with shown(browser, folder / f"{name}.html", scheme=scheme) as opened:
        opened.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        found = Axe().run(opened).response["violations"]
        assert [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found] == []
        assert opened.evaluate(LEAST_CONTRAST_OF_FIGURES) >= 4.5


LEAST_CONTRAST_OF_FIGURES = """() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.match(/[\\d.]+/g).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  return Math.min(...[...document.querySelectorAll("svg text")].map((text) => {
    const [low, high] = [ground, luminance(getComputedStyle(text).fill)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }));
}"""


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_a_telephone_and_a_sheet_of_paper(browser: Browser, folder: Path, name: str) -> None:
    """Nothing lies beyond the right edge, but for what scrolls within its own box on a screen."""
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    with shown(browser, folder / f"{name}.html", width=390) as opened:
        assert opened.evaluate(beyond) <= 0
    with shown(browser, folder / f"{name}.html", width=PAPER["width"]) as opened:
        opened.emulate_media(media="print")
        assert opened.evaluate(beyond) <= 0


@pytest.mark.parametrize("name", PAGES)
def test_paper_is_white_and_holds_every_number(browser: Browser, folder: Path, name: str) -> None:
    """From a dark screen too; tables that a screen unfolds are there, links to sections are not."""
    with shown(browser, folder / f"{name}.html", scheme="dark") as opened:
        assert not any(table.is_visible() for table in opened.locator("details table").all())
        opened.emulate_media(media="print")
        tables = opened.locator("details table").all()
        assert all((box := table.bounding_box()) and box["height"] > 20 for table in tables)
        assert len(tables) == opened.locator("figure").count()
        assert not opened.locator("nav").is_visible()
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert opened.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_has_its_numbers_under_it(browser: Browser, folder: Path, name: str) -> None:
    """A click away, or a key."""
    with shown(browser, folder / f"{name}.html") as opened:
        for figure in opened.locator("figure").all():
            figure.locator("summary").press("Enter")
            assert figure.locator("details tbody tr").first.is_visible()
            assert figure.locator("svg[role=img][aria-label]").count() == 1


def test_the_whole_report_is_reached_with_keys(browser: Browser, folder: Path) -> None:
    """Skip link, sections, every figure and table that may scroll, the numbers behind figures: in order, no trap."""
    with shown(browser, folder / "run.html") as opened:
        can_be_reached = opened.locator("a[href], summary, [tabindex='0']").count()
        folded = opened.locator("details [tabindex='0'], details a[href]").count()
        reached = []
        for _ in range(can_be_reached - folded):
            opened.keyboard.press("Tab")
            reached.append(opened.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        assert reached == sorted(set(reached))
        assert len(reached) == can_be_reached - folded
        opened.keyboard.press("Tab")
        assert opened.evaluate("document.activeElement === document.body")


def test_a_recording_leads_to_its_eeg_and_back_by_keys(browser: Browser, folder: Path) -> None:
    """The stretch comes into view, and from it the line that led there."""
    with shown(browser, folder / "run.html") as opened:
        line = opened.locator("table.strips a").first
        line.press("Enter")
        figure = opened.locator(line.get_attribute("href") or "")
        expect(figure.locator("svg.eeg")).to_be_in_viewport()
        figure.locator("figcaption a").press("Enter")
        expect(line).to_be_in_viewport()
