"""The Helsinki neonatal corpus: one CSV per expert about all neonates.

`annotations_2017_A.csv` (or `_A_fixed`; `_B`, `_C`; `expert_A.csv` is understood too): the first line numbers the
neonates, then one line per second, one column per neonate, 1 for a seizure and 0 for none, empty past the recording's
end. The recording of neonate 7 is `eeg7.edf`. There is no consensus: see `events.seizures`.

Invariants: a field is 0, 1 or empty, and nothing follows an empty one; the experts' files have the same neonates, each
of one length. Source: Stevenson et al. 2019, doi 10.1038/sdata.2019.39.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ictal.recordings.annotations.lists import part_of
from ictal.recordings.annotations.text import fault, read_lines
from ictal.recordings.events import Annotation, Event

LABEL = "seiz"

_FILE = re.compile(r"(?:annotations_2017|expert)_([A-Z])(?:_fixed)?\.csv", re.ASCII)
_EDF = re.compile(r"eeg(\d{1,3})", re.ASCII)
_EMPTY = 2
_VALUES = {"0": 0, "1": 1, "": _EMPTY}


def list_of(edf_path: Path) -> Path | None:
    """The first expert's file beside a recording; None for a name that is not Helsinki's, or where there is none."""
    if _EDF.fullmatch(edf_path.stem) is None:
        return None
    return next(iter(_experts(edf_path.parent).values()), None)


def is_list(path: Path) -> bool:
    """Whether a file is, by its name, an expert's."""
    return _FILE.fullmatch(path.name) is not None


def names(path: Path) -> frozenset[str]:
    """The EDFs that an expert's file names."""
    return frozenset(_columns(path))


def read_recording(path: Path, edf_name: str) -> Annotation:
    """Read what all experts, whose files lie beside each other, say about one recording.

    Raises:
        InputError: at the first field that does not follow the format (codes `annotation-unreadable`,
            `annotation-header`, `annotation-row`, `annotation-empty`), if the experts' files differ in length
            (`annotation-times`), or if one of them does not name the recording (`annotation-missing`).
    """
    experts = _experts(path.parent)
    columns = {rater: part_of(file, edf_name, _columns(file)) for rater, file in experts.items()}
    lengths = {rater: len(column) for rater, column in columns.items()}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{rater}: {length} s" for rater, length in lengths.items())
        what = f"The experts' files give {edf_name} different lengths"
        fault(path, 1, what, got=got, expected="one length", code="annotation-times")
    events = [
        Event(onset_s=float(onset), stop_s=float(stop), label=LABEL, rater=rater)
        for rater, column in columns.items()
        for onset, stop in _runs(column)
    ]
    length_s = float(next(iter(lengths.values())))
    return Annotation(path=path, events=tuple(events), duration_s=length_s, raters=tuple(experts))


def _experts(folder: Path) -> dict[str, Path]:
    """Every expert's file, by the expert's letter."""
    found = ((_FILE.fullmatch(path.name), path) for path in sorted(folder.glob("*.csv")))
    return {match[1]: path for match, path in found if match is not None}


def _columns(path: Path) -> dict[str, npt.NDArray[np.int8]]:
    """One value per second of each recording, by the name of its EDF."""
    state = path.stat()
    return _read(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, _size: int, _modified_ns: int) -> dict[str, npt.NDArray[np.int8]]:
    lines = read_lines(path)
    header = lines[0].split(",") if lines else []
    if not header or len(set(header)) < len(header) or not all(name.isdecimal() for name in header):
        got = repr(lines[0][:60]) if lines else "end of file"
        fault(path, 1, "The header differs", got=got, expected="a number for each neonate", code="annotation-header")
    rows = [_row(path, line, text, len(header)) for line, text in enumerate(lines[1:], 2)]
    if not rows:
        fault(path, 2, "There are no rows", got="end of file", expected="a row per second", code="annotation-empty")
    table = np.array(rows, dtype=np.int8)
    return {f"eeg{name}.edf": _column(path, name, table[:, place]) for place, name in enumerate(header)}


def _row(path: Path, line: int, text: str, columns: int) -> list[int]:
    fields = text.split(",")
    values = [_VALUES.get(field, -1) for field in fields]
    if len(fields) != columns or -1 in values:
        wrong = f"{len(fields)} fields" if len(fields) != columns else repr(fields[values.index(-1)])
        expected = f"{columns} fields, each 0, 1 or empty"
        fault(path, line, "The row is not readable", got=wrong, expected=expected, code="annotation-row")
    return values


def _column(path: Path, name: str, column: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """A neonate's seconds up to the recording's end."""
    ends = np.flatnonzero(column == _EMPTY)
    length = int(ends[0]) if len(ends) else len(column)
    later = np.flatnonzero(column[length:] != _EMPTY)
    if length == 0 or len(later):
        line = 2 + length + (int(later[0]) if len(later) else 0)
        got = "no second at all" if length == 0 else "a value after an empty field"
        what = f"The column of neonate {name} is not readable"
        fault(path, line, what, got=got, expected="values from the first second to the last", code="annotation-row")
    return column[:length]


def _runs(column: npt.NDArray[np.int8]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(column, prepend=0, append=0))
    return [(int(onset), int(stop)) for onset, stop in edges.reshape(-1, 2)]
