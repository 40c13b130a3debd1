"""EDF and EDF+ headers: one test per clause of the format, written with a writer that checks nothing."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings import edf
from tests.reference.edf_bytes import Channel, constant, edf_bytes


def header_of(folder: Path, raw: bytes) -> edf.Header:
    path = folder / "x.edf"
    path.write_bytes(raw)
    return edf.read_header(path)


def code_of(folder: Path, raw: bytes) -> str:
    with pytest.raises(InputError) as caught:
        header_of(folder, raw)
    return caught.value.code


def test_physical_is_the_line_through_both_ranges(tmp_path):
    """The value is (digital - dmin) * (pmax - pmin) / (dmax - dmin) + pmin."""
    channel = Channel(label="C3", samples=[[-2048, 0, 2047]], physical=("-100", "309.5"), digital=("-2048", "2047"))
    header = header_of(tmp_path, edf_bytes([channel]))
    assert edf.read_uv(header, ["C3"])[0].tolist() == pytest.approx([-100, 104.8, 309.5], rel=1e-6)


def test_physical_min_above_max_is_an_inverted_gain(tmp_path):
    """Legal: the signal is stored upside down."""
    channel = Channel(label="C3", samples=[[-100, 0, 100]], physical=("100", "-100"), digital=("-100", "100"))
    header = header_of(tmp_path, edf_bytes([channel]))
    assert header.signals[0].gain_uv == -1
    assert edf.read_uv(header, ["C3"])[0].tolist() == [100, 0, -100]


@pytest.mark.parametrize("field", ["physical", "digital"])
def test_an_empty_range_of_a_scalp_channel_is_refused(tmp_path, field):
    """No line goes through one point."""
    assert code_of(tmp_path, edf_bytes([Channel(label="EEG C3-REF", samples=[[1]], **{field: ("5", "5")})])) == (
        "edf-calibration"
    )


def test_an_empty_range_elsewhere_is_refused_only_when_asked_for(tmp_path):
    """CHB-MIT's dummy channels named `-` have no range; they must not cost the recording."""
    dummy = Channel(label="-", samples=[[1]], physical=("0", "0"))
    header = header_of(tmp_path, edf_bytes([constant("C3", records=1), dummy]))
    assert edf.read_uv(header, ["C3"]).shape == (1, 4)
    with pytest.raises(InputError, match="no calibration"):
        edf.read_uv(header, ["-"])


@pytest.mark.parametrize(
    ("dimension", "factor"),
    [
        ("uV", 1),
        ("UV", 1),
        (" u V", 1),
        (b"\xb5V", 1),
        (b"\xc2\xb5V", 1),
        (b"\xce\xbcV", 1),
        ("mV", 1e3),
        ("V", 1e6),
    ],
)
def test_voltages_become_microvolts(tmp_path, dimension, factor):
    """Whatever the spelling of micro, the case and the spaces."""
    channel = Channel(label="C3", samples=[[10]], dimension=dimension, physical=("-1", "1"), digital=("-10", "10"))
    assert edf.read_uv(header_of(tmp_path, edf_bytes([channel])), ["C3"]).tolist() == [[pytest.approx(factor)]]


def test_a_channel_that_is_no_voltage_is_refused_only_when_asked_for(tmp_path):
    """A pulse oximeter must not cost the recording."""
    header = header_of(tmp_path, edf_bytes([constant("C3"), Channel(label="SPO2", samples=[[1]] * 2, dimension="%")]))
    assert np.isnan(header.signals[1].gain_uv)
    with pytest.raises(InputError, match="SPO2 is no voltage") as caught:
        edf.read_uv(header, ["C3", "SPO2"])
    assert caught.value.code == "edf-dimension"


def test_signals_may_have_different_rates(tmp_path):
    """Each is read at its own; two rates together are refused."""
    fast, slow = Channel(label="C3", samples=[[1, 2, 3, 4], [5, 6, 7, 8]]), Channel(label="EKG", samples=[[9], [8]])
    header = header_of(tmp_path, edf_bytes([fast, slow]))
    assert [signal.rate_hz for signal in header.signals] == [4, 1]
    assert edf.read_uv(header, ["EKG"]).shape == (1, 2)
    with pytest.raises(InputError, match="C3 4 Hz, EKG 1 Hz"):
        edf.read_uv(header, ["C3", "EKG"])


def test_the_duration_of_a_data_record_may_be_fractional(tmp_path):
    """Rates and durations are exact quotients, not products of rounded ones."""
    header = header_of(tmp_path, edf_bytes([constant("C3", records=3, samples=25)], record_duration_s="0.1"))
    assert header.signals[0].rate_hz == 250
    assert header.duration_s == 0.3


