"""Whether the same signal serves twice: under two patients, or on both sides of a split.

Names prove little: a recording is copied under another name, or a child is in a corpus twice. Signals prove it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ictal.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What decides whether a recording leaks.

    Args:
        id: The recording's name.
        patient: Whose it is, aliases resolved.
        part: What it serves for.
        content: Hash of its signal.
    """

    id: str
    patient: str
    part: str
    content: str


def copies(signals: Sequence[Signal]) -> list[tuple[Signal, Signal]]:
    """Recordings of one patient and one part whose signal was there before, each with the first that had it.

    Raises:
        InputError: if one signal serves under two patients (code `signal-of-two-patients`) or in two parts
            (`signal-in-two-parts`).
    """
    first: dict[str, Signal] = {}
    found = []
    for signal in signals:
        before = first.setdefault(signal.content, signal)
        if before is signal:
            continue
        if before.patient != signal.patient:
            raise _leak(
                before,
                signal,
                what="The same signal is recorded under two patients",
                code="signal-of-two-patients",
                remedy="they are one patient or one of them is a copy: leave one out (corpus.exclude)",
            )
        if before.part != signal.part:
            raise _leak(
                before,
                signal,
                what="The same signal serves in two parts of the split",
                code="signal-in-two-parts",
                remedy="leave one out (corpus.exclude)",
            )
        found.append((before, signal))
    return found


def _leak(before: Signal, signal: Signal, *, what: str, code: str, remedy: str) -> InputError:
    return InputError(
        what,
        where=signal.id,
        got=f"the signal of {before.id}: patients {before.patient} and {signal.patient}, "
        f"parts {before.part} and {signal.part}",
        expected="a signal of its own",
        remedy=remedy,
        code=code,
    )
