"""A page of the review server in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from tests.review.recordings import Served

SIZE = {"width": 1500, "height": 900}


@contextmanager
def page_of(browser: Browser, server: Served, *, dark: bool = False, hash_: str = "") -> Iterator[Page]:
    """The page with its first EEG drawn; at the end, nothing may have gone wrong or gone elsewhere."""
    context = browser.new_context(viewport=SIZE, color_scheme="dark" if dark else "light")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: faults.append(request.url) if not _own(request.url, server) else None)
    page.goto(f"{server.door.url}{hash_}")
    drawn(page)
    yield page
    assert faults == []
    context.close()


def drawn(page: Page) -> None:
    """Wait until all EEG of the page is on the screen."""
    page.wait_for_selector("html[data-drawn=whole]")


def press(page: Page, *keys: str) -> None:
    """Keys, each after the frame that the one before has caused."""
    for key in keys:
        page.keyboard.press(key)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def saved(page: Page, text: str = "Saved") -> None:
    """Wait until the page says that the last edit is on disk."""
    expect(page.locator("#saved")).to_have_text(text)


def _own(url: str, server: Served) -> bool:
    return url.startswith((f"http://127.0.0.1:{server.door.port}/", "data:"))
