"""A detector on one gapless stretch of a signal that is still arriving: samples in, probabilities and events out.

It is the path of `ictal detect` on a file, with everything that the path remembers carried from piece to piece: filters
and scale, the model's layers, and the event in hand. What it has given by the end is what `ictal detect` gives for a
file of the same samples, whatever the pieces; what it remembers does not grow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from ictal.detection.calibration import correct_prior
from ictal.detection.following import Change, EventFollower
from ictal.errors import InputError
from ictal.models.detector import Answers
from ictal.models.detector import Detector as Model
from ictal.models.streaming import LOOKAHEAD_ROWS, Stream, require_causal
from ictal.recipes.config import Config
from ictal.recipes.detector import Detector, Trace
from ictal.recordings.montages import Derivation, valid
from ictal.signals.preprocess import Preprocessor, Quantised, lookahead_s
from ictal.signals.source import derived


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What some samples made known.

    Args:
        probability: Of the steps that follow those of the answer before.
        changes: Events that have begun or ended, in seconds from the stretch's beginning; beside them the mean log
            probability of each type.
    """

    probability: Trace
    changes: list[Change]


class Follower:
    """A detector with what it remembers of one stretch.

    Args:
        detector: One with a threshold that can go with a signal; see `require_live`.
        derivation: How its channels come about from those recorded.

    Raises:
        InputError: see `require_live`.
    """

    def __init__(self, detector: Detector, derivation: Derivation) -> None:
        require_live(detector.config)
        assert isinstance(detector.model, Model)
        assert detector.operating_point is not None
        self.detector, self.derivation = detector, derivation
        config = detector.config
        self.received = 0
        """Samples so far, at the recorded rate."""
        self.preprocessor = Preprocessor(len(derivation.channels), derivation.rate_hz, config.signals)
        self.stream = Stream(detector.model, torch.from_numpy(valid(derivation.validity)))
        self.events = EventFollower(detector.steps_hz, config.events.rule(detector.operating_point.threshold))

    @property
    def duration_s(self) -> float:
        """Length of the stretch so far."""
        return self.received / self.derivation.rate_hz

    @property
    def delay_s(self) -> float:
        """See `delay_s`."""
        return delay_s(self.detector.config, self.derivation.rate_hz)

    def push(self, recorded_uv: npt.NDArray[np.float32]) -> Answer:
        """What the next samples make known.

        Args:
            recorded_uv: (channels as recorded, samples), any number of them.

        Raises:
            InputError: if a sample is not finite (code `signal-not-finite`).
        """
        self.received += recorded_uv.shape[1]
        ready = self.preprocessor.feed(derived(self.derivation, recorded_uv))
        return self._answer(self.stream.push(_as_tensor(ready)), last=False)

    def finish(self) -> Answer:
        """What is known because nothing more will come."""
        if self.received == 0:
            return Answer(probability=np.empty(0), changes=[])
        nothing = np.empty((len(self.derivation.channels), 0), dtype=np.float32)
        rest = self.stream.push(_as_tensor(self.preprocessor.feed(nothing, last=True)))
        return self._answer(rest, self.stream.finish(), last=True)

    def _answer(self, *parts: Answers, last: bool) -> Answer:
        prior = self.detector.prior
        logits, types = (torch.cat(one).double().cpu().numpy() for one in zip(*parts, strict=True))
        corrected = correct_prior(logits, prior.natural.time_step, prior.drawn.time_step)
        probability = self.detector.probability(corrected)
        changes = self.events.push(probability, types)
        if last:
            changes += [replace(change, stop_s=min(change.stop_s, self.duration_s)) for change in self.events.finish()]
        return Answer(probability=probability, changes=changes)


def delay_s(config: Config, rate_hz: float) -> float:
    """How long after a sample was taken its step's probability is known: the longest wait, computing aside.

    Args:
        config: Of the detector.
        rate_hz: Of the recorded signal.
    """
    rows = LOOKAHEAD_ROWS + 1
    return lookahead_s(rate_hz, config.signals) + rows * config.model.samples_per_row / config.signals.rate_hz


def require_live(config: Config) -> None:
    """Refuse a detector that needs to know what is still to come.

    Raises:
        InputError: with the setting's name, and code `model-not-causal` or `signals-not-causal`.
    """
    require_causal(config.model)
    signals = config.signals
    for key, got, fits, expected in (
        ("signals.phase", signals.phase, signals.phase == "causal", "causal: `zero` filters from the recording's end"),
        ("signals.notch_hz", signals.notch_hz, signals.notch_hz != "auto", "50, 60 or 0: `auto` listens first"),
    ):
        if not fits:
            raise InputError(
                "The detector's signals cannot be prepared while they arrive",
                where=key,
                got=got,
                expected=expected,
                remedy=f"plan, prepare, train and evaluate a run with another {key}",
                code="signals-not-causal",
            )


def _as_tensor(signal: Quantised) -> torch.Tensor:
    return torch.from_numpy(signal.to_uv())
