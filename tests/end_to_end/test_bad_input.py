"""Bad input: one clear error (what, where, got, expected, what to do), the right exit code, nothing half-written."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ictal.recordings.annotations import bids, tusz
from ictal.recordings.events import Event
from tests.end_to_end.commands import FinishedRun, Said, Terminal, contents_of, linked, put, recordings, words
from tests.reference.edf_bytes import constant, edf_bytes
from tests.reference.small_corpus import LABELS, tusz_path, write_edf, write_recording, write_tusz


@pytest.fixture
def corpus(synthetic_corpus: Path, tmp_path: Path) -> Path:
    """A copy of the synthetic corpus that a test may damage."""
    return linked(synthetic_corpus, tmp_path / "corpus")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Four silent recordings of a minute in TUSZ's layout."""
    write_tusz(tmp_path / "corpus")
    return tmp_path / "corpus"


@pytest.fixture
def plan(terminal: Terminal, tmp_path: Path) -> Callable[..., Said]:
    """`ictal plan` of a corpus into `tmp_path / "run"`."""

    def plan(corpus: Path, **settings: object) -> Said:
        places = ["--corpus.path", corpus, "--machine.store", tmp_path / "store"]
        return terminal("plan", tmp_path / "run", *places, *words(**settings))

    return plan


def require_refusal(said: Said, *mentioned: object) -> None:
    """Exit code 2, nothing on stdout, one error with all its parts, which mentions these things."""
    assert said.code == 2
    assert said.out == ""
    lines = [line.strip() for line in said.err.splitlines() if line.strip()]
    assert sum(line.startswith("ictal: ") for line in lines) == 1
    for part in ("where:", "got:", "expected:", "do:"):
        assert any(line.startswith(part) and len(line) > len(part) for line in lines), part
    assert "Traceback" not in said.err
    for text in mentioned:
        assert str(text) in said.err


