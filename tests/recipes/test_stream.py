"""`ictal detect --stream` and `ictal play`: lines as events begin and end, files that are always whole, gaps said."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recipes.detect import find
from ictal.recipes.detector import Detector
from ictal.recipes.play import play, play_file
from ictal.recipes.stream import Session, open_source
from ictal.recordings import edf, montages
from ictal.recordings.annotations import beside, bids
from ictal.recordings.arriving.continuity import Arrived
from ictal.recordings.edf import Header
from ictal.recordings.events import seizures
from ictal.recordings.labels import hed_score
from ictal.recordings.timekeeping import Gap
from tests.end_to_end.commands import FinishedRun, Terminal

Lines = list[dict[str, Any]]


def lines_of(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


def ends(lines: Lines) -> list[tuple[float, float]]:
    return [(line["onset_s"], line["stop_s"]) for line in lines if line["kind"] == "end"]


def never() -> bool:
    return False


def test_a_growing_file_is_followed_to_its_end(
    terminal: Terminal, forward_run: FinishedRun, ictal_recording: Path, tmp_path: Path
) -> None:
    """What is written is what the finished file gives, but for artefacts; every event is said twice, in time."""
    growing, live = tmp_path / "growing.edf", tmp_path / "live_events.tsv"
    header = edf.read_header(ictal_recording)
    player = threading.Thread(target=lambda: play_file(header, growing, speed=100, stopped=never))
    player.start()
    said = terminal("detect", live, "--stream", growing, "--run", forward_run.folder)
    player.join()
    assert said.code in {0, 1}, said.err
    assert growing.read_bytes() == ictal_recording.read_bytes()
    terminal("detect", ictal_recording, tmp_path / "whole_events.tsv", "--run", forward_run.folder)
    whole = (tmp_path / "whole_events.tsv").read_text().splitlines()
    assert live.read_text().splitlines() == [line.rpartition("\t")[0] for line in whole]  # nobody looks for artefacts

    lines = lines_of(said.out)
    assert [lines[0]["kind"], lines[-1]["kind"]] == ["start", "stop"]
    assert (lines[0]["backend"], said.err.count("machine.backend = auto")) == ("fused", 1)
    assert ends(lines) == [pytest.approx(pair, abs=1e-4) for pair in seizures(beside.read(live))]
    changes = [line for line in lines if line["kind"] in {"begin", "end"}]
    assert {line["label"] for line in changes} == {"sz"}
    assert len(changes) == 2 * lines[-1]["events"] > 4
    for begin, end in zip(changes[::2], changes[1::2], strict=True):
        assert (begin["kind"], end["kind"], begin["event"]) == ("begin", "end", end["event"])
        assert begin["onset_s"] == end["onset_s"] < begin["known_s"] <= end["known_s"]
    assert lines[-1]["reason"] == "the recording is over"
    assert lines[-1]["duration_s"] == header.duration_s


def test_detections_have_a_type_while_they_arrive(
    typed_forward_detector: Detector, ictal_recording: Path, tmp_path: Path
) -> None:
    """Each end names the type that the file of the same samples gives, on its line and in the file."""
    header, live = edf.read_header(ictal_recording), tmp_path / "live_events.tsv"
    signal_uv = edf.read_uv(header, _recorded(header, typed_forward_detector))
    cuts = range(5_000, signal_uv.shape[1], 5_000)
    pieces: list[Arrived | None] = [Arrived(signal_uv=one) for one in np.split(signal_uv, cuts, axis=1)]
    lines: Lines = []
    Session(typed_forward_detector, Pieces(header, pieces), lines.append, live).run(never)
    expected = [event.label for event in find(ictal_recording, typed_forward_detector).events]
    assert len(set(expected)) > 1
    assert [line["label"] for line in lines if line["kind"] == "end"] == expected
    assert [event.label for event in bids.read(live).events if event.label != "bckg"] == expected
    types = {hed_score(kind) for kind in typed_forward_detector.config.model.seizure_types}
    assert {line["label"] for line in lines if line["kind"] == "begin"} <= types


class Pieces:
    """A source of pieces that are known ahead."""

    def __init__(self, header: Header, pieces: list[Arrived | None]) -> None:
        self.header, self.pieces = header, pieces

    def take(self, labels: tuple[str, ...], wait_s: float) -> list[Arrived] | None:  # noqa: ARG002
        """One after the other; where it is None, nothing."""
        if not self.pieces:
            return None
        piece = self.pieces.pop(0)
        return [] if piece is None else [piece]

    def close(self) -> None:
        """Nothing to leave."""


def test_a_gap_is_said_and_nothing_is_carried_over_it(
    forward_detector: Detector, ictal_recording: Path, tmp_path: Path
) -> None:
    """What is found before and after it is what is found in a file of its own; each stretch has its file."""
    header = edf.read_header(ictal_recording)
    signal_uv = edf.read_uv(header, _recorded(header, forward_detector))
    cut_s = int(header.duration_s / 2)
    cut = round(cut_s * header.signals[0].rate_hz)
    gap = Gap(stop_s=float(cut_s), resume_s=cut_s + 7.5)
    first, second = signal_uv[:, :cut], signal_uv[:, cut:]
    lines: Lines = []
    source = Pieces(header, [Arrived(signal_uv=first), Arrived(signal_uv=second, gap=gap)])
    Session(forward_detector, source, lines.append, tmp_path / "live_events.tsv").run(never)

    halves = [_half(ictal_recording, tmp_path / f"{name}.edf", cut_s, name) for name in ("first", "second")]
    expected = [[(event.onset_s, event.stop_s) for event in find(half, forward_detector).events] for half in halves]
    assert all(expected)
    moved = [(onset_s + gap.resume_s, stop_s + gap.resume_s) for onset_s, stop_s in expected[1]]
    assert ends(lines) == [pytest.approx(pair, abs=2e-4) for pair in [*expected[0], *moved]]
    kinds = [line["kind"] for line in lines]
    assert lines[kinds.index("gap")] == {"kind": "gap", "stop_s": gap.stop_s, "resume_s": gap.resume_s}
    assert kinds.index("gap") == 1 + 2 * len(expected[0])
    assert lines[-1]["gaps"] == 1
    for name, found in zip(("live_events.tsv", "live_2_events.tsv"), expected, strict=True):
        written = seizures(beside.read(tmp_path / name))
        assert list(written) == [pytest.approx(pair, abs=2e-4) for pair in found]


def test_what_was_found_in_a_stream_is_dated_by_its_samples_and_never_written_over(
    forward_detector: Detector, ictal_recording: Path, tmp_path: Path
) -> None:
    """It has no start of its own and does not come again; of an earlier one, a later stretch may be all there is."""
    header = replace(edf.read_header(ictal_recording), start=None)
    signal_uv, target = edf.read_uv(header, _recorded(header, forward_detector)), tmp_path / "live_events.tsv"
    lines: Lines = []
    Session(forward_detector, Pieces(header, [Arrived(signal_uv=signal_uv)]), lines.append, target).run(never)
    first = next(line for line in lines if line["kind"] == "begin")
    started = dt.datetime.fromisoformat(first["onset_time"]) - dt.timedelta(seconds=first["onset_s"])
    ago_s = (dt.datetime.now() - started).total_seconds()  # noqa: DTZ005 - times of a recorder are local
    assert header.duration_s <= ago_s < header.duration_s + 60
    for there in (target, tmp_path / "live_2_events.tsv"):
        written = target.rename(there).read_bytes()
        with pytest.raises(InputError) as caught:
            Session(forward_detector, Pieces(header, []), lines.append, target)
        assert (caught.value.code, caught.value.where) == ("output-exists", str(there))
        assert there.read_bytes() == written
        there.rename(target)


class Failing(Pieces):
    """One that fails once all pieces are taken."""

    def take(self, labels: tuple[str, ...], wait_s: float) -> list[Arrived] | None:
        """One after the other, then an error."""
        if not self.pieces:
            raise InputError("It failed", where="here", got="x", expected="y", remedy="z", code="stream-changed")
        return super().take(labels, wait_s)


def test_a_source_that_fails_loses_nothing_of_what_was_found(
    forward_detector: Detector, ictal_recording: Path, tmp_path: Path
) -> None:
    """The seizure that was going on is said and written, as if the recording had ended there; then comes the error."""
    header = edf.read_header(ictal_recording)
    longest = max(find(ictal_recording, forward_detector).events, key=lambda event: event.stop_s - event.onset_s)
    cut_s = int((longest.onset_s + longest.stop_s) / 2)
    signal_uv = edf.read_uv(header, _recorded(header, forward_detector))[:, : cut_s * int(header.signals[0].rate_hz)]
    lines: Lines = []
    source = Failing(header, [Arrived(signal_uv=signal_uv)])
    with pytest.raises(InputError):
        Session(forward_detector, source, lines.append, tmp_path / "live.tsv").run(never)
    half = find(_half(ictal_recording, tmp_path / "half.edf", cut_s, "first"), forward_detector).events
    expected = [pytest.approx((event.onset_s, event.stop_s), abs=2e-4) for event in half]
    assert half[-1].stop_s > cut_s - forward_detector.config.events.merge_gap_s  # its end is not known yet
    assert ends(lines) == expected
    assert list(seizures(beside.read(tmp_path / "live.tsv"))) == expected
    assert (lines[-1]["kind"], lines[-1]["reason"]) == ("stop", "the source failed: stream-changed")


def _recorded(header: Header, detector: Detector) -> tuple[str, ...]:
    """Labels of the channels that the detector's are made of."""
    return montages.derive(montages.named(detector.config.signals.montage), header).labels


