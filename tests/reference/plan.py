"""What a plan promises, looked up window by window in the recordings themselves."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from ictal.windows.plan import BatchPlan


def seizures_of(plan: BatchPlan, window: int) -> list[tuple[int, int]]:
    """Seizures of the recording that owns a window which the window reaches, as (recording, seizure)."""
    recording = 0
    while window >= plan.index.offsets[recording + 1]:
        recording += 1
    start = (window - int(plan.index.offsets[recording])) * plan.index.grid.stride_samples
    stop = start + plan.index.grid.length_samples
    seizures = plan.index.recordings[recording].seizures
    return [(recording, n) for n, (a, b) in enumerate(seizures.tolist()) if a < stop and b > start]


def seizure_windows(plan: BatchPlan, windows: list[int]) -> int:
    """How many of the windows hold an ictal sample."""
    return sum(bool(seizures_of(plan, window)) for window in windows)


def quotas(quota: Fraction, batches: int) -> list[int]:
    """Whole numbers whose sum is, after each batch, the exact sum rounded down."""
    given: list[int] = []
    for number in range(1, batches + 1):
        given.append(int(quota * number) - sum(given))
    return given


def patients_drawn(plan: BatchPlan, windows: list[int]) -> Counter[str]:
    """How many of the seizure windows are of which patient."""
    found: Counter[str] = Counter()
    for window in windows:
        reached = seizures_of(plan, window)
        if reached:
            found[plan.index.recordings[reached[0][0]].patient] += 1
    return found
