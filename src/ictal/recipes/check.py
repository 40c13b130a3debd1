"""`ictal train RUN --check`: before anything is spent, see whether the run can work, and what it will take.

A copy of the model first learns eight windows by heart; what cannot do that will not learn a corpus. Then twenty of the
run's own steps are taken with all its guards on, and timed. Nothing of it stays in the run folder.
"""

from __future__ import annotations

import copy
import resource
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import nn

from ictal.errors import InputError
from ictal.recipes.detector import device_of
from ictal.recipes.plan import Planned
from ictal.recipes.run import Run
from ictal.recipes.train import trainer_of
from ictal.recipes.validation import Validator
from ictal.training.logs import LogConfig
from ictal.training.loop import Record, Trainer
from ictal.training.optimiser import adamw
from ictal.training.ranks import ALONE
from ictal.windows.feasibility import Cost, cost

WINDOWS = 8
HEART_STEPS = 150
HEART_RATE = 5e-3
LEARNT = 0.5
"""Share of the first loss that eight windows may keep after being learnt by heart."""
STEPS = 20
WARM = 5
"""First steps that are not timed: caches fill, allocations settle."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was seen."""

    first_loss: float
    """Of eight windows, nats per time step."""
    learnt_loss: float
    """The same after learning them by heart."""
    seconds: dict[str, float]
    """Median time of a step, by what it was spent on."""
    windows_per_s: float
    memory_mb: float
    """Most memory of this process, or of the device where there is one."""
    validation_hours: float
    """Part of the run's hours that validations will take, where weights are selected by them."""
    cost: Cost

    def document(self) -> dict[str, object]:
        """As a JSON object."""
        return asdict(self)


def check_run(run: Run, planned: Planned, price_per_hour: float | None = None) -> Checked:
    """Learn eight windows by heart, take twenty steps, and work out the whole run.

    Raises:
        InputError: if eight windows cannot be learnt.
        GuardStop: if a guard stops one of the steps.
    """
    config = run.config
    torch.set_num_threads(config.machine.threads)
    short = replace(
        config.train,
        steps=STEPS,
        warmup_steps=min(config.train.warmup_steps, STEPS),
        checkpoint_steps=STEPS,
        select="last",
    )
    trial = replace(run, config=replace(config, train=short, log=LogConfig(tensorboard="off")))
    with tempfile.TemporaryDirectory() as folder:
        trainer, _, _ = trainer_of(trial, planned, ranks=ALONE, folder=Path(folder), device=device_of(config))
        first, learnt = _by_heart(trainer)
        if learnt > LEARNT * first:
            raise InputError(
                "The model cannot learn eight windows by heart",
                where="ictal train --check",
                got=f"a loss of {learnt:.3f} after {HEART_STEPS} steps, from {first:.3f}",
                expected=f"at most {LEARNT:.0%} of it",
                remedy="look at the model's settings and at the signals of the store; a whole run would fail as well",
                code="cannot-learn",
            )
        seconds = _timed(trainer)
    windows = config.batch.size * config.train.accumulate
    windows_per_s = windows / sum(seconds.values())
    validation_s = _validated_windows(run, planned) * seconds["forward_s"] / windows
    return Checked(
        first_loss=first,
        learnt_loss=learnt,
        seconds=seconds,
        windows_per_s=windows_per_s,
        memory_mb=_memory_mb(trainer.device),
        validation_hours=validation_s / 3600,
        cost=_cost(run, windows_per_s, validation_s / 3600, price_per_hour),
    )


def _validated_windows(run: Run, planned: Planned) -> float:
    """Windows that all validations read together; neighbours overlap by half.

    Raises:
        InputError: if the dev part cannot select weights, or a recording of it is not in the store.
    """
    config = run.config.train
    if config.select == "last":
        return 0.0
    index = Validator(run, planned, device_of(run.config), ALONE).index
    validations = -(-config.steps // config.validate_steps)
    return validations * float(index.lengths.sum()) / (index.grid.length_samples / 2)


def _cost(run: Run, windows_per_s: float, validation_hours: float, price_per_hour: float | None) -> Cost:
    """Hours and price of all steps and of all validations."""
    config = run.config
    steps = cost(config.train.steps * config.train.accumulate, config.batch.size, 1, windows_per_s, None)
    hours = steps.hours + validation_hours
    return replace(steps, hours=hours, price=None if price_per_hour is None else hours * price_per_hour)


def _by_heart(trainer: Trainer) -> tuple[float, float]:
    """Loss of eight windows, half of them with a seizure, before and after a copy of the model has learnt them."""
    table = trainer.plan.batch(0)
    ends = [*table[: WINDOWS // 2].tolist(), *table[-WINDOWS // 2 :].tolist()]
    batch = trainer.dataset.__getitems__(ends).to(trainer.device)
    model: nn.Module = copy.deepcopy(trainer.model).train()
    optimiser = adamw(model, HEART_RATE, 0.0)
    losses = []
    for _ in range(HEART_STEPS):
        logits = model(batch.signal_uv, batch.valid_samples, batch.valid_channels)
        lost, weight = trainer.loss.sums(logits, batch.labels, batch.weights)
        optimiser.zero_grad()
        (lost / weight).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), trainer.config.clip_norm)
        optimiser.step()
        losses.append(float(lost.detach() / weight))
    return losses[0], losses[-1]


def _timed(trainer: Trainer) -> dict[str, float]:
    """Median seconds of each part of a step."""
    seen: list[Record] = []
    trainer.run(lambda _done, record: seen.append(record))
    names = [name for name in seen[0] if name.endswith("_s")]
    return {name: statistics.median(record[name] for record in seen[WARM:]) for name in names}


def _memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1e6 if sys.platform == "darwin" else 1e3)
