"""A network of one's own, the examples of docs/models.md, from the plan to a graph that runs without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ictal.recipes import graph
from tests.end_to_end.commands import Terminal, finish, recordings

PAGE = Path("docs/models.md")
MOODY = """

class Moody(MyNet):
    def forward(self, signal):
        return super().forward(signal) * (2 if signal.mean() > 0 else 1)
"""


def page_blocks() -> list[str]:
    """Blocks of Python that make networks."""
    return [block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "nn.Module" in block]


@pytest.mark.parametrize("name", ["MyNet", "my_pieces", "Moody"])
def test_a_network_of_ones_own_goes_all_the_way(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Trained, evaluated, exported and written as a graph, batch norm's counters included.

    One that does other things with other numbers is a model folder like any other, but no graph.
    """
    module = f"nets_of_{name.lower()}"
    (tmp_path / f"{module}.py").write_text("\n\n".join([*page_blocks(), MOODY]))
    monkeypatch.syspath_prepend(tmp_path)
    own = {"model__kind": "module", "model__module": f"{module}.{name}"}
    run = finish(terminal, tmp_path / "run", synthetic_corpus, tmp_path / "store", **own)
    path = recordings(synthetic_corpus, "eval", ictal=True)[0]
    assert terminal("export", run.folder, tmp_path / "kept").code == 0
    assert terminal("detect", path, tmp_path / "x.tsv", "--model", tmp_path / "kept").code in {0, 1}
    said = terminal("export", run.folder, tmp_path / "out", "--to", "onnx", "--json")
    if name == "Moody":
        assert (said.code, f"{module}.Moody" in said.err, "data-dependent" in said.err) == (2, True, True)
        assert len(said.err.splitlines()) < 10
        assert not (tmp_path / "out").exists()
    else:
        assert said.code == 0, said.err
        assert max(said.document["graph"]["differences"].values()) <= graph.TOLERANCE
