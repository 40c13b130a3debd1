"""The evaluation part is locked: every look at it is asked for by name and written down before it is taken.

Whoever looks at the test patients, changes something and looks again, tunes on them. Nothing here can forbid that, but
the number of looks stands in the results, and the record says what was looked at with which detector. Looks are counted
in a run folder: who plans the same corpus in another one begins at none.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from dataclasses import asdict

from ictal.errors import InputError
from ictal.recipes import detector as detectors
from ictal.recipes.plan import Planned
from ictal.recipes.run import Run

OPENINGS = "eval_openings.jsonl"


def openings(run: Run) -> int:
    """How often the evaluation part was opened in this run folder."""
    path = run.path(OPENINGS)
    return len(path.read_text().splitlines()) if path.exists() else 0


def open_eval(run: Run, planned: Planned, *, allowed: bool) -> int:
    """Record one more opening, on disk before anything is scored.

    Args:
        run: The run.
        planned: Its plan.
        allowed: Whether the opening was asked for.

    Returns:
        The number of openings, this one included.

    Raises:
        InputError: if it was not asked for.
    """
    before = openings(run)
    if not allowed:
        raise InputError(
            "The evaluation part is locked",
            where=run.folder,
            got=f'evaluate.part = "eval" without --open-eval; opened {before} times so far',
            expected="a decision: each look at it costs some of its worth as a test",
            remedy="tune with --evaluate.part dev; for the final result add --open-eval, which is recorded",
            code="eval-locked",
        )
    record = {
        "opening": before + 1,
        "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "plan_hash": planned.hash,
        "weights": hashlib.blake2b(run.path(detectors.WEIGHTS).read_bytes(), digest_size=16).hexdigest(),
        "events": asdict(run.config.events),
        "evaluate": asdict(run.config.evaluate),
    }
    with run.path(OPENINGS).open("a") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return before + 1
