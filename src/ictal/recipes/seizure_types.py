"""Telling types of seizures apart: what training needs for it, and how well it is done.

The question here is "which type is this seizure", not "where are seizures". A seizure is named as a whole, by the mean
log probability of each type over its time. An evaluation names the annotated ones, and counts them against their
annotation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ictal.errors import InputError
from ictal.recipes.detector import Detector
from ictal.scoring.confusion import confusion
from ictal.timeline import spans as sp
from ictal.timeline.spans import Spans
from ictal.training.inference import SignalSource
from ictal.windows.index import WindowIndex


def require_types(types: Sequence[str], index: WindowIndex) -> None:
    """Stop if a type that is to be learnt is none of the training seizures'.

    Raises:
        InputError: naming it and what there is (code `seizure-types`).
    """
    there = Counter(index.seizure_types)
    for kind in types:
        if kind not in there:
            raise InputError(
                "No training seizure is of a type that is to be told apart",
                where="model.seizure_types",
                got=kind,
                expected=", ".join(f"{name or 'no type'} ({count})" for name, count in sorted(there.items())),
                remedy="leave it out, or choose a corpus or a split that has it",
                code="seizure-types",
            )


def names(detector: Detector, signal: SignalSource, seizures: Spans) -> list[str]:
    """The type that each seizure of a recording, annotated or detected, is named.

    Args:
        detector: One that tells types apart.
        signal: The recording.
        seizures: Its seizures in samples, (seizures, 2).
    """
    if not len(seizures):
        return []
    log_probability, step = detector.types(signal), detector.config.model.samples_per_step
    edges = np.arange(len(log_probability) + 1) * step
    inside = np.stack([sp.overlap(one[None], edges[:-1], edges[1:]) for one in seizures])
    best = (inside @ log_probability).argmax(axis=1)
    return [detector.config.model.seizure_types[place] for place in best.tolist()]


def document(types: Sequence[str], index: WindowIndex, named: Sequence[Sequence[str]]) -> dict[str, object] | None:
    """What results hold of it: the table of annotated and named types; None where none are told apart.

    Args:
        types: The types that are told apart.
        index: The scored recordings.
        named: What `names` gives for each.
    """
    if not types:
        return None
    found = confusion(types, index.seizure_types, [name for own in named for name in own])
    return {
        "types": list(types),
        "counts": found.counts.tolist(),
        "others": found.others,
        "accuracy": _defined(found.accuracy),
        "commonest": _defined(found.commonest),
        "recalls": [_defined(recall) for recall in found.recalls],
    }


def _defined(share: float) -> float | None:
    return None if math.isnan(share) else share
