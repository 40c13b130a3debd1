"""`ictal train`: from the plan and the store to a trained model, watched by guards."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor

from ictal.errors import InputError
from ictal.models.detector import build
from ictal.recipes import config as configs
from ictal.recipes import detector as detectors
from ictal.recipes.config import Config
from ictal.recipes.detector import Detector, SayBackend, device_of, trained_alike
from ictal.recipes.mining import Miner
from ictal.recipes.plan import Planned
from ictal.recipes.run import Run
from ictal.recipes.signals import open_signals
from ictal.recipes.validation import Validator
from ictal.recordings.montages import named
from ictal.signals.files import alone
from ictal.timeline import spans as sp
from ictal.training import checkpoint as checkpoints
from ictal.training.augment import Augmentation, OnsetShift
from ictal.training.guards import (
    CompositionGuard,
    DataGuard,
    GuardStop,
    NumbersGuard,
    SeparationGuard,
    SkillGuard,
    Verdict,
)
from ictal.training.logs import views
from ictal.training.loop import Progress, Trainer, require_precision
from ictal.training.ranks import Ranks, joined, own_device
from ictal.windows.dataset import WindowDataset
from ictal.windows.prior import EffectivePrior, Prevalence, Prior, effective


def train_run(run: Run, planned: Planned, progress: Progress, chosen: SayBackend | None = None) -> Verdict | None:
    """Train until the last step; the detector's weights are the average that the run has kept.

    Started by `torchrun`, every process trains on its own batches; the first one writes and returns the verdict.

    Args:
        run: What to train.
        planned: Its plan.
        progress: Called after every step.
        chosen: Called once by the first process, before the first step, with the backend and what was asked for; not
            called for a model without Mamba layers.

    Raises:
        InputError: if another process trains in this folder (code `run-busy`), or something cannot be used.
        GuardStop: if a guard stops the run; its verdict is kept in the run folder.
        Interrupted: if SIGINT or SIGTERM asked for an end; the same call goes on from there.
    """
    config = run.config
    torch.set_num_threads(config.machine.threads)
    device = own_device(device_of(config))
    with joined(device) as ranks, _alone(run) if ranks.leads else nullcontext():
        trainer, skill, prior = trainer_of(run, planned, ranks=ranks, folder=run.folder, device=device)
        if trainer.checkpoint_path.exists():
            _require_own_checkpoint(run, trainer)
        if ranks.leads:
            run.keep_config()
            if detectors.has_scan(config):
                _keep_backend(run, chosen)
        try:
            trainer.run(progress)
        except GuardStop as stop:
            if stop.verdict.kind != "other-rank":
                run.write_json("verdict.json", stop.verdict.document())
            raise
        verdict = _final_verdict(trainer, config.guard.grace_steps, skill.skill)
        if ranks.leads:
            _keep(run, planned, trainer, prior, verdict)
        ranks.barrier()
    return verdict if ranks.leads else None


def _alone(run: Run) -> AbstractContextManager[None]:
    """The only one that trains in the run's folder: two would write into each other's log."""
    busy = InputError(
        "Another process trains this run",
        where=run.folder,
        got="a lock that it holds",
        expected="one training of a run at a time",
        remedy="wait until it has ended or stop it; for another training use another folder",
        code="run-busy",
    )
    return alone(run.path(".train.lock"), busy)


def _require_own_checkpoint(run: Run, trainer: Trainer) -> None:
    """Stop before anything is kept if the checkpoint is another run's, naming the settings that make it so."""
    try:
        checkpoints.load(trainer.checkpoint_path, trainer.run_hash)
    except InputError as error:
        changed = run.changed()
        if error.code != "checkpoint-foreign" or not changed:
            raise
        raise InputError(
            error.what,
            where=error.where,
            got=", ".join(f"{key} {now}, which was {before}" for key, (before, now) in changed.items()),
            expected="the settings that it was begun with",
            remedy=error.remedy,
            code=error.code,
        ) from None


def _keep_backend(run: Run, chosen: SayBackend | None) -> None:
    asked, ran = run.config.machine.backend, detectors.backend_of(run.config)
    run.write_json(detectors.BACKEND, {"asked": asked, "ran": ran})
    if chosen is not None:
        chosen(ran, asked)


