"""The example of docs/plans.md runs."""

from __future__ import annotations

import re
from pathlib import Path


def test_the_loop_of_ones_own_runs(capsys: object) -> None:
    """It prints the counted composition and loads fifty batches of the plan."""
    (example,) = re.findall(r"```python\n(.*?)```", Path("docs/plans.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(example, "docs/plans.md", "exec"), names)  # noqa: S102 - the page's own code
    loaded = [batch.tolist() for batch in names["loader"]]  # type: ignore[attr-defined]
    assert loaded == names["plan"].table(0, 50).tolist()  # type: ignore[attr-defined]
    assert "seizure_min=4" in capsys.readouterr().out  # type: ignore[attr-defined]
