"""The page in a browser, as a reviewer uses it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from ictal.recordings.annotations import bids
from ictal.recordings.edf import read_header
from ictal.recordings.events import seizures
from ictal.review.listing import Listed, Opened
from ictal.review.views import RECORDED, View, look
from tests.reference.columns import line_columns
from tests.review.browser import drawn, page_of, press, saved
from tests.review.recordings import RATE_HZ, Served, opened, served, write_edf

JOURNAL = "review/anna_1.marks.jsonl"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """Three recordings, nothing marked."""
    with served(opened(tmp_path)) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Served) -> Iterator[Page]:
    """The first recording."""
    with page_of(browser, server) as shown:
        yield shown


def _journal(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]


def _journal_of(folder: Path, rows: int) -> list[dict[str, object]]:
    """The journal once it has so many rows."""
    deadline = time.monotonic() + 20
    while not (folder / JOURNAL).exists() or len(_journal(folder)) < rows:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return _journal(folder)


def _summary(page: Page, text: str) -> None:
    expect(page.locator("#summary")).to_contain_text(text)


def test_what_is_on_the_screen_is_the_signal(browser: Browser, tmp_path: Path) -> None:
    """Every column of pixels reaches as high and as low as the recording does there, to the line's own breadth."""
    path = write_edf(tmp_path / "one.edf", labels=("C3",), duration_s=120)
    header = read_header(path)
    one = Listed(id="one", patient="one", header=header, labelled=True, events=())
    with (
        served(Opened(title="one", recordings=(one,), aside=(), marks=tmp_path / "m")) as server,
        page_of(browser, server, hash_="#id=one&t=95") as page,
    ):
        page.select_option("#high", "Infinity")
        page.select_option("#low", "0.5")
        page.select_option("#gain", "50")
        press(page, "Escape")
        drawn(page)
        _summary(page, "0:01:35.0")
        runs = page.evaluate(
            """() => {
              const canvas = document.getElementById("traces"), { width, height } = canvas;
              const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
              return { height, runs: Array.from({ length: width }, (_, x) => {
                const rows = [...Array(height).keys()].filter((y) => data[4 * (y * width + x) + 3] > 0);
                return rows.length ? [rows[0], rows.at(-1) + 1] : null;
              }) };
            }"""
        )
    columns = len(runs["runs"]) - 72 - 14
    signal = look(header, View(montage=RECORDED, low_hz=0.5)).read_uv(90 * RATE_HZ, 110 * RATE_HZ)[0]
    expected = line_columns(signal.tolist(), 5 * RATE_HZ, 10 * RATE_HZ / columns, columns)
    top, bottom = 53, runs["height"] - 24
    middle, per_uv = (top + bottom) / 2, 96 / 25.4 / 50
    for run, covered in zip(runs["runs"][72 : 72 + columns], expected, strict=True):
        assert covered is not None
        assert run == pytest.approx([middle + value * per_uv for value in covered], abs=1.7)
    assert min(run[0] for run in runs["runs"] if run) < middle - 10 * per_uv


def test_keys_alone_do_everything(page: Page, tmp_path: Path) -> None:
    """To the false alarm, confirm it, move its edges, say why, refute a seizure, add one, undo, next recording."""
    press(page, "f")
    _summary(page, "Detection, false alarm at 0:03:20")
    press(page, "t")
    saved(page)
    press(page, ".", ".", "<")
    press(page, "c")
    page.keyboard.type("left temporal")
    press(page, "Enter", "m", "x", "a", ",", "t")
    expect(page.locator("#events li")).to_have_count(5)
    _journal_of(tmp_path, 7)
    saved(page)
    found = seizures(bids.read(tmp_path / "review" / "anna_1_events.tsv"))
    assert found[0] == (20.0, 30.0)
    assert (201.0, 214.5) in found
    assert len(found) == 3
    done = page.locator("#recordings tr[aria-current=true] td").last
    expect(done).to_have_text("3")
    press(page, "z")
    expect(done).to_have_text("2")
    expect(page.locator("#events li")).to_have_count(4)
    _journal_of(tmp_path, 8)
    last = {row["event"]: row for row in _journal(tmp_path)}
    detection = last["detection:200.0000-215.0000"]
    assert (detection["verdict"], detection["comment"]) == ("seizure", "left temporal")
    assert last["reference:70.0000-75.0000"]["verdict"] == "background"
    assert {row["author"] for row in _journal(tmp_path)} == {"Dr Test"}
    press(page, "j")
    expect(page.locator("#recording")).to_have_text("ben_2")
    press(page, "k")
    expect(page.locator("#recording")).to_have_text("anna_1")


