"""The GRU's own way to read the first steps of each sequence, against PyTorch's packed sequences."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ictal.models.baselines import GatedRecurrence, UNetStem

STEPS, WIDTH = 12, 5


def packed(layer: GatedRecurrence, hidden: Tensor, steps: Tensor) -> Tensor:
    """The slow twin: sequences of their own lengths, packed."""
    own = pack_padded_sequence(hidden, steps, batch_first=True, enforce_sorted=False)
    both, _ = pad_packed_sequence(layer.gru(own)[0], batch_first=True, total_length=STEPS)
    answer: Tensor = layer.out_proj(both)
    return answer


@given(steps=st.lists(st.integers(1, STEPS), min_size=1, max_size=4), seed=st.integers(0, 2**16))
@settings(max_examples=40)
def test_a_gru_reads_the_steps_that_are_kept_as_a_packed_sequence(steps: list[int], seed: int) -> None:
    """Outputs of kept steps and gradients of weights and input, whatever the lengths."""
    torch.manual_seed(seed)
    layer, count = GatedRecurrence(WIDTH).double(), torch.tensor(steps)
    hidden = torch.randn(len(steps), STEPS, WIDTH, dtype=torch.float64, requires_grad=True)
    keep = torch.arange(STEPS) < count.unsqueeze(1)
    wanted = [hidden, *layer.parameters()]
    found = []
    for answer in (layer(hidden, keep), packed(layer, hidden, count)):
        kept = answer[keep]
        found.append((kept, *torch.autograd.grad(kept.sin().sum(), wanted)))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("width", [1, 3, 7, 8, 20, 129, 200])
def test_a_u_net_has_whatever_width_is_asked_for(width: int) -> None:
    """Narrower than its narrowest level otherwise is, and no multiple of its heads."""
    stem = UNetStem(width, channels=2, samples_per_step=8, layers=1, dropout=0.0)
    assert stem(torch.randn(2, 2, 64)).shape == (2, 8, width)
