"""Prints what `mutmut run` left in `mutants/`: a table by module, then every mutant that no test noticed.

Run: `make mutants`, which plants them first; `python tests/mutants.py` alone prints the last run again.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

ROOMS = ("scoring", "detection")


def main() -> None:
    """Print the table and the survivors."""
    results = {path: found(path) for room in ROOMS for path in sorted(Path("src", "ictal", room).glob("[!_]*.py"))}
    print("| module | mutants | killed | timed out | survived | caught |\n|---|---|---|---|---|---|")
    for path, by_mutant in results.items():
        print(row(f"`{path.relative_to('src/ictal')}`", Counter(by_mutant.values())))
    print(row("all", Counter(status for by_mutant in results.values() for status in by_mutant.values())))
    for path, by_mutant in results.items():
        for mutant in (name for name, status in by_mutant.items() if status == "survived"):
            print(f"\n{mutant}")
            print(*changed(get_diff_for_mutant(mutant, path=path)), sep="\n")


def found(path: Path) -> dict[str, str]:
    """What became of each mutant of a module."""
    data = SourceFileMutationData(path=path)
    data.load()
    return {mutant: status_by_exit_code[code] for mutant, code in data.exit_code_by_key.items()}


def row(name: str, statuses: Counter[str]) -> str:
    """A line of the table; a mutant that never ends is caught as well."""
    mutants, killed, timed_out, survived = (
        statuses.total(),
        statuses["killed"],
        statuses["timeout"],
        statuses["survived"],
    )
    if killed + timed_out + survived != mutants:
        raise SystemExit(f"{name}: the run is not finished, or was disturbed: {dict(statuses)}")
    return f"| {name} | {mutants} | {killed} | {timed_out} | {survived} | {(killed + timed_out) / mutants:.1%} |"


def changed(difference: str) -> list[str]:
    """The lines of a difference that say what was changed."""
    return [line for line in difference.splitlines() if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"}]


if __name__ == "__main__":
    main()
