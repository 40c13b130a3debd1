"""Natural and drawn prevalence, exactly, per window and per time step: the one place that knows them.

Balanced batches are an aid to optimisation. A model trained on them is calibrated for the drawn prevalence; the
detector undoes it with the pair kept here (Saerens, Latinne & Decaestecker 2002, eq. 4, for two classes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.windows.index import WindowIndex
from ictal.windows.plan import BatchPlan

_CORRECTION = math.log(1.5)
"""Change of the log odds from which on batches count as a correction of rarity."""
_LEAST_PRIOR = 1e-4
"""An effective prior nearer to 0 or 1 gives one of the classes no weight that training could see."""
_LOGITS = np.linspace(-20, 20, 40_001)
"""Answers among which the best one is sought where no formula gives it."""


@dataclass(frozen=True, kw_only=True)
class Prevalence:
    """Share of windows that hold a seizure, and share of time steps that are ictal."""

    window: float
    time_step: float


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What the corpus holds and what the plan draws."""

    natural: Prevalence
    drawn: Prevalence


def binary_entropy(probability: float) -> float:
    """Entropy in nats of a yes/no question."""
    if probability in {0.0, 1.0}:
        return 0.0
    return -probability * math.log(probability) - (1 - probability) * math.log(1 - probability)


def natural(index: WindowIndex) -> Prevalence:
    """Prevalence in the corpus: windows as the grid cuts them, labelled time steps as they were recorded, each once."""
    every = np.arange(len(index.recordings))
    ictal, labelled = index.labels.labelled(every, np.zeros_like(every), index.lengths)
    return Prevalence(
        window=len(index.seizure_windows) / index.windows, time_step=float(ictal.sum() / labelled.sum())
    )  # fmt: skip


def drawn(plan: BatchPlan) -> Prevalence:
    """Prevalence in the plan's batches, in the long run."""
    ictal, labelled = plan.mean_samples()
    return Prevalence(window=plan.seizure_share, time_step=ictal / labelled)


