"""The one error that a user of `ictal` meets: bad input, named so that it can be mended."""

from __future__ import annotations

import shlex
from pathlib import Path


class InputError(ValueError):
    """Input or configuration that cannot be used.

    Args:
        what: What is wrong, as one sentence without a full stop.
        where: File (with line), recording, configuration key or command line word.
        got: What was found.
        expected: What would have been right.
        remedy: What to do about it.
        code: Short stable name of the kind of fault, for machines (`annotation-missing`).
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | Path,
        got: object,
        expected: object,
        remedy: str,
        code: str = "input",
    ) -> None:
        super().__init__(what, str(where), got, expected, remedy, code)
        self.what = what
        self.where = str(where)
        self.got = got
        self.expected = expected
        self.remedy = remedy
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by keyword, so that the error crosses from a worker process whole."""
        return _rebuild, (self.what, self.where, self.got, self.expected, self.remedy, self.code)

    def __str__(self) -> str:
        return (
            f"{self.what}\n"
            f"  where:    {self.where}\n"
            f"  got:      {self.got}\n"
            f"  expected: {self.expected}\n"
            f"  do:       {self.remedy}"
        )


def command(*words: object) -> str:
    """A command of the program as a shell takes it: `ictal plan 'runs/a b'`."""
    return shlex.join(("ictal", *map(str, words)))


def check_setting(valid: bool, key: str, got: object, expected: str) -> None:  # noqa: FBT001
    """Refuse a setting outside its range.

    Raises:
        InputError: with code `config-value`, if not valid.
    """
    if not valid:
        raise InputError(
            f"The setting {key} cannot be used",
            where=key,
            got=got,
            expected=expected,
            remedy="correct it; `ictal config` shows every key with its meaning",
            code="config-value",
        )


def _rebuild(what: str, where: str, got: object, expected: object, remedy: str, code: str) -> InputError:
    return InputError(what, where=where, got=got, expected=expected, remedy=remedy, code=code)
