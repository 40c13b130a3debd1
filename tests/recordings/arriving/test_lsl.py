"""Streams of the Lab Streaming Layer, sent and taken on this machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings.arriving import lsl
from ictal.recordings.arriving.continuity import Arrived
from ictal.recordings.arriving.lsl import LslStream

LABELS = ("Fp1", "C3", "TRIG")
RATE_HZ = 200.0


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders of this machine answer at once."""
    monkeypatch.setattr(lsl, "SETTLE_S", 0.3)


def outlet(
    name: str, *, id_: str = "", unit: str | None = "mV", labels: tuple[str, ...] = LABELS, rate_hz: float = RATE_HZ
) -> Any:
    library = lsl.library()
    info = library.StreamInfo(name, "EEG", 3, rate_hz, "float32", id_)
    if labels:
        info.set_channel_names(list(labels))
    if unit is not None:
        info.set_channel_units([unit, unit, "none"])
    return library.StreamOutlet(info)


@pytest.fixture
def name() -> str:
    return f"ictal-test-{time.monotonic_ns()}"


def send(sender: Any, first: int, stop: int, start_s: float = 1000.0) -> None:
    """Samples that count, stamped by their number."""
    numbers = np.arange(first, stop, dtype=np.float32)
    stamps_s = start_s + np.arange(first, stop) / RATE_HZ
    sender.push_chunk(np.stack([numbers, -numbers, numbers], axis=1), timestamp=stamps_s)


def heard(stream: LslStream, samples: int, patience_s: float = 30.0) -> list[Arrived]:
    """What arrives, until it is so many samples."""
    found: list[Arrived] = []
    stop_s = time.monotonic() + patience_s
    while sum(piece.signal_uv.shape[1] for piece in found) < samples:
        assert time.monotonic() < stop_s, found
        found += stream.take(("C3", "Fp1"), 0.01)
    return found


def joined(pieces: list[Arrived]) -> list[list[float]]:
    signal = np.concatenate([piece.signal_uv for piece in pieces], axis=1)
    return (signal / 1000).round().tolist()


def test_samples_arrive_in_microvolts_and_in_the_order_asked_for(name: str) -> None:
    """All of them; a channel without a voltage takes no part."""
    sender = outlet(name)
    stream = LslStream(name)
    send(sender, 0, 100)
    send(sender, 100, 150)
    pieces = heard(stream, 150)
    assert joined(pieces) == [[-n for n in range(150)], list(range(150))]
    assert [piece.gap for piece in pieces if piece.gap] == []
    assert stream.header.labels == LABELS
    with pytest.raises(InputError, match="TRIG is no voltage"):
        stream.take(("TRIG",), 0.0)
    stream.close()


def test_what_was_lost_on_the_way_is_a_gap(name: str) -> None:
    """Whether the stamps jump or the samples are no numbers."""
    sender = outlet(name)
    stream = LslStream(name)
    send(sender, 0, 100)
    send(sender, 300, 400)
    sender.push_chunk(np.full((2, 3), np.nan, dtype=np.float32), timestamp=np.array([1002.0, 1002.005]))
    send(sender, 402, 450)
    pieces = heard(stream, 248)
    gaps = [(piece.gap.stop_s, piece.gap.resume_s) for piece in pieces if piece.gap]
    assert gaps == [(pytest.approx(0.5), pytest.approx(1.5)), (pytest.approx(2.0), pytest.approx(2.01))]
    stream.close()


class Mortal:
    """A sender in a process of its own, which can die; with an id by which it can be known again, or none.

    It is there once it is told to be: what it imports takes longer than all else.
    """

    CODE = """
import sys
from tests.recordings.arriving.test_lsl import outlet, send
sys.stdin.readline()
sender = outlet(sys.argv[1], id_=sys.argv[2], labels=tuple(sys.argv[3:]))
for line in sys.stdin:
    first, stop, start_s = line.split()
    send(sender, int(first), int(stop), float(start_s))
"""

    def __init__(self, name: str, *labels: str, id_: str = "") -> None:
        words = [sys.executable, "-c", self.CODE, name, id_, *(labels or LABELS)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def live(self) -> None:
        """Be there."""
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)

    def send(self, first: int, stop: int, start_s: float = 1000.0) -> None:
        """See `send`."""
        assert self.process.stdin is not None
        print(first, stop, start_s, file=self.process.stdin, flush=True)

    def die(self) -> None:
        """At once."""
        self.process.kill()
        self.process.communicate()


