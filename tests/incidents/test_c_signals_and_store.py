"""Register C: signals that were lost, invented, or made anew for nothing."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.audit import audit
from ictal.recordings.montages import MONTAGES, MissingPolicy, derive
from ictal.signals import manifest
from ictal.signals.preprocess import PreprocessConfig, Preprocessor, preprocess, quantised
from ictal.signals.source import prepared
from ictal.signals.store import SignalStore, StoredRecording
from tests.end_to_end.commands import FinishedRun, Terminal, contents_of, linked, put, recordings, words
from tests.reference.edf_bytes import Channel, constant, edf_bytes
from tests.reference.small_corpus import LABELS, write_edf, write_recording
from tests.training.small import silent, trainer

CONFIG = PreprocessConfig(rate_hz=256)
PAIRS = (
    *("FP1-F7", "F7-T7", "T7-P7", "P7-O1", "FP1-F3", "F3-C3", "C3-P3", "P3-O1"),
    *("FP2-F4", "F4-C4", "C4-P4", "P4-O2", "FP2-F8", "F8-T8", "T8-P8", "P8-O2", "FZ-CZ", "CZ-PZ"),
)


@pytest.fixture(scope="module")
def stored(synthetic_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredRecording:
    """One recording of the synthetic corpus, stored at 256 Hz."""
    store = SignalStore(tmp_path_factory.mktemp("store"))
    header = edf.read_header(recordings(synthetic_corpus, "eval")[0])
    return store.open(store.build(header, CONFIG)[0].key)


def test_c1_a_recording_is_stored_once_and_a_window_is_one_read_of_it(stored: StoredRecording) -> None:
    """Overlapping windows stored apart took 3.7 s to read and 366 MB an hour; here about 1 ms and 35 MB."""
    hours = stored.samples / stored.rate_hz / 3600
    assert Path(stored.file.address).stat().st_size / hours < 40e6
    first, second = stored.read(0, 60 * 256), stored.read(10 * 256, 60 * 256)
    np.testing.assert_array_equal(first[:, 10 * 256 :], second[:, : 50 * 256])
    best_s = min(_seconds(lambda: stored.read(7 * 256, 60 * 256)) for _ in range(20))
    assert best_s < 0.02


def _seconds(call) -> float:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def test_c2_labels_are_no_part_of_what_is_stored(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """Five rebuilds of 250 GB followed label changes; a moved seizure, folder or window builds nothing here."""
    corpus = linked(finished_run.corpus, tmp_path / "renamed")
    annotation = recordings(corpus, "train", ictal=True)[0].with_suffix(".csv_bi")
    onset = next(row.split(",")[1] for row in annotation.read_text().splitlines() if ",seiz," in row)
    put(annotation, annotation.read_text().replace(onset, f"{float(onset) + 1:.4f}"))
    places = ["--corpus.path", corpus, "--machine.store", finished_run.store]
    terminal("plan", tmp_path / "run", *places, *words(windows__length_s=20))
    said = terminal("prepare", tmp_path / "run")
    assert said.code == 0
    assert "0 of them made now" in said.out


def test_c3_training_never_builds(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """Windows built on the fly took 27 to 48 s a batch; here the missing store is an error that names the command."""
    run, store = tmp_path / "run", tmp_path / "store"
    terminal("plan", run, "--corpus.path", finished_run.corpus, "--machine.store", store, *words())
    said = terminal("train", run)
    assert said.code == 2
    assert f"`ictal prepare {run}`" in said.err
    assert not list(store.glob("*.npy"))


def test_c4_planning_and_training_anew_delete_nothing(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """A documented clean-then-train deleted the cache."""
    before = _kept(finished_run.store)
    places = ["--corpus.path", finished_run.corpus, "--machine.store", finished_run.store]
    run = tmp_path / "run"
    for settings in ({}, {"train__steps": 1, "windows__length_s": 5}):
        (run / "checkpoint.pt").unlink(missing_ok=True)
        for command in (("plan", run, *places, *words(**settings)), ("prepare", run), ("train", run)):
            said = terminal(*command)
            assert said.code in {0, 1}, said.err
    assert before <= _kept(finished_run.store)


def _kept(store: Path) -> set[tuple[str, int, int]]:
    """Each signal as the file that it is: one that is deleted and built again is another."""
    found = ((path.name, path.stat()) for path in store.glob("*.npy"))
    return {(name, state.st_ino, state.st_mtime_ns) for name, state in found}


def test_c5_a_half_written_file_is_never_taken_for_a_recording(synthetic_corpus: Path, tmp_path: Path) -> None:
    """What a crash leaves has another name; a signal file cut short or with a flipped bit is an error."""
    store = SignalStore(tmp_path)
    header = edf.read_header(recordings(synthetic_corpus, "dev")[0])
    entry, built = store.build(header, CONFIG)
    assert built
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".") or path.suffix == ".tmp"]
    signal = tmp_path / f"{entry.key}.npy"
    whole = bytearray(signal.read_bytes())
    whole[-100] ^= 1
    signal.write_bytes(bytes(whole))
    for damaged, check in ((bytes(whole), store.verify), (bytes(whole[:-1]), store.open)):
        signal.write_bytes(damaged)
        with pytest.raises(InputError) as stop:
            check(entry.key)
        assert stop.value.code == "store-damaged"
    (tmp_path / f"{entry.key}.json").unlink()
    with pytest.raises(InputError, match="not in the signal store"):
        store.open(entry.key)


def test_c6_one_bad_edf_is_set_aside_and_the_others_are_built(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """It aborted the whole build; here the ledger names it, the rest is there, and the exit code says so."""
    corpus = linked(synthetic_corpus, tmp_path / "corpus")
    bad = recordings(corpus, "train", ictal=False)[0]
    put(bad, bad.read_bytes()[:5000])
    run = tmp_path / "run"
    assert terminal("plan", run, "--corpus.path", corpus, "--machine.store", tmp_path / "store", *words()).code == 1
    said = terminal("prepare", run)
    assert said.code == 1
    assert bad.stem in said.err
    assert "11 recordings in the store, 11 of them made now" in said.out


@pytest.mark.parametrize("name", ["referential-19", "average-19", "double-banana-18"])
def test_c7_missing_electrodes_are_refused_by_name(tmp_path: Path, name: str) -> None:
    """Fz and Pz were "interpolated" to zeros wherever an EKG was present."""
    kept = [label for label in LABELS if label not in {"EEG FZ-REF", "EEG PZ-REF"}]
    write_edf(tmp_path / "a.edf", labels=[*kept, "EKG1"])
    with pytest.raises(InputError, match=r"lacks .*Fz.* for montage") as stop:
        derive(MONTAGES[name], edf.read_header(tmp_path / "a.edf"))
    assert stop.value.code == "channel-missing"
    assert "Pz" in stop.value.what


def _recording(path: Path, kept: list[str], *, ekg_uv: int = 0) -> edf.Header:
    """Two minutes at 256 Hz; every electrode has its own noise, and an EKG may be as loud as it likes."""
    rng = np.random.default_rng(len(kept))
    channels = [Channel(label=label, samples=rng.integers(-500, 500, (120, 256)).tolist()) for label in kept]
    channels.append(constant("EEG EKG1-REF", records=120, samples=256, value=ekg_uv))
    path.write_bytes(edf_bytes(channels))
    return edf.read_header(path)


def test_c7_interpolation_is_of_the_scalp_alone_and_is_told(tmp_path: Path) -> None:
    """An EKG in the file changes no number; what was not measured is told beside the signal, and in the manifest."""
    kept = [label for label in LABELS if label not in {"EEG FZ-REF", "EEG PZ-REF"}]
    store = SignalStore(tmp_path / "store")
    config = replace(CONFIG, missing="interpolate")
    signals = []
    for name, ekg_uv in (("a", 0), ("b", 30000)):
        entry, _ = store.build(_recording(tmp_path / f"{name}.edf", kept, ekg_uv=ekg_uv), config)
        signals.append(store.open(entry.key))
    quiet, loud = signals
    np.testing.assert_array_equal(quiet.read(0, quiet.samples), loud.read(0, loud.samples))
    told = dict(zip(quiet.channels, quiet.validity, strict=True))
    assert {channel for channel, validity in told.items() if validity != "measured"} == {"Fz", "Pz"}
    assert quiet.entry.interpolated == ("Fz", "Pz")
    for electrode in ("Fz", "Pz"):
        assert quiet.read(0, quiet.samples)[quiet.channels.index(electrode)].std() > 100
    row = manifest.table(store).to_pylist()[0]
    assert (row["validity"], row["interpolated"], row["reference"]) == (list(quiet.validity), ["Fz", "Pz"], "REF")


def test_c7_the_policy_is_part_of_what_is_stored(tmp_path: Path) -> None:
    """A recording that was refused, repaired or masked has another key each: one is never taken for the other."""
    configs = [replace(CONFIG, missing=policy) for policy in ("error", "interpolate", "mask")]
    assert len({SignalStore(tmp_path).key("fingerprint", config) for config in configs}) == 3


def test_c7_a_constant_channel_is_flagged(tmp_path: Path) -> None:
    """An electrode that was never connected is a finding of `audit --deep`; a silent EKG is none."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    dead = [LABELS[3], "EEG EKG1-REF"]
    noise = np.random.default_rng(0).integers(-500, 500, (60, 4))
    channels = [constant(name, records=60) if name in dead else Channel(label=name, samples=noise.tolist())
                for name in (*LABELS, dead[1])]  # fmt: skip
    (tmp_path / "x_1.edf").write_bytes(edf_bytes(channels))
    assert audit(tmp_path).findings == ()
    (finding,) = audit(tmp_path, deep=True).findings
    assert finding.code == "signal-flat"
    assert finding.message.endswith(f": {dead[0]}")