def test_a_seizure_gets_its_type(page: Page, tmp_path: Path) -> None:
    """By keys: chosen by its first letters, said once; of a detection, of a new event, not of a refuted one."""
    press(page, "f", "y")
    page.keyboard.type("focal, awareness impaired, motor: t")
    press(page, "Enter")
    saved(page)
    assert page.locator("#events [aria-pressed=true]").inner_text().endswith("sz_foc_ia_m_tonic")
    press(page, "a", "y")
    page.keyboard.type("generalised")
    press(page, "Enter", "t", "m", "x")
    expect(page.locator("#type")).to_be_disabled()
    assert [row["label"] for row in _journal_of(tmp_path, 3)] == ["sz_foc_ia_m_tonic", "sz_gen", "sz"]
    saved(page)
    written = bids.read(tmp_path / "review" / "anna_1_events.tsv").events
    assert [event.label for event in written] == ["sz", "bckg", "sz_foc_ia_m_tonic", "sz_gen"]
    press(page, "z", "z", "z")
    expect(page.locator("#events li")).to_have_count(4)
    assert [row["label"] for row in _journal_of(tmp_path, 6)][-1] == "sz"


def test_the_whole_page_is_reached_with_tab(page: Page) -> None:
    """Skip link first, then every control, and back to the beginning: no trap."""
    reached: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if reached[-1] == "skip" and len(reached) > 1:
            break
    assert reached[0] == "skip"
    assert {
        "montage",
        "gain",
        "page",
        "low",
        "high",
        "notch",
        "author",
        "theme",
        "help",
        "find",
        "stage",
        "whole",
    } <= set(reached)


def test_keys_leave_text_fields_alone_and_can_be_switched_off(page: Page, tmp_path: Path) -> None:
    """Letters typed into a field are letters; who needs none elsewhere switches them off (WCAG 2.1.4)."""
    press(page, "f")
    page.fill("#author", "")
    page.locator("#author").press_sequentially("Max Fritz")
    page.locator("#author").blur()
    press(page, "x")
    saved(page)
    assert [(row["author"], row["verdict"]) for row in _journal(tmp_path)] == [("Max Fritz", "background")]
    press(page, "?")
    page.locator("#single").uncheck()
    page.keyboard.press("Escape")
    page.locator("#find").focus()
    page.keyboard.press("Tab")
    press(page, "t")
    assert len(_journal(tmp_path)) == 1
    page.locator("#stage").focus()
    press(page, "t")
    page.wait_for_selector("#events .seizure")


def test_jumps_go_round_and_say_where_there_is_nothing(page: Page) -> None:
    """The one missed seizure is found again and again; of doubts the first is the half at 150 s."""
    for key, text in (("m", "missed at 0:01:10"), ("M", "missed at 0:01:10"), ("d", "false alarm"), ("D", "hit")):
        press(page, key)
        _summary(page, text)
    press(page, "u")
    saved(page, "Doubt 1 of 29: probability 0.50")
    _summary(page, "highest probability 0.50")
    press(page, "j", "m")


def test_pages_gains_and_montages(page: Page) -> None:
    """By key and by control; the page stays inside the recording; the whole is drawn from the overview."""
    press(page, "PageDown", "PageDown", "ArrowRight")
    _summary(page, "0:00:21.0 to 0:00:31.0 of 0:05:00")
    press(page, "End")
    _summary(page, "0:04:50.0 to 0:05:00.0")
    press(page, "Home", "]", "]", "]", "ArrowDown", "g")
    _summary(page, "0:00:00.0 to 0:01:00.0 of 0:05:00 (04:05:06) · Referential, 15 µV/mm")
    page.select_option("#page", "Infinity")
    _summary(page, "0:00:00.0 to 0:05:00.0")
    drawn(page)
    assert page.locator("#high option").all_inner_texts()[-1] == "off"
    assert "70 Hz" not in page.locator("#high option").all_inner_texts()


def test_the_mouse_chooses_adds_and_moves(page: Page, tmp_path: Path) -> None:
    """A drag makes a stretch, a button a seizure of it, a drag of its edge another one; the wheel scrolls."""
    box = page.locator("#stage").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    width = box["width"] - 72 - 14

    def x(share: float) -> float:
        return box["x"] + 72 + share * width

    def drag(begin: float, end: float) -> None:
        page.mouse.move(x(begin), middle)
        page.mouse.down()
        page.mouse.move(x((begin + end) / 2), middle)
        page.mouse.move(x(end), middle)
        page.mouse.up()

    drag(0.2, 0.5)
    page.click("[data-verdict=seizure]")
    saved(page)
    drag(0.5, 0.8)
    expect(page.locator("#stop")).to_have_value(re.compile(r"[78](\.\d+)?"))
    rows = _journal_of(tmp_path, 2)
    assert rows[-1]["onset_s"] == pytest.approx(2, abs=0.05)
    assert rows[-1]["stop_s"] == pytest.approx(8, abs=0.05)
    page.mouse.click(x(0.95), middle)
    page.wait_for_selector("#editor", state="hidden")
    page.mouse.click(x(0.3), middle)
    page.wait_for_selector("#editor", state="visible")
    page.mouse.wheel(0, width / 2)
    _summary(page, "0:00:05.0 to")


