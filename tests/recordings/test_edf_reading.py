"""Samples of `read_uv`, sample for sample as edfio reads them, and by parts as by the whole."""

from __future__ import annotations

import edfio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings import edf
from tests.reference.edf_bytes import Channel, constant, edf_bytes


def random_channel(rng: np.random.Generator, label: str, records: int, samples: int) -> Channel:
    low, high = sorted(rng.choice(2000, 2, replace=False) - 1000)
    physical = (str(low), str(high)) if rng.random() < 0.5 else (str(high), str(low))
    values = rng.integers(-2048, 2048, (records, samples)).tolist()
    return Channel(label=label, samples=values, physical=physical, digital=("-2048", "2047"))


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 9), st.sampled_from([1, 7, 256]), st.sampled_from(["1", "0.5", "2"]))
def test_every_sample_is_what_edfio_reads(tmp_path_factory, seed, records, samples, record_duration_s):
    """Mixed rates, either polarity, any record duration; blocks of any size."""
    rng = np.random.default_rng(seed)
    channels = [random_channel(rng, f"C{number}", records, samples) for number in range(3)]
    channels.insert(1, random_channel(rng, "EKG", records, 5))
    path = tmp_path_factory.mktemp("edf") / "x.edf"
    path.write_bytes(edf_bytes(channels, record_duration_s=record_duration_s))
    ours = edf.read_uv(edf.read_header(path), ["C2", "C0"])
    theirs = edfio.read_edf(path)
    expected = [theirs.get_signal(label).data for label in ("C2", "C0")]
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-3)
    assert ours.dtype == np.float32


@settings(max_examples=40)
@given(st.data())
def test_a_part_is_that_part_of_the_whole(tmp_path_factory, data):
    """Data records `[start, stop)` are the same samples wherever reading begins."""
    records = data.draw(st.integers(1, 12))
    start = data.draw(st.integers(0, records))
    stop = data.draw(st.integers(start, records))
    path = tmp_path_factory.mktemp("edf") / "x.edf"
    path.write_bytes(edf_bytes([random_channel(np.random.default_rng(records), "C3", records, 4)]))
    header = edf.read_header(path)
    np.testing.assert_array_equal(
        edf.read_uv(header, ["C3"], start, stop), edf.read_uv(header, ["C3"])[:, 4 * start : 4 * stop]
    )


def test_a_recording_longer_than_one_block_is_read_whole(tmp_path):
    """About 3 MB: several positioned reads, the last of them short."""
    rng = np.random.default_rng(0)
    values = rng.integers(-32768, 32768, (1501, 1000))
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes([Channel(label="C3", samples=values.tolist())]))
    read = edf.read_uv(edf.read_header(path), ["C3"])
    np.testing.assert_allclose(read[0], values.ravel() * 0.1, rtol=1e-5, atol=1e-3)


def test_of_equal_labels_the_first_is_read(tmp_path):
    """CHB-MIT has T8-P8 twice."""
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes([constant("T8-P8", value=10), constant("T8-P8", value=20)]))
    assert edf.read_uv(edf.read_header(path), ["T8-P8"])[0, 0] == pytest.approx(1.0, abs=1e-4)


def test_a_label_that_the_recording_lacks_is_refused_by_name(tmp_path):
    """The message lists what there is."""
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes([constant("C3")]))
    with pytest.raises(InputError, match="no channel C4, Cz"):
        edf.read_uv(edf.read_header(path), ["C4", "C3", "Cz"])


def test_a_file_that_became_shorter_since_is_refused(tmp_path):
    """The header is of then, the bytes are of now."""
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes([constant("C3")]))
    header = edf.read_header(path)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(InputError, match="shorter than it was"):
        edf.read_uv(header, ["C3"])
