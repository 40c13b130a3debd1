"""Channels that are flat or clipped while an event lasts."""

from __future__ import annotations

import numpy as np
import pytest

from ictal.detection.artefacts import in_events


def _marks(values: np.ndarray, *events_s: tuple[float, float]) -> list[tuple[list[bool], list[bool]]]:
    length = values.shape[1]
    found = in_events(
        lambda start, samples: values[:, start : start + samples],
        length,
        10.0,
        np.array(events_s, dtype=np.float64).reshape(-1, 2),
        32_767,
    )
    return [(flat.tolist(), clipped.tolist()) for flat, clipped in found]


def test_a_channel_is_looked_at_only_while_the_event_lasts() -> None:
    """The first comes off from 5 s to 8 s; an event that ends there, one inside, one that goes on."""
    values = np.random.default_rng(0).integers(-900, 900, size=(2, 200)).astype(np.int16)
    values[0, 50:80] = 7
    assert [flat for flat, _ in _marks(values, (1.0, 5.0), (5.0, 8.0), (6.0, 8.1))] == [
        [False, False],
        [True, False],
        [False, False],
    ]


@pytest.mark.parametrize(("samples", "clipped"), [(0, False), (1, False), (2, True), (100, True)])
@pytest.mark.parametrize("limit", [32_767, -32_767, -32_768])
def test_clipped_is_over_one_in_a_hundred_at_either_limit(samples: int, clipped: bool, limit: int) -> None:
    """Of 100 samples of an event, with one at the limit before it."""
    values = np.arange(300, dtype=np.int16)[None]
    values[0, 99] = values[0, 100 : 100 + samples] = limit
    assert _marks(values, (10.0, 20.0)) == [([samples == 100], [clipped])]


def test_no_event_has_no_flags_and_the_shortest_has_a_sample() -> None:
    """An event shorter than a sample is looked at in one."""
    values = np.zeros((1, 20), dtype=np.int16)
    assert _marks(values) == []
    assert _marks(values, (1.0, 1.01)) == [([True], [False])]
    values[0, 11] = 9
    assert _marks(values, (1.0, 1.01), (1.0, 1.2)) == [([True], [False]), ([False], [False])]
    for beyond in ((3.0, 4.0), (2.0, 2.5)):
        with pytest.raises(AssertionError, match="outside"):
            _marks(values, beyond)
