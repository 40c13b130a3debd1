"""From the signals of many channels to one row of features per output step, the same way for every channel.

Corpora hold few seizures, each with its own focus, in few patients. A network that may weigh channels by name learns
the foci that it has seen. So no stem here knows which channel is which: every channel passes through the same filters,
and only statistics over the channels go on: the mean (a rhythm everywhere), the largest (a rhythm somewhere), and the
root mean square (how strong it is where it is). `docs/decisions/0007-one-scan-two-forms.md` has the trial.

What `ChannelStem` gives the layers above it:

- rhythm: pairs of learned filters, a second long when eight steps make a second, that start as quadrature waves of 1 to
  13 Hz; a pair's log energy is the envelope of its rhythm, whatever the phase;
- place: what each channel's log energies have over the mean of all channels in that step;
- spectrum: what each rhythm of that mean has over the mean of all rhythms, which shows a seizure that is everywhere.

A gain common to all channels (amplifier, skull, patient) adds a constant to log energies, so both are free of it as far
as signals lie above the energy floor and within the linear range of the compression.

A channel that a recording lacks is left out of these statistics: they are over the channels that it has, as if the
montage had no other. Nothing is put in its place and nothing has to be learnt about it; zeros, by contrast, would be a
channel with the least energy there is, and pull the mean that every other channel is compared with.

Invariant: what a step gives depends neither on padded samples nor on absent channels nor on the order of the channels.

Shape legend: B batch, C channels, T samples, S steps, F rhythms (filter pairs), R = B * C rows, W width.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

FRAMES_PER_STEP = 4
_KERNEL_STEPS = 8
_CYCLES_PER_STEP = (0.125, 1.6)
_ENERGY_FLOOR = 1e-3
_OCTAVES = 6
_AVERAGED_STEPS = 17
_LEAST_SILU = -0.2784645
"""No value of `silu` is below it by more than rounding."""
_FAR_BELOW = 1e4
"""Taken off absent channels, so that none is the largest."""


class ChannelStem(nn.Module):
    """(B, C, T) compressed signals to (B, S, W) features, by filters that learn.

    Args:
        width: Features per step.
        samples_per_step: Samples per step, a multiple of four.
        shapes: Filters of the first stage, which makes four frames of each step.
        rhythms: Pairs of filters of the second stage, which makes one step of four frames.
    """

    def __init__(self, width: int, *, samples_per_step: int, shapes: int, rhythms: int) -> None:
        super().__init__()
        self.width = width
        self.stride = samples_per_step // FRAMES_PER_STEP
        self.shapes = nn.Linear(4 * self.stride, shapes)
        self.rhythms = nn.Conv2d(FRAMES_PER_STEP * shapes, 2 * rhythms, (1, _KERNEL_STEPS))
        _start_as_waves(self.rhythms)
        self.place = nn.Linear(rhythms, 2 * rhythms)
        self.out = nn.Linear(3 * 2 * rhythms, width)
        self.spectrum = nn.Linear(rhythms, width, bias=False)

    def forward(
        self,
        signal: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None = None,
        valid_channels: Bool[Tensor, "batch channel"] | None = None,
    ) -> Float[Tensor, "batch step width"]:
        """Features of every step; samples from `valid_samples` (B) on, and those of channels absent, must be zero."""
        batch, channels, samples = signal.shape
        overlap = 3 * self.stride
        pieces = functional.pad(signal.flatten(0, 1), (overlap // 2, overlap - overlap // 2))
        frames = functional.silu(self.shapes(pieces.unfold(-1, 4 * self.stride, self.stride)))
        if valid_samples is not None:
            rows = valid_samples.repeat_interleave(channels)
            frames = frames * kept(rows, samples // self.stride, self.stride).unsqueeze(-1)
        return self._over_channels(torch.unflatten(self._energy(frames), 0, (batch, channels)), valid_channels)

    def _energy(self, frames: Tensor) -> Tensor:
        """Log energies (R, S, F) of frames (R, 4 S, shapes); the convolution sees a step's frames as one vector."""
        margin = FRAMES_PER_STEP * (_KERNEL_STEPS - 1) // 2
        steps = torch.unflatten(functional.pad(frames, (0, 0, margin, margin)), 1, (-1, FRAMES_PER_STEP)).flatten(2)
        cosines, sines = self.rhythms(steps.mT.unsqueeze(2)).squeeze(2).mT.chunk(2, dim=-1)
        return 0.5 * torch.log(cosines.square() + sines.square() + _ENERGY_FLOOR)

    def _over_channels(self, energy: Tensor, valid_channels: Tensor | None) -> Tensor:
        """Features (B, S, W) of the log energies (B, C, S, F).

        The mean over channels is taken off after the linear map, so that the large array is passed over once.
        """
        common = channel_mean(energy, valid_channels)
        over_common = self.place(energy) - functional.linear(common, self.place.weight).unsqueeze(1)
        place = functional.silu(over_common)
        strength = torch.sqrt(channel_mean(place.square(), valid_channels) + _ENERGY_FLOOR)
        largest = channel_max(place, valid_channels, least=_LEAST_SILU)
        pooled = torch.cat([channel_mean(place, valid_channels), largest, strength], dim=-1)
        added: Tensor = self.out(pooled) + self.spectrum(common - common.mean(dim=-1, keepdim=True))
        return added


