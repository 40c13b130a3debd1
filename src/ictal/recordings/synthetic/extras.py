"""The channels of a file: scalp and ears under their TUSZ labels, and the extras that every reader must step over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ictal.recordings.synthetic import head, noise
from ictal.recordings.synthetic.artefacts import heartbeat
from ictal.recordings.synthetic.canvas import Canvas

Array = npt.NDArray[np.float32]

MONTAGES = {"REF": "01_tcp_ar", "LE": "02_tcp_le"}
_SPARE = ("31", "32", "ROC", "LOC")


def referenced(canvas: Canvas, reference: str) -> Array:
    """The electrodes against the recording's reference: as they are, or against the mean of both ears."""
    if reference == "REF":
        return canvas.eeg_uv
    ears = canvas.eeg_uv[[head.INDEX["A1"], head.INDEX["A2"]]].mean(axis=0)
    return np.asarray(canvas.eeg_uv - ears)


def channels(
    rng: np.random.Generator, canvas: Canvas, reference: str, beats_s: npt.NDArray[np.float64]
) -> dict[str, Array]:
    """Every channel of the file by its label, in the order of the file, in µV."""
    eeg = referenced(canvas, reference)
    found = {f"EEG {name}-{reference}": eeg[number] for number, name in enumerate(head.ELECTRODES)}
    for name, (front, back) in {"T1": ("F7", "T3"), "T2": ("F8", "T4")}.items():
        found[f"EEG {name}-{reference}"] = 0.6 * eeg[head.INDEX[front]] + 0.4 * eeg[head.INDEX[back]]
    found[f"EEG {'EKG1' if reference == 'REF' else 'EKG'}-{reference}"] = _heart(rng, canvas, beats_s)
    for name in _SPARE[: int(rng.integers(0, len(_SPARE) + 1))]:
        found[f"EEG {name}-{reference}"] = _open_input(rng, canvas)
    flat = np.zeros(canvas.samples, dtype=np.float32)
    photic = "PHOTIC-REF" if reference == "REF" else "PHOTIC PH"
    return found | dict.fromkeys((photic, "IBI", "BURSTS", "SUPPR"), flat)


def _heart(rng: np.random.Generator, canvas: Canvas, beats_s: npt.NDArray[np.float64]) -> Array:
    lead = np.zeros((1, canvas.samples), dtype=np.float32)
    paper = Canvas(eeg_uv=lead, rate_hz=canvas.rate_hz)
    wave = np.float32(rng.uniform(500, 1100)) * heartbeat(canvas.rate_hz)
    for beat_s in beats_s:
        paper.paint(canvas.at(beat_s), np.ones(1, dtype=np.float32), wave)
    lead += 30 * noise.wander(rng, 1, canvas.samples, 2 * canvas.rate_hz)
    return np.ravel(lead)


def _open_input(rng: np.random.Generator, canvas: Canvas) -> Array:
    """An amplifier input without an electrode: a few µV of nothing."""
    return 2 * rng.standard_normal(canvas.samples, dtype=np.float32)
