"""What only the signals tell: flat and saturated channels, values out of range, checksums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.recordings import edf
from ictal.recordings.flags import SATURATED_SHARE, Flags, examined
from tests.reference.edf_bytes import Channel, edf_bytes

LIMITS = ("-2000", "2000")


def flags_of(folder: Path, values: dict[str, list[int]], **header: str) -> Flags:
    channels = [Channel(label=name, samples=[row], digital=LIMITS) for name, row in values.items()]
    path = folder / "x.edf"
    path.write_bytes(edf_bytes(channels, **header))
    return examined(edf.read_header(path))


def test_a_channel_of_one_value_is_flat(tmp_path):
    """Whatever the value; a single other sample makes it a signal."""
    found = flags_of(tmp_path, {"C3": [0] * 300, "C4": [7] * 300, "Cz": [7] * 299 + [8]})
    assert (found.flat, found.saturated, found.out_of_range) == (("C3", "C4"), (), ())


def test_a_channel_at_its_limit_for_over_a_percent_is_saturated(tmp_path):
    """Either limit; one percent exactly is allowed, and a flat channel is flat only."""
    rest = [*range(-99, 0), *range(1, 100)]
    rows = {"C3": [2000, -2000, *rest[:198]], "C4": [2000, 2000, 2000, *rest[:197]], "Cz": [-2000] * 200}
    found = flags_of(tmp_path, rows)
    assert (found.flat, found.saturated, found.out_of_range) == (("Cz",), ("C4",), ())


def test_a_sample_beyond_the_stated_limits_is_out_of_range(tmp_path):
    """One is enough: the header is wrong about the file."""
    found = flags_of(tmp_path, {"C3": [2001, *range(199)], "C4": [-2001, *range(199)], "Cz": list(range(200))})
    assert found.out_of_range == ("C3", "C4")
    assert found.saturated == ()


def test_the_checksum_is_of_the_signal_alone(tmp_path):
    """Another date and name keep it, another sample does not."""
    values = {"C3": list(range(50))}
    first = flags_of(tmp_path, values).checksum
    assert flags_of(tmp_path, values, date="09.09.09", patient="Y").checksum == first
    assert flags_of(tmp_path, {"C3": [*range(49), 50]}).checksum != first


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 40))
def test_flags_are_what_a_look_at_the_whole_signal_says(tmp_path_factory, seed, records, samples):
    """Block by block, or all at once."""
    rng = np.random.default_rng(seed)
    width = int(rng.choice([1, 3, 2001]))
    values = {name: rng.integers(-width, width + 1, (records, samples)) for name in ("C3", "C4", "Cz")}
    path = tmp_path_factory.mktemp("edf") / "x.edf"
    channels = [Channel(label=n, samples=v.tolist(), digital=("-3", "3")) for n, v in values.items()]
    path.write_bytes(edf_bytes(channels))
    found = examined(edf.read_header(path))
    flat = {name for name, v in values.items() if (v == v[0, 0]).all()}
    assert set(found.flat) == flat
    assert set(found.out_of_range) == {name for name, v in values.items() if (abs(v) > 3).any()}
    saturated = {name for name, v in values.items() if (abs(v) >= 3).mean() > SATURATED_SHARE}
    assert set(found.saturated) == saturated - flat


def test_equal_labels_of_different_samples_are_contradictory(tmp_path):
    """CHB-MIT's T8-P8 occurs twice with the same samples, which is no harm."""
    same, other = list(range(40)), [*range(39), 0]
    channels = [
        Channel(label=label, samples=[row])
        for label, row in (("T8-P8", same), ("C3", same), ("T8-P8", same), ("C3", same), ("C3", other))
    ]
    (tmp_path / "x.edf").write_bytes(edf_bytes(channels))
    assert examined(edf.read_header(tmp_path / "x.edf")).contradictory == ("C3",)
