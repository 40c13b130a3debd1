"""The plan that a configuration names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ictal.windows.adaptive import adaptive
from ictal.windows.index import WindowIndex
from ictal.windows.mixing import natural, oversample, undersample
from ictal.windows.plan import BatchConfig, BatchPlan, Strategy, balanced
from ictal.windows.probing import probe, search

_MAKERS: Mapping[Strategy, Callable[..., BatchPlan]] = {
    "balanced": balanced,
    "file_aware": balanced,
    "adaptive": adaptive,
    "natural": natural,
    "oversample": oversample,
    "undersample": undersample,
    "probe": probe,
    "search": search,
}


def make(index: WindowIndex, config: BatchConfig, *, rank: int = 0, ranks: int = 1) -> BatchPlan:
    """The plan that `config.strategy` names.

    Args:
        index: The windows of the training part.
        config: What batches hold.
        rank: This process's number among those that train together.
        ranks: How many train together.

    Raises:
        InputError: if the corpus cannot give what is asked for, with the counts and what to change.
    """
    return _MAKERS[config.strategy](index, config, rank=rank, ranks=ranks)
