"""The report as one HTML file that needs nothing else: no script, no font, no request leaves the page."""

from __future__ import annotations

from ictal.report.contents import Contents
from ictal.report.glossary import TERMS
from ictal.report.palette import DARK, LIGHT, css_variables
from ictal.report.readings import key_numbers
from ictal.report.sections import STRIP_LEGEND, sections
from ictal.report.templates import template

_PAGE = template("page.html.jinja")


def render(contents: Contents) -> str:
    """The page. It depends on its argument only."""
    every = sections(contents)
    return _PAGE.render(
        contents=contents,
        badge=contents.verdict.kind or ("healthy" if contents.verdict.healthy else "stopped"),
        key=key_numbers(contents),
        sections=[section for section in every if not section.absent],
        absent=[section for section in every if section.absent],
        strip_legend=STRIP_LEGEND,
        glossary=TERMS.items(),
        light=css_variables(LIGHT),
        dark=css_variables(DARK),
    )
