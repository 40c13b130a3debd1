"""A whole recording through a model: a model that reads forward only is run as it would be live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.models.detector import Detector, DetectorConfig
from ictal.training.inference import recording_logits, streamed_logits

CHANNELS, STEP = 3, 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """A recording of noise."""

    signal_uv: npt.NDArray[np.float32]

    @property
    def samples(self) -> int:
        """Its length."""
        return int(self.signal_uv.shape[1])

    @property
    def valid_channels(self) -> npt.NDArray[np.bool_]:
        """All but those of which nothing is a number."""
        return ~np.isnan(self.signal_uv).all(axis=1)

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """Zero past the end."""
        window = np.zeros((CHANNELS, length_samples), dtype=np.float32)
        inside = self.signal_uv[:, start_sample : start_sample + length_samples]
        window[:, : inside.shape[1]] = inside
        return window


def noise(samples: int) -> Noise:
    return Noise(signal_uv=40 * np.random.default_rng(samples).standard_normal((CHANNELS, samples), dtype=np.float32))


def model(kind: str) -> Detector:
    torch.manual_seed(4)
    made = Detector(DetectorConfig(kind=kind, samples_per_step=STEP), CHANNELS, 0.2)  # type: ignore[arg-type]
    with torch.no_grad():
        made.head.weight.normal_()
    return made.eval()


def logits_of(kind: str, recording: Noise, windows: int) -> npt.NDArray[np.float64]:
    """By windows of 8 steps, so many at once."""
    device = torch.device("cpu")
    return recording_logits(
        model(kind), recording, length_samples=8 * STEP, samples_per_step=STEP, batch_size=windows, device=device
    )


@settings(max_examples=20, deadline=None)
@given(samples=st.integers(1, 900), windows=st.integers(1, 9))
def test_a_model_that_reads_forward_sees_the_recording_from_its_beginning(samples: int, windows: int) -> None:
    """Its logits are those of one pass over all of it, however much it is given at once."""
    recording = noise(samples)
    whole = torch.from_numpy(recording.read_uv(0, samples + -samples % STEP)).unsqueeze(0)
    with torch.inference_mode():
        expected = model("mamba")(whole, torch.tensor([samples]))[0].double().numpy()
    np.testing.assert_allclose(logits_of("mamba", recording, windows), expected, rtol=1e-4, atol=1e-4)
    streamed = streamed_logits(model("mamba"), recording, chunk_samples=37)
    np.testing.assert_allclose(streamed, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 16, 100, 800])
@pytest.mark.parametrize("kind", ["mamba", "bimamba", "linear"])
def test_every_step_has_one_logit(kind: str, samples: int) -> None:
    """The last one may be part of a step."""
    logits = logits_of(kind, noise(samples), 4)
    assert logits.shape == (-(-samples // STEP),)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("kind", ["mamba", "bimamba", "shallow"])
def test_a_channel_that_the_recording_lacks_reaches_no_logit(kind: str) -> None:
    """Not a number of it: the answers are finite, and those of any other content."""
    lacking, zero = noise(300).signal_uv.copy(), noise(300).signal_uv.copy()
    lacking[1], zero[1] = np.nan, 0
    answer = logits_of(kind, Noise(signal_uv=lacking), 4)
    assert np.isfinite(answer).all()
    assert not np.allclose(answer, logits_of(kind, Noise(signal_uv=zero), 4), atol=1e-3)
