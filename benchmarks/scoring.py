"""SzCORE event scoring of 1,000 recordings of 1 h: `ictal` against timescoring 0.0.7, interleaved; prints the ratio.

Also: sample scoring of the same corpus, `ictal` one recording at a time, and the curve of sensitivity against false
alarms over 865 recordings with 128 h of probabilities. Run as `python benchmarks/scoring.py`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from ictal.detection.events import EventRule, events
from ictal.detection.sweep import events_by_threshold
from ictal.scoring.counts import Counts
from ictal.scoring.curves import Trace, candidate_thresholds, curve_of, sensitivity_curve
from ictal.scoring.eventlists import event_lists
from ictal.scoring.nedc import count_epochs_by_recording, count_ovlp_by_recording, count_taes_by_recording
from ictal.scoring.szcore import count_events, count_events_by_recording, count_samples_by_recording

RECORDINGS, DURATION_S, ROUNDS = 1_000, 3_600, 15
Events = npt.NDArray[np.float64]


def main() -> None:
    """Check that the counts agree, then time both sides in turn."""
    generator = np.random.default_rng(0)
    reference = [_events(generator, 0.3) for _ in range(RECORDINGS)]
    hypothesis = [_events(generator, 1.5) for _ in range(RECORDINGS)]
    durations_s, names = [float(DURATION_S)] * RECORDINGS, [f"r{n}" for n in range(RECORDINGS)]
    lists = [event_lists(side, durations_s, names) for side in (reference, hypothesis)]
    annotations = [
        [Annotation([tuple(e) for e in one.tolist()], 10, DURATION_S * 10) for one in side]
        for side in (reference, hypothesis)
    ]
    _print_agreement(
        count_events_by_recording(*lists).pooled(), [EventScoring(*a) for a in zip(*annotations, strict=True)]
    )
    _compare(
        {
            "timescoring, events": lambda: [EventScoring(*a) for a in zip(*annotations, strict=True)],
            "ictal, events, corpus as arrays": lambda: count_events_by_recording(*lists),
            "ictal, events, with validation": lambda: count_events_by_recording(
                *(event_lists(side, durations_s, names) for side in (reference, hypothesis))
            ),
            "ictal, events, one by one": lambda: [
                count_events(r, h, DURATION_S) for r, h in zip(reference, hypothesis, strict=True)
            ],
        }
    )
    _compare(
        {
            "timescoring, samples": lambda: [SampleScoring(*a) for a in zip(*annotations, strict=True)],
            "ictal, samples, corpus as arrays": lambda: count_samples_by_recording(*lists),
        }
    )
    _compare(
        {
            "ictal, NEDC OVLP, corpus as arrays": lambda: count_ovlp_by_recording(*lists),
            "ictal, NEDC TAES, corpus as arrays": lambda: count_taes_by_recording(*lists),
            "ictal, NEDC EPOCH, corpus as arrays": lambda: count_epochs_by_recording(*lists),
        }
    )
    _time_curve(generator)


def _events(generator: np.random.Generator, mean_count: float) -> Events:
    """Sorted disjoint events of 10 to 310 s on the 0.1 s grid."""
    count = int(generator.poisson(mean_count))
    onset_s = np.sort(generator.choice(np.arange(0, DURATION_S - 320, 320), size=count, replace=False))
    return np.round(np.stack([onset_s, onset_s + generator.uniform(10, 310, size=count)], axis=1), 1)


def _print_agreement(own: Counts, others: list[EventScoring]) -> None:
    theirs = tuple(sum(int(getattr(s, name)) for s in others) for name in ("refTrue", "tp", "fp"))
    ours = (own.reference, own.true_positives, own.false_positives)
    print(f"(reference, true positives, false positives): ictal {ours}, timescoring {theirs}")
    if ours != theirs:
        raise SystemExit("the counts differ; there is nothing to compare")


def _compare(contestants: dict[str, Callable[[], object]]) -> None:
    """Run all in turn, round after round, and print medians and their ratio to the first."""
    taken_s: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            began = time.perf_counter()
            run()
            taken_s[name].append(time.perf_counter() - began)
    medians_s = {name: statistics.median(times) for name, times in taken_s.items()}
    first = next(iter(medians_s.values()))
    for name, median_s in medians_s.items():
        print(f"{name:36} {median_s * 1e3:9.3f} ms   {first / median_s:7.1f} x")


def _time_curve(generator: np.random.Generator) -> None:
    steps, rate_hz = 4_260, 8.0  # 865 recordings of 532 s are 128 h
    traces = [
        Trace(
            name=f"r{n}",
            probability=_probability(generator, steps),
            reference_s=np.array([[100.0, 160.0]]) if n % 2 else np.empty((0, 2)),
            duration_s=steps / rate_hz,
        )
        for n in range(865)
    ]
    find = partial(_found, rate_hz=rate_hz)
    began = time.perf_counter()
    curve = sensitivity_curve(traces, find)
    print(f"curve, {curve.thresholds.size} thresholds, 128 h, one by one{time.perf_counter() - began:12.2f} s")
    began = time.perf_counter()
    probabilities = [t.probability for t in traces]
    thresholds = candidate_thresholds(probabilities)
    rules = [EventRule(on=threshold) for threshold in thresholds.tolist()]
    swept = curve_of(traces, thresholds, events_by_threshold(probabilities, rate_hz, rules))
    print(f"curve, {swept.thresholds.size} thresholds, 128 h, by sweep{time.perf_counter() - began:14.2f} s")
    if not np.array_equal(curve.envelope(), swept.envelope()):
        raise SystemExit("the curves differ")


def _probability(generator: np.random.Generator, steps: int) -> Events:
    walk = np.convolve(generator.normal(size=steps + 79), np.ones(80) / 80**0.5, mode="valid")
    return 1.0 / (1.0 + np.exp(4.0 - 1.5 * walk))


def _found(probability: Events, threshold: float, *, rate_hz: float) -> Events:
    return events(probability, rate_hz, EventRule(on=threshold))


if __name__ == "__main__":
    main()
