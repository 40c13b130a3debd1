"""Batch plans: which windows make up every batch of a training run, known before the first one is read.

A plan is a pure function of (index, config, rank, ranks, step): a run resumes from a step number, and every worker may
compute any batch. Ranks take turns at the same windows: none is drawn twice by any of them before all were drawn once,
and so none twice in a step but where one epoch of a part ends and the next begins. Its composition can be stated before
step 0 and is counted, from the index's labels, while it is drawn. `make` builds the plan that a configuration names.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal, Self

import numpy as np

from ictal.errors import InputError, check_setting
from ictal.windows.index import WindowIndex
from ictal.windows.labels import BACKGROUND, SEIZURE
from ictal.windows.pools import Numbers
from ictal.windows.streams import PoolStream, SeizureStream, Stream

_CHUNK_STEPS = 4096
_DENOMINATOR = 10_000
"""Quotas are fractions of at most this denominator, so that positions stay whole numbers far beyond any run."""

Strategy = Literal[
    "balanced", "file_aware", "natural", "oversample", "undersample", "probe", "search", "adaptive"
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """What every batch holds."""

    strategy: Strategy = "balanced"
    """How batches are drawn. `balanced`: exactly `seizure_windows` in every batch. `file_aware`: the same, with
    background from near seizures, from other parts of their recordings and from seizure-free recordings in equal parts.
    `adaptive`: as balanced, with quotas that follow the loss. `oversample`, `undersample`: the share over an epoch, by
    repeating seizure windows or leaving out background. `natural`: as the recordings are. `probe`, `search`: the
    incident report's ways, kept for comparison."""
    size: int = 16
    """Windows in a batch, per rank."""
    seizure_windows: float = 8.0
    """Windows with a seizure in every batch, per rank; with a fraction, batches alternate between the whole numbers
    below and above so that the mean is exact. `natural`, `probe` and `search` promise none."""
    shares: dict[str, float] = field(default_factory=dict)
    """Relative shares inside the seizure windows (`full`, `partial`) and inside the background (`peri_ictal`,
    `interictal`, `seizure_free`), with `balanced`, `file_aware` and `adaptive`; empty: all of both are drawn alike."""
    patient_share_max: float = 1.0
    """Largest share of the drawn seizure windows that may be one patient's."""
    windows_per_seizure_max: int = 0
    """Most windows of one seizure that are drawn before its patient's other seizures come again; 0 for no limit."""
    probe_windows: int = 500
    """Windows that `probe` looks at."""
    round_steps: int = 500
    """Steps between two changes of quotas, with `adaptive`."""
    seed: int = 0
    """Seed of the order of drawing."""

    def __post_init__(self) -> None:
        check_setting(self.size >= 2, "batch.size", self.size, "at least 2")
        check_setting(math.isfinite(self.seizure_windows), "batch.seizure_windows", self.seizure_windows, "a number")
        known = set(self.shares) <= {*SEIZURE, *BACKGROUND} and all(0 <= s < math.inf for s in self.shares.values())
        check_setting(known, "batch.shares", self.shares, f"shares, 0 or more, of {', '.join((*SEIZURE, *BACKGROUND))}")
        share = self.patient_share_max
        check_setting(0 < share <= 1, "batch.patient_share_max", share, "above 0, at most 1")
        for name in ("windows_per_seizure_max", "seed"):
            check_setting(getattr(self, name) >= 0, f"batch.{name}", getattr(self, name), "0 or more")
        for name in ("probe_windows", "round_steps"):
            check_setting(getattr(self, name) >= 1, f"batch.{name}", getattr(self, name), "at least 1")


