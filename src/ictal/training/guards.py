"""What watches a run and stops it when it is not learning what it was started for.

A falling loss proves nothing: on rare events it falls to the entropy of the prior while the model learns "never a
seizure". Every guard looks at each step's observation and may give a verdict, with its evidence.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from ictal.errors import check_setting
from ictal.training.ranks import ALONE, Ranks
from ictal.windows.dataset import step_labels
from ictal.windows.index import WindowIndex
from ictal.windows.plan import BatchPlan
from ictal.windows.pools import Numbers
from ictal.windows.prior import EffectivePrior

Mode = Literal["stop", "warn"]

_VANISHED = 1e-12
"""Norm of a gradient that changes nothing."""
_LOOKED_AT = 128
"""So many samples of each channel are looked at for constant and repeated signals: a step's time is for learning."""
_RECENT_BATCHES = 100
"""Over which the drawn seizure windows are summed, and answers ranked."""
_DRIFT, _LIMIT = 0.5, 25.0
"""Of the cumulative sum: what chance is given each step, and where it is enough."""


@dataclass(frozen=True, kw_only=True)
class GuardConfig:
    """When a run is stopped."""

    composition: Mode = "stop"
    """When a batch is not the plan's, by windows or by seizure windows counted in its labels, or a hundred batches in a
    row hold no seizure window."""
    numbers: Mode = "stop"
    """When loss, logits, gradients or parameters are not finite, explode or vanish."""
    data: Mode = "stop"
    """When signals are constant, saturated or given twice, or labels are not those of the index."""
    separation: Mode = "stop"
    """When seizure windows and background get the same answer."""
    skill: Mode = "stop"
    """When the loss is that of a model which knows only the prior."""
    grace_steps: int = 200
    """Steps that a model gets before it must show skill and separation."""
    minimum_skill: float = 0.02
    """Smallest skill that a run must show after its grace: 0 is the loss of the effective prior, 1 that of every label
    known."""
    smoothing_steps: int = 20
    """Steps over which skill is averaged."""
    gradient_norm_max: float = 1e6
    """Norm of the gradient, before it is clipped, from which on it has exploded."""
    frozen_share_max: float = 0.0
    """Largest share of a model's parameters that may be frozen; 1 where a backbone is meant to stay as it is."""

    def __post_init__(self) -> None:
        check_setting(self.grace_steps >= 0, "guard.grace_steps", self.grace_steps, "0 or more")
        check_setting(0 < self.minimum_skill < 1, "guard.minimum_skill", self.minimum_skill, "above 0 and below 1")
        check_setting(self.smoothing_steps >= 1, "guard.smoothing_steps", self.smoothing_steps, "at least 1")
        check_setting(self.gradient_norm_max > 0, "guard.gradient_norm_max", self.gradient_norm_max, "above 0")
        valid = 0 <= self.frozen_share_max <= 1
        check_setting(valid, "guard.frozen_share_max", self.frozen_share_max, "from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a step shows before the weights change."""

    step: int
    first_batch: int
    """The plan's number of the step's first batch."""
    windows: Numbers
    """Window numbers that were drawn: (B,), the batches of the step one after the other."""
    recordings: tuple[str, ...]
    """Recording of each."""
    shift_samples: Numbers
    """Samples that each begins later than the index has it: (B,)."""
    signal_uv: Tensor
    """What was read: (B, C, T)."""
    loss: float
    """Of all ranks together."""
    logits: Tensor
    """(B, S)."""
    labels: Tensor
    """(B, S)."""
    weights: Tensor
    """(B, S)."""
    gradient_norm: float
    """Before it is clipped."""
    learning_rate: float

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradients are numbers; a step where they are not is not taken, whatever a guard says."""
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


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


class Guard:
    """Something that watches a run."""

    def __init__(self, mode: Mode = "stop") -> None:
        self.mode = mode

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict, or None if nothing is wrong."""
        raise NotImplementedError

    def follow(self, plan: BatchPlan) -> None:
        """The run draws from this plan from now on."""

    def measured(self) -> dict[str, float]:
        """What the guard has found, for the log."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """What the guard must remember over an interruption."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a remembered state."""


class NumbersGuard(Guard):
    """Stops before the weights are changed by a number that is none, or by a step that cannot be meant.

    Args:
        model: The model in training.
        config: Largest gradient, share that may be frozen, grace after which every other parameter has had a gradient.
        peak_rate: Highest learning rate of the run.
        warmup_steps: Steps until it is reached.
    """

    def __init__(self, model: nn.Module, config: GuardConfig, *, peak_rate: float, warmup_steps: int) -> None:
        super().__init__(config.numbers)
        self.model, self.config = model, config
        self.peak_rate, self.warmup_steps = peak_rate, warmup_steps
        self.alive: set[str] = set()
        self.still = 0
        """Steps in a row without a gradient."""

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict with the windows of the step, before the optimiser has taken it."""
        broken = self._not_finite(observation)
        if broken:
            message = f"{', '.join(broken)} not finite; the weights are as they were before this step"
            return _at(observation, "not-finite", message, loss=str(observation.loss), **_guilty(observation))
        if observation.gradient_norm > self.config.gradient_norm_max:
            message = "the gradient has exploded; lower train.learning_rate, or look at these windows"
            return _at(observation, "gradient-exploded", message, norm=observation.gradient_norm)
        return self._rate(observation) or self._frozen(observation) or self._stillness(observation)

    def _not_finite(self, observation: Observation) -> list[str]:
        """What is not finite; the signal is looked at only if it left traces, to say whether it was the cause."""
        finite = {
            "loss": math.isfinite(observation.loss),
            "logits": bool(torch.isfinite(observation.logits).all()),
            "gradients": math.isfinite(observation.gradient_norm),
            "parameters": _all_finite(list(self.model.parameters())),
        }
        broken = [name for name, fine in finite.items() if not fine]
        return ["signal", *broken] if broken and not bool(torch.isfinite(observation.signal_uv).all()) else broken

    def _rate(self, observation: Observation) -> Verdict | None:
        rate = observation.learning_rate
        if observation.step == 0 and (rate == 0 or (self.warmup_steps > 0 and rate >= self.peak_rate)):
            return _at(observation, "learning-rate", "the first step does not warm up", rate=rate, peak=self.peak_rate)
        return None

    def _frozen(self, observation: Observation) -> Verdict | None:
        """A verdict on the first step if more of the model is frozen than was meant."""
        if observation.step:
            return None
        frozen = {name: p.numel() for name, p in self.model.named_parameters() if not p.requires_grad}
        share = sum(frozen.values()) / sum(p.numel() for p in self.model.parameters())
        if share <= self.config.frozen_share_max:
            return None
        message = f"{share:.1%} of the parameters are frozen, among them {', '.join(sorted(frozen)[:5])}"
        allowed = self.config.frozen_share_max
        return _at(observation, "frozen-parameters", message, parameters=len(frozen), share=share, allowed=allowed)

    def _stillness(self, observation: Observation) -> Verdict | None:
        """Gradients that have vanished, or parameters that never had one; looked for until the grace is over."""
        self.still = self.still + 1 if observation.gradient_norm < _VANISHED else 0
        if self.still >= self.config.smoothing_steps:
            message = "the gradient has vanished: nothing is learnt any more"
            return _at(observation, "gradient-vanished", message, norm=observation.gradient_norm, steps=self.still)
        if observation.step > self.config.grace_steps:
            return None
        wanting = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad and n not in self.alive]
        self.alive |= {name for name, p in wanting if p.grad is not None and bool(p.grad.any())}
        dead = sorted(name for name, _ in wanting if name not in self.alive)
        if dead and observation.step == self.config.grace_steps:
            message = f"{len(dead)} parameters never had a gradient, among them {', '.join(dead[:5])}"
            return _at(observation, "dead-parameters", message, parameters=len(dead))
        return None


class CompositionGuard(Guard):
    """Stops if a batch is not the plan's: other windows, or other seizure windows than promised.

    Seizure windows are counted in the labels that the model is given, so labels that were lost on the way are found as
    well as a loader or sampler that draws something else. A plan that promises no seizure windows in a batch is stopped
    when a hundred batches have held none: the incident's batches, whatever its sampler was called.

    Args:
        plan: What the run is to draw.
        mode: What to do.
    """

    def __init__(self, plan: BatchPlan, mode: Mode = "stop") -> None:
        super().__init__(mode)
        self.plan = plan
        self.recent: deque[int] = deque(maxlen=_RECENT_BATCHES)
        """Seizure windows of the last steps' batches, a number for each step."""

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict if windows or counts are not exactly the plan's."""
        size = self.plan.config.size
        first, stop = observation.first_batch, observation.first_batch + len(observation.windows) // size
        own = self.plan.table(first, stop).ravel()
        planned = int(self.plan.seizure_windows_planned(first, stop).sum())
        found = seizure_windows(observation)
        self.recent.append(found)
        same = np.array_equal(observation.windows, own)
        if found == planned and same:
            return self._starved(observation)
        message = (
            "the batch does not hold the seizure windows that the plan promised"
            if found != planned
            else "the loader does not draw the plan's windows"
        )
        return _at(
            observation,
            "composition",
            message,
            planned=planned,
            found=found,
            batch=len(own),
            planned_windows=own.tolist(),
        )

    def _starved(self, observation: Observation) -> Verdict | None:
        if any(self.recent) or len(self.recent) < _RECENT_BATCHES:
            return None
        message = f"the last {_RECENT_BATCHES} steps held no seizure window: what is not seen cannot be learnt"
        return _at(observation, "no-seizure-drawn", message, strategy=self.plan.config.strategy)

    def follow(self, plan: BatchPlan) -> None:
        """Compare with this plan from now on."""
        self.plan = plan

    def measured(self) -> dict[str, float]:
        """Seizure windows of the last hundred steps."""
        return {"recent_seizure_windows": sum(self.recent)}

    def state_dict(self) -> dict[str, Any]:
        """The last steps' counts."""
        return {"recent": list(self.recent)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from remembered counts."""
        self.recent.extend(state["recent"])


class DataGuard(Guard):
    """Stops if what is read cannot be what was planned: labels that are not the index's, signals that say nothing.

    Args:
        index: The windows.
        samples_per_step: Samples that one label stands for.
        mode: What to do.
    """

    def __init__(self, index: WindowIndex, samples_per_step: int, mode: Mode = "stop") -> None:
        super().__init__(mode)
        self.index, self.samples_per_step = index, samples_per_step
        self.before: dict[str, list[float]] = {"windows": [], "sums": []}
        """Windows of the last step, and a number that tells their signals apart."""

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict if labels differ from the index's, or most windows say nothing of their own."""
        labels, weights = step_labels(self.index, observation.windows, self.samples_per_step, observation.shift_samples)
        seen = (observation.labels * observation.weights).cpu().numpy()
        if not np.allclose(seen, labels * weights, atol=1e-5):
            wrong = np.flatnonzero(~np.isclose(seen, labels * weights, atol=1e-5).all(axis=1))
            message = f"the labels of {len(wrong)} windows are not those that the annotations give"
            return _at(observation, "labels-differ", message, wrong=observation.windows[wrong].tolist())
        return self._signals(observation)

    def _signals(self, observation: Observation) -> Verdict | None:
        """A verdict on windows that are constant, saturated, copies of one another or those of the last step."""
        apart = observation.signal_uv.shape[2] // _LOOKED_AT | 1
        thin, most = observation.signal_uv[:, :, ::apart].contiguous(), len(observation.windows) / 2
        flat = int((thin.amax(dim=(1, 2)) == thin.amin(dim=(1, 2))).sum())
        if flat > most:
            return _at(observation, "constant-signal", "most windows hold one value only", constant=flat)
        size = thin.abs()
        largest = size.amax(dim=2, keepdim=True)
        limited = int((((size >= largest) & (largest > 0)).float().mean(dim=(1, 2)) > 0.5).sum())
        if limited > most:
            message = "most samples of most windows are at their channel's largest value"
            return _at(observation, "saturated-signal", message, saturated=limited)
        sums, windows = size.double().sum(dim=(1, 2)).tolist(), observation.windows.tolist()
        copies = len(set(windows)) - len(set(sums))
        if copies > most:
            return _at(observation, "same-signal", "most windows hold the same signal", copies=copies)
        stale = len(set(sums) & set(self.before["sums"])) - len(set(windows) & set(self.before["windows"]))
        self.before = {"windows": windows, "sums": sums}
        if stale > most:
            message = "most windows hold the signals of the step before, though other windows were drawn"
            return _at(observation, "repeated-batch", message, repeated=stale)
        return None

    def state_dict(self) -> dict[str, Any]:
        """The last step's windows."""
        return dict(self.before)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from remembered windows."""
        self.before = dict(state)


class StreamingAuroc:
    """AUROC of seizure against background windows over the last hundred steps or so, in a memory that does not grow.

    Answers are counted in bins that lie closest about the prior's logit, as densely as an untrained model needs; what
    shares a bin is a tie. Counts fade by a hundredth with every step.

    Args:
        middle: Logit about which the bins lie.
    """

    def __init__(self, middle: float) -> None:
        self.edges = middle + torch.sinh(torch.linspace(-6, 6, 129)) / 10
        self.counts = torch.zeros(2, len(self.edges) + 1, dtype=torch.float64)
        """Background and seizure windows in each bin."""

    def add(self, scores: Tensor, seizure: Tensor) -> None:
        """Count one step's windows: their answers and whether they hold a seizure, each (B,)."""
        self.counts *= 1 - 1 / _RECENT_BATCHES
        place = torch.bucketize(scores.cpu(), self.edges)
        self.counts.index_put_((seizure.cpu().long(), place), self.counts.new_ones(()), accumulate=True)

    @property
    def value(self) -> float | None:
        """The area; None before there are windows of both kinds."""
        background, seizure = self.counts
        pairs = float(background.sum() * seizure.sum())
        below = background.cumsum(0) - background / 2
        return float(seizure @ below) / pairs if pairs else None


class SeparationGuard(Guard):
    """Stops a run whose answers to seizure windows and to background are the same: a sequential test.

    Each step gives one rank sum (Mann & Whitney 1947) of seizure against background windows, by their mean logit, as a
    normal deviate `z`: 0 in the mean for a model that cannot tell them apart. The test is a cumulative sum (Page 1954),
    `S = max(0, S + 1/2 - z)`, that gives its verdict at 25: a dead run takes about 50 steps to it. A run whose mean
    deviate is `m > 1/2` reaches it with a chance of about `exp(-2 (m - 1/2) 25)` a step: 6e-19 at an AUROC of 0.7
    within batches of 8 and 8, so label noise that leaves so much does not trip it.

    Args:
        config: Grace and mode.
        prior_logit: Logit of the effective prior: answers above it are for a seizure.
    """

    def __init__(self, config: GuardConfig, prior_logit: float) -> None:
        super().__init__(config.separation)
        self.config, self.prior_logit = config, prior_logit
        self.sum = 0.0
        self.auroc = StreamingAuroc(prior_logit)
        self.positive = {"ictal": 0.5, "background": 0.5}
        """Share of answers for a seizure in steps of either kind, averaged."""

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict if the sum has reached its limit."""
        self._count(observation)
        scores, seizure = window_answers(observation)
        self.auroc.add(scores, seizure)
        deviate = rank_deviate(scores, seizure)
        if observation.step < self.config.grace_steps or deviate is None:
            return None
        self.sum = max(0.0, self.sum + _DRIFT - deviate)
        if self.sum < _LIMIT:
            return None
        collapse = {True: "all answers are for a seizure", False: "no answer is for a seizure"}
        both = self.positive.values()
        named = collapse[True] if min(both) > 0.99 else collapse[False] if max(both) < 0.01 else "answers are mixed"
        return _at(
            observation,
            "no-separation",
            f"the model does not tell seizure windows from background: {named}",
            cumulative_sum=round(self.sum, 2),
            limit=_LIMIT,
            auroc=_rounded(self.auroc.value),
            for_a_seizure_in_ictal_steps=round(self.positive["ictal"], 4),
            for_a_seizure_in_other_steps=round(self.positive["background"], 4),
            logit_spread=round(float(observation.logits.std()), 4),
        )

    def measured(self) -> dict[str, float]:
        """The streaming AUROC, and the share of time steps of either kind that are answered as a seizure."""
        area = self.auroc.value
        shares = {f"positive_{kind}": share for kind, share in self.positive.items()}
        return shares if area is None else {"auroc": area, **shares}

    def state_dict(self) -> dict[str, Any]:
        """The sum, the shares and the counts."""
        return {"sum": self.sum, "positive": dict(self.positive), "counts": self.auroc.counts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a remembered sum."""
        self.sum, self.positive, self.auroc.counts = state["sum"], dict(state["positive"]), state["counts"]

    def _count(self, observation: Observation) -> None:
        positive, counted = observation.logits > self.prior_logit, observation.weights > 0
        for name, kind in (("ictal", observation.labels >= 0.5), ("background", observation.labels < 0.5)):
            held = kind & counted
            if bool(held.any()):
                share = float(positive[held].float().mean())
                weight = 1 / min(observation.step + 1, self.config.smoothing_steps)
                self.positive[name] += weight * (share - self.positive[name])


class SkillGuard(Guard):
    """Stops a run that, after its grace, knows no more than how often seizures are drawn.

    Skill is 0 for the model that says the effective prior for every time step, 1 for one that knows every label.

    Args:
        config: Grace and least skill.
        prior: What either of them would lose.
    """

    def __init__(self, config: GuardConfig, prior: EffectivePrior) -> None:
        super().__init__(config.skill)
        self.config = config
        self.prior = prior
        self.skill = 0.0
        self.first_loss = math.nan

    def observe(self, observation: Observation) -> Verdict | None:
        """A verdict if the grace is over and the averaged skill is too small."""
        if math.isnan(self.first_loss):
            self.first_loss = observation.loss
        share = 1 / min(observation.step + 1, self.config.smoothing_steps)
        self.skill += share * (self.prior.skill(observation.loss) - self.skill)
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
                "blind_loss": round(self.prior.blind_loss, 4),
                "logit_spread": round(float(observation.logits.std()), 4),
                "separation": _rounded(separation(observation)),
            },
        )

    def follow(self, plan: BatchPlan) -> None:
        """Compare with what this plan's prior alone would lose from now on."""
        self.prior = self.prior.on(plan)

    def state_dict(self) -> dict[str, Any]:
        """The averaged skill and the first loss."""
        return {"skill": self.skill, "first_loss": self.first_loss}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
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


