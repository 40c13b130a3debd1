"""Hard false alarms for adaptive batches: what the model, run over training recordings, takes for seizures.

Each round looks at some of the training recordings, in an order that follows from the seed; events at even odds at the
natural prevalence that touch no seizure are alarms, and windows that an alarm reaches into are hard, unless they hold
anything within a minute of a seizure.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ictal.detection.calibration import sigmoid
from ictal.detection.events import events
from ictal.recipes.run import Run
from ictal.timeline import spans as sp
from ictal.timeline.spans import Spans
from ictal.training.inference import recording_traces
from ictal.windows.adaptive import hard_windows
from ictal.windows.dataset import WindowDataset
from ictal.windows.permutation import permute
from ictal.windows.prior import EffectivePrior

RECORDINGS = 8
"""Training recordings that are looked at after a round."""
DISTANCE_S = 60.0
"""What is reported this close to a seizure may be the seizure."""


class Miner:
    """Finds hard false alarms in the training part.

    Args:
        run: The run, for its event rule and window length.
        dataset: The training windows over their stored signals.
        prior: What batches and loss made of the natural prevalence.
        device: Where to compute.
    """

    def __init__(self, run: Run, dataset: WindowDataset, prior: EffectivePrior, device: torch.device) -> None:
        self.run, self.dataset, self.prior, self.device = run, dataset, prior, device

    def windows(self, model: nn.Module, number: int) -> list[int]:
        """Hard windows after a round, from the recordings whose turn it is.

        Args:
            model: The model as it is.
            number: Number of the round, from 1.
        """
        count = len(self.dataset.stored)
        turn = (np.arange(RECORDINGS) + (number - 1) * RECORDINGS) % count
        chosen = np.unique(permute(turn, count, self.run.config.batch.seed)).tolist()
        alarms = {recording: self._alarms(model, recording) for recording in chosen}
        distance = int(sp.samples_from_seconds([DISTANCE_S], self.run.config.signals.rate_hz)[0])
        windows: list[int] = hard_windows(self.dataset.index, alarms, distance).tolist()
        return windows

    def _alarms(self, model: nn.Module, recording: int) -> Spans:
        """Events of one recording that touch no seizure, in samples."""
        config, index = self.run.config, self.dataset.index
        logits = recording_traces(
            model,
            self.dataset.stored[recording],
            length_samples=index.grid.length_samples,
            samples_per_step=self.dataset.samples_per_step,
            batch_size=config.batch.size,
            device=self.device,
        ).logits
        rate_hz = config.signals.rate_hz
        probability = sigmoid(logits + self.prior.logit_offset)
        found = events(probability, rate_hz / self.dataset.samples_per_step, config.events.rule(0.5))
        spans = sp.clip(sp.spans_from_seconds(found, rate_hz), 0, int(index.lengths[recording]))
        touched = sp.overlap(index.recordings[recording].seizures, spans[:, 0], spans[:, 1]) > 0
        alarms: Spans = spans[~touched]
        return alarms
