"""The detector: signals in µV to one logit per output step, and what of it can be chosen.

Signals are compressed by `asinh(signal / scale)`: linear within the scale, logarithmic beyond, so that an artefact a
thousand times the background weighs seven times as much and not a thousand; unlike a score over the whole recording it
needs nothing that a live system does not have. A stem that knows no channel by name makes rows of features (`stem`),
Bi-Mamba layers read the rows in both directions (`mamba`), and a linear head gives the logits of each row's steps: one,
unless more are asked for. Nothing in it looks across the batch, and the untrained answer is the drawn prior.

Channels that a recording lacks are told by a mask, not by zeros: zero volts is a measurement, and a rare one. Each
stem leaves them out in its own way (see there) and learns no stand-in for them, so weights are the same with and
without a mask, and with all channels valid so are the answers.

Invariant: logits of valid steps do not depend on what lies beyond `valid_samples`, nor on how much of it there is, nor
on what a channel holds that is not valid.

Shape legend: B batch, C channels, T samples, S = T / samples_per_step steps, R = S / steps_per_row rows, W width.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ictal.errors import InputError, check_setting
from ictal.models.backends import Chosen
from ictal.models.baselines import GatedRecurrence, ShallowStem, UNetStem
from ictal.models.mamba import BiMamba2, Mamba2, Norm, Residual
from ictal.models.stem import FRAMES_PER_STEP, ChannelStem, LineLengthStem, kept

_HEAD_SCALE = 0.005


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Which detector, and how large. The default is the `tiny` one, made for a laptop's processor."""

    kind: Literal["bimamba", "mamba", "gru", "shallow", "unet", "linear", "module"] = "bimamba"
    """"bimamba"; "mamba", which reads forward in time only, for live use; baselines: "gru" in place of the Bi-Mamba
    layers, "shallow" (filters and energies), "unet" (a U-Net with a Transformer), and "linear", a logistic regression
    on line length and band energies, which every network must beat; or "module", a network of your own."""
    module: str = ""
    """With kind "module": `package.name` of what makes your network from (channels, samples_per_step). The network
    takes signals (batch, channel, time) in input scales, and by name `valid_samples` (batch) and `valid_channels`
    (batch, channel) if its `forward` has them; it gives one number per step: (batch, time / step)."""
    width: int = 48
    """Features per step between the layers."""
    layers: int = 2
    """Bi-Mamba, Mamba, GRU or Transformer layers."""
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
    """Samples of one output step; 1 gives a logit for every sample."""
    steps_per_row: int = 1
    """Steps that one row of features answers for. The layers' work depends on the rows alone, whose samples,
    `samples_per_step * steps_per_row`, are a multiple of four. The stem's rhythms start at 1 to 13 Hz when a row is an
    eighth of a second: 32 samples at 256 Hz, 16 at 128 Hz."""
    seizure_types: tuple[str, ...] = ()
    """Types of seizures, as annotated (`fnsz`, `gnsz`, ...), that a second head tells apart; none: there is no such
    head."""
    dropout: float = 0.1
    """Share of numbers silenced in training, after the stem and after each layer."""
    input_scale_uv: float = 50.0
    """Amplitude in µV up to which signals stay linear."""

    def __post_init__(self) -> None:
        counts = ("width", "layers", "state", "head_dim", "expand", "shapes", "rhythms")
        for name in (*counts, "samples_per_step", "steps_per_row"):
            check_setting(getattr(self, name) >= 1, f"model.{name}", getattr(self, name), "at least 1")
        compared = "at least 2: the stem weighs each against the mean of all"
        check_setting(self.rhythms >= 2, "model.rhythms", self.rhythms, compared)
        divides = self.expand * self.width % self.head_dim == 0
        check_setting(
            divides, "model.head_dim", self.head_dim, f"a divisor of expand * width = {self.expand * self.width}"
        )
        self._check_row()
        many = len(set(self.seizure_types)) == len(self.seizure_types) != 1
        check_setting(many, "model.seizure_types", self.seizure_types, "two different types or more, or none")
        own = self.kind == "module" and self.seizure_types
        check_setting(not own, "model.seizure_types", self.seizure_types, 'none, with kind "module"')
        named = "." in self.module if self.kind == "module" else not self.module
        check_setting(named, "model.module", self.module, 'package.name with kind "module", and empty otherwise')
        check_setting(0 <= self.dropout < 1, "model.dropout", self.dropout, "0 <= dropout < 1")
        check_setting(
            0 < self.input_scale_uv < math.inf, "model.input_scale_uv", self.input_scale_uv, "an amplitude above 0 µV"
        )

    def _check_row(self) -> None:
        """A row is as long as the stem can make it."""
        row, where = self.samples_per_row, "model.samples_per_step, model.steps_per_row"
        if self.kind == "module":
            check_setting(self.steps_per_row == 1, "model.steps_per_row", self.steps_per_row, '1, with kind "module"')
        else:
            check_setting(row % FRAMES_PER_STEP == 0, where, row, f"a product that is a multiple of {FRAMES_PER_STEP}")
        if self.kind == "unet":
            check_setting(row & (row - 1) == 0, where, row, 'a product that is a power of two, with kind "unet"')

    @property
    def samples_per_row(self) -> int:
        """Samples of one row of features: what is a step to stem and layers."""
        return self.samples_per_step * self.steps_per_row

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

    @classmethod
    def large(cls, *, samples_per_step: int = 32) -> DetectorConfig:
        """About forty million parameters, the size of SeizureTransformer."""
        return cls(
            width=640,
            layers=15,
            state=128,
            head_dim=64,
            expand=2,
            shapes=16,
            rhythms=64,
            samples_per_step=samples_per_step,
        )


