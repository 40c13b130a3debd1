"""The training loop: plan, step, guards, log, checkpoint, called in this order.

A step takes `accumulate` batches on each of the ranks. Loss and gradient are those of all of them as one batch: sums
over steps of time are divided once, by the weight of all batches of all ranks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from ictal.errors import check_setting
from ictal.training import checkpoint as checkpoints
from ictal.training.augment import Augmentation
from ictal.training.checkpoint import Checkpoint
from ictal.training.guards import Guard, Observation, seizure_windows, separation, watch
from ictal.training.interruption import Interrupted, stop_requests
from ictal.training.logs import View, cut_logs, step_log
from ictal.training.loss import StepLoss
from ictal.training.optimiser import adamw, learning_rate
from ictal.training.ranks import ALONE, Ranks
from ictal.windows.adaptive import AdaptivePlan
from ictal.windows.dataset import Batch, WindowDataset
from ictal.windows.plan import BatchPlan
from ictal.windows.prior import LossWeights

Record = dict[str, Any]
"""What the log keeps of a step; None where undefined."""
Progress = Callable[[int, Record], None]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained."""

    steps: int = 1000
    """Batches of the whole run."""
    learning_rate: float = 2e-3
    """Peak of the learning rate."""
    warmup_steps: int = 50
    """Steps until the peak; a cosine to zero follows."""
    weight_decay: float = 0.05
    """AdamW's decay of matrices and convolutions."""
    clip_norm: float = 1.0
    """Largest norm of the gradient."""
    average_decay: float = 0.99
    """Weights used for detection are the exponential average of the trained ones, with this decay per step."""
    checkpoint_steps: int = 100
    """Steps between two checkpoints."""
    accumulate: int = 1
    """Batches of the plan, on each rank, that make one step."""
    precision: Literal["float32", "bf16"] = "float32"
    """Numbers of the forward pass; `bf16` halves memory and needs a device that has it."""
    positive_weight: float = 1.0
    """How many times an ictal time step counts in the loss; balanced batches need 1."""
    focal_alpha: float = 0.5
    """Weight of ictal steps against the others; 0.5 is neutral."""
    focal_gamma: float = 0.0
    """How much steps that the model is sure of lose of their weight in the loss; 0 is plain cross-entropy."""
    label_smoothing: float = 0.0
    """Share of each label that is moved to one half."""
    allow_double_correction: bool = False
    """Let batches and loss both correct the rarity of seizures; the product is shown either way."""
    seed: int = 0
    """Seed of the initial weights, dropout and augmentation."""

    def __post_init__(self) -> None:
        for name in ("steps", "checkpoint_steps", "accumulate"):
            check_setting(getattr(self, name) >= 1, f"train.{name}", getattr(self, name), "at least 1")
        for name in ("learning_rate", "clip_norm", "positive_weight"):
            valid = 0 < getattr(self, name) < math.inf
            check_setting(valid, f"train.{name}", getattr(self, name), "a number above 0")
        check_setting(self.warmup_steps >= 0, "train.warmup_steps", self.warmup_steps, "0 or more")
        check_setting(0 <= self.weight_decay < math.inf, "train.weight_decay", self.weight_decay, "0 or more")
        check_setting(0 <= self.average_decay < 1, "train.average_decay", self.average_decay, "0 to below 1")
        check_setting(0 < self.focal_alpha < 1, "train.focal_alpha", self.focal_alpha, "above 0 and below 1")
        check_setting(0 <= self.focal_gamma < math.inf, "train.focal_gamma", self.focal_gamma, "0 or more")
        check_setting(0 <= self.label_smoothing < 1, "train.label_smoothing", self.label_smoothing, "0 to below 1")
        check_setting(0 <= self.seed < 2**32, "train.seed", self.seed, "0 to 2^32 - 1")

    @property
    def loss_weights(self) -> LossWeights:
        """What the loss adds to the sampler's correction."""
        return LossWeights(
            positive_weight=self.positive_weight, focal_alpha=self.focal_alpha, label_smoothing=self.label_smoothing
        )


