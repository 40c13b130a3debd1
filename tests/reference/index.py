"""Slow twin of `windows.index`: masks of every sample, a loop over the windows, a count per window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.timeline.grid import WindowGrid
from ictal.timeline.spans import to_mask
from ictal.windows.index import IndexedRecording
from ictal.windows.labels import LabelRule

ANY = LabelRule()


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window with all that is counted in it."""

    recording: int
    start: int
    valid: int
    ictal: int
    labelled: int
    labelled_ictal: int
    stratum: str
    seizure: int | None
    """Corpus-wide number of the seizure that it holds most of."""


def windows(recordings: Sequence[IndexedRecording], grid: WindowGrid, rule: LabelRule = ANY) -> list[Window]:
    """Every window, in order."""
    found = []
    earlier = 0
    for number, recording in enumerate(recordings):
        start = 0
        while recording.samples:
            found.append(_window(recording, number, start, min(grid.length_samples, recording.samples - start), rule))
            if found[-1].seizure is not None:
                found[-1] = Window(**{**vars(found[-1]), "seizure": earlier + found[-1].seizure})
            if start + grid.length_samples >= recording.samples:
                break
            start += grid.stride_samples
        earlier += len(recording.seizures)
    return found


def unlabelled(recording: IndexedRecording, rule: LabelRule) -> npt.NDArray[np.bool_]:
    """Mask of the samples in a margin."""
    mask = np.zeros(recording.samples, dtype=bool)
    for edge in recording.seizures.ravel().tolist():
        mask[max(edge - rule.margin_samples, 0) : max(edge + rule.margin_samples, 0)] = True
    return mask


def _window(recording: IndexedRecording, number: int, start: int, valid: int, rule: LabelRule) -> Window:
    inside = slice(start, start + valid)
    ictal = to_mask(recording.seizures, recording.samples)
    labelled = ~unlabelled(recording, rule)
    of_each = [int(to_mask(seizure[None], recording.samples)[inside].sum()) for seizure in recording.seizures]
    counts = {
        "ictal": int(ictal[inside].sum()),
        "labelled": int(labelled[inside].sum()),
        "labelled_ictal": int((ictal & labelled)[inside].sum()),
    }
    if counts["ictal"]:
        stratum = _ictal_stratum(**counts, valid=valid, rule=rule)
    else:
        stratum = _background_stratum(ictal, inside, rule)
    most = of_each.index(max(of_each)) if counts["ictal"] else None
    return Window(recording=number, start=start, valid=valid, stratum=stratum, seizure=most, **counts)


def _ictal_stratum(*, ictal: int, labelled: int, labelled_ictal: int, valid: int, rule: LabelRule) -> str:
    enough = labelled_ictal >= max(1, rule.min_ictal_samples)
    if not enough or labelled_ictal / labelled < rule.min_ictal_share:
        return "ambiguous"
    return "full" if ictal == valid else "partial"


def _background_stratum(ictal: npt.NDArray[np.bool_], inside: slice, rule: LabelRule) -> str:
    if not ictal.any():
        return "seizure_free"
    ictal_at = np.flatnonzero(ictal)
    distance = min(int(np.abs(ictal_at - sample).min()) for sample in range(inside.start, inside.stop))
    return "peri_ictal" if distance <= rule.peri_ictal_samples else "interictal"
