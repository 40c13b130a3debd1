"""Endless streams of windows, each a pure function of the position: what batches are cut from.

A stream is a row of epochs. Within an epoch nothing comes twice; over the epochs everything comes. Nothing is
remembered, so that any position can be asked for by anyone: a resumed run, another worker, another rank.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from ictal.errors import InputError
from ictal.windows.index import WindowIndex
from ictal.windows.permutation import permute
from ictal.windows.pools import Numbers, Pool


class Stream(Protocol):
    """Windows at positions 0, 1, 2, ... without end."""

    @property
    def epoch_size(self) -> int:
        """Positions of an epoch."""

    @property
    def windows(self) -> int:
        """Different windows that ever come."""

    def at(self, positions: Numbers) -> Numbers:
        """Window number at each position, of the same shape."""

    def means(self) -> tuple[float, float]:
        """Ictal samples that carry a label, and samples that do, in a drawn window: the mean over all epochs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PoolStream:
    """Every window of some strata once in an epoch, in the epoch's own order."""

    index: WindowIndex
    strata: tuple[str, ...]
    seed: int

    @cached_property
    def pool(self) -> Pool:
        """The windows."""
        return self.index.pool(*self.strata)

    @property
    def epoch_size(self) -> int:
        """All of them."""
        return self.pool.size

    @property
    def windows(self) -> int:
        """All of them."""
        return self.pool.size

    def at(self, positions: Numbers) -> Numbers:
        """Window number at each position."""
        return self.pool.members(shuffled(positions, self.pool.size, self.seed, "+".join(self.strata)))

    def means(self) -> tuple[float, float]:
        """All windows count alike."""
        ictal, labelled = self.index.labelled_totals(*self.strata)
        return ictal / self.pool.size, labelled / self.pool.size


