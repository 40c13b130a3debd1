"""`ictal detect`: one EDF in, the times of its seizures out, by the same path as in an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ictal.detection.events import confidence
from ictal.errors import InputError
from ictal.recipes import detector as detectors
from ictal.recipes.config import MachineConfig
from ictal.recordings import edf
from ictal.recordings.annotations import bids
from ictal.recordings.events import Event
from ictal.signals.source import prepared


@dataclass(frozen=True, kw_only=True, eq=False)
class InMemory:
    """A recording at the store's rate that is in no store."""

    signal_uv: npt.NDArray[np.float32]

    @property
    def samples(self) -> int:
        """Length of the recording."""
        return int(self.signal_uv.shape[1])

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """Microvolts from a sample on, zero past the end: (channels, length_samples)."""
        window = np.zeros((len(self.signal_uv), length_samples), dtype=np.float32)
        inside = self.signal_uv[:, start_sample : start_sample + length_samples]
        window[:, : inside.shape[1]] = inside
        return window


def detect_file(source: Path, target: Path, run_folder: Path, machine: MachineConfig) -> tuple[list[Event], str | None]:
    """Write the detections of an EDF as HED-SCORE TSV; returns them, and why to doubt the threshold, if so.

    Raises:
        InputError: if the EDF or the detector cannot be used.
    """
    _require_writable(source, target)
    detector = detectors.load(run_folder, machine)
    if detector.operating_point is None:
        raise InputError(
            "The detector has no threshold yet",
            where=run_folder / detectors.CARD,
            got="no operating point",
            expected="a threshold chosen on the dev part",
            remedy=f"run `ictal evaluate {run_folder}` first",
            code="step-missing",
        )
    torch.set_num_threads(machine.threads)
    header = edf.read_header(source)
    probability = detector.probability(detector.logits(_prepared(header, detector)))
    found_s = detector.detect(probability, header.duration_s)
    sure = confidence(probability, detector.steps_hz, found_s)
    events = [
        Event(onset_s=float(onset), stop_s=float(stop), label="sz", confidence=round(float(c), 4))
        for (onset, stop), c in zip(found_s, sure, strict=True)
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    bids.write(target, events=events, duration_s=header.duration_s, start=header.start)
    return events, detector.unreached


def _require_writable(source: Path, target: Path) -> None:
    """Refuse a target that is no events file, above all the recording itself."""
    other = target.exists() and (target.is_dir() or target.read_bytes()[:6] != b"onset\t")
    if target.suffix != ".tsv" or other:
        raise InputError(
            "The detections cannot be written there",
            where=target,
            got="something that is no events file" if other else f"a name that ends in {target.suffix or 'nothing'}",
            expected="a new file, or an older _events.tsv",
            remedy=f"name another file, such as {source.with_suffix('').name}_events.tsv",
            code="output-exists",
        )


def _prepared(header: edf.Header, detector: detectors.Detector) -> InMemory:
    return InMemory(signal_uv=prepared(header, detector.config.signals).signal.to_uv())
