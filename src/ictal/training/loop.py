"""The training loop: plan, step, guards, validation, log, checkpoint, called in this order.

A step takes `accumulate` batches on each of the ranks. Loss and gradient are those of all of them as one batch: sums
over steps of time are divided once, by the weight of all batches of all ranks.
"""

from __future__ import annotations

import copy
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

from ictal.errors import InputError, check_setting
from ictal.models.detector import Detector
from ictal.training import checkpoint as checkpoints
from ictal.training import loading
from ictal.training.augment import Augmentation, OnsetShift
from ictal.training.checkpoint import Checkpoint
from ictal.training.guards import Guard, Observation, seizure_windows, separation, watch
from ictal.training.interruption import STOP_SIGNALS, Interrupted, stop_requests
from ictal.training.logs import View, cut_logs, step_log
from ictal.training.loss import StepLoss, type_sums
from ictal.training.optimiser import adamw, learning_rate
from ictal.training.ranks import ALONE, Ranks
from ictal.training.selection import Scores, Select, Selection
from ictal.windows.adaptive import AdaptivePlan
from ictal.windows.dataset import Batch, WindowDataset
from ictal.windows.plan import BatchPlan
from ictal.windows.prior import EffectivePrior, LossWeights

Record = dict[str, Any]
"""What the log keeps of a step; None where undefined."""
Progress = Callable[[int, Record], None]
Precision = Literal["float32", "bf16"]


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
    select: Select = "last"
    """Weights that the run ends with: the `last` ones, or the best on full recordings of the dev part, by `auprc` or by
    `sensitivity` to seizures at `false_alarms_per_24h`."""
    validate_steps: int = 500
    """Steps between two validations on the dev part, where weights are selected by it."""
    patience: int = 0
    """Validations in a row that find nothing better, after which the run ends; 0: it goes on to its last step."""
    false_alarms_per_24h: float = 24.0
    """Most false alarms per 24 h at which `sensitivity` is compared."""
    accumulate: int = 1
    """Batches of the plan, on each rank, that make one step."""
    precision: Precision = "float32"
    """Numbers of the forward pass; `bf16` halves memory and needs a device that has it."""
    positive_weight: float = 1.0
    """How many times an ictal time step counts in the loss; balanced batches need 1."""
    focal_alpha: float = 0.5
    """Weight of ictal steps against the others; 0.5 is neutral."""
    focal_gamma: float = 0.0
    """How much steps that the model is sure of lose of their weight in the loss; 0 is plain cross-entropy."""
    type_weight: float = 0.3
    """What telling the type of an ictal step counts in the loss against telling that it is ictal; read only where the
    model has `seizure_types`."""
    label_smoothing: float = 0.0
    """Share of each label that is moved to one half."""
    logit_adjustment: float = 0.0
    """How much of the effective prior's log odds is added to each logit before the loss (Menon et al. 2021, eq. 10). At
    1 the model answers as at even odds. With two classes that is a shift of its last bias, which evaluation undoes."""
    allow_double_correction: bool = False
    """Let batches and loss both correct the rarity of seizures; the product is shown either way."""
    seed: int = 0
    """Seed of the initial weights, dropout and augmentation."""

    def __post_init__(self) -> None:
        for name in ("steps", "checkpoint_steps", "accumulate", "validate_steps"):
            check_setting(getattr(self, name) >= 1, f"train.{name}", getattr(self, name), "at least 1")
        for name in ("learning_rate", "clip_norm", "positive_weight", "type_weight"):
            valid = 0 < getattr(self, name) < math.inf
            check_setting(valid, f"train.{name}", getattr(self, name), "a number above 0")
        for name in ("warmup_steps", "patience", "weight_decay", "false_alarms_per_24h", "focal_gamma"):
            check_setting(0 <= getattr(self, name) < math.inf, f"train.{name}", getattr(self, name), "0 or more")
        check_setting(0 <= self.average_decay < 1, "train.average_decay", self.average_decay, "0 to below 1")
        check_setting(0 < self.focal_alpha < 1, "train.focal_alpha", self.focal_alpha, "above 0 and below 1")
        check_setting(0 <= self.label_smoothing < 1, "train.label_smoothing", self.label_smoothing, "0 to below 1")
        check_setting(0 <= self.logit_adjustment <= 2, "train.logit_adjustment", self.logit_adjustment, "0 to 2")
        check_setting(0 <= self.seed < 2**32, "train.seed", self.seed, "0 to 2^32 - 1")

    @property
    def loss_weights(self) -> LossWeights:
        """What the loss adds to the sampler's correction."""
        return LossWeights(
            positive_weight=self.positive_weight,
            focal_alpha=self.focal_alpha,
            focal_gamma=self.focal_gamma,
            label_smoothing=self.label_smoothing,
            logit_adjustment=self.logit_adjustment,
        )


