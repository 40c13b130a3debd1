"""The picture of a plan's chances."""

from __future__ import annotations

import json

from PIL import Image

from ictal.report.chances import chances_figure
from tests.end_to_end.commands import FinishedRun


def test_a_plan_leaves_a_picture_of_its_chances(finished_run: FinishedRun) -> None:
    """It is there after `ictal plan`, and the same for the same plan."""
    kept = finished_run.folder / "plan.png"
    with Image.open(kept) as picture:
        assert picture.size == (1200, 420)
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20
    document = json.loads((finished_run.folder / "plan.json").read_text())
    assert chances_figure(document) == kept.read_bytes()