def _half(recording: Path, target: Path, cut_s: int, which: str) -> Path:
    """The data records of one second each before or after a cut, as a file."""
    header, raw = edf.read_header(recording), recording.read_bytes()
    assert header.record_duration_s == 1
    cut = header.header_bytes + cut_s * header.record_bytes
    data = raw[header.header_bytes : cut] if which == "first" else raw[cut:]
    plain = raw[:192] + b" " * 44 + b"-1      " + raw[244 : header.header_bytes]
    target.write_bytes(plain + data)
    return target


def test_an_interrupted_session_ends_what_it_has(
    forward_run: FinishedRun, ictal_recording: Path, tmp_path: Path
) -> None:
    """Ctrl-C: the last line says so, and the file holds what is found up to there."""
    growing, live = tmp_path / "growing.edf", tmp_path / "live.json"
    header, raw = edf.read_header(ictal_recording), ictal_recording.read_bytes()
    records = 120
    growing.write_bytes(raw[:236] + b"-1      " + raw[244 : header.header_bytes + records * header.record_bytes])
    words = [sys.executable, "-m", "ictal", "detect", live, "--stream", growing, "--run", forward_run.folder]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        _until(live.exists)
        process.send_signal(signal.SIGINT)
        said += process.stdout.readlines()
    lines = lines_of("".join(said))
    assert process.returncode in {0, 1}
    assert (lines[0]["kind"], lines[-1]["reason"]) == ("start", "interrupted")
    document = json.loads(live.read_text())
    assert lines[-1]["duration_s"] == document["duration_s"] == records
    assert ends(lines) == [(event["onset_s"], event["stop_s"]) for event in document["events"]]


