"""Changes of a window that leave its label true: gain, mirrored head, a lost electrode.

The draw is a pure function of (seed, step), so a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ictal.errors import InputError, check_setting


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How training windows are varied; every value may be 0 to leave that change out."""

    gain_octaves: float = 0.7
    """Every window is scaled by 2^u, u uniform within plus and minus this."""
    mirror_share: float = 0.5
    """Share of windows in which left and right channels change places."""
    dropout_share: float = 0.05
    """Share of channels that are silenced."""

    def __post_init__(self) -> None:
        check_setting(0 <= self.gain_octaves <= 5, "augment.gain_octaves", self.gain_octaves, "0 to 5")
        check_setting(0 <= self.mirror_share <= 1, "augment.mirror_share", self.mirror_share, "0 to 1")
        check_setting(0 <= self.dropout_share < 1, "augment.dropout_share", self.dropout_share, "0 to below 1")


def mirrored(channels: Sequence[str]) -> list[int]:
    """For each channel, the place of its mirror image: odd electrode numbers are left, even ones right.

    Raises:
        InputError: if a channel's mirror image is not in the montage.
    """
    names = list(channels)
    reflected = ["-".join(_mirror_electrode(e) for e in name.split("-")) for name in names]
    for name, image in zip(names, reflected, strict=True):
        if image not in names:
            raise InputError(
                "A channel has no mirror image in this montage",
                where="augment.mirror_share",
                got=name,
                expected=f"a channel {image}",
                remedy="set augment.mirror_share = 0",
                code="montage-not-symmetric",
            )
    return [names.index(image) for image in reflected]


def _mirror_electrode(name: str) -> str:
    head = name.rstrip("0123456789")
    if head == name:
        return name
    number = int(name[len(head) :])
    return f"{head}{number + 1 if number % 2 else number - 1}"


class Augmentation:
    """Varies batches of one montage.

    Args:
        config: What to vary.
        channels: Names of the montage's channels.
        seed: Seed of the run.
    """

    def __init__(self, config: AugmentConfig, channels: Sequence[str], seed: int) -> None:
        self.config = config
        self.seed = seed
        self.mirror = torch.tensor(mirrored(channels) if config.mirror_share else range(len(channels)))

    def __call__(self, signal_uv: Tensor, step: int) -> Tensor:
        """The varied batch, (B, C, T)."""
        generator = torch.Generator().manual_seed(2 * (self.seed * 1_000_003 + step) + 1)
        batch, channels = signal_uv.shape[:2]
        octaves = (torch.rand(batch, 1, 1, generator=generator) * 2 - 1) * self.config.gain_octaves
        flip = torch.rand(batch, 1, 1, generator=generator) < self.config.mirror_share
        kept = torch.rand(batch, channels, 1, generator=generator) >= self.config.dropout_share
        device = signal_uv.device
        signal_uv = torch.where(flip.to(device), signal_uv[:, self.mirror.to(device)], signal_uv)
        return signal_uv * (torch.exp2(octaves) * kept).to(device)
