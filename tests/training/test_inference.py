"""A whole recording through a model: a model that reads forward only is run as it would be live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.detection.stitching import stitch
from ictal.models.detector import Detector, DetectorConfig
from ictal.models.stem import ChannelStem
from ictal.timeline.grid import WindowGrid
from ictal.training.inference import Traces, recording_traces, streamed_traces

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


def model(kind: str, types: tuple[str, ...] = ("fnsz", "gnsz", "absz")) -> Detector:
    torch.manual_seed(4)
    config = DetectorConfig(kind=kind, samples_per_step=STEP, seizure_types=types)  # type: ignore[arg-type]
    made = Detector(config, CHANNELS, 0.2)
    with torch.no_grad():
        made.head.weight.normal_(generator=torch.Generator().manual_seed(4))
    return made.eval()


def traces_of(made: torch.nn.Module, recording: Noise, windows: int) -> Traces:
    """By windows of 8 steps, so many at once."""
    device = torch.device("cpu")
    return recording_traces(
        made, recording, length_samples=8 * STEP, samples_per_step=STEP, batch_size=windows, device=device
    )


def logits_of(kind: str, recording: Noise, windows: int) -> npt.NDArray[np.float64]:
    return traces_of(model(kind), recording, windows).logits


@settings(max_examples=20)
@given(samples=st.integers(1, 900), windows=st.integers(1, 9))
def test_a_model_that_reads_forward_sees_the_recording_from_its_beginning(samples: int, windows: int) -> None:
    """Its logits and types are those of one pass over all of it, however much it is given at once."""
    recording, made = noise(samples), model("mamba")
    whole = torch.from_numpy(recording.read_uv(0, samples + -samples % STEP)).unsqueeze(0)
    with torch.inference_mode():
        rows = made.rows(whole, torch.tensor([samples]), None)
        expected = made.answer(rows)[0].double().numpy(), made.types(rows)[0].double().numpy()
    for traces in (traces_of(made, recording, windows), streamed_traces(made, recording, chunk_samples=37)):
        for found, of_one_pass in zip(traces, expected, strict=True):
            np.testing.assert_allclose(found, of_one_pass, rtol=1e-4, atol=1e-4)


@settings(max_examples=20)
@given(samples=st.integers(1, 900), windows=st.integers(1, 9), kind=st.sampled_from(["bimamba", "gru", "linear"]))
def test_both_heads_are_stitched_from_the_same_windows(samples: int, windows: int, kind: str) -> None:
    """Each trace is what stitching that head's own answers gives, window by window."""
    recording, made = noise(samples), model(kind)
    grid = WindowGrid(length_samples=8 * STEP, stride_samples=4 * STEP)
    starts = grid.starts(np.arange(int(grid.count(samples))))
    logits, types = [], []
    with torch.inference_mode():
        for start in starts.tolist():
            window = torch.from_numpy(recording.read_uv(start, 8 * STEP)).unsqueeze(0)
            rows = made.rows(window, torch.tensor([min(samples - start, 8 * STEP)]), None)
            logits.append(made.answer(rows)[0].double().numpy())
            types.append(made.types(rows)[0].double().numpy())
    steps = -(-samples // STEP)
    traces = traces_of(made, recording, windows)
    assert (traces.logits.shape, traces.types.shape) == ((steps,), (steps, 3))
    first = starts // STEP
    np.testing.assert_allclose(traces.logits, stitch(np.stack(logits), first, steps), rtol=1e-4, atol=1e-4)
    for number in range(3):
        expected = stitch(np.stack(types)[..., number], first, steps)
        np.testing.assert_allclose(traces.types[:, number], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["mamba", "bimamba"])
def test_types_cost_no_second_pass(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers see as many samples with a second head as without, and the first head says the same."""
    seen: list[int] = []
    stem = ChannelStem.forward

    def counted(self: ChannelStem, signal: torch.Tensor, *masks: torch.Tensor) -> torch.Tensor:
        seen.append(signal.numel())
        return stem(self, signal, *masks)

    monkeypatch.setattr(ChannelStem, "forward", counted)
    found, samples = [], []
    for types in ((), ("fnsz", "gnsz")):
        made = model(kind, types)
        found.append(traces_of(made, noise(800), 4))
        samples.append(sum(seen))
        seen.clear()
    assert samples[0] == samples[1] > 0
    assert [traces.types.shape[1] for traces in found] == [0, 2]
    np.testing.assert_array_equal(found[0].logits, found[1].logits)


def test_a_module_that_is_no_detector_tells_no_types_apart() -> None:
    """It has logits alone."""

    class Power(torch.nn.Module):
        def forward(self, signal: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
            return signal.unflatten(2, (-1, STEP)).square().mean(dim=(1, 3)).log1p()

    traces = traces_of(Power(), noise(800), 4)
    assert (traces.logits.shape, traces.types.shape) == ((50,), (50, 0))


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
