"""The rising sequence nearest to given values, by its min-max formula.

Place n has the highest, over starts up to n, of the lowest mean, over ends from n on, of the values between (Barlow et
al., 1972).
"""

from __future__ import annotations

from collections.abc import Sequence


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """One value per place."""

    def mean(start: int, stop: int) -> float:
        pairs = list(zip(values[start:stop], weights[start:stop], strict=True))
        return sum(v * w for v, w in pairs) / sum(w for _, w in pairs)

    count = len(values)
    return [max(min(mean(start, stop + 1) for stop in range(n, count)) for start in range(n + 1)) for n in range(count)]
