"""How soon each way to die is noticed, and how often a healthy run is stopped by mistake.

    python benchmarks/guards.py [--healthy 50] [--steps 300]

Small Bi-Mambas on noise with weak rhythms for seizures (benchmarks/incident.py), 1 % seizure windows, half of each
batch with one, all guards on with a grace of 100 steps. Printed are the steps until the verdict, and which.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from incident import CHANNELS, MODEL, RATE_HZ, SAMPLES_PER_STEP, SEIZURE_WINDOWS, SIZE, corpus
from torch import nn

from ictal.models.detector import Detector, build
from ictal.training.augment import Augmentation, AugmentConfig
from ictal.training.guards import (
    CompositionGuard,
    DataGuard,
    Guard,
    GuardConfig,
    GuardStop,
    NumbersGuard,
    SeparationGuard,
    SkillGuard,
)
from ictal.training.loop import TrainConfig, Trainer
from ictal.windows.dataset import WindowDataset
from ictal.windows.index import WindowIndex
from ictal.windows.plan import BatchConfig
from ictal.windows.planning import make
from ictal.windows.prior import EffectivePrior, effective

SHARE, RATE, WARMUP, GRACE = 0.01, 4e-3, 20, 100
NO_CHANGE = AugmentConfig(gain_octaves=0.0, mirror_share=0.0, dropout_share=0.0)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to die."""

    fault: Callable[[Trainer], None] = lambda _run: None
    learning_guards_only: bool = False
    """Leave out the guards that compare with the index, to see whether the others would notice."""
    rate: float = RATE
    share: float = SHARE
    strategy: Literal["balanced", "natural"] = "balanced"


HEALTHY = Way()


def trainer(folder: Path, seed: int, steps: int, way: Way) -> Trainer:
    """A run with all guards on."""
    rng = np.random.default_rng([seed, 77])
    index, signals = corpus(way.share, 24, rng)
    torch.manual_seed(seed)
    batches = BatchConfig(size=SIZE, seizure_windows=SEIZURE_WINDOWS, seed=seed, strategy=way.strategy)
    plan = make(index, batches)
    config = TrainConfig(
        steps=steps, learning_rate=way.rate, warmup_steps=WARMUP, seed=seed, checkpoint_steps=10 * steps
    )
    prior = effective(plan, config.loss_weights)
    model = build(MODEL, CHANNELS, prior.probability)
    return Trainer(
        model=model,
        plan=plan,
        dataset=WindowDataset(index, signals, SAMPLES_PER_STEP),  # type: ignore[arg-type]
        augmentation=Augmentation(NO_CHANGE, [f"c{n}" for n in range(CHANNELS)], seed, RATE_HZ),
        guards=guards(model, index, plan, prior, config),
        config=config,
        prior=prior,
        folder=folder,
        run_hash="",
        device=torch.device("cpu"),
    )


def guards(model: nn.Module, index: WindowIndex, plan: Any, prior: EffectivePrior, config: TrainConfig) -> list[Guard]:
    """What `ictal train` has, in its order."""
    limits = GuardConfig(grace_steps=GRACE)
    return [
        NumbersGuard(model, limits, peak_rate=config.learning_rate, warmup_steps=config.warmup_steps),
        CompositionGuard(plan),
        DataGuard(index, SAMPLES_PER_STEP),
        SeparationGuard(limits, math.log(prior.probability / (1 - prior.probability))),
        SkillGuard(limits, prior),
    ]


def changed(run: Trainer, change: Callable[[Any], None]) -> None:
    """Change every batch after it is read."""
    original = run.dataset.__getitems__

    def read(windows: Iterable[int]) -> Any:
        batch = original(windows)
        change(batch)
        return batch

    run.dataset.__getitems__ = read  # type: ignore[method-assign]


def shuffle(batch: Any) -> None:
    """Labels of other windows."""
    batch.labels.copy_(batch.labels[torch.randperm(len(batch.labels))])


