"""Networks that are not Bi-Mamba, in the same place of the detector, so that a comparison changes one thing only.

- `GatedRecurrence`: a bidirectional GRU layer, instead of a Bi-Mamba layer above the same stem;
- `ShallowStem`: temporal filters, spatial filters, energy, in the way of ShallowConvNet (Schirrmeister et al. 2017,
  arXiv 1703.05051) without batch normalisation;
- `UNetStem`: a U-Net over time with a Transformer at its lowest level, the shape of SeizureTransformer (Wu et al. 2025,
  arXiv 2504.00336); its decoder ends at the output steps, not at the samples.

The two stems give each channel its own weights, as the published networks do: unlike `ictal.models.stem` they know
electrodes by their place. Where a recording lacks a channel, its weights have nothing to weigh, and the sum over the
others is scaled up by channels / valid channels (partial convolutions: Liu et al. 2018, arXiv 1804.07723, eq. 1), so
that what follows sees sums of the size that it knows.

Invariant: what a valid step gives depends neither on padded samples nor on absent channels.

Shape legend: B batch, C channels, T samples, S steps, W width, F frames.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from ictal.models.stem import kept

_ENERGY_FLOOR = 1e-3
_POOLED_STEPS = 8
_LEVELS_BELOW_STEP = 2
_KERNEL = 5
_HEAD_WIDTH = 64


class GatedRecurrence(nn.Module):
    """A bidirectional GRU layer: (B, S, W) to the same shape.

    Args:
        width: Width of input, output and each direction's state.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.out_proj = nn.Linear(2 * width, width, bias=False)

    def forward(
        self, hidden: Float[Tensor, "batch step width"], keep: Bool[Tensor, "batch step"] | None = None
    ) -> Float[Tensor, "batch step width"]:
        """The layer's output; `keep` (B, S) says which steps are real: the first ones."""
        both = self.gru(hidden)[0] if keep is None else self._first(hidden, keep.sum(dim=1))
        projected: Tensor = self.out_proj(both)
        return projected

    def _first(self, hidden: Tensor, steps: Tensor) -> Tensor:
        """Both directions over the first steps (B) of each sequence; the others hold something of no meaning.

        What PyTorch's packed sequences give, in operations that can be exported: the backward direction reads the
        first steps turned round, and is turned back.
        """
        place = torch.arange(hidden.shape[1], device=hidden.device)
        turned = ((steps.unsqueeze(1) - 1 - place) % hidden.shape[1]).unsqueeze(-1).expand(-1, -1, hidden.shape[2])
        forward = self._one_way(hidden, "")
        backward = self._one_way(hidden.gather(1, turned), "_reverse")
        return torch.cat([forward, backward.gather(1, turned)], dim=-1)

    def _one_way(self, hidden: Tensor, direction: str) -> Tensor:
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        weights: list[Tensor] = [self.gru.get_parameter(f"{name}{direction}") for name in names]
        start = hidden.new_zeros(1, len(hidden), self.gru.hidden_size)
        output, _ = torch.gru(hidden, start, weights, True, 1, 0.0, self.training, False, True)  # noqa: FBT003 - torch's
        return output


