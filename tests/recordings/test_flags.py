"""Flat and saturated channels."""

from __future__ import annotations

import numpy as np

from ictal.recordings.flags import flags


def test_flat_and_saturated_channels_are_flagged():
    """One value throughout; over 1 % of samples at either limit."""
    signal_uv = np.random.default_rng(0).normal(0, 20, (4, 1000)).astype(np.float32)
    signal_uv[1] = 7
    signal_uv[2, :11] = -500
    signal_uv[3, :10] = 500
    found = flags(signal_uv, ["C3", "C4", "Cz", "Pz"], [(-500, 500)] * 4)
    assert (found.flat, found.saturated) == (("C4",), ("Cz",))
