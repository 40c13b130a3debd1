"""Everything that a run needs to go on as if it had never stopped, in one file that is whole or absent."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from ictal.appearing import appearing
from ictal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A moment of a run: the state of everything that changes, and what it belongs to."""

    step: int
    """Steps done."""
    run_hash: str
    """Hash of all that decides the run: plan, signals, model and training."""
    model: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimiser: dict[str, object]
    ranks: list[dict[str, Any]]
    """What the batches of each rank have left: what its `guards` remember, and its losses since the last `round` of a
    plan that adapts began."""
    plan: dict[str, object]
    """State of a plan that adapts; empty for the others, which have none."""
    selection: dict[str, object]
    """The best weights so far, with their scores; without any where the last ones are kept."""


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write, read back, and only then put in place of the checkpoint before it.

    Raises:
        InputError: if what is read back is not what was written; the checkpoint before it stays.
    """
    content = io.BytesIO()
    torch.save(vars(checkpoint), content)
    with appearing(path) as draft:
        draft.write_bytes(content.getbuffer())
        if draft.read_bytes() != content.getbuffer():
            raise InputError(
                "The checkpoint does not read back as it was written",
                where=draft,
                got="other bytes",
                expected=f"the {len(content.getbuffer())} bytes of step {checkpoint.step}",
                remedy="look at the disk; the checkpoint before it is whole",
                code="file-damaged",
            )


def load(path: Path, run_hash: str) -> Checkpoint:
    """Read a checkpoint (tensors and plain values only, no pickled code).

    Raises:
        InputError: if it is damaged or belongs to another run.
    """
    try:
        kept = torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, UnpicklingError) as error:
        raise InputError(
            "The checkpoint is damaged",
            where=path,
            got=str(error).splitlines()[0],
            expected="the file as it was written",
            remedy="restore it, or delete it to train this run anew",
            code="file-damaged",
        ) from error
    known = {field.name for field in fields(Checkpoint)}
    named = set(kept) if isinstance(kept, dict) else set()
    if named != known:
        raise InputError(
            "The checkpoint was made by another version of ictal",
            where=path,
            got=f"{', '.join(sorted(named ^ known))}, which only one of the two knows",
            expected="what this version keeps",
            remedy="go on with the version that versions.json names, or delete it to train this run anew",
            code="file-damaged",
        )
    checkpoint = Checkpoint(**kept)
    if checkpoint.run_hash != run_hash:
        raise InputError(
            "The checkpoint belongs to a run with other settings",
            where=path,
            got=f"run {checkpoint.run_hash}",
            expected=f"run {run_hash}",
            remedy="use a new run folder, or delete the checkpoint to train this one anew",
            code="checkpoint-foreign",
        )
    return checkpoint
