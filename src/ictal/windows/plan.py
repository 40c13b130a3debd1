"""The batch plan: which windows make up every batch of a training run, known before the first one is read.

Every batch of every rank holds exactly `seizure_windows` windows with a seizure. A batch is a pure function of (index,
config, rank, ranks, step), so a run resumes from a step number and every worker may compute any batch. Seizure windows
and background windows are two endless streams: each is the concatenation of keyed permutations of its pool, so that
nothing is drawn twice before everything has been drawn once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from ictal.errors import InputError, check_setting
from ictal.windows.index import Numbers, WindowIndex
from ictal.windows.permutation import permute

_CHUNK_STEPS = 4096


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """What every batch holds."""

    size: int = 16
    """Windows in a batch, per rank."""
    seizure_windows: int = 8
    """Windows with a seizure in every batch, per rank."""
    seed: int = 0
    """Seed of the order of drawing."""

    def __post_init__(self) -> None:
        check_setting(self.size >= 2, "batch.size", self.size, "at least 2")
        check_setting(self.seed >= 0, "batch.seed", self.seed, "0 or more")


@dataclass(frozen=True, kw_only=True)
class Composition:
    """What batches hold, counted."""

    size: int
    seizure_min: int
    seizure_mean: float
    seizure_max: int
    checked: int
    """Number of batches that were counted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchPlan:
    """Balanced batches over an index. Build it with `balanced`, which refuses what cannot be kept."""

    index: WindowIndex
    config: BatchConfig
    rank: int = 0
    ranks: int = 1

    @property
    def hash(self) -> str:
        """Hash of all that decides the batches, ranks aside."""
        text = f"{self.index.hash} {sorted(asdict(self.config).items())}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def steps_per_epoch(self) -> int:
        """Batches until every background window has been drawn once."""
        drawn = (self.config.size - self.config.seizure_windows) * self.ranks
        return -(-self.index.background_windows // drawn)

    def batch(self, step: int) -> Numbers:
        """Window numbers of one batch, those with a seizure first: shape (size,)."""
        batch: Numbers = self.table(step, step + 1)[0]
        return batch

    def table(self, first_step: int, stop_step: int) -> Numbers:
        """The batches of a range of steps, one a row: shape (steps, size)."""
        index, quota = self.index, self.config.seizure_windows
        steps = np.arange(first_step, stop_step)
        seizures = self._draw(steps, quota, len(index.seizure_windows), stream=0)
        background = self._draw(steps, self.config.size - quota, index.background_windows, stream=1)
        return np.concatenate([index.seizure_windows[seizures], index.background(background)], axis=1)

    def batches(self, first_step: int, stop_step: int) -> Iterator[list[int]]:
        """The batches of a range of steps, as a `DataLoader` takes them for its `batch_sampler`."""
        for first in range(first_step, stop_step, _CHUNK_STEPS):
            yield from self.table(first, min(first + _CHUNK_STEPS, stop_step)).tolist()

    def check(self, steps: int) -> Composition:
        """Draw the first batches, count the seizure windows in each and assert the quota.

        The count asks the index's labels of the windows drawn; it does not trust how they were drawn.
        """
        chunks = [self.table(first, min(first + _CHUNK_STEPS, steps)) for first in range(0, steps, _CHUNK_STEPS)]
        counts = np.concatenate([(self.index.ictal_samples_in(chunk) > 0).sum(axis=1) for chunk in chunks])
        assert (counts == self.config.seizure_windows).all(), "a batch does not hold its quota"
        return Composition(
            size=self.config.size,
            seizure_min=int(counts.min()),
            seizure_mean=float(counts.mean()),
            seizure_max=int(counts.max()),
            checked=steps,
        )

    def _draw(self, steps: Numbers, count: int, size: int, *, stream: int) -> Numbers:
        """Places in a pool of `size` windows: this rank's share of each step's piece of the stream, (steps, count)."""
        position = (steps[:, None] * self.ranks + self.rank) * count + np.arange(count)
        epochs = position // size
        places = np.empty(position.shape, dtype=np.int64)
        for epoch in range(int(epochs.min()), int(epochs.max()) + 1):
            now = epochs == epoch
            places[now] = permute(position[now] % size, size, self._key(stream, epoch))
        return places

    def _key(self, stream: int, epoch: int) -> int:
        text = f"{self.config.seed} {stream} {epoch}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def balanced(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> BatchPlan:
    """The plan that gives every batch exactly `config.seizure_windows` windows with a seizure.

    Raises:
        InputError: if the corpus cannot give what is asked for, with the counts and what to change.
    """
    seizure, background = len(index.seizure_windows), index.background_windows
    if seizure == 0:
        raise InputError(
            "There is no seizure to learn from",
            where="the training part of the window index",
            got=f"0 of {index.windows} windows hold an ictal sample",
            expected="at least one seizure",
            remedy="run `ictal audit` on the corpus: in a seizure corpus this means that the annotations were not read",
            code="no-seizures",
        )
    if not 1 <= config.seizure_windows < config.size:
        raise InputError(
            "The batch cannot hold its quota of seizure windows",
            where="batch.size, batch.seizure_windows",
            got=f"{config.seizure_windows} seizure windows in a batch of {config.size}",
            expected="at least one seizure window and at least one background window in every batch",
            remedy="lower batch.seizure_windows or raise batch.size",
            code="quota-infeasible",
        )
    for name, wanted, present in (
        ("seizure", config.seizure_windows * ranks, seizure),
        ("background", (config.size - config.seizure_windows) * ranks, background),
    ):
        if wanted > present:
            raise InputError(
                f"There are fewer {name} windows than one step draws",
                where="batch.size, batch.seizure_windows",
                got=f"{present} {name} windows in training",
                expected=f"at least {wanted}, for {ranks} rank(s)",
                remedy="use smaller batches, a shorter window or stride, or a larger corpus",
                code="quota-infeasible",
            )
    return BatchPlan(index=index, config=config, rank=rank, ranks=ranks)


def coverage(plan: BatchPlan, steps: int) -> dict[str, float]:
    """Share of the seizure windows and of the background windows that a run of so many steps sees at least once."""
    pools = {
        "seizure_windows": (plan.config.seizure_windows, len(plan.index.seizure_windows)),
        "background_windows": (plan.config.size - plan.config.seizure_windows, plan.index.background_windows),
    }
    return {name: min(1.0, steps * drawn * plan.ranks / size) for name, (drawn, size) in pools.items()}
