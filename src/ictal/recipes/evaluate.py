"""`ictal evaluate`: calibrate and choose the threshold on the dev part, score the eval part, recording by recording."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import torch

from ictal.appearing import appearing
from ictal.detection.counted import CountedLogits
from ictal.detection.events import confidence
from ictal.detection.tuning import OperatingPoint, choose
from ictal.errors import InputError
from ictal.recipes import detector as detectors
from ictal.recipes import opening, score, seizure_types
from ictal.recipes.curve import staircases
from ictal.recipes.detect import artefacts_of, described, labels_of
from ictal.recipes.detector import Detector, SayBackend, Trace
from ictal.recipes.plan import Planned, Progress
from ictal.recipes.ranking import Ranked
from ictal.recipes.run import Run
from ictal.recipes.score import BOOTSTRAP_SEED, Corpus, require_declared
from ictal.recipes.signals import open_parts
from ictal.recipes.spool import Spool
from ictal.recordings.annotations import bids
from ictal.scoring import szcore
from ictal.scoring.band import Band, band
from ictal.scoring.bootstrap import DRAWS, LEVEL
from ictal.scoring.curves import Curve
from ictal.scoring.curves import Trace as ScoredTrace
from ictal.scoring.reliability import ReliabilityTable
from ictal.scoring.staircase import Staircase, added
from ictal.signals.readable import Readable
from ictal.windows.index import WindowIndex
from ictal.windows.splits import Part

CURVE_POINTS = 1_000
"""Points of the curve of sensitivity against false alarms that results keep, besides the corners of its envelope."""
BAND_RATES_PER_24H = np.unique(np.concatenate([np.arange(20) / 20, np.arange(1, 101), np.geomspace(100, 1_000, 21)]))
"""Rates of false alarms at which results state the best sensitivity with its interval."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredPart:
    """One part of the split with what the detector said about it; lists are in the order of the index."""

    part: Part
    index: WindowIndex
    logits: Spool
    type_traces: Spool
    """Log probability of each type of seizure that the detector tells apart, in every time step."""
    samples_per_step: int
    reference_s: tuple[Trace, ...]
    durations_s: tuple[float, ...]
    types: tuple[tuple[str, ...], ...]
    """The type of each seizure."""
    montages: tuple[str, ...]
    """The common reference that the channels name."""

    def ictal_shares(self) -> Iterator[Trace]:
        """Exact ictal share of every time step, recording by recording."""
        for recording, logits in zip(self.index.recordings, self.logits, strict=True):
            yield recording.ictal_shares(len(logits), self.samples_per_step)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluated:
    """Everything that an evaluation computes."""

    detector: Detector
    scored: ScoredPart
    detections_s: tuple[Trace, ...]
    target_reached: bool
    """Whether the dev part had a threshold that meets the target."""
    document: dict[str, object]
    signals: tuple[Readable, ...] = ()
    """Of the scored recordings."""

    def probabilities(self) -> Iterator[Trace]:
        """Of every time step, recording by recording."""
        return map(self.detector.probability, self.scored.logits)


def evaluate_run(
    run: Run, planned: Planned, progress: Progress, chosen: SayBackend | None = None, *, open_eval: bool = False
) -> Evaluated:
    """Score the part of the split that the configuration names; in memory is one recording at a time.

    The threshold comes from the dev part. Where there is none (`split.method = "all-train"`), it comes from the scored
    part itself, and the document says so.

    Args:
        run: The run.
        planned: Its plan.
        progress: Called with recordings done and in all.
        chosen: Called once, before the first recording, with the backend and what was asked for; not called for a model
            without Mamba layers.
        open_eval: Open the evaluation part, which is recorded; only this makes scoring it possible.

    Raises:
        InputError: as `require_scorable`, or if it is the evaluation part and `open_eval` is not set.
    """
    torch.set_num_threads(run.config.machine.threads)
    detector = _current_detector(run, planned)
    part: Part = run.config.evaluate.part
    tuned_on: Part = "dev" if planned.split["dev"] else part
    require_scorable(planned, part, no_seizures_expected=run.config.evaluate.no_seizures_expected)
    locked = part == "eval" and not open_eval
    signals = {} if locked else open_parts(run, planned)  # what is missing or damaged costs no opening
    opened = opening.open_eval(run, planned, allowed=open_eval) if part == "eval" else opening.openings(run)
    detector.say_backend(chosen)
    parts = [tuned_on] if tuned_on == part else [tuned_on, part]
    total = sum(len(planned.split[p]) for p in parts)
    done = 0
    scored: dict[Part, ScoredPart] = {}
    for name in parts:
        scored[name] = _score_part(
            run,
            planned,
            detector,
            name,
            signals[name],
            lambda n, _: progress(done + n, total),  # noqa: B023
        )
        done += len(planned.split[name])
    detector = tuned(detector, scored[tuned_on])
    detectors.save(run.folder, detector)
    evaluated = results(detector, scored[part], tuned_on)
    about = {
        "quarantined": [asdict(entry) for entry in planned.quarantined],
        "plan_hash": planned.hash,
        "eval_openings": opened,
    }
    return replace(evaluated, document={**evaluated.document, **about}, signals=tuple(signals[part]))


