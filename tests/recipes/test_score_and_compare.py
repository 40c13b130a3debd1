"""`ictal score` on files of any format, and `ictal compare` on what it prints."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ictal.recordings.annotations import bids, edfplus, tusz
from ictal.recordings.events import Event
from tests.end_to_end.commands import FinishedRun, Terminal
from tests.recordings.test_other_corpora import write_helsinki
from tests.reference.small_corpus import write_recording

SEIZURES = {"anna_1": [(10.0, 30.0)], "anna_2": [], "bert_1": [(5.0, 20.0), (200.0, 240.0)]}
LENGTH_S = 300.0


def events(pairs: list[tuple[float, float]]) -> list[Event]:
    return [Event(onset_s=onset, stop_s=stop, label="sz") for onset, stop in pairs]


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """Three recordings of two patients as `_events.tsv`."""
    folder = tmp_path / "reference"
    folder.mkdir()
    for name, pairs in SEIZURES.items():
        bids.write(folder / f"{name}_events.tsv", events=events(pairs), duration_s=LENGTH_S, start=None)
    return folder


@pytest.mark.parametrize("suffix", ["_events.tsv", ".csv_bi", "_eeg.csv_bi", ".edf", "_eeg.edf", ".tse"])
def test_detections_may_be_of_any_format(terminal: Terminal, reference: Path, tmp_path: Path, suffix: str) -> None:
    """The same events in any of them, as `ictal detect` names them for a BIDS dataset too, give a perfect score."""
    hypothesis = tmp_path / "hypothesis"
    hypothesis.mkdir()
    for name, pairs in SEIZURES.items():
        path, found = hypothesis / f"{name}{suffix}", events(pairs)
        match suffix:
            case "_events.tsv":
                bids.write(path, events=found, duration_s=LENGTH_S, start=None)
            case ".csv_bi" | "_eeg.csv_bi":
                tusz.write_bi(path, bname=path.stem, duration_s=LENGTH_S, events=found)
            case ".edf" | "_eeg.edf":
                edfplus.write(path, events=found, duration_s=LENGTH_S, start=None)
            case ".tse":
                edges = [0.0, *(edge for pair in pairs for edge in pair), LENGTH_S]
                rows = [
                    f"{a} {b} {'seiz' if n % 2 else 'bckg'} 1.0" for n, (a, b) in enumerate(itertools.pairwise(edges))
                ]
                path.write_text("version = tse_v1.0.0\n\n" + "\n".join(rows) + "\n")
    document = terminal("score", reference, hypothesis, "--json").document
    assert document["scorers"]["szcore_event"]["true_positives"] == 3
    assert document["scorers"]["szcore_event"]["false_positives"] == 0
    assert document["scorers"]["szcore_sample"]["f1"] == 1.0


def test_a_corpus_is_a_reference_whatever_its_annotations(terminal: Terminal, tmp_path: Path) -> None:
    """An EDF stands for what is annotated about it, here by three experts, and states the length if they do not."""
    write_helsinki(tmp_path / "reference")
    (tmp_path / "hypothesis").mkdir()
    for number in (1, 2):
        path = tmp_path / "hypothesis" / f"eeg{number}_events.tsv"
        bids.write(path, events=events([(10, 20)] if number == 1 else []), duration_s=60, start=None)
    for consensus, reference in {"majority": 8, "any": 35}.items():
        said = terminal("score", tmp_path / "reference", tmp_path / "hypothesis", "--consensus", consensus, "--json")
        assert said.document["scorers"]["szcore_sample"]["reference"] == reference


def test_no_seizure_at_all_has_to_be_declared(terminal: Terminal, tmp_path: Path) -> None:
    """And is refused if it was declared and is not so."""
    for name, pairs in {"quiet": [], "ictal": [(1.0, 9.0)]}.items():
        (tmp_path / name).mkdir()
        bids.write(tmp_path / name / "a_1_events.tsv", events=events(pairs), duration_s=LENGTH_S, start=None)
    refused = terminal("score", tmp_path / "quiet", tmp_path / "ictal")
    assert (refused.code, "--no-seizures-expected" in refused.err) == (2, True)
    said = terminal("score", tmp_path / "quiet", tmp_path / "ictal", "--no-seizures-expected", "--json")
    assert (said.code, said.document["scorers"]["szcore_event"]["false_positives"]) == (0, 1)
    assert terminal("score", tmp_path / "ictal", tmp_path / "ictal", "--no-seizures-expected").code == 2


def test_patients_go_by_their_one_name(terminal: Terminal, tmp_path: Path) -> None:
    """chb21 is chb01; others as they are told."""
    for name in ("chb01_03", "chb21_01", "x_1", "y_1"):
        bids.write(tmp_path / f"{name}_events.tsv", events=events([(1, 9)]), duration_s=LENGTH_S, start=None)
    said = terminal("score", tmp_path, tmp_path, "--same-patient.y", "x", "--json")
    assert set(said.document["scorers"]["szcore_event"]["per_patient"]) == {"chb01", "x"}


def test_a_reader_that_stops_reading_is_no_fault(reference: Path) -> None:
    """`ictal score ... --json | head -c 10` ends without a traceback."""
    score = [sys.executable, "-m", "ictal", "score", str(reference), str(reference), "--json"]
    with subprocess.Popen(score, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert (process.returncode, said) == (128 + 13, "")


def scored(terminal: Terminal, reference: Path, out: Path, missed: str) -> Path:
    """What `ictal score --json` says of a system that misses the seizures of one patient."""
    hypothesis = out.with_suffix(".d")
    hypothesis.mkdir()
    for name, pairs in SEIZURES.items():
        found = [] if name.startswith(missed) else events(pairs)
        bids.write(hypothesis / f"{name}_events.tsv", events=found, duration_s=LENGTH_S, start=None)
    out.write_text(terminal("score", reference, hypothesis, "--json").out)
    return out


def test_two_results_are_compared_patient_by_patient(terminal: Terminal, reference: Path, tmp_path: Path) -> None:
    """One misses one seizure of anna, the other two of bert; with two patients nothing can be shown."""
    first = scored(terminal, reference, tmp_path / "first.json", "anna")
    second = scored(terminal, reference, tmp_path / "second.json", "bert")
    document = terminal("compare", first, second, "--json").document
    row = document["scorers"]["szcore_event"]["sensitivity"]
    assert (row["first"], row["second"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert row["difference"] == pytest.approx(-1 / 3)
    assert row["lower"] <= row["difference"] <= row["upper"]
    assert (row["exact"], row["p"], row["p_holm"]) == (True, 1.0, 1.0)
    shown = terminal("compare", first, second).out
    assert "sensitivity" in shown
    assert "2 patients" in shown


def test_runs_are_compared_by_their_evaluations(terminal: Terminal, finished_run: FinishedRun) -> None:
    """A run with itself shows no difference; one that was not evaluated is named with the command."""
    document = terminal("compare", finished_run.folder, finished_run.folder, "--json").document
    differences = [row["difference"] for rates in document["scorers"].values() for row in rates.values()]
    assert {value for value in differences if value is not None} == {0.0}
    refused = terminal("compare", finished_run.folder, finished_run.store)
    assert (refused.code, f"ictal evaluate {finished_run.store}" in refused.err) == (2, True)


def test_unlike_results_are_refused(terminal: Terminal, reference: Path, tmp_path: Path) -> None:
    """Other patients, another scorer, no scores."""
    first = scored(terminal, reference, tmp_path / "first.json", "anna")
    whole = json.loads(first.read_text())
    for name, change in {
        "patients": lambda scores: scores["per_patient"].pop("anna"),
        "version": lambda scores: scores.update(scorer_version="0.0"),
        "damaged": lambda scores: scores["per_patient"]["anna"].pop("hours"),
    }.items():
        other = json.loads(json.dumps(whole))
        change(other["scorers"]["szcore_event"])
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(other))
        assert terminal("compare", first, path).code == 2, name
    (tmp_path / "none.json").write_text("{}")
    assert terminal("compare", first, tmp_path / "none.json").code == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["bert_1"]["seizures_s"][1].__setitem__(0, 200.5), "a seizure from 200.5 s to 240.0 s"),
        (lambda r: r["bert_1"]["seizures_s"][1].__setitem__(1, 239.5), "a seizure from 200.0 s to 239.5 s"),
        (lambda r: r["bert_1"]["seizures_s"].pop(), "1 seizures"),
        (lambda r: r["bert_1"].update(duration_s=298.5), "298.5 s"),
        (lambda r: r["bert_1"].update(patient="anna"), "patient anna"),
        (lambda r: r.pop("anna_2"), "recording anna_2"),
        (lambda r: r["anna_1"].pop("duration_s"), "unreadable reference"),
        (lambda r: r["anna_1"].update(seizures_s=[[1.0]]), "unreadable reference"),
        (lambda r: r.clear(), "no reference"),
    ],
)
def test_every_seizure_of_the_reference_is_compared(
    terminal: Terminal, reference: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    """As many seizures of as many patients are not enough: another annotation makes another task."""
    first = scored(terminal, reference, tmp_path / "first.json", "anna")
    other = json.loads(first.read_text())
    change(other["reference"])
    (tmp_path / "other.json").write_text(json.dumps(other))
    refused = terminal("compare", first, tmp_path / "other.json")
    assert (refused.code, said in refused.err) == (2, True), refused.err


def test_formats_may_round_and_corpora_lie_deeper(terminal: Terminal, reference: Path, tmp_path: Path) -> None:
    """A hundredth of a second, a second of length and folders around the recordings do not make another reference."""
    first = scored(terminal, reference, tmp_path / "first.json", "anna")
    other = json.loads(first.read_text())
    other["reference"]["bert_1"].update(seizures_s=[[5.009, 20.0], [200.0, 239.991]], duration_s=299.5)
    other["reference"] = {f"eval/{name}": one for name, one in other["reference"].items()}
    (tmp_path / "other.json").write_text(json.dumps(other))
    assert terminal("compare", first, tmp_path / "other.json").code == 0


def test_a_recording_without_annotation_is_no_reference(terminal: Terminal, tmp_path: Path) -> None:
    """An EDF in the reference that nothing speaks of is an error by name, not silence."""
    write_recording(tmp_path / "reference" / "a_1.edf", [(10, 20)])
    write_recording(tmp_path / "reference" / "b_1.edf")
    for path in (tmp_path / "reference").glob("b_1.csv*"):
        path.unlink()
    (tmp_path / "hypothesis").mkdir()
    for name in ("a_1", "b_1"):
        bids.write(tmp_path / "hypothesis" / f"{name}_events.tsv", events=[], duration_s=60, start=None)
    refused = terminal("score", tmp_path / "reference", tmp_path / "hypothesis")
    assert (refused.code, "b_1.edf" in refused.err) == (2, True)


def test_a_narrow_terminal_cuts_no_name_and_no_number_stands_alone(
    terminal: Terminal, reference: Path, tmp_path: Path
) -> None:
    """80 columns: every scorer by its whole name and version; F1 by both rules; what was missing is listed."""
    hypothesis = tmp_path / "hypothesis"
    hypothesis.mkdir()
    for name in ("anna_1", "bert_1"):
        bids.write(hypothesis / f"{name}_events.tsv", events=events(SEIZURES[name]), duration_s=LENGTH_S, start=None)
    said = terminal("score", reference, hypothesis, "--missing-as-silence").out
    for scorer in (
        "szcore_event",
        "szcore_sample",
        "nedc_ovlp",
        "nedc_taes",
        "nedc_epoch",
        "nedc_dpalign",
        "nedc_atwv",
    ):
        assert said.count(f"│ {scorer} ") == 2, scorer
    assert said.count("ictal-szcore 1.0.0") == 4
    assert said.count("ictal-nedc 1.0.0") == 10
    assert "…" not in said
    assert "`current`, below it by `legacy`" in said
    assert "Missing and counted as silence: anna_2" in said
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(
            terminal("score", reference, hypothesis, "--missing-as-silence", "--json").out
        )
    compared = terminal("compare", tmp_path / "a.json", tmp_path / "b.json").out
    assert "szcore_event (ictal-szcore 1.0.0)" in compared
    assert "nedc_atwv (ictal-nedc 1.0.0)" in compared
    assert "…" not in compared
