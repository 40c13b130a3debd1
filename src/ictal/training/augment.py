"""Changes of a window that leave its label true: what another head, amplifier or hour would have made of it.

Signals change in the order in which they would have: a mirrored head, another background behind it, noise of muscles
and mains, the amplifier's gain, an electrode that is lost. Onsets move when the window is read (`OnsetShift`), so
that labels move with them. Every draw is a pure function of (seed, batch), so a resumed run sees what an uninterrupted
one would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ictal.errors import InputError, check_setting
from ictal.windows.dataset import Batch
from ictal.windows.index import WindowIndex
from ictal.windows.labels import SEIZURE
from ictal.windows.pools import Numbers


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How training windows are varied; every value may be 0 to leave that change out."""

    gain_octaves: float = 0.7
    """Every window is scaled by 2^u, u uniform within plus and minus this."""
    mirror_share: float = 0.5
    """Share of windows in which left and right channels change places."""
    dropout_share: float = 0.05
    """Share of channels that are marked absent, as those that a recording lacks are; one at least stays."""
    background_share: float = 0.0
    """Largest share that a background window of the batch gets in the mixture with each window; below one half, so that
    the window stays the larger part."""
    band_noise_uv: float = 0.0
    """Largest root mean square, in µV, of noise that is added in a band of one octave anywhere from 1 Hz on: muscles,
    movement."""
    line_noise_uv: float = 0.0
    """Largest amplitude, in µV, of a sine of the mains that is added: what a notch has left."""
    line_hz: float = 60.0
    """Frequency of the mains."""
    shift_s: float = 0.0
    """Windows begin up to so much earlier or later than the index has them, so that onsets fall on other places."""

    def __post_init__(self) -> None:
        check_setting(0 <= self.gain_octaves <= 5, "augment.gain_octaves", self.gain_octaves, "0 to 5")
        check_setting(0 <= self.mirror_share <= 1, "augment.mirror_share", self.mirror_share, "0 to 1")
        check_setting(0 <= self.dropout_share < 1, "augment.dropout_share", self.dropout_share, "0 to below 1")
        share = self.background_share
        check_setting(0 <= share < 0.5, "augment.background_share", share, "0 to below 0.5")
        for name in ("band_noise_uv", "line_noise_uv", "shift_s"):
            check_setting(0 <= getattr(self, name) < math.inf, f"augment.{name}", getattr(self, name), "0 or more")
        check_setting(0 < self.line_hz < math.inf, "augment.line_hz", self.line_hz, "a frequency above 0")


def mirrored(channels: Sequence[str]) -> list[tuple[int, int]]:
    """For each channel, the place of its mirror image: odd electrode numbers are left, even ones right.

    With it comes the sign that the image is taken with: -1 where the montage has the pair the other way round, as TCP
    montages, which run from ear to ear, have `C4-T4` for the `T4-C4` that mirrors `T3-C3`.

    Raises:
        InputError: if a channel's mirror image is not in the montage.
    """
    images = []
    for name in channels:
        electrodes = [_mirror_electrode(electrode) for electrode in name.split("-")]
        image, turned = "-".join(electrodes), "-".join(reversed(electrodes))
        if image not in channels and turned not in channels:
            raise InputError(
                "A channel has no mirror image in this montage",
                where="augment.mirror_share",
                got=name,
                expected=f"a channel {image}",
                remedy="set augment.mirror_share = 0",
                code="montage-not-symmetric",
            )
        images.append((channels.index(image), 1) if image in channels else (channels.index(turned), -1))
    return images


def _mirror_electrode(name: str) -> str:
    head = name.rstrip("0123456789")
    if head == name:
        return name
    number = int(name[len(head) :])
    return f"{head}{number + 1 if number % 2 else number - 1}"


