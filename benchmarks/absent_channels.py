"""What absent channels do to the shipped detector: told by a mask, or passed off as zeros.

`python benchmarks/absent_channels.py`: synthetic patients that no model has seen; of every recording 2, 6 and 9 of the
18 channels are lost, others in each. For either way, AUROC over time steps, and how much the logits of background and
ictal steps move against those of all channels.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ictal.recipes import detector as detectors
from ictal.recipes.detect import InMemory
from ictal.recordings import edf
from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus
from ictal.scoring.ranking import auroc
from ictal.signals.source import prepared

LOST = (0, 2, 6, 9)
Floats = npt.NDArray[np.float64]


def ictal_steps(seizures: list[dict[str, float]], steps: int, steps_hz: float) -> npt.NDArray[np.bool_]:
    """Which steps have their middle in a seizure."""
    middle_s = (np.arange(steps) + 0.5) / steps_hz
    inside = [(one["onset_s"] <= middle_s) & (middle_s < one["stop_s"]) for one in seizures]
    ictal: npt.NDArray[np.bool_] = np.any([np.zeros(steps, dtype=bool), *inside], axis=0)
    return ictal


def answers(detector: detectors.Detector, path: Path, rng: np.random.Generator) -> dict[tuple[int, str], Floats]:
    """Logits of a recording for every number of lost channels and either way."""
    signal_uv = prepared(edf.read_header(path), detector.config.signals).signal.to_uv()
    found = {}
    for count in LOST:
        there = np.ones(len(signal_uv), dtype=np.bool_)
        there[rng.permutation(len(there))[:count]] = False
        left_uv = np.where(there[:, None], signal_uv, 0).astype(np.float32)
        for way, told in (("mask", there), ("zeros", np.ones_like(there))):
            found[count, way] = detector.traces(InMemory(signal_uv=left_uv, valid_channels=told)).logits
    return found


def main() -> None:
    """Write the corpus, lose channels, print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=4242)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    detector, rng = detectors.load(detectors.SHIPPED / "tiny"), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        config = SynthConfig(patients=arguments.patients, hours=1.0, seed=arguments.seed, seizure_share=0.08)
        write_corpus(corpus, config, workers=1)
        truth = json.loads((corpus / "truth.json").read_text())["recordings"]
        found = [answers(detector, corpus / f"{one['id']}.edf", rng) for one in truth]
    whole = [one[0, "mask"] for one in found]
    ictal = np.concatenate(
        [ictal_steps(one["seizures"], len(w), detector.steps_hz) for one, w in zip(truth, whole, strict=True)]
    )
    print(f"{len(truth)} recordings, {ictal.size:,} steps, {ictal.mean():.1%} ictal; {len(detector.channels)} channels")
    print("lost  way    AUROC   background moved by   ictal moved by (mean logits)")
    for count, way in found[0]:
        logits = np.concatenate([one[count, way] for one in found])
        moved = logits - np.concatenate(whole)
        area = auroc(logits, ictal)
        print(f"{count:4}  {way:5}  {area:.4f}  {moved[~ictal].mean():+19.2f}  {moved[ictal].mean():+15.2f}")


if __name__ == "__main__":
    main()
