"""Telling types of seizures apart: what training needs for it, and how well it is done.

The question here is "which type is this seizure", not "where are seizures". A seizure is named as a whole, by the type
whose log probability is highest on average over its time. An evaluation names the annotated ones, and counts them
against their annotation; a detection is named when it is over.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from ictal.errors import InputError
from ictal.models.detector import DetectorConfig
from ictal.recipes.detector import Trace
from ictal.recordings.labels import hed_score
from ictal.scoring.confusion import confusion
from ictal.timeline import spans as sp
from ictal.timeline.spans import Spans
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


def names(model: DetectorConfig, log_probability: Trace, seizures: Spans) -> list[str]:
    """The type that each annotated seizure of a recording is named.

    Args:
        model: Tells which types there are, and how long a time step is.
        log_probability: Of each type in every time step, (steps, types).
        seizures: The seizures in samples, (seizures, 2).
    """
    edges = np.arange(len(log_probability) + 1) * model.samples_per_step
    inside = [sp.overlap(one[None], edges[:-1], edges[1:]) @ log_probability for one in seizures]
    return [model.seizure_types[int(sums.argmax())] for sums in inside]


def label(types: Sequence[str], log_probability: Sequence[float]) -> str:
    """What a detection is called, in HED-SCORE's words: `sz` where no types are told apart.

    Args:
        types: The types that are told apart.
        log_probability: The mean of each over the detection's time.
    """
    return hed_score(types[int(np.argmax(log_probability))]) if types else "sz"


def document(model: DetectorConfig, index: WindowIndex, traces: Iterable[Trace]) -> dict[str, object] | None:
    """What results hold of it: the table of annotated and named types; None where none are told apart.

    Args:
        model: Tells which types there are, and how long a time step is.
        index: The scored recordings.
        traces: Of each the log probability of each type in every time step, (steps, types).
    """
    types = model.seizure_types
    if not types:
        return None
    scored = zip(index.recordings, traces, strict=True)
    named = [name for recording, trace in scored for name in names(model, trace, recording.seizures)]
    found = confusion(types, index.seizure_types, named)
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
