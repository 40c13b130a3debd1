"""Small recordings as real EDF files, for the tests of preparation and the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import edfio
import numpy as np
import pytest

from ictal.recordings.channels import SCALP_19
from ictal.recordings.corpus import Labelled
from ictal.recordings.edf import read_header
from ictal.recordings.layouts.layout import Recording
from tests.signals.builders import Nursery


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where builders begin, any number of them at once."""
    opened = Nursery()
    yield opened
    opened.close()


@pytest.fixture
def write_recording(tmp_path: Path) -> Callable[..., Labelled]:
    """Writes `<name>.edf` of random EEG with the 19 scalp channels, and gives it as a labelled recording."""

    def write(
        name: str = "p1_s001_t000",
        *,
        seconds: int = 37,
        rate_hz: int = 256,
        seed: int = 0,
        channels: tuple[str, ...] = SCALP_19,
        folder: str = "corpus",
    ) -> Labelled:
        rng = np.random.default_rng(seed)
        path = tmp_path / folder / f"{name}.edf"
        path.parent.mkdir(exist_ok=True)
        signals = [
            edfio.EdfSignal(
                np.clip(60 * rng.standard_normal(seconds * rate_hz), -1600, 1600),
                sampling_frequency=rate_hz,
                label=f"EEG {channel.upper()}-REF",
                physical_dimension="uV",
                physical_range=(-1600, 1600),
            )
            for channel in channels
        ]
        edfio.Edf(signals).write(path)
        recording = Recording(id=name, patient=name.partition("_")[0], split=None, edf=path)
        return Labelled(recording=recording, duration_s=float(seconds), seizures_s=(), header=read_header(path))

    return write
