"""`ictal report`: the run folder as one page. Parts that the run has not reached are left out and named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ictal.recipes.detector import CARD
from ictal.recipes.plan import Planned
from ictal.recipes.prepare import open_one
from ictal.recipes.run import Run, damaged, read_json, versions, write_text
from ictal.recordings.annotations import bids
from ictal.recordings.events import seizures
from ictal.report.contents import (
    Contents,
    EegExample,
    RecordingStrip,
    ReliabilityBins,
    SensitivityCurve,
    Series,
    SpansS,
    TrainingCurves,
    Verdict,
)
from ictal.report.page import render
from ictal.report.summary import summary_figure

EXAMPLE_S = 60.0
FINISHED = ("healthy", "unproven")
"""Kinds of verdict of a run that reached its last step."""
Json = Mapping[str, Any]


def contents(run: Run, planned: Planned) -> Contents:
    """Everything that the run folder holds, as the page takes it."""
    evaluation = _evaluation(run, planned)
    scored = _scored(run, planned, evaluation) if evaluation else ()
    verdict = _optional(run, "verdict.json")
    return Contents(
        title=run.folder.absolute().name,
        verdict=_verdict(verdict, evaluation),
        corpus=_optional(run, "audit.json"),
        plan=_optional(run, "plan.json"),
        incident=_optional(run, "incident.json"),
        training=_training(run, planned, verdict),
        evaluation=evaluation,
        curve=_curve(evaluation) if evaluation else None,
        reliability=_reliability(evaluation["reliability"]) if evaluation else None,
        strips=tuple(recording.strip for recording in scored),
        examples=tuple(_examples(run, planned, scored, evaluation)) if evaluation else (),
        provenance=_provenance(run, planned),
        warnings=tuple(_warnings(planned, evaluation)),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _ScoredRecording:
    """A recording of the scored part."""

    number: int
    strip: RecordingStrip
    probability: Series


_Candidate = tuple[float, _ScoredRecording, SpansS]
"""Highest probability in a span, the recording, the span in seconds."""


def _optional(run: Run, name: str) -> Json | None:
    path = run.path(name)
    return read_json(path) if path.exists() else None


def _evaluation(run: Run, planned: Planned) -> Json | None:
    """The evaluation of the detector that the folder holds now; one of an earlier plan or detector is not shown."""
    evaluation, card = _optional(run, "evaluation.json"), _optional(run, CARD)
    if evaluation is None or card is None or card["operating_point"] is None:
        return None
    same_plan = evaluation["plan_hash"] == planned.hash
    return (
        evaluation if same_plan and evaluation["operating_point"].items() >= card["operating_point"].items() else None
    )


def _verdict(verdict: Json | None, evaluation: Json | None) -> Verdict:
    if verdict is None:
        return Verdict(healthy=False, kind="not trained", headline="This run has not been trained yet")
    kind, step = verdict["kind"], verdict["step"]
    evidence = tuple(f"{name.replace('_', ' ')}: {value}" for name, value in verdict["evidence"].items())
    if kind not in FINISHED:
        headline = f"Stopped at step {step} ({kind}): {verdict['message']}"
        return Verdict(healthy=False, kind="stopped", headline=headline, evidence=evidence)
    headline = f"Trained for {step} steps: {verdict['message']}"
    if evaluation and not evaluation["operating_point"]["target_reached"]:
        reason = evaluation["operating_point"]["reason"]
        return Verdict(healthy=False, kind="target not reached", headline=reason, evidence=(headline, *evidence))
    return Verdict(healthy=kind == "healthy", kind=kind, headline=headline, evidence=evidence)


def _training(run: Run, planned: Planned, verdict: Json | None) -> TrainingCurves | None:
    if not run.path("train.jsonl").exists():
        return None
    rows = [json.loads(line) for line in run.path("train.jsonl").read_text().splitlines()]
    if not rows:
        return None
    stopped = verdict is not None and verdict["kind"] not in FINISHED
    return TrainingCurves(
        step=np.array([row["step"] for row in rows], dtype=np.int64),
        loss=_column(rows, "loss"),
        skill=_column(rows, "skill"),
        learning_rate=_column(rows, "learning_rate"),
        logit_spread=_column(rows, "logit_spread"),
        separation=_column(rows, "separation"),
        prior_entropy=planned.prior.drawn_entropy,
        stopped_at=int(verdict["step"]) if verdict is not None and stopped else None,
    )


def _column(rows: Sequence[Json], name: str) -> Series:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _curve(evaluation: Json) -> SensitivityCurve:
    curve, point = evaluation["curve"], evaluation["operating_point"]
    thresholds = np.array(curve["thresholds"], dtype=np.float64)
    return SensitivityCurve(
        false_alarms_per_24h=np.array(curve["false_alarms_per_24h"], dtype=np.float64),
        sensitivity=np.array(curve["sensitivity"], dtype=np.float64),
        threshold=thresholds,
        operating=min(int(np.searchsorted(curve["highest"], point["threshold"])), len(thresholds) - 1),
        target_false_alarms_per_24h=point["target_per_24h"],
    )


def _reliability(table: Json) -> ReliabilityBins:
    return ReliabilityBins(
        mean_probability=np.array(table["mean_probability"], dtype=np.float64),
        observed_share=np.array(table["ictal_share"], dtype=np.float64),
        count=np.array(table["weight"], dtype=np.int64),
    )


def _scored(run: Run, planned: Planned, evaluation: Json) -> tuple[_ScoredRecording, ...]:
    """Reference, detections and probability of every scored recording."""
    try:
        with run.path("traces.npz").open("rb") as file:
            traces = dict(np.load(file))
    except (OSError, ValueError, BadZipFile) as error:
        raise damaged(run.path("traces.npz"), str(error)) from error
    scored = []
    for place, number in enumerate(planned.split[evaluation["part"]]):
        recording = planned.labelled[number]
        detections = bids.read(run.path("detections") / evaluation["part"] / f"{recording.recording.id}_events.tsv")
        strip = RecordingStrip(
            recording=recording.recording.id,
            patient=recording.recording.patient,
            duration_s=recording.duration_s,
            reference_s=_spans(recording.seizures_s),
            detections_s=_spans(seizures(detections)),
        )
        scored.append(_ScoredRecording(number=number, strip=strip, probability=traces[f"probability_{place}"]))
    return tuple(scored)


def _spans(pairs: Sequence[tuple[float, float]]) -> SpansS:
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _examples(run: Run, planned: Planned, scored: Sequence[_ScoredRecording], evaluation: Json) -> list[EegExample]:
    """The surest find, the faintest find or a miss, and the surest false alarm."""
    found: list[_Candidate] = []
    missed: list[_Candidate] = []
    false_alarms: list[_Candidate] = []
    for recording in scored:
        reference, detections = recording.strip.reference_s, recording.strip.detections_s
        for span in reference:
            hit = _touches(span, detections)
            (found if hit else missed).append((_peak(run, recording, span), recording, span))
        false_alarms += [
            (_peak(run, recording, span), recording, span) for span in detections if not _touches(span, reference)
        ]
    picked = []
    if found:
        picked.append(("Detected: the surest of the detected seizures", max(found, key=_by_peak)))
    if missed:
        picked.append(("Missed: the seizure with the lowest probability", min(missed, key=_by_peak)))
    elif len(found) > 1:
        picked.append(("Detected: the faintest of the detected seizures", min(found, key=_by_peak)))
    if false_alarms:
        picked.append(
            ("False alarm: the surest detection where no seizure is annotated", max(false_alarms, key=_by_peak))
        )
    threshold = evaluation["operating_point"]["threshold"]
    return [_example(run, planned, caption, recording, span, threshold) for caption, (_, recording, span) in picked]


def _by_peak(candidate: _Candidate) -> float:
    return candidate[0]


def _touches(span: SpansS, others: SpansS) -> bool:
    return bool(((others[:, 0] < span[1]) & (others[:, 1] > span[0])).any())


def _steps_hz(run: Run) -> float:
    return run.config.signals.rate_hz / run.config.model.samples_per_step


def _peak(run: Run, recording: _ScoredRecording, span: SpansS) -> float:
    start, stop = (span * _steps_hz(run)).astype(int)
    return float(recording.probability[start : stop + 1].max())


def _example(
    run: Run, planned: Planned, caption: str, recording: _ScoredRecording, span: SpansS, threshold: float
) -> EegExample:
    stored = open_one(run, planned, recording.number)
    length_s = min(EXAMPLE_S, recording.strip.duration_s)
    start_s = float(np.floor(np.clip(span[0] - EXAMPLE_S / 4, 0, recording.strip.duration_s - length_s)))
    rate_hz, steps_hz = run.config.signals.rate_hz, _steps_hz(run)
    first, steps = int(start_s * steps_hz), int(length_s * steps_hz)
    return EegExample(
        recording=recording.strip.recording,
        patient=recording.strip.patient,
        caption=caption,
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


def _provenance(run: Run, planned: Planned) -> dict[str, str]:
    scored = "--open-eval" if run.config.evaluate.part == "eval" else f"--evaluate.part {run.config.evaluate.part}"
    steps = {"plan": "", "prepare": "", "train": "", "evaluate": f" {scored}", "report": ""}
    return {
        **{f"command {n}": f"ictal {step} {run.folder}{more}" for n, (step, more) in enumerate(steps.items(), 1)},
        "configuration": str(run.path("config.toml")),
        "index hash": planned.index.hash,
        "plan hash": planned.hash,
        "seeds": f"split {run.config.split.seed}, batch {run.config.batch.seed}, train {run.config.train.seed}",
        **{name: str(value) for name, value in versions().items()},
    }


def _warnings(planned: Planned, evaluation: Json | None) -> list[str]:
    warnings = [f"Set aside: {entry.id}: {entry.reason}" for entry in planned.quarantined]
    if evaluation and not evaluation["independent_of_tuning"]:
        warnings.append("The threshold was chosen on the recordings that are scored here: expect less on others")
    if evaluation and not evaluation["unseen_patients"]:
        warnings.append("Scored on the patients that it was trained on: this shows that the model can learn, not more")
    if evaluation:
        events = evaluation["scorers"]["szcore_event"]["reference"]
        if events < 30:
            warnings.append(f"Only {events:g} seizures were scored: the intervals beside each number are wide")
    return warnings


def write(run: Run, planned: Planned) -> Path:
    """Make the page, and the picture of the result where there is one; returns the page's path."""
    page = contents(run, planned)
    path = run.path("report.html")
    write_text(path, render(page))
    if page.curve is not None:
        run.path("report.png").write_bytes(summary_figure(page))
    return path
