"""A small run whose detector reads forward only, with a threshold at which its recordings have events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ictal.models.detector import build
from ictal.recipes import detector as detectors
from ictal.recipes.detect import InMemory, open_detector
from ictal.recipes.detector import Detector
from ictal.recordings import edf
from ictal.recordings.montages import valid
from ictal.signals.source import prepared
from tests.end_to_end.commands import FinishedRun, Terminal, finish

MARGIN = 2e-3
"""No probability lies closer than this share to where an event starts or ends, so that rounding moves none."""


def live_run(terminal: Terminal, folder: Path, corpus: Path, recording: Path) -> FinishedRun:
    """Train one, and put its threshold where this recording has several events."""
    run = finish(terminal, folder / "run", corpus, folder / "store", model__kind="mamba", events__min_duration_s=2)
    detector = open_detector(run.folder, detectors.load(run.folder).config.machine)
    probability = offline(detector, recording)
    point = detector.operating_point
    assert point is not None
    detectors.save(run.folder, replace(detector, operating_point=replace(point, threshold=_threshold(probability))))
    return run


def offline(detector: Detector, recording: Path) -> npt.NDArray[np.float64]:
    """Probability of every step, as `ictal detect` computes it for a file."""
    ready = prepared(edf.read_header(recording), detector.config.signals)
    signal = InMemory(signal_uv=ready.signal.to_uv(), valid_channels=valid(ready.derivation.validity))
    return detector.probability(detector.traces(signal).logits)


def typed(detector: Detector) -> Detector:
    """The same detector with a second head of random weights, so that its detections are of several types."""
    model = replace(detector.config.model, seizure_types=("absz", "fnsz", "gnsz"))
    torch.manual_seed(1)
    network = build(model, len(detector.channels), detector.prior.drawn.time_step)
    network.load_state_dict(detector.model.state_dict(), strict=False)
    assert network.type_head is not None
    with torch.no_grad():
        network.type_head.weight.normal_()
        network.type_head.bias.zero_()
    return replace(detector, model=network, config=replace(detector.config, model=model))


def _threshold(probability: npt.NDArray[np.float64]) -> float:
    """Some steps in a hundred are above it, and none is near it or its half, where events start and end."""
    for share in np.linspace(0.95, 0.8, 200):
        below, above = np.quantile(probability, [share, share + 0.001], method="inverted_cdf")
        threshold = float(below + above) / 2
        if all(np.abs(probability - edge).min() > MARGIN * edge for edge in (threshold, threshold / 2)):
            return threshold
    raise AssertionError("no such threshold")
