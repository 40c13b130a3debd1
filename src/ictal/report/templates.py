"""Pages as templates beside this file; a name that a page uses and nobody gave it is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """The template of a page; what it is given is escaped."""
    return Environment(
        loader=PackageLoader("ictal.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)
