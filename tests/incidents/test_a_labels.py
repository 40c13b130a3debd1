"""Register A: labels that were lost, misread or misplaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings import corpus as corpora
from ictal.recordings import edf
from ictal.recordings.annotations import beside, bids, tusz
from ictal.recordings.audit import audit
from ictal.recordings.events import seizures
from ictal.recordings.labels import Kind, kind_of
from ictal.scoring.szcore import count_events, count_samples
from ictal.timeline import spans as sp
from ictal.timeline.grid import WindowGrid
from ictal.windows.index import IndexedRecording, build
from tests.end_to_end.commands import Terminal, words
from tests.reference.edf_bytes import Channel, constant, edf_bytes
from tests.reference.small_corpus import LABELS, tusz_path, write_recording, write_tusz

HEADER = "# version = csv_v1.0.0\n# bname = {stem}\n# duration = {duration} secs\n# montage_file = m.txt\n#\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four recordings of a minute; two hold a seizure."""
    write_tusz(tmp_path / "corpus")
    return tmp_path / "corpus"


def test_a1_all_zero_labels_stop_the_build(tmp_path: Path, terminal: Terminal) -> None:
    """A parser for an invented format found no row it could read, and skipped them all: here the first one stops."""
    root = tmp_path / "corpus"
    write_recording(tusz_path(root, "train", "aaaaaaaa"), [(10, 20)])
    annotation = tusz_path(root, "train", "aaaaaaaa").with_suffix(".csv_bi")
    invented = "onset,offset,type\n10.0,20.0,seizure\n"
    annotation.write_text(HEADER.format(stem=annotation.stem, duration=60) + invented)
    with pytest.raises(InputError) as stop:
        corpora.read_labels(corpora.discover(root))
    assert stop.value.where == f"{annotation}:6"
    assert terminal("plan", tmp_path / "run", "--corpus.path", root).code == 2
    assert not (tmp_path / "run").exists()


def test_a1_labels_that_are_all_lost_are_told_from_bad_luck(tmp_path: Path) -> None:
    """TUSZ without a seizure: the audit says how unlikely that is; 1,000 independent windows would be 10^-35.6."""
    for number in range(20):
        write_recording(tusz_path(tmp_path, "train", f"aaaaaa{number:02}"), duration_s=600)
    found = audit(tmp_path)
    (finding,) = [finding for finding in found.findings if finding.code == "no-seizures"]
    assert found.exit_code == 2
    assert found.prior is not None
    assert found.prior.log10_tail == pytest.approx(200 * np.log10(1 - 0.0788))
    assert f"10^{found.prior.log10_tail:.1f}" in finding.message


def test_a1_seizure_seconds_agree_from_file_to_index(root: Path) -> None:
    """`.csv`, `.csv_bi` and the window index hold the same ictal time, to the sample."""
    rate_hz = 256
    grid = WindowGrid(length_samples=10 * rate_hz, stride_samples=10 * rate_hz)
    for one in corpora.read_labels(corpora.discover(root))[0]:
        path = one.recording.edf
        assert seizures(tusz.read(path.with_suffix(".csv"))) == seizures(tusz.read(path.with_suffix(".csv_bi")))
        spans = sp.spans_from_seconds(one.seizures_s, rate_hz)
        recording = IndexedRecording(id="r", patient="p", samples=round(one.duration_s) * rate_hz, seizures=spans)
        stated_s = sum(stop_s - onset_s for onset_s, stop_s in one.seizures_s)
        assert build([recording], grid).ictal_samples.sum() == stated_s * rate_hz


def test_a2_a_missing_annotation_is_not_no_seizure(root: Path) -> None:
    """Without annotation a recording is unlabelled, and there is no type for an unlabelled recording to be used as."""
    path = tusz_path(root, "eval", "aaaaaaac")
    for suffix in beside.TUSZ_SUFFIXES:
        path.with_suffix(suffix).unlink()
    with pytest.raises(InputError) as stop:
        corpora.read_labels(corpora.discover(root))
    assert stop.value.code == "annotation-missing"
    assert stop.value.where == str(path)


@pytest.mark.parametrize("label", ["mysz", "fnsz", "gnsz", "absz", "tcsz", "seiz", "sz_foc_ia"])
def test_a3_every_seizure_type_is_a_seizure(label: str) -> None:
    """The set that held only `seiz` and later lacked `mysz`."""
    assert kind_of(label, where="here") is Kind.SEIZURE