class ShallowStem(nn.Module):
    """(B, C, T) compressed signals to (B, S, W) log energies of filters over time and electrodes.

    Args:
        width: Filters.
        channels: Electrodes.
        samples_per_step: Samples per step; a filter is as long as a step.
    """

    def __init__(self, width: int, *, channels: int, samples_per_step: int) -> None:
        super().__init__()
        self.width, self.samples_per_step = width, samples_per_step
        self.temporal = nn.Conv2d(1, width, (1, samples_per_step))
        self.spatial = nn.Conv2d(width, width, (channels, 1), bias=False)

    def forward(
        self,
        signal: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None = None,
        valid_channels: Bool[Tensor, "batch channel"] | None = None,
    ) -> Float[Tensor, "batch step width"]:
        """Features of every step; samples from `valid_samples` (B) on, and those of channels absent, must be zero."""
        steps = signal.shape[-1] // self.samples_per_step
        reach = self.samples_per_step - 1
        filtered = self.temporal(functional.pad(signal.unsqueeze(1), (reach // 2, reach - reach // 2)))
        if valid_channels is not None:
            filtered = filtered * _scales(valid_channels, filtered.dtype)[:, None, :, None]
        energy = self.spatial(filtered).squeeze(2).square()
        held = torch.ones(len(signal), steps, device=signal.device, dtype=signal.dtype)
        if valid_samples is not None:
            held = kept(valid_samples, steps, self.samples_per_step).to(signal.dtype)
        energy = functional.avg_pool1d(energy, self.samples_per_step) * held.unsqueeze(1)
        share = _box(held.unsqueeze(1)).clamp_min(1 / _POOLED_STEPS)
        return torch.log(_box(energy) / share + _ENERGY_FLOOR).mT


class UNetStem(nn.Module):
    """(B, C, T) compressed signals to (B, S, W) features: down to four steps a frame, a Transformer, and up again.

    Args:
        width: Features of a step, and of a frame in the Transformer.
        channels: Electrodes.
        samples_per_step: Samples per step, a power of two.
        layers: Transformer layers.
        dropout: Share of numbers silenced inside them.
    """

    def __init__(self, width: int, *, channels: int, samples_per_step: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.width, self.samples_per_step = width, samples_per_step
        halvings = samples_per_step.bit_length() - 1 + _LEVELS_BELOW_STEP
        widths = [min(width, max(8, width >> (halvings - 1 - level) // 2)) for level in range(halvings)]
        self.down = nn.ModuleList(_Convolution(a, b) for a, b in zip([channels, *widths[:-1]], widths, strict=True))
        heads = next(heads for heads in range(max(1, width // _HEAD_WIDTH), 0, -1) if width % heads == 0)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.up = nn.ModuleList(
            _Convolution(width + skipped, width) for skipped in (widths[-2], widths[-3])[:_LEVELS_BELOW_STEP]
        )

    def forward(
        self,
        signal: Float[Tensor, "batch channel time"],
        valid_samples: Int[Tensor, " batch"] | None = None,
        valid_channels: Bool[Tensor, "batch channel"] | None = None,
    ) -> Float[Tensor, "batch step width"]:
        """Features of every step; samples from `valid_samples` (B) on, and those of channels absent, must be zero."""
        batch, _, samples = signal.shape
        if valid_channels is not None:
            signal = signal * _scales(valid_channels, signal.dtype).unsqueeze(-1)
        valid = torch.full((batch,), samples, device=signal.device) if valid_samples is None else valid_samples
        coarsest = self.samples_per_step << _LEVELS_BELOW_STEP
        hidden = functional.pad(signal, (0, -samples % coarsest))
        passed = []
        for level, convolution in enumerate(self.down, 1):
            hidden = functional.avg_pool1d(convolution(hidden), 2)
            hidden = hidden * kept(valid, hidden.shape[-1], 1 << level).unsqueeze(1)
            passed.append(hidden)
        frames = kept(valid.clamp_min(1), hidden.shape[-1], coarsest)
        hidden = self.transformer(hidden.mT + _positions(hidden.mT), src_key_padding_mask=~frames).mT
        hidden = hidden * frames.unsqueeze(1)
        for halving, convolution in enumerate(self.up, 1):
            beside = passed[-1 - halving]
            hidden = convolution(torch.cat([hidden.repeat_interleave(2, dim=-1), beside], dim=1))
            hidden = hidden * kept(valid, hidden.shape[-1], coarsest >> halving).unsqueeze(1)
        features: Tensor = hidden[..., : samples // self.samples_per_step].mT
        return features


class _Convolution(nn.Module):
    """A convolution over time with a residual where the widths allow one: (B, C, F) to (B, W, F)."""

    def __init__(self, inward: int, outward: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inward, outward, _KERNEL, padding=_KERNEL // 2)
        self.residual = inward == outward

    def forward(self, hidden: Float[Tensor, "batch inward frame"]) -> Float[Tensor, "batch outward frame"]:
        convolved: Tensor = functional.elu(self.conv(hidden))
        return hidden + convolved if self.residual else convolved


def _positions(hidden: Tensor) -> Tensor:
    """Sines and cosines of the frame's number (F, W): Vaswani et al. 2017, section 3.5."""
    frames, width = hidden.shape[1:]
    slowness = torch.exp(torch.arange(0, width, 2, device=hidden.device) * (-math.log(10_000.0) / width))
    angles = torch.arange(frames, device=hidden.device).unsqueeze(-1) * slowness
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width].to(hidden.dtype)


def _scales(valid_channels: Tensor, dtype: torch.dtype) -> Tensor:
    """What each channel is multiplied by (B, C): channels / valid channels, or zero if it is absent."""
    valid = valid_channels.to(dtype)
    return valid * (valid.shape[1] / valid.sum(dim=1, keepdim=True).clamp_min(1))


def _box(values: Tensor) -> Tensor:
    """Mean over the pooled steps around each step of (B, W, S), zeros past the ends."""
    before = _POOLED_STEPS // 2
    return functional.avg_pool1d(functional.pad(values, (before, _POOLED_STEPS - 1 - before)), _POOLED_STEPS, 1)