def save(run: Run, planned: Planned, evaluated: Evaluated) -> None:
    """Keep the results: the traces, every recording's detections as HED-SCORE TSV, and then the document.

    Meanwhile there is none: traces and detections of one evaluation never stand beside the document of another.
    """
    run.keep_config()
    run.path("evaluation.json").unlink(missing_ok=True)
    _write_traces(run.path("traces.npz"), evaluated.probabilities())
    part, steps_hz = evaluated.scored.part, evaluated.detector.steps_hz
    for number, stored, found_s, probability, types in zip(
        planned.split[part],
        evaluated.signals,
        evaluated.detections_s,
        evaluated.probabilities(),
        evaluated.scored.type_traces,
        strict=True,
    ):
        recording = planned.labelled[number]
        path = run.path("detections") / part / f"{recording.recording.id}_events.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        artefacts = artefacts_of(
            stored.read, stored.samples, stored.rate_hz, found_s, channels=stored.channels, validity=stored.validity
        )
        labels = labels_of(evaluated.detector, types, found_s)
        found = described(found_s, confidence(probability, steps_hz, found_s), artefacts, labels=labels)
        bids.write(path, events=found, duration_s=recording.duration_s, start=recording.header.start)
    run.write_json("evaluation.json", evaluated.document)


def _write_traces(path: Path, probabilities: Iterator[Trace]) -> None:
    """An NPZ as `numpy.savez_compressed` makes it, one trace after the other; it is whole or absent."""
    with appearing(path) as draft, ZipFile(draft, "w", ZIP_DEFLATED) as archive:
        for number, probability in enumerate(probabilities):
            with archive.open(f"probability_{number}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, probability.astype(np.float32), allow_pickle=False)


def _current_detector(run: Run, planned: Planned) -> Detector:
    """The run's detector with the settings of this evaluation, made sure to be trained with this plan."""
    detector = detectors.load(run.folder, run.config.machine)
    if detector.batches_hash != planned.batches.hash:
        raise InputError(
            "The detector was trained with another plan",
            where=run.path(detectors.CARD),
            got=f"batches {detector.batches_hash}",
            expected=f"batches {planned.batches.hash}",
            remedy="train again, or use the run folder that it was trained in",
            code="plan-changed",
        )
    changed = [s for s in detectors.TRAINED_WITH if getattr(run.config, s) != getattr(detector.config, s)]
    if changed:
        raise InputError(
            "The detector was trained with other settings",
            where=run.path(detectors.CARD),
            got=f"other values in {', '.join(changed)}",
            expected="the values that the card holds",
            remedy="leave these settings as they are, or train a new run with them",
            code="settings-changed",
        )
    config = replace(
        detector.config, events=run.config.events, evaluate=run.config.evaluate, machine=run.config.machine
    )
    return replace(detector, config=config)


def require_scorable(planned: Planned, part: Part, *, no_seizures_expected: bool = False) -> None:
    """Refuse a part that no score can come from.

    Raises:
        InputError: if it is empty (code `part-empty`), shares a patient with training (`patients-seen`) or holds no
            seizure and that is not declared (`reference-seizures`).
    """
    if not planned.split[part]:
        raise InputError(
            "There is nothing to score",
            where="evaluate.part",
            got=f"the {part} part of this split is empty",
            expected="a part with recordings",
            remedy='choose another split, or evaluate.part = "train" to see only whether the model has learnt',
            code="part-empty",
        )
    if part != "train":
        trained = {r.patient for r in planned.batches.index.recordings}
        seen = trained & {planned.index.recordings[n].patient for n in planned.split[part]}
        if seen:
            raise InputError(
                "Patients to be scored were seen in training",
                where=f"the {part} part of the split",
                got=", ".join(sorted(seen)),
                expected="patients of their own in every part",
                remedy="correct corpus.same_patient or the split, plan and train again",
                code="patients-seen",
            )
    seizures = sum(len(planned.labelled[n].seizures_s) for n in planned.split[part])
    require_declared(f"the {part} part of the split", seizures, no_seizures_expected=no_seizures_expected)


def _score_part(
    run: Run, planned: Planned, detector: Detector, part: Part, signals: Sequence[Readable], progress: Progress
) -> ScoredPart:
    numbers = planned.split[part]
    index = planned.index.select(numbers)
    logits, types, montages = Spool(run.folder), Spool(run.folder), []
    for done, stored in enumerate(signals, 1):
        traces = detector.traces(stored)
        logits.append(traces.logits)
        types.append(traces.types)
        montages.append(stored.reference or "no reference named")
        progress(done, len(numbers))
    return ScoredPart(
        part=part,
        index=index,
        logits=logits,
        type_traces=types,
        samples_per_step=run.config.model.samples_per_step,
        reference_s=tuple(np.array(planned.labelled[n].seizures_s, dtype=np.float64).reshape(-1, 2) for n in numbers),
        durations_s=tuple(planned.labelled[n].duration_s for n in numbers),
        types=tuple(planned.labelled[n].types or ("",) * len(planned.labelled[n].seizures_s) for n in numbers),
        montages=tuple(montages),
    )


def tuned(detector: Detector, dev: ScoredPart) -> Detector:
    """The detector calibrated on a part, the dev part where there is one, and with a threshold chosen there."""
    counted = CountedLogits()
    for logits, share in zip(dev.logits, dev.ictal_shares(), strict=True):
        counted.add(logits, share >= 0.5)
    detector = replace(detector, calibration=counted.fit(detector.config.evaluate.calibration))
    curve = added(_staircases(detector, dev)).curve()
    point, reason = _operating_point(curve, target_per_24h=detector.config.evaluate.false_alarms_per_24h)
    return replace(detector, operating_point=point, unreached=reason)


def _operating_point(curve: Curve, *, target_per_24h: float) -> tuple[OperatingPoint, str | None]:
    """The threshold for the target; where that is unreachable, the nearest one that finds a seizure, and the reason."""
    candidates = (curve.thresholds, curve.sensitivity, curve.false_alarms_per_24h)
    chosen = choose(*candidates, target_per_24h=target_per_24h)
    if isinstance(chosen, OperatingPoint):
        return chosen, None
    if chosen.lowest_per_24h is None:
        silent = OperatingPoint(threshold=1.0, sensitivity=0.0, false_alarms_per_24h=0.0, target_per_24h=target_per_24h)
        return silent, chosen.reason
    nearest = choose(*candidates, target_per_24h=chosen.lowest_per_24h)
    assert isinstance(nearest, OperatingPoint)
    return replace(nearest, target_per_24h=target_per_24h), chosen.reason


def _staircases(detector: Detector, scored: ScoredPart) -> list[Staircase]:
    """Counts of each recording at every threshold."""
    return staircases(lambda: _traces(detector, scored), detector.steps_hz, detector.config.events)


def _traces(detector: Detector, scored: ScoredPart) -> Iterator[ScoredTrace]:
    for recording, logits, reference_s, duration_s in zip(
        scored.index.recordings, scored.logits, scored.reference_s, scored.durations_s, strict=True
    ):
        probability = detector.probability(logits)
        yield ScoredTrace(name=recording.id, probability=probability, reference_s=reference_s, duration_s=duration_s)


def results(detector: Detector, scored: ScoredPart, tuned_on: Part) -> Evaluated:
    """What the tuned detector finds in a part, and every score of it.

    Args:
        detector: It, with its calibration and threshold.
        scored: The part.
        tuned_on: The part that these come from.
    """
    config = detector.config
    ranked = Ranked(scored.index, config.model.samples_per_step, config.signals.rate_hz)
    ictal_steps, detections_s = 0.0, []
    for number, (logits, share) in enumerate(zip(scored.logits, scored.ictal_shares(), strict=True)):
        probability = detector.probability(logits)
        detections_s.append(detector.detect(probability, scored.durations_s[number]))
        ranked.add(number, probability, share)
        ictal_steps += float(share.sum())
    steps, ranking = ranked.steps.histogram, ranked.document()
    document = {
        "part": scored.part,
        "unseen_patients": scored.part != "train",
        "independent_of_tuning": scored.part != tuned_on,
        "recordings": len(scored.index.recordings),
        **_scores(scored, detections_s),
        **_areas(ranking),
        "ranking": ranking,
        "backend": detector.backend,
        "types": seizure_types.document(config.model, scored.index, scored.type_traces),
        "ece": steps.reliability().ece,
        "mean_probability": steps.mean_probability,
        "ictal_share": ictal_steps / steps.steps,
        "calibration": config.evaluate.calibration,
        "temperature": detector.calibration.temperature if detector.calibration else None,
        "bias": detector.calibration.bias if detector.calibration else None,
        "operating_point": {
            **(asdict(detector.operating_point) if detector.operating_point else {}),
            "tuned_on": tuned_on,
            "target_reached": detector.unreached is None,
            "reason": detector.unreached,
        },
        "curve": _drawn(_staircases(detector, scored), scored, detector),
        "reliability": _arrays(steps.reliability("equal-root")),
    }
    return Evaluated(
        detector=detector,
        scored=scored,
        detections_s=tuple(detections_s),
        target_reached=detector.unreached is None,
        document=document,
    )


def _areas(ranked: Mapping[str, Any]) -> dict[str, object]:
    """The areas that decide, by names of their own."""
    return {f"{kind}_{area}": ranked[kind][area] for kind in ("window", "second") for area in ("auroc", "auprc")}


def _drawn(found: Sequence[Staircase], scored: ScoredPart, detector: Detector) -> dict[str, object]:
    """The curve's points, as many as a page needs; what counted them; whether other thresholds could give others."""
    assert detector.operating_point is not None
    curve = added(found).curve()
    return {
        "scorer": szcore.SCORER,
        "scorer_version": szcore.SCORER_VERSION,
        "every_threshold": curve.every_threshold,
        "points": curve.thresholds.size,
        **_arrays(curve.outline(CURVE_POINTS, detector.operating_point.threshold)),
        "band": _band(found, [recording.patient for recording in scored.index.recordings]),
    }


def _band(found: Sequence[Staircase], patients: Sequence[str]) -> dict[str, object]:
    """The best sensitivity at each rate of false alarms, with the interval of resampled patients."""
    own: dict[str, list[Staircase]] = {patient: [] for patient in sorted(set(patients))}
    for patient, one in zip(patients, found, strict=True):
        own[patient].append(one)
    around = band([added(stairs) for stairs in own.values()], BAND_RATES_PER_24H, np.random.default_rng(BOOTSTRAP_SEED))
    return {"level": LEVEL, "draws": DRAWS, "undefined_draws": around.undefined_draws, **_arrays(around)}


def _arrays(table: Curve | ReliabilityTable | Band) -> dict[str, list[float | None]]:
    """The arrays of a table as lists; undefined is null."""
    return {
        name: [None if math.isnan(value) else float(value) for value in column]
        for name, column in vars(table).items()
        if isinstance(column, np.ndarray)
    }


def _scores(scored: ScoredPart, detections_s: Sequence[Trace]) -> Mapping[str, object]:
    recordings = scored.index.recordings
    corpus = Corpus(
        names=[r.id for r in recordings],
        patients=[r.patient for r in recordings],
        reference_s=scored.reference_s,
        hypothesis_s=detections_s,
        durations_s=scored.durations_s,
        types=scored.types,
        montages=scored.montages,
    )
    return score.scored(corpus)
