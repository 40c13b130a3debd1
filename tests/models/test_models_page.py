"""docs/models.md says what is there: its table of sizes is counted here, its examples are run here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from ictal.errors import InputError
from ictal.models.detector import Detector, DetectorConfig, parameter_count

PAGE = Path("docs/models.md")
KINDS = ("bimamba", "mamba", "gru", "shallow", "unet", "linear")
PRESETS = {
    "DetectorConfig()": DetectorConfig(),
    "DetectorConfig.base()": DetectorConfig.base(),
    "DetectorConfig.large()": DetectorConfig.large(),
}


def sizes() -> str:
    """The table, from the models themselves."""
    rows = ["| preset | " + " | ".join(KINDS) + " |", "|" + "---|" * (len(KINDS) + 1)]
    for name, config in PRESETS.items():
        counts = []
        for kind in KINDS:
            with torch.device("meta"):
                model = Detector(DetectorConfig(**{**vars(config), "kind": kind}), 19, 0.1)
            counts.append(f"{parameter_count(model):,}")
        rows.append(f"| `{name}` | " + " | ".join(counts) + " |")
    return "\n".join(rows)


def test_the_table_of_sizes_is_true() -> None:
    """The page's table is the counted one."""
    found = re.search(r"<!-- sizes: .*?-->\n(.*?)\n<!-- end of sizes -->", PAGE.read_text(), re.DOTALL)
    assert found is not None
    assert found[1] == sizes(), sizes()


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block of Python on the page; the network of one's own goes through the detector."""
    own, pieces, live = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "my_nets.py").write_text(own + pieces)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("MyNet", "my_pieces"):
        model = Detector(DetectorConfig(kind="module", module=f"my_nets.{name}"), 19, 0.1)
        assert model(torch.zeros(2, 19, 320)).shape == (2, 10)
    exec(compile(live, str(PAGE), "exec"), {})  # noqa: S102 - the page's own code


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("no_such_package.Net", "no_such_package"),
        ("torch.nn.NoSuchNet", "NoSuchNet"),
        ("fractions.Fraction", "Module"),
        ("torch.nn.Identity", "steps"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(address: str, message: str) -> None:
    """What is wrong with it is said, by address."""
    with pytest.raises(InputError, match=message) as refusal:
        Detector(DetectorConfig(kind="module", module=address), 19, 0.1)(torch.zeros(2, 19, 320))
    assert address in str(refusal.value)
