"""How good a model in training is on full recordings of the dev part, as `ictal evaluate` would see it uncalibrated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ictal.detection.calibration import correct_prior, sigmoid
from ictal.detection.tuning import OperatingPoint, choose
from ictal.recipes.curve import staircases
from ictal.recipes.plan import Planned, require_selectable
from ictal.recipes.run import Run
from ictal.recipes.signals import open_signals
from ictal.recipes.spool import Spool
from ictal.scoring.curves import Trace
from ictal.scoring.staircase import Staircase, added
from ictal.scoring.streaming import Histogram
from ictal.training.inference import recording_traces
from ictal.training.ranks import Ranks
from ictal.training.selection import Scores
from ictal.windows.plan import BatchPlan
from ictal.windows.prior import effective

Floats = npt.NDArray[np.float64]


class Validator:
    """Scores models on the dev part; the ranks share its recordings.

    Args:
        run: The run, for its event rule, window length and target.
        planned: Its plan.
        device: Where to compute.
        ranks: The processes that train together.

    Raises:
        InputError: if the dev part holds no seizure (code `no-tuning-seizure`), or a recording is not in the store.
    """

    def __init__(self, run: Run, planned: Planned, device: torch.device, ranks: Ranks) -> None:
        self.run, self.device, self.ranks = run, device, ranks
        self.index = planned.index.select(planned.split["dev"])
        require_selectable(self.index)
        self.stored = open_signals(run, planned, "dev")
        self.reference_s = [np.array(planned.labelled[n].seizures_s).reshape(-1, 2) for n in planned.split["dev"]]
        self.durations_s = [planned.labelled[n].duration_s for n in planned.split["dev"]]

    def __call__(self, model: nn.Module, plan: BatchPlan) -> Scores:
        """AUPRC over time steps, and sensitivity to events at `train.false_alarms_per_24h` or fewer.

        A model that finds no seizure at so few false alarms has a sensitivity of zero. All ranks get the same numbers.

        Args:
            model: The model.
            plan: The batches that it has been trained on, whose prior is taken back.
        """
        loss = self.run.config.train.loss_weights
        prior = effective(plan, loss, allow_double_correction=True)
        probabilities, steps = Spool(self.run.folder), Histogram()
        for number in self._own:
            logits = correct_prior(self._logits(model, number), prior.prior.natural.time_step, prior.answer)
            probabilities.append(sigmoid(logits))
            shares = self.index.recordings[number].ictal_shares(len(logits), self.run.config.model.samples_per_step)
            steps.add(probabilities[len(probabilities) - 1], shares >= 0.5)
        every = sum(self.ranks.gathered(steps), Histogram())
        scores = [every.auprc.value, self._sensitivity(probabilities)]
        area, sensitivity = self.ranks.as_first(torch.tensor(scores, dtype=torch.float64, device=self.device)).tolist()
        return {"auprc": area, "sensitivity": sensitivity}

    @property
    def _own(self) -> range:
        """Numbers of the recordings that this rank looks at."""
        return range(self.ranks.rank, len(self.stored), self.ranks.ranks)

    def _logits(self, model: nn.Module, number: int) -> Floats:
        config = self.run.config
        return recording_traces(
            model,
            self.stored[number],
            length_samples=self.index.grid.length_samples,
            samples_per_step=config.model.samples_per_step,
            batch_size=config.batch.size,
            device=self.device,
        ).logits

    def _sensitivity(self, probabilities: Spool) -> float:
        """Of all recordings, from what each rank has counted in its own."""
        config = self.run.config

        def traces() -> Iterator[Trace]:
            for number, probability in zip(self._own, probabilities, strict=True):
                yield Trace(
                    name=self.index.recordings[number].id,
                    probability=probability,
                    reference_s=self.reference_s[number],
                    duration_s=self.durations_s[number],
                )

        steps_hz = config.signals.rate_hz / config.model.samples_per_step
        curve = added(staircases(traces, steps_hz, config.events, self._everywhere)).curve()
        chosen = choose(
            curve.thresholds,
            curve.sensitivity,
            curve.false_alarms_per_24h,
            target_per_24h=config.train.false_alarms_per_24h,
        )
        return chosen.sensitivity if isinstance(chosen, OperatingPoint) else 0.0

    def _everywhere(self, own: list[Staircase]) -> list[Staircase]:
        """What all ranks have counted."""
        return [one for part in self.ranks.gathered(own) for one in part]
