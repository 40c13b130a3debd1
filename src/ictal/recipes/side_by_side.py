"""`ictal report A B`: several run folders on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ictal.errors import InputError
from ictal.recipes import config as configs
from ictal.recipes.compare import compare_results
from ictal.recipes.plan import Planned
from ictal.recipes.report import contents
from ictal.recipes.run import Run, write_text
from ictal.report.comparison import Compared, Pair, render


def write(runs: Sequence[tuple[Run, Planned]], target: Path) -> Path:
    """Make one page of several runs; returns its path.

    Args:
        runs: Two or more, each with its plan; the first is the one that the others are compared with.
        target: The page.
    """
    names = _told_apart([run.folder for run, _ in runs])
    compared = [
        Compared(name=name, contents=contents(run, planned), settings=_settings(run))
        for name, (run, planned) in zip(names, runs, strict=True)
    ]
    first, *others = zip(compared, [run.folder for run, _ in runs], strict=True)
    pairs = [_pair(*first, *other) for other in others]
    write_text(target, render(compared, pairs))
    return target


def _told_apart(folders: Sequence[Path]) -> list[str]:
    """Names of folders, with the folders that they are in, and numbered, where two would be alike."""
    names = [folder.absolute().name for folder in folders]
    if len(set(names)) < len(names):
        names = [f"{folder.absolute().parent.name}/{folder.absolute().name}" for folder in folders]
    if len(set(names)) < len(names):
        names = [f"{name} ({number})" for number, name in enumerate(names, 1)]
    return names


def _settings(run: Run) -> dict[str, str]:
    return {
        f"{section}.{key}": str(value)
        for section, branch in configs.tree(run.config).items()
        for key, value in branch.items()
    }


def _pair(one: Compared, folder: Path, other: Compared, other_folder: Path) -> Pair:
    """Their differences, or why there are none; an evaluation of an earlier plan or detector counts for nothing."""
    unscored = [run.name for run in (one, other) if run.contents.evaluation is None]
    if unscored:
        unlike = f"there is no evaluation of {' and of '.join(unscored)} as it is now"
        return Pair(first=one.name, second=other.name, unlike=unlike)
    try:
        return Pair(first=one.name, second=other.name, document=compare_results(folder, other_folder))
    except InputError as error:
        if error.code != "compare-unlike":
            raise
        unlike = f"{error.what} ({error.where}: got {error.got}, expected {error.expected})"
        return Pair(first=one.name, second=other.name, unlike=unlike)