def seizure_windows(observation: Observation) -> int:
    """Windows with an ictal time step that counts."""
    return int(((observation.labels > 0) & (observation.weights > 0)).any(dim=1).sum())


def window_answers(observation: Observation) -> tuple[Tensor, Tensor]:
    """Mean logit of each window, and whether it holds a seizure: each (B,)."""
    held = observation.weights / observation.weights.sum(dim=1, keepdim=True).clamp_min(1e-6)
    scores = (observation.logits * held).sum(dim=1)
    return scores, ((observation.labels > 0) & (observation.weights > 0)).any(dim=1)


def rank_deviate(scores: Tensor, seizure: Tensor) -> float | None:
    """How far seizure windows rank above background by their answers, in standard deviations of chance.

    None if the batch lacks one of them. Ties count half (Mann & Whitney 1947).
    """
    ictal, background = scores[seizure], scores[~seizure]
    first, second = len(ictal), len(background)
    if not (first and second):
        return None
    above = (ictal[:, None] > background).sum() + 0.5 * (ictal[:, None] == background).sum()
    return float((above - first * second / 2) / math.sqrt(first * second * (first + second + 1) / 12))


def watch(guards: Sequence[Guard], observation: Observation, ranks: Ranks = ALONE) -> list[dict[str, object]]:
    """Ask every guard; verdicts that were chosen to be warnings are returned.

    Of a step that is no number only whoever looks for that is asked: it says nothing about skill.

    Raises:
        GuardStop: with the first verdict of a guard that stops the run; on all ranks, if it does on one.
    """
    asked = [guard for guard in guards if observation.is_finite or isinstance(guard, NumbersGuard)]
    verdicts = [(guard.mode, guard.observe(observation)) for guard in asked]
    stopping = next((verdict for mode, verdict in verdicts if verdict and mode == "stop"), None)
    elsewhere = float(ranks.summed(torch.tensor(float(stopping is not None), device=observation.logits.device)))
    if stopping is None and elsewhere:
        stopping = Verdict(kind="other-rank", step=observation.step, message="another rank has stopped the run")
    if stopping is not None:
        raise GuardStop(stopping)
    return [verdict.document() for _, verdict in verdicts if verdict]


def _all_finite(tensors: Sequence[Tensor]) -> bool:
    """Whether all numbers of all tensors are finite: a finite norm proves it, with one question to the device."""
    norm = nn.utils.get_total_norm([tensor.detach() for tensor in tensors])
    return bool(torch.isfinite(norm)) or all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _at(observation: Observation, kind: str, message: str, **evidence: float | list[int] | str | None) -> Verdict:
    """A verdict on a step, with the windows that it was given and their recordings."""
    held = {"windows": observation.windows.tolist(), "recordings": ", ".join(sorted(set(observation.recordings)))}
    return Verdict(kind=kind, step=observation.step, message=message, evidence={**evidence, **held})


def _guilty(observation: Observation) -> dict[str, list[int] | str]:
    """The windows whose own signal or answer is not finite, with their recordings; nothing if there are none."""
    signal, logits = observation.signal_uv.flatten(1), observation.logits
    fine = torch.isfinite(signal).all(dim=1) & torch.isfinite(logits).all(dim=1)
    rows = torch.nonzero(~fine).flatten().tolist()
    if not rows:
        return {}
    return {
        "broken_windows": observation.windows[rows].tolist(),
        "broken_recordings": ", ".join(sorted({observation.recordings[row] for row in rows})),
    }
