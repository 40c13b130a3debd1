"""`ictal.load(model).detect(recording)`: whatever holds the recording, the answer is that of `ictal detect`."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest

import ictal
from ictal.errors import InputError
from ictal.recipes.api import ReadyDetector
from ictal.recordings import edf, held
from ictal.recordings.channels import SCALP_19
from tests.end_to_end.commands import FinishedRun, Terminal, recordings

RATE_HZ = 256


@pytest.fixture(scope="module")
def run(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run with a threshold so low that it finds something."""
    folder = shutil.copytree(finished_run.folder, tmp_path_factory.mktemp("low") / "run")
    card = json.loads((folder / "detector.json").read_text())
    card["operating_point"]["threshold"] = 0.02
    (folder / "detector.json").write_text(json.dumps(card))
    return folder


@pytest.fixture(scope="module")
def detector(run: Path) -> ReadyDetector:
    return ictal.load(run)


@pytest.fixture
def path(finished_run: FinishedRun) -> Path:
    return recordings(finished_run.corpus, "eval", ictal=True)[0]


def as_array(path: Path) -> dict[str, Any]:
    """The keywords of `detect` for an EDF's numbers."""
    header = edf.read_header(path)
    labels = [signal.label for signal in header.signals if signal.dimension == "uV"]
    return {"recording": edf.read_uv(header, labels), "rate_hz": header.signals[0].rate_hz, "channels": labels}


def raw_of(path: Path) -> mne.io.BaseRaw:
    return mne.io.read_raw_edf(path, verbose="error")


def test_a_path_gives_what_the_command_gives(
    terminal: Terminal, run: Path, detector: ReadyDetector, path: Path, tmp_path: Path
) -> None:
    """In every format, byte for byte; what it finds lies in order and within the recording."""
    found = detector.detect(path)
    assert len(found.events) > 0
    for suffix in ("tsv", "json", "csv_bi", "edf"):
        commanded, written = tmp_path / "a" / f"x.{suffix}", tmp_path / "b" / f"x.{suffix}"
        terminal("detect", path, commanded, "--run", run)
        found.write(written)
        as_written = written.read_bytes().replace(path.stem.encode(), b"x")
        assert as_written == commanded.read_bytes().replace(path.stem.encode(), b"x")
    for event in found.events:
        assert 0 <= event.onset_earliest_s <= event.onset_s < event.stop_s <= found.found.duration_s
        steps = slice(round(event.onset_s * found.steps_hz), round(event.stop_s * found.steps_hz))
        assert event.confidence == pytest.approx(found.probability[steps].mean(), abs=1e-4)
        assert found.probability[steps].max() >= found.threshold


def test_an_array_gives_what_its_file_gives(detector: ReadyDetector, path: Path) -> None:
    """To the last bit, for numbers of any kind of float."""
    by_path, array = detector.detect(path), as_array(path)
    by_array = detector.detect(**array)
    np.testing.assert_array_equal(by_array.probability, by_path.probability)
    assert by_array.events == by_path.events
    doubled = detector.detect(**{**array, "recording": array["recording"].astype(np.float64)})
    np.testing.assert_array_equal(doubled.probability, by_path.probability)


def test_an_mne_raw_gives_what_its_file_gives(detector: ReadyDetector, path: Path) -> None:
    """To the rounding of MNE's volts; through `BIDSPath` and other objects that are paths, too."""

    class IsPath(os.PathLike[str]):
        def __fspath__(self) -> str:
            return str(path)

    by_path, by_raw = detector.detect(IsPath()), detector.detect(raw_of(path))
    np.testing.assert_allclose(by_raw.probability, by_path.probability, atol=2e-3)
    assert len(by_raw.events) == len(by_path.events)
    assert by_raw.found.start == by_path.found.start


def test_annotations_stand_where_the_events_are(detector: ReadyDetector, path: Path) -> None:
    """Also in a piece that was cut out of a recording, whose own time does not begin at zero."""
    cut = raw_of(path).crop(tmin=20)
    found = detector.detect(cut)
    assert len(found.events) > 0
    cut.set_annotations(found.to_mne_annotations())
    onsets = cut.annotations.onset - cut.first_time
    np.testing.assert_allclose(onsets, [event.onset_s for event in found.events], atol=1e-6)
    np.testing.assert_allclose(cut.annotations.duration, [e.stop_s - e.onset_s for e in found.events], atol=1e-6)
    assert set(cut.annotations.description) == {"seizure"}


def raw_array(names: list[str], bads: tuple[str, ...] = ()) -> mne.io.RawArray:
    """Ten seconds of noise; channel n is n + 1 µV larger than the first."""
    noise = np.random.default_rng(0).normal(0, 20e-6, (1, 10 * RATE_HZ))
    info = mne.create_info(names, RATE_HZ, ["ecg" if name == "EKG" else "eeg" for name in names])
    raw = mne.io.RawArray(noise + np.arange(len(names))[:, None] * 1e-6, info, verbose="error")
    raw.info["bads"] = list(bads)
    return raw