@pytest.mark.parametrize("policy", ["interpolate", "mask"])
def test_c8_the_average_is_of_valid_channels_only(tmp_path: Path, policy: MissingPolicy) -> None:
    """Two zeros among 19 would leave 2/19 of what all electrodes share; the mean is of the 17 that were measured."""
    kept = LABELS[2:]
    common = np.random.default_rng(1).integers(-500, 500, (120, 256)).tolist()
    (tmp_path / "a.edf").write_bytes(edf_bytes([Channel(label=label, samples=common) for label in kept]))
    config = replace(CONFIG, montage="average-19", missing=policy)
    made = prepared(edf.read_header(tmp_path / "a.edf"), config)
    measured = [channel for channel, v in zip(made.derivation.channels, made.derivation.validity, strict=True)
                if v == "measured"]  # fmt: skip
    assert len(measured) == 17
    assert np.abs(made.signal.values).max() <= 1


def test_c8_the_average_is_over_electrodes_that_exist(tmp_path: Path) -> None:
    """Zeros for missing electrodes entered the average; here it is the mean of the 19, or a refusal."""
    samples = {label: (n + 1) * 10 for n, label in enumerate(LABELS)}
    channels = [constant(label, value=value) for label, value in samples.items()]
    (tmp_path / "a.edf").write_bytes(edf_bytes(channels))
    header = edf.read_header(tmp_path / "a.edf")
    derivation = derive(MONTAGES["average-19"], header)
    averaged = derivation.matrix @ edf.read_uv(header, derivation.labels)
    assert averaged.sum(axis=0) == pytest.approx(0, abs=1e-3)
    write_edf(tmp_path / "b.edf", labels=LABELS[1:])
    with pytest.raises(InputError):
        derive(MONTAGES["average-19"], edf.read_header(tmp_path / "b.edf"))


