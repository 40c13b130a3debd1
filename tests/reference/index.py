"""Slow twin of `windows.index`: a mask per recording, a loop over its windows, a count per window."""

from __future__ import annotations

from collections.abc import Sequence

from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import to_mask
from ictal.windows.index import IndexedRecording


def windows(recordings: Sequence[IndexedRecording], grid: WindowGrid) -> list[tuple[int, int, int, int]]:
    """(recording, start, valid samples, ictal samples) of every window."""
    rows = []
    for number, recording in enumerate(recordings):
        mask = to_mask(recording.seizures, recording.samples)
        start = 0
        while recording.samples:
            piece = mask[start : start + grid.length_samples]
            rows.append((number, start, len(piece), int(piece.sum())))
            if start + grid.length_samples >= recording.samples:
                break
            start += grid.stride_samples
    return rows
