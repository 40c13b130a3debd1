"""Random cases inside timescoring's safe domain, and what timescoring 0.0.7 counts on them.

The domain: events sorted, disjoint, inside the recording, longer than 1 s, every time a multiple of 0.1 s; no gap of
exactly 90 s and no merged event of exactly a multiple of 300 s unless times are multiples of 0.5 s, because timescoring
takes those differences in floating point, where 0.1 s has no exact form.

`python -m tests.agreement.timescoring_cases 200000` compares that many cases and prints what it found.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from ictal.scoring.eventlists import event_lists
from ictal.scoring.szcore import count_events_by_recording, count_samples_by_recording

Tenths = npt.NDArray[np.int64]
"""Events (n, 2) in tenths of a second."""
Triple = tuple[int, int, int]

NOTABLE_TENTHS = np.array([0, 1, 11, 300, 600, 899, 900, 901, 2999, 3000, 3001, 6000, 6001])


def random_case(generator: np.random.Generator, grid: int = 1) -> tuple[Tenths, Tenths, int]:
    """Reference, hypothesis and duration; the hypothesis is often the reference moved about, to meet the tolerances."""
    duration = int(generator.integers(300, 40_000)) // grid * grid
    reference = _random_events(generator, duration, grid)
    if generator.random() < 0.5:
        return reference, _random_events(generator, duration, grid), duration
    shift = generator.choice(NOTABLE_TENTHS, size=reference.shape[0])[:, None] * generator.choice([-1, 1])
    moved = np.clip(reference + shift // grid * grid, 0, duration)
    return reference, _disjoint(moved[np.argsort(moved[:, 0])]), duration


def in_float_domain(events: Tenths) -> bool:
    """False where timescoring's floating-point differences decide a tie."""
    gaps = events[1:, 0] - events[:-1, 1]
    apart = gaps >= 900
    onset, stop = events[np.r_[True, apart][: len(events)], 0], events[np.r_[apart, True][: len(events)], 1]
    return not (gaps == 900).any() and not ((stop - onset) % 3000 == 0).any()


def theirs(reference: Tenths, hypothesis: Tenths, duration: int) -> tuple[Triple, Triple]:
    """(reference, true positives, false positives) by event and by sample scoring."""
    annotations = [
        Annotation([(a / 10, b / 10) for a, b in events.tolist()], 10, duration) for events in (reference, hypothesis)
    ]
    return _triple(EventScoring(*annotations)), _triple(SampleScoring(*annotations))


def ours(cases: list[tuple[Tenths, Tenths, int]]) -> tuple[list[Triple], list[Triple]]:
    """The same by `ictal`, all cases as one corpus."""
    names, durations_s = [f"case {n}" for n in range(len(cases))], [d / 10 for _, _, d in cases]
    reference = event_lists([r / 10 for r, _, _ in cases], durations_s, names)
    hypothesis = event_lists([h / 10 for _, h, _ in cases], durations_s, names)
    by_event = count_events_by_recording(reference, hypothesis).rows()
    by_sample = count_samples_by_recording(reference, hypothesis).rows()
    return (
        [(c.reference, c.true_positives, c.false_positives) for c in by_event],
        [(c.reference, c.true_positives, c.false_positives) for c in by_sample],
    )


def differences(count: int, seed: int, grid: int) -> tuple[int, list[str]]:
    """Cases compared, and a line for every case that differs."""
    generator = np.random.default_rng(seed)
    cases = [random_case(generator, grid) for _ in range(count)]
    if grid % 5:
        cases = [c for c in cases if in_float_domain(c[0]) and in_float_domain(c[1])]
    found = []
    for case, by_event, by_sample in zip(cases, *ours(cases), strict=True):
        expected = theirs(*case)
        if (by_event, by_sample) != expected:
            found.append(f"{case}: ictal {by_event, by_sample}, timescoring {expected}")
    return len(cases), found


def _random_events(generator: np.random.Generator, duration: int, grid: int) -> Tenths:
    count = int(generator.integers(0, 9))
    steps = np.where(
        generator.random(2 * count) < 0.4,
        generator.choice(NOTABLE_TENTHS, size=2 * count),
        generator.exponential(1500.0, size=2 * count).astype(np.int64),
    )
    edges = np.cumsum(-(-steps // grid) * grid).reshape(-1, 2)
    return _disjoint(edges[edges[:, 1] <= duration])


def _disjoint(events: Tenths) -> Tenths:
    """What is longer than 1 s and starts no earlier than the one before it stops."""
    kept: list[list[int]] = []
    for start, stop in events.tolist():
        if stop - start > 10 and (not kept or start >= kept[-1][1]):
            kept.append([start, stop])
    return np.array(kept, dtype=np.int64).reshape(-1, 2)


def _triple(score: EventScoring | SampleScoring) -> Triple:
    return int(score.refTrue), int(score.tp), int(score.fp)


def main() -> None:
    """Compare as many cases as the first argument says, half on each grid."""
    half, compared, found = int(sys.argv[1]) // 2, 0, []
    for grid in (1, 5):
        for block in range(0, half, 5_000):
            cases, lines = differences(min(5_000, half - block), seed=block, grid=grid)
            compared, found = compared + cases, found + lines
    print(f"{compared} cases compared (event and sample scoring), {len(found)} differ")
    print("\n".join(found[:10]))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
