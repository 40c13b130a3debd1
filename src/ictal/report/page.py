"""The report as one HTML file that needs nothing else: no script, no font, no request leaves the page."""

from __future__ import annotations

from ictal.report.contents import Contents
from ictal.report.glossary import TERMS
from ictal.report.readings import key_numbers
from ictal.report.sections import sections
from ictal.report.templates import page


def render(contents: Contents) -> str:
    """The page. It depends on its argument only."""
    return page(
        "page.html.jinja",
        contents.title,
        sections(contents),
        contents=contents,
        badge=contents.verdict.badge,
        key=key_numbers(contents),
        glossary=TERMS.items(),
    )
