"""Which stretches of EEG a report shows: of what was detected and missed, those from which most can be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.recipes.plan import Planned
from ictal.recipes.run import Run
from ictal.recipes.signals import open_one
from ictal.report.contents import EegExample, RecordingStrip, Series, SpansS
from ictal.scoring.szcore import SZCORE

EXAMPLE_S = 60.0
SURE, FAINT = "surest find", "faintest find"
MISSED, LATE, ALARM = "faintest miss", "latest find", "surest false alarm"
CAPTIONS = {
    SURE: "Detected: the surest of the detected seizures.",
    MISSED: "Missed: the seizure with the lowest probability.",
    FAINT: "Detected: the faintest of the detected seizures.",
    LATE: "Detected: of all detected seizures the one found longest after its annotated onset.",
    ALARM: "False alarm: the surest detection where no seizure is annotated.",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredRecording:
    """A recording of the scored part."""

    number: int
    strip: RecordingStrip
    probability: Series
    """Of every time step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """An event that could be shown.

    Args:
        recording: Where it is.
        span_s: From when to when.
        peak: Highest probability in it.
        late_s: From its onset to the first detection's, of a seizure that was found; 0 if the detection was first.
    """

    recording: ScoredRecording
    span_s: SpansS
    peak: float
    late_s: float = 0.0


def chosen(scored: Sequence[ScoredRecording], steps_hz: float) -> list[tuple[str, Candidate]]:
    """Names of the stretches that are shown, each with its event; no event is shown twice.

    A detection meets a seizure by SzCORE's tolerances, as in the counts beside it.

    Args:
        scored: The recordings.
        steps_hz: Time steps per second.
    """
    found: list[Candidate] = []
    missed: list[Candidate] = []
    alarms: list[Candidate] = []
    for recording in scored:
        reference, detections = recording.strip.reference_s, recording.strip.detections_s
        widened = reference + np.array([-SZCORE.tolerance_start_s, SZCORE.tolerance_end_s])
        for span, around in zip(reference, widened, strict=True):
            met = detections[_met(around, detections)]
            late_s = max(float(met[0, 0] - span[0]), 0.0) if len(met) else 0.0
            one = Candidate(recording=recording, span_s=span, peak=_peak(recording, span, steps_hz), late_s=late_s)
            (found if len(met) else missed).append(one)
        alarms += [
            Candidate(recording=recording, span_s=span, peak=_peak(recording, span, steps_hz))
            for span in detections
            if not _met(span, widened).any()
        ]
    return _picked(found, missed, alarms)


def _picked(found: list[Candidate], missed: list[Candidate], alarms: list[Candidate]) -> list[tuple[str, Candidate]]:
    picked: list[tuple[str, Candidate]] = []
    if found:
        picked.append((SURE, max(found, key=lambda one: one.peak)))
    if missed:
        picked.append((MISSED, min(missed, key=lambda one: one.peak)))
    elif len(found) > 1:
        picked.append((FAINT, min(found, key=lambda one: one.peak)))
    latest = max(found, key=lambda one: one.late_s, default=None)
    if latest is not None and latest.late_s > 0 and all(latest is not one for _, one in picked):
        picked.append((LATE, latest))
    if alarms:
        picked.append((ALARM, max(alarms, key=lambda one: one.peak)))
    return picked


def examples(run: Run, planned: Planned, scored: Sequence[ScoredRecording], threshold: float) -> tuple[EegExample, ...]:
    """The stretches with their EEG, from the store."""
    steps_hz = run.config.signals.rate_hz / run.config.model.samples_per_step
    return tuple(_example(run, planned, name, one, threshold) for name, one in chosen(scored, steps_hz))


def _met(span_s: SpansS, others_s: SpansS) -> npt.NDArray[np.bool_]:
    """Which of the others overlap a span."""
    return np.asarray((others_s[:, 0] < span_s[1]) & (others_s[:, 1] > span_s[0]), dtype=np.bool_)


def _peak(recording: ScoredRecording, span_s: SpansS, steps_hz: float) -> float:
    start, stop = (span_s * steps_hz).astype(int)
    return float(recording.probability[start : stop + 1].max())


def _example(run: Run, planned: Planned, name: str, one: Candidate, threshold: float) -> EegExample:
    recording = one.recording
    stored = open_one(run, planned, recording.number)
    length_s = min(EXAMPLE_S, recording.strip.duration_s)
    start_s = float(np.floor(np.clip(one.span_s[0] - EXAMPLE_S / 4, 0, recording.strip.duration_s - length_s)))
    rate_hz = run.config.signals.rate_hz
    steps_hz = rate_hz / run.config.model.samples_per_step
    first, steps = int(start_s * steps_hz), int(length_s * steps_hz)
    return EegExample(
        recording=recording.strip.recording,
        patient=recording.strip.patient,
        caption=CAPTIONS[name],
        name=name,
        start_s=start_s,
        rate_hz=rate_hz,
        channels=stored.channels,
        signal_uv=stored.read_uv(int(start_s * rate_hz), int(length_s * rate_hz)),
        probability=recording.probability[first : first + steps].astype(np.float64),
        probability_rate_hz=steps_hz,
        threshold=threshold,
        reference_s=recording.strip.reference_s,
        detections_s=recording.strip.detections_s,
    )