def trainer_of(
    run: Run, planned: Planned, *, ranks: Ranks, folder: Path, device: torch.device
) -> tuple[Trainer, SkillGuard, EffectivePrior]:
    """The run's trainer, writing to a folder, with the guard of its skill and the prior that it starts from."""
    config = run.config
    require_precision(device, config.train.precision)
    channels = named(config.signals.montage).channels
    plan = planned.batches.with_rank(ranks.rank, ranks.ranks)
    plan.check(config.train.steps * config.train.accumulate)
    prior = effective(plan, config.train.loss_weights, allow_double_correction=config.train.allow_double_correction)
    dataset = training_windows(run, planned)
    torch.manual_seed(config.train.seed)
    model = build(config.model, len(channels), prior.answer, detectors.backend_of(config))
    validate = None if config.train.select == "last" else Validator(run, planned, device, ranks)
    run_hash = _run_hash(run, planned, dataset, ranks, validate)
    skill = SkillGuard(config.guard, prior)
    trainer = Trainer(
        model=model,
        plan=plan,
        dataset=dataset,
        augmentation=Augmentation(config.augment, channels, config.train.seed, config.signals.rate_hz),
        onset_shift=_onset_shift(config),
        loader_workers=config.machine.loader_workers,
        guards=[
            NumbersGuard(
                model, config.guard, peak_rate=config.train.learning_rate, warmup_steps=config.train.warmup_steps
            ),
            CompositionGuard(plan, config.guard.composition),
            DataGuard(dataset.index, dataset.samples_per_step, config.guard.data),
            SeparationGuard(config.guard, math.log(prior.probability / (1 - prior.probability))),
            skill,
        ],
        config=config.train,
        prior=prior,
        folder=folder,
        run_hash=run_hash,
        device=device,
        ranks=ranks,
        mine=Miner(run, dataset, prior, device).windows if config.batch.strategy == "adaptive" else None,
        validate=validate,
        logit_shift=prior.logit_shift,
        views=lambda first: views(config.log, folder, settings=_flat(config), run_hash=run_hash, first_step=first),
    )
    return trainer, skill, prior


def _onset_shift(config: Config) -> OnsetShift | None:
    samples = int(sp.samples_from_seconds([config.augment.shift_s], config.signals.rate_hz)[0])
    return OnsetShift(most_samples=samples, seed=config.train.seed) if samples else None


def _keep(run: Run, planned: Planned, trainer: Trainer, prior: EffectivePrior, verdict: Verdict) -> None:
    """Keep detector and verdict; the prior is that of the weights' last batches, which an adaptive plan may move."""
    weights, plan = trainer.chosen
    drawn = effective(plan, prior.weights, allow_double_correction=True)
    seen = Prevalence(window=drawn.prior.drawn.window, time_step=drawn.answer)
    detector = Detector(
        model=trainer.model,
        config=run.config,
        channels=named(run.config.signals.montage).channels,
        prior=Prior(natural=drawn.prior.natural, drawn=seen),
        batches_hash=planned.batches.hash,
    )
    if not _is_kept(run.folder, detector, weights):
        detectors.save(run.folder, detector, weights)
    run.write_json("verdict.json", verdict.document())


def _flat(config: Config) -> dict[str, object]:
    return {
        f"{section}.{name}": value for section, values in configs.tree(config).items() for name, value in values.items()
    }


def _is_kept(folder: Path, detector: Detector, weights: Mapping[str, Tensor]) -> bool:
    """Whether the folder holds this very detector, perhaps calibrated since, which must not be lost."""
    if not all((folder / name).exists() for name in (detectors.WEIGHTS, detectors.CARD)):
        return False
    kept = detectors.load(folder, detector.config.machine)
    same_plan = kept.batches_hash == detector.batches_hash and trained_alike(kept.config, detector.config)
    return same_plan and all(torch.equal(value.cpu(), weights[n].cpu()) for n, value in kept.model.state_dict().items())


def training_windows(run: Run, planned: Planned) -> WindowDataset:
    """The training part's windows over the store; nothing is built here, a missing recording is an error."""
    stored = open_signals(run, planned, "train")
    model = run.config.model
    return WindowDataset(planned.batches.index, stored, model.samples_per_step, model.seizure_types)


def _run_hash(run: Run, planned: Planned, dataset: WindowDataset, ranks: Ranks, validate: Validator | None) -> str:
    """Hash of all that decides the weights: batches, ranks, signals (by their keys in the store) and settings."""
    stored = [*dataset.stored, *(validate.stored if validate else ())]
    signals = " ".join(signal.key for signal in stored)
    sections = detectors.TRAINED_WITH if validate is None else (*detectors.TRAINED_WITH, "events")
    references = validate.index.hash if validate else ""
    text = f"{planned.batches.hash} {references} {ranks.ranks} {signals} {configs.digest(run.config, sections)}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _final_verdict(trainer: Trainer, grace_steps: int, skill: float) -> Verdict:
    best = trainer.selection
    evidence = {"skill": round(skill, 4)}
    if best.weights:
        evidence |= {"best_step": best.step, **{f"dev_{name}": round(score, 4) for name, score in best.scores.items()}}
    if trainer.done <= grace_steps:
        return Verdict(
            kind="unproven",
            step=trainer.done,
            message=f"the run was shorter than the {grace_steps} steps after which skill is asked for",
            evidence={**evidence},
        )
    return Verdict(
        kind="healthy",
        step=trainer.done,
        message="the run kept its composition, its numbers stayed finite and it learnt more than the prior",
        evidence={**evidence},
    )
