"""The model that comes with the program: it works at once, on both kinds of recording, and says what it is not."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import ictal
from ictal.models.detector import parameter_count
from ictal.recipes import config as configs
from ictal.recipes import detector as detectors
from ictal.recipes.export import MODEL_CARD
from ictal.recordings import edf, montages
from ictal.recordings.annotations import bids
from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus
from ictal.report import card
from ictal.scoring.eventlists import event_lists
from ictal.scoring.szcore import count_events_by_recording
from tests.end_to_end.commands import Terminal, put, recordings

TINY = detectors.SHIPPED / "tiny"
SETTINGS = Path("examples/pretrained/tiny.toml")
UNSEEN = SynthConfig(patients=3, hours=0.5, seed=4242, seizure_share=0.08)


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three synthetic patients of a seed that nothing else uses."""
    out = tmp_path_factory.mktemp("unseen") / "corpus"
    write_corpus(out, UNSEEN, workers=1)
    return out


def test_it_finds_the_seizures_of_synthetic_patients_that_nobody_saw(
    terminal: Terminal, unseen: Path, tmp_path: Path
) -> None:
    """Without a model being named. Most of them: on this corpus it is good."""
    said = terminal("detect", unseen / "edf", tmp_path / "out", "--json")
    assert said.code == 0, said.err
    truth = json.loads((unseen / "truth.json").read_text())["recordings"]
    reference = [[(one["onset_s"], one["stop_s"]) for one in recording["seizures"]] for recording in truth]
    names = [recording["id"].removeprefix("edf/") for recording in truth]
    found = [bids.read(tmp_path / "out" / f"{name}_events.tsv") for name in names]
    detected = [[(e.onset_s, e.stop_s) for e in one.events if e.label == "sz"] for one in found]
    durations_s = [recording["duration_s"] for recording in truth]
    counts = count_events_by_recording(
        event_lists(reference, durations_s, names), event_lists(detected, durations_s, names)
    ).rows()
    found_seizures, seizures = sum(c.true_positives for c in counts), sum(c.reference for c in counts)
    assert seizures >= 3
    assert found_seizures >= 0.6 * seizures
    assert sum(c.false_positives for c in counts) <= 3


def test_its_limits_are_said_on_every_use(terminal: Terminal, unseen: Path, tmp_path: Path) -> None:
    """One line on stderr, with what little it has learnt from; the card says it too, and whose clips they were."""
    said = terminal("detect", recordings(unseen, "train")[0], tmp_path / "x.tsv")
    lines = [line for line in said.err.splitlines() if line.startswith("Model tiny: ")]
    assert len(lines) == 1
    assert "It has learnt from synthetic EEG and 3 short clips of real EEG alone" in lines[0]
    page = (TINY / MODEL_CARD).read_text()
    assert lines[0].removeprefix("Model tiny: ") in page
    assert "Not for clinical use" in page
    assert "CHB-MIT Scalp EEG Database" in page
    assert "Open Data Commons Attribution" in page


def test_bipolar_and_referential_recordings_give_the_same(unseen: Path) -> None:
    """Channels recorded as the montage has them, or electrodes that they are made from."""
    path = recordings(unseen, "train", ictal=True)[0]
    header = edf.read_header(path)
    derivation = montages.derive(montages.named("double-banana-18"), header)
    bipolar_uv = derivation.matrix @ edf.read_uv(header, derivation.labels)
    detector = ictal.load()
    as_electrodes = detector.detect(path)
    as_pairs = detector.detect(bipolar_uv, rate_hz=derivation.rate_hz, channels=derivation.channels)
    np.testing.assert_allclose(as_pairs.probability, as_electrodes.probability, atol=5e-3)


def test_real_bipolar_recordings_are_read(terminal: Terminal, shared_data: Path, tmp_path: Path) -> None:
    """Each of the clips gets its file; what is in it is not judged: the model is not made for that."""
    clips = sorted((shared_data / "chbmit_clips").glob("*.edf"))
    said = terminal("detect", clips[0].parent, tmp_path, "--json")
    assert (said.code, said.document["recordings"], said.document["quarantined"]) == (0, len(clips), [])
    for clip in clips:
        written = bids.read(tmp_path / f"{clip.stem}_events.tsv")
        assert written.duration_s == edf.read_header(clip).duration_s


