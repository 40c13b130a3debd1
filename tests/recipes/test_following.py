"""A signal that arrives in any pieces gives what its file gives."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.models.detector import DetectorConfig
from ictal.recipes import seizure_types
from ictal.recipes.config import Config
from ictal.recipes.detect import find
from ictal.recipes.detector import Detector
from ictal.recipes.following import Answer, Follower, delay_s, require_live
from ictal.recordings import edf, montages
from ictal.signals.preprocess import PreprocessConfig
from tests.recipes.live_runs import offline

LARGER = Config(model=DetectorConfig.base())
DEMO = Config(signals=PreprocessConfig(rate_hz=128, band_hz=(0.5, 48.0)), model=DetectorConfig(samples_per_step=16))


class Samples:
    """A recording's samples, and its detections as a file."""

    def __init__(self, detector: Detector, recording: Path) -> None:
        header = edf.read_header(recording)
        self.detector = detector
        self.derivation = montages.derive(montages.named(detector.config.signals.montage), header)
        self.signal_uv = edf.read_uv(header, self.derivation.labels)
        self.probability = offline(detector, recording)
        self.found = find(recording, detector)

    def follow(self, edges: list[int]) -> Iterator[Answer]:
        """The answers to the pieces between the edges, and the last one."""
        follower = Follower(self.detector, self.derivation)
        for first, stop in pairwise(edges):
            yield follower.push(self.signal_uv[:, first:stop])
        yield follower.finish()


@pytest.fixture(scope="module")
def samples(typed_forward_detector: Detector, ictal_recording: Path) -> Samples:
    return Samples(typed_forward_detector, ictal_recording)


def joined(answers: list[Answer]) -> npt.NDArray[np.float64]:
    return np.concatenate([answer.probability for answer in answers])


@settings(max_examples=12)
@given(cuts=st.lists(st.floats(0, 1), max_size=8), even=st.integers(0, 9))
def test_any_pieces_give_what_the_file_gives(samples: Samples, cuts: list[float], even: int) -> None:
    """Pieces between random edges, or of even lengths.

    A stored unit may be rounded the other way, which moves a probability by less than 0.1 %; the events are the same,
    and so are their types.
    """
    length = samples.signal_uv.shape[1]
    edges = [0, *sorted(round(cut * length) for cut in cuts), length]
    if even:
        edges = [*range(0, length, 997 * even), length]
    answers = list(samples.follow(edges))
    np.testing.assert_allclose(joined(answers), samples.probability, rtol=1e-3, atol=1e-5)
    ends = [change for answer in answers for change in answer.changes if change.ended]
    expected = samples.found.events
    assert len(expected) > 2
    assert [(end.onset_s, end.stop_s) for end in ends] == [(event.onset_s, event.stop_s) for event in expected]
    assert [end.earliest_s for end in ends] == list(samples.found.earliest_s)
    assert [end.confidence for end in ends] == [pytest.approx(event.confidence, abs=1e-4) for event in expected]
    types = samples.detector.config.model.seizure_types
    assert [seizure_types.label(types, end.beside) for end in ends] == [event.label for event in expected]
    assert len({event.label for event in expected}) > 1


def test_a_recording_that_lacks_an_electrode_is_followed_as_its_file_is_read(
    forward_detector: Detector, ictal_recording: Path, tmp_path: Path
) -> None:
    """Where missing channels are masked: what stands in their place is looked at in neither."""
    config = forward_detector.config
    masking = replace(config, signals=replace(config.signals, missing="mask"))
    detector = replace(forward_detector, config=masking)
    raw = ictal_recording.read_bytes()
    lacking = tmp_path / "lacking.edf"
    lacking.write_bytes(raw.replace(b"EEG T3-", b"EEG X3-", 1))
    header = edf.read_header(lacking)
    derivation = montages.derive(montages.named(config.signals.montage), header, policy="mask")
    assert derivation.validity.count("absent") == 1
    whole = offline(forward_detector, ictal_recording)
    follower = Follower(detector, derivation)
    signal_uv = edf.read_uv(header, derivation.labels)
    answers = [follower.push(signal_uv[:, :5000]), follower.push(signal_uv[:, 5000:]), follower.finish()]
    np.testing.assert_allclose(joined(answers), offline(detector, lacking), rtol=1e-3, atol=1e-5)
    assert not np.allclose(joined(answers), whole, rtol=1e-2)


def test_every_probability_is_known_as_early_as_is_said(samples: Samples) -> None:
    """Fed by the eighth of a second, no step is later than `delay_s` after its last sample; nor is the delay idle."""
    follower = Follower(samples.detector, samples.derivation)
    rate_hz, steps_hz = samples.derivation.rate_hz, samples.detector.steps_hz
    known, waits_s = 0, []
    for first in range(0, round(60 * rate_hz), piece := round(rate_hz / 8)):
        known += len(follower.push(samples.signal_uv[:, first : first + piece]).probability)
        waits_s.append((first + piece) / rate_hz - known / steps_hz)
    assert max(waits_s[-100:]) <= follower.delay_s
    assert max(waits_s[-100:]) >= follower.delay_s - 2 / steps_hz


@pytest.mark.parametrize("rate_hz", [200, 250, 256, 400, 500, 512, 1000])
@pytest.mark.parametrize("config", [Config(), LARGER, DEMO])
def test_buffering_is_below_a_second(config: Config, rate_hz: float) -> None:
    """With the default settings, those of the demo and the larger model, whatever the recorder's rate."""
    assert delay_s(config, rate_hz) <= 1.0


def test_what_is_remembered_does_not_grow(samples: Samples) -> None:
    """Bytes held after ten minutes are those held after one, but for part of a step."""
    follower = Follower(samples.detector, samples.derivation)
    minute = samples.signal_uv[:, : round(60 * samples.derivation.rate_hz)]
    sizes = []
    for _ in range(10):
        follower.push(minute)
        sizes.append(len(pickle.dumps((follower.preprocessor, follower.stream, follower.events))))
    assert max(sizes) - min(sizes) < 0.02 * min(sizes)


def test_a_stretch_of_nothing_says_nothing(samples: Samples) -> None:
    """Neither a probability nor an event."""
    assert [(len(answer.probability), answer.changes) for answer in samples.follow([0])] == [(0, [])]


@pytest.mark.parametrize(
    ("config", "where", "code"),
    [
        (Config(), "model.kind", "model-not-causal"),
        (Config(model=DetectorConfig(kind="gru")), "model.kind", "model-not-causal"),
        (Config(signals=PreprocessConfig(phase="zero")), "signals.phase", "signals-not-causal"),
        (Config(signals=PreprocessConfig(notch_hz="auto")), "signals.notch_hz", "signals-not-causal"),
    ],
)
def test_what_needs_the_future_is_refused_by_name(config: Config, where: str, code: str) -> None:
    """With the setting and what to do."""
    if where != "model.kind":
        config = replace(config, model=DetectorConfig(kind="mamba"))
    with pytest.raises(InputError) as error:
        require_live(config)
    assert (error.value.where, error.value.code) == (where, code)
    assert where in error.value.remedy