def test_a3_a_label_outside_the_vocabulary_stops_and_the_audit_counts_labels(root: Path) -> None:
    """`spkz` does not exist: neither seizure nor background."""
    with pytest.raises(InputError, match="neither a seizure nor background"):
        kind_of("spkz", where="here")
    assert audit(root).labels == {"bckg": 6, "seiz": 2}


def test_a4_nothing_is_scored_without_a_reference(root: Path, tmp_path: Path, terminal: Terminal) -> None:
    """A hypothesis without reference is an error, and so is a reference without a seizure, unless that is declared.

    Sensitivity is then undefined, never 0 or 1.
    """
    hypothesis = tmp_path / "hypothesis"
    hypothesis.mkdir()
    bids.write(hypothesis / "a_events.tsv", events=[], duration_s=60, start=None)
    (tmp_path / "reference").mkdir()
    assert terminal("score", tmp_path / "reference", hypothesis).code == 2
    silent = tusz_path(root, "eval", "aaaaaaac").with_suffix(".csv_bi")
    assert terminal("score", silent, hypothesis / "a_events.tsv").code == 2
    said = terminal("score", silent, hypothesis / "a_events.tsv", "--no-seizures-expected", "--json")
    scores = said.document["scorers"]["szcore_event"]
    assert scores["sensitivity"] is None
    assert scores["undefined"][0] == "sensitivity: no reference item"


def test_a5_samples_where_seconds_were_meant_are_refused(tmp_path: Path) -> None:
    """An onset of 2,560 in a recording of 60 s; and a span beyond its recording in samples."""
    rows = "channel,start_time,stop_time,label,confidence\nTERM,2560.0000,5120.0000,seiz,1.0000\n"
    (tmp_path / "a.csv_bi").write_text(HEADER.format(stem="a", duration=60) + rows)
    with pytest.raises(InputError, match="beyond the end") as stop:
        tusz.read(tmp_path / "a.csv_bi")
    assert "in seconds" in str(stop.value)
    recording = IndexedRecording(id="a", patient="a", samples=60, seizures=np.array([[10, 2560]]))
    with pytest.raises(InputError, match="outside its recording"):
        build([recording], WindowGrid(length_samples=10, stride_samples=10))


@pytest.mark.parametrize("duration_s", [30, 90])
def test_a6_an_annotation_of_another_length_sets_the_recording_aside(root: Path, duration_s: int) -> None:
    """Annotation header, EDF header and data bytes must agree; here the first says 30 or 90 s, the others 60 s."""
    path = tusz_path(root, "train", "aaaaaaaa", 1)
    tusz.write_bi(path.with_suffix(".csv_bi"), bname=path.stem, duration_s=duration_s, events=[])
    labelled, aside = corpora.read_labels(corpora.discover(root))
    assert len(labelled) == 3
    assert [entry.code for entry in aside] == ["duration-mismatch"]
    assert f"{duration_s}.0 s in the annotation, 60.0 s in the EDF" in aside[0].reason


def test_a6_data_bytes_that_contradict_the_header_set_the_recording_aside(root: Path) -> None:
    """The third duration."""
    path = tusz_path(root, "train", "aaaaaaaa", 1)
    path.write_bytes(path.read_bytes()[:-200])
    _, aside = corpora.read_labels(corpora.discover(root))
    assert [entry.code for entry in aside] == ["edf-truncated"]


@given(st.lists(st.booleans(), min_size=1, max_size=400), st.sampled_from([200, 250, 256, 400, 512]))
@settings(max_examples=60)
def test_a7_events_to_mask_to_events_is_the_identity_on_the_grid(mask: list[bool], rate_hz: int) -> None:
    """Written with TUSZ's four decimals and read back; `int(t * rate)` moves samples."""
    spans = sp.from_mask(np.array(mask))
    written_s = [(round(start / rate_hz, 4), round(stop / rate_hz, 4)) for start, stop in spans]
    read = sp.spans_from_seconds(written_s, rate_hz)
    np.testing.assert_array_equal(sp.to_mask(read, len(mask)), mask)
    np.testing.assert_array_equal(sp.from_mask(sp.to_mask(read, len(mask))), spans)


