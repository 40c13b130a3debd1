"""The detector: signals in µV to one logit per output step, and what of it can be chosen.

Signals are compressed by `asinh(signal / scale)`: linear within the scale, logarithmic beyond, so that an artefact a
thousand times the background weighs seven times as much and not a thousand; unlike a score over the whole recording it
needs nothing that a live system does not have. A stem that knows no channel by name makes one row of features per step
(`stem`), Bi-Mamba layers read the rows in both directions (`mamba`), and a linear head gives the logits. Nothing in it
looks across the batch, and the untrained answer is the drawn prior.

Invariant: logits of valid steps do not depend on what lies beyond `valid_samples`, nor on how much of it there is.

Shape legend: B batch, C channels, T samples, S = T / samples_per_step steps, W width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ictal.errors import check_setting
from ictal.models.mamba import BiMamba2, Residual
from ictal.models.stem import FRAMES_PER_STEP, ChannelStem, LineLengthStem, kept

_HEAD_SCALE = 0.005


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Which detector, and how large. The default is the `tiny` one, made for a laptop's processor."""

    kind: Literal["bimamba", "linear"] = "bimamba"
    """"bimamba", or "linear": a logistic regression on line length and band energies, which a network must beat."""
    width: int = 48
    """Features per step between the layers."""
    layers: int = 2
    """Bi-Mamba layers."""
    state: int = 16
    """Numbers that each head of a layer remembers per number of its input."""
    head_dim: int = 16
    """Numbers per head; divides `expand * width`."""
    expand: int = 1
    """Inner width of a layer as a multiple of the width."""
    shapes: int = 4
    """Filters of the stem's first stage, shared by all channels."""
    rhythms: int = 12
    """Pairs of filters of the stem's second stage, shared by all channels."""
    samples_per_step: int = 32
    """Samples of one output step, a multiple of four. The stem's rhythms start at 1 to 13 Hz when a step is an eighth
    of a second: 32 at 256 Hz, 16 at 128 Hz."""
    dropout: float = 0.1
    """Share of numbers silenced in training, after the stem and after each layer."""
    input_scale_uv: float = 50.0
    """Amplitude in µV up to which signals stay linear."""

    def __post_init__(self) -> None:
        for name in ("width", "layers", "state", "head_dim", "expand", "shapes", "rhythms"):
            check_setting(getattr(self, name) >= 1, f"model.{name}", getattr(self, name), "at least 1")
        divides = self.expand * self.width % self.head_dim == 0
        check_setting(
            divides, "model.head_dim", self.head_dim, f"a divisor of expand * width = {self.expand * self.width}"
        )
        fits = self.samples_per_step >= FRAMES_PER_STEP and self.samples_per_step % FRAMES_PER_STEP == 0
        check_setting(fits, "model.samples_per_step", self.samples_per_step, f"a multiple of {FRAMES_PER_STEP}")
        check_setting(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 <= dropout < 1")
        check_setting(
            0 < self.input_scale_uv < math.inf, "model.input_scale_uv", self.input_scale_uv, "an amplitude above 0 µV"
        )

    @classmethod
    def base(cls, *, samples_per_step: int = 32) -> DetectorConfig:
        """About five million parameters, for a GPU and a corpus of the size of TUSZ."""
        return cls(
            width=256,
            layers=11,
            state=64,
            head_dim=64,
            expand=2,
            shapes=16,
            rhythms=48,
            samples_per_step=samples_per_step,
        )


class Detector(nn.Module):
    """(B, C, T) signals in µV to (B, S) logits.

    Args:
        config: What to build.
        channels: Channels that every signal has.
        drawn_prior: Share of ictal time among the steps drawn for training: the answer before any training.
    """

    def __init__(self, config: DetectorConfig, channels: int, drawn_prior: float) -> None:
        super().__init__()
        self.config, self.channels = config, channels
        if config.kind == "linear":
            self.stem: ChannelStem | LineLengthStem = LineLengthStem(samples_per_step=config.samples_per_step)
            self.layers = nn.ModuleList()
        else:
            self.stem = ChannelStem(
                config.width, samples_per_step=config.samples_per_step, shapes=config.shapes, rhythms=config.rhythms
            )
            self.layers = nn.ModuleList(_layer(config) for _ in range(config.layers))
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.RMSNorm(config.width, eps=1e-5) if self.layers else nn.Identity()
        self.head = _prior_head(self.stem.width, drawn_prior)

    def forward(self, signal_uv: Tensor, valid_samples: Tensor | None = None) -> Tensor:
        """Logits of every step.

        Args:
            signal_uv: Signals (B, C, T), T a multiple of `samples_per_step`.
            valid_samples: How many samples of each signal are real (B); none means all. Those after it are not looked
                at, and logits of steps that begin after it mean nothing.
        """
        _, channels, samples = signal_uv.shape
        assert channels == self.channels, (channels, self.channels)
        assert samples % self.config.samples_per_step == 0, (samples, self.config.samples_per_step)
        keep = None
        if valid_samples is not None:
            signal_uv = signal_uv.masked_fill(~kept(valid_samples, samples, 1).unsqueeze(1), 0)
            keep = kept(valid_samples, samples // self.config.samples_per_step, self.config.samples_per_step)
        hidden = self.dropout(self.stem(compressed(signal_uv / self.config.input_scale_uv), valid_samples))
        for layer in self.layers:
            hidden = layer(hidden, keep)
        logits: Tensor = self.head(self.norm(hidden)).squeeze(-1)
        return logits


def build(config: DetectorConfig, channels: int, drawn_prior: float) -> Detector:
    """The detector that the configuration describes, untrained; its answer is `drawn_prior`."""
    return Detector(config, channels, drawn_prior)


def compressed(signal: Tensor) -> Tensor:
    """The inverse hyperbolic sine, from functions that a processor has in wide form (ten times as fast as `asinh`)."""
    size = signal.abs()
    return torch.log(size + torch.sqrt(size.square() + 1)).copysign(signal)


def parameter_count(model: nn.Module) -> int:
    """Trainable numbers of a model."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _layer(config: DetectorConfig) -> Residual:
    layer = BiMamba2(config.width, state=config.state, head_dim=config.head_dim, expand=config.expand)
    return Residual(config.width, layer, dropout=config.dropout)


def _prior_head(width: int, drawn_prior: float) -> nn.Linear:
    """A linear head whose answer starts within a hair of the prior, whatever it is given."""
    assert 0 < drawn_prior < 1, drawn_prior
    head = nn.Linear(width, 1)
    with torch.no_grad():
        head.weight.mul_(_HEAD_SCALE)
        head.bias.fill_(math.log(drawn_prior / (1 - drawn_prior)))
    return head
