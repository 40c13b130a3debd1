"""What each column of the screen shows of a signal, column by column: slow twin of the viewer's `columns.ts`."""

from __future__ import annotations

import math
from collections.abc import Sequence

Column = tuple[float, float] | None


def line_columns(values: Sequence[float], first: float, per_column: float, columns: int) -> list[Column]:
    """Range of the polyline through the samples within each column, its edges included."""
    out: list[Column] = []
    for column in range(columns):
        left, right = first + column * per_column, first + (column + 1) * per_column
        inside = [value for place, value in enumerate(values) if left <= place < right]
        edges = [_value_at(values, left), _value_at(values, right)]
        covered = inside + [edge for edge in edges if edge is not None]
        out.append((min(covered), max(covered)) if covered else None)
    return out


def block_columns(pairs: Sequence[tuple[float, float]], first: float, per_column: float, columns: int) -> list[Column]:
    """Range of the blocks that begin in each column, or of the one it lies in; stretched to touch the one before."""
    out: list[Column] = []
    before: Column = None
    for column in range(columns):
        left, right = first + column * per_column, first + (column + 1) * per_column
        own = [pair for place, pair in enumerate(pairs) if left <= place < right]
        inside = math.floor(left)
        if not own and 0 <= inside < len(pairs):
            own = [pairs[inside]]
        if not own:
            out.append(None)
            before = None
            continue
        found = min(low for low, _ in own), max(high for _, high in own)
        out.append(found if before is None else (min(found[0], before[1]), max(found[1], before[0])))
        before = found
    return out


def _value_at(values: Sequence[float], place: float) -> float | None:
    """The polyline at a place; None outside."""
    before = math.floor(place)
    share = place - before
    if not 0 <= before < len(values) or (share and before + 1 == len(values)):
        return None
    return values[before] if share == 0 else values[before] * (1 - share) + values[before + 1] * share
