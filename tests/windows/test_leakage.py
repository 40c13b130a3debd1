"""The same signal in two places is found whatever it is called."""

from __future__ import annotations

import pytest

from ictal.errors import InputError
from ictal.windows.leakage import Signal, copies


def signal(name: str, patient: str = "p", part: str = "train", content: str | None = None) -> Signal:
    return Signal(id=name, patient=patient, part=part, content=content or name)


def test_different_signals_are_no_copies() -> None:
    """Whoever they belong to."""
    assert copies([signal("a"), signal("b", "q"), signal("c", "p", "dev")]) == []


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (signal("b", "q", content="a"), "signal-of-two-patients"),
        (signal("b", "q", "dev", content="a"), "signal-of-two-patients"),
        (signal("b", "p", "eval", content="a"), "signal-in-two-parts"),
    ],
)
def test_a_signal_that_serves_twice_is_an_error_that_names_both(second: Signal, code: str) -> None:
    """Under two patients, or on both sides of a split."""
    with pytest.raises(InputError) as leak:
        copies([signal("a"), signal("x"), second])
    assert leak.value.code == code
    assert "signal of a" in str(leak.value)
    assert leak.value.where == "b"


def test_a_copy_within_a_patient_and_a_part_is_listed() -> None:
    """It distorts nothing but the patient's weight."""
    assert [(a.id, b.id) for a, b in copies([signal("a"), signal("b", content="a")])] == [("a", "b")]
