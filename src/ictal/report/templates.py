"""Pages as templates beside this file; a name that a page uses and nobody gave it is an error."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ictal.report.palette import DARK, LIGHT, css_variables
from ictal.report.parts import Section


def template(name: str) -> Template:
    """The template of a page; what it is given is escaped."""
    return Environment(
        loader=PackageLoader("ictal.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)


def page(name: str, title: str, sections: Sequence[Section], **more: object) -> str:
    """A whole page of sections; those that are absent are named at its end.

    Args:
        name: Template, one that extends `base.html.jinja`.
        title: Its heading.
        sections: In reading order.
        more: What this template needs besides.
    """
    return template(name).render(
        title=title,
        sections=[section for section in sections if not section.absent],
        absent=[section for section in sections if section.absent],
        light=css_variables(LIGHT),
        dark=css_variables(DARK),
        **more,
    )