def _until(condition: Any, patience_s: float = 60.0) -> None:
    stop_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < stop_s
        time.sleep(0.05)


def test_a_stream_over_lsl_is_the_file_and_a_loss_is_a_gap(
    forward_detector: Detector, ictal_recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through liblsl and back: the events before and after what was lost are those of files of their own."""
    monkeypatch.setattr("ictal.recordings.arriving.lsl.SETTLE_S", 0.3)
    duration_s = edf.read_header(ictal_recording).duration_s
    lose = (round(duration_s / 2), round(duration_s / 2) + 3)
    stop = threading.Event()
    name = f"lsl:ictal-test-{time.monotonic_ns()}"
    player = threading.Thread(
        target=lambda: play(name, ictal_recording, speed=60, stopped=never, lose=lose, seed=0), daemon=True
    )
    player.start()
    lines: Lines = []
    session = Session(forward_detector, open_source(name), lines.append)
    _end_with(player, stop)
    session.run(stop.is_set)
    kinds = [line["kind"] for line in lines]
    assert kinds.count("gap") == 1
    gap = lines[kinds.index("gap")]
    assert (gap["stop_s"], gap["resume_s"]) == (pytest.approx(lose[0], abs=0.01), pytest.approx(lose[1], abs=0.01))
    assert lines[-1]["duration_s"] == pytest.approx(duration_s, abs=0.01)
    pieces = _by_hand(forward_detector, ictal_recording, lose)
    assert ends(lines) == [pytest.approx(pair, abs=0.01) for pair in pieces]
    assert len(pieces) > 1


def _end_with(player: threading.Thread, stop: threading.Event) -> None:
    """Ask the session to stop once everything was sent and had a second to arrive."""

    def wait() -> None:
        player.join()
        time.sleep(0.5)
        stop.set()

    threading.Thread(target=wait, daemon=True).start()


def _by_hand(detector: Detector, recording: Path, lose: tuple[float, float]) -> list[tuple[float, float]]:
    """The same, without liblsl."""
    header = edf.read_header(recording)
    signal_uv = edf.read_uv(header, _recorded(header, detector))
    rate_hz = header.signals[0].rate_hz
    first, second = signal_uv[:, : round(lose[0] * rate_hz)], signal_uv[:, round(lose[1] * rate_hz) :]
    lines: Lines = []
    after = Arrived(signal_uv=second, gap=Gap(stop_s=lose[0], resume_s=lose[1]))
    Session(detector, Pieces(header, [Arrived(signal_uv=first), after]), lines.append).run(never)
    return ends(lines)


def test_a_source_that_falls_silent_is_said(
    forward_detector: Detector, ictal_recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, until it is heard again."""
    monkeypatch.setattr("ictal.recipes.stream.SILENT_S", -1.0)
    header = edf.read_header(ictal_recording)

    lines: Lines = []
    Session(forward_detector, Pieces(header, [None] * 4), lines.append).run(never)
    assert [line["kind"] for line in lines] == ["start", "silent", "stop"]


def test_words_that_do_not_fit_are_refused(
    terminal: Terminal, forward_run: FinishedRun, finished_run: FinishedRun, ictal_recording: Path, tmp_path: Path
) -> None:
    """A detector that needs the future, a file that is there, an impossible loss, and a command without a source."""
    detect = ("detect", "--stream", ictal_recording, "--run")
    for words, named in [
        ((*detect, finished_run.folder), "model.kind"),
        ((*detect, forward_run.folder, ictal_recording), "replace"),
        ((*detect, forward_run.folder, tmp_path / "a.tsv", tmp_path / "b.tsv"), "one file"),
        (("detect", "--run", forward_run.folder), "what to read"),
        (("play", ictal_recording), "replace"),
        (("play", tmp_path / "a.edf", "--lose", 1, 2), "--lose"),
        (("play", tmp_path / "a.edf", "--speed", 0), "--speed"),
    ]:
        said = terminal(*words)
        assert (said.code, named in said.err, said.out) == (2, True, ""), said


def test_a_synthetic_recording_is_played_where_none_is_named(tmp_path: Path) -> None:
    """With a seizure in it, and as many data records as it says."""
    target = tmp_path / "played.edf"
    played = play(str(target), None, speed=1e6, stopped=never, lose=None, seed=1)
    assert edf.read_header(target).duration_s == played.duration_s > 60
