"""SeizeIT1's `X_a1.tsv` and `X_a2.tsv`: rows `start stop type comment`, separated by tabs, without a header.

Times are seconds from the start of the recording; lines that begin with `#` are comments; a file without rows is about
a recording without seizures. Twelve seizures of the corpus have no stop: they are refused, since any length would be a
guess. Source: SeizeIT1, doi 10.48804/P5Q0OJ; the layout as public readers of the corpus describe it.
"""

from __future__ import annotations

from pathlib import Path

from ictal.recordings.annotations.text import fault, number, read_lines, seconds
from ictal.recordings.events import Annotation, Event

SUFFIXES = ("_a1.tsv", "_a2.tsv")
TYPES = {"FIA": "sz_foc_ia", "FA": "sz_foc_a", "F-BTC": "sz_foc_f2b"}
"""SeizeIT1's types in HED-SCORE's words; what else stands there is left as it is."""

_COLUMNS = "start, stop, type and comment, separated by tabs"


def read(path: Path) -> Annotation:
    """Read a file, strictly.

    Raises:
        InputError: at the first line that does not follow the format (codes `annotation-unreadable`,
            `annotation-row`, `annotation-times`).
    """
    rows = ((line, text) for line, text in enumerate(read_lines(path), 1) if text.strip() and not text.startswith("#"))
    events = tuple(_read_row(path, line, text) for line, text in rows)
    return Annotation(path=path, events=events, duration_s=None)


def _read_row(path: Path, line: int, text: str) -> Event:
    fields = text.split("\t")
    if len(fields) not in {3, 4} or not fields[2]:
        fault(path, line, "The row is not readable", got=repr(text), expected=_COLUMNS, code="annotation-row")
    onset_s = seconds(fields[0], path=path, line=line, field="start")
    stop_s = number(fields[1])
    if stop_s is None or stop_s <= onset_s:
        what = "The seizure has no stop after its start"
        fault(path, line, what, got=repr(fields[1]), expected=f"above {onset_s} s", code="annotation-times")
    return Event(onset_s=onset_s, stop_s=stop_s, label=TYPES.get(fields[2], fields[2]), line=line)