def test_a_sender_that_comes_back_is_taken_up_after_a_gap(name: str) -> None:
    """It is looked for by its name."""
    sender, again = Mortal(name), Mortal(name)
    sender.live()
    stream = LslStream(name, patience_s=30)
    sender.send(0, 100)
    assert len(heard(stream, 100)) >= 1
    sender.die()
    _until(lambda: stream.take(("C3", "Fp1"), 0.01) == [] and stream._inlet is None)
    again.live()
    _until(lambda: stream.take(("C3", "Fp1"), 0.2) == [] and stream._inlet is not None)
    again.send(0, 10, 1003.0)
    (piece,) = heard(stream, 10)
    assert piece.gap is not None
    assert (piece.gap.stop_s, piece.gap.resume_s) == (pytest.approx(0.5), pytest.approx(3.0))
    stream.close()
    again.die()


def test_a_sender_that_comes_back_as_another_is_refused(name: str) -> None:
    """Its channels would be taken for those of before, and liblsl does so by itself: the id is the same."""
    sender, other = Mortal(name, id_="amplifier"), Mortal(name, "C3", "Fp1", "TRIG", id_="amplifier")
    sender.live()
    stream = LslStream(name, patience_s=30)
    sender.die()
    _until(lambda: stream.take(("C3", "Fp1"), 0.01) == [] and stream._inlet is None)
    other.live()
    with pytest.raises(InputError) as error:
        _until(lambda: stream.take(("C3", "Fp1"), 0.2) == [] and stream._inlet is not None)
    assert error.value.code == "stream-changed"
    other.die()


def test_a_sender_that_is_gone_before_it_is_asked_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was found, but does not answer any more: one clear error, and no waiting without end."""
    sender, library = outlet(name), lsl.library()

    class Gone(library.StreamInlet):  # type: ignore[misc, name-defined]
        def get_sinfo(self, timeout: float | None = None) -> Any:
            assert timeout is not None
            raise TimeoutError

    monkeypatch.setattr(library, "StreamInlet", Gone)
    with pytest.raises(InputError) as error:
        LslStream(name)
    assert (error.value.code, sender is None) == ("stream-missing", False)


def _until(condition: Callable[[], bool], patience_s: float = 60.0) -> None:
    stop_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < stop_s


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"labels": ()}, "stream-unusable"),
        ({"unit": None}, "stream-unusable"),
        ({"unit": "rem"}, "stream-unusable"),
        ({"rate_hz": 0.0}, "stream-unusable"),
    ],
)
def test_a_stream_that_does_not_say_what_it_is_is_refused(name: str, settings: dict[str, Any], code: str) -> None:
    """No names, no unit of voltage, no steady rate."""
    sender = outlet(name, **settings)
    with pytest.raises(InputError) as error:
        LslStream(name)
    assert (error.value.code, sender is None) == (code, False)


def test_a_unit_that_is_not_stated_can_be_given(name: str) -> None:
    """It counts only where none is stated."""
    sender = outlet(name, unit=None)
    stream = LslStream(name, unit="V")
    send(sender, 0, 3)
    assert heard(stream, 3)[0].signal_uv[1].tolist() == [0, 1e6, 2e6]
    stream.close()


def test_no_stream_or_more_than_one_is_refused(name: str) -> None:
    """With what there is, and how to try one."""
    with pytest.raises(InputError, match="ictal play lsl") as error:
        LslStream(name, patience_s=0.2)
    assert error.value.code == "stream-missing"
    senders = [outlet(name, id_=id_) for id_ in "ab"]
    with pytest.raises(InputError, match="lsl:NAME") as error:
        LslStream(name)
    assert (error.value.code, len(senders)) == ("stream-ambiguous", 2)
