"""The mathematics of the incident, exactly: how likely each way of drawing is to miss the seizures.

Drawing without replacement is hypergeometric; everything is computed as a natural logarithm, because the interesting
chances are far below what a float holds.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from ictal.windows.index import WindowIndex


@dataclass(frozen=True, kw_only=True)
class Chance:
    """How likely an event is, as a base-10 logarithm that does not underflow."""

    event: str
    log10_probability: float | None
    """None where the event is impossible."""
    probability: float


def log_none_in_probe(windows: int, seizure_windows: int, probe: int) -> float:
    """Logarithm of the chance that `probe` windows drawn without replacement hold no seizure; -inf if impossible."""
    if probe > windows - seizure_windows:
        return -math.inf
    return _log_choose(windows - seizure_windows, probe) - _log_choose(windows, probe)


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


def assess(index: WindowIndex, batch_size: int, quota: int) -> dict[str, object]:
    """What uniform drawing and probing would risk on this index, beside what the plan guarantees."""
    windows, seizure = index.windows, len(index.seizure_windows)
    chances = [
        _chance(f"a probe of {probe} windows holds no seizure", log_none_in_probe(windows, seizure, probe))
        for probe in (500, 1_000, 20_000)
        if probe <= windows
    ]
    chances.append(
        _chance(
            f"a batch of {batch_size} drawn uniformly holds no seizure", log_none_in_probe(windows, seizure, batch_size)
        )
    )
    chances.append(_chance(f"a planned batch holds fewer than {quota} seizure windows", -math.inf))
    return {
        "chances": [asdict(chance) for chance in chances],
        "probe_needed_for_99_percent": probe_needed(windows, seizure, 0.99),
        "seizure_windows_per_100_uniform_batches": 100 * batch_size * seizure / windows,
        "seizure_windows_per_100_planned_batches": 100 * quota,
    }


def _chance(event: str, log_probability: float) -> Chance:
    possible = math.isfinite(log_probability)
    return Chance(
        event=event,
        log10_probability=log_probability / math.log(10) if possible else None,
        probability=math.exp(log_probability),
    )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
