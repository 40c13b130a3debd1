"""`ictal train`: from the plan and the store to a trained model, watched by guards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ictal.models.detector import build
from ictal.recipes import config as configs
from ictal.recipes import detector as detectors
from ictal.recipes.detector import Detector, device_of, trained_alike
from ictal.recipes.plan import Planned
from ictal.recipes.prepare import open_stored
from ictal.recipes.run import Run
from ictal.recordings.montages import named
from ictal.training import checkpoint as checkpoints
from ictal.training.augment import Augmentation
from ictal.training.guards import CompositionGuard, GuardStop, NumbersGuard, SkillGuard, Verdict
from ictal.training.loop import Progress, Trainer
from ictal.windows.dataset import WindowDataset


def train_run(run: Run, planned: Planned, progress: Progress) -> Verdict:
    """Train until the last step; the detector's weights are the average that the run has kept.

    Raises:
        GuardStop: if a guard stops the run; its verdict is kept in the run folder.
        Interrupted: if SIGINT or SIGTERM asked for an end; the same call goes on from there.
    """
    config = run.config
    torch.set_num_threads(config.machine.threads)
    torch.manual_seed(config.train.seed)
    channels = named(config.signals.montage).channels
    planned.batches.check(config.train.steps)
    dataset = training_windows(run, planned)
    trainer = Trainer(
        model=build(config.model, len(channels), planned.prior.drawn.time_step),
        plan=planned.batches,
        dataset=dataset,
        augmentation=Augmentation(config.augment, channels, config.train.seed),
        guards=[
            NumbersGuard(),
            CompositionGuard(planned.batches),
            skill := SkillGuard(config.guard, planned.prior.drawn_entropy),
        ],
        config=config.train,
        prior_entropy=planned.prior.drawn_entropy,
        folder=run.folder,
        run_hash=_run_hash(run, planned, dataset),
        device=device_of(config),
    )
    if trainer.checkpoint_path.exists():
        checkpoints.load(trainer.checkpoint_path, trainer.run_hash)  # if of another run, stop before anything is kept
    run.keep_config()
    try:
        trainer.run(progress)
    except GuardStop as stop:
        run.write_json("verdict.json", stop.verdict.document())
        raise
    verdict = _final_verdict(config.train.steps, config.guard.grace_steps, skill.skill)
    detector = Detector(
        model=trainer.model,
        config=config,
        channels=channels,
        prior=planned.prior,
        batches_hash=planned.batches.hash,
    )
    if not _is_kept(run.folder, detector, trainer.average):
        detectors.save(run.folder, detector, trainer.average)
    run.write_json("verdict.json", verdict.document())
    return verdict


def _is_kept(folder: Path, detector: Detector, weights: Mapping[str, Tensor]) -> bool:
    """Whether the folder holds this very detector, perhaps calibrated since, which must not be lost."""
    if not all((folder / name).exists() for name in (detectors.WEIGHTS, detectors.CARD)):
        return False
    kept = detectors.load(folder, detector.config.machine)
    same_plan = kept.batches_hash == detector.batches_hash and trained_alike(kept.config, detector.config)
    return same_plan and all(torch.equal(value.cpu(), weights[n].cpu()) for n, value in kept.model.state_dict().items())


def training_windows(run: Run, planned: Planned) -> WindowDataset:
    """The training part's windows over the store; nothing is built here, a missing recording is an error."""
    stored = open_stored(run, planned, planned.split["train"])
    return WindowDataset(planned.batches.index, stored, run.config.model.samples_per_step)


def _run_hash(run: Run, planned: Planned, dataset: WindowDataset) -> str:
    """Hash of all that decides the weights: batches, signals (by their keys in the store) and settings."""
    signals = " ".join(stored.key for stored in dataset.stored)
    text = f"{planned.batches.hash} {signals} {configs.digest(run.config, detectors.TRAINED_WITH)}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _final_verdict(steps: int, grace_steps: int, skill: float) -> Verdict:
    if steps <= grace_steps:
        return Verdict(
            kind="unproven",
            step=steps,
            message=f"the run was shorter than the {grace_steps} steps after which skill is asked for",
            evidence={"skill": round(skill, 4)},
        )
    return Verdict(
        kind="healthy",
        step=steps,
        message="the run kept its composition, its numbers stayed finite and it learnt more than the prior",
        evidence={"skill": round(skill, 4)},
    )
