"""What every page of the report room must be: read from its source."""

from __future__ import annotations

import re
from html.parser import HTMLParser

HOSTILE = "<script>alert('x')</script>\"&{{ 7*7 }}"
"""A name that would run or be calculated if it were taken for code."""
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Outline(HTMLParser):
    """Checks that tags balance, and gathers ids, links, headings and drawings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.figures: list[dict[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what is open."""
        if tag not in VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Gather."""
        self.ids += [value for name, value in attrs if name == "id" and value is not None]
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in {"svg", "img"}:
            self.figures.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        """Keep what a person reads."""
        if not {"style", "script"} & set(self.open):
            self.text.append(data)


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    parser.close()
    return parser


def words(page: str) -> str:
    return " ".join(" ".join(outline(page).text).split())


def text(cell: str) -> str:
    """What a person reads in a cell of a table."""
    return re.sub("<[^>]*>", "", str(cell))


def assert_whole(page: str) -> None:
    """Tags balance, ids are unique, references lead to ids of the page, figures have words, nothing is asked for.

    No attribute and no style names another file; an address occurs as a namespace only; nothing is a script. Between a
    number and its % is a narrow space that does not break.
    """
    parsed = outline(page)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    leading = {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}
    for tag, name, value in parsed.attributes:
        if name in leading:
            assert value.startswith("#"), (tag, name, value)
            assert value[1:] in parsed.ids, (tag, name, value)
        if name in {"aria-labelledby", "aria-describedby"}:
            assert value in parsed.ids, (tag, name, value)
        assert "http" not in value or name.startswith("xmlns"), (tag, name, value)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(parsed.ids)
    assert re.findall(r"url\((?!#)", page) == []
    assert "@import" not in page
    assert "<script" not in page
    assert re.findall(r"\d[ ]?%", " ".join(parsed.text)) == []
    for figure in parsed.figures:
        assert figure.get("aria-hidden") == "true" or (figure.get("role") == "img" and figure.get("aria-label"))
