"""What can be wrong with a recording of a store, each as the one error that it is."""

from __future__ import annotations

from ictal.errors import InputError, command

MISSING, DAMAGED, VERSION = "store-missing", "store-damaged", "store-version"
"""Codes."""


def missing(address: str) -> InputError:
    """The error for a file that is not there."""
    return InputError(
        "The recording is not in the signal store",
        where=address,
        got="no such file",
        expected="a prepared recording",
        remedy="run `ictal prepare RUN` with the run's folder; nothing else builds the store",
        code=MISSING,
    )


def damaged(address: str, got: str, expected: str) -> InputError:
    """The error for a file that is not what was written."""
    store, _, name = address.rpartition("/")
    key = name.rpartition(".")[0]
    return InputError(
        "A recording in the signal store is damaged",
        where=address,
        got=got,
        expected=expected,
        remedy=(
            f"look at what keeps it; `{command('store', 'gc', store, '--damaged', '--no-dry-run')}` deletes {key}.json "
            f"and {key}.npy, "
            "then `ictal prepare RUN` makes them again"
        ),
        code=DAMAGED,
    )


def other_version(address: str, got: object, expected: int) -> InputError:
    """The error for a store that this version does not read."""
    store, _, _ = address.rpartition("/")
    return InputError(
        "The signal store was written by another version of ictal",
        where=address,
        got=f"format {got}",
        expected=f"format {expected}",
        remedy=(
            "use another store (machine.store) and run `ictal prepare RUN`; "
            f"`{command('store', 'gc', store)}` lists what could be deleted"
        ),
        code=VERSION,
    )
