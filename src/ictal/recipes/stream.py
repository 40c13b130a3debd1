"""`ictal detect --stream`: the seizures of a signal that is still arriving, said as they begin and end.

Every line on stdout is one JSON object with a `kind`: `start`, `begin`, `end`, `gap`, `silent`, `stop`. Times are in
seconds from the first sample. Samples that do not follow each other are never joined: the gap is said, what was going
on ends there, and the detector begins anew after it. With a file to write, every gapless stretch is a recording of its
own, whose file is replaced as a whole whenever an event ends, once a minute, and at the end.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ictal.detection.following import Change
from ictal.errors import InputError
from ictal.recipes import seizure_types, writing
from ictal.recipes.detector import Detector
from ictal.recipes.following import Follower, require_live
from ictal.recipes.writing import Format, Found
from ictal.recordings import montages
from ictal.recordings.arriving.continuity import Arrived, Source
from ictal.recordings.arriving.growing import GrowingEdf
from ictal.recordings.arriving.lsl import LslStream
from ictal.recordings.events import Event
from ictal.recordings.timekeeping import Gap

WAIT_S = 0.02
"""Between two looks at a source from which nothing has come."""
SILENT_S = 5.0
"""After so long without a sample, that is said."""
KEEP_EVERY_S = 60.0
"""Length of stream after which the file is written again even if no event has ended."""

Say = Callable[[dict[str, Any]], None]


def open_source(name: str, unit: str = "") -> Source:
    """What `--stream` names: `lsl`, `lsl:NAME`, or the file that a recorder is writing.

    Raises:
        InputError: as `LslStream` and `GrowingEdf` do.
    """
    if name == "lsl" or name.startswith("lsl:"):
        return LslStream(name.removeprefix("lsl").removeprefix(":"), unit=unit)
    return GrowingEdf(Path(name))


def as_line(document: dict[str, Any]) -> None:
    """Print one JSON object as a line, at once."""
    print(json.dumps(document, allow_nan=False), flush=True)


@dataclass(kw_only=True)
class Stretch:
    """Samples that follow each other, and what was found in them.

    Args:
        number: From 0.
        start_s: Its first sample, in seconds from the first of all.
        follower: The detector.
        events: Those that have ended.
        earliest_s: When each may have begun.
    """

    number: int
    start_s: float
    follower: Follower
    events: list[Event] = field(default_factory=list)
    earliest_s: list[float] = field(default_factory=list)

    @property
    def stop_s(self) -> float:
        """After its last sample, in seconds from the first of all."""
        return self.start_s + self.follower.duration_s


class Session:
    """A detector on a source, from the first sample to the last.

    Args:
        detector: One with a threshold that can go with a signal.
        source: Where the signal arrives.
        say: Takes every line.
        target: File to write as well, if any; further stretches are written beside it.

    Raises:
        InputError: if the detector cannot go with a signal, the source lacks a channel, as for a file, or the target
            cannot be written, or holds what a stream has had found (`output-exists`).
    """

    def __init__(self, detector: Detector, source: Source, say: Say, target: Path | None = None) -> None:
        require_live(detector.config)
        signals = detector.config.signals
        self.derivation = montages.derive(montages.named(signals.montage), source.header, policy=signals.missing)
        self.detector, self.source, self.say = detector, source, say
        self.target = target
        self.form: Format | None = None if target is None else writing.format_of(target)
        if target is not None and self.form is not None:
            writing.require_writable(target, self.form)
            _require_new(target, source)
        self.started: dt.datetime | None = source.header.start
        self.stretch = Stretch(number=0, start_s=0.0, follower=Follower(detector, self.derivation))
        self.begun = self.ended = 0
        self.kept_s = 0.0

    def run(self, stopped: Callable[[], bool]) -> None:
        """Follow the source until it is over, it fails or somebody asks to stop; then say what is left.

        Raises:
            InputError: if the source fails.
        """
        self._say_start()
        try:
            with closing(self.source):
                reason = self._follow(stopped)
        except InputError as error:
            self._end_with(f"the source failed: {error.code}")
            raise
        self._end_with(reason)

    def _end_with(self, reason: str) -> None:
        self._end_stretch()
        self._say_stop(reason)

    def _follow(self, stopped: Callable[[], bool]) -> str:
        """Follow the source; returns why no longer."""
        heard_s, silent = time.monotonic(), False
        while not stopped():
            arrived = self.source.take(self.derivation.labels, WAIT_S)
            if arrived is None:
                return "the recording is over"
            if arrived:
                heard_s, silent = time.monotonic(), False
            elif not silent and time.monotonic() - heard_s > SILENT_S:
                silent = True
                self.say({"kind": "silent", "since_s": _rounded(self.stretch.stop_s)})
            for piece in arrived:
                self._take(piece)
        return "interrupted"

    def _take(self, piece: Arrived) -> None:
        if self.started is None:
            lasted = dt.timedelta(seconds=piece.signal_uv.shape[1] / self.derivation.rate_hz)
            self.started = (dt.datetime.now() - lasted).replace(microsecond=0)  # noqa: DTZ005 - a recorder's clock is local
        if piece.gap is not None:
            self._gap(piece.gap)
        answer = self.stretch.follower.push(piece.signal_uv)
        ended = [change for change in answer.changes if change.ended]
        self._say_changes(answer.changes)
        if ended or self.stretch.follower.duration_s - self.kept_s >= KEEP_EVERY_S:
            self._keep()

    def _gap(self, gap: Gap) -> None:
        """End what was going on, and begin anew where the samples go on."""
        self._end_stretch()
        self.say({"kind": "gap", "stop_s": _rounded(gap.stop_s), "resume_s": _rounded(gap.resume_s)})
        follower = Follower(self.detector, self.derivation)
        self.kept_s = 0.0
        self.stretch = Stretch(number=self.stretch.number + 1, start_s=gap.resume_s, follower=follower)

    def _end_stretch(self) -> None:
        self._say_changes(self.stretch.follower.finish().changes)
        if self.stretch.follower.received:
            self._keep()

    def _say_changes(self, changes: list[Change]) -> None:
        for change in changes:
            self.begun += not change.ended
            self.ended += change.ended
            label = seizure_types.label(self.detector.config.model.seizure_types, change.beside)
            self._say_change(change, label)
            if change.ended:
                confidence = round(change.confidence, 4)
                event = Event(onset_s=change.onset_s, stop_s=change.stop_s, label=label, confidence=confidence)
                self.stretch.events.append(event)
                self.stretch.earliest_s.append(change.earliest_s)

    def _say_change(self, change: Change, label: str) -> None:
        start_s = self.stretch.start_s
        document: dict[str, Any] = {
            "kind": "end" if change.ended else "begin",
            "event": self.begun,
            "onset_s": _rounded(start_s + change.onset_s),
            "onset_earliest_s": _rounded(start_s + change.earliest_s),
        }
        if change.ended:
            document["stop_s"] = _rounded(start_s + change.stop_s)
        self.say(
            {
                **document,
                "label": label,
                "confidence": round(change.confidence, 4),
                "known_s": _rounded(self.stretch.stop_s),
                "onset_time": self._clock(start_s + change.onset_s),
            }
        )

    def _say_start(self) -> None:
        config = self.detector.config
        self.say(
            {
                "kind": "start",
                "source": str(self.source.header.path),
                "rate_hz": self.derivation.rate_hz,
                "channels": list(self.derivation.channels),
                "steps_hz": self.detector.steps_hz,
                "delay_s": _rounded(self.stretch.follower.delay_s),
                "begin_known_after_s": _rounded(self.stretch.follower.delay_s + config.events.min_duration_s),
                "end_known_after_s": _rounded(self.stretch.follower.delay_s + config.events.merge_gap_s),
                "doubt": self.detector.unreached,
                "backend": self.detector.backend,
            }
        )

    def _say_stop(self, reason: str) -> None:
        self.say(
            {
                "kind": "stop",
                "reason": reason,
                "duration_s": _rounded(self.stretch.stop_s),
                "events": self.ended,
                "gaps": self.stretch.number,
            }
        )

    def _keep(self) -> None:
        self.kept_s = self.stretch.follower.duration_s
        if self.target is None or self.form is None:
            return
        place = _numbered(self.target, self.stretch.number)
        writing.require_writable(place, self.form)
        found = Found(
            recording=self.source.header.path.stem,
            events=self.stretch.events,
            earliest_s=self.stretch.earliest_s,
            duration_s=self.stretch.follower.duration_s,
            start=None if self.started is None else self.started + dt.timedelta(seconds=self.stretch.start_s),
        )
        writing.write(place, found, self.form)

    def _clock(self, since_start_s: float) -> str | None:
        if self.started is None:
            return None
        return (self.started + dt.timedelta(seconds=since_start_s)).isoformat(timespec="milliseconds")


def _rounded(seconds: float) -> float:
    return round(seconds, 4)


def _require_new(target: Path, source: Source) -> None:
    """Refuse to write over what was found in a signal that is gone; a file can be followed again."""
    there = [path for path in (_numbered(target, stretch) for stretch in (0, 1)) if path.exists()]
    if there and source.header.start is None:
        raise InputError(
            "The detections of an earlier stream would be lost",
            where=there[0],
            got="a file",
            expected="none yet: a stream does not come again",
            remedy="name another file, or move this one and those of its later stretches",
            code="output-exists",
        )


def _numbered(target: Path, stretch: int) -> Path:
    """`live_events.tsv` for the first stretch, then `live_2_events.tsv` and so on."""
    if stretch == 0:
        return target
    stem, tail = target.stem.removesuffix("_events"), "_events" if target.stem.endswith("_events") else ""
    return target.with_name(f"{stem}_{stretch + 1}{tail}{target.suffix}")
