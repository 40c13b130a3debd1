"""`ictal report`: the run folder as one page. Parts that the run has not reached are left out and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ictal.appearing import appearing
from ictal.errors import command
from ictal.recipes.detector import CARD, WEIGHTS, backend_that_ran
from ictal.recipes.examples import ScoredRecording, examples
from ictal.recipes.opening import openings
from ictal.recipes.plan import Planned
from ictal.recipes.prepare import copies_of
from ictal.recipes.reference import field_docs
from ictal.recipes.run import Run, damaged, read_json, write_text
from ictal.recordings.annotations import bids
from ictal.recordings.events import seizures
from ictal.report.contents import (
    Contents,
    LeakageAudit,
    RecordingStrip,
    ReliabilityBins,
    Said,
    SensitivityBand,
    SensitivityCurve,
    Series,
    SpansS,
    TrainingCurves,
    ValidationPoint,
    Verdict,
    Watched,
)
from ictal.report.page import render
from ictal.report.readings import doubts
from ictal.report.summary import summary_figure
from ictal.training.guards import GuardConfig
from ictal.windows.prior import effective

FINISHED = ("healthy", "unproven")
"""Kinds of verdict of a run that reached its last step."""
HASHED = ("config.toml", WEIGHTS, CARD, "evaluation.json")
"""Files of the run folder whose content says whether a run has been repeated."""
Json = Mapping[str, Any]


def contents(run: Run, planned: Planned) -> Contents:
    """Everything that the run folder holds, as the page takes it."""
    evaluation = _evaluation(run, planned)
    scored = _scored(run, planned, evaluation) if evaluation else ()
    verdict = _optional(run, "verdict.json")
    return Contents(
        title="/".join(run.folder.absolute().parts[1:][-2:]),
        verdict=_verdict(verdict, evaluation),
        corpus=_optional(run, "audit.json"),
        leakage=_leakage(run, planned),
        plan=_optional(run, "plan.json"),
        incident=_optional(run, "incident.json"),
        training=_training(run, planned, verdict),
        evaluation=evaluation,
        curve=_curve(evaluation) if evaluation else None,
        reliability=_reliability(evaluation["reliability"]) if evaluation else None,
        calibrated=_calibrated(evaluation) if evaluation else "",
        strips=tuple(recording.strip for recording in scored),
        examples=examples(run, planned, scored, evaluation["operating_point"]["threshold"]) if evaluation else (),
        provenance=_provenance(run, planned, evaluation),
        warnings=tuple(_warnings(planned, evaluation)),
    )


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


def _calibrated(evaluation: Json) -> str:
    return f"calibration by {evaluation['calibration']} on the {evaluation['operating_point']['tuned_on']} part"


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


def _leakage(run: Run, planned: Planned) -> LeakageAudit:
    parts: dict[str, set[str]] = {}
    for part, numbers in planned.split.items():
        for number in numbers:
            parts.setdefault(planned.labelled[number].recording.patient, set()).add(part)
    store = _optional(run, "store.json")
    return LeakageAudit(
        patients=len(parts),
        patients_in_two_parts=tuple(sorted(patient for patient, own in parts.items() if len(own) > 1)),
        signals=None if store is None else store["recordings"],
        copies=tuple((first, second) for first, second in copies_of(run)),
        openings=openings(run),
    )


def _training(run: Run, planned: Planned, verdict: Json | None) -> TrainingCurves | None:
    rows = _log(run.path("train.jsonl"))
    if not rows:
        return None
    stopped = verdict is not None and verdict["kind"] not in FINISHED
    weights = run.config.train.loss_weights
    return TrainingCurves(
        step=np.array([row["step"] for row in rows], dtype=np.int64),
        loss=_column(rows, "loss"),
        skill=_column(rows, "skill"),
        learning_rate=_column(rows, "learning_rate"),
        logit_spread=_column(rows, "logit_spread"),
        separation=_column(rows, "separation"),
        blind_loss=effective(planned.batches, weights, allow_double_correction=True).blind_loss,
        stopped_at=int(verdict["step"]) if verdict is not None and stopped else None,
        validation=_validations(rows),
        watched=_watched(run.config.guard),
        said=tuple(_said(rows, verdict if stopped else None)),
        seizure_windows=np.array([row["seizure_windows"] for row in rows], dtype=np.int64),
    )


def _log(path: Path) -> list[Json]:
    """The steps of the log that were written to their end: training may be writing at the moment."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    except json.JSONDecodeError as error:
        raise damaged(path, str(error)) from error


def _validations(rows: Sequence[Json]) -> tuple[ValidationPoint, ...]:
    """The rows of steps after which the dev part was scored."""
    return tuple(
        ValidationPoint(
            step=row["step"] + 1,
            auprc=row["dev_auprc"],
            sensitivity=row["dev_sensitivity"],
            best=bool(row["dev_best"]),
        )
        for row in rows
        if "dev_auprc" in row
    )


