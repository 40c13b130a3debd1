"""Which weights a run ends with: the last ones, or the best on full recordings of the tuning part.

Batches are balanced to teach, so what a model does on them says little about recordings in which seizures are rare.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor

Select = Literal["last", "auprc", "sensitivity"]
Scores = dict[str, float]
"""`auprc` and `sensitivity` of a model on full recordings of the tuning part, higher is better."""


class Selection:
    """The best weights so far, and whether waiting for better ones is over.

    Args:
        by: What is compared; ties in sensitivity, which few seizures make common, go to the higher AUPRC.
        patience: Validations in a row without a better score that end the run; 0 for no such end.
    """

    def __init__(self, by: Select, patience: int) -> None:
        self.by, self.patience = by, patience
        self.step = 0
        """Steps done when the best weights were found; 0 before the first validation."""
        self.scores: Scores = {}
        self.weights: dict[str, Tensor] = {}
        self.plan: dict[str, Any] = {}
        self.since = 0
        """Validations since then."""

    @property
    def over(self) -> bool:
        """Whether patience has run out."""
        return 0 < self.patience <= self.since

    def take(self, step: int, scores: Scores, weights: Mapping[str, Tensor], plan: Mapping[str, Any]) -> bool:
        """Take in a validation; whether it is the best so far.

        Args:
            step: Steps done.
            scores: What the validation found.
            weights: The weights that it was of; copied if they are the best.
            plan: State of a plan that adapts, whose prior these weights have learnt.
        """
        if self.scores and self._rank(scores) <= self._rank(self.scores):
            self.since += 1
            return False
        self.step, self.scores, self.since, self.plan = step, dict(scores), 0, dict(plan)
        self.weights = {name: value.detach().clone() for name, value in weights.items()}
        return True

    def _rank(self, scores: Scores) -> tuple[float, float]:
        return scores[self.by], scores["auprc"]

    def state_dict(self) -> dict[str, Any]:
        """Everything of it that changes."""
        return {name: value for name, value in vars(self).items() if name not in {"by", "patience"}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a remembered state."""
        vars(self).update(state)