def uniform(run: Trainer) -> None:
    """A sampler that draws uniformly instead of the plan."""
    original, rng = run.dataset.__getitems__, np.random.default_rng(0)

    def read(windows: Iterable[int]) -> Any:
        return original(rng.integers(run.plan.index.windows, size=len([*windows])).tolist())

    run.dataset.__getitems__ = read  # type: ignore[method-assign]


def freeze(run: Trainer) -> None:
    """Everything but the head."""
    assert isinstance(run.model, Detector)
    for name, parameter in run.model.named_parameters():
        parameter.requires_grad = name.startswith("head")


def wrong_sign(run: Trainer) -> None:
    """A loss that is raised instead of lowered."""
    for parameter in run.model.parameters():
        parameter.register_hook(lambda gradient: -gradient)  # type: ignore[no-untyped-call]


def stale(run: Trainer) -> None:
    """A buffer that is not filled again after the fifth batch."""
    kept: list[torch.Tensor] = []

    def refill(batch: Any) -> None:
        kept.append(batch.signal_uv.clone())
        batch.signal_uv.copy_(kept[min(len(kept), 5) - 1])

    changed(run, refill)


WAYS = {
    "all labels zero": Way(fault=lambda run: changed(run, lambda b: b.labels.zero_())),
    "labels shuffled": Way(fault=lambda run: changed(run, shuffle)),
    "labels shuffled, seen only by what is learnt": Way(
        fault=lambda run: changed(run, shuffle), learning_guards_only=True
    ),
    "uniform draws, 0.2 % seizure windows": Way(strategy="natural", share=0.002),
    "uniform draws, 1 % seizure windows": Way(strategy="natural"),
    "sampler replaced by a uniform one": Way(fault=uniform),
    "NaN in one signal": Way(fault=lambda run: changed(run, lambda b: b.signal_uv[0, 0, 5].fill_(math.nan))),
    "signals constant": Way(fault=lambda run: changed(run, lambda b: b.signal_uv.fill_(1.0))),
    "signals saturated": Way(fault=lambda run: changed(run, lambda b: b.signal_uv.mul_(1e6).clamp_(-100, 100))),
    "signals of an earlier batch from step 5 on": Way(fault=stale),
    "learning rate 100 x": Way(rate=100 * RATE),
    "learning rate 10,000 x": Way(rate=10_000 * RATE),
    "backbone frozen": Way(fault=freeze),
    "sign of the loss wrong": Way(fault=wrong_sign),
}


def outcome(seed: int, steps: int, way: Way) -> tuple[int, str]:
    """Steps until the verdict, and its kind; the last step and `none` without one."""
    with tempfile.TemporaryDirectory() as folder:
        run = trainer(Path(folder), seed, steps, way)
        way.fault(run)
        if way.learning_guards_only:
            run.guards = [g for g in run.guards if not isinstance(g, CompositionGuard | DataGuard)]
        try:
            run.run(lambda _done, _record: None)
        except GuardStop as stop:
            return stop.verdict.step, stop.verdict.kind
        last = json.loads((Path(folder) / "train.jsonl").read_text().splitlines()[-1])
        return steps, f"none (skill {last['skill']:.2f})"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--healthy", type=int, default=50)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| way to die | steps until the verdict (3 seeds) | verdict |\n|---|---|---|")
    for name, way in WAYS.items():
        found = [outcome(seed, options.steps, way) for seed in range(3)]
        kinds = Counter(kind for _, kind in found)
        print(f"| {name} | {', '.join(str(steps) for steps, _ in found)} | {', '.join(kinds)} |", flush=True)
    started = time.monotonic()
    healthy = [outcome(s, options.steps, HEALTHY) for s in range(options.healthy)]
    stopped = [kind for _, kind in healthy if not kind.startswith("none")]
    skills = [float(kind.split()[-1].rstrip(")")) for _, kind in healthy if kind.startswith("none")]
    print(f"\nhealthy runs stopped: {len(stopped)} of {options.healthy} {Counter(stopped) or ''}")
    print(f"their last skill: median {statistics.median(skills):.2f}, least {min(skills):.2f}" if skills else "")
    print(f"({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
