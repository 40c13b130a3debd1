"""Our reader of data records against edfio and MNE, sample for sample."""

from __future__ import annotations

from pathlib import Path

import edfio
import numpy as np
import numpy.typing as npt
import pytest

from ictal.recordings import edf
from tests.reference.edf_bytes import Channel, edf_bytes

mne = pytest.importorskip("mne", reason="mne is a development dependency")

RATE_HZ, RECORDS = 128, 130
SHAPES = {
    "EDF": {},
    "EDF+C": {"reserved": "EDF+C"},
    "records of half a second": {"record_duration_s": "0.5"},
    "records of 3 s": {"record_duration_s": "3"},
}


def channels() -> list[Channel]:
    """Every int16 value at least once somewhere; gains of either sign, ranges of any place."""
    rng = np.random.default_rng(1)
    values = rng.integers(-32768, 32768, (3, RECORDS * RATE_HZ))
    values[0, : 2 * RATE_HZ] = np.tile([-32768, 32767], RATE_HZ)
    ranges = (("-3276.8", "3276.7"), ("800", "-800"), ("-187.5", "312.25"))
    return [
        Channel(label=label, samples=samples.reshape(RECORDS, RATE_HZ).tolist(), physical=physical)
        for label, samples, physical in zip(("EEG FP1-REF", "EEG C3-REF", "EKG1"), values, ranges, strict=True)
    ]


@pytest.fixture(params=SHAPES, scope="module")
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each shape, 2 MB, so that it is read in more than one block."""
    made = tmp_path_factory.mktemp("edf") / "x.edf"
    made.write_bytes(edf_bytes(channels(), **SHAPES[request.param]))
    return made


def digital_of(header: edf.Header) -> npt.NDArray[np.int64]:
    """All digital values: (signals, samples)."""
    blocks = [
        [edf.digital(header, s, raw).astype(np.int64) for s in header.signals] for raw in edf.data_records(header)
    ]
    return np.concatenate([np.stack([part.ravel() for part in block]) for block in blocks], axis=1)


def test_digital_values_are_edfios(path: Path) -> None:
    """The numbers in the file themselves, with no rounding to hide behind."""
    theirs = np.stack([signal.digital for signal in edfio.read_edf(path).signals])
    np.testing.assert_array_equal(digital_of(edf.read_header(path)), theirs)


def test_microvolts_are_edfios_and_mnes(path: Path) -> None:
    """Within the float32 that we return; MNE gives volts."""
    header = edf.read_header(path)
    ours_uv = edf.read_uv(header, header.labels)
    edfio_uv = np.stack([signal.data for signal in edfio.read_edf(path).signals])
    np.testing.assert_allclose(ours_uv, edfio_uv, rtol=3e-7, atol=1e-3)
    raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR")
    assert raw.info["sfreq"] == header.signals[0].rate_hz
    np.testing.assert_allclose(ours_uv, 1e6 * raw.get_data(), rtol=3e-7, atol=1e-3)


def test_a_window_is_mnes_window(path: Path) -> None:
    """Data records 7 to 19 alone."""
    header = edf.read_header(path)
    ours_uv = edf.read_uv(header, header.labels, 7, 19)
    raw = mne.io.read_raw_edf(path, preload=False, verbose="ERROR")
    theirs_v = raw.get_data(start=7 * RATE_HZ, stop=19 * RATE_HZ)
    np.testing.assert_allclose(ours_uv, 1e6 * theirs_v, rtol=3e-7, atol=1e-3)


def test_a_bdf_is_mnes(tmp_path: Path) -> None:
    """24 bits, little-endian, of either sign."""
    values = np.random.default_rng(2).integers(-(2**23), 2**23, (2, 64))
    limits = ("-8388608", "8388607")
    shape = [Channel(label=f"A{n + 1}", samples=[[0] * 64], physical=limits, digital=limits) for n in range(2)]
    head = edf_bytes(shape, version=b"\xffBIOSEMI", reserved="24BIT")[: 3 * 256]
    path = tmp_path / "x.bdf"
    path.write_bytes(head + b"".join(int(v).to_bytes(3, "little", signed=True) for v in values.ravel()))
    header = edf.read_header(path)
    np.testing.assert_array_equal(edf.read_uv(header, header.labels), values)
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="ERROR")
    np.testing.assert_allclose(1e6 * raw.get_data(), values, rtol=1e-9)


def test_a_genuine_recording_is_edfios_and_mnes(shared_data: Path) -> None:
    """CHB-MIT, whose channel T8-P8 occurs twice."""
    path = shared_data / "chbmit_clips" / "chb01_03_clip.edf"
    header = edf.read_header(path)
    np.testing.assert_array_equal(
        digital_of(header), np.stack([signal.digital for signal in edfio.read_edf(path).signals])
    )
    labels = [label for label in header.labels if header.labels.count(label) == 1]
    with pytest.warns(RuntimeWarning, match="not unique"):
        raw = mne.io.read_raw_edf(path, preload=True, verbose="WARNING")
    np.testing.assert_allclose(edf.read_uv(header, labels), 1e6 * raw.get_data(picks=labels), rtol=1e-6, atol=1e-3)