class Augmentation:
    """Varies the signals of batches of one montage.

    Args:
        config: What to vary.
        channels: Names of the montage's channels.
        seed: Seed of the run.
        rate_hz: Samples per second.

    Raises:
        InputError: if a channel has no mirror image, or the rate cannot hold the mains.
    """

    def __init__(self, config: AugmentConfig, channels: Sequence[str], seed: int, rate_hz: float) -> None:
        held = config.line_noise_uv == 0 or config.line_hz < rate_hz / 2
        check_setting(held, "augment.line_hz", config.line_hz, f"below half the rate, {rate_hz / 2:g} Hz")
        self.config, self.seed, self.rate_hz = config, seed, rate_hz
        images = mirrored(channels) if config.mirror_share else [(place, 1) for place in range(len(channels))]
        self.mirror, self.mirror_sign = torch.tensor(images).T

    def __call__(self, batch: Batch, number: int) -> tuple[Tensor, Tensor]:
        """The varied signals of a batch (B, C, T), and which of their channels are valid (B, C).

        Args:
            batch: The windows; the noise that padding gets is not looked at by any model.
            number: Of the batch, among those of all ranks.
        """
        config = self.config
        generator = torch.Generator().manual_seed(2 * (self.seed * 1_000_003 + number) + 1)
        windows, channels = batch.signal_uv.shape[:2]
        device = batch.signal_uv.device
        octaves = (torch.rand(windows, 1, 1, generator=generator) * 2 - 1) * config.gain_octaves
        flip = torch.rand(windows, 1, generator=generator) < config.mirror_share
        lost = torch.rand(windows, channels, generator=generator) < config.dropout_share
        places = torch.arange(windows).unsqueeze(1), torch.where(flip, self.mirror, torch.arange(channels))
        rows, order = (place.to(device) for place in places)
        valid = _some_lost(batch.valid_channels[rows, order], lost.to(device))
        signal_uv = batch.signal_uv[rows, order]
        if (self.mirror_sign < 0).any():
            signal_uv *= torch.where(flip, self.mirror_sign, 1).unsqueeze(-1).to(device)
        if config.background_share:
            signal_uv = self._mixed(signal_uv, batch, generator)
        if config.band_noise_uv:
            signal_uv += self._band_noise(signal_uv.shape, generator).to(device)
        if config.line_noise_uv:
            signal_uv += self._line_noise(signal_uv.shape, generator).to(device)
        signal_uv *= torch.exp2(octaves).to(device) * valid.unsqueeze(-1)
        return signal_uv, valid

    def _mixed(self, signal_uv: Tensor, batch: Batch, generator: torch.Generator) -> Tensor:
        """Each window mixed with one that is background throughout; left alone where the batch has none."""
        shares = torch.rand(len(signal_uv), 1, 1, generator=generator) * self.config.background_share
        draws = torch.rand(len(signal_uv), generator=generator)
        background = torch.nonzero(((batch.labels == 0) & (batch.weights == 1)).all(dim=1)).flatten()
        if not len(background):
            return signal_uv
        partners = background[(draws * len(background)).long().to(background.device)]
        return torch.lerp(signal_uv, signal_uv[partners], shares.to(signal_uv.device))

    def _band_noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Noise of one band for each window, of its own in each channel: (B, C, T)."""
        windows, channels, samples = shape
        octaves = math.log2(max(self.rate_hz / 4, 1))  # the highest band ends at half the rate
        low_hz = torch.exp2(torch.rand(windows, 1, 1, generator=generator) * octaves)
        level_uv = torch.rand(windows, 1, 1, generator=generator) * self.config.band_noise_uv
        frequency_hz = torch.fft.rfftfreq(samples, 1 / self.rate_hz)
        inside = (frequency_hz >= low_hz) & (frequency_hz <= 2 * low_hz)
        spectrum = torch.view_as_complex(torch.randn(windows, channels, len(frequency_hz), 2, generator=generator))
        noise: Tensor = torch.fft.irfft(spectrum * inside, n=samples)
        size = noise.square().mean(dim=2, keepdim=True).sqrt()
        noise *= level_uv / size.clamp_min(torch.finfo(size.dtype).tiny)
        return noise

    def _line_noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """A sine for each window, of one phase and of another amplitude in each channel: (B, C, T)."""
        windows, channels, samples = shape
        phase = torch.rand(windows, 1, 1, generator=generator) * 2 * math.pi
        amplitude_uv = torch.rand(windows, channels, 1, generator=generator) * self.config.line_noise_uv
        time_s = torch.arange(samples, dtype=torch.float64) / self.rate_hz
        sine = torch.sin(2 * math.pi * self.config.line_hz * time_s + phase)
        return (amplitude_uv * sine).float()


def _some_lost(valid: Tensor, lost: Tensor) -> Tensor:
    """The valid channels (B, C) that are not lost; where all of a window would be, none is."""
    left = valid & ~lost
    return torch.where(left.any(dim=1, keepdim=True), left, valid)


@dataclass(frozen=True, kw_only=True)
class OnsetShift:
    """Where windows begin instead of where the index has them.

    A shifted window stays what the plan drew it as: a seizure window holds a seizure, background none. Where it would
    not, and where it would leave its recording, it stays in its place.

    Args:
        most_samples: Largest shift either way.
        seed: Seed of the run.
    """

    most_samples: int
    seed: int

    def samples(self, index: WindowIndex, windows: Numbers, number: int) -> Numbers:
        """Samples by which each window of a batch begins later (earlier, if negative): shape (B,).

        Args:
            index: The windows.
            windows: Their numbers, (B,).
            number: Of the batch, among those of all ranks.
        """
        draw = np.random.default_rng([self.seed, number]).integers(
            -self.most_samples, self.most_samples, size=len(windows), endpoint=True
        )
        length = index.grid.length_samples
        recording, start = index.locate(windows)
        last = np.maximum(start, index.lengths[recording] - length)
        shifted = np.clip(start + draw, 0, last)
        seizure = index.rule.met(*index.labels.labelled(recording, shifted, shifted + length))
        background = index.labels.ictal(recording, shifted, shifted + length) == 0
        stays = np.where(index.stratum_of(windows) < len(SEIZURE), seizure, background)
        shift: Numbers = np.where(stays, shifted - start, 0)
        return shift