def _watched(config: GuardConfig) -> tuple[Watched, ...]:
    """The guards, with what makes each speak."""
    docs = field_docs(GuardConfig)
    return tuple(
        Watched(guard=name, mode=mode, watches=docs[name])
        for name, mode in vars(config).items()
        if mode in {"stop", "warn"}
    )


def _said(rows: Sequence[Json], stop: Json | None) -> Iterator[Said]:
    """Warnings by step, then what stopped the run."""
    for row in rows:
        for one in row.get("warnings", ()):
            yield Said(step=one["step"], kind=one["kind"], message=one["message"])
    if stop is not None:
        yield Said(step=stop["step"], kind=stop["kind"], message=stop["message"], stopped=True)


def _column(rows: Sequence[Json], name: str) -> Series:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _curve(evaluation: Json) -> SensitivityCurve:
    curve, point = evaluation["curve"], evaluation["operating_point"]
    thresholds = np.array(curve["thresholds"], dtype=np.float64)
    intervals = evaluation["scorers"]["szcore_event"]["intervals"]
    return SensitivityCurve(
        false_alarms_per_24h=np.array(curve["false_alarms_per_24h"], dtype=np.float64),
        sensitivity=np.array(curve["sensitivity"], dtype=np.float64),
        threshold=thresholds,
        operating=min(int(np.searchsorted(curve["highest"], point["threshold"])), len(thresholds) - 1),
        target_false_alarms_per_24h=point["target_per_24h"],
        level=intervals["level"],
        sensitivity_interval=_interval(intervals["sensitivity"]),
        false_alarms_interval=_interval(intervals["false_alarms_per_24h"]),
        band=_band(curve["band"]),
    )


def _band(around: Json) -> SensitivityBand | None:
    """The band, if there are patients to draw and a seizure to find."""
    if None in around["lower"]:
        return None
    rates_per_24h, lower, upper = (np.array(around[side]) for side in ("rates_per_24h", "lower", "upper"))
    return SensitivityBand(rates_per_24h=rates_per_24h, lower=lower, upper=upper)


def _interval(bounds: Json) -> tuple[float, float] | None:
    return None if bounds["lower"] is None or bounds["upper"] is None else (bounds["lower"], bounds["upper"])


def _reliability(table: Json) -> ReliabilityBins:
    return ReliabilityBins(
        mean_probability=np.array(table["mean_probability"], dtype=np.float64),
        observed_share=np.array(table["ictal_share"], dtype=np.float64),
        count=np.array(table["weight"], dtype=np.int64),
    )


def _scored(run: Run, planned: Planned, evaluation: Json) -> tuple[ScoredRecording, ...]:
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
        scored.append(ScoredRecording(number=number, strip=strip, probability=traces[f"probability_{place}"]))
    return tuple(scored)


def _spans(pairs: Sequence[tuple[float, float]]) -> SpansS:
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _provenance(run: Run, planned: Planned, evaluation: Json | None) -> dict[str, str]:
    part = run.config.evaluate.part
    scored = ("--open-eval",) if part == "eval" else ("--evaluate.part", part)
    plan = ("--config", run.path("config.toml").absolute())
    steps = {"plan": plan, "prepare": (), "train": (), "evaluate": scored, "report": ()}
    return {
        **{f"command {n}": command(step, "again", *more) for n, (step, more) in enumerate(steps.items(), 1)},
        "configuration": str(run.path("config.toml")),
        "index hash": planned.index.hash,
        "plan hash": planned.hash,
        **{f"{name} hash": content for name in HASHED if (content := _content(run.path(name)))},
        **backend_that_ran(run.folder),
        **({"backend of the evaluation": backend} if (backend := (evaluation or {}).get("backend")) else {}),
        "seeds": f"split {run.config.split.seed}, batch {run.config.batch.seed}, train {run.config.train.seed}",
        **{name: str(value) for name, value in (_optional(run, "versions.json") or {}).items()},
    }


def _content(path: Path) -> str:
    """Hash of a file's content; empty where there is none."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() if path.exists() else ""


def _warnings(planned: Planned, evaluation: Json | None) -> list[str]:
    warnings = [f"Set aside: {entry.id}: {entry.reason}" for entry in planned.quarantined]
    if evaluation and not evaluation["independent_of_tuning"]:
        warnings.append("The threshold was chosen on the recordings that are scored here: expect less on others")
    if evaluation and not evaluation["unseen_patients"]:
        warnings.append("Scored on the patients that it was trained on: this shows that the model can learn, not more")
    if evaluation:
        event = evaluation["scorers"]["szcore_event"]
        if event["reference"] < 30:
            warnings.append(f"Only {event['reference']:g} seizures were scored: every rate of them is uncertain")
        warnings += doubts(event)
    return warnings


def write(run: Run, planned: Planned) -> Path:
    """Make the page, and the picture of the result where there is one; returns the page's path."""
    page = contents(run, planned)
    path = run.path("report.html")
    write_text(path, render(page))
    if page.curve is not None:
        with appearing(run.path("report.png")) as draft:
            draft.write_bytes(summary_figure(page))
    return path
