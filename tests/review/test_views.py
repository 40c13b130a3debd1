"""Montages and filters over any span of a recording."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from ictal.errors import InputError
from ictal.recordings import montages
from ictal.recordings.channels import SCALP_19
from ictal.recordings.edf import read_header, read_uv
from ictal.review.regions import region
from ictal.review.views import RECORDED, TITLES, Eeg, View, look, offered
from tests.reference.edf_bytes import Channel, constant, edf_bytes
from tests.review.recordings import RATE_HZ, write_edf

EVERYTHING = View(montage="average-19", low_hz=0.5, high_hz=35.0, notch_hz=50.0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 s of 19 channels."""
    return write_edf(tmp_path_factory.mktemp("views") / "a.edf")


def _open(path: Path, view: View) -> Eeg:
    return look(read_header(path), view)


@functools.cache
def _whole(path: Path, view: View) -> np.ndarray:
    eeg = _open(path, view)
    return eeg.read_uv(0, eeg.samples)


@pytest.mark.parametrize("view", [EVERYTHING, View(montage="double-banana-18", high_hz=20.0), View(montage=RECORDED)])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 300 * RATE_HZ), length=st.integers(0, 4000))
def test_a_span_is_the_same_wherever_the_page_begins(path: Path, view: View, start: int, length: int) -> None:
    """What is read for a page is that piece of the whole recording, filtered as a whole."""
    eeg = _open(path, view)
    stop = min(start + length, eeg.samples)
    np.testing.assert_allclose(eeg.read_uv(start, stop), _whole(path, view)[:, start:stop], atol=2e-3)


def test_filters_are_those_of_scipy(path: Path) -> None:
    """A band-pass of second order, run from the first sample's level; the raw signal is the file's."""
    header = read_header(path)
    raw = read_uv(header, header.labels)
    np.testing.assert_array_equal(_open(path, View(montage=RECORDED)).read_uv(0, raw.shape[1]), raw)
    band = butter(2, (1.0, 30.0), btype="bandpass", fs=RATE_HZ, output="sos")
    expected = sosfilt(band, (raw - raw[:, :1]).astype(np.float64), axis=1)
    shown = _open(path, View(montage=RECORDED, low_hz=1.0, high_hz=30.0)).read_uv(0, raw.shape[1])
    np.testing.assert_allclose(shown, expected, atol=1e-3)


def test_an_offset_survives_a_low_pass_and_not_a_high_pass(tmp_path: Path) -> None:
    """An electrode's constant rings in neither."""
    path = tmp_path / "a.edf"
    path.write_bytes(edf_bytes([constant(name, records=20, samples=RATE_HZ, value=900) for name in SCALP_19]))
    low_pass, high_pass = View(montage=RECORDED, high_hz=30.0), View(montage=RECORDED, low_hz=0.5)
    assert _open(path, low_pass).read_uv(1000, 2000) == pytest.approx(90.0, abs=1e-2)
    assert _open(path, high_pass).read_uv(1000, 2000) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("view", "key"),
    [
        ({"montage": "none"}, "montage"),
        ({"montage": RECORDED, "low_hz": math.nan}, "low_hz"),
        ({"montage": RECORDED, "low_hz": 1e-6}, "low_hz"),
        ({"montage": RECORDED, "low_hz": 30.0, "high_hz": 20.0}, "high_hz"),
        ({"montage": RECORDED, "high_hz": 64.0}, "high_hz"),
        ({"montage": RECORDED, "low_hz": 64.0}, "low_hz"),
        ({"montage": RECORDED, "notch_hz": 64.0}, "notch_hz"),
        ({"montage": RECORDED, "notch_hz": math.inf}, "notch_hz"),
        ({"montage": RECORDED, "notch_hz": 1e-3}, "notch_hz"),
        ({"montage": RECORDED, "high_hz": 1e-9}, "high_hz"),
        ({"montage": RECORDED, "low_hz": 10.0, "high_hz": 10.001}, "low_hz, high_hz, notch_hz"),
        ({"montage": RECORDED, "notch_hz": 0.1}, "low_hz, high_hz, notch_hz"),
    ],
)
def test_a_view_that_cannot_be_is_refused(path: Path, view: dict[str, float], key: str) -> None:
    """By the name of what is wrong with it; filters that ring for hours would have hours read for every page."""
    with pytest.raises(InputError) as error:
        _open(path, View(**view))  # type: ignore[arg-type]
    assert error.value.where == key


def test_what_is_offered_is_what_can_be_made(path: Path, tmp_path: Path) -> None:
    """All montages of 19 electrodes; of a bipolar recording its own; of one that lacks an electrode, with a gap."""
    assert [name for name, _ in offered(read_header(path))] == [n for n in TITLES if n != "tcp-ar-22"]
    pairs = montages.named("double-banana-18").channels[:9]
    bipolar = write_edf(tmp_path / "b.edf", duration_s=101, labels=(*pairs, "ECG"))
    assert [name for name, _ in offered(read_header(bipolar))] == ["double-banana-18", RECORDED]
    few = write_edf(tmp_path / "d.edf", duration_s=101, labels=(*pairs[:8], "C3"))
    assert [name for name, _ in offered(read_header(few))] == [RECORDED]
    lacking = write_edf(tmp_path / "c.edf", duration_s=101, labels=tuple(n for n in SCALP_19 if n != "T3"))
    validity = dict(offered(read_header(lacking)))["referential-19"].validity
    assert [n for n, v in zip(SCALP_19, validity, strict=True) if v == "absent"] == ["T3"]


def test_as_recorded_leaves_out_what_is_no_voltage_or_of_another_rate(tmp_path: Path) -> None:
    """Each channel once."""
    path = tmp_path / "a.edf"
    odd = [
        Channel(label="SpO2", samples=[[1] * 8] * 2, dimension="%"),
        constant("EMG", samples=16),
        constant("C3", samples=8, value=-7),
    ]
    path.write_bytes(edf_bytes([constant("C3", samples=8, value=5), constant("ECG", samples=8), *odd]))
    eeg = _open(path, View(montage=RECORDED))
    assert eeg.derivation.channels == ("C3", "ECG")
    assert eeg.read_uv(0, 16)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        *(("Fp1-F7", "left-temporal"), ("Fp1-F3", "left"), ("Fz-Cz", "midline"), ("EEG T8-P8", "right-temporal")),
        *(("O2", "right"), ("Cz-Lap", "midline"), ("F4-Avg", "right"), ("C3-Cz", "left"), ("Cz-C4", "right")),
        *(("ECG", "other"), ("EEG 1", "other"), ("-", "other")),
    ],
)
def test_channels_have_the_colour_of_their_region(channel: str, expected: str) -> None:
    """By electrode, whatever the recorder called it."""
    assert region(channel) == expected
