"""CHB-MIT's `.edf.seizures`: a WFDB annotation file beside each recording with a seizure.

Format: little-endian words of 16 bits. The upper six bits are a code, the lower ten the samples since the word before
it; code 59 adds the 32 bits that follow to the next interval (upper half first), code 63 is followed by as many bytes
of text, padded to an even number, and a word of zero ends the file. A note `## time resolution: N` states the samples
per second; a seizure is a pair of codes 32 (`[`) and 33 (`]`).

Invariant: every byte is understood, or reading stops at it. Source: WFDB Programmer's Guide, "MIT annotation format".
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ictal.errors import InputError
from ictal.recordings.events import Annotation, Event

SUFFIX = ".seizures"
LABEL = "seiz"

_END, _PLACE, _NOTE, _ONSET, _STOP, _SKIP, _TEXT = 0, 0, 22, 32, 33, 59, 63
_RATE = re.compile(rb"## time resolution: (\d{1,6}(?:\.\d{1,6})?)")


@dataclass(frozen=True, kw_only=True)
class _Mark:
    code: int
    sample: int
    text: bytes
    byte: int


def read(path: Path) -> Annotation:
    """Read a `.seizures` file, strictly.

    Raises:
        InputError: at the first byte that does not follow the format (codes `annotation-unreadable`,
            `annotation-header`, `annotation-row`, `annotation-times`, `annotation-empty`).
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        _fault(path, 0, "The file cannot be read", str(error), "a WFDB annotation file", "annotation-unreadable")
    marks = _marks(path, raw)
    stated = _RATE.fullmatch(marks[0].text) if marks else None
    if stated is None or float(stated[1]) <= 0:
        got = repr(marks[0].text.decode("latin-1")) if marks else "end of file"
        _fault(path, 0, "The header differs", got, "## time resolution: <samples per second>", "annotation-header")
    rate_hz = float(stated[1])
    edges = [mark for mark in marks[1:] if mark.code != _PLACE]
    if not edges:
        _fault(path, len(raw), "There is no seizure", "end of file", "at least one pair [ and ]", "annotation-empty")
    pairs = [edges[n : n + 2] for n in range(0, len(edges), 2)]
    return Annotation(path=path, events=tuple(_event(path, pair, rate_hz) for pair in pairs), duration_s=None)


def _marks(path: Path, raw: bytes) -> list[_Mark]:
    """Every word with what belongs to it, to the word of zero that ends the file."""
    marks: list[_Mark] = []
    at, sample, text = 0, 0, b""
    while True:
        word, at = _word(path, raw, at)
        code, since = word >> 10, word & 0x3FF
        if code == _SKIP and since == 0:
            high, at = _word(path, raw, at)
            low, at = _word(path, raw, at)
            sample += struct.unpack(">i", struct.pack(">HH", high, low))[0]
        elif code == _TEXT and marks:
            text, at = raw[at : at + since], at + since + since % 2
            marks[-1] = _Mark(code=marks[-1].code, sample=marks[-1].sample, text=text, byte=marks[-1].byte)
        elif word == _END:
            break
        elif code in {_PLACE, _NOTE, _ONSET, _STOP}:
            sample += since
            marks.append(_Mark(code=code, sample=sample, text=b"", byte=at - 2))
        else:
            _fault(path, at - 2, "The code is not understood", str(code), "a seizure's [ or ]", "annotation-row")
    if at != len(raw):
        _fault(path, at, "There are bytes after the end", f"{len(raw) - at}", "none", "annotation-row")
    return marks


def _word(path: Path, raw: bytes, at: int) -> tuple[int, int]:
    """The word at a byte, and the byte after it."""
    if at + 2 > len(raw):
        _fault(path, at, "The file ends too early", "end of file", "a word of zero at the end", "annotation-row")
    return int.from_bytes(raw[at : at + 2], "little"), at + 2


def _event(path: Path, pair: list[_Mark], rate_hz: float) -> Event:
    codes = [mark.code for mark in pair]
    if codes != [_ONSET, _STOP]:
        shown = " ".join({_ONSET: "[", _STOP: "]"}.get(code, str(code)) for code in codes)
        _fault(path, pair[0].byte, "A seizure has not both its ends", shown, "[ and then ]", "annotation-row")
    onset, stop = pair
    if not 0 <= onset.sample < stop.sample:
        times = f"samples {onset.sample} to {stop.sample}"
        _fault(path, onset.byte, "The seizure does not stop after it starts", times, "start < stop", "annotation-times")
    return Event(onset_s=onset.sample / rate_hz, stop_s=stop.sample / rate_hz, label=LABEL)


def _fault(path: Path, byte: int, what: str, got: str, expected: str, code: str) -> NoReturn:
    remedy = "mend the file or take the recording out of the corpus; unreadable labels are never skipped"
    raise InputError(what, where=f"{path}, byte {byte}", got=got, expected=expected, remedy=remedy, code=code)
