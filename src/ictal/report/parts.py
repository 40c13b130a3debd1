"""What a page is made of: sections that hold tables and figures. The template draws these and knows nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from markupsafe import Markup

Cell: TypeAlias = str | Markup
"""Text of a cell, escaped by the template; markup only from this package's own figures."""


def drawing(svg: str) -> Markup:
    """An SVG element of this package's own making, in which every text is escaped, as markup."""
    return Markup(svg)  # noqa: S704 - the one place; see the docstring


def link(text: str, anchor: str) -> Markup:
    """A link to an element of this page."""
    return Markup('<a href="#{}">{}</a>').format(anchor, text)


def anchored(text: str, anchor: str) -> Markup:
    """A text that `link` can lead to."""
    return Markup('<span id="{}">{}</span>').format(anchor, text)


def joined(cells: Sequence[Cell]) -> Markup:
    """Cells one after the other; a dash where there is none."""
    return Markup(", ").join(cells) if cells else Markup("–")


def ranged(value: str, interval: tuple[float | None, float | None] | None, show: Callable[[float], str]) -> Cell:
    """A value with its interval in brackets, where there is one that is defined."""
    low, high = interval or (None, None)
    if low is None or high is None:
        return value
    return Markup('{} <span class="interval">({} to {})</span>').format(value, show(low), show(high))


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption; the first cell of a row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: frozenset[int] = frozenset()
    """Places of the columns that hold numbers."""
    note: str = ""
    style: str = ""
    """CSS class, where a table needs its own shape."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its caption, the words for those who cannot see it, and its numbers."""

    drawing: Markup
    caption: str
    table: Table | None = None
    legend: tuple[tuple[str, str], ...] = ()
    """Pairs of mark (CSS class) and what it stands for."""
    anchor: str = ""
    """Its id, where something leads to it."""
    back: Cell = ""
    """A link back to what leads to it."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One heading of the page."""

    id: str
    heading: str
    lead: str = ""
    clinician: str = ""
    """What it means, for a reader of EEG."""
    engineer: str = ""
    """What it means, for a builder of models."""
    legend: tuple[tuple[str, str], ...] = ()
    """Of its tables, as a figure's."""
    parts: tuple[Table | Figure, ...] = ()
    absent: str = ""
    """Why there is nothing here, where a run did not come this far."""