class Trainer:
    """A model in training, with everything that changes as it goes.

    Args:
        model: The model; moved to the device.
        plan: The batches, as this rank draws them.
        dataset: The windows that the plan's numbers mean.
        augmentation: Variation of the training windows.
        guards: What watches the run.
        config: How to train.
        prior_entropy: Entropy of the effective prior, nats per time step.
        folder: Where checkpoint and log go.
        run_hash: Hash of all that decides the run.
        device: Where to compute.
        ranks: The processes that train together.
        views: Who else is shown the log.
        mine: Windows of hard false alarms that the model gives in a round, for a plan that adapts.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        plan: BatchPlan,
        dataset: WindowDataset,
        augmentation: Augmentation,
        guards: Sequence[Guard],
        config: TrainConfig,
        prior_entropy: float,
        folder: Path,
        run_hash: str,
        device: torch.device,
        ranks: Ranks = ALONE,
        views: Callable[[int], Sequence[View]] = lambda _first_step: (),
        mine: Callable[[nn.Module, int], Sequence[int]] | None = None,
    ) -> None:
        self.model = model.to(device)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.optimiser = adamw(self.model, config.learning_rate, config.weight_decay)
        self.loss = StepLoss(weights=config.loss_weights, focal_gamma=config.focal_gamma)
        self.plan = plan
        self.dataset = dataset
        self.augmentation = augmentation
        self.guards = guards
        self.config = config
        self.prior_entropy = prior_entropy
        self.folder = folder
        self.run_hash = run_hash
        self.device = device
        self.ranks = ranks
        self.views = views
        self.mine = mine
        self.round = RoundLosses()
        self.done = 0

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's state is kept."""
        return self.folder / "checkpoint.pt"

    def run(self, progress: Progress) -> None:
        """Train until the last step, from the checkpoint if there is one.

        Raises:
            GuardStop: if a guard, on any rank, stops the run.
            Interrupted: if SIGINT or SIGTERM asked for an end; the state is saved.
        """
        self._resume()
        self.model.train()
        with stop_requests() as request, self._log() as write:
            for batches, data_s in self._steps():
                record, laps, stopped = self._step(batches, request.signal_number)
                write(record, {"data_s": data_s, **laps})
                if self.ranks.leads:
                    progress(self.done, {**record, "data_s": data_s, **laps})
                self._advance_round()
                if stopped or self.done % self.config.checkpoint_steps == 0 or self.done == self.config.steps:
                    self._save()
                if stopped:
                    raise Interrupted(stopped, self.done)

    def _log(self) -> AbstractContextManager[Callable[[Record, dict[str, float]], None]]:
        """The log, of the first rank alone."""
        if self.ranks.leads:
            return step_log(self.folder, self.views(self.done))
        return nullcontext(lambda _record, _laps: None)

    def _steps(self) -> Iterator[tuple[list[Batch], float]]:
        """The batches of each step that is left, with the seconds they were waited for.

        A plan that adapts is asked anew after every round.
        """
        while self.done < self.config.steps:
            stop = self.config.steps
            if isinstance(self.plan, AdaptivePlan):
                stop = min(stop, (self.done // self.plan.config.round_steps + 1) * self.plan.config.round_steps)
            numbers = self.plan.batches(self.done * self.config.accumulate, stop * self.config.accumulate)
            loader = iter(DataLoader(self.dataset, batch_sampler=numbers, collate_fn=_as_given))
            clock = Clock()
            while batches := list(islice(loader, self.config.accumulate)):
                clock.lap("data_s")
                yield batches, clock.laps.pop("data_s")
                clock.last = time.perf_counter()

    def _step(self, batches: list[Batch], stop_signal: int | None) -> tuple[Record, dict[str, float], int]:
        """Take one step; its record, where its time went, and the signal that asked any rank to stop."""
        clock = Clock()
        rate = self._prepare_step()
        batches = [batch.to(self.device) for batch in batches]
        clock.lap("transfer_s")
        weight = torch.stack([self.loss.sums(b.labels, b.labels, b.weights)[1] for b in batches]).sum()
        shared = self.ranks.summed(torch.stack([weight, weight.new_tensor(float(stop_signal or 0))]))
        logits, lost = [], weight.new_zeros(())
        for number, batch in enumerate(batches):
            answer, loss = self._forward(batch, number)
            logits.append(answer.detach().float())
            lost += loss.detach()
            clock.lap("forward_s")
            (loss / shared[0]).backward()  # type: ignore[no-untyped-call]
            clock.lap("backward_s")
        self.ranks.add_gradients(self.model)
        clock.lap("transfer_s")
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        observation = Observation(
            step=self.done,
            first_batch=self.done * self.config.accumulate,
            windows=np.concatenate([batch.windows for batch in batches]),
            signal_uv=torch.cat([batch.signal_uv for batch in batches]),
            loss=float(self.ranks.summed(lost) / shared[0]),
            logits=torch.cat(logits),
            labels=torch.cat([batch.labels for batch in batches]),
            weights=torch.cat([batch.weights for batch in batches]),
            gradient_norm=float(norm),
            learning_rate=rate,
        )
        warnings = watch(self.guards, observation, self.ranks)
        clock.lap("guards_s")
        self.optimiser.step()
        self._update_average()
        self.round.add(observation)
        self.done += 1
        clock.lap("optimiser_s")
        return {**self._record(observation, rate), "warnings": warnings}, clock.laps, int(shared[1])

    def _prepare_step(self) -> float:
        """Set the step's learning rate and clear the gradients."""
        rate = learning_rate(
            self.done,
            peak=self.config.learning_rate,
            warmup_steps=self.config.warmup_steps,
            steps=self.config.steps,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        return rate

    def _forward(self, batch: Batch, number: int) -> tuple[Tensor, Tensor]:
        """Logits and summed loss of one batch; dropout and augmentation follow from seed and batch alone."""
        own = (self.done * self.config.accumulate + number) * self.ranks.ranks + self.ranks.rank
        torch.manual_seed(2 * (self.config.seed * 1_000_003 + own))
        signal_uv = self.augmentation(batch.signal_uv, own)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            logits: Tensor = self.model(signal_uv, batch.valid_samples)
        loss, _ = self.loss.sums(logits.float(), batch.labels, batch.weights)
        return logits, loss

    def _record(self, observation: Observation, rate: float) -> Record:
        return {
            "step": observation.step,
            "loss": observation.loss,
            "skill": 1 - observation.loss / self.prior_entropy,
            "learning_rate": rate,
            "gradient_norm": observation.gradient_norm,
            "logit_spread": float(observation.logits.std()),
            "separation": separation(observation),
            "seizure_windows": seizure_windows(observation),
        }

    def _update_average(self) -> None:
        """Exponential average, faster at first, so that the untrained weights fade."""
        decay = min(self.config.average_decay, (self.done + 1) / (self.done + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)

    def _advance_round(self) -> None:
        """Give a plan that adapts its next round, from the losses of this one on all ranks."""
        if not isinstance(self.plan, AdaptivePlan) or self.done % self.plan.config.round_steps:
            return
        if self.done >= self.config.steps:
            return
        seizure, background = self.round.means(self.ranks)
        first = self.done * self.config.accumulate
        hard = self.mine(self.model, len(self.plan.rounds)) if self.mine else None
        self.model.train()
        self.plan = self.plan.advance(first, seizure_loss=seizure, background_loss=background, hard=hard)
        for guard in self.guards:
            guard.follow(self.plan)
        self.round = RoundLosses()

    def _save(self) -> None:
        if self.ranks.leads:
            state = Checkpoint(
                step=self.done,
                run_hash=self.run_hash,
                model=self.model.state_dict(),
                average=self.average,
                optimiser=self.optimiser.state_dict(),
                guards=[guard.state_dict() for guard in self.guards],
                plan=self.plan.state_dict() if isinstance(self.plan, AdaptivePlan) else {},
                round=self.round.state_dict(),
            )
            checkpoints.save(state, self.checkpoint_path)
        self.ranks.barrier()

    def _resume(self) -> None:
        """Take up the checkpoint, and forget what the log says of steps after it."""
        if self.checkpoint_path.exists():
            state = checkpoints.load(self.checkpoint_path, self.run_hash)
            self.model.load_state_dict(state.model)
            self.average = {name: value.to(self.device) for name, value in state.average.items()}
            self.optimiser.load_state_dict(state.optimiser)
            for guard, remembered in zip(self.guards, state.guards, strict=True):
                guard.load_state_dict(remembered)
            if isinstance(self.plan, AdaptivePlan):
                self.plan = self.plan.with_state(state.plan)
                for guard in self.guards:
                    guard.follow(self.plan)
            self.round = RoundLosses(**state.round)
            self.done = state.step
        if self.ranks.leads:
            cut_logs(self.folder, self.done)
        self.ranks.barrier()


@dataclass(kw_only=True)
class RoundLosses:
    """Losses of seizure and background windows since the last round of an adaptive plan began, on this rank."""

    seizure: float = 0.0
    seizure_windows: float = 0.0
    background: float = 0.0
    background_windows: float = 0.0

    def add(self, observation: Observation) -> None:
        """Take in one step: each window by its own mean loss."""
        losses = functional.binary_cross_entropy_with_logits(observation.logits, observation.labels, reduction="none")
        per_window = (losses * observation.weights).sum(dim=1) / observation.weights.sum(dim=1).clamp_min(1e-6)
        seizure = (observation.labels > 0).any(dim=1)
        self.seizure += float(per_window[seizure].sum())
        self.seizure_windows += float(seizure.sum())
        self.background += float(per_window[~seizure].sum())
        self.background_windows += float((~seizure).sum())

    def means(self, ranks: Ranks) -> tuple[float, float]:
        """Mean loss of seizure windows and of background windows over all ranks."""
        own = torch.tensor([self.seizure, self.seizure_windows, self.background, self.background_windows])
        seizure, seizures, background, backgrounds = ranks.summed(own.double()).tolist()
        return max(seizure / max(seizures, 1), 1e-6), max(background / max(backgrounds, 1), 1e-6)

    def state_dict(self) -> dict[str, float]:
        """The sums."""
        return dict(vars(self))


class Clock:
    """Where the time of a step goes."""

    def __init__(self) -> None:
        self.last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Add the time since the last lap to a name."""
        now = time.perf_counter()
        self.laps[name] = round(self.laps.get(name, 0.0) + now - self.last, 6)
        self.last = now


def _as_given(batch: Any) -> Any:
    """The dataset builds whole batches; there is nothing left to collate."""
    return batch