class Answers(NamedTuple):
    """What the heads say of every step."""

    logits: Float[Tensor, "*batch step"]
    types: Float[Tensor, "*batch step type"]
    """Log probability of each of `seizure_types`, were the step ictal; alike within a row."""


class Detector(nn.Module):
    """(B, C, T) signals in µV to (B, S) logits.

    Args:
        config: What to build.
        channels: Channels that every signal has.
        drawn_prior: Share of ictal time among the steps drawn for training: the answer before any training.
        backend: What computes Mamba layers (`ictal.models.backends.choose`).
    """

    def __init__(self, config: DetectorConfig, channels: int, drawn_prior: float, backend: Chosen = "chunked") -> None:
        super().__init__()
        assert 0 < drawn_prior < 1, drawn_prior
        self.config, self.channels = config, channels
        self.stem = _stem(config, channels)
        self.layers = nn.ModuleList(_layers(config, backend))
        self.dropout = nn.Dropout(config.dropout)
        self.norm = Norm(config.width, eps=1e-5) if self.layers else nn.Identity()
        self.head = _prior_head(self.stem.width, config.steps_per_row, drawn_prior)
        self.type_head = nn.Linear(self.stem.width, len(config.seizure_types)) if config.seizure_types else None

    def forward(
        self,
        signal_uv: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None = None,
        valid_channels: Bool[Tensor, "batch channel"] | None = None,
    ) -> Float[Tensor, "batch step"]:
        """Logits of every step.

        Args:
            signal_uv: Signals (B, C, T), T a multiple of `samples_per_row`.
            valid_samples: How many samples of each signal are real (B); none means all. Those after it are not looked
                at, and logits of steps that begin after it mean nothing.
            valid_channels: Which channels each signal has (B, C), true or false; none means all. The others are not
                looked at.
        """
        return self.answer(self.rows(signal_uv, valid_samples, valid_channels))

    def answers(
        self,
        signal_uv: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None = None,
        valid_channels: Bool[Tensor, "batch channel"] | None = None,
    ) -> Answers:
        """Logits (B, S) and types (B, S, types) of every step, from one pass; the arguments are those of `forward`."""
        return self.heads(self.rows(signal_uv, valid_samples, valid_channels))

    def rows(
        self,
        signal_uv: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None,
        valid_channels: Bool[Tensor, "batch channel"] | None,
    ) -> Float[Tensor, "batch row width"]:
        """Rows of features (B, R, W) that have passed the layers; the arguments are those of `forward`."""
        _, channels, samples = signal_uv.shape
        assert channels == self.channels, (channels, self.channels)
        row = self.config.samples_per_row
        assert samples % row == 0, (samples, row)
        there = [] if valid_channels is None else [valid_channels.unsqueeze(2)]
        if valid_samples is not None:
            there.append(kept(valid_samples, samples, 1).unsqueeze(1))
        if there:
            signal_uv = signal_uv.masked_fill(~functools.reduce(torch.logical_and, there), 0)
        keep = None if valid_samples is None else kept(valid_samples, samples // row, row)
        signal = compressed(signal_uv / self.config.input_scale_uv)
        hidden = self.dropout(self.stem(signal, valid_samples, valid_channels))
        for layer in self.layers:
            hidden = layer(hidden, keep)
        passed: Tensor = hidden
        return passed

    def heads(self, rows: Float[Tensor, "batch row width"]) -> Answers:
        """What both heads say of `rows` (B, R, W)."""
        return Answers(logits=self.answer(rows), types=self.types(rows))

    def answer(self, rows: Float[Tensor, "batch row width"]) -> Float[Tensor, "batch step"]:
        """Logits (B, S) of `rows` (B, R, W)."""
        logits: Tensor = self.head(self.norm(rows))
        return logits.flatten(1)

    def types(self, rows: Float[Tensor, "batch row width"]) -> Float[Tensor, "batch step type"]:
        """Log probability of each type, were the step ictal, (B, S, types) of `rows` (B, R, W); alike within a row.

        There are no types, (B, S, 0), where none are told apart.
        """
        if self.type_head is None:
            return rows.new_zeros(len(rows), rows.shape[1] * self.config.steps_per_row, 0)
        logits: Tensor = self.type_head(self.norm(rows))
        log_probability = torch.log_softmax(logits, dim=-1)
        every_step: Tensor = log_probability.repeat_interleave(self.config.steps_per_row, dim=1)
        return every_step


def build(config: DetectorConfig, channels: int, drawn_prior: float, backend: Chosen = "chunked") -> Detector:
    """The detector that the configuration describes, untrained; its answer is `drawn_prior`."""
    return Detector(config, channels, drawn_prior, backend)


def compressed(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The inverse hyperbolic sine, from functions that a processor has in wide form (ten times as fast as `asinh`)."""
    size = signal.abs()
    return torch.log(size + torch.sqrt(size.square() + 1)) * signal.sign()


def parameter_count(model: nn.Module) -> int:
    """Trainable numbers of a model."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _stem(config: DetectorConfig, channels: int) -> ChannelStem | LineLengthStem | ShallowStem | UNetStem | OwnStem:
    step = config.samples_per_row
    match config.kind:
        case "linear":
            return LineLengthStem(samples_per_step=step)
        case "shallow":
            return ShallowStem(config.width, channels=channels, samples_per_step=step)
        case "unet":
            return UNetStem(
                config.width, channels=channels, samples_per_step=step, layers=config.layers, dropout=config.dropout
            )
        case "module":
            return OwnStem(config.module, channels=channels, samples_per_step=step)
        case "bimamba" | "mamba" | "gru":
            return ChannelStem(config.width, samples_per_step=step, shapes=config.shapes, rhythms=config.rhythms)


def _layers(config: DetectorConfig, backend: Chosen) -> list[Residual]:
    return [
        Residual(config.width, layer, dropout=config.dropout)
        for layer in (_layer(config, backend) for _ in range(config.layers))
        if layer is not None
    ]


def _layer(config: DetectorConfig, backend: Chosen) -> Mamba2 | GatedRecurrence | None:
    """One layer above the stem; None for the kinds whose stem is the whole network."""
    if config.kind == "gru":
        return GatedRecurrence(config.width)
    if config.kind not in {"bimamba", "mamba"}:
        return None
    mamba = BiMamba2 if config.kind == "bimamba" else Mamba2
    return mamba(config.width, state=config.state, head_dim=config.head_dim, expand=config.expand, backend=backend)


def _prior_head(width: int, steps: int, drawn_prior: float) -> nn.Linear:
    """A linear head whose answers start within a hair of the prior, whatever it is given."""
    head = nn.Linear(width, steps)
    with torch.no_grad():
        head.weight.mul_(_HEAD_SCALE)
        head.bias.fill_(math.log(drawn_prior / (1 - drawn_prior)))
    return head


class OwnStem(nn.Module):
    """A user's network as the only feature of each step.

    A network whose `forward` names `valid_samples` or `valid_channels` is given them; any other finds zeros there.

    Args:
        address: `package.name` of a callable that makes it from (channels, samples_per_step).
        channels: Electrodes.
        samples_per_step: Samples per step.
    """

    width = 1

    def __init__(self, address: str, *, channels: int, samples_per_step: int) -> None:
        super().__init__()
        self.address, self.samples_per_step = address, samples_per_step
        self.network = _made(address, channels, samples_per_step)
        named = inspect.signature(self.network.forward).parameters
        self.told = tuple(name for name in ("valid_samples", "valid_channels") if name in named)

    def forward(
        self,
        signal: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None = None,
        valid_channels: Bool[Tensor, "batch channel"] | None = None,
    ) -> Float[Tensor, "batch step 1"]:
        """(B, S, 1); samples from `valid_samples` (B) on, and those of channels absent, must be zero."""
        batch, channels, samples = signal.shape
        masks = {
            "valid_samples": torch.full((batch,), samples, device=signal.device)
            if valid_samples is None
            else valid_samples,
            "valid_channels": torch.ones(batch, channels, dtype=torch.bool, device=signal.device)
            if valid_channels is None
            else valid_channels,
        }
        answer: Tensor = self.network(signal, **{name: masks[name] for name in self.told})
        expected = (len(signal), signal.shape[-1] // self.samples_per_step)
        if tuple(answer.shape) != expected:
            raise _own_fault(self.address, f"an answer of shape {tuple(answer.shape)}", f"{expected}: (batch, steps)")
        return answer.unsqueeze(-1)


def _made(address: str, channels: int, samples_per_step: int) -> nn.Module:
    package, _, name = address.rpartition(".")
    try:
        maker = getattr(importlib.import_module(package), name)
    except (ImportError, AttributeError) as error:
        raise _own_fault(address, str(error), "a name in an installed package, or in the folder worked in") from error
    network = maker(channels, samples_per_step)
    if not isinstance(network, nn.Module):
        raise _own_fault(address, type(network).__name__, "a torch.nn.Module")
    return network


def _own_fault(address: str, got: str, expected: str) -> InputError:
    return InputError(
        "The network of your own cannot be used",
        where=f"model.module = {address}",
        got=got,
        expected=expected,
        remedy="see docs/models.md for an example",
        code="model-module",
    )