@pytest.mark.parametrize(("text", "seconds"), [("+2", 2), ("2.", 2), (".5", 0.5), ("1E1", 10), ("+012E-1", 1.2)])
def test_numbers_are_decimals_with_or_without_exponent(tmp_path, text, seconds):
    """Guidelines of EDF+, clause 2a."""
    assert header_of(tmp_path, edf_bytes([constant("C3")], record_duration_s=text)).record_duration_s == seconds


def test_annotation_signals_are_left_out_but_keep_their_place(tmp_path):
    """EDF+: the samples after an annotation signal are found where they are."""
    annotations = Channel(label="EDF Annotations", samples=[[7, 7, 7]] * 2)
    header = header_of(tmp_path, edf_bytes([constant("C3"), annotations, constant("C4", value=5)], reserved="EDF+C"))
    assert header.labels == ("C3", "C4")
    assert header.signals[1].first_sample == 7
    assert edf.read_uv(header, ["C4"])[0].tolist() == pytest.approx([0.5] * 8, abs=1e-4)


def test_a_record_count_of_minus_one_is_counted_from_the_size(tmp_path):
    """Whole records only; the header says that it was counted."""
    raw = edf_bytes([constant("C3", records=5)], records="-1")
    header = header_of(tmp_path, raw + b"\0\0\0")
    assert header.record_count == 5
    assert "counted" in header.notes[0]


def test_fewer_data_bytes_than_the_header_says_are_refused(tmp_path):
    """One byte short is short."""
    assert code_of(tmp_path, edf_bytes([constant("C3")])[:-1]) == "edf-truncated"


def test_a_file_that_ends_inside_its_header_is_refused(tmp_path):
    """So is a file that ends before its first record."""
    raw = edf_bytes([constant("C3")])
    assert code_of(tmp_path, raw[:400]) == "edf-truncated"
    assert code_of(tmp_path, raw[:512]) == "edf-truncated"


def test_more_than_a_second_beyond_the_header_is_refused(tmp_path):
    """Incident a6: header, bytes and annotation agree within a second, or the recording is set aside."""
    assert code_of(tmp_path, edf_bytes([constant("C3", records=5)], records="3")) == "edf-excess"
    assert header_of(tmp_path, edf_bytes([constant("C3", records=5)], records="4")).record_count == 4


def timed(onsets: list[bytes], label: str = "EDF Annotations") -> Channel:
    """An annotations signal of 16 bytes a record."""
    texts = [onset.ljust(16, b"\0") for onset in onsets]
    return Channel(label=label, samples=[np.frombuffer(text, dtype="<i2").tolist() for text in texts])


@pytest.mark.parametrize("resume", [b"+5.5\x14\x14\0", b"+0.5\x14\x14\0"])
def test_a_discontinuous_recording_is_refused_with_its_gaps(tmp_path, resume):
    """Incident a10: EDF+D read as continuous has silently wrong times; so has one whose records overlap."""
    raw = edf_bytes([constant("C3"), timed([b"+0\x14\x14\0", resume])], reserved="EDF+D")
    (tmp_path / "x.edf").write_bytes(raw)
    with pytest.raises(InputError, match=rf"1 gap\(s\): 1 s to {resume[1:4].decode()} s") as caught:
        edf.read_header(tmp_path / "x.edf")
    assert caught.value.code == "edf-discontinuous"


@pytest.mark.parametrize("times", [[], [timed([b"+0\x14\x14\0", b""])], [timed([b"0\x14\x14\0"] * 2)]])
def test_a_discontinuous_recording_without_times_is_refused(tmp_path, times):
    """No annotations signal, or a data record that does not say when it began."""
    assert code_of(tmp_path, edf_bytes([constant("C3"), *times], reserved="EDF+D")) == "edf-discontinuous"


def test_a_recording_marked_discontinuous_that_has_no_gap_is_read(tmp_path):
    """Many recorders write EDF+D always; the start may be a fraction of a second late."""
    times = timed([b"+0.25\x14\x14\0", b"+1.25\x14\x14\0"])
    header = header_of(tmp_path, edf_bytes([times, constant("C3")], reserved="EDF+D"))
    assert (header.record_count, header.labels) == (2, ("C3",))


