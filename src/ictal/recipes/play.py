"""`ictal play`: a recording sent as if it were being recorded, over the Lab Streaming Layer or into a growing EDF."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.arriving import lsl
from ictal.recordings.channels import is_scalp
from ictal.recordings.edf import Header
from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus

NAME = "ictal"
"""Of the LSL stream, if no other is asked for."""
LINGER_S = 1.0
"""How long those who listen have to take the last samples before the stream is gone."""
_CHUNK_S = 1 / 16
_RECORDS = slice(236, 244)  # bytes of an EDF's header that hold the number of data records
_SYNTHETIC = SynthConfig(patients=3, hours=0.3, seizure_share=0.1)

Stopped = Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Played:
    """What was sent.

    Args:
        duration_s: Length of it.
        lost_s: What of it was left out.
    """

    duration_s: float
    lost_s: float


def play(
    target: str, file: Path | None, *, speed: float, stopped: Stopped, lose: tuple[float, float] | None, seed: int
) -> Played:
    """Send a recording to `lsl`, `lsl:NAME` or a file.

    Raises:
        InputError: as `recording`, `play_file` and `play_lsl` do, or if the speed is none, or something is to be lost
            from a file (code `play`).
    """
    streamed = target == "lsl" or target.startswith("lsl:")
    _check(speed > 0, "--speed", speed, "above 0")
    _check(lose is None or streamed, "--lose", lose, "a stream: a file of data records has no holes")
    _check(lose is None or 0 <= lose[0] < lose[1], "--lose", lose, "two times, the first before the second")
    with recording(file, seed) as header:
        if not streamed:
            return play_file(header, Path(target), speed=speed, stopped=stopped)
        name = target.removeprefix("lsl").removeprefix(":") or NAME
        return play_lsl(header, name, speed=speed, stopped=stopped, lose=lose)


@contextmanager
def recording(file: Path | None, seed: int) -> Iterator[Header]:
    """The recording to play: a file, or a synthetic one of a patient with seizures, made for the occasion.

    Raises:
        InputError: if the file is no EDF.
    """
    if file is not None:
        yield edf.read_header(file)
        return
    with tempfile.TemporaryDirectory() as folder:
        truth = write_corpus(Path(folder) / "corpus", replace(_SYNTHETIC, seed=seed))
        chosen = max(truth.recordings, key=lambda one: len(one.seizures))
        yield edf.read_header(Path(folder) / "corpus" / f"{chosen.id}.edf")


def play_file(header: Header, target: Path, *, speed: float, stopped: Stopped) -> Played:
    """Append a recording's data records to a file, each when it would have been recorded, until stopped.

    Until the end the file states -1 data records, as recorders do.

    Raises:
        InputError: if the file exists (code `output-exists`).
    """
    if target.exists():
        raise InputError(
            "The recording would replace something else",
            where=target,
            got="a file or folder",
            expected="a new file",
            remedy="name another file, or delete this one",
            code="output-exists",
        )
    source = header.path.read_bytes()
    done = 0
    with target.open("xb") as file:
        file.write(source[: _RECORDS.start] + b"-1".ljust(8) + source[_RECORDS.stop : header.header_bytes])
        file.flush()
        for _ in _in_time(header.record_count, header.record_duration_s / speed, stopped):
            place = header.header_bytes + done * header.record_bytes
            file.write(source[place : place + header.record_bytes])
            file.flush()
            done += 1
        file.seek(_RECORDS.start)
        file.write(str(done).encode().ljust(8))
    return Played(duration_s=done * header.record_duration_s, lost_s=0.0)


def play_lsl(
    header: Header, name: str, *, speed: float, stopped: Stopped, lose: tuple[float, float] | None = None
) -> Played:
    """Send a recording's scalp channels over the Lab Streaming Layer once somebody listens, until stopped.

    Stamps go with the recording, whatever the speed.

    Args:
        header: Of the recording.
        name: Of the stream.
        speed: 1 is as fast as it was recorded.
        stopped: Asked before every chunk.
        lose: From when to when samples are left out, in seconds from the start.

    Raises:
        InputError: if mne-lsl is not installed (code `extra-missing`).
    """
    labels = tuple(label for label in dict.fromkeys(header.labels) if is_scalp(label))
    signal_uv = edf.read_uv(header, labels).T
    rate_hz = edf.signals_uv(header, labels)[0].rate_hz
    outlet = _outlet(name, labels, rate_hz)
    while not outlet.wait_for_consumers(timeout=0.2):
        if stopped():
            return Played(duration_s=0.0, lost_s=0.0)
    kept = np.ones(len(signal_uv), dtype=bool)
    if lose is not None:
        kept[round(lose[0] * rate_hz) : round(lose[1] * rate_hz)] = False
    stamps_s = lsl.library().local_clock() + np.arange(len(signal_uv)) / rate_hz
    samples, done = max(1, round(_CHUNK_S * rate_hz)), 0
    for _ in _in_time(-(-len(signal_uv) // samples), samples / rate_hz / speed, stopped):
        chunk = done + np.flatnonzero(kept[done : done + samples])
        if chunk.size:
            outlet.push_chunk(signal_uv[chunk], timestamp=stamps_s[chunk])
        done = min(done + samples, len(signal_uv))
    time.sleep(LINGER_S)
    return Played(duration_s=done / rate_hz, lost_s=float((~kept[:done]).sum() / rate_hz))


def _in_time(count: int, period_s: float, stopped: Stopped) -> Iterator[int]:
    """Numbers below `count`, each after its period has passed; none of what is late is left out."""
    start_s = time.monotonic()
    for number in range(count):
        while (left_s := start_s + (number + 1) * period_s - time.monotonic()) > 0 and not stopped():
            time.sleep(min(left_s, 0.05))
        if stopped():
            return
        yield number


def _outlet(name: str, labels: tuple[str, ...], rate_hz: float) -> Any:
    library = lsl.library()
    info = library.StreamInfo(name, "EEG", len(labels), rate_hz, "float32", f"ictal-play-{name}")
    info.set_channel_names(list(labels))
    info.set_channel_types("eeg")
    info.set_channel_units("microvolts")
    return library.StreamOutlet(info)


def _check(valid: bool, where: str, got: object, expected: str) -> None:  # noqa: FBT001
    if not valid:
        raise InputError(
            "The recording cannot be played like this",
            where=where,
            got=got,
            expected=expected,
            remedy="see `ictal play --help`",
            code="play",
        )