@dataclass(frozen=True, kw_only=True)
class Composition:
    """What batches hold, counted."""

    size: int
    seizure_min: int
    seizure_mean: float
    seizure_max: int
    guaranteed: bool
    """Whether the plan promises each count, so that every one of them was compared."""
    checked: int
    """Number of batches that were counted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchPlan(ABC):
    """Batches over an index. Build it with `make`, which refuses what cannot be kept."""

    index: WindowIndex
    config: BatchConfig
    rank: int = 0
    ranks: int = 1

    @property
    def hash(self) -> str:
        """Hash of all that decides the batches, ranks aside."""
        text = f"{self.index.hash} {sorted(asdict(self.config).items())}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def with_rank(self, rank: int, ranks: int) -> Self:
        """The same plan as another rank sees it."""
        return replace(self, rank=rank, ranks=ranks)

    @property
    @abstractmethod
    def guaranteed(self) -> bool:
        """Whether the number of seizure windows of every batch is promised."""

    @property
    @abstractmethod
    def steps_per_epoch(self) -> int:
        """Steps until everything that an epoch draws has been drawn, by all ranks together."""

    @property
    @abstractmethod
    def seizure_share(self) -> float:
        """Share of the drawn windows that are seizure windows, in the long run."""

    @abstractmethod
    def mean_samples(self) -> tuple[float, float]:
        """Ictal samples that carry a label, and samples that do, in a drawn window: the mean in the long run."""

    @abstractmethod
    def table(self, first_step: int, stop_step: int) -> Numbers:
        """The batches of a range of steps, one a row: shape (steps, size)."""

    @abstractmethod
    def seizure_windows_planned(self, first_step: int, stop_step: int) -> Numbers:
        """Seizure windows of each batch of a range of steps: shape (steps,)."""

    def batch(self, step: int) -> Numbers:
        """Window numbers of one batch: shape (size,)."""
        batch: Numbers = self.table(step, step + 1)[0]
        return batch

    def batches(self, first_step: int, stop_step: int) -> Iterator[list[int]]:
        """The batches of a range of steps, as a `DataLoader` takes them for its `batch_sampler`."""
        for first in range(first_step, stop_step, _CHUNK_STEPS):
            yield from self.table(first, min(first + _CHUNK_STEPS, stop_step)).tolist()

    def check(self, steps: int) -> Composition:
        """Draw the first batches, count the seizure windows in each and compare with what is promised.

        The count asks the index's labels of the windows drawn; it does not trust how they were drawn.
        """
        counts = np.concatenate([seizure_windows_in(self.index, chunk) for chunk in self._chunks(steps)])
        if self.guaranteed:
            assert (counts == self.seizure_windows_planned(0, steps)).all(), "a batch does not hold its quota"
        return Composition(
            size=self.config.size,
            seizure_min=int(counts.min()),
            seizure_mean=float(counts.mean()),
            seizure_max=int(counts.max()),
            guaranteed=self.guaranteed,
            checked=steps,
        )

    def coverage(self, steps: int) -> dict[str, float]:
        """Share of the training part that a run of so many steps, on all ranks, sees at least once, counted."""
        seizure = np.zeros(len(self.index.seizure_windows), dtype=np.bool_)
        background = []
        for rank in range(self.ranks):
            for chunk in self.with_rank(rank, self.ranks)._chunks(steps):  # noqa: SLF001 - another rank of the same plan
                drawn = np.unique(chunk)
                held = np.isin(drawn, self.index.seizure_windows, assume_unique=True)
                seizure[np.searchsorted(self.index.seizure_windows, drawn[held])] = True
                background.append(drawn[~held])
        seizures = np.unique(self.index.seizure_of[seizure])
        patients = np.unique(self.index.seizure_patient[seizures])
        return {
            "seizure_windows": float(seizure.mean()),
            "seizures": len(seizures) / len(np.unique(self.index.seizure_of)),
            "seizure_patients": len(patients) / len(np.unique(self.index.seizure_patient[self.index.seizure_of])),
            "background_windows": len(np.unique(np.concatenate(background))) / max(self.index.background_windows, 1),
        }

    def _chunks(self, steps: int) -> Iterator[Numbers]:
        for first in range(0, steps, _CHUNK_STEPS):
            yield self.table(first, min(first + _CHUNK_STEPS, steps))


def seizure_windows_in(index: WindowIndex, table: Numbers) -> Numbers:
    """Seizure windows in each batch, by the index's labels: shape (steps,)."""
    counts: Numbers = (index.stratum_of(table) < len(SEIZURE)).sum(axis=1)
    return counts


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One kind of window in every batch."""

    stream: Stream
    seizure: bool
    share: Fraction
    """Share of its group (the seizure windows, or the background of a batch)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class QuotaPlan(BatchPlan):
    """Exact quotas in every batch: each part is an endless stream from which every batch takes the next windows."""

    parts: tuple[Part, ...]

    @cached_property
    def quota(self) -> Fraction:
        """Seizure windows of a batch, in the mean."""
        return fraction_of(self.config.seizure_windows)

    @property
    def guaranteed(self) -> bool:
        """Always."""
        return True

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every background window has been drawn once."""
        per_step = [(p, float((self.config.size - self.quota) * p.share) * self.ranks) for p in self.parts]
        return max(math.ceil(p.stream.windows / drawn) for p, drawn in per_step if not p.seizure and drawn > 0)

    @property
    def seizure_share(self) -> float:
        """The quota's share of the batch."""
        return float(self.quota / self.config.size)

    def mean_samples(self) -> tuple[float, float]:
        """Over the parts, by their quotas."""
        groups = {True: self.quota, False: self.config.size - self.quota}
        weights = [float(groups[part.seizure] * part.share / self.config.size) for part in self.parts]
        means = np.array([part.stream.means() for part in self.parts])
        ictal, labelled = np.array(weights) @ means
        return float(ictal), float(labelled)

    def table(self, first_step: int, stop_step: int) -> Numbers:
        """The batches of a range of steps, those with a seizure first: shape (steps, size)."""
        number = np.arange(first_step, stop_step) * self.ranks + self.rank
        before, after = self.taken(number), self.taken(number + 1)
        return fill(self.config.size, [part.stream for part in self.parts], before, after)

    def seizure_windows_planned(self, first_step: int, stop_step: int) -> Numbers:
        """The quota, or the whole numbers around it in turn."""
        number = np.arange(first_step, stop_step) * self.ranks + self.rank
        planned: Numbers = times(number + 1, self.quota) - times(number, self.quota)
        return planned

    def taken(self, batches: Numbers) -> list[Numbers]:
        """Windows that the first batches of all ranks take from each part together."""
        seizure = times(batches, self.quota)
        totals = {True: seizure, False: batches * self.config.size - seizure}
        taken: list[Numbers] = []
        for group in (True, False):
            taken += divided(totals[group], [part.share for part in self.parts if part.seizure is group])
        return taken


