"""Prints the words by which pip-audit passes over the vulnerabilities of `.ci/exceptions.toml`.

Run: `python .ci/exceptions.py EXCEPTIONS REQUIREMENTS [TODAY]`. It ends with 1, and prints no word, if an exception
is to be reviewed by today, or is for a package that is not among the requirements.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main(exceptions: Path, requirements: Path, today: dt.date) -> None:
    """Words on stdout, what is wrong on stderr."""
    listed = tomllib.loads(exceptions.read_text())["exception"]
    packages = {plain(line.partition("==")[0]) for line in requirements.read_text().splitlines()}
    wrong = [said for one in listed if (said := objection(one, packages, today))]
    if wrong:
        raise SystemExit("\n".join(f"{exceptions}: {said}" for said in wrong))
    print(*(f"--ignore-vuln {name}" for one in listed for name in one["ids"]))


def objection(exception: Mapping[str, Any], packages: set[str], today: dt.date) -> str:
    """Why an exception does not hold; empty if it does."""
    name = f"{exception['package']}, {exception['ids'][0]}"
    if exception["review_by"] <= today:
        return f"{name} was to be reviewed by {exception['review_by']}: {exception['reason']}"
    return "" if plain(exception["package"]) in packages else f"{name}: the package is not brought along, take it out"


def plain(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    given = [dt.date.fromisoformat(word) for word in sys.argv[3:]]
    main(Path(sys.argv[1]), Path(sys.argv[2]), *given or [dt.datetime.now(tz=dt.UTC).date()])