class LineLengthStem(nn.Module):
    """(B, C, T) compressed signals to (B, S, W) features that nothing has to learn: line length and octave energies.

    No rate is asked for: bands are what boxes of 2, 4, ... 64 samples take away one after the other, which is octaves
    below half the sampling rate (at 256 Hz roughly 64-128, 32-64, ... Hz). Each feature is averaged over 17 steps
    (about two seconds) around its own, taken as a logarithm, and given as the mean and the largest over the channels.

    Args:
        samples_per_step: Samples per step.
    """

    def __init__(self, *, samples_per_step: int) -> None:
        super().__init__()
        self.width = 2 * (1 + _OCTAVES)
        self.samples_per_step = samples_per_step

    def forward(
        self,
        signal: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None = None,
        valid_channels: Bool[Tensor, "batch channel"] | None = None,
    ) -> Float[Tensor, "batch step width"]:
        """Features of every step; samples from `valid_samples` (B) on, and those of channels absent, must be zero."""
        steps = signal.shape[-1] // self.samples_per_step
        held = torch.ones(len(signal), steps, device=signal.device, dtype=signal.dtype)
        if valid_samples is not None:
            held = kept(valid_samples, steps, self.samples_per_step).to(signal.dtype)
        values = self._per_step(signal) * held[:, None, None]
        share = _box(held, _AVERAGED_STEPS).clamp_min(1 / _AVERAGED_STEPS)
        means = _box(values.flatten(1, 2), _AVERAGED_STEPS) / share.unsqueeze(1)
        features = torch.log(means.view_as(values) + _ENERGY_FLOOR)
        largest = channel_max(features, valid_channels, least=math.log(_ENERGY_FLOOR))
        return torch.cat([channel_mean(features, valid_channels), largest], dim=1).mT

    def _per_step(self, signal: Tensor) -> Tensor:
        """Mean absolute slope and energy per octave, of every step: (B, C, F, S)."""
        slopes = functional.pad(signal, (1, 0)).diff(dim=-1).abs()
        smooth, energies = signal, []
        for octave in range(_OCTAVES):
            smoother = _box(signal, 2 ** (octave + 1))
            energies.append((smooth - smoother).square())
            smooth = smoother
        every = torch.stack([slopes, *energies], dim=2)
        return torch.unflatten(every, -1, (-1, self.samples_per_step)).mean(dim=-1)


def kept(valid_samples: Int[Tensor, " batch"], frames: int, samples_per_frame: int) -> Bool[Tensor, "batch {frames}"]:
    """Which frames (B, frames) hold at least one valid sample."""
    first = torch.arange(frames, device=valid_samples.device) * samples_per_frame
    return first < valid_samples.unsqueeze(-1)


def channel_mean(
    values: Float[Tensor, "batch channel *rest"], valid_channels: Bool[Tensor, "batch channel"] | None
) -> Float[Tensor, " batch *rest"]:
    """Mean of (B, C, ...) over the channels that are valid (B, C); none means all. Without any it is zero."""
    if valid_channels is None:
        return values.mean(dim=1)
    shares = valid_channels.to(values.dtype)
    shares = shares / shares.sum(dim=1, keepdim=True).clamp_min(1)
    return (values * _beside(shares, values)).sum(dim=1)


def channel_max(
    values: Float[Tensor, "batch channel *rest"], valid_channels: Bool[Tensor, "batch channel"] | None, *, least: float
) -> Float[Tensor, " batch *rest"]:
    """Largest of (B, C, ...) over the channels that are valid (B, C); none means all.

    Args:
        values: None of them below `least`.
        valid_channels: Which count.
        least: What is given where no channel is valid.
    """
    if valid_channels is None:
        return values.amax(dim=1)
    lowered = values - _FAR_BELOW * _beside((~valid_channels).to(values.dtype), values)
    return lowered.amax(dim=1).clamp_min(least)


def _beside(of_channels: Tensor, values: Tensor) -> Tensor:
    """(B, C) with as many axes as values (B, C, ...)."""
    return of_channels[(..., *(None,) * (values.ndim - 2))]


def _box(signal: Tensor, samples: int) -> Tensor:
    """Mean of the samples around each sample, zeros past the ends."""
    padded = functional.pad(signal, (samples // 2, samples - 1 - samples // 2))
    return functional.avg_pool1d(padded, samples, 1)


def _start_as_waves(conv: nn.Conv2d) -> None:
    """Adds a cosine to each filter of the first half and the sine of the same frequency to its partner in the second.

    Both see the frames through the same random mix of shapes.
    """
    pairs, shapes, frames = conv.out_channels // 2, conv.in_channels // FRAMES_PER_STEP, _KERNEL_STEPS * FRAMES_PER_STEP
    steps = (torch.arange(frames) - (frames - 1) / 2) / FRAMES_PER_STEP
    slowest, fastest = (math.log10(end) for end in _CYCLES_PER_STEP)
    cycles = torch.logspace(slowest, fastest, pairs)
    phase = 2 * math.pi * cycles.unsqueeze(-1) * steps
    waves = torch.stack([phase.cos(), phase.sin()]) * torch.hann_window(frames, periodic=False)
    waves = waves / waves.norm(dim=-1, keepdim=True)
    mix = torch.randn(pairs, shapes) / math.sqrt(shapes)
    seen = torch.unflatten(torch.einsum("hpf,ps->hpfs", waves, mix), 2, (_KERNEL_STEPS, FRAMES_PER_STEP))
    with torch.no_grad():
        conv.weight.mul_(0.5).add_(seen.flatten(0, 1).flatten(2).mT.unsqueeze(2))