def fraction_of(quota: float) -> Fraction:
    """A quota as a fraction that keeps positions whole."""
    return Fraction(quota).limit_denominator(_DENOMINATOR)


def times(counts: Numbers, fraction: Fraction) -> Numbers:
    """`floor(count * fraction)`, exactly."""
    product: Numbers = counts * fraction.numerator // fraction.denominator
    return product


def divided(total: Numbers, shares: Sequence[Fraction]) -> list[Numbers]:
    """Cut growing totals into parts by their shares: no part ever shrinks, and of three each is off by under two."""
    parts, left, rest = [], total, Fraction(1)
    for share in shares[:-1]:
        part = times(left, share / rest if rest else Fraction(0))
        parts.append(part)
        left, rest = left - part, rest - share
    return [*parts, left]


def fill(size: int, streams: Sequence[Stream], before: Sequence[Numbers], after: Sequence[Numbers]) -> Numbers:
    """Batches from streams, each giving the windows at its positions from `before` to `after`: shape (steps, size)."""
    table = np.empty((len(before[0]), size), dtype=np.int64)
    column = np.zeros(len(table), dtype=np.int64)
    for stream, first, stop in zip(streams, before, after, strict=True):
        counts = stop - first
        if len(counts) and (counts == counts[0]).all() and (column == column[0]).all():
            place, count = int(column[0]), int(counts[0])
            table[:, place : place + count] = stream.at(first[:, None] + np.arange(count))
        else:
            row = np.repeat(np.arange(len(table)), counts)
            within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
            table[row, column[row] + within] = stream.at(first[row] + within)
        column = column + counts
    return table


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamPlan(BatchPlan):
    """Batches that are cut from one shuffled stream: the share is exact over an epoch, chance decides in a batch."""

    stream: Stream
    epoch_seizure_windows: int
    """Seizure windows in an epoch of the stream."""

    @property
    def guaranteed(self) -> bool:
        """No: only the epoch's share is."""
        return False

    @property
    def steps_per_epoch(self) -> int:
        """Steps through the stream's epoch."""
        return -(-self.stream.epoch_size // (self.config.size * self.ranks))

    @property
    def seizure_share(self) -> float:
        """The epoch's share."""
        return self.epoch_seizure_windows / self.stream.epoch_size

    def mean_samples(self) -> tuple[float, float]:
        """The stream's."""
        return self.stream.means()

    def table(self, first_step: int, stop_step: int) -> Numbers:
        """The batches of a range of steps, one a row: shape (steps, size)."""
        number = np.arange(first_step, stop_step) * self.ranks + self.rank
        return self.stream.at(number[:, None] * self.config.size + np.arange(self.config.size))

    def seizure_windows_planned(self, first_step: int, stop_step: int) -> Numbers:
        """What the labels of the drawn windows say: known beforehand, though by chance."""
        return seizure_windows_in(self.index, self.table(first_step, stop_step))


def parts_of(index: WindowIndex, config: BatchConfig) -> tuple[Part, ...]:
    """The parts of a batch: seizure windows and background, each cut by the shares that are given.

    Raises:
        InputError: if a share is given to a stratum that has no window, or the caps cannot be kept.
    """
    shares = config.shares
    if config.strategy == "file_aware" and not set(shares) & set(BACKGROUND):
        shares = {**shares, **dict.fromkeys(BACKGROUND, 1.0)}
    parts = []
    for group, seizure in ((SEIZURE, True), (BACKGROUND, False)):
        for strata, share in _cut(index, group, shares):
            stream = (
                _seizures(index, strata, config)
                if seizure
                else PoolStream(index=index, strata=strata, seed=config.seed)
            )
            parts.append(Part(stream=stream, seizure=seizure, share=share))
    return tuple(parts)


def _cut(
    index: WindowIndex, group: tuple[str, ...], shares: Mapping[str, float]
) -> list[tuple[tuple[str, ...], Fraction]]:
    given = {stratum: shares[stratum] for stratum in group if shares.get(stratum, 0) > 0}
    if not given:
        return [(group, Fraction(1))]
    held = index.strata()
    for stratum, share in given.items():
        if held[stratum] == 0:
            raise InputError(
                "A share is asked for of a kind of window that there is none of",
                where=f"batch.shares.{stratum}",
                got=f"{share:g} of the batch's {' and '.join(group)} windows, and 0 such windows",
                expected="a stratum with windows: " + ", ".join(f"{s} {n}" for s, n in held.items()),
                remedy=f"set batch.shares.{stratum} to 0, or change windows.peri_ictal_s or the corpus",
                code="quota-infeasible",
            )
    fractions = {stratum: fraction_of(share / sum(given.values())) for stratum, share in given.items()}
    largest = max(given, key=given.__getitem__)
    fractions[largest] += 1 - sum(fractions.values())
    return [((stratum,), fraction) for stratum, fraction in fractions.items()]


def _seizures(index: WindowIndex, strata: tuple[str, ...], config: BatchConfig) -> Stream:
    """Seizure windows: all alike, or in turns where a cap is set."""
    if config.patient_share_max == 1 and config.windows_per_seizure_max == 0:
        return PoolStream(index=index, strata=strata, seed=config.seed)
    pool = index.pool(*strata)
    return SeizureStream(
        index=index,
        members=pool.members(np.arange(pool.size)),
        patient_share_max=config.patient_share_max,
        windows_per_seizure_max=config.windows_per_seizure_max,
        seed=config.seed,
    )


def require_both(index: WindowIndex) -> None:
    """Stop if there is nothing to learn, or nothing to tell it from.

    Raises:
        InputError: if the index holds no seizure window, or no background.
    """
    if len(index.seizure_windows) == 0:
        raise InputError(
            "There is no seizure to learn from",
            where="the training part of the window index",
            got=f"0 of {index.windows} windows are seizure windows",
            expected="at least one seizure",
            remedy="run `ictal audit` on the corpus: in a seizure corpus this means that the annotations were not read",
            code="no-seizures",
        )
    if index.background_windows == 0:
        raise InputError(
            "There is no background to tell seizures from",
            where="the training part of the window index",
            got=f"each of {index.windows} windows holds ictal samples",
            expected="at least one window without",
            remedy="use shorter windows, or add recordings with time between seizures",
            code="quota-infeasible",
        )


def require_quota(index: WindowIndex, config: BatchConfig, ranks: int, parts: Sequence[Part]) -> None:
    """Stop if batches cannot hold their quotas without drawing a window twice in an epoch of one step.

    Raises:
        InputError: with the counts and what to change.
    """
    if not 1 <= config.seizure_windows <= config.size - 1:
        raise InputError(
            "The batch cannot hold its quota of seizure windows",
            where="batch.size, batch.seizure_windows",
            got=f"{config.seizure_windows:g} seizure windows in a batch of {config.size}",
            expected="at least one seizure window and at least one background window in every batch",
            remedy="lower batch.seizure_windows or raise batch.size",
            code="quota-infeasible",
        )
    for part in parts:
        group = config.seizure_windows if part.seizure else config.size - config.seizure_windows
        wanted = math.ceil(group * float(part.share) * ranks)
        if wanted > part.stream.epoch_size:
            name = "seizure" if part.seizure else "background"
            raise InputError(
                f"There are fewer {name} windows than one step draws",
                where="batch.size, batch.seizure_windows",
                got=f"{part.stream.epoch_size} {name} windows that may be drawn in an epoch, of {index.windows}",
                expected=f"at least {wanted}, for {ranks} rank(s)",
                remedy="use smaller batches, a shorter window or stride, or a larger corpus",
                code="quota-infeasible",
            )


def balanced(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> QuotaPlan:
    """The plan that gives every batch exactly `config.seizure_windows` seizure windows.

    Raises:
        InputError: if the corpus cannot give what is asked for, with the counts and what to change.
    """
    require_both(index)
    parts = parts_of(index, config)
    require_quota(index, config, ranks, parts)
    return QuotaPlan(index=index, config=config, rank=rank, ranks=ranks, parts=parts)
