"""The mathematics of the incident, exactly: how likely each way of drawing misses the seizures, and what a run costs.

Drawing without replacement is hypergeometric, with replacement binomial; everything is computed as a natural logarithm,
because the interesting chances are far below what a float holds.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from ictal.windows.plan import BatchPlan
from ictal.windows.probing import positive_weight

PROBES = (500, 1_000, 20_000)
"""Windows that the incident report looked at, counted, and proposed to look at."""


@dataclass(frozen=True, kw_only=True)
class Chance:
    """How likely an event is, as a base-10 logarithm that does not underflow."""

    event: str
    log10_probability: float | None
    """None where the event is impossible."""
    probability: float


@dataclass(frozen=True, kw_only=True)
class StrategyChances:
    """What one way of drawing risks, as base-10 logarithms; None where it is impossible."""

    strategy: str
    drawn_share: float
    """Share of seizure windows in what it draws."""
    log10_batch_without: float | None
    """Chance that a batch holds no seizure window."""
    log10_rank_epoch_without: float | None
    """Chance that a rank sees none in an epoch."""
    seizure_windows_per_100_batches: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run takes."""

    steps: int
    windows: int
    """On all ranks."""
    hours: float
    price: float | None
    """In the currency of the price per hour; None where none was given."""


def log_none_in_probe(windows: int, seizure_windows: int, probe: int) -> float:
    """Logarithm of the chance that `probe` windows drawn without replacement hold no seizure; -inf if impossible."""
    if probe > windows - seizure_windows:
        return -math.inf
    return _log_choose(windows - seizure_windows, probe) - _log_choose(windows, probe)


def log_none_in_draws(share: float, draws: float) -> float:
    """Logarithm of the chance that independent draws, each a seizure with chance `share`, hold none."""
    return draws * math.log1p(-share) if share < 1 else -math.inf


def probe_needed(windows: int, seizure_windows: int, certainty: float) -> int:
    """Smallest probe that holds a seizure with at least this certainty."""
    low, high = 1, windows - seizure_windows + 1
    while low < high:
        middle = (low + high) // 2
        if 1 - math.exp(log_none_in_probe(windows, seizure_windows, middle)) >= certainty:
            high = middle
        else:
            low = middle + 1
    return low


def probed_share(share: float, probe: int, windows: int) -> float:
    """Share of seizure windows that the report's probe draws, in the mean over its chance.

    The windows that it looked at get their true weight, the others the positive weight by chance, which favours none.
    """
    weight, looked = positive_weight(share), min(probe, windows) / windows
    mean_weight = share * weight + 1 - share
    seizure = share * (looked * weight + (1 - looked) * mean_weight)
    return seizure / mean_weight


def strategies(plan: BatchPlan) -> list[StrategyChances]:
    """What each way of drawing risks on these windows: the report's, the obvious ones, and this plan."""
    index, size = plan.index, plan.config.size
    windows, seizure = index.windows, len(index.seizure_windows)
    share, epoch = seizure / windows, windows / plan.ranks
    rows = [
        _row("each window once an epoch", share, log_none_in_probe(windows, seizure, size), size,
             log_none_in_probe(windows, seizure, math.ceil(epoch))),
        _drawn("uniform draws", share, size, epoch),
    ]  # fmt: skip
    rows += [_drawn(f"the report's probe of {n:,}", probed_share(share, n, windows), size, epoch) for n in PROBES]
    weight = positive_weight(share)
    rows.append(_drawn("its weights on exact labels", share * weight / (share * weight + 1 - share), size, epoch))
    if plan.guaranteed:
        name = f"this plan: {plan.config.strategy}, {plan.config.seizure_windows:g} of {size}"
        rows.append(_row(name, plan.seizure_share, -math.inf, size, -math.inf))
    else:
        rows.append(_drawn(f"this plan: {plan.config.strategy}", plan.seizure_share, size, epoch))
    return rows


def cost(steps: int, size: int, ranks: int, windows_per_s: float, price_per_hour: float | None) -> Cost:
    """Time and price of a run.

    Args:
        steps: Batches of the run.
        size: Windows of a batch, per rank.
        ranks: Processes that train together.
        windows_per_s: Windows that all of them train on in a second, measured or hoped for.
        price_per_hour: Of all machines together.
    """
    windows = steps * size * ranks
    hours = windows / windows_per_s / 3600
    return Cost(
        steps=steps, windows=windows, hours=hours, price=None if price_per_hour is None else hours * price_per_hour
    )


def assess(plan: BatchPlan) -> dict[str, object]:
    """What uniform drawing and probing would risk on the plan's windows, beside what the plan guarantees."""
    index, size = plan.index, plan.config.size
    windows, seizure = index.windows, len(index.seizure_windows)
    chances = [
        _chance(f"a probe of {probe} windows holds no seizure", log_none_in_probe(windows, seizure, probe))
        for probe in PROBES
        if probe <= windows
    ]
    chances.append(
        _chance(f"a batch of {size} drawn uniformly holds no seizure", log_none_in_probe(windows, seizure, size))
    )
    if plan.guaranteed:
        chances.append(_chance("a planned batch holds fewer seizure windows than its quota", -math.inf))
    return {
        "chances": [asdict(chance) for chance in chances],
        "strategies": [asdict(row) for row in strategies(plan)],
        "probe_needed_for_99_percent": probe_needed(windows, seizure, 0.99),
        "seizure_windows_per_100_uniform_batches": 100 * size * seizure / windows,
        "seizure_windows_per_100_planned_batches": 100 * size * plan.seizure_share,
    }


def _drawn(name: str, share: float, size: int, epoch: float) -> StrategyChances:
    return _row(name, share, log_none_in_draws(share, size), size, log_none_in_draws(share, epoch))


def _row(name: str, share: float, log_batch: float, size: int, log_epoch: float) -> StrategyChances:
    return StrategyChances(
        strategy=name,
        drawn_share=share,
        log10_batch_without=_log10(log_batch),
        log10_rank_epoch_without=_log10(log_epoch),
        seizure_windows_per_100_batches=100 * size * share,
    )


def _chance(event: str, log_probability: float) -> Chance:
    return Chance(event=event, log10_probability=_log10(log_probability), probability=math.exp(log_probability))


def _log10(natural: float) -> float | None:
    return natural / math.log(10) if math.isfinite(natural) else None


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
