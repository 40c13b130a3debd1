"""Random corpora for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import clip
from ictal.windows.index import IndexedRecording
from ictal.windows.labels import LabelRule


@st.composite
def recordings(draw: st.DrawFn, max_recordings: int = 5, max_samples: int = 60) -> list[IndexedRecording]:
    """A few short recordings of a few patients with seizures anywhere, also touching, overlapping and whole."""
    corpus = []
    for number in range(draw(st.integers(1, max_recordings))):
        samples = draw(st.integers(1, max_samples))
        edges = st.integers(0, samples)
        spans = draw(st.lists(st.tuples(edges, edges), max_size=4))
        seizures = clip(np.array(spans, dtype=np.int64).reshape(-1, 2), 0, samples)
        patient = f"p{draw(st.integers(0, 3))}"
        corpus.append(IndexedRecording(id=f"r{number}", patient=patient, samples=samples, seizures=seizures))
    return corpus


@st.composite
def grids(draw: st.DrawFn) -> WindowGrid:
    """Short windows at any stride that leaves no gap."""
    length = draw(st.integers(1, 20))
    return WindowGrid(length_samples=length, stride_samples=draw(st.integers(1, length)))


@st.composite
def rules(draw: st.DrawFn) -> LabelRule:
    """Label rules of every kind, with margins."""
    return LabelRule(
        min_ictal_samples=draw(st.integers(0, 6)),
        min_ictal_share=draw(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0])),
        margin_samples=draw(st.integers(0, 4)),
        peri_ictal_samples=draw(st.integers(0, 12)),
    )


def many_recordings(
    patients: int, recordings_each: int, seizure_patients: int, seed: int = 0
) -> list[IndexedRecording]:
    """A corpus of recordings of 6,000 samples; the first patients have a seizure of 300 samples in each recording."""
    rng = np.random.default_rng(seed)
    corpus = []
    for patient in range(patients):
        for number in range(recordings_each):
            onset = int(rng.integers(0, 5700))
            seizures = [[onset, onset + 300]] if patient < seizure_patients else []
            corpus.append(
                IndexedRecording(
                    id=f"p{patient:03}_{number}",
                    patient=f"p{patient:03}",
                    samples=6000,
                    seizures=np.array(seizures, dtype=np.int64).reshape(-1, 2),
                )
            )
    return corpus
