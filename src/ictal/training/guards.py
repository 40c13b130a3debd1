"""What watches a run and stops it when it is not learning what it was started for.

A falling loss proves nothing: on rare events it falls to the entropy of the prior while the model learns "never a
seizure". Every guard looks at each step's observation and may give a verdict, with its evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ictal.errors import check_setting
from ictal.windows.plan import BatchPlan
from ictal.windows.pools import Numbers


@dataclass(frozen=True, kw_only=True)
class GuardConfig:
    """When a run is stopped."""

    grace_steps: int = 200
    """Steps that a model gets before it must show skill."""
    minimum_skill: float = 0.02
    """Smallest skill, 1 - loss / entropy of the drawn prior, that a run must show after its grace."""
    smoothing_steps: int = 20
    """Steps over which skill is averaged."""

    def __post_init__(self) -> None:
        check_setting(self.grace_steps >= 0, "guard.grace_steps", self.grace_steps, "0 or more")
        check_setting(0 < self.minimum_skill < 1, "guard.minimum_skill", self.minimum_skill, "above 0 and below 1")
        check_setting(self.smoothing_steps >= 1, "guard.smoothing_steps", self.smoothing_steps, "at least 1")


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a step shows before the weights change."""

    step: int
    windows: Numbers
    """Window numbers that the plan gave: (B,)."""
    loss: float
    logits: Tensor
    """(B, S)."""
    labels: Tensor
    """(B, S)."""
    weights: Tensor
    """(B, S)."""
    gradient_norm: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a guard found."""

    kind: str
    step: int
    message: str
    evidence: dict[str, float | int | list[int] | str | None] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The verdict as a JSON object."""
        return asdict(self)


class GuardStop(Exception):  # noqa: N818 - a verdict is no error of the program
    """A guard has stopped the run."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict

    def __str__(self) -> str:
        evidence = "\n".join(f"  {name}: {value}" for name, value in self.verdict.evidence.items())
        return f"stopped at step {self.verdict.step} ({self.verdict.kind}): {self.verdict.message}\n{evidence}"


class Guard(Protocol):
    """Something that watches a run."""

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict that stops the run, or None."""

    def state_dict(self) -> dict[str, float]:
        """What the guard must remember over an interruption."""

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from a remembered state."""


class NumbersGuard:
    """Stops before the weights are changed by a number that is none."""

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict if loss, logits or gradients are not finite."""
        finite = {
            "loss": math.isfinite(observation.loss),
            "logits": bool(torch.isfinite(observation.logits).all()),
            "gradients": math.isfinite(observation.gradient_norm),
        }
        broken = [name for name, fine in finite.items() if not fine]
        if not broken:
            return None
        return Verdict(
            kind="not-finite",
            step=observation.step,
            message=f"{', '.join(broken)} not finite; the weights are as they were before this step",
            evidence={"windows": observation.windows.tolist(), "loss": str(observation.loss)},
        )

    def state_dict(self) -> dict[str, float]:
        """Nothing to remember."""
        return {}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Nothing to remember."""


class CompositionGuard:
    """Stops if a batch is not the plan's: other windows, or other seizure windows than promised.

    Seizure windows are counted in the labels that the model is given, so labels that were lost on the way are found as
    well as a loader or sampler that draws something else.

    Args:
        plan: What the run is to draw.
    """

    def __init__(self, plan: BatchPlan) -> None:
        self.plan = plan

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict if windows or count are not exactly the plan's."""
        step = observation.step
        planned = int(self.plan.seizure_windows_planned(step, step + 1)[0])
        found = int(((observation.labels > 0) & (observation.weights > 0)).any(dim=1).sum())
        own = self.plan.batch(step)
        same = np.array_equal(observation.windows, own)
        if found == planned and same:
            return None
        return Verdict(
            kind="composition",
            step=step,
            message=(
                "the batch does not hold the seizure windows that the plan promised"
                if found != planned
                else "the loader does not draw the plan's windows"
            ),
            evidence={
                "planned": planned,
                "found": found,
                "batch": len(observation.labels),
                "windows": observation.windows.tolist(),
                "planned_windows": own.tolist(),
            },
        )

    def state_dict(self) -> dict[str, float]:
        """Nothing to remember."""
        return {}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Nothing to remember."""


class SkillGuard:
    """Stops a run that, after its grace, knows no more than how often seizures are drawn.

    Skill is 1 - loss / entropy of the drawn prior: 0 for the model that says the prior for every time step.

    Args:
        config: Grace and least skill.
        prior_entropy: Entropy of the drawn prior, nats per time step.
    """

    def __init__(self, config: GuardConfig, prior_entropy: float) -> None:
        self.config = config
        self.prior_entropy = prior_entropy
        self.skill = 0.0
        self.first_loss = math.nan

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict if the grace is over and the averaged skill is too small."""
        if math.isnan(self.first_loss):
            self.first_loss = observation.loss
        share = 1 / min(observation.step + 1, self.config.smoothing_steps)
        self.skill += share * (1 - observation.loss / self.prior_entropy - self.skill)
        if observation.step < self.config.grace_steps or self.skill >= self.config.minimum_skill:
            return None
        return Verdict(
            kind="no-skill",
            step=observation.step,
            message=(
                "the loss is that of a model which knows only how often seizures are drawn; it would answer the same "
                "for every window. Check the labels (`ictal audit`), the learning rate and the signal"
            ),
            evidence={
                "skill": round(self.skill, 4),
                "required": self.config.minimum_skill,
                "first_loss": round(self.first_loss, 4),
                "loss": round(observation.loss, 4),
                "prior_entropy": round(self.prior_entropy, 4),
                "logit_spread": round(float(observation.logits.std()), 4),
                "separation": _rounded(separation(observation)),
            },
        )

    def state_dict(self) -> dict[str, float]:
        """The averaged skill and the first loss."""
        return {"skill": self.skill, "first_loss": self.first_loss}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from a remembered skill."""
        self.skill, self.first_loss = state["skill"], state["first_loss"]


def separation(observation: Observation) -> float | None:
    """Mean logit of ictal steps less that of background steps; None if the batch lacks one of them."""
    logits, valid = observation.logits.float(), observation.weights > 0
    ictal, background = valid & (observation.labels >= 0.5), valid & (observation.labels < 0.5)
    if not (ictal.any() and background.any()):
        return None
    return float(logits[ictal].mean() - logits[background].mean())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def watch(guards: Sequence[Guard], observation: Observation) -> None:
    """Ask every guard.

    Raises:
        GuardStop: with the first verdict.
    """
    for guard in guards:
        verdict = guard.observe(observation)
        if verdict is not None:
            raise GuardStop(verdict)