def test_the_list_is_sorted_and_searched(page: Page) -> None:
    """By any column, in both directions; what is not labelled has a question mark."""
    names = page.locator("#recordings th")
    assert names.all_inner_texts() == ["anna_1", "ben_2", "ben_1"]
    page.get_by_role("button", name="Length").click()
    assert names.all_inner_texts()[0] == "ben_2"
    page.get_by_role("button", name="Length").click()
    assert names.all_inner_texts()[-1] == "ben_2"
    assert page.locator("th[aria-sort=ascending]").inner_text().strip() == "Length"
    page.fill("#find", "deep")
    assert names.all_inner_texts() == ["ben_1"]
    assert page.locator("td.unlabelled").inner_text() == "?"
    names.first.click()
    expect(page.locator("#annotation")).to_contain_text("no annotation")


def test_two_tabs_are_told_of_each_other(browser: Browser, server: Served, tmp_path: Path) -> None:
    """Who comes second is asked; what the first has said is neither lost nor overwritten unseen."""
    with page_of(browser, server) as first, page_of(browser, server) as second:
        second.route("**/api/recordings/0/marks", _only_edits)
        second.fill("#author", "Second")
        second.locator("#author").blur()
        for page in (first, second):
            press(page, "f")
        press(first, "t")
        saved(first)
        press(second, "x")
        second.wait_for_selector("#conflict[open]")
        assert "Theirs: a seizure" in second.locator("#theirs").inner_text()
        assert "by Dr Test" in second.locator("#theirs").inner_text()
        second.click("#keepTheirs")
        saved(second, "Theirs kept")
        second.wait_for_selector("#events .seizure")
        assert [row["verdict"] for row in _journal(tmp_path)] == ["seizure"]
        press(first, "c")
        first.keyboard.type("sure")
        press(first, "Enter")
        _journal_of(tmp_path, 2)
        press(second, "x")
        second.wait_for_selector("#conflict[open]")
        second.click("#keepMine")
        saved(second)
        rows = _journal(tmp_path)
        assert [(row["author"], row["verdict"]) for row in rows][-1] == ("Second", "background")
        first.wait_for_selector("#events .background", timeout=10_000)


def _only_edits(route: Route) -> None:
    """Lets edits through, and nothing that would tell the tab of others' edits."""
    if route.request.method == "POST":
        route.continue_()
    else:
        route.abort()


def test_nothing_is_lost_while_the_server_is_away(browser: Browser, tmp_path: Path) -> None:
    """An edit waits in the browser, through a reload even, until a server has it on disk."""
    what = opened(tmp_path)
    with served(what) as server:
        port = server.door.port
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.door.url)
        drawn(page)
    press(page, "f", "t")
    saved(page, "Not saved yet: the server does not answer")
    assert not (tmp_path / JOURNAL).exists()
    page.close(run_before_unload=False)
    with served(what, port=port) as server:
        page = context.new_page()
        page.goto(server.door.url)
        saved(page)
        assert [row["event"] for row in _journal(tmp_path)] == ["detection:200.0000-215.0000"]
    context.close()


def test_two_tabs_of_a_browser_keep_what_each_has_not_saved(browser: Browser, tmp_path: Path) -> None:
    """They share its storage; whoever comes back sends all of it, and another folder's edits stay where they are."""
    what = opened(tmp_path)
    context = browser.new_context()
    pages = [context.new_page(), context.new_page()]
    with served(what) as server:
        port = server.door.port
        for page in pages:
            page.goto(server.door.url)
            drawn(page)
    for page, keys in zip(pages, (("f", "t"), ("m", "x")), strict=True):
        press(page, *keys)
        saved(page, "Not saved yet: the server does not answer")
        page.close(run_before_unload=False)
    page = context.new_page()
    with served(replace(what, marks=tmp_path / "other"), port=port) as server:
        page.goto(server.door.url)
        drawn(page)
    assert not (tmp_path / "other").exists()
    with served(what, port=port) as server:
        page.goto(server.door.url)
        saved(page)
        rows = _journal_of(tmp_path, 2)
        assert [(row["source"], row["verdict"]) for row in rows] == [
            ("detection", "seizure"),
            ("reference", "background"),
        ]
        drawn(page)
        assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('unsaved')).length") == 0
    context.close()


