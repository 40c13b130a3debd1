"""What detectors say about short clips of real EEG, beside what they scored on synthetic patients never seen.

Each clip is PATIENT_*.edf with its `_events.tsv`, as in `examples/pretrained/make.sh`: those whose name ends in `_clip`
were learnt from, by a model that was made with clips. Printed for each patient and kind of clip: AUROC of seconds, how
many seizures are found, seconds of background that reach the threshold, and the median probability of both kinds.
Run: `python benchmarks/clips.py CLIPS MODEL [MODEL ...]`, a model being a folder or `tiny`.
"""

from __future__ import annotations

import json
import logging
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

import ictal
from ictal.recipes.api import ReadyDetector
from ictal.recipes.detector import folder_of
from ictal.recordings.annotations import bids
from ictal.recordings.events import seizures
from ictal.scoring.ranking import auroc

Seconds = npt.NDArray[np.float64]


def main(clips: Path, models: list[str]) -> None:
    """One block for each model."""
    logging.disable()  # each model says its limits
    for model in models:
        print(f"{model}: {synthetic(model)}")
        detector = ictal.load(model)
        for group, paths in groupby(sorted(clips.glob("*.edf"), key=group_of), key=group_of):
            print(f"  {group}: {told([clip(detector, path) for path in paths])}")


def group_of(path: Path) -> str:
    """Patient, and whether the clip may have been learnt from."""
    patient, *_, kind = path.stem.split("_")
    return f"{patient}, {'learnt from if any were' if kind == 'clip' else 'not learnt from'}"


def synthetic(model: str) -> str:
    """What stands in its provenance."""
    evaluation = json.loads((folder_of(model) / "provenance.json").read_text())["evaluation"]
    event, ranking = evaluation["scorers"]["szcore_event"], evaluation["ranking"]
    return (
        f"synthetic patients never seen: {event['true_positives']} of {event['reference']} found, "
        f"{event['false_alarms_per_24h']:.1f} false alarms per 24 h, AUROC of windows {ranking['window']['auroc']:.4f}"
    )


def clip(detector: ReadyDetector, path: Path) -> tuple[Seconds, npt.NDArray[np.bool_], bool, float]:
    """Mean probability of every second, which of them are ictal, whether the seizure was found, the threshold."""
    found = detector.detect(path)
    steps_hz = int(found.steps_hz)
    seconds = len(found.probability) // steps_hz
    mean = np.asarray(found.probability)[: seconds * steps_hz].reshape(seconds, steps_hz).mean(axis=1)
    ((onset_s, stop_s),) = seizures(bids.read(path.with_name(f"{path.stem}_events.tsv")))
    ictal_seconds = (np.arange(seconds) >= onset_s) & (np.arange(seconds) < stop_s)
    is_found = any(event.onset_s < stop_s and event.stop_s > onset_s for event in found.events)
    return mean, ictal_seconds, is_found, found.threshold


def told(looked: list[tuple[Seconds, npt.NDArray[np.bool_], bool, float]]) -> str:
    """Clips of one group in words."""
    mean, is_ictal = (np.concatenate([one[place] for one in looked]) for place in (0, 1))
    background = mean[~is_ictal]
    reached = int((background >= looked[0][3]).sum())
    return (
        f"AUROC of seconds {auroc(mean, is_ictal):.3f}; {sum(one[2] for one in looked)} of {len(looked)} found; "
        f"{reached} of {len(background)} s of background reach the threshold; median probability "
        f"{np.median(mean[is_ictal]):.4f} ictal, {np.median(background):.4f} background"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
