"""The faults of the fault corpus while a store is built: named, set aside, and the build goes on, exit code 1.

Faults of annotations stop the plan; those below are of the recordings themselves. Each is planted twice: before the
plan, as a user meets it, and after the recording's header was read, as it happens to a corpus that is being written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ictal.recordings import corpus as corpora
from ictal.recordings import edf
from ictal.recordings.corpus import Labelled
from ictal.signals.prepare import prepare
from ictal.signals.store import SignalStore
from tests.end_to_end.commands import Terminal, linked, put, recordings, words
from tests.recordings.test_fault_corpus import HEADER, RECORD_COUNT, RESERVED, START_DATE, relabelled, with_bytes
from tests.signals.builders import SMALL

Fault = Callable[[Path], None]
RECORD_DURATION = slice(244, 252)
DIMENSION, PHYSICAL_MIN, PHYSICAL_MAX = slice(96, 104), slice(104, 112), slice(112, 120)


def truncated_by_a_byte(path: Path) -> None:
    put(path, path.read_bytes()[:-1])


def truncated_in_its_data(path: Path) -> None:
    put(path, path.read_bytes()[:5000])


def truncated_in_its_header(path: Path) -> None:
    put(path, path.read_bytes()[:100])


def with_more_data_than_it_says(path: Path) -> None:
    with_bytes(path, RECORD_COUNT, str(edf.read_header(path).record_count - 2).encode())


def with_an_open_count(path: Path) -> None:
    with_bytes(path, RECORD_COUNT, b"-1")


def with_gaps(path: Path) -> None:
    with_bytes(path, RESERVED, b"EDF+D")
    put(path, path.read_bytes().replace(b"+12\x14\x14", b"+92\x14\x14"))


def without_two_electrodes(path: Path) -> None:
    relabelled(path, lambda label: {"EEG FZ-REF": "EKG1", "EEG PZ-REF": "EKG2"}.get(label, label))


def bipolar(path: Path) -> None:
    relabelled(path, lambda label: f"{label.removeprefix('EEG ').removesuffix('-REF')}-A1")


def with_an_electrode_twice(path: Path) -> None:
    relabelled(path, lambda label: "EEG T7-REF" if label == "EEG T1-REF" else label)


def with_a_date_of_colons(path: Path) -> None:
    with_bytes(path, START_DATE, b"01:01:85")


def in_no_voltage(path: Path) -> None:
    with_bytes(path, of_signal(path, DIMENSION), b"mmHg")


def without_a_gain(path: Path) -> None:
    with_bytes(path, of_signal(path, PHYSICAL_MAX), path.read_bytes()[of_signal(path, PHYSICAL_MIN)])


def of_a_rate_below_the_band(path: Path) -> None:
    with_bytes(path, RESERVED, b"")  # as EDF, which has no clock of its own that would contradict
    with_bytes(path, RECORD_DURATION, b"8")


def of_a_rate_without_a_small_ratio(path: Path) -> None:
    with_bytes(path, RECORD_DURATION, b"1.001")


def of_signal(path: Path, field: slice) -> slice:
    """Where a field of the second signal stands; `field` is where it would, were there one signal alone."""
    signals, width = int(path.read_bytes()[252:256]), field.stop - field.start
    first = HEADER + signals * field.start + width
    return slice(first, first + width)


def gone(path: Path) -> None:
    path.unlink()


SET_ASIDE = {
    truncated_by_a_byte: "edf-truncated",
    truncated_in_its_data: "edf-truncated",
    truncated_in_its_header: "edf-unreadable",
    with_more_data_than_it_says: "edf-excess",
    with_gaps: "edf-discontinuous",
    without_two_electrodes: "channel-missing",
    bipolar: "channel-missing",
    with_an_electrode_twice: "channel-ambiguous",
    in_no_voltage: "edf-dimension",
    without_a_gain: "edf-calibration",
}
READ = (with_an_open_count, with_a_date_of_colons)
OF_THE_RATE = {of_a_rate_below_the_band: "rate-too-low", of_a_rate_without_a_small_ratio: "rate-ratio"}


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one fault leaves sound is found there by the next."""
    return tmp_path_factory.mktemp("faults") / "store"


@pytest.fixture
def without_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan's picture, which takes longer than all the rest, is not looked at here."""
    monkeypatch.setattr("ictal.report.chances.chances_figure", lambda _plan: b"")


@pytest.mark.usefixtures("without_a_picture")
@pytest.mark.parametrize("fault", [*SET_ASIDE, *READ])
def test_a_faulty_recording_is_set_aside_by_name_and_the_others_are_built(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path, shared_store: Path, fault: Fault
) -> None:
    """Eleven of twelve are in the store and the exit code is 1; what is only odd is read, and it is 0."""
    corpus = linked(synthetic_corpus, tmp_path / "corpus")
    bad = next(path for path in recordings(corpus, "train") if b"EEG T1-REF" in path.read_bytes()[:8192])
    fault(bad)
    run = tmp_path / "run"
    planned = terminal("plan", run, "--corpus.path", corpus, "--machine.store", shared_store, *words(), "--json")
    aside = {row["id"]: row["code"] for row in planned.document["quarantined"]}
    said = terminal("prepare", run)
    assert planned.code == said.code == len(aside)
    assert f"{12 - len(aside)} recordings in the store" in said.out
    assert (bad.stem in said.err) == bool(aside)
    assert list(aside.values()) == ([SET_ASIDE[fault]] if fault in SET_ASIDE else [])


@pytest.mark.parametrize("fault", [truncated_by_a_byte, truncated_in_its_data, truncated_in_its_header, gone])
def test_a_recording_that_is_harmed_after_it_was_looked_at_is_set_aside(
    synthetic_corpus: Path, tmp_path: Path, fault: Fault
) -> None:
    """The others are built; the ledger has its name, its fault and the reason."""
    labelled = some_labelled(synthetic_corpus, tmp_path)
    fault(labelled[1].recording.edf)
    require_set_aside(labelled, tmp_path / "store")


@pytest.mark.parametrize("fault", OF_THE_RATE)
def test_a_recording_whose_rate_cannot_be_brought_to_the_stores_is_set_aside(
    synthetic_corpus: Path, tmp_path: Path, fault: Fault
) -> None:
    """32 Hz hold no band up to 28 Hz, and a clock that is off by 1/1000 is no matter of rounding."""
    labelled = some_labelled(synthetic_corpus, tmp_path)
    fault(labelled[1].recording.edf)
    labelled[1] = replace(labelled[1], header=edf.read_header(labelled[1].recording.edf))
    assert require_set_aside(labelled, tmp_path / "store") == OF_THE_RATE[fault]


def some_labelled(synthetic_corpus: Path, folder: Path) -> list[Labelled]:
    """Four recordings of a corpus that may be changed."""
    corpus = linked(synthetic_corpus, folder / "corpus")
    return list(corpora.read_labels(corpora.discover(corpus, "tusz", {}), mapping={}, consensus="majority")[0][:4])


def require_set_aside(labelled: list[Labelled], root: Path) -> str:
    """All but the second are built, and the ledger tells of it; returns the code."""
    store, bad = SignalStore(root), labelled[1].recording
    result = prepare(labelled, store, SMALL)
    assert [one.id for one in result.quarantined] == [bad.id]
    assert len(result.ready) == len(store.every_key()) == 3
    (line,) = [line for line in store.ledger.lines() if not line.built]
    assert (line.source, line.code) == (str(bad.edf), result.quarantined[0].code)
    assert line.reason
    return line.code