def damage(edf: Path) -> None:
    """Cut an EDF in the middle of its data."""
    put(edf, edf.read_bytes()[: edf.stat().st_size // 2])


def _remove(annotation: Path) -> None:
    annotation.unlink()
    annotation.with_suffix(".csv").unlink()


def _append_garbage(annotation: Path) -> None:
    put(annotation, annotation.read_bytes() + b"TERM;12.0;seiz\n")


def _relabel(annotation: Path) -> None:
    put(annotation, annotation.read_text().replace("bckg", "spkz", 1))


def _move_past_the_end(annotation: Path) -> None:
    put(annotation, annotation.read_text() + "TERM,99990.0000,99999.0000,seiz,1.0000\n")


@pytest.mark.parametrize(
    ("break_it", "code", "mentioned"),
    [
        (_remove, "annotation-missing", "no annotation file"),
        (_append_garbage, "annotation-row", "TERM;12.0;seiz"),
        (_relabel, "label-unknown", "'spkz'"),
        (_move_past_the_end, "annotation-times", "beyond the end"),
    ],
)
def test_a_fault_of_one_annotation_stops_the_plan(
    break_it: Callable[[Path], None],
    code: str,
    mentioned: str,
    terminal: Terminal,
    plan: Callable[..., Said],
    corpus: Path,
    tmp_path: Path,
) -> None:
    """The error names the file, the audit reports the same fault as an error, and there is no run folder."""
    edf = recordings(corpus, "train", ictal=True)[0]
    break_it(edf.with_suffix(".csv_bi"))
    require_refusal(plan(corpus), mentioned, edf.stem)
    assert contents_of(tmp_path / "run") == {}
    audited = terminal("audit", corpus, "--json")
    assert audited.code == 2
    assert (code, "error") in {(f["code"], f["severity"]) for f in audited.document["findings"]}


def test_the_line_of_an_unreadable_annotation_is_named(plan: Callable[..., Said], corpus: Path) -> None:
    """`file:line`, so that an editor opens it there."""
    annotation = recordings(corpus, "train")[0].with_suffix(".csv_bi")
    lines = len(annotation.read_text().splitlines())
    _append_garbage(annotation)
    require_refusal(plan(corpus), f"{annotation}:{lines + 1}")


def test_an_unknown_label_can_be_given_a_meaning(plan: Callable[..., Said], corpus: Path) -> None:
    """What the error says to do works."""
    _relabel(recordings(corpus, "train", ictal=True)[0].with_suffix(".csv_bi"))
    assert plan(corpus, corpus__label_mapping='{spkz = "bckg"}').code == 0


def test_a_damaged_recording_among_good_ones_is_set_aside(
    terminal: Terminal, plan: Callable[..., Said], corpus: Path, tmp_path: Path
) -> None:
    """Exit code 1 and the list at the end of plan and prepare; the rest goes on to a trained detector."""
    edf = recordings(corpus, "train", ictal=False)[0]
    damage(edf)
    for said in (plan(corpus), terminal("prepare", tmp_path / "run")):
        assert said.code == 1
        assert f"set aside: {edf.relative_to(corpus).with_suffix('')} (edf-truncated)" in said.err
    planned = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert [entry["code"] for entry in planned["quarantined"]] == ["edf-truncated"]
    assert planned["splits"]["train"]["recordings"] == len(recordings(corpus, "train")) - 1
    assert terminal("audit", corpus).code == 1
    assert terminal("train", tmp_path / "run").code == 1


@pytest.mark.parametrize(("labels", "code"), [(LABELS[1:], "channel-missing"), (LABELS, "rate-too-low")])
def test_a_recording_that_cannot_be_used_is_set_aside_before_its_signal_is_read(
    labels: list[str], code: str, plan: Callable[..., Said], corpus: Path
) -> None:
    """A channel that is missing, or 4 samples a second: the reason is in the list."""
    edf = recordings(corpus, "train", ictal=False)[0]
    for path in (edf, edf.with_suffix(".csv_bi"), edf.with_suffix(".csv")):
        path.unlink()
    write_recording(edf, duration_s=60)
    edf.unlink()
    write_edf(edf, duration_s=60, labels=labels)
    said = plan(corpus)
    assert said.code == 1
    assert f"{edf.stem} ({code})" in said.err


def test_a_recording_shorter_than_a_sample_of_the_store_is_set_aside(plan: Callable[..., Said], corpus: Path) -> None:
    """Four samples at 1000 Hz are none at 64 Hz; it is not left to `ictal prepare` to find out."""
    edf = recordings(corpus, "train", ictal=False)[0]
    put(edf, edf_bytes([constant(label, records=1, samples=4) for label in LABELS], record_duration_s="0.004"))
    edf.with_suffix(".csv").unlink()
    edf.with_suffix(".csv_bi").unlink()
    tusz.write_bi(edf.with_suffix(".csv_bi"), bname=edf.stem, duration_s=0.004, events=[])
    said = plan(corpus)
    assert said.code == 1
    assert f"{edf.stem} (signal-empty)" in said.err


def test_a_corpus_of_which_nothing_can_be_used_is_refused(
    plan: Callable[..., Said], small: Path, tmp_path: Path
) -> None:
    """All recordings are too slow for the band: the first reason is in the error."""
    require_refusal(plan(small), "4 recordings set aside", "rate")
    assert contents_of(tmp_path / "run") == {}


@pytest.mark.parametrize("fault", ["cut", "channel", "absent", "no edf"])
def test_detect_refuses_a_recording_that_it_cannot_read(
    fault: str, terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """No TSV appears, so nobody takes a failure for silence."""
    good = recordings(finished_run.corpus, "eval")[0]
    edf = tmp_path / "one.edf"
    if fault == "cut":
        edf.write_bytes(good.read_bytes()[:-1000])
    elif fault == "channel":
        write_edf(edf, labels=LABELS[1:])
    elif fault == "no edf":
        edf.write_text("not an EDF")
    said = terminal("detect", edf, tmp_path / "out" / "one_events.tsv", "--run", finished_run.folder)
    expected = {"cut": "shorter than its header says", "channel": "lacks Fp1", "absent": "no such file"}
    require_refusal(said, edf, expected.get(fault, "no EDF"))
    assert contents_of(tmp_path / "out") == {}


def test_detect_leaves_an_older_result_alone(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """A refusal neither empties nor replaces the file that is there."""
    target = tmp_path / "one_events.tsv"
    target.write_text("older")
    require_refusal(terminal("detect", tmp_path / "absent.edf", target, "--run", finished_run.folder))
    assert contents_of(tmp_path) == {"one_events.tsv": b"older"}


def test_detect_needs_a_detector(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """A folder without one: the command that makes it is named; an uncalibrated one: the next step is."""
    edf = recordings(finished_run.corpus, "eval")[0]
    said = terminal("detect", edf, tmp_path / "out.tsv", "--run", tmp_path / "nothing")
    require_refusal(said, f"`ictal train {tmp_path / 'nothing'}`")
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    card = json.loads((run / "detector.json").read_text())
    (run / "detector.json").write_text(json.dumps({**card, "operating_point": None}))
    require_refusal(terminal("detect", edf, tmp_path / "out.tsv", "--run", run), f"`ictal evaluate {run}`")
    assert not (tmp_path / "out.tsv").exists()


def test_a_corpus_without_seizures_is_refused(
    terminal: Terminal, plan: Callable[..., Said], corpus: Path, tmp_path: Path
) -> None:
    """Plan and audit both say that the labels may be lost."""
    for annotation in [*corpus.rglob("*.csv_bi"), *corpus.rglob("*.csv")]:
        put(annotation, annotation.read_text().replace("seiz", "bckg").replace("fnsz", "bckg").replace("gnsz", "bckg"))
    require_refusal(plan(corpus), "holds no seizure", "annotations were not read")
    audited = terminal("audit", corpus, "--json")
    assert audited.code == 2
    assert "no-seizures" in {finding["code"] for finding in audited.document["findings"]}
    assert contents_of(tmp_path / "run") == {}


@pytest.mark.parametrize(
    ("settings", "mentioned"),
    [
        ({"batch__size": 4, "batch__seizure_windows": 5}, "5 seizure windows in a batch of 4"),
        ({"batch__size": 4, "batch__seizure_windows": 4}, "at least one background window"),
        ({"batch__size": 4000, "batch__seizure_windows": 2000}, "fewer seizure windows than one step draws"),
        ({"windows__stride_s": 11}, "gaps between windows"),
        ({"model__rhythms": 1}, "model.rhythms"),
        ({"model__samples_per_step": 12}, "whole number of the detector's rows"),
        ({"split__method": "stratified", "split__dev_share": 0.6, "split__eval_share": 0.4}, "leave one of them empty"),
        ({"split__minimum_seizures": 50}, "too few seizures"),
        ({"signals__band_hz": [0.5, 40]}, "signals.band_hz"),
        ({"signals__montage": "ring-5"}, "referential-19"),
        ({"corpus__exclude": '["nobody"]'}, "nobody"),
        ({"corpus__layout": "dicom"}, "corpus.layout"),
        ({"split__method": "kfold", "split__folds": 4_000_000_000}, "the number of patients"),
        ({"windows__margin_s": 1e300}, "windows.margin_s"),
        ({"batch__windows_per_seizure_max": 10**20}, "batch.windows_per_seizure_max"),
        ({"batch__shares": "{full = 1e300}"}, "batch.shares.full"),
        ({"train__steps": "2026-01-31"}, "train.steps"),
        ({"augment__line_noise_uv": 5, "augment__line_hz": 40}, "augment.line_hz"),
        ({"split__method": "all-train", "train__select": "auprc"}, "train.select"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(
    settings: dict[str, object], mentioned: str, plan: Callable[..., Said], synthetic_corpus: Path, tmp_path: Path
) -> None:
    """The error holds the counts or limits, and there is no run folder."""
    require_refusal(plan(synthetic_corpus, **settings), mentioned)
    assert contents_of(tmp_path / "run") == {}


def test_fewer_patients_than_parts_are_refused(plan: Callable[..., Said], corpus: Path, tmp_path: Path) -> None:
    """Two patients cannot be in three parts."""
    kept = [*recordings(corpus, "train", ictal=True)[:1], *recordings(corpus, "dev", ictal=True)[:1]]
    for split in ("train", "dev", "eval"):
        for edf in recordings(corpus, split):
            if edf not in kept:
                for path in edf.parent.glob(f"{edf.stem}.*"):
                    path.unlink()
    require_refusal(plan(corpus, split__method="stratified"), "2 patients", "at least 3")
    assert contents_of(tmp_path / "run") == {}


def test_a_missing_corpus_is_refused(terminal: Terminal, plan: Callable[..., Said], tmp_path: Path) -> None:
    """No path, a path that is not there, a folder without an EDF."""
    require_refusal(terminal("plan", tmp_path / "run"), "corpus.path", "ictal synth")
    require_refusal(plan(tmp_path / "nowhere"), tmp_path / "nowhere")
    require_refusal(terminal("audit", tmp_path / "nowhere"), tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    require_refusal(plan(tmp_path / "empty"), "no usable recording")
    assert contents_of(tmp_path) == {}


@pytest.mark.parametrize("verb", ["prepare", "train", "evaluate", "report"])
def test_a_step_without_a_plan_names_the_command(verb: str, terminal: Terminal, tmp_path: Path) -> None:
    """Nothing is planned in passing."""
    require_refusal(terminal(verb, tmp_path / "run"), f"`ictal plan {tmp_path / 'run'}`")
    assert not (tmp_path / "run").exists()


def test_training_without_a_store_names_the_command_and_builds_nothing(
    terminal: Terminal, plan: Callable[..., Said], synthetic_corpus: Path, tmp_path: Path
) -> None:
    """No signal is prepared on the fly, and the run folder is as the plan left it."""
    plan(synthetic_corpus)
    before = contents_of(tmp_path / "run")
    require_refusal(terminal("train", tmp_path / "run"), f"`ictal prepare {tmp_path / 'run'}`")
    assert contents_of(tmp_path / "run") == before
    assert not list((tmp_path / "store").glob("*.npy"))


def test_evaluating_without_a_detector_names_the_command(
    terminal: Terminal, plan: Callable[..., Said], synthetic_corpus: Path, tmp_path: Path
) -> None:
    """Evaluation does not train."""
    plan(synthetic_corpus)
    require_refusal(terminal("evaluate", tmp_path / "run"), f"`ictal train {tmp_path / 'run'}`")


@pytest.mark.parametrize("verb", ["prepare", "train", "evaluate", "report"])
def test_a_corpus_that_changed_after_the_plan_stops_every_step(
    verb: str, terminal: Terminal, finished_run: FinishedRun, corpus: Path, tmp_path: Path
) -> None:
    """A seizure that was moved by a tenth of a second is noticed before anything is written."""
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace(str(finished_run.corpus), str(corpus)))
    annotation = recordings(corpus, "train", ictal=True)[0].with_suffix(".csv_bi")
    onset = next(row.split(",")[1] for row in annotation.read_text().splitlines() if ",seiz," in row)
    put(annotation, annotation.read_text().replace(onset, f"{float(onset) + 0.1:.4f}"))
    before = contents_of(run)
    said = terminal(verb, run)
    require_refusal(said, "not the one that was shown", f"`ictal plan {run}`")
    assert contents_of(run) == before


def test_a_run_without_a_setting_is_told_what_to_say(
    terminal: Terminal, plan: Callable[..., Said], synthetic_corpus: Path, tmp_path: Path
) -> None:
    """No default of today is put in silently; the words of the remedy, given as they stand, are enough."""
    plan(synthetic_corpus)
    run = tmp_path / "run"
    whole = (run / "config.toml").read_text()
    cut = "".join(row for row in whole.splitlines(True) if not row.startswith(("select =", "backend =", "exclude =")))
    (run / "config.toml").write_text(cut)
    said = terminal("plan", run)
    remedy = "--corpus.exclude '[]' --train.select last --machine.backend auto"
    require_refusal(said, "corpus.exclude, train.select, machine.backend", remedy)
    assert terminal("plan", run, *shlex.split(remedy)).code == 0
    assert (run / "config.toml").read_text() == whole


def test_another_signal_under_the_same_name_is_not_taken_for_the_prepared_one(
    terminal: Terminal, finished_run: FinishedRun, corpus: Path, tmp_path: Path
) -> None:
    """The store goes by content: an EDF of equal length but other samples is simply not prepared yet."""
    edf = recordings(corpus, "train", ictal=False)[0]
    content = bytearray(edf.read_bytes())
    content[-1] ^= 1
    put(edf, bytes(content))
    run = tmp_path / "run"
    terminal("plan", run, "--corpus.path", corpus, "--machine.store", finished_run.store, *words())
    require_refusal(terminal("train", run), edf.stem, f"`ictal prepare {run}`")


def _hypotheses(finished_run: FinishedRun, tmp_path: Path) -> tuple[Path, Path]:
    """Reference and a copy of the detections that a test may damage."""
    copy = shutil.copytree(finished_run.folder / "detections" / "eval" / "edf" / "eval", tmp_path / "hypothesis")
    return finished_run.corpus / "edf" / "eval", copy


def test_a_missing_hypothesis_is_an_error_and_silence_only_when_asked(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """With --missing-as-silence it counts as having found nothing, is listed, and the exit code says so."""
    reference, hypothesis = _hypotheses(finished_run, tmp_path)
    first = min(hypothesis.rglob("*.tsv"))
    first.unlink()
    require_refusal(terminal("score", reference, hypothesis, "--json"), "hypothesis is missing", "--missing-as-silence")
    said = terminal("score", reference, hypothesis, "--missing-as-silence", "--json")
    name = first.relative_to(hypothesis).as_posix().removesuffix("_events.tsv")
    assert said.code == 1
    assert said.document["missing_as_silence"] == [name]
    silent = said.document["scorers"]["szcore_event"]["per_recording"][name]
    assert silent["true_positives"] == silent["false_positives"] == 0


def test_a_hypothesis_without_reference_is_refused(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """A name that does not fit is never dropped in silence."""
    reference, hypothesis = _hypotheses(finished_run, tmp_path)
    bids.write(hypothesis / "stranger_events.tsv", events=[], duration_s=60, start=None)
    require_refusal(terminal("score", reference, hypothesis), "stranger_events.tsv", "belongs to no reference")


def test_a_hypothesis_of_another_length_is_refused(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """Its file is named, with both lengths."""
    reference, hypothesis = _hypotheses(finished_run, tmp_path)
    first = min(hypothesis.rglob("*.tsv"))
    bids.write(first, events=[Event(onset_s=1, stop_s=9, label="sz")], duration_s=50, start=None)
    require_refusal(terminal("score", reference, hypothesis), first, "50.0 s")


def test_an_unreadable_hypothesis_is_refused(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """Times that are no numbers, named with their line."""
    reference, hypothesis = _hypotheses(finished_run, tmp_path)
    first = min(hypothesis.rglob("*.tsv"))
    first.write_text("onset\tduration\teventType\nsoon\t5\tsz\n")
    require_refusal(terminal("score", reference, hypothesis), f"{first}:2")


def test_folders_that_hold_nothing_to_score_are_refused(terminal: Terminal, tmp_path: Path) -> None:
    """Nothing against nothing is no perfect score."""
    (tmp_path / "a").mkdir()
    require_refusal(terminal("score", tmp_path / "a", tmp_path / "a"), "holds no annotations")
    require_refusal(terminal("score", tmp_path / "a", tmp_path / "b"), tmp_path / "a")


def test_an_unreadable_configuration_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    """Broken TOML, a file that is not there, a section that is none."""
    (tmp_path / "broken.toml").write_text("[train\n")
    (tmp_path / "flat.toml").write_text("train = 5\n")
    for name in ("broken.toml", "flat.toml", "absent.toml"):
        require_refusal(terminal("plan", tmp_path / "run", "--config", tmp_path / name), tmp_path / name)
    assert not (tmp_path / "run").exists()


def test_a_taken_place_for_a_synthetic_corpus_is_refused(terminal: Terminal, small: Path) -> None:
    """Nothing is overwritten."""
    before = contents_of(small)
    require_refusal(terminal("synth", small), small)
    require_refusal(terminal("synth", small / "new", "--patients", 2))
    assert contents_of(small) == before


def test_a_recording_in_two_parts_is_refused(plan: Callable[..., Said], small: Path, tmp_path: Path) -> None:
    """An official split that shares a patient is refused, whoever made it."""
    write_recording(tusz_path(small, "eval", "aaaaaaaa", 3), [(1, 9)])
    said = plan(small, signals__rate_hz=4, signals__band_hz=[0.5, 1.8], windows__length_s=10, model__samples_per_step=4)
    require_refusal(said, "aaaaaaaa in train and in eval")
    assert contents_of(tmp_path / "run") == {}


def test_words_that_are_no_command_are_refused(terminal: Terminal) -> None:
    """The usage goes to stderr."""
    for typed in (["bogus"], ["plan"], ["score", "a"], ["synth", "x", "--hours", "long"]):
        said = terminal(*typed)
        assert said.code == 2
        assert said.out == ""
        assert said.err
