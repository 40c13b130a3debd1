"""Which windows count as seizure windows, and which samples carry a label at all.

Everything is in samples of the store's rate. A sample in the margin around an onset or a stop carries no label: it
counts neither as ictal nor as background, for the rule and for the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ictal.timeline import spans as sp
from ictal.timeline.spans import Coverage, Samples, Spans
from ictal.windows.pools import Numbers

STRATA: Final = ("full", "partial", "ambiguous", "peri_ictal", "interictal", "seizure_free")
"""Kinds of window; each window is of one. `WindowIndex.stratum_of` gives places in this list."""
FULL, PARTIAL, AMBIGUOUS, PERI_ICTAL, INTERICTAL, SEIZURE_FREE = range(len(STRATA))
SEIZURE: Final = STRATA[FULL : PARTIAL + 1]
BACKGROUND: Final = STRATA[PERI_ICTAL:]


@dataclass(frozen=True, kw_only=True)
class LabelRule:
    """When a window with ictal samples is a seizure window; one that misses the rule is ambiguous.

    Args:
        min_ictal_samples: It holds at least so many labelled ictal samples (one at the least).
        min_ictal_share: At least this share of its labelled samples is ictal.
        margin_samples: Samples before and after every onset and stop that carry no label.
        peri_ictal_samples: Background this close to a seizure of its recording is peri-ictal.
    """

    min_ictal_samples: int = 0
    min_ictal_share: float = 0.0
    margin_samples: int = 0
    peri_ictal_samples: int = 0

    @property
    def can_miss(self) -> bool:
        """Whether a window with ictal samples may be no seizure window."""
        return bool(self.min_ictal_samples > 1 or self.min_ictal_share > 0 or self.margin_samples)

    def met(self, ictal: Samples, labelled: Samples) -> npt.NDArray[np.bool_]:
        """Whether windows with so many ictal among so many labelled samples are seizure windows."""
        share = ictal / np.maximum(labelled, 1)
        met: npt.NDArray[np.bool_] = (ictal > 0) & (ictal >= self.min_ictal_samples) & (share >= self.min_ictal_share)
        return met


class SampleLabels:
    """Counts ictal and labelled samples in any stretch of any recording.

    All recordings lie one behind the other on a single axis, one sample between them, so that one vectorised
    computation serves the whole corpus.

    Args:
        lengths: Samples of every recording, shape (recordings,).
        events: Seizures in samples of their recordings; ordered by recording and onset, disjoint: shape (seizures, 2).
        owner: Recording number of each seizure, shape (seizures,).
        margin_samples: Samples before and after every onset and stop that carry no label.
    """

    def __init__(self, lengths: Samples, events: Spans, owner: Numbers, margin_samples: int) -> None:
        self._lengths = lengths
        self._bases = np.cumsum(lengths + 1) - (lengths + 1)
        ictal = events + self._bases[owner, None]
        margins = self._margins(events, owner, margin_samples)
        self._ictal = Coverage(ictal)
        self._unlabelled = Coverage(margins)
        self._labelled_ictal = Coverage(_without(ictal, margins)) if len(margins) else self._ictal

    def ictal(self, recording: Numbers, starts: Samples, stops: Samples) -> Samples:
        """Ictal samples inside each `[starts, stops)` of a recording."""
        _, first, last = self._on_axis(recording, starts, stops)
        return self._ictal.inside(first, last)

    def labelled(self, recording: Numbers, starts: Samples, stops: Samples) -> tuple[Samples, Samples]:
        """Ictal samples that carry a label and all samples that do, inside each `[starts, stops)` of a recording.

        What lies past the recording's end is no sample of it.
        """
        valid, first, last = self._on_axis(recording, starts, stops)
        return self._labelled_ictal.inside(first, last), valid - self._unlabelled.inside(first, last)

    def _on_axis(self, recording: Numbers, starts: Samples, stops: Samples) -> tuple[Samples, Samples, Samples]:
        """Samples inside the recording, and first and last place on the axis, of each stretch."""
        length, base = self._lengths[recording], self._bases[recording]
        first, last = np.minimum(starts, length), np.minimum(stops, length)
        return last - first, base + first, base + last

    def _margins(self, events: Spans, owner: Numbers, margin_samples: int) -> Spans:
        if margin_samples == 0:
            return sp.EMPTY
        ends = np.stack([events - margin_samples, events + margin_samples], axis=2)
        inside = np.clip(ends, 0, self._lengths[owner, None, None])
        return sp.union((inside + self._bases[owner, None, None]).reshape(-1, 2))


def _without(spans: Spans, removed: Spans) -> Spans:
    end = int(max(spans.max(initial=0), removed.max(initial=0)))
    return sp.intersect(spans, sp.complement(removed, end))
