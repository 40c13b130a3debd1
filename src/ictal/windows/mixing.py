"""Plans that hold a share over an epoch instead of in every batch: oversample, undersample, natural.

An epoch is a shuffled list of all its windows that is never written down: of each place it is known whether it holds a
seizure window or background, and which.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ictal.errors import InputError, check_setting
from ictal.windows.index import WindowIndex
from ictal.windows.labels import BACKGROUND, SEIZURE
from ictal.windows.plan import BatchConfig, StreamPlan, require_both
from ictal.windows.pools import Numbers
from ictal.windows.streams import PoolStream, shuffled


@dataclass(frozen=True, kw_only=True, eq=False)
class MixStream:
    """Epochs of so many seizure windows and so many background windows, shuffled together.

    Seizure windows are taken in turn, so that an epoch with as many turns as windows, or more, has each of them, and
    none more than once oftener than another. Background comes without replacement, epoch after epoch.
    """

    index: WindowIndex
    seizure_turns: int
    background_turns: int
    seed: int

    @property
    def epoch_size(self) -> int:
        """Both together."""
        return self.seizure_turns + self.background_turns

    @property
    def windows(self) -> int:
        """All that are seizure or background."""
        return len(self.index.seizure_windows) + self._background.windows

    def at(self, positions: Numbers) -> Numbers:
        """Window number at each position."""
        epoch = positions // self.epoch_size
        place = shuffled(positions, self.epoch_size, self.seed, "mix")
        seizure = place < self.seizure_turns
        windows = np.empty(positions.shape, dtype=np.int64)
        turn = epoch[seizure] * self.seizure_turns + place[seizure]
        windows[seizure] = self.index.seizure_windows[turn % len(self.index.seizure_windows)]
        turn = epoch[~seizure] * self.background_turns + place[~seizure] - self.seizure_turns
        windows[~seizure] = self._background.at(turn)
        return windows

    def means(self) -> tuple[float, float]:
        """Over both kinds, by their turns."""
        share = self.seizure_turns / self.epoch_size
        both = np.array([PoolStream(index=self.index, strata=SEIZURE, seed=0).means(), self._background.means()])
        ictal, labelled = np.array([share, 1 - share]) @ both
        return float(ictal), float(labelled)

    @cached_property
    def _background(self) -> PoolStream:
        return PoolStream(index=self.index, strata=BACKGROUND, seed=self.seed)


def oversample(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> StreamPlan:
    """Every background window once in an epoch, seizure windows repeated until they are the share asked for.

    The share is of what is drawn (the report's option took the ratio to the negatives for it). Where seizure windows
    are a larger share already, each is drawn once: none is ever left out.

    Raises:
        InputError: if there is no seizure window, no background, or no share asked for that a mixture can have.
    """
    share = _share(index, config)
    turns = round(index.background_windows * share / (1 - share))
    return _mixed(index, config, max(turns, len(index.seizure_windows)), index.background_windows, rank, ranks)


def undersample(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> StreamPlan:
    """Every seizure window once in an epoch, with as much background, other in every epoch, as the share asks for.

    Raises:
        InputError: if there is no seizure window, no background, or no share asked for that a mixture can have.
    """
    share = _share(index, config)
    turns = round(len(index.seizure_windows) * (1 - share) / share)
    if turns == 0:
        raise InputError(
            "The share leaves no background in an epoch",
            where="batch.seizure_windows",
            got=f"{config.seizure_windows:g} of {config.size}, with {len(index.seizure_windows)} seizure windows",
            expected="a share that asks for one background window or more",
            remedy="lower batch.seizure_windows",
            code="quota-infeasible",
        )
    return _mixed(index, config, len(index.seizure_windows), min(turns, index.background_windows), rank, ranks)


def natural(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> StreamPlan:
    """Every seizure and background window once in an epoch.

    Raises:
        InputError: if there is no seizure window, or no background.
    """
    require_both(index)
    return _mixed(index, config, len(index.seizure_windows), index.background_windows, rank, ranks)


def _share(index: WindowIndex, config: BatchConfig) -> float:
    """Share of seizure windows that is asked for, of an index that has both kinds."""
    require_both(index)
    wanted = config.seizure_windows
    check_setting(0 < wanted < config.size, "batch.seizure_windows", wanted, f"above 0, below {config.size}, the size")
    return wanted / config.size


def _mixed(
    index: WindowIndex, config: BatchConfig, seizure_turns: int, background_turns: int, rank: int, ranks: int
) -> StreamPlan:
    stream = MixStream(
        index=index, seizure_turns=seizure_turns, background_turns=background_turns, seed=config.seed
    )  # fmt: skip
    return StreamPlan(
        index=index,
        config=config,
        rank=rank,
        ranks=ranks,
        stream=stream,
        epoch_seizure_windows=seizure_turns,
    )
