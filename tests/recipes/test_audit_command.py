"""`ictal audit`: exit codes, settings, the windows by stratum, the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.commands import FinishedRun, Terminal, words
from tests.reference.small_corpus import LABELS, write_edf, write_recording


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two patients, one seizure."""
    write_recording(tmp_path / "corpus" / "x_1.edf", [(10, 20)])
    write_recording(tmp_path / "corpus" / "y_1.edf")
    return tmp_path / "corpus"


def test_exit_0_is_a_clean_corpus(terminal: Terminal, corpus: Path) -> None:
    """Nothing found."""
    assert terminal("audit", corpus).code == 0


def test_exit_1_is_a_corpus_with_warnings(terminal: Terminal, corpus: Path) -> None:
    """What planning sets aside."""
    (corpus / "y_1.edf").write_bytes((corpus / "y_1.edf").read_bytes()[:-1])
    assert terminal("audit", corpus).code == 1


def test_exit_2_is_a_corpus_that_planning_refuses(terminal: Terminal, corpus: Path) -> None:
    """An annotation that is missing, and a folder that is."""
    for suffix in (".csv", ".csv_bi"):
        (corpus / "y_1.edf").with_suffix(suffix).unlink()
    assert terminal("audit", corpus).code == 2
    assert terminal("audit", corpus / "nowhere").code == 2


def test_windows_by_stratum_are_those_of_the_plan(terminal: Terminal, finished_run: FinishedRun) -> None:
    """The same grid gives the same counts, part by part and in all."""
    planned = finished_run.said["plan"].document
    windows = terminal("audit", finished_run.corpus, *words(), "--json").document["windows"]
    assert windows["strata"]["all"] == planned["strata"]
    for part, counts in planned["splits"].items():
        assert sum(windows["strata"][part].values()) == counts["windows"]


def test_settings_say_how_labels_are_read_and_what_is_repaired(
    terminal: Terminal, corpus: Path, tmp_path: Path
) -> None:
    """On the command line or in a file; the option `--label-mapping` goes before both."""
    for suffix, label in ((".csv_bi", "seiz"), (".csv", "fnsz")):
        path = (corpus / "x_1.edf").with_suffix(suffix)
        path.write_text(path.read_text().replace(label, "nesz"))
    write_edf(corpus / "y_1.edf", labels=LABELS[2:])
    assert terminal("audit", corpus).code == 2
    said = terminal("audit", corpus, "--corpus.label_mapping.nesz", "seiz", "--signals.missing", "mask", "--json")
    assert (said.code, said.document["repaired"]) == (0, {"interpolated": 0, "masked": 1})
    file = tmp_path / "settings.toml"
    file.write_text('[corpus]\nlabel_mapping = {nesz = "seiz"}\n[signals]\nmissing = "interpolate"\n')
    said = terminal("audit", corpus, "--config", file, "--json")
    assert (said.code, said.document["repaired"]) == (0, {"interpolated": 1, "masked": 0})
    said = terminal("audit", corpus, "--config", file, "--label-mapping.nesz", "bckg", "--json")
    assert said.document["seizures"] == 0


def test_a_deep_audit_finds_what_only_the_signals_show(terminal: Terminal, corpus: Path) -> None:
    """The corpus is silent: 19 flat channels in each recording."""
    said = terminal("audit", corpus, "--deep", "--json")
    assert [finding["code"] for finding in said.document["findings"]] == ["signal-flat"] * 2
    assert said.code == 1


def test_the_page_is_written_beside_the_result(terminal: Terminal, corpus: Path, tmp_path: Path) -> None:
    """Where it is asked for, and named on stderr."""
    page = tmp_path / "pages" / "audit.html"
    said = terminal("audit", corpus, "--html", page, "--json")
    assert said.document["recordings"] == 2
    assert str(page) in said.err
    assert page.read_text().startswith("<!doctype html>")


def test_an_audit_does_without_torch() -> None:
    """So that it starts at once."""
    code = "import sys, ictal.recipes.audit as a; a.settings(None, ()); print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"
