"""Do probabilities mean what they say after correction, whatever plan drew the batches?

    python benchmarks/calibration.py [--patients 300] [--steps 2000] [--seed 0]

Patients are made of two noisy features per second. Seizures shift both, and the minutes around them shift one, so that
background near seizures is hard; how far anything shifts differs from patient to patient. For every plan of the windows
package a logistic regression learns from the windows that the plan draws. Then the plan's exact prior is taken back and
the rest calibrated on tuning patients, at natural prevalence; test patients, seen by neither, say what it is worth: the
expected calibration error (15 bins of equal mass) and the mean probability over the natural prevalence. The last two
columns calibrate (platt) on a tuning sample that is not nature: all ictal seconds and as many others; first as if it
were, then with weights: each step's natural share over its share of the sample, which the annotations give exactly.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from ictal.detection import calibration
from ictal.detection.calibration import Calibration, Method, correct_prior, sigmoid
from ictal.detection.counted import CountedLogits
from ictal.scoring.reliability import ece
from ictal.timeline.grid import WindowGrid
from ictal.windows import prior
from ictal.windows.index import IndexedRecording, WindowIndex, build
from ictal.windows.labels import LabelRule
from ictal.windows.plan import BatchConfig, BatchPlan
from ictal.windows.planning import make

Floats = npt.NDArray[np.float64]
GRID = WindowGrid(length_samples=16, stride_samples=4)
HOURS, SEIZURE_S, NEAR_S = 2, 40, 120
SIZE, SEIZURE_WINDOWS = 16, 8
SHARES = {"full": 3.0, "partial": 1.0, "peri_ictal": 3.0, "interictal": 1.0, "seizure_free": 1.0}
PLANS: dict[str, BatchConfig] = {
    name: BatchConfig(strategy=name, size=SIZE, seizure_windows=SEIZURE_WINDOWS)
    for name in ("balanced", "file_aware", "adaptive", "oversample", "undersample", "natural", "probe", "search")
} | {"balanced, own shares": BatchConfig(size=SIZE, seizure_windows=SEIZURE_WINDOWS, shares=SHARES)}
METHODS: tuple[Method, ...] = ("temperature", "platt", "isotonic")


def corpus(patients: int, rng: np.random.Generator) -> tuple[WindowIndex, list[Floats], list[npt.NDArray[np.bool_]]]:
    """Index, features (seconds, 3; the last is constant) and ictal seconds of each recording; half have no seizure."""
    seconds = HOURS * 3600
    recordings, features, ictal = [], [], []
    for patient in range(patients):
        truth, near = np.zeros(seconds, dtype=np.bool_), np.zeros(seconds, dtype=np.bool_)
        starts = np.sort(rng.choice(8, size=3 * (patient % 2), replace=False)) * 900 + 300
        for start in starts:
            truth[start : start + SEIZURE_S] = True
            near[start - NEAR_S : start + SEIZURE_S + NEAR_S] = True
        signal = rng.normal(size=(seconds, 2))
        signal[:, 0] += rng.normal(1.0, 0.2) * near + rng.normal(1.0, 0.2) * truth
        signal[:, 1] += rng.normal(2.0, 0.2) * truth
        features.append(np.column_stack([signal, np.ones(seconds)]))
        ictal.append(truth)
        spans = np.stack([starts, starts + SEIZURE_S], axis=1).astype(np.int64)
        name = f"p{patient}"
        recordings.append(IndexedRecording(id=f"{name}_0", patient=name, samples=seconds, seizures=spans))
    return build(recordings, GRID, LabelRule(peri_ictal_samples=NEAR_S)), features, ictal


def learn(plan: BatchPlan, steps: int, features: list[Floats], ictal: list[npt.NDArray[np.bool_]]) -> Floats:
    """Weights of a logistic regression on everything that the plan draws, by Newton's method."""
    recording, start = plan.index.locate(plan.table(0, steps).reshape(-1))
    place = start[:, None] + np.arange(GRID.length_samples)
    x = np.stack(features)[recording[:, None], place].reshape(-1, 3)
    y = np.stack(ictal)[recording[:, None], place].reshape(-1)
    weights = np.zeros(3)
    for _ in range(25):
        p = sigmoid(x @ weights)
        weights -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (p - y))
    return weights


def half_ictal(tuning: Floats, ictal: npt.NDArray[np.bool_], rng: np.random.Generator) -> list[Calibration]:
    """Calibrations on all ictal seconds and as many others: without weights and with."""
    others = rng.choice(np.flatnonzero(~ictal), size=int(ictal.sum()), replace=False)
    chosen = np.concatenate([np.flatnonzero(ictal), others])
    share = float(ictal.mean())
    weights = np.where(ictal[chosen], 2.0 * share, 2.0 * (1.0 - share))
    return [calibration.fit("platt", tuning[chosen], ictal[chosen], weight) for weight in (None, weights)]


def measured(probability: Floats, ictal: npt.NDArray[np.bool_]) -> str:
    """Calibration error, and mean probability over prevalence."""
    return f"{ece(probability, ictal):.4f}, {probability.mean() / ictal.mean():.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    index, features, ictal = corpus(args.patients, rng)
    dev, test = (corpus(args.patients, rng)[1:] for _ in range(2))
    dev_x, test_x = (np.concatenate(one[0]) for one in (dev, test))
    dev_y, test_y = (np.concatenate(one[1]) for one in (dev, test))
    print(f"Natural prevalence: {test_y.mean():.4f}. Every cell: calibration error, mean probability / prevalence.\n")
    columns = [*METHODS, "platt, half ictal", "the same, weighted"]
    print("| plan | drawn | as trained | prior back | + " + " | + ".join(columns) + " |")
    print("|---" * (4 + len(columns)) + "|")
    for name, config in PLANS.items():
        plan = make(index, config)
        pair = prior.of_plan(plan)
        weights = learn(plan, args.steps, features, ictal)
        both = natural, drawn = pair.natural.time_step, pair.drawn.time_step
        tuning, held_out = (correct_prior(x @ weights, *both) for x in (dev_x, test_x))
        counted = CountedLogits()
        counted.add(tuning, dev_y)
        fitted = [counted.fit(method) for method in METHODS]
        fitted += half_ictal(tuning, dev_y, np.random.default_rng(args.seed))
        cells = [
            measured(sigmoid(test_x @ weights), test_y),
            measured(sigmoid(held_out), test_y),
            *(measured(sigmoid(one.apply(held_out)), test_y) for one in fitted),
        ]
        print(f"| {name} | {drawn / natural:.1f} x | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