def test_it_is_what_its_settings_make() -> None:
    """Settings that decide the weights are those of the file that it is made with."""
    detector = detectors.load(TINY)
    assert detectors.trained_alike(detector.config, configs.load(SETTINGS))
    assert detector.config.evaluate.false_alarms_per_24h == configs.load(SETTINGS).evaluate.false_alarms_per_24h
    assert asdict(detector.config.corpus) == asdict(configs.Config().corpus)


FAKE = """#!/bin/sh
echo "$@" >> "$LOG"
case $1 in
synth) mkdir -p "$2/edf/train/a" "$2/edf/dev/b" "$2/edf/eval/c" ;;
evaluate) exit 1 ;;
export) mkdir "$3" && touch "$3/README.md" ;;
esac
"""


def test_clips_are_learnt_from_and_named(tmp_path: Path) -> None:
    """`make.sh` puts the contiguous ones into the training part, and wants to know whose they are."""
    program, clips = tmp_path / "bin" / "ictal", tmp_path / "clips"
    for folder in (program.parent, clips):
        folder.mkdir()
    put(program, FAKE)
    program.chmod(0o755)
    for name in ("chb01_03_clip", "chb02_16_spliced20s"):
        put(clips / f"{name}.edf", b"")
        put(clips / f"{name}.csv_bi", b"")
    work = tmp_path / "work"
    words = ["sh", "examples/pretrained/make.sh", str(work), str(tmp_path / "out"), str(clips)]
    environment = {"PATH": f"{program.parent}:{os.defpath}", "LOG": str(tmp_path / "log")}
    assert subprocess.run(words, env=environment, capture_output=True, check=False).returncode == 2
    assert not work.exists()
    subprocess.run([*words, "Clips of A. Person"], env=environment, check=True)
    parts = {part: sorted(path.name for path in (work / "corpus-with-clips" / "edf" / part).rglob("*"))
             for part in ("train", "dev", "eval")}  # fmt: skip
    assert parts["train"] == ["a", "c", "chb01", "chb01_03_clip.csv_bi", "chb01_03_clip.edf", "s001"]
    assert (parts["dev"], parts["eval"]) == (["b"], ["a", "b", "c"])
    exported = (tmp_path / "log").read_text().splitlines()[-1]
    assert "It has learnt from synthetic EEG and 1 short clips of real EEG alone" in exported
    assert exported.endswith("--attribution Clips of A. Person")


def test_its_card_was_written_from_what_it_says_of_itself() -> None:
    """No number in it was changed by hand; it was scored on patients of another corpus, once."""
    provenance = json.loads((TINY / "provenance.json").read_text())
    held = {
        **json.loads((TINY / "detector.json").read_text()),
        "parameters": parameter_count(detectors.load(TINY).model),
    }
    assert (TINY / MODEL_CARD).read_text() == card.render("tiny", held, provenance)
    evaluation = provenance["evaluation"]
    assert (evaluation["part"], evaluation["unseen_patients"], evaluation["eval_openings"]) == ("eval", True, 1)
    assert evaluation["scorers"]["szcore_event"]["patients"] == 60


def test_it_is_small() -> None:
    """Less than 5 MB, as it travels in the wheel."""
    assert sum(path.stat().st_size for path in TINY.iterdir()) < 5_000_000


def test_a_folder_of_that_name_needs_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tiny` is the shipped model wherever one stands; `./tiny` and `x/tiny` are folders."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    assert detectors.folder_of("tiny") == TINY
    assert detectors.folder_of("./tiny").resolve() == tmp_path / "tiny"
    assert detectors.folder_of(str(tmp_path / "tiny")) == tmp_path / "tiny"
    assert detectors.folder_of("mine") == Path("mine")