def test_c9_a_bipolar_recording_is_converted_or_refused_and_never_empty(tmp_path: Path) -> None:
    """Seven of seventeen public detectors give nothing on CHB-MIT and score 0."""
    write_edf(tmp_path / "a.edf", labels=[*PAIRS, "T8-P8"])
    header = edf.read_header(tmp_path / "a.edf")
    assert len(derive(MONTAGES["double-banana-18"], header).channels) == 18
    with pytest.raises(InputError) as stop:
        derive(MONTAGES["referential-19"], header)
    assert "double-banana-18" in stop.value.remedy


@pytest.mark.parametrize("date", ["01:01:85", "01.01.85", "yesterdy"])
def test_c10_an_odd_start_date_costs_a_note_and_not_the_recording(tmp_path: Path, date: str) -> None:
    """One TUSZ eval file crashes strict readers."""
    path = tmp_path / "a.edf"
    path.write_bytes(edf_bytes([constant(label) for label in LABELS], date=date))
    header = edf.read_header(path)
    assert header.duration_s == 2.0
    assert bool(header.notes) == (date != "01.01.85")


def test_c11_amplitudes_are_limited_and_counted_and_the_future_changes_nothing() -> None:
    """Inputs of over 100 sigma, and a z-score over the whole file; here a limit in µV, and the same past always."""
    rng = np.random.default_rng(0)
    signal_uv = rng.normal(scale=50, size=(2, 20 * 256)).astype(np.float32)
    signal_uv[1, 5000:5010] = 1e5
    stored = quantised(signal_uv, 256, CONFIG)
    assert np.abs(stored.to_uv()).max() <= CONFIG.clip_uv * (1 + 1e-6)
    assert stored.clipped[0] == 0
    assert stored.clipped[1] > 0
    later = signal_uv.copy()
    later[:, 10 * 256 :] = 0
    past = slice(0, 10 * 256)
    np.testing.assert_array_equal(preprocess(later, 256, CONFIG)[:, past], preprocess(signal_uv, 256, CONFIG)[:, past])