def test_a_bdf_has_samples_of_24_bits(tmp_path):
    """BioSemi: little-endian two's complement, the first byte of the file 255."""
    values = [-8388608, -1, 0, 1, 65536, 8388607]
    two_bytes = Channel(
        label="A1", samples=[[0] * 6], physical=("-8388608", "8388607"), digital=("-8388608", "8388607")
    )
    other = Channel(label="Status", samples=[[0]], dimension="Boolean")
    head = edf_bytes([other, two_bytes], version=b"\xffBIOSEMI", reserved="24BIT")[: 3 * 256]
    data = b"".join(value.to_bytes(3, "little", signed=True) for value in (5, *values))
    header = header_of(tmp_path, head + data)
    assert edf.read_uv(header, ["A1"])[0].tolist() == values
    assert code_of(tmp_path, head + data[:-1]) == "edf-truncated"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no EDF at all",
        edf_bytes([constant("C3")], version=b"\xfeBIOSEMI"),
        edf_bytes([constant("C3")], records="two"),
        edf_bytes([constant("C3")], records="-2"),
        edf_bytes([constant("C3")], records="1.5"),
        edf_bytes([constant("C3")], record_duration_s="0"),
        edf_bytes([constant("C3")], record_duration_s="0,5"),
        edf_bytes([constant("C3", samples=0)]),
        edf_bytes([constant("C3")])[:184] + b"768     " + edf_bytes([constant("C3")])[192:],
    ],
)
def test_what_is_no_edf_is_refused(tmp_path, raw):
    """Another version, text, a header with words for numbers, records without samples or time."""
    assert code_of(tmp_path, raw) == "edf-unreadable"


def test_an_absent_file_is_refused(tmp_path):
    """The message carries the system's reason."""
    with pytest.raises(InputError, match="No such file"):
        edf.read_header(tmp_path / "none.edf")


@pytest.mark.parametrize(
    ("date", "start", "notes"),
    [
        ("31.12.99", dt.datetime(1999, 12, 31, 4, 5, 6), 0),  # noqa: DTZ001
        ("01.01.85", dt.datetime(1985, 1, 1, 4, 5, 6), 0),  # noqa: DTZ001
        ("31.12.84", dt.datetime(2084, 12, 31, 4, 5, 6), 0),  # noqa: DTZ001
        ("01:01:85", dt.datetime(1985, 1, 1, 4, 5, 6), 1),  # noqa: DTZ001
        ("30.02.10", None, 1),
        ("X", None, 1),
    ],
)
def test_an_odd_start_date_is_noted_and_costs_nothing(tmp_path, date, start, notes):
    """Incident c10: `01:01:85` in one file of TUSZ stops strict readers."""
    header = header_of(tmp_path, edf_bytes([constant("C3")], date=date))
    assert header.start == start
    assert len(header.notes) == notes


def test_text_may_hold_any_byte(tmp_path):
    """Labels and names are Latin-1 or UTF-8 in practice."""
    header = header_of(tmp_path, edf_bytes([constant(b"\xc9lectrode")], patient=b"M\xfcller"))
    assert header.labels == ("Électrode",)


@pytest.mark.parametrize("bound", ["", "x", "1,5", "nan", "inf", "1e999", "--1", "0x10"])
@pytest.mark.parametrize("field", ["physical", "digital"])
def test_a_range_that_is_no_number_is_refused(tmp_path, field, bound):
    """Never uncalibrated values: a recorder that writes its decimals with a comma costs the recording."""
    channel = Channel(label="EEG C3-REF", samples=[[1]], **{field: ("-5", bound)})
    assert code_of(tmp_path, edf_bytes([channel])) == "edf-calibration"


def test_a_digital_range_is_of_whole_numbers(tmp_path):
    """Samples are; a range of a fraction would make its gain as large as one likes."""
    whole = Channel(label="EEG C3-REF", samples=[[1]], digital=("-32768.0", "32767"))
    assert header_of(tmp_path, edf_bytes([whole])).signals[0].gain_uv == pytest.approx(0.1)
    assert code_of(tmp_path, edf_bytes([Channel(label="EEG C3-REF", samples=[[1]], digital=("0", "1E-99"))])) == (
        "edf-calibration"
    )


@pytest.mark.parametrize("dimension", ["", "nV", "uA", "mmHg", "uV/mm", "dB", "0.1uV", b"\xb5"])
def test_a_dimension_that_is_no_voltage_is_never_guessed(tmp_path, dimension):
    """An empty dimension too: it may be volts or the amplifier's own units."""
    header = header_of(tmp_path, edf_bytes([Channel(label="C3", samples=[[1]], dimension=dimension)]))
    with pytest.raises(InputError) as caught:
        edf.read_uv(header, ["C3"])
    assert caught.value.code == "edf-dimension"


def test_digital_limits_are_the_headers(tmp_path):
    """What the audit calls out of range; in ascending order, unknown where the header has no number."""
    channels = [
        Channel(label="C3", samples=[[1]], digital=("-2048", "2047")),
        Channel(label="C4", samples=[[1]], digital=("100", "-100")),
        Channel(label="EKG", samples=[[1]], digital=("x", "7")),
    ]
    limits = [signal.digital_limits for signal in header_of(tmp_path, edf_bytes(channels)).signals]
    assert limits[:2] == [(-2048, 2047), (-100, 100)]
    assert np.isnan(limits[2][0])


