"""A tiny training run: random signals whose ictal steps have a large amplitude, and a model that can see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ictal.timeline.grid import WindowGrid
from ictal.training.augment import Augmentation, AugmentConfig
from ictal.training.guards import CompositionGuard, Guard, GuardConfig, NumbersGuard, SkillGuard
from ictal.training.loop import TrainConfig, Trainer
from ictal.training.ranks import ALONE, Ranks
from ictal.training.selection import Scores
from ictal.windows import prior
from ictal.windows.dataset import WindowDataset
from ictal.windows.index import build
from ictal.windows.plan import BatchConfig, BatchPlan
from ictal.windows.planning import make
from tests.windows.strategies import many_recordings

SAMPLES_PER_STEP, RATE_HZ = 50, 100
CHANNELS = ("Fp1", "Fp2")


class NoisySource:
    """A recording made of noise that is ten times as strong during seizures."""

    def __init__(self, samples: int, seizures: npt.NDArray[np.int64], seed: int) -> None:
        self.samples = samples
        rng = np.random.default_rng(seed)
        self.scale_uv = np.full(len(CHANNELS), 0.002, dtype=np.float32)
        self.valid_channels = np.ones(len(CHANNELS), dtype=np.bool_)
        signal_uv = rng.normal(size=(len(CHANNELS), samples))
        for start, stop in seizures:
            signal_uv[:, start:stop] *= 10
        self.units = np.rint(signal_uv / 0.002).astype(np.int16)

    def read_into(self, start_sample: int, out: npt.NDArray[np.int16], *, wait: bool = True) -> bool:
        """Zero past the end; one in three has to be waited for."""
        if not wait and start_sample % 3 == 0:
            return False
        piece = self.units[:, start_sample : start_sample + out.shape[1]]
        out[:, : piece.shape[1]] = piece
        out[:, piece.shape[1] :] = 0
        return True

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """The same in microvolts."""
        out = np.empty((len(CHANNELS), length_samples), dtype=np.int16)
        self.read_into(start_sample, out)
        return np.multiply(out, self.scale_uv[:, None], dtype=np.float32)

    def announce(self, start_sample: int, length_samples: int) -> None:
        """Nothing is slow here."""


class PowerModel(nn.Module):
    """A logit per step from the step's log power."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.dropout = nn.Dropout(0.02)

    def forward(self, signal_uv: Tensor, valid_samples: Tensor, _valid_channels: Tensor) -> Tensor:
        """(B, C, T) to (B, S)."""
        assert len(valid_samples) == len(signal_uv)
        steps = signal_uv.unflatten(2, (-1, SAMPLES_PER_STEP))
        power = steps.square().mean(dim=(1, 3)).add(1e-3).log()
        logits: Tensor = self.head(self.dropout(power[..., None]))[..., 0]
        return logits


class BlindModel(nn.Module):
    """A model that can learn the prior and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, signal_uv: Tensor, valid_samples: Tensor, _valid_channels: Tensor) -> Tensor:
        """(B, C, T) to (B, S)."""
        steps = signal_uv.shape[2] // SAMPLES_PER_STEP
        return self.bias.expand(len(valid_samples), steps) * 1.0


def trainer(
    folder: Path,
    *,
    steps: int = 60,
    model: nn.Module | None = None,
    guards: list[Guard] | None = None,
    ranks: Ranks = ALONE,
    strategy: str = "balanced",
    seizure_windows: int = 4,
    validate: Callable[[nn.Module, BatchPlan], Scores] | None = None,
    **config: float | str,
) -> Trainer:
    """A run over twelve recordings of six patients."""
    torch.manual_seed(0)
    recordings = many_recordings(6, 2, 3)
    index = build(recordings, WindowGrid(length_samples=600, stride_samples=100))
    batch = BatchConfig(size=8, seizure_windows=seizure_windows, strategy=strategy, round_steps=20)  # type: ignore[arg-type]
    plan = make(index, batch, rank=ranks.rank, ranks=ranks.ranks)
    stored = [NoisySource(r.samples, r.seizures, n) for n, r in enumerate(recordings)]
    values = {"steps": steps, "learning_rate": 0.4, "warmup_steps": 3, "checkpoint_steps": 20, **config}
    settings = TrainConfig(**values)  # type: ignore[arg-type]
    known = prior.effective(plan, settings.loss_weights, allow_double_correction=True)
    guarding = GuardConfig(grace_steps=30)
    model = model or PowerModel()
    watching: list[Guard] = [
        NumbersGuard(model, guarding, peak_rate=float(config.get("learning_rate", 0.4)), warmup_steps=3),
        CompositionGuard(plan),
        SkillGuard(guarding, known),
    ]
    return Trainer(
        model=model,
        plan=plan,
        dataset=WindowDataset(plan.index, stored, SAMPLES_PER_STEP),
        augmentation=Augmentation(AugmentConfig(gain_octaves=0.1), CHANNELS, 0, RATE_HZ),
        guards=watching if guards is None else guards,
        config=settings,
        prior=known,
        folder=folder,
        run_hash="a run",
        ranks=ranks,
        validate=validate,
        device=torch.device("cpu"),
    )


def silent(_done: int, _record: dict[str, float]) -> None:
    """No progress shown."""
