"""What an evaluation refuses before it looks at a signal, and the calibration that a run names."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ictal.errors import InputError
from ictal.recipes import plan as planning
from ictal.recipes.evaluate import require_scorable
from ictal.recipes.plan import Planned
from ictal.recipes.run import open_planned
from tests.end_to_end.commands import FinishedRun, Terminal


@pytest.fixture
def planned(finished_run: FinishedRun) -> Planned:
    """The plan of a run whose parts are as they should be."""
    found = planning.load(open_planned(finished_run.folder, ()))
    require_scorable(found, "eval")
    return found


def _with_eval(planned: Planned, numbers: list[int]) -> Planned:
    return replace(planned, split={**planned.split, "eval": numbers})


def test_patients_seen_in_training_are_refused_by_name(planned: Planned) -> None:
    """One recording of a training patient among the others is enough."""
    seen = planned.split["train"][0]
    with pytest.raises(InputError, match="seen in training") as error:
        require_scorable(_with_eval(planned, [*planned.split["eval"], seen]), "eval")
    assert error.value.got == planned.index.recordings[seen].patient
    assert error.value.code == "patients-seen"


def test_an_empty_part_is_refused(planned: Planned) -> None:
    """There is no score of nothing."""
    with pytest.raises(InputError) as error:
        require_scorable(_with_eval(planned, []), "eval")
    assert error.value.code == "part-empty"


def test_a_part_without_seizures_has_to_be_declared(planned: Planned) -> None:
    """Undeclared it is refused; declared it is scored; and a declaration that is wrong is refused too."""
    healthy = replace(planned, labelled=tuple(replace(one, seizures_s=()) for one in planned.labelled))
    with pytest.raises(InputError, match="holds no seizure"):
        require_scorable(healthy, "eval")
    require_scorable(healthy, "eval", no_seizures_expected=True)
    with pytest.raises(InputError, match="holds seizures") as error:
        require_scorable(planned, "eval", no_seizures_expected=True)
    assert error.value.code == "reference-seizures"


def test_the_method_of_calibration_is_the_one_that_is_asked_for(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """It stands in the results and, for isotonic, its path beside the weights, from where `detect` takes it."""
    folder = tmp_path / "run"
    shutil.copytree(finished_run.folder, folder)
    said = terminal("evaluate", folder, "--evaluate.part", "dev", "--evaluate.calibration", "isotonic", "--json")
    assert said.document["calibration"] == "isotonic"
    kept = json.loads((folder / "detector.json").read_text())["calibration"]
    assert len(kept["knots"]) >= 2
    assert (kept["temperature"], kept["bias"]) == (1.0, 0.0)
