"""How good a model in training is on full recordings of the dev part, as `ictal evaluate` would see it uncalibrated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ictal.detection.calibration import correct_prior, sigmoid
from ictal.detection.tuning import OperatingPoint, choose
from ictal.errors import InputError
from ictal.recipes.curve import sensitivity_curve
from ictal.recipes.plan import Planned
from ictal.recipes.run import Run
from ictal.recipes.signals import open_signals
from ictal.scoring.curves import Trace
from ictal.scoring.ranking import auprc
from ictal.timeline import spans as sp
from ictal.training.inference import recording_logits
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
        if self.index.seizures == 0:
            raise InputError(
                "There is no seizure to select weights by",
                where="train.select",
                got=f"{len(self.index.recordings)} recordings in the dev part, none with a seizure",
                expected="a dev part with a seizure",
                remedy='choose another split, or train.select = "last"',
                code="no-tuning-seizure",
            )
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
        logits = correct_prior(self._logits(model), prior.prior.natural.time_step, prior.answer)
        lengths = [-(-r.samples // self.run.config.model.samples_per_step) for r in self.index.recordings]
        traces = np.split(sigmoid(logits), np.cumsum(lengths)[:-1])
        ictal = np.concatenate([self._ictal(n, length) for n, length in enumerate(lengths)])
        scores = [auprc(np.concatenate(traces), ictal), self._sensitivity(traces)]
        area, sensitivity = self.ranks.as_first(torch.tensor(scores, dtype=torch.float64, device=self.device)).tolist()
        return {"auprc": area, "sensitivity": sensitivity}

    def _logits(self, model: nn.Module) -> Floats:
        """Logits of all recordings, one after the other, each computed by one of the ranks."""
        config = self.run.config
        own = {
            number: recording_logits(
                model,
                self.stored[number],
                length_samples=self.index.grid.length_samples,
                samples_per_step=config.model.samples_per_step,
                batch_size=config.batch.size,
                device=self.device,
            )
            for number in range(self.ranks.rank, len(self.stored), self.ranks.ranks)
        }
        every = {number: logits for part in self.ranks.gathered(own) for number, logits in part.items()}
        return np.concatenate([every[number] for number in range(len(self.stored))])

    def _ictal(self, number: int, steps: int) -> npt.NDArray[np.bool_]:
        """Whether at least half of each time step is ictal."""
        recording, step = self.index.recordings[number], self.run.config.model.samples_per_step
        edges = np.minimum(np.arange(steps + 1) * step, recording.samples)
        ictal: npt.NDArray[np.bool_] = 2 * sp.overlap(recording.seizures, edges[:-1], edges[1:]) >= np.diff(edges)
        return ictal

    def _sensitivity(self, probabilities: list[Floats]) -> float:
        config = self.run.config
        traces = [
            Trace(name=r.id, probability=p, reference_s=reference_s, duration_s=duration_s)
            for r, p, reference_s, duration_s in zip(
                self.index.recordings, probabilities, self.reference_s, self.durations_s, strict=True
            )
        ]
        curve = sensitivity_curve(traces, config.signals.rate_hz / config.model.samples_per_step, config.events)
        chosen = choose(
            curve.thresholds,
            curve.sensitivity,
            curve.false_alarms_per_24h,
            target_per_24h=config.train.false_alarms_per_24h,
        )
        return chosen.sensitivity if isinstance(chosen, OperatingPoint) else 0.0
