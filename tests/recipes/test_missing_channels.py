"""Channels that are missing or dead, from the command line to the store: refused, repaired or kept, and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ictal.recipes import detector as detectors
from ictal.recipes import plan as planning
from ictal.recipes.detect import InMemory
from ictal.recipes.run import open_planned
from ictal.recipes.train import training_windows
from ictal.recordings import edf
from ictal.recordings.montages import named, valid
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.source import prepared
from ictal.signals.store import SignalStore
from tests.end_to_end.commands import Terminal, finish, linked, put, recordings, words
from tests.reference.edf_bytes import Channel, edf_bytes
from tests.reference.small_corpus import LABELS


@pytest.fixture
def corpus(synthetic_corpus: Path, tmp_path: Path) -> Path:
    """The synthetic corpus; one training recording has no Fz and no Pz."""
    corpus = linked(synthetic_corpus, tmp_path / "corpus")
    path = recordings(corpus, "train", ictal=False)[0]
    raw = path.read_bytes()
    for number, name in enumerate((b"FZ", b"PZ")):
        assert raw.count(b"EEG %b-" % name) == 1
        raw = raw.replace(b"EEG %b-" % name, b"EEG X%d-" % number)
    put(path, raw)
    return corpus


def plan_and_prepare(terminal: Terminal, corpus: Path, tmp_path: Path, policy: str) -> tuple[list[int], str]:
    places = ["--corpus.path", corpus, "--machine.store", tmp_path / "store"]
    said = [terminal("plan", tmp_path / policy, *places, *words(signals__missing=policy))]
    said.append(terminal("prepare", tmp_path / policy))
    return [one.code for one in said], said[1].out


def test_by_default_the_recording_is_set_aside(terminal: Terminal, corpus: Path, tmp_path: Path) -> None:
    """With its reason, in both steps."""
    codes, out = plan_and_prepare(terminal, corpus, tmp_path, "error")
    assert codes == [1, 1]
    assert "11 recordings in the store" in out
    assert "signals.missing" not in out


@pytest.mark.parametrize(
    ("policy", "told", "odd"),
    [
        ("interpolate", "1 with interpolated electrodes, 0 with masked channels", "interpolated"),
        ("mask", "0 with interpolated electrodes, 1 with masked channels", "absent"),
    ],
)
def test_a_policy_keeps_the_recording_and_says_what_it_did(
    terminal: Terminal, corpus: Path, tmp_path: Path, policy: str, told: str, odd: str
) -> None:
    """Twelve recordings; which channels of which one were not measured is in the store."""
    codes, out = plan_and_prepare(terminal, corpus, tmp_path, policy)
    assert codes == [0, 0]
    assert told in out
    store = SignalStore(tmp_path / "store")
    repaired = [one for one in map(store.open, store.every_key()) if set(one.validity) != {"measured"}]
    assert len(repaired) == 1
    validity = dict(zip(repaired[0].channels, repaired[0].validity, strict=True))
    assert {channel for channel, state in validity.items() if state == odd} == {"Fz", "Pz"}
    assert repaired[0].read(0, 640)[repaired[0].channels.index("Fz")].any() == (policy == "interpolate")


def test_a_run_with_masked_channels_goes_from_plan_to_detection(
    terminal: Terminal, corpus: Path, tmp_path: Path
) -> None:
    """Batches say which windows lack what; nothing that could stand in those channels changes an answer."""
    run = finish(terminal, tmp_path / "run", corpus, tmp_path / "store", signals__missing="mask")
    planned = planning.load(open_planned(run.folder, ()))
    dataset = training_windows(open_planned(run.folder, ()), planned)
    lacking = [n for n, stored in enumerate(dataset.stored) if "absent" in stored.validity]
    assert len(lacking) == 1
    mine = dataset.index.offsets[lacking[0]]
    batch = dataset.__getitems__([int(mine), int(dataset.index.offsets[(lacking[0] + 1) % len(dataset.stored)])])
    states = dict(zip(named("referential-19").channels, batch.valid_channels[0].tolist(), strict=True))
    assert {channel for channel, valid in states.items() if not valid} == {"Fz", "Pz"}
    assert bool(batch.valid_channels[1].all())

    detector = detectors.load(run.folder)
    ready = prepared(edf.read_header(recordings(corpus, "train", ictal=False)[0]), detector.config.signals)
    there = valid(ready.derivation.validity)
    answers = []
    for content in (0.0, 1e6, np.nan):
        signal_uv = ready.signal.to_uv()
        signal_uv[~there] = content
        answers.append(detector.traces(InMemory(signal_uv=signal_uv, valid_channels=there)).logits)
    assert np.isfinite(answers[0]).all()
    np.testing.assert_array_equal(answers[1], answers[0])
    np.testing.assert_array_equal(answers[2], answers[0])
    everything = InMemory(signal_uv=ready.signal.to_uv(), valid_channels=np.ones_like(there))
    assert not np.allclose(detector.traces(everything).logits, answers[0], atol=1e-3)


@pytest.mark.parametrize("scale", ["fixed", "running"])
@pytest.mark.parametrize("phase", ["causal", "zero"])
def test_a_masked_channel_stays_zero_through_all_preprocessing(tmp_path: Path, scale: str, phase: str) -> None:
    """Listening for the mains and scaling by a channel's own median meet a channel of nothing."""
    rng = np.random.default_rng(0)
    kept = [label for label in LABELS if "FZ" not in label]
    channels = [Channel(label=label, samples=rng.integers(-500, 500, (70, 256)).tolist()) for label in kept]
    (tmp_path / "x.edf").write_bytes(edf_bytes(channels))
    config = PreprocessConfig(missing="mask", notch_hz="auto", scale=scale, phase=phase)  # type: ignore[arg-type]
    made = prepared(edf.read_header(tmp_path / "x.edf"), config)
    silent = [not row.any() for row in made.signal.values]
    assert silent == [validity == "absent" for validity in made.derivation.validity]
    assert sum(silent) == 1


def test_a_channel_that_never_changes_is_named_by_prepare(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """An electrode that was never connected: its recording is used, and everybody is told."""
    corpus = linked(synthetic_corpus, tmp_path / "corpus")
    path = recordings(corpus, "train", ictal=True)[0]
    header = edf.read_header(path)
    (dead,) = (signal for signal in header.signals if signal.label.startswith("EEG T3-"))
    raw = bytearray(path.read_bytes())
    for record in range(header.record_count):
        first = header.header_bytes + record * header.record_bytes + 2 * dead.first_sample
        raw[first : first + 2 * dead.samples_per_record] = b"\x07\x00" * dead.samples_per_record
    put(path, bytes(raw))
    run, store = tmp_path / "run", tmp_path / "store"
    terminal("plan", run, "--corpus.path", corpus, "--machine.store", store, *words())
    said = terminal("prepare", run)
    assert said.code == 0
    assert f"never changes: {path.relative_to(corpus).with_suffix('')}: T3" in said.err
    entries = [SignalStore(store).open(key).entry for key in SignalStore(store).every_key()]
    assert sorted(entry.flat for entry in entries) == [()] * 11 + [("T3",)]
