"""What makes an error message one for people."""

from __future__ import annotations

import re

from ictal.errors import InputError


def assert_readable(error: InputError) -> None:
    """A sentence says what is wrong; what was right and what to do continue it; nothing is empty and nothing shouts."""
    assert re.match(r"An? [a-z]|[A-Z][a-z]+[ ']", error.what), error.what
    for line in (error.expected, error.remedy):
        assert re.match(r"[a-z0-9]", str(line)), line
    assert not re.search(r"\b[A-Z]{4,}|\.$", str(error), re.MULTILINE), error