def test_names_that_mne_has_numbered_are_the_files_names() -> None:
    """`T8-P8-0` and `T8-P8-1` were one name twice, of which the first is meant; `C3-2` alone is a name."""
    found = held.from_mne(raw_array(["T8-P8-0", "EKG", "T8-P8-1", "C3-2"]))
    assert found.header.labels == ("T8-P8", "T8-P8", "C3-2")
    first, other = found.read_uv(["T8-P8", "C3-2"], 5, 9)
    np.testing.assert_allclose(other - first, 3, atol=1e-4)
    assert first.shape == (4,)


def test_a_bad_channel_is_a_missing_one(detector: ReadyDetector) -> None:
    """Named as such; without it the montage cannot be had."""
    detector.detect(raw_array([*SCALP_19, "EKG"]))
    with pytest.raises(InputError, match=r"lacks T4(.|\n)*reads referential-19 alone(.|\n)*marked as bad"):
        detector.detect(raw_array([*SCALP_19, "EKG"], bads=("T4",)))


def test_a_raw_in_another_unit_or_without_eeg_is_refused(detector: ReadyDetector) -> None:
    """µV where MNE has volts; every channel of another type; offsets of a DC amplifier, which are no fault."""
    raw = raw_array(SCALP_19)
    in_uv = raw.copy().apply_function(lambda volts: volts * 1e6)
    assert refused(detector, in_uv) == "array-unit"
    assert (
        refused(detector, raw.copy().set_channel_types(dict.fromkeys(raw.ch_names, "misc"), on_unit_change="ignore"))
        == "array-shape"
    )
    shifted = raw.copy().apply_function(lambda volts: volts + 0.2)
    assert len(detector.detect(shifted).probability) == len(detector.detect(raw).probability)


def test_an_array_that_lies_on_its_side_is_told_so(detector: ReadyDetector) -> None:
    """(samples, channels), as other libraries have it."""
    signal_uv = np.random.default_rng(0).normal(0, 20, (5 * RATE_HZ, 19))
    with pytest.raises(InputError, match=r"signal_uv\.T"):
        detector.detect(signal_uv, rate_hz=RATE_HZ, channels=SCALP_19)


def refused(detector: ReadyDetector, *values: Any, **named: Any) -> str:
    with pytest.raises(InputError) as caught:
        detector.detect(*values, **named)
    return caught.value.code


def test_what_is_no_recording_is_refused(detector: ReadyDetector, path: Path, tmp_path: Path) -> None:
    """Volts in place of µV, rows without names, rates of nothing, samples that are no numbers, objects, files."""
    signal_uv = np.random.default_rng(0).normal(0, 20, (19, 5 * RATE_HZ))
    right: dict[str, Any] = {"rate_hz": RATE_HZ, "channels": SCALP_19}
    detector.detect(signal_uv, **right)
    for factor in (1e-6, 1e-3, 1e4, 1e6):
        assert refused(detector, signal_uv * factor, **right) == "array-unit"
    assert refused(detector, signal_uv[:18], **right) == "array-shape"
    assert refused(detector, signal_uv[:, :0].T, **right) == "array-shape"
    assert refused(detector, signal_uv, **{**right, "rate_hz": "64"}) == "array-rate"
    assert refused(detector, signal_uv.astype(str), **right) == "array-shape"
    assert refused(detector, signal_uv, **{**right, "rate_hz": 0.0}) == "array-rate"
    assert refused(detector, signal_uv[:, :0], **right) == "signal-empty"
    assert refused(detector, np.where(signal_uv > 60, np.nan, signal_uv), **right) == "signal-not-finite"
    assert refused(detector, signal_uv, rate_hz=RATE_HZ) == "recording-argument"
    assert refused(detector, path, **right) == "recording-argument"
    assert refused(detector, {"signal": signal_uv}) == "recording-argument"
    assert refused(detector, tmp_path / "nothing.edf") == "edf-unreadable"


def test_limits_are_logged_as_the_model_is_loaded(
    finished_run: FinishedRun, terminal: Terminal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once; a run has none to tell."""
    terminal("export", finished_run.folder, tmp_path / "mine", "--limits", "Of no use.")
    with caplog.at_level(logging.WARNING, "ictal"):
        assert ictal.load(finished_run.folder).limits == ""
        assert ictal.load(tmp_path / "mine").limits == "Of no use."
    assert [record.getMessage() for record in caplog.records] == [f"Model {tmp_path / 'mine'}: Of no use."]


def test_nothing_heavy_is_imported_unasked(run: Path, path: Path) -> None:
    """`import ictal` loads neither torch nor numpy; detecting in a file does not load MNE."""
    code = f"""
import sys, ictal
print(sorted({{"torch", "numpy", "scipy", "pydantic"}} & set(sys.modules)))
ictal.load({str(run)!r}).detect({str(path)!r})
print("torch" in sys.modules, "mne" in sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines() == ["[]", "True False"]
