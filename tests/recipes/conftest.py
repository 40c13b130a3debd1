"""A run whose detector reads forward only, shared by the tests of following a signal."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictal.recipes.config import MachineConfig
from ictal.recipes.detect import open_detector
from ictal.recipes.detector import Detector
from tests.end_to_end.commands import FinishedRun, Terminal, recordings
from tests.recipes.live_runs import live_run, typed


@pytest.fixture(scope="session")
def ictal_recording(synthetic_corpus: Path) -> Path:
    """A recording with a seizure that no model was trained on."""
    return recordings(synthetic_corpus, "eval", ictal=True)[0]


@pytest.fixture(scope="session")
def forward_run(
    terminal: Terminal, synthetic_corpus: Path, ictal_recording: Path, tmp_path_factory: pytest.TempPathFactory
) -> FinishedRun:
    """The run; not to be changed."""
    return live_run(terminal, tmp_path_factory.mktemp("live"), synthetic_corpus, ictal_recording)


@pytest.fixture(scope="session")
def forward_detector(forward_run: FinishedRun) -> Detector:
    """Its detector."""
    return open_detector(forward_run.folder, MachineConfig())


@pytest.fixture(scope="session")
def typed_forward_detector(forward_detector: Detector) -> Detector:
    """The same, with a second head that gives its detections several types."""
    return typed(forward_detector)
