"""The training loop: plan, step, guards, log, checkpoint, called in this order."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ictal.errors import check_setting
from ictal.training import checkpoint as checkpoints
from ictal.training.augment import Augmentation
from ictal.training.checkpoint import Checkpoint
from ictal.training.guards import Guard, Observation, separation, watch
from ictal.training.interruption import Interrupted, stop_requests
from ictal.training.loss import step_loss
from ictal.training.optimiser import adamw, learning_rate
from ictal.windows.dataset import Batch, WindowDataset
from ictal.windows.plan import BatchPlan

Record = dict[str, float | None]
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
    seed: int = 0
    """Seed of the initial weights, dropout and augmentation."""

    def __post_init__(self) -> None:
        for name in ("steps", "checkpoint_steps"):
            check_setting(getattr(self, name) >= 1, f"train.{name}", getattr(self, name), "at least 1")
        for name in ("learning_rate", "clip_norm"):
            valid = 0 < getattr(self, name) < math.inf
            check_setting(valid, f"train.{name}", getattr(self, name), "a number above 0")
        check_setting(self.warmup_steps >= 0, "train.warmup_steps", self.warmup_steps, "0 or more")
        check_setting(0 <= self.weight_decay < math.inf, "train.weight_decay", self.weight_decay, "0 or more")
        check_setting(0 <= self.average_decay < 1, "train.average_decay", self.average_decay, "0 to below 1")
        check_setting(0 <= self.seed < 2**32, "train.seed", self.seed, "0 to 2^32 - 1")


class Trainer:
    """A model in training, with everything that changes as it goes.

    Args:
        model: The model; moved to the device.
        plan: The batches.
        dataset: The windows that the plan's numbers mean.
        augmentation: Variation of the training windows.
        guards: What watches the run.
        config: How to train.
        prior_entropy: Entropy of the drawn prior, nats per time step.
        folder: Where checkpoint and log go.
        run_hash: Hash of all that decides the run.
        device: Where to compute.
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
    ) -> None:
        self.model = model.to(device)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.optimiser = adamw(self.model, config.learning_rate, config.weight_decay)
        self.plan = plan
        self.dataset = dataset
        self.augmentation = augmentation
        self.guards = guards
        self.config = config
        self.prior_entropy = prior_entropy
        self.folder = folder
        self.run_hash = run_hash
        self.device = device
        self.done = 0

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's state is kept."""
        return self.folder / "checkpoint.pt"

    @property
    def log_path(self) -> Path:
        """One JSON object a line, one line a step."""
        return self.folder / "train.jsonl"

    def run(self, progress: Progress) -> None:
        """Train until the last step, from the checkpoint if there is one.

        Raises:
            GuardStop: if a guard stops the run.
            Interrupted: if SIGINT or SIGTERM asked for an end; the state is saved.
        """
        self._resume()
        loader = DataLoader(
            self.dataset,
            batch_sampler=self.plan.batches(self.done, self.config.steps),
            collate_fn=_as_given,
        )
        self.model.train()
        with stop_requests() as request, self.log_path.open("a") as log:
            for batch in loader:
                record = self._step(batch.to(self.device))
                log.write(json.dumps(record) + "\n")
                progress(self.done, record)
                if request.signal_number is not None:
                    self._save()
                    raise Interrupted(request.signal_number, self.done)
                if self.done % self.config.checkpoint_steps == 0 or self.done == self.config.steps:
                    log.flush()
                    self._save()

    def _step(self, batch: Batch) -> Record:
        rate = learning_rate(
            self.done,
            peak=self.config.learning_rate,
            warmup_steps=self.config.warmup_steps,
            steps=self.config.steps,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        torch.manual_seed(
            2 * (self.config.seed * 1_000_003 + self.done)
        )  # dropout, too, follows from seed and step alone
        logits: Tensor = self.model(self.augmentation(batch.signal_uv, self.done), batch.valid_samples)
        loss = step_loss(logits, batch.labels, batch.weights)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        observation = Observation(
            step=self.done,
            windows=batch.windows,
            loss=float(loss.detach()),
            logits=logits.detach(),
            labels=batch.labels,
            weights=batch.weights,
            gradient_norm=float(norm),
        )
        watch(self.guards, observation)
        self.optimiser.step()
        self._update_average()
        self.done += 1
        return self._record(observation, rate)

    def _record(self, observation: Observation, rate: float) -> Record:
        return {
            "step": observation.step,
            "loss": observation.loss,
            "skill": 1 - observation.loss / self.prior_entropy,
            "learning_rate": rate,
            "gradient_norm": observation.gradient_norm,
            "logit_spread": float(observation.logits.std()),
            "separation": separation(observation),
            "seizure_windows": int((observation.labels > 0).any(dim=1).sum()),
        }

    def _update_average(self) -> None:
        """Exponential average, faster at first, so that the untrained weights fade."""
        decay = min(self.config.average_decay, (self.done + 1) / (self.done + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)

    def _save(self) -> None:
        state = Checkpoint(
            step=self.done,
            run_hash=self.run_hash,
            model=self.model.state_dict(),
            average=self.average,
            optimiser=self.optimiser.state_dict(),
            guards=[guard.state_dict() for guard in self.guards],
        )
        checkpoints.save(state, self.checkpoint_path)

    def _resume(self) -> None:
        """Take up the checkpoint, and forget what the log says of steps after it."""
        if self.checkpoint_path.exists():
            state = checkpoints.load(self.checkpoint_path, self.run_hash)
            self.model.load_state_dict(state.model)
            self.average = {name: value.to(self.device) for name, value in state.average.items()}
            self.optimiser.load_state_dict(state.optimiser)
            for guard, remembered in zip(self.guards, state.guards, strict=True):
                guard.load_state_dict(remembered)
            self.done = state.step
        lines = self.log_path.read_text().splitlines() if self.log_path.exists() else []
        self.log_path.write_text("".join(f"{line}\n" for line in lines[: self.done]))


def _as_given(batch: Any) -> Any:
    """The dataset builds whole batches; there is nothing left to collate."""
    return batch