def of_plan(plan: BatchPlan) -> Prior:
    """Both prevalences of a plan."""
    return Prior(natural=natural(plan.index), drawn=drawn(plan))


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """What the loss adds to the sampler's correction."""

    positive_weight: float = 1.0
    """How many times an ictal step counts in the loss; 1 leaves the balance to the batches."""
    focal_alpha: float = 0.5
    """Weight of ictal steps in the focal loss, and 1 less it of the others; 0.5 is neutral."""
    focal_gamma: float = 0.0
    """How much steps that the model is sure of lose of their weight."""
    label_smoothing: float = 0.0
    """Share of each label that is moved to one half."""
    logit_adjustment: float = 0.0
    """How much of the effective prior's log odds the loss adds to each logit, so that the model need not."""

    @property
    def neutral(self) -> bool:
        """Whether the loss leaves the prior as the batches have it."""
        return self.positive_weight == 1 and self.focal_alpha == 0.5

    @property
    def odds(self) -> float:
        """Factor on the odds of a step being ictal."""
        return self.positive_weight * self.focal_alpha / (1 - self.focal_alpha)

    def smoothed(self, label: float) -> float:
        """A label, or the mean of many, as the loss sees it."""
        return label * (1 - self.label_smoothing) + self.label_smoothing / 2

    def focal_losses(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Loss of an ictal and of a background step at each of many answers."""
        ictal, background = np.logaddexp(0, -_LOGITS), np.logaddexp(0, _LOGITS)
        yes, no = self.smoothed(1), self.smoothed(0)
        return (
            (yes * ictal + no * background) * np.exp(-self.focal_gamma * background),
            (yes * background + no * ictal) * np.exp(-self.focal_gamma * ictal),
        )


@dataclass(frozen=True, kw_only=True)
class EffectivePrior:
    """What a model that learns the prior and nothing else would answer: batches and loss together.

    Batches that are balanced and a loss that is weighted correct the same rarity twice; the product is shown, and
    refused unless it is asked for.
    """

    prior: Prior
    weights: LossWeights

    @property
    def sampling_odds(self) -> float:
        """Factor that the batches put on the odds of a step being ictal."""
        return _odds(self.prior.drawn.time_step) / _odds(self.prior.natural.time_step)

    @property
    def product(self) -> float:
        """Factor of batches and loss together on the natural odds."""
        return self.sampling_odds * self.weights.odds

    @property
    def probability(self) -> float:
        """Effective share of ictal steps that the loss sees, before smoothing."""
        odds = _odds(self.prior.drawn.time_step) * self.weights.odds
        return odds / (1 + odds)

    @property
    def logit_shift(self) -> float:
        """What the loss adds to each logit (Menon et al. 2021, eq. 10, for two classes)."""
        return self.weights.logit_adjustment * math.log(_odds(self.probability))

    @property
    def answer(self) -> float:
        """What a model that knows only the effective prior answers: the prior itself, unless the loss adds to it."""
        odds = _odds(self.probability) * math.exp(-self.logit_shift)
        return odds / (1 + odds)

    @property
    def initial_bias(self) -> float:
        """Logit that the last layer starts from: the answer of a model that knows only the effective prior."""
        return math.log(_odds(self.weights.smoothed(self.probability))) - self.logit_shift

    @property
    def logit_offset(self) -> float:
        """What is added to a trained logit to undo batches and loss."""
        return self.logit_shift - math.log(self.product)

    @cached_property
    def blind_loss(self) -> float:
        """Loss, in nats per unit of weight, of the best answer that is the same for every step.

        The entropy of the effective prior, with the labels as they are smoothed; less where the loss is focal.
        """
        if not self.weights.focal_gamma:
            return binary_entropy(self.weights.smoothed(self.probability))
        ictal, background = self.weights.focal_losses()
        return float((self.probability * ictal + (1 - self.probability) * background).min())

    @cached_property
    def perfect_loss(self) -> float:
        """Loss of a model that knows every label: not 0 where labels are smoothed."""
        if not self.weights.focal_gamma:
            return binary_entropy(self.weights.smoothed(0))
        return float(self.weights.focal_losses()[0].min())

    def skill(self, loss: float) -> float:
        """Where a loss lies between that of knowing only the prior (0) and that of knowing every label (1)."""
        return 1 - (loss - self.perfect_loss) / (self.blind_loss - self.perfect_loss)

    def on(self, plan: BatchPlan) -> EffectivePrior:
        """The same loss on another plan's batches."""
        return EffectivePrior(prior=of_plan(plan), weights=self.weights)


def effective(plan: BatchPlan, weights: LossWeights, *, allow_double_correction: bool = False) -> EffectivePrior:
    """The effective prior of a plan and a loss.

    Raises:
        InputError: if both the batches and the loss correct the rarity of seizures, or together they turn it round; if
            no background carries a label.
    """
    found = EffectivePrior(prior=of_plan(plan), weights=weights)
    _require_labelled_background(found.prior)
    corrected_twice = not weights.neutral and abs(math.log(found.sampling_odds)) > _CORRECTION
    if corrected_twice and not allow_double_correction:
        raise InputError(
            "The rarity of seizures would be corrected twice",
            where="batch.strategy, train.positive_weight, train.focal_alpha",
            got=f"odds x {found.sampling_odds:.3g} by the batches and x {weights.odds:.3g} by the loss: "
            f"x {found.product:.3g}, an effective prior of {found.probability:.1%}",
            expected="one of the two",
            remedy='leave the loss neutral, or use batch.strategy = "natural", or set train.allow_double_correction',
            code="corrected-twice",
        )
    if not _LEAST_PRIOR <= found.probability <= 1 - _LEAST_PRIOR:
        raise InputError(
            "The effective prior leaves one class without weight",
            where="batch.strategy, train.positive_weight, train.focal_alpha",
            got=f"{found.probability:.2g}",
            expected=f"{_LEAST_PRIOR:g} to {1 - _LEAST_PRIOR:g}",
            remedy="bring batches and loss weights closer to each other",
            code="prior-bound",
        )
    return found


def _require_labelled_background(prior: Prior) -> None:
    if max(prior.natural.time_step, prior.drawn.time_step) == 1:
        raise InputError(
            "All time that carries a label is ictal",
            where="windows.margin_s",
            got="no labelled background in the training part's windows",
            expected="background further from every onset and stop than the margin",
            remedy="use a shorter margin, or add recordings with time between seizures",
            code="prior-bound",
        )


def _odds(probability: float) -> float:
    return probability / (1 - probability)
