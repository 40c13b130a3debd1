"""The learning rate of every step, and which parameters decay."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from torch import nn

from ictal.training.optimiser import adamw, learning_rate


def test_the_first_step_is_far_from_the_peak_and_the_last_near_zero() -> None:
    """Oracle values of a run of 100 steps with 9 of warm-up."""
    rates = [learning_rate(step, peak=1.0, warmup_steps=9, steps=100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[8] == pytest.approx(0.9)
    assert rates[9] == 1.0 == max(rates)
    assert rates[99] == pytest.approx(0.5 * (1 + math.cos(math.pi * 90 / 91)))
    assert rates[99] < 0.001
    assert all(later <= earlier for earlier, later in pairwise(rates[9:]))


def test_norms_biases_and_the_state_spaces_own_parameters_do_not_decay() -> None:
    """Every parameter is in one group, matrices alone in the decayed one."""

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = nn.Linear(3, 4)
            self.norm = nn.LayerNorm(4)
            self.A_log = nn.Parameter(nn.Linear(2, 2).weight.detach())

    layer = Layer()
    decayed, kept = adamw(layer, 1e-3, 0.1).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert [id(p) for p in decayed["params"]] == [id(layer.proj.weight)]
    assert len(kept["params"]) == 4
