"""SzCORE event scoring of 1,000 recordings of 1 h: `ictal` against timescoring 0.0.7, interleaved; prints the ratio.

Also: sample scoring of the same corpus, every other scorer and all together; the curve of sensitivity against false
alarms over 865 recordings with 128 h of probabilities, at every threshold and at 200, and its band; and AUROC, AUPRC
and ECE of any number of steps. Run as `python benchmarks/scoring.py [--steps 1000000000]`.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from ictal.detection.events import EventRule
from ictal.detection.levels import levels
from ictal.detection.sweep import events_by_threshold
from ictal.scoring.band import band
from ictal.scoring.counts import Counts
from ictal.scoring.curves import Trace
from ictal.scoring.eventlists import event_lists
from ictal.scoring.ranking import auroc
from ictal.scoring.staircase import added, staircase
from ictal.scoring.streaming import Histogram
from ictal.scoring.summary import SCORERS
from ictal.scoring.szcore import count_events, count_events_by_recording, count_samples_by_recording

RECORDINGS, DURATION_S, ROUNDS, CURVE_ROUNDS = 1_000, 3_600, 15, 3
RULE = EventRule(off_ratio=0.5)
BAND_RATES = np.geomspace(0.1, 1_000, 100)
Events = npt.NDArray[np.float64]
T = TypeVar("T")


def main() -> None:
    """Check that the counts agree, then time both sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000_000, help="steps that are streamed")
    args = parser.parse_args()
    generator = np.random.default_rng(0)
    reference = [_events(generator, 0.3) for _ in range(RECORDINGS)]
    hypothesis = [_events(generator, 1.5) for _ in range(RECORDINGS)]
    durations_s, names = [float(DURATION_S)] * RECORDINGS, [f"r{n}" for n in range(RECORDINGS)]
    lists = event_lists(reference, durations_s, names), event_lists(hypothesis, durations_s, names)
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
                event_lists(reference, durations_s, names), event_lists(hypothesis, durations_s, names)
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
    _compare({f"ictal, {name}, corpus as arrays": partial(scorer.count, *lists) for name, scorer in SCORERS.items()})
    _compare({"ictal, all scorers, corpus as arrays": lambda: [scorer.count(*lists) for scorer in SCORERS.values()]})
    _time_curve(generator)
    _time_streaming(generator, args.steps)


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
    probabilities = [t.probability for t in traces]
    tracemalloc.start()
    staircase(traces, levels(probabilities, rate_hz, RULE), rate_hz)
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    every = staircase(traces, levels(probabilities, rate_hz, RULE), rate_hz).highest
    thresholds = every[:: 1 + every.size // 200]
    rules = [replace(RULE, on=threshold) for threshold in thresholds.tolist()]
    taken_s: dict[str, list[float]] = {}
    for _ in range(CURVE_ROUNDS):
        stairs = _timed(
            taken_s, "every threshold", lambda: staircase(traces, levels(probabilities, rate_hz, RULE), rate_hz)
        )
        swept = _timed(
            taken_s,
            f"{thresholds.size} thresholds, by sweep",
            lambda: _pooled(traces, events_by_threshold(probabilities, rate_hz, rules)),
        )
        alone = _timed(
            taken_s,
            "recording by recording",
            lambda: [staircase([t], levels([t.probability], rate_hz, RULE), rate_hz) for t in traces],
        )
        patients = [added(alone[n::43]) for n in range(43)]
        _timed(taken_s, "band over 43 patients", partial(band, patients, BAND_RATES, np.random.default_rng(0)))
    for name, times in taken_s.items():
        print(f"curve of 865 recordings, 128 h, {name:32} {statistics.median(times):6.2f} s")
    held_mb = sum(trace.probability.nbytes for trace in traces) / 1e6
    print(f"every threshold: {stairs.highest.size:,} points, {peak_mb:.0f} MB at most; the traces are {held_mb:.0f} MB")
    if [stairs.at(threshold) for threshold in thresholds.tolist()] != swept:
        raise SystemExit("the curves differ")
    if not np.array_equal(added(alone).false_positives, stairs.false_positives):
        raise SystemExit("recordings do not add up to the corpus")


def _timed(taken_s: dict[str, list[float]], name: str, run: Callable[[], T]) -> T:
    began = time.perf_counter()
    result = run()
    taken_s.setdefault(name, []).append(time.perf_counter() - began)
    return result


def _pooled(traces: list[Trace], found_s: Iterable[list[Events]]) -> list[Counts]:
    """Counts at each threshold, scored from the beginning."""
    names, durations_s = [t.name for t in traces], [t.duration_s for t in traces]
    reference = event_lists([t.reference_s for t in traces], durations_s, names)
    return [count_events_by_recording(reference, event_lists(one, durations_s, names)).pooled() for one in found_s]


def _time_streaming(generator: np.random.Generator, steps: int) -> None:
    """Count steps a million at a time; print what a step costs, the peak of memory, and how far binning can be off."""
    block = 1_000_000
    p = generator.beta(0.2, 3, block)
    ictal = generator.random(block) < p
    tracemalloc.start()
    histogram = Histogram()
    began = time.perf_counter()
    for _ in range(steps // block):
        histogram.add(p, ictal)
    taken_s = time.perf_counter() - began
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"streaming, {steps:,} steps: {taken_s / steps * 1e9:.0f} ns a step, {peak_mb:.0f} MB at most")
    for name, found in (("AUROC", histogram.auroc), ("AUPRC", histogram.auprc), ("ECE", histogram.ece)):
        print(f"  {name} {found.value:.6f}, the exact one between {found.lower:.6f} and {found.upper:.6f}")
    print(f"  AUROC by sorting one block: {auroc(p, ictal):.6f}")


def _probability(generator: np.random.Generator, steps: int) -> Events:
    walk = np.convolve(generator.normal(size=steps + 79), np.ones(80) / 80**0.5, mode="valid")
    return 1.0 / (1.0 + np.exp(4.0 - 1.5 * walk))


if __name__ == "__main__":
    main()
