"""`ictal agreement` on a list by several experts and on a folder for each voice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ictal.recordings.annotations import bids
from ictal.recordings.events import Event
from tests.end_to_end.commands import Terminal
from tests.recordings.test_other_corpora import write_helsinki

SAID = {
    "ann": {"p_1": [(10.0, 30.0)], "q_1": [(5.0, 25.0)]},
    "ben": {"p_1": [(10.0, 30.0)], "q_1": []},
    "cem": {"p_1": [(10.0, 30.0)], "q_1": [(5.0, 25.0)]},
}


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three voices on two recordings of 100 s."""
    for voice, recordings in SAID.items():
        (tmp_path / voice).mkdir()
        for name, pairs in recordings.items():
            found = [Event(onset_s=onset, stop_s=stop, label="sz") for onset, stop in pairs]
            bids.write(tmp_path / voice / f"{name}_events.tsv", events=found, duration_s=100.0, start=None)
    return [tmp_path / voice for voice in SAID]


def test_a_folder_is_a_voice(terminal: Terminal, folders: list[Path]) -> None:
    """Named by its path; with three there is a majority, with two there is none."""
    found = terminal("agreement", *folders, "--json").document
    ann, ben, cem = map(str, folders)
    kappas = {(one["first"], one["second"]): one["kappa"]["value"] for one in found["pairs"]}
    assert kappas[ann, cem] == 1.0
    assert kappas[ann, ben] == kappas[ben, cem] == pytest.approx((0.9 - 0.74) / 0.26)
    assert found["consensus"]["name"] == "majority"
    assert found["consensus"]["voices"][ann]["kappa"]["value"] == 1.0
    assert (found["patients"], found["hours"]) == (2, pytest.approx(200 / 3600))
    two = terminal("agreement", *folders[:2], "--json").document
    assert (len(two["pairs"]), two["consensus"]) == (1, {})


def test_experts_of_one_list_are_voices(terminal: Terminal, tmp_path: Path) -> None:
    """Helsinki's, whether the EDFs are there or not."""
    write_helsinki(tmp_path / "corpus")
    with_edfs = terminal("agreement", tmp_path / "corpus", "--json").document
    for path in (tmp_path / "corpus").glob("*.edf"):
        path.unlink()
    assert terminal("agreement", tmp_path / "corpus", "--json").document == with_edfs
    assert list(with_edfs["voices"]) == ["A", "B", "C"]
    assert with_edfs["recordings"] == 2


def test_what_people_see(terminal: Terminal, folders: list[Path]) -> None:
    """A row for each pair, for each against the majority, and one for all."""
    shown = terminal("agreement", *folders).out
    assert shown.count("majority") >= 6
    assert "all (Fleiss)" in shown
    assert "ictal-agreement 1.0.0" in shown


def test_voices_that_do_not_fit_are_refused(terminal: Terminal, folders: list[Path], tmp_path: Path) -> None:
    """A recording that one lacks, another length, one voice alone, one folder twice."""
    assert "only one voice" in terminal("agreement", folders[0]).err
    twice = terminal("agreement", folders[0], folders[0])
    assert (twice.code, "one folder twice" in twice.err) == (2, True)
    bids.write(folders[1] / "q_1_events.tsv", events=[], duration_s=90.0, start=None)
    assert "90.0 s" in terminal("agreement", *folders).err
    (folders[1] / "q_1_events.tsv").unlink()
    lacking = terminal("agreement", *folders)
    assert (lacking.code, "q_1 in one folder alone" in lacking.err) == (2, True)
    assert terminal("agreement", tmp_path / "nowhere", folders[0]).code == 2
    assert terminal("agreement", tmp_path / "nowhere").code == 2


def test_the_experts_of_helsinki_agree_as_the_documentation_says(terminal: Terminal, shared_data: Path) -> None:
    """Every figure of the table, from the corpus's own annotations."""
    found = terminal("agreement", shared_data / "helsinki_annotations", "--json").document
    page = Path("docs/scoring.md").read_text()
    rows = [((one["first"], one["second"]), one) for one in found["pairs"]]
    rows += [((name, "majority"), one) for name, one in found["consensus"]["voices"].items()]
    for (first, second), one in rows:
        interval = one["kappa"]
        events = one["events"] if second == "majority" else one["events"][first]
        line = (
            f"| {first}, {second} | {interval['value']:.3f} ({interval['lower']:.3f} to {interval['upper']:.3f}) "
            f"| {one['observed']:.1%} | {events['f1']:.3f} |"
        )
        assert line in page
    fleiss = found["fleiss_kappa"]
    assert f"| all three | {fleiss['value']:.3f} ({fleiss['lower']:.3f} to {fleiss['upper']:.3f}) |" in page
    assert re.search(rf"{found['recordings']} neonates, {found['hours']:.1f} h", page)