def require_precision(device: torch.device, precision: Precision) -> None:
    """Stop if the device does not compute in these numbers itself; emulation would be slower than `float32`.

    Raises:
        InputError: naming the device (code `precision`).
    """
    native = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and not native:
        raise InputError(
            "The device does not compute in bf16",
            where="train.precision",
            got=f"bf16 on {torch.cuda.get_device_name(device)}",
            expected="a GPU of the Ampere generation or later, or the processor",
            remedy='set train.precision = "float32"',
            code="precision",
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
        prior: What a model that learns only the prior would answer and lose.
        folder: Where checkpoint and log go.
        run_hash: Hash of all that decides the run.
        device: Where to compute.
        ranks: The processes that train together.
        views: Who else is shown the log.
        mine: Windows of hard false alarms that the model gives in a round, for a plan that adapts.
        validate: Scores on full recordings of a model that has been trained on a plan; only where weights are selected.
        logit_shift: What the loss adds to every logit.
        onset_shift: Where windows begin instead of where the index has them.
        loader_workers: Processes that read batches ahead of time; 0 reads them here.
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
        prior: EffectivePrior,
        folder: Path,
        run_hash: str,
        device: torch.device,
        ranks: Ranks = ALONE,
        views: Callable[[int], Sequence[View]] = lambda _first_step: (),
        mine: Callable[[nn.Module, int], Sequence[int]] | None = None,
        validate: Callable[[nn.Module, BatchPlan], Scores] | None = None,
        logit_shift: float = 0.0,
        onset_shift: OnsetShift | None = None,
        loader_workers: int = 0,
    ) -> None:
        assert (validate is None) == (config.select == "last"), "weights are selected by what validates them"
        self.model = model.to(device)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.optimiser = adamw(self.model, config.learning_rate, config.weight_decay)
        self.loss = StepLoss(weights=config.loss_weights)
        self.plan = plan
        self.dataset = dataset
        self.augmentation = augmentation
        self.guards = guards
        self.config = config
        self.prior = prior
        self.folder = folder
        self.run_hash = run_hash
        self.device = device
        self.ranks = ranks
        self.views = views
        self.mine = mine
        self.validate = validate
        self.logit_shift = logit_shift
        self.onset_shift = onset_shift
        self.loader_workers = loader_workers
        self.selection = Selection(config.select, config.patience)
        self.round = RoundLosses()
        self.done = 0

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's state is kept."""
        return self.folder / "checkpoint.pt"

    @property
    def finished(self) -> bool:
        """Whether the last step is done, or nothing better is waited for any more."""
        return self.done >= self.config.steps or self.selection.over

    @property
    def chosen(self) -> tuple[dict[str, Tensor], BatchPlan]:
        """The weights that the run ends with, and the plan that they have learnt from."""
        if self.validate is None:
            return self.average, self.plan
        plan = self.plan.with_state(self.selection.plan) if isinstance(self.plan, AdaptivePlan) else self.plan
        return self.selection.weights, plan

    def run(self, progress: Progress) -> None:
        """Train until the last step or until patience runs out, from the checkpoint if there is one.

        Raises:
            GuardStop: if a guard, on any rank, stops the run.
            Interrupted: if SIGINT or SIGTERM asked for an end; the state is saved.
        """
        self._resume()
        self.model.train()
        with stop_requests() as request, self._log() as write:
            for batches, data_s in self._steps():
                record, laps, stopped = self._step(batches, request.signal_number)
                self._validate(record, laps)
                write(record, {"data_s": data_s, **laps})
                if self.ranks.leads:
                    progress(self.done, {**record, "data_s": data_s, **laps})
                self._advance_round()
                if stopped or self.done % self.config.checkpoint_steps == 0 or self.finished:
                    self._save()
                if stopped:
                    raise Interrupted(stopped, self.done)
                if self.finished:
                    return

    def _log(self) -> AbstractContextManager[Callable[[Record, dict[str, float]], None]]:
        """The log, of the first rank alone."""
        if self.ranks.leads:
            return step_log(self.folder, self.views(self.done))
        return nullcontext(lambda _record, _laps: None)

    def _steps(self) -> Iterator[tuple[list[Batch], float]]:
        """The batches of each step that is left, with the seconds they were waited for.

        A plan that adapts is asked anew after every round.
        """
        while not self.finished:
            stop = self.config.steps
            if isinstance(self.plan, AdaptivePlan):
                stop = min(stop, (self.done // self.plan.config.round_steps + 1) * self.plan.config.round_steps)
            numbered = self._numbered(self.done * self.config.accumulate, stop * self.config.accumulate)
            loader = loading.batches(
                self.dataset,
                numbered,
                shift=self.onset_shift,
                workers=self.loader_workers,
                device=self.device,
                keep=self.config.accumulate,
            )
            clock = Clock()
            while batches := list(islice(loader, self.config.accumulate)):
                clock.lap("data_s")
                yield batches, clock.laps.pop("data_s")
                clock.last = time.perf_counter()

    def _numbered(self, first: int, stop: int) -> Iterator[loading.Numbered]:
        """This rank's batches of the plan, with their numbers among those of all ranks."""
        for number, windows in enumerate(self.plan.batches(first, stop), first):
            yield number * self.ranks.ranks + self.ranks.rank, windows

    def _step(self, batches: list[Batch], stop_signal: int | None) -> tuple[Record, dict[str, float], int]:
        """Take one step; its record, where its time went, and the signal that asked any rank to stop."""
        clock = Clock()
        rate = self._prepare_step()
        batches = [batch.to(self.device) for batch in batches]
        clock.lap("transfer_s")
        weight = torch.stack([self.loss.sums(b.labels, b.labels, b.weights)[1] for b in batches]).sum()
        asked = weight.new_tensor([float(stop_signal == number) for number in STOP_SIGNALS])
        shared = self.ranks.summed(torch.cat([weight[None], asked]))
        logits, lost, typed = [], weight.new_zeros(()), weight.new_zeros(2)
        for number, batch in enumerate(batches):
            answer, loss, types = self._forward(batch, number)
            logits.append(answer.detach())
            lost += loss.detach()
            typed += types.detach()
            clock.lap("forward_s")
            ((loss + self.config.type_weight * types[0]) / shared[0]).backward()  # type: ignore[no-untyped-call]
            clock.lap("backward_s")
        self.ranks.add_gradients(self.model)
        clock.lap("transfer_s")
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        clock.lap("optimiser_s")
        windows = np.concatenate([batch.windows for batch in batches])
        index = self.dataset.index
        observation = Observation(
            step=self.done,
            first_batch=self.done * self.config.accumulate,
            windows=windows,
            recordings=tuple(index.recordings[number].id for number in index.locate(windows)[0]),
            shift_samples=np.concatenate([batch.shift_samples for batch in batches]),
            signal_uv=_joined([batch.signal_uv for batch in batches]),
            loss=float(self.ranks.summed(lost) / shared[0]),
            logits=_joined(logits),
            labels=_joined([batch.labels for batch in batches]),
            weights=_joined([batch.weights for batch in batches]),
            gradient_norm=float(norm),
            learning_rate=rate,
        )
        warnings = watch(self.guards, observation, self.ranks)
        clock.lap("guards_s")
        if observation.is_finite:
            self.optimiser.step()
            self._update_average()
            self.round.add(observation)
        self.done += 1
        clock.lap("optimiser_s")
        record = {**self._record(observation, rate), **self._type_loss(typed), "warnings": warnings}
        stopped = [number for number, ranks in zip(STOP_SIGNALS, shared[1:].tolist(), strict=True) if ranks]
        return record, clock.laps, max(stopped, default=0)

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

    def _forward(self, batch: Batch, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, summed loss, and summed loss and weight of types (2), of one batch.

        Dropout and augmentation follow from seed and batch alone.
        """
        own = (self.done * self.config.accumulate + number) * self.ranks.ranks + self.ranks.rank
        torch.manual_seed(2 * (self.config.seed * 1_000_003 + own))
        signal_uv, valid_channels = self.augmentation(batch, own)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            answer, types = self._answers(signal_uv, batch.valid_samples, valid_channels)
        logits = answer.float() + self.logit_shift
        loss, _ = self.loss.sums(logits, batch.labels, batch.weights)
        if types is None:
            return logits, loss, loss.new_zeros(2)
        return logits, loss, torch.stack(type_sums(types.float(), batch.types, batch.labels * batch.weights))

    def _answers(
        self, signal_uv: Tensor, valid_samples: Tensor, valid_channels: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Logits (B, S), and log probabilities of types (B, S, types) where types are told apart."""
        if not self.dataset.types:
            return self.model(signal_uv, valid_samples, valid_channels), None
        assert isinstance(self.model, Detector)
        return self.model.answers(signal_uv, valid_samples, valid_channels)

    def _type_loss(self, typed: Tensor) -> Record:
        """Mean loss over the steps of all ranks that have a type, in nats."""
        if not self.dataset.types:
            return {}
        lost, weight = self.ranks.summed(typed).tolist()
        return {"type_loss": lost / weight if weight else None}

    def _validate(self, record: Record, laps: dict[str, float]) -> None:
        """Score the averaged weights if it is time to; the best are kept."""
        if self.validate is None or (self.done % self.config.validate_steps and self.done < self.config.steps):
            return
        clock = Clock()
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.average)
        scores = self.validate(model, self.plan)
        best = self.selection.take(self.done, scores, self.average, self._plan_state())
        record.update({f"dev_{name}": value for name, value in scores.items()}, dev_best=best)
        clock.lap("validate_s")
        laps.update(clock.laps)

    def _record(self, observation: Observation, rate: float) -> Record:
        return {
            "step": observation.step,
            "loss": observation.loss,
            "skill": self.prior.skill(observation.loss),
            "learning_rate": rate,
            "gradient_norm": observation.gradient_norm,
            "logit_spread": float(observation.logits.std()),
            "separation": separation(observation),
            "seizure_windows": seizure_windows(observation),
            **{name: value for guard in self.guards for name, value in guard.measured().items()},
        }

    def _update_average(self) -> None:
        """Exponential average, faster at first, so that the untrained weights fade; of counters, the present one."""
        decay = min(self.config.average_decay, (self.done + 1) / (self.done + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - decay)
                else:
                    self.average[name].copy_(value)

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
        self._follow(self.plan.advance(first, seizure_loss=seizure, background_loss=background, hard=hard))
        self.round = RoundLosses()

    def _follow(self, plan: BatchPlan) -> None:
        """Draw from this plan from now on."""
        self.plan, self.prior = plan, self.prior.on(plan)
        for guard in self.guards:
            guard.follow(plan)

    def _plan_state(self) -> dict[str, Any]:
        """What a plan that adapts has become; the others never change."""
        return self.plan.state_dict() if isinstance(self.plan, AdaptivePlan) else {}

    def _save(self) -> None:
        own = {"guards": [guard.state_dict() for guard in self.guards], "round": self.round.state_dict()}
        every = self.ranks.gathered(own)
        if self.ranks.leads:
            state = Checkpoint(
                step=self.done,
                run_hash=self.run_hash,
                model=self.model.state_dict(),
                average=self.average,
                optimiser=self.optimiser.state_dict(),
                ranks=every,
                plan=self._plan_state(),
                selection=self.selection.state_dict(),
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
            own = state.ranks[self.ranks.rank]
            for guard, remembered in zip(self.guards, own["guards"], strict=True):
                guard.load_state_dict(remembered)
            if isinstance(self.plan, AdaptivePlan):
                self._follow(self.plan.with_state(state.plan))
            self.round = RoundLosses(**own["round"])
            self.selection.load_state_dict(state.selection)
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


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    """Batches one after the other; one alone is not copied."""
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))


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
