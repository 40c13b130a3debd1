"""Balanced batches whose quotas follow the training: more of what the model gets wrong, never fewer than a floor.

Steps come in rounds. Within a round the plan is as fixed as any other; between two rounds `advance` sets the next
round's quotas from what was measured:

- seizure windows: the last quota times the square root of (mean loss of seizure windows / mean loss of background),
  at least what nature has, `FLOOR` of the configured quota and one window, and at most half a batch or the configured
  quota, whichever is more;
- hard false alarms: background windows in which the model, run over training recordings, reported events that are none;
  at most `HARD_SHARE_MAX` of the batch, never within a stated distance of a seizure.

The rounds are the plan's whole state: saved with the run, they give the same batches again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ictal.timeline import spans as sp
from ictal.timeline.spans import Spans
from ictal.windows import pools
from ictal.windows.index import WindowIndex
from ictal.windows.labels import PERI_ICTAL
from ictal.windows.plan import (
    BatchConfig,
    QuotaPlan,
    divided,
    fill,
    fraction_of,
    parts_of,
    require_both,
    require_quota,
    times,
)
from ictal.windows.pools import Numbers
from ictal.windows.streams import shuffled

FLOOR = 0.25
"""Smallest quota of seizure windows, as a share of the configured one (and never less than one window)."""
HARD_SHARE_MAX = 0.25
"""Largest share of a batch that hard false alarms may have."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Steps with the same quotas.

    Args:
        first_step: Its first step.
        seizure_windows: Seizure windows of a batch, in the mean.
        hard: Windows of hard false alarms.
        hard_windows: How many of them a batch holds.
        taken: Windows that all earlier rounds took from each part, and from the hard ones: where the streams go on.
    """

    first_step: int
    seizure_windows: float
    hard: tuple[int, ...] = ()
    hard_windows: int = 0
    taken: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class HardStream:
    """Hard false alarms in turn."""

    index: WindowIndex
    members: Numbers
    seed: int

    @property
    def epoch_size(self) -> int:
        """All of them."""
        return len(self.members)

    @property
    def windows(self) -> int:
        """All of them."""
        return len(self.members)

    def at(self, positions: Numbers) -> Numbers:
        """Window number at each position."""
        if positions.size == 0:
            return np.empty(positions.shape, dtype=np.int64)
        windows: Numbers = self.members[shuffled(positions, len(self.members), self.seed, "hard")]
        return windows

    def means(self) -> tuple[float, float]:
        """All alike."""
        ictal, labelled = self.index.labelled_samples_in(self.members)
        return float(ictal.mean()), float(labelled.mean())


@dataclass(frozen=True, kw_only=True, eq=False)
class AdaptivePlan(QuotaPlan):
    """Exact quotas in every batch, which may change from round to round."""

    rounds: tuple[Round, ...]

    @property
    def seizure_share(self) -> float:
        """The last round's."""
        return self.rounds[-1].seizure_windows / self.config.size

    def mean_samples(self) -> tuple[float, float]:
        """The last round's, the one that the model is calibrated for."""
        last, size = self.rounds[-1], self.config.size
        groups = {True: last.seizure_windows, False: size - last.seizure_windows - last.hard_windows}
        rows = [(groups[p.seizure] * float(p.share) / size, p.stream.means()) for p in self.parts]
        if last.hard_windows:
            rows.append((last.hard_windows / size, self._hard(last).means()))
        ictal, labelled = np.array([weight for weight, _ in rows]) @ np.array([means for _, means in rows])
        return float(ictal), float(labelled)

    def table(self, first_step: int, stop_step: int) -> Numbers:
        """The batches of a range of steps, one a row: shape (steps, size)."""
        return np.concatenate(
            [self._table(part, first, stop) for part, first, stop in self._by_round(first_step, stop_step)]
        )

    def seizure_windows_planned(self, first_step: int, stop_step: int) -> Numbers:
        """The quota of the round, or the whole numbers around it in turn."""
        planned = []
        for part, first, stop in self._by_round(first_step, stop_step):
            number = self._numbers(part, first, stop)
            quota = fraction_of(part.seizure_windows)
            planned.append(times(number + 1, quota) - times(number, quota))
        return np.concatenate(planned)

    def advance(
        self, step: int, *, seizure_loss: float, background_loss: float, hard: Sequence[int] | None = None
    ) -> AdaptivePlan:
        """The plan with a further round from this step on.

        Args:
            step: Its first step, after the last round's first.
            seizure_loss: Mean loss of seizure windows in the last round, above 0.
            background_loss: Mean loss of its background windows, above 0.
            hard: Windows of hard false alarms (see `hard_windows`); None keeps those that there are.
        """
        last, config = self.rounds[-1], self.config
        assert step > last.first_step, (step, last.first_step)
        wanted = last.seizure_windows * float(np.sqrt(seizure_loss / background_loss))
        ceiling = max(config.size / 2, config.seizure_windows)
        natural = config.size * len(self.index.seizure_windows) / self.index.windows
        quota = min(max(wanted, natural, config.seizure_windows * FLOOR, 1.0), ceiling, config.size - 1)
        members = last.hard if hard is None else tuple(hard)
        most_hard = min(int(config.size * HARD_SHARE_MAX), int(config.size - quota) - 1)
        following = Round(
            first_step=step,
            seizure_windows=round(quota, 3),
            hard=members,
            hard_windows=min(max(most_hard, 0), len(members)),
            taken=tuple(int(t[0]) for t in self._taken(last, np.array([(step - last.first_step) * self.ranks]))),
        )
        return replace(self, rounds=(*self.rounds, following))

    def state_dict(self) -> dict[str, Any]:
        """The rounds, as plain values."""
        return {"rounds": [vars(part) for part in self.rounds]}

    def with_state(self, state: Mapping[str, Any]) -> AdaptivePlan:
        """The plan with remembered rounds."""
        rounds = [{**r, "hard": tuple(r["hard"]), "taken": tuple(r["taken"])} for r in state["rounds"]]
        return replace(self, rounds=tuple(Round(**values) for values in rounds))

    def _by_round(self, first_step: int, stop_step: int) -> list[tuple[Round, int, int]]:
        """The rounds that a range of steps touches, with the steps of each."""
        stops = [part.first_step for part in self.rounds[1:]] + [max(stop_step, self.rounds[-1].first_step)]
        cut = [
            (part, max(first_step, part.first_step), min(stop_step, stop))
            for part, stop in zip(self.rounds, stops, strict=True)
        ]
        return [(part, first, stop) for part, first, stop in cut if first < stop]

    def _numbers(self, part: Round, first: int, stop: int) -> Numbers:
        return (np.arange(first, stop) - part.first_step) * self.ranks + self.rank

    def _table(self, part: Round, first: int, stop: int) -> Numbers:
        number = self._numbers(part, first, stop)
        streams = [*(p.stream for p in self.parts), self._hard(part)]
        return fill(self.config.size, streams, self._taken(part, number), self._taken(part, number + 1))

    def _taken(self, part: Round, batches: Numbers) -> list[Numbers]:
        """Windows taken from each part, and from the hard ones, after so many batches of a round."""
        seizure = times(batches, fraction_of(part.seizure_windows))
        hard = batches * part.hard_windows
        totals = {True: seizure, False: batches * self.config.size - seizure - hard}
        taken: list[Numbers] = []
        for group in (True, False):
            taken += divided(totals[group], [p.share for p in self.parts if p.seizure is group])
        before = part.taken or (0,) * (len(taken) + 1)
        return [count + start for count, start in zip([*taken, hard], before, strict=True)]

    def _hard(self, part: Round) -> HardStream:
        return HardStream(index=self.index, members=np.array(part.hard, dtype=np.int64), seed=self.config.seed)