@dataclass(frozen=True, kw_only=True, eq=False)
class SeizureStream:
    """Seizure windows, cycled over patient, seizure and window, so that nobody who has many is drawn most.

    Each patient is an endless sequence of his own: his seizures take turns, a seizure with `c` windows (at most
    `windows_per_seizure_max`) having `c` turns in a cycle, and each turn gives the seizure's next window. In an epoch
    every patient gives as many windows as his cycle holds, but at most what `patient_share_max` allows; the epoch's
    windows come in the epoch's own order.

    Args:
        index: The windows.
        windows: Seizure windows to draw from, ascending; some of `index.seizure_windows`.
        patient_share_max: Largest share of an epoch that one patient may have.
        windows_per_seizure_max: Most turns of a seizure in a patient's cycle; 0 for no limit.
        seed: Seed of the order.
    """

    index: WindowIndex
    members: Numbers
    patient_share_max: float
    windows_per_seizure_max: int
    seed: int

    @property
    def windows(self) -> int:
        """Different windows that ever come."""
        return len(self.members)

    @property
    def epoch_size(self) -> int:
        """Windows that all patients give together."""
        return int(self._given.sum())

    def at(self, positions: Numbers) -> Numbers:
        """Window number at each position."""
        epoch, place = positions // self.epoch_size, shuffled(positions, self.epoch_size, self.seed, "seizures")
        patient = np.searchsorted(self._given_before, place, side="right") - 1
        turn = epoch * self._given[patient] + place - self._given_before[patient]
        cycle, within = turn // self._cycle[patient], turn % self._cycle[patient]
        slot = self._cycle_before[patient] + within
        seizure = self._slot_seizure[slot]
        drawn = (cycle * self._turns[seizure] + self._slot_turn[slot]) % self._held[seizure]
        return self._ordered[self._held_before[seizure] + drawn]

    def means(self) -> tuple[float, float]:
        """Each window counts by how often it comes in the long run."""
        ictal, labelled = self.index.labelled_samples_in(self._ordered)
        share = self.shares_of_windows()
        return float(share @ ictal), float(share @ labelled)

    def shares_of_windows(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Long-run share of each window in the order of `_ordered`; they add to one."""
        per_turn = (self._given / self.epoch_size / self._cycle)[self._patient]
        return np.repeat(per_turn * self._turns / self._held, self._held)

    @cached_property
    def _seizures(self) -> Numbers:
        """Corpus-wide number of each seizure that has windows here, ordered by patient: everything below follows it."""
        present = np.unique(self._window_seizure)
        ordered: Numbers = present[np.argsort(self.index.seizure_patient[present], kind="stable")]
        return ordered

    @cached_property
    def _window_seizure(self) -> Numbers:
        """Seizure of each member."""
        owner: Numbers = self.index.seizure_of[np.searchsorted(self.index.seizure_windows, self.members)]
        return owner

    @cached_property
    def _patient(self) -> Numbers:
        """Patient of each seizure, numbered from 0 among those who have one."""
        return np.unique(self.index.seizure_patient[self._seizures], return_inverse=True)[1].astype(np.int64)

    @cached_property
    def _held(self) -> Numbers:
        """Windows of each seizure."""
        counts = np.bincount(self._window_seizure, minlength=int(self._seizures.max()) + 1)
        return counts[self._seizures].astype(np.int64)

    @cached_property
    def _held_before(self) -> Numbers:
        return _before(self._held)

    @cached_property
    def _ordered(self) -> Numbers:
        """Members, seizure by seizure, each seizure's in an order of its own."""
        place = np.empty(int(self._seizures.max()) + 1, dtype=np.int64)
        place[self._seizures] = np.arange(len(self._seizures))
        chance = permute(np.arange(len(self.members)), len(self.members), key_of(self.seed, "order in seizures", 0))
        ordered: Numbers = self.members[np.lexsort((chance, place[self._window_seizure]))]
        return ordered

    @cached_property
    def _turns(self) -> Numbers:
        """Turns of each seizure in its patient's cycle."""
        most = self.windows_per_seizure_max
        turns: Numbers = np.minimum(self._held, most) if most else self._held
        return turns

    @cached_property
    def _cycle(self) -> Numbers:
        """Turns in each patient's cycle."""
        return np.bincount(self._patient, weights=self._turns).astype(np.int64)

    @cached_property
    def _cycle_before(self) -> Numbers:
        return _before(self._cycle)

    @cached_property
    def _slots(self) -> tuple[Numbers, Numbers]:
        """Seizure and turn of each slot of all patients' cycles; a patient's seizures are spread evenly over his."""
        seizure = np.repeat(np.arange(len(self._turns)), self._turns)
        turn = np.arange(len(seizure)) - np.repeat(_before(self._turns), self._turns)
        order = np.lexsort((seizure, (turn + 0.5) / self._turns[seizure], self._patient[seizure]))
        return seizure[order], turn[order]

    @property
    def _slot_seizure(self) -> Numbers:
        return self._slots[0]

    @property
    def _slot_turn(self) -> Numbers:
        return self._slots[1]

    @cached_property
    def _given(self) -> Numbers:
        """Windows that each patient gives to an epoch."""
        given: Numbers = np.minimum(self._cycle, most_per_patient(self._cycle, self.patient_share_max))
        return given

    @cached_property
    def _given_before(self) -> Numbers:
        return _before(self._given)


def most_per_patient(held: Numbers, share_max: float) -> int:
    """The largest number that, as every patient's limit, keeps each patient's share of the epoch within `share_max`.

    Args:
        held: What each patient could give, shape (patients,).
        share_max: Largest share, above 0.

    Raises:
        InputError: if there are too few patients for it.
    """
    if len(held) * share_max < 1:
        raise InputError(
            "Too few patients have seizures to keep each within the largest share",
            where="batch.patient_share_max",
            got=f"{len(held)} patients with seizures, and a largest share of {share_max:g}",
            expected=f"at least {1 / len(held):.3g}",
            remedy="raise the share, or add patients with seizures to the training part",
            code="quota-infeasible",
        )
    low, high = 1, int(held.max())
    while low < high:
        middle = (low + high + 1) // 2
        if min(middle, high) <= share_max * np.minimum(held, middle).sum():
            low = middle
        else:
            high = middle - 1
    return low


def shuffled(positions: Numbers, size: int, seed: int, name: str) -> Numbers:
    """Place, in `0..size-1`, of each position of an endless row of epochs of that size."""
    if positions.size == 0:
        return np.empty(positions.shape, dtype=np.int64)
    first, last = int(positions.min()) // size, int(positions.max()) // size
    if first == last:
        return permute(positions - first * size, size, key_of(seed, name, first))
    epochs = positions // size
    places = np.empty(positions.shape, dtype=np.int64)
    for epoch in range(first, last + 1):
        here = epochs == epoch
        places[here] = permute(positions[here] - epoch * size, size, key_of(seed, name, epoch))
    return places


def key_of(seed: int, name: str, epoch: int) -> int:
    """Key of an epoch's order."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {name} {epoch}".encode(), digest_size=8).digest(), "little")


def _before(counts: Numbers) -> Numbers:
    """Sum of the counts before each."""
    before: Numbers = np.cumsum(counts) - counts
    return before