def test_an_edit_that_is_refused_does_not_stay_on_the_screen(page: Page, tmp_path: Path) -> None:
    """It says why, and shows what the server has."""
    said = {
        "what": "A mark cannot be used",
        "where": "label",
        "got": "x",
        "expected": "y",
        "remedy": "",
        "code": "mark",
    }
    page.route(
        "**/marks",
        lambda route: route.fulfill(status=400, json=said) if route.request.method == "POST" else route.continue_(),
    )
    press(page, "f", "t")
    saved(page, "A mark cannot be used (label): got x, expected y")
    expect(page.locator("#events .detection.seizure")).to_have_count(0)
    assert not (tmp_path / JOURNAL).exists()


def test_the_recording_that_was_asked_for_last_is_shown(page: Page) -> None:
    """Though the answer about the one before comes later."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/recordings/1", hold)
    page.locator("#recordings button", has_text="ben_1").click()
    page.locator("#recordings button", has_text="ben_2").click()
    expect(page.locator("#recording")).to_have_text("ben_2")
    held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#recording")).to_have_text("ben_2")


def test_a_recording_without_annotation_becomes_labelled_when_it_was_gone_through(
    browser: Browser,
    server: Served,
    tmp_path: Path,
) -> None:
    """The page says so before and after."""
    with page_of(browser, server, hash_="#id=deep/ben_1&t=3") as page:
        expect(page.locator("#annotation")).to_contain_text("once you have gone through")
        page.locator("#whole").check()
        expect(page.locator("#annotation")).to_contain_text("ben_1_events.tsv")
        assert seizures(bids.read(tmp_path / "review" / "deep" / "ben_1_events.tsv")) == ()
        assert page.locator("td.done").count() == 1


def test_eeg_that_a_server_was_not_there_for_comes_when_it_is_back(browser: Browser, tmp_path: Path) -> None:
    """Nobody has to open the recording again."""
    what = opened(tmp_path)
    context = browser.new_context()
    page = context.new_page()
    with served(what) as server:
        port = server.door.port
        page.goto(server.door.url)
        drawn(page)
    press(page, "End")
    page.wait_for_selector("html[data-drawn=part]")
    with served(what, port=port):
        drawn(page)
    context.close()


def test_a_file_that_is_gone_is_said(browser: Browser, server: Served, tmp_path: Path) -> None:
    """In place of the EEG; another recording can still be looked at."""
    with page_of(browser, server) as page:
        (tmp_path / "ben_2.edf").unlink()
        press(page, "j")
        page.wait_for_selector("#notice:not([hidden])")
        assert "There is no such file" in page.locator("#notice").inner_text()
        press(page, "k")
        drawn(page)
        page.wait_for_selector("#notice", state="hidden")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_there_are_no_barriers(browser: Browser, server: Served, dark: bool) -> None:
    """Axe finds none: contrast, names, roles, order; with an event chosen, and in each dialog."""
    axe = Axe()
    with page_of(browser, server, dark=dark) as page:
        press(page, "f", "t")
        saved(page)
        assert _barriers(axe, page) == []
        press(page, "a")
        assert _barriers(axe, page) == []
        press(page, "?")
        assert _barriers(axe, page) == []
        page.keyboard.press("Escape")
        page.evaluate("document.getElementById('conflict').showModal()")
        assert _barriers(axe, page) == []


def _barriers(axe: Axe, page: Page) -> list[str]:
    found = axe.run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def test_the_theme_follows_the_system_and_can_be_chosen(page: Page) -> None:
    """The canvas with it."""
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) == "rgb(15, 18, 22)"
    page.click("#theme")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.click("#theme")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == "rgb(15, 18, 22)"


def test_memory_stays_bounded(page: Page) -> None:
    """Tiles beyond the limit are let go, those looked at last are kept."""
    held = page.evaluate(
        """async () => {
          const { TileStore } = await import("/page/store.js");
          globalThis.fetch = async () => new Response(new Float32Array(2 ** 20).buffer);
          const store = new TileStore(() => {}, (error) => { throw error; });
          const most = [];
          for (let place = 0; place < 60; place++) {
            store.get(0, { montage: "m", low_hz: 0, high_hz: Infinity, notch_hz: 0 }, 1, place);
            while (!store.settled) await new Promise((done) => setTimeout(done, 1));
            most.push(store.heldBytes);
          }
          return most;
        }"""
    )
    assert max(held) == 96 * 2**20
    assert np.diff(held[:24]).min() == 4 * 2**20
