"""Labels and weights of time steps, against a loop over every sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.timeline.grid import WindowGrid
from ictal.windows.dataset import NO_TYPE, step_labels, step_types
from ictal.windows.index import IndexedRecording, build
from ictal.windows.labels import LabelRule
from tests.windows.strategies import recordings


@given(recordings(max_samples=70), st.integers(0, 6), st.sampled_from([1, 2, 4]))
@settings(max_examples=80)
def test_every_step_is_what_its_samples_are(corpus: list[IndexedRecording], margin: int, step: int) -> None:
    """A sample near an onset or stop, or past the end, has no weight; the label is the ictal share of the others."""
    grid = WindowGrid(length_samples=12, stride_samples=5)
    index = build(corpus, grid, LabelRule(margin_samples=margin))
    windows = np.arange(index.windows)
    labels, weights = step_labels(index, windows, step)
    owner, starts = index.locate(windows)
    for window, (recording, start) in enumerate(zip(owner.tolist(), starts.tolist(), strict=True)):
        samples, seizures = corpus[recording].samples, corpus[recording].seizures.tolist()
        for place in range(12 // step):
            held = [
                any(a <= t < b for a, b in seizures)
                for t in range(start + place * step, min(start + (place + 1) * step, samples))
                if not any(edge - margin <= t < edge + margin for span in seizures for edge in span)
            ]
            assert weights[window, place] == len(held) / step
            assert labels[window, place] == np.float32(sum(held) / len(held) if held else 0)


@given(recordings(max_samples=70), st.sampled_from([1, 2, 4]), st.lists(st.sampled_from(["a", "b", "c"]), min_size=40))
@settings(max_examples=80)
def test_every_ictal_step_has_the_type_of_its_first_seizure(
    corpus: list[IndexedRecording], step: int, kinds: list[str]
) -> None:
    """Two types are told apart; a step of another, or of background, has none."""
    turn = iter(kinds * 10)
    typed = [replace(recording, types=tuple(next(turn) for _ in recording.seizures)) for recording in corpus]
    index = build(typed, WindowGrid(length_samples=12, stride_samples=5))
    windows = np.arange(index.windows)
    shift = windows % 4
    labels, _ = step_labels(index, windows, step, shift)
    found = step_types(index, windows, labels, ("b", "a"), shift)
    owner, starts = index.locate(windows)
    starts = starts + shift
    for window, (recording_number, start) in enumerate(zip(owner.tolist(), starts.tolist(), strict=True)):
        one = typed[recording_number]
        for place in range(12 // step):
            samples = range(start + place * step, min(start + (place + 1) * step, one.samples))
            spans = zip(one.seizures.tolist(), one.types, strict=True)
            met = [kind for (a, b), kind in spans if any(a <= t < b for t in samples)]
            expected = {"b": 0, "a": 1}.get(met[0], NO_TYPE) if met else NO_TYPE
            assert found[window, place] == expected
    assert (step_types(index, windows, labels, ()) == NO_TYPE).all()