def test_a7_truncation_would_have_moved_nearly_half_of_the_onsets() -> None:
    """47 % of all onsets on the grid of 256 Hz, written with four decimals, come out a sample early."""
    samples = np.arange(256 * 60)
    written_s = np.round(samples / 256, 4)
    early = (written_s * 256).astype(np.int64) < samples
    assert early.mean() == pytest.approx(0.47, abs=0.01)
    np.testing.assert_array_equal(sp.samples_from_seconds(written_s, 256), samples)


def test_a8_a_window_inside_a_seizure_is_fully_ictal() -> None:
    """The rule "an edge falls in the window" finds a seizure's first and last window and calls those between 0."""
    recording = IndexedRecording(id="a", patient="a", samples=100, seizures=np.array([[15, 75]]))
    index = build([recording], WindowGrid(length_samples=10, stride_samples=10))
    assert index.ictal_samples_in(np.arange(10)).tolist() == [0, 5, 10, 10, 10, 10, 10, 5, 0, 0]
    strata = index.strata()
    assert (strata["interictal"], strata["partial"], strata["full"]) == (3, 2, 5)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 20), st.data())
@settings(max_examples=60)
def test_a8_every_label_is_what_a_loop_over_samples_counts(mask: list[bool], length: int, data: st.DataObject) -> None:
    """Exact overlap, for any mask, length and stride."""
    stride = data.draw(st.integers(1, length))
    ictal: npt.NDArray[np.bool_] = np.array(mask)
    recording = IndexedRecording(id="a", patient="a", samples=len(mask), seizures=sp.from_mask(ictal))
    index = build([recording], WindowGrid(length_samples=length, stride_samples=stride))
    for window in range(index.windows):
        counted = sum(ictal[window * stride : window * stride + length])
        assert index.ictal_samples_in([window])[0] == counted


@pytest.mark.parametrize("onset_s", [10.0, 10.15, 10.4, 10.6, 10.9])
def test_a9_an_event_of_0_7_s_is_scored(onset_s: float) -> None:
    """Wherever it lies between two whole seconds, it is one event, and at least one second: 10.6 s to 11.3 s too."""
    event = [(onset_s, onset_s + 0.7)]
    assert count_events(event, event, 60.0).true_positives == 1
    assert count_samples(event, event, 60.0).true_positives >= 1


def test_a9_a_seizure_that_would_be_rounded_away_sets_the_recording_aside(tmp_path: Path, terminal: Terminal) -> None:
    """A millisecond is less than a sample; it is named, and the other recordings are planned."""
    for number, seizures_s in enumerate([[(10, 40)], [(10, 40)], [(10, 40)], [(10, 40), (50.0, 50.001)]]):
        write_recording(tusz_path(tmp_path / "corpus", "train", f"aaaaaa{number:02}"), seizures_s, duration_s=120)
    slow = {"signals.rate_hz": 4, "signals.band_hz": [0.1, 1.2], "model.samples_per_step": 4}
    places = {"corpus.path": tmp_path / "corpus", "split.method": "stratified"}
    said = terminal("plan", tmp_path / "run", *words(**slow, **places))
    assert said.code == 1, said.err
    assert "event-too-short" in said.err
    assert "50 to 50.001 s, both at sample 200" in said.err
    assert "aaaaaa03" in said.err


def test_a10_a_discontinuous_recording_is_refused(tmp_path: Path) -> None:
    """EDF+D read as if it had no gaps gives wrong times after the first one."""
    path = tmp_path / "a.edf"
    path.write_bytes(edf_bytes([constant(label) for label in LABELS], reserved="EDF+D"))
    with pytest.raises(InputError) as stop:
        edf.read_header(path)
    assert stop.value.code == "edf-discontinuous"
    path.write_bytes(edf_bytes([*map(constant, LABELS), _begins_at(b"+0", b"+81")], reserved="EDF+D"))
    with pytest.raises(InputError, match="1 s to 81 s") as stop:
        edf.read_header(path)
    assert stop.value.code == "edf-discontinuous"
    path.write_bytes(edf_bytes([constant(label) for label in LABELS], reserved="EDF+C"))
    assert edf.read_header(path).duration_s == 2.0


def _begins_at(*seconds: bytes) -> Channel:
    """The channel of an EDF+ that says when each data record begins."""
    texts = b"".join((one + b"\x14\x14\0").ljust(8, b"\0") for one in seconds)
    return Channel(label="EDF Annotations", samples=np.frombuffer(texts, dtype="<i2").reshape(-1, 4).tolist())
