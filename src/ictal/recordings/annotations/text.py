"""Annotation files as text: read whole, as UTF-8, with errors that name the line; written whole or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NoReturn

from ictal.appearing import appearing
from ictal.errors import InputError


def read_lines(path: Path) -> list[str]:
    """Lines of a UTF-8 text file without their ends; the newline that ends the last line opens no further one.

    Raises:
        InputError: if the file cannot be read or is not UTF-8 (code `annotation-unreadable`).
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.object[error.start]:#04x} at offset {error.start}") from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def write_whole(path: Path, lines: list[str]) -> None:
    """Write lines, each with its newline; the file appears whole or not at all."""
    with appearing(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def fault(path: Path, line: int, what: str, *, got: object, expected: object, code: str) -> NoReturn:
    """Stop at a line of an annotation file; `line` counts from 1."""
    raise InputError(
        what,
        where=f"{path}:{line}",
        got=got,
        expected=expected,
        remedy="mend the file or take the recording out of the corpus; unreadable labels are never skipped",
        code=code,
    )


def seconds(text: str, *, path: Path, line: int, field: str) -> float:
    """A finite time of at least 0 s.

    Raises:
        InputError: if the text is anything else (code `annotation-row`).
    """
    value = number(text)
    if value is None or value < 0:
        fault(path, line, f"{field} is no time", got=repr(text), expected="seconds, at least 0", code="annotation-row")
    return value


def number(text: str) -> float | None:
    """The finite decimal number that a text is, or None; `nan`, `inf` and `1_000` are none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _unreadable(path: Path, got: str) -> InputError:
    return InputError(
        "The annotation file cannot be read",
        where=path,
        got=got,
        expected="a UTF-8 text file",
        remedy="restore the file or take the recording out of the corpus; without it the recording is unlabelled",
        code="annotation-unreadable",
    )
