"""Packages that come with an optional extra, imported when something asks for them."""

from __future__ import annotations

import importlib
from types import ModuleType

from ictal.errors import InputError


def needed(module: str, *, extra: str, what: str) -> ModuleType:
    """A module of an extra.

    Args:
        module: Its name.
        extra: Of `ictal` that installs it.
        what: What asks for it.

    Raises:
        InputError: if it is not installed (code `package-missing`).
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            "A package that this needs is not installed",
            where=what,
            got=str(error),
            expected=f"the package {module.partition('.')[0]}",
            remedy=f"pip install 'ictal[{extra}]'",
            code="package-missing",
        ) from error