def adaptive(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> AdaptivePlan:
    """The plan that begins as the balanced one.

    Raises:
        InputError: if the corpus cannot give what is asked for, with the counts and what to change.
    """
    require_both(index)
    parts = parts_of(index, config)
    require_quota(index, config, ranks, parts)
    first = Round(first_step=0, seizure_windows=config.seizure_windows)
    return AdaptivePlan(index=index, config=config, rank=rank, ranks=ranks, parts=parts, rounds=(first,))


def hard_windows(index: WindowIndex, alarms: Mapping[int, Spans], distance_samples: int) -> Numbers:
    """Background windows that a reported event reaches into, if they hold nothing near a seizure.

    Args:
        index: The windows.
        alarms: Reported events of some recordings, by recording number, in samples of the recording.
        distance_samples: Windows that hold a sample this close to a seizure are left out: what is reported there may
            be the seizure.
    """
    runs = []
    for recording, events in alarms.items():
        count = int(index.offsets[recording + 1] - index.offsets[recording])
        first = np.maximum((events[:, 0] - index.grid.length_samples) // index.grid.stride_samples + 1, 0)
        stop = np.minimum((events[:, 1] - 1) // index.grid.stride_samples + 1, count)
        runs.append(np.stack([first, stop], axis=1) + index.offsets[recording])
    if not runs:
        return np.empty(0, dtype=np.int64)
    windows = pools.expand(sp.union(np.concatenate(runs)))
    near = pools.expand(index.near(distance_samples))
    background = index.stratum_of(windows) >= PERI_ICTAL
    hard: Numbers = windows[background & ~np.isin(windows, near)]
    return hard
