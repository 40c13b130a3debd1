"""Events of an annotation, and the seizures of a recording that follow from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.events import Annotation, Event, gaps, merged, seizure_types, seizures
from tests.reference import spans as twin

pairs = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def annotation(*events: Event) -> Annotation:
    return Annotation(path=Path("x.csv"), events=events, duration_s=100.0)


@settings(max_examples=150)
@given(pairs)
def test_merged_intervals_cover_the_same_instants_once(intervals):
    """On whole seconds the union is that of sets of seconds."""
    assert [list(pair) for pair in merged(intervals)] == twin.runs(twin.samples(intervals))


@settings(max_examples=150)
@given(pairs)
def test_gaps_are_what_the_intervals_leave_free(intervals):
    """Intervals and gaps tile the recording."""
    free = set(range(40)) - twin.samples(intervals)
    assert [list(pair) for pair in gaps(intervals, 40)] == twin.runs(free)


def test_a_seizure_on_many_channels_is_one_seizure():
    """TUSZ's csv has about 22 rows for each event."""
    events = [Event(onset_s=10, stop_s=20 + n, label="fnsz", channels=(f"C{n}",)) for n in range(3)]
    assert seizures(annotation(*events)) == ((10, 22),)


def test_seizures_that_touch_are_one_and_background_is_none():
    """A change of type inside a seizure does not divide it."""
    events = [
        Event(onset_s=5, stop_s=8, label="gnsz"),
        Event(onset_s=0, stop_s=2, label="bckg"),
        Event(onset_s=2, stop_s=5, label="fnsz"),
        Event(onset_s=50, stop_s=50, label="bckg"),
    ]
    assert seizures(annotation(*events)) == ((2, 8),)


def test_a_seizure_of_no_length_is_not_lost() -> None:
    """It stops with its line; background of no length says nothing and is let be."""
    with pytest.raises(InputError, match="no length") as caught:
        seizures(annotation(Event(onset_s=50, stop_s=50, label="seiz", line=9)))
    assert (caught.value.code, caught.value.where) == ("annotation-times", "x.csv:9")


def test_an_unknown_label_names_its_line_even_beside_seizures():
    """Every label is looked at, not only those of seizures."""
    events = Event(onset_s=0, stop_s=1, label="seiz", line=7), Event(onset_s=1, stop_s=2, label="nesz", line=8)
    with pytest.raises(InputError) as caught:
        seizures(annotation(*events))
    assert caught.value.where == "x.csv:8"
    assert seizures(annotation(*events), {"nesz": "bckg"}) == ((0, 1),)


def test_the_line_is_no_part_of_what_an_event_is():
    """The same event in two files is the same event."""
    assert Event(onset_s=0, stop_s=1, label="sz", line=3) == Event(onset_s=0, stop_s=1, label="sz")
    assert Event(onset_s=0.5, stop_s=2, label="sz").duration_s == 1.5


def test_the_type_of_a_seizure_is_the_label_that_covers_most_of_it() -> None:
    """Over all channels and files; `seiz` only where nothing else is said, nothing where nothing reaches it."""

    def annotated(*rows: tuple[float, float, str]) -> Annotation:
        return annotation(*(Event(onset_s=a, stop_s=b, label=label) for a, b, label in rows))

    whole = annotated((10, 40, "seiz"), (60, 70, "seiz"))
    channels = annotated((10, 22, "fnsz"), (12, 40, "gnsz"), (0, 5, "bckg"))
    assert seizure_types([whole, channels], [(10, 40), (60, 70), (80, 90)]) == ("gnsz", "seiz", "")
