"""The detector on a signal that is still arriving: pieces of any size in, logits and types of finished steps out.

The logits of a row's steps need the stem's reach past the row (`LOOKAHEAD_ROWS`), and, with layers that read forward in
time only, nothing else of the future. So what a stream answers is what the detector answers on the whole recording,
some rows later, in memory that does not grow: the samples that the stem can still reach, and each layer's memory.

Shape legend: C channels, T samples, S steps.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ictal.errors import InputError
from ictal.models.detector import Answers, Detector, DetectorConfig, compressed
from ictal.models.mamba import Mamba2, Memory, Residual
from ictal.models.stem import ChannelStem, kept

LOOKBACK_ROWS = 4
"""Rows before its own that the stem's answer may depend on: half the rhythms' filters and one frame of shapes."""
LOOKAHEAD_ROWS = 4
"""Rows after its own, likewise."""


def is_causal(config: DetectorConfig) -> bool:
    """Whether a detector reads time forward only."""
    return config.kind == "mamba"


def require_causal(config: DetectorConfig) -> None:
    """Refuse a detector that reads time in both directions.

    Raises:
        InputError: with code `model-not-causal`.
    """
    if not is_causal(config):
        raise InputError(
            "The detector cannot follow a signal that is still arriving",
            where="model.kind",
            got=config.kind,
            expected="mamba, which reads forward in time only",
            remedy='train a run with model.kind = "mamba"',
            code="model-not-causal",
        )


class Stream:
    """A detector with what it remembers of one recording.

    Args:
        detector: Of kind "mamba": one that reads backward needs the end of the recording first.
        valid_channels: Which channels the recording has (C), true or false; none means all.

    Raises:
        InputError: if the detector reads time in both directions (code `model-not-causal`).
    """

    def __init__(self, detector: Detector, valid_channels: Bool[Tensor, " channel"] | None = None) -> None:
        require_causal(detector.config)
        assert isinstance(detector.stem, ChannelStem)
        self.detector = detector.eval()
        self.stem = detector.stem
        self.device = next(detector.parameters()).device
        self.valid_channels = None if valid_channels is None else valid_channels.to(self.device).unsqueeze(0)
        self.row = detector.config.samples_per_row
        self.buffer = torch.zeros(1, detector.channels, 0, device=self.device)
        self.first_row = 0
        """Row that the buffer begins with."""
        self.answered = 0
        """Rows whose logits were given."""
        self.memories: list[Memory | None] = [None] * len(detector.layers)

    @property
    def latency_samples(self) -> int:
        """Samples that must follow a row's last sample before the logits of its steps can be given."""
        return LOOKAHEAD_ROWS * self.row

    def push(self, signal_uv: Float[Tensor, "channel time"]) -> Answers:
        """Logits (S,) and types (S, types) of the steps that these samples finish; S may be 0.

        Args:
            signal_uv: The samples that follow the last ones (C, T), any number.
        """
        self._take(signal_uv)
        whole = self.first_row + self.buffer.shape[-1] // self.row
        return self._answer_until(whole - LOOKAHEAD_ROWS, valid_samples=None)

    def finish(self) -> Answers:
        """Those of the steps that are left when no more samples will come; the last may be part of a step."""
        valid, config = self.buffer.shape[-1], self.detector.config
        rows = self.first_row + -(-valid // self.row)
        left = -(-valid // config.samples_per_step) - (self.answered - self.first_row) * config.steps_per_row
        self._take(torch.zeros(self.detector.channels, -valid % self.row))
        logits, types = self._answer_until(rows, valid_samples=torch.tensor([valid], device=self.device))
        return Answers(logits=logits[:left], types=types[:left])

    def _take(self, signal_uv: Tensor) -> None:
        assert signal_uv.shape[0] == self.detector.channels, (signal_uv.shape, self.detector.channels)
        arrived_uv = signal_uv.to(self.device).unsqueeze(0)
        if self.valid_channels is not None:
            arrived_uv = arrived_uv.masked_fill(~self.valid_channels.unsqueeze(-1), 0)
        self.buffer = torch.cat([self.buffer, compressed(arrived_uv / self.detector.config.input_scale_uv)], dim=-1)

    @torch.inference_mode()
    def _answer_until(self, stop: int, valid_samples: Tensor | None) -> Answers:
        if stop <= self.answered:
            told_apart = len(self.detector.config.seizure_types)
            return Answers(*(torch.zeros(shape, device=self.device) for shape in ((0,), (0, told_apart))))
        whole = self.buffer[..., : self.buffer.shape[-1] // self.row * self.row]
        features = self.stem(whole, valid_samples, self.valid_channels)
        hidden = features[:, self.answered - self.first_row : stop - self.first_row]
        if valid_samples is not None:
            keep = kept(valid_samples, features.shape[1], self.row)
            assert bool(keep[:, self.answered - self.first_row : stop - self.first_row].all())
        for number, residual in enumerate(self.detector.layers):
            assert isinstance(residual, Residual)
            assert isinstance(residual.layer, Mamba2)
            added, self.memories[number] = residual.layer.resume(residual.norm(hidden), self.memories[number])
            hidden = hidden + added
        self.answered = stop
        self._forget()
        logits, types = self.detector.heads(hidden)
        return Answers(logits=logits[0], types=types[0])

    def _forget(self) -> None:
        """Drop the samples that no row still to come can reach."""
        first = max(self.first_row, self.answered - LOOKBACK_ROWS)
        self.buffer = self.buffer[..., (first - self.first_row) * self.row :]
        self.first_row = first
