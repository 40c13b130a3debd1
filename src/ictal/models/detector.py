"""Stand-in."""

from __future__ import annotations
import math
from dataclasses import dataclass
import torch
from torch import nn, Tensor
from ictal.models.mamba import BiMamba2, Residual


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Stand-in."""

    width: int = 48
    """w"""
    samples_per_step: int = 32
    """s"""


class Detector(nn.Module):
    def __init__(self, config: DetectorConfig, channels: int, drawn_prior: float):
        super().__init__()
        self.k = config.samples_per_step
        self.temporal = nn.Conv1d(1, 24, 64, stride=4, padding=30)
        self.mix = nn.Linear(48, config.width)
        self.spatial = nn.Linear(channels * 4, config.width)
        self.layers = nn.ModuleList(
            [Residual(config.width, BiMamba2(config.width, state=16, head_dim=16), dropout=0.1) for _ in range(2)]
        )
        self.norm = nn.RMSNorm(config.width)
        self.head = nn.Linear(config.width, 1)
        nn.init.constant_(self.head.bias, math.log(drawn_prior / (1 - drawn_prior)))
        with torch.no_grad():
            self.head.weight.mul_(0.1)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        b, c, t = x.shape
        x = torch.asinh(x / 50)
        f = self.temporal(x.reshape(b * c, 1, t)).square()
        f = f.unflatten(2, (-1, self.k // 4)).mean(3).add(1e-3).log()  # bc, 24, s
        f = f.unflatten(0, (b, c))
        pooled = torch.cat([f.amax(1), f.mean(1)], 1).mT
        h = self.mix(pooled)
        for l in self.layers:
            h = l(h)
        return self.head(self.norm(h))[..., 0]


def build(config: DetectorConfig, channels: int, drawn_prior: float) -> nn.Module:
    return Detector(config, channels, drawn_prior)