def test_three_lengths_are_told_apart(tmp_path):
    """By the header, and by the bytes, which may be up to a second longer."""
    raw = edf_bytes([constant("C3", records=5)], records="4")
    header = header_of(tmp_path, raw[:-2])
    assert (header.duration_s, header.data_s) == (4.0, 4.75)


def test_two_channels_of_one_label_are_both_listed(tmp_path):
    """Where each lies is known, so that the audit can compare them."""
    header = header_of(tmp_path, edf_bytes([constant("T8-P8", value=1), constant("T8-P8", value=2)]))
    assert header.labels == ("T8-P8", "T8-P8")
    assert [signal.first_sample for signal in header.signals] == [0, 4]


def test_a_window_is_read_without_touching_any_other_byte(tmp_path, monkeypatch):
    """Lazy: the header, and the data records asked for; one read each at this size."""
    rng = np.random.default_rng(0)
    channels = [Channel(label=label, samples=rng.integers(-99, 99, (100, 256)).tolist()) for label in ("C3", "C4")]
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes(channels))
    touched = []
    real = os.preadv

    def watched(descriptor, buffers, place):
        touched.append((place, sum(len(buffer.cast("B")) for buffer in buffers)))
        return real(descriptor, buffers, place)

    header = edf.read_header(path)
    monkeypatch.setattr(os, "preadv", watched)
    window = edf.read_uv(header, ["C4"], 40, 50)
    assert window.shape == (1, 2560)
    record_bytes = 2 * 2 * 256
    assert touched == [(3 * 256 + 40 * record_bytes, 10 * record_bytes)]


def test_gaps_of_a_bdf_are_refused_too(tmp_path):
    """BDF+D: the same times in samples of three bytes."""
    times = [b"+0\x14\x14\0", b"+9\x14\x14\0"]
    shape = [constant("C3", samples=4), Channel(label="BDF Annotations", samples=[[0] * 6] * 2)]
    head = edf_bytes(shape, version=b"\xffBIOSEMI", reserved="BDF+D")[: 3 * 256]
    data = b"".join(bytes(12) + time.ljust(18, b"\0") for time in times)
    with pytest.raises(InputError, match=r"1 gap\(s\): 1 s to 9 s"):
        header_of(tmp_path, head + data)


@pytest.mark.parametrize(
    ("physical", "dimension", "read"),
    [(("-1E9", "1E9"), "uV", True), (("-1E9", "2E9"), "uV", False), (("-3200", "3200"), "V", False),
     (("-9E99", "9E99"), "uV", False)],
)  # fmt: skip
def test_a_range_beyond_a_kilovolt_is_refused(tmp_path, physical, dimension, read):
    """Microvolts that are labelled as volts; and nothing overflows."""
    raw = edf_bytes([Channel(label="EEG C3-REF", samples=[[1]], physical=physical, dimension=dimension)])
    if read:
        assert edf.read_uv(header_of(tmp_path, raw), ["EEG C3-REF"]).shape == (1, 1)
    else:
        assert code_of(tmp_path, raw) == "edf-calibration"


@pytest.mark.parametrize(
    ("onsets", "read"),
    [
        ([b"+0\x14\x14\0", b"+1\x14\x14\0", b"+2\x14\x14\0"], True),
        ([b"+0\x14\x14\0", b"+1\x14\x14\0", b"+2.9\x14\x14\0"], True),
        ([b"+0.5\x14\x14\0", b"+1.5\x14\x14\0", b"+2.5\x14\x14\0"], True),
        ([b"", b"", b""], True),
        ([b"+0\x14\x14\0", b"+1\x14\x14\0", b"+62\x14\x14\0"], False),
        ([b"+9\x14\x14\0", b"+1\x14\x14\0", b"+2\x14\x14\0"], False),
        ([b"+0\x14\x14\0", b"+1\x14\x14\0", b"+9999999999999\x14\x14"], True),  # no time that is understood
    ],
)
def test_a_recording_marked_continuous_is_refused_where_its_times_say_otherwise(tmp_path, onsets, read):
    """Incident a10: the mark may be wrong; a last data record over a second late or early is a gap, or a lost part."""
    raw = edf_bytes([constant("C3", records=3), timed(onsets)], reserved="EDF+C")
    if read:
        assert header_of(tmp_path, raw).duration_s == 3
    else:
        assert code_of(tmp_path, raw) == "edf-discontinuous"