def test_c11_a_channel_is_scaled_by_its_median_and_a_stream_gets_what_the_file_got() -> None:
    """Ten samples of 100 mV move a standard deviation, not a median; and whole or in chunks, the numbers are equal."""
    config = replace(CONFIG, scale="running")
    rng = np.random.default_rng(0)
    signal_uv = rng.normal(scale=[[5.0], [500.0]], size=(2, 130 * 256)).astype(np.float32)
    spiked = signal_uv.copy()
    spiked[:, 70 * 256 : 70 * 256 + 10] = 1e5
    whole, after = preprocess(spiked, 256, config), slice(90 * 256, None)
    amplitude_uv = np.median(np.abs(whole[:, after]), axis=1)
    np.testing.assert_allclose(amplitude_uv, 10, rtol=0.1)  # of either channel, a hundred times apart as recorded
    np.testing.assert_allclose(
        amplitude_uv, np.median(np.abs(preprocess(signal_uv, 256, config)[:, after]), axis=1), rtol=0.02
    )
    stream = Preprocessor(2, 256, config)
    cuts = [0, 1, 999, 20_000, spiked.shape[1]]
    chunks = [stream.feed(spiked[:, a:b], last=b == cuts[-1]).to_uv() for a, b in pairwise(cuts)]
    np.testing.assert_allclose(np.concatenate(chunks, axis=1), whole, atol=config.uv_per_unit * 1.01)


def test_c11_one_recording_alone_goes_the_same_way_as_the_store(
    terminal: Terminal, finished_run: FinishedRun, tmp_path: Path
) -> None:
    """`detect` on an EDF and the evaluation from the store give the same file, but for the confidence."""
    source = recordings(finished_run.corpus, "eval")[0]
    terminal("detect", source, tmp_path / "out_events.tsv", "--run", finished_run.folder)
    beside = source.relative_to(finished_run.corpus).with_name(f"{source.stem}_events.tsv")
    kept = contents_of(finished_run.folder / "detections" / "eval")[str(beside)].decode()
    rows = [_without_confidence(text) for text in ((tmp_path / "out_events.tsv").read_text(), kept)]
    assert rows[0] == rows[1]


def _without_confidence(text: str) -> list[list[str]]:
    return [row.split("\t")[:3] + row.split("\t")[4:] for row in text.splitlines()]


def test_c12_a_slow_loader_is_seen_in_the_split_of_each_step(tmp_path: Path) -> None:
    """What is waited for a slow reader stands under `data_s` of every step, not under the model's time."""
    run = trainer(tmp_path, steps=4)
    original = run.dataset.__getitems__

    def slow(windows: list[int]) -> object:
        time.sleep(0.5)
        return original(windows)

    run.dataset.__getitems__ = slow  # type: ignore[method-assign,assignment]
    run.run(silent)
    rows = [json.loads(line) for line in (tmp_path / "timing.jsonl").read_text().splitlines()]
    assert len(rows) == 4
    assert all(row["data_s"] >= 0.1 for row in rows)  # the rest of half a second went by while a step was computed
    assert {"transfer_s", "forward_s", "backward_s", "guards_s", "optimiser_s"} <= set(rows[0])
