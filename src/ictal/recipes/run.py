"""The run folder: everything that a run made, under fixed names, written whole or not at all."""

from __future__ import annotations

import json
import platform
import shlex
import sys
import tomllib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ictal.appearing import appearing
from ictal.errors import InputError, command
from ictal.recipes import config as configs
from ictal.recipes.config import NO_STORE, Config
from ictal.signals.addresses import absolute

PLAN = "plan.json"
LIBRARIES = ("ictal", "numpy", "scipy", "torch", "edfio", "pyarrow")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A folder and the configuration that its contents were made with."""

    folder: Path
    config: Config

    def keep_config(self) -> None:
        """Save the resolved configuration and what computes with it; called when a step has accepted both."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.path("config.toml"), configs.to_toml(self.config))
        self.write_json("versions.json", versions())

    def changed(self) -> dict[str, tuple[object, object]]:
        """Settings that differ from those that were kept last: `section.key` with its value before and now."""
        kept = configs.tree(configs.load(self.path("config.toml")))
        return {
            f"{section}.{name}": (kept[section].get(name), value)
            for section, values in configs.tree(self.config).items()
            for name, value in values.items()
            if kept[section].get(name) != value
        }

    def path(self, name: str) -> Path:
        """Where something of this name is kept."""
        return self.folder / name

    def write_json(self, name: str, document: Mapping[str, object]) -> None:
        """Keep a document."""
        write_text(self.path(name), json.dumps(document, indent=1, allow_nan=False))

    def read_json(self, name: str, made_by: str) -> dict[str, object]:
        """A document that an earlier step has kept.

        Raises:
            InputError: if it is missing, naming the command that makes it.
        """
        path = self.path(name)
        if not path.exists():
            raise missing(path, command(made_by, self.folder))
        return read_json(path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON document of a run folder.

    Raises:
        InputError: if the file is damaged.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise damaged(path, str(error)) from error
    return document


def damaged(path: Path, got: str) -> InputError:
    """The error for a file of a run folder that cannot be read."""
    return InputError(
        "A file of the run folder is damaged",
        where=path,
        got=got,
        expected="the file as it was written",
        remedy="restore it, or make it again with the command that made it",
        code="file-damaged",
    )


def missing(path: Path, made_by: str) -> InputError:
    """The error for a file that an earlier command, as a shell takes it, should have made."""
    return InputError(
        "Something that this step needs is not there",
        where=path,
        got="no such file",
        expected="the result of an earlier step",
        remedy=f"run `{made_by}` first",
        code="step-missing",
    )


def open_run(folder: Path, file: Path | None, overrides: Sequence[str]) -> Run:
    """The run of a folder: its own configuration, or that of `file`, with overrides on top. Writes nothing.

    Paths are kept absolute, so that a run can be taken up from any folder; `~` is the user's home.
    """
    own = folder / "config.toml"
    base = _own_settings(own, configs.named(overrides)) if file is None and own.exists() else None
    config = configs.load(file, overrides, base=base)
    tree = configs.tree(config)
    if config.corpus.path:
        tree["corpus"]["path"] = absolute(config.corpus.path)
    if config.corpus.corrections is not None:
        tree["corpus"]["corrected"] = absolute(str(config.corpus.corrections))
    tree["machine"]["cache"] = absolute(config.machine.cache)
    if config.machine.store != NO_STORE:
        tree["machine"]["store"] = absolute(config.machine.store)
    run = Run(folder=folder, config=configs.check(tree, str(own)))
    _require_corpus(run.config)
    return run


def open_planned(folder: Path, overrides: Sequence[str]) -> Run:
    """The run of a folder that holds a plan.

    Raises:
        InputError: as `open_run`; if there is no plan, naming the command that makes it.
    """
    if not (folder / PLAN).exists():
        raise missing(folder / PLAN, command("plan", folder))
    return open_run(folder, None, overrides)


def versions() -> dict[str, object]:
    """What computed the results."""
    return {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "command": shlex.join(sys.argv),
        **{library: version(library) for library in LIBRARIES},
    }


def write_text(path: Path, text: str) -> None:
    """Write a file that is whole or absent."""
    with appearing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _own_settings(path: Path, named: Container[str]) -> dict[str, Any]:
    """The settings that a run has kept. They are complete: no default of today is put in for one that is not there.

    Args:
        path: The file.
        named: Settings that the command line gives.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise damaged(path, str(error)) from error
    kept = {f"{section}.{name}" for section, values in tree.items() for name in values}
    lacking = {key: value for key, value in configs.defaults().items() if key not in kept and key not in named}
    if lacking:
        words = " ".join(f"--{key} {shlex.quote(configs.as_word(value))}" for key, value in lacking.items())
        raise InputError(
            "The run does not say all of its settings",
            where=path,
            got=f"nothing for {', '.join(lacking)}",
            expected="every setting",
            remedy=f"restore the file if it was cut; if an earlier ictal made it, say what it did then, e.g. `{words}`",
            code="config-incomplete",
        )
    return tree


def _require_corpus(config: Config) -> None:
    path = Path(config.corpus.path)
    if not config.corpus.path or not path.is_dir():
        raise InputError(
            "There is no corpus",
            where="corpus.path",
            got=config.corpus.path or "nothing",
            expected="a folder with recordings and their annotations",
            remedy="add --corpus.path FOLDER, or make one to try with: `ictal synth FOLDER`",
            code="corpus-missing",
        )
