"""A stream's answers are the whole recording's answers, whatever the pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.models.detector import Detector, DetectorConfig
from ictal.models.mamba import Mamba2
from ictal.models.streaming import LOOKAHEAD_ROWS, LOOKBACK_ROWS, Stream

CHANNELS, STEP = 3, 16


def detector(kind: str = "mamba", steps_per_row: int = 1) -> Detector:
    torch.manual_seed(4)
    config = DetectorConfig(
        kind=kind,  # type: ignore[arg-type]
        samples_per_step=STEP // steps_per_row,
        steps_per_row=steps_per_row,
        layers=2,
        seizure_types=("fnsz", "gnsz"),
    )
    model = Detector(config, CHANNELS, 0.2)
    with torch.no_grad():
        model.head.weight.normal_()
    return model.eval()


@settings(max_examples=25)
@given(
    samples=st.integers(1, 900),
    cuts=st.lists(st.integers(0, 900), max_size=6),
    seed=st.integers(0, 2**16),
    steps_per_row=st.sampled_from([1, 4, STEP]),
)
def test_a_stream_equals_the_recording_in_any_pieces(
    samples: int, cuts: list[int], seed: int, steps_per_row: int
) -> None:
    """Pieces of any size, none and single samples among them, give both heads' answers to the whole recording."""
    model = detector(steps_per_row=steps_per_row)
    signal = 40 * torch.randn(CHANNELS, samples, generator=torch.Generator().manual_seed(seed))
    padded = torch.nn.functional.pad(signal, (0, -samples % STEP)).unsqueeze(0)
    with torch.inference_mode():
        answers = model.answers(padded, torch.tensor([samples]))
        expected = [answer[0, : -(-samples * steps_per_row // STEP)] for answer in answers]
    stream = Stream(model)
    edges = [0, *sorted(min(cut, samples) for cut in cuts), samples]
    pieces = [stream.push(signal[:, a:b]) for a, b in pairwise(edges)]
    for found, whole in zip(zip(*pieces, stream.finish(), strict=True), expected, strict=True):
        torch.testing.assert_close(torch.cat(found), whole, rtol=1e-4, atol=1e-4)


def test_a_stream_looks_at_no_channel_that_is_absent() -> None:
    """Not a number of it; the logits are those of the whole recording with the same mask."""
    model, valid = detector(), torch.tensor([True, False, True])
    signal = 40 * torch.randn(CHANNELS, 500, generator=torch.Generator().manual_seed(3))
    padded = torch.nn.functional.pad(signal, (0, -500 % STEP)).unsqueeze(0)
    with torch.inference_mode():
        expected = model(padded, torch.tensor([500]), valid.unsqueeze(0))[0]
    signal[1] = torch.nan
    stream = Stream(model, valid)
    answers = [stream.push(signal[:, :77]), stream.push(signal[:, 77:]), stream.finish()]
    torch.testing.assert_close(torch.cat([answer.logits for answer in answers]), expected, rtol=1e-4, atol=1e-4)


def test_memory_is_bounded_and_latency_is_as_stated() -> None:
    """However long it runs, a stream keeps a few steps of signal, and each push answers all that can be answered."""
    stream = Stream(detector())
    kept = []
    for piece in torch.randn(CHANNELS, 200 * STEP).split(STEP, dim=1):
        stream.push(piece)
        kept.append(stream.buffer.shape[-1])
    assert max(kept) <= (LOOKBACK_ROWS + LOOKAHEAD_ROWS + 1) * STEP
    assert stream.answered == 200 - LOOKAHEAD_ROWS
    assert stream.latency_samples == LOOKAHEAD_ROWS * STEP


def test_a_layer_goes_on_where_it_stopped() -> None:
    """Output of a sequence in two parts is the output of the whole."""
    torch.manual_seed(0)
    layer = Mamba2(8, state=6, head_dim=4)
    hidden = torch.randn(2, 50, 8)
    first, memory = layer.resume(hidden[:, :1], None)
    second, _ = layer.resume(hidden[:, 1:], memory)
    torch.testing.assert_close(torch.cat([first, second], dim=1), layer(hidden), rtol=1e-5, atol=1e-6)


def test_a_detector_that_reads_backward_is_refused() -> None:
    """It would have to know the end of the recording."""
    with pytest.raises(InputError, match="mamba"):
        Stream(detector("bimamba"))
