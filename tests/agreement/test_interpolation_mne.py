"""Spherical splines as MNE-Python computes them."""

from __future__ import annotations

import numpy as np
import pytest

from ictal.recordings.channels import SCALP_19
from ictal.recordings.interpolation import POSITIONS, spline_weights

mne = pytest.importorskip("mne", reason="mne is a development dependency")


@pytest.mark.parametrize("missing", [("Fz", "Pz"), ("Fp1",), ("T3", "O2", "Cz", "F4")])
def test_missing_electrodes_are_what_mne_makes_of_the_others(missing):
    """White noise of 50 µV at the others; the same positions on a sphere of 95 mm."""
    signal_v = np.random.default_rng(0).normal(0, 50e-6, (19, 20))
    raw = mne.io.RawArray(signal_v.copy(), mne.create_info(list(SCALP_19), 256, "eeg"), verbose="ERROR")
    places = {name: 0.095 * np.array(position) for name, position in POSITIONS.items()}
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    raw.info["bads"] = list(missing)
    raw.interpolate_bads(origin=(0.0, 0.0, 0.0), verbose="ERROR")
    measured = tuple(name for name in SCALP_19 if name not in missing)
    ours_v = spline_weights(measured, missing) @ signal_v[[SCALP_19.index(name) for name in measured]]
    np.testing.assert_allclose(ours_v, raw.get_data(picks=list(missing)), atol=1e-9)
