"""The incident, reproduced and ended: what each way of drawing does to one model on the same data, for equal steps.

    python benchmarks/incident.py [--shares 0.002 0.005 0.01 0.08] [--seeds 10] [--steps 400] [--jobs 2] [--out FOLDER]
        [--picture FILE]

For every share of seizure windows and every seed a corpus of noise is made in which seizures are rhythms, weak beside
what they lie in, and each strategy trains the same small Bi-Mamba on it without any guard. Every run is scored on the
full recordings of patients that it has not seen. A run has *collapsed* when it never says "seizure" (no second of those
recordings above one half, as the model left training), or ranks seconds hardly better than chance (AUPRC below three
times the prevalence).

Finished runs are kept in FOLDER/runs.jsonl, so that an interrupted benchmark goes on. FILE is a picture of all runs.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from torch.nn import functional

from ictal.detection.calibration import Calibration, correct_prior, fit_temperature, sigmoid
from ictal.detection.sweep import events_by_threshold
from ictal.models.detector import DetectorConfig, build
from ictal.recipes.config import EventConfig
from ictal.report.palette import LIGHT
from ictal.scoring import szcore
from ictal.scoring.eventlists import event_lists
from ictal.scoring.ranking import auprc
from ictal.scoring.reliability import brier_skill, ece
from ictal.timeline.grid import WindowGrid
from ictal.training.inference import recording_traces
from ictal.training.optimiser import adamw, learning_rate
from ictal.windows import prior, probing
from ictal.windows.adaptive import adaptive
from ictal.windows.dataset import WindowDataset
from ictal.windows.index import IndexedRecording, WindowIndex
from ictal.windows.index import build as build_index
from ictal.windows.plan import BatchConfig
from ictal.windows.planning import make

RATE_HZ = 32
SAMPLES_PER_STEP = 16
GRID = WindowGrid(length_samples=16 * RATE_HZ, stride_samples=4 * RATE_HZ)
CHANNELS = 2
UNIT = 1e-3
SIZE, SEIZURE_WINDOWS = 16, 8
TRAIN_HOURS, DEV_HOURS, TEST_HOURS, HOURS_EACH = 24, 12, 24, 0.5
SEIZURE_S = 24.0
PEAK_RATE = 4e-3
CHANCE_FACTOR = 3.0
ROUND_STEPS = 50
"""Of adaptive batches."""
MODEL = DetectorConfig(
    width=24, layers=1, state=8, head_dim=12, shapes=4, rhythms=8, samples_per_step=SAMPLES_PER_STEP, dropout=0.0,
    input_scale_uv=2.0,
)  # fmt: skip
Floats = npt.NDArray[np.float64]
Table = npt.NDArray[np.int64]


class Noise:
    """A recording in memory: coloured noise, short bursts of a faster rhythm, and a slow rhythm where it is ictal."""

    def __init__(self, samples: int, seizures: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
        self.samples = samples
        white = rng.normal(size=(CHANNELS, samples)).astype(np.float32)
        self.signal = white + 0.7 * np.concatenate([white[:, :1], white[:, :-1]], axis=1)
        bursts = rng.integers(0, samples - 4 * RATE_HZ, samples // (60 * RATE_HZ))
        for start in bursts:
            self._add(int(start), int(start) + 2 * RATE_HZ, rate_hz=rng.uniform(7, 9), size=1.5, rng=rng)
        gain = rng.uniform(0.9, 1.5)
        for start, stop in seizures:
            self._add(int(start), int(stop), rate_hz=rng.uniform(2.5, 3.5), size=gain, rng=rng)
        self.scale_uv = np.full(CHANNELS, UNIT, dtype=np.float32)
        self.valid_channels = np.ones(CHANNELS, dtype=np.bool_)
        self.units = np.rint(self.signal / UNIT).astype(np.int16)

    def _add(self, start: int, stop: int, *, rate_hz: float, size: float, rng: np.random.Generator) -> None:
        phase = 2 * np.pi * rate_hz * np.arange(stop - start) / RATE_HZ + rng.uniform(0, 2 * np.pi)
        self.signal[int(rng.integers(CHANNELS)), start:stop] += (size * np.sin(phase)).astype(np.float32)

    def read_uv(self, start_sample: int, length_samples: int) -> npt.NDArray[np.float32]:
        """Samples from a place on, zero past the end."""
        out = np.empty((CHANNELS, length_samples), dtype=np.int16)
        self.read_into(start_sample, out)
        return np.multiply(out, self.scale_uv[:, None], dtype=np.float32)

    def read_into(self, start_sample: int, out: npt.NDArray[np.int16], *, wait: bool = True) -> bool:  # noqa: ARG002
        """The same in units; all of it is in memory."""
        piece = self.units[:, start_sample : start_sample + out.shape[1]]
        out[:, : piece.shape[1]] = piece
        out[:, piece.shape[1] :] = 0
        return True


def corpus(share: float, hours: int, rng: np.random.Generator) -> tuple[WindowIndex, list[Noise]]:
    """Recordings of half an hour with seizures until about this share of the windows holds one."""
    samples = int(HOURS_EACH * 3600 * RATE_HZ)
    count = int(hours / HOURS_EACH)
    length = int(SEIZURE_S * RATE_HZ)
    windows_each = (length + GRID.length_samples) / GRID.stride_samples
    wanted = max(2, round(share * count * int(GRID.count(np.array([samples]))[0]) / windows_each))
    slots = samples // (3 * length)
    places = rng.permutation(count * slots)[:wanted]
    recordings, signals = [], []
    for number in range(count):
        starts = np.sort(places[places // slots == number] % slots) * 3 * length + int(rng.integers(length))
        seizures = np.stack([starts, starts + length], axis=1).astype(np.int64)
        recordings.append(IndexedRecording(id=f"r{number}", patient=f"p{number}", samples=samples, seizures=seizures))
        signals.append(Noise(samples, seizures, rng))
    return build_index(recordings, GRID), signals


class Drawing:
    """Batches that are known beforehand.

    Args:
        table: Window numbers (steps, SIZE).
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    def prior(self, index: WindowIndex) -> float:
        """Share of ictal time in what is drawn."""
        return float(index.ictal_samples_in(self.table).sum()) / (self.table.size * GRID.length_samples)

    def batch(self, step: int) -> Table:
        """Windows of a step: (SIZE,)."""
        batch: Table = self.table[step]
        return batch

    def learnt(self, losses: npt.NDArray[np.float32]) -> None:
        """Be told each window's loss in the last batch: (SIZE,)."""


class AdaptiveDrawing(Drawing):
    """Batches whose quotas follow the loss of the round before."""

    def __init__(self, index: WindowIndex, steps: int, seed: int) -> None:
        super().__init__(np.zeros((steps, SIZE), dtype=np.int64))
        config = BatchConfig(size=SIZE, seizure_windows=SEIZURE_WINDOWS, seed=seed, strategy="adaptive")
        self.plan = adaptive(index, config)
        self.losses: tuple[list[float], list[float]] = ([], [])
        """Of background and of seizure windows, in this round."""
        self.step = 0

    def prior(self, index: WindowIndex) -> float:
        """The present round's."""
        assert index is self.plan.index
        return prior.drawn(self.plan).time_step

    def batch(self, step: int) -> Table:
        """Windows of a step, which must come in order."""
        if step and step % ROUND_STEPS == 0:
            background, seizure = (statistics.fmean(losses) for losses in self.losses)
            self.plan = self.plan.advance(step, seizure_loss=seizure, background_loss=background)
            self.losses = ([], [])
        self.step = step
        self.table[step] = self.plan.batch(step)
        return super().batch(step)

    def learnt(self, losses: npt.NDArray[np.float32]) -> None:
        """Keep them by kind."""
        seizure = np.isin(self.table[self.step], self.plan.index.seizure_windows)
        for kind, loss in zip(seizure.tolist(), losses.tolist(), strict=True):
            self.losses[kind].append(loss)


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A way of drawing, and of weighing the loss."""

    draw: Callable[[WindowIndex, int, int], Drawing]
    """(index, steps, seed) to what gives the batches."""
    positive_weight: bool = False
    focal: bool = False


def _uniform(index: WindowIndex, steps: int, seed: int) -> Drawing:
    return Drawing(np.random.default_rng(seed).integers(index.windows, size=(steps, SIZE)))


def _weighted(index: WindowIndex, steps: int, seed: int, probe: int | None) -> Drawing:
    """The report's weights: after a probe as it was written, or (None) from exact labels."""
    rng = np.random.default_rng(seed)
    seizure = np.zeros(index.windows, dtype=np.bool_)
    seizure[index.seizure_windows] = True
    if probe is None:
        weights = np.where(seizure, probing.positive_weight(float(seizure.mean())), 1.0)
    else:
        weights, _ = probing.probed_weights(seizure, probe, rng)
    return Drawing(rng.choice(index.windows, size=(steps, SIZE), p=weights / weights.sum()))


def _planned(strategy: str, seizure_windows: int = SEIZURE_WINDOWS) -> Callable[[WindowIndex, int, int], Drawing]:
    def draw(index: WindowIndex, steps: int, seed: int) -> Drawing:
        config = BatchConfig(size=SIZE, seizure_windows=seizure_windows, seed=seed, strategy=strategy)  # type: ignore[arg-type]
        return Drawing(make(index, config).table(0, steps))

    return draw


STRATEGIES = {
    "uniform": Strategy(draw=_uniform),
    "report's probe of 500, as written": Strategy(draw=lambda i, n, s: _weighted(i, n, s, 500)),
    "report's probe of 20,000, as written": Strategy(draw=lambda i, n, s: _weighted(i, n, s, 20_000)),
    "report's weights, exact labels": Strategy(draw=lambda i, n, s: _weighted(i, n, s, None)),
    "uniform, positive weight": Strategy(draw=_uniform, positive_weight=True),
    "uniform, focal": Strategy(draw=_uniform, focal=True),
    "oversample to the same share": Strategy(draw=_planned("oversample")),
    "balanced, 8 of 16": Strategy(draw=_planned("balanced")),
    "balanced, 2 of 16": Strategy(draw=_planned("balanced", 2)),
    "adaptive, from 8 of 16": Strategy(draw=AdaptiveDrawing),
}


def train(dataset: WindowDataset, drawing: Drawing, strategy: Strategy, seed: int) -> torch.nn.Module:
    """The same model, optimiser and steps for all; nothing watches."""
    torch.manual_seed(seed)
    drawn, steps = drawing.prior(dataset.index), len(drawing.table)
    model = build(MODEL, CHANNELS, min(max(drawn, 1e-4), 0.999))
    optimiser = adamw(model, PEAK_RATE, 0.01)
    weight = (1 - drawn) / max(drawn, 1e-4) if strategy.positive_weight else 1.0
    for step in range(steps):
        batch = dataset.__getitems__(drawing.batch(step).tolist())
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, peak=PEAK_RATE, warmup_steps=20, steps=steps)
        logits = model(batch.signal_uv, batch.valid_samples)
        losses = functional.binary_cross_entropy_with_logits(logits, batch.labels, reduction="none")
        drawing.learnt(losses.detach().mean(dim=1).numpy())
        if strategy.focal:
            sure = torch.sigmoid(logits) * batch.labels + torch.sigmoid(-logits) * (1 - batch.labels)
            losses = losses * (1 - sure).square()
        losses = losses * (1 + (weight - 1) * batch.labels) * batch.weights
        optimiser.zero_grad()
        (losses.sum() / batch.weights.sum()).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model


def traces(model: torch.nn.Module, index: WindowIndex, signals: Sequence[Noise]) -> tuple[list[Floats], list[Floats]]:
    """Logits and ictal share of every step of every recording."""
    logits = [
        recording_traces(
            model, s, length_samples=GRID.length_samples, samples_per_step=SAMPLES_PER_STEP, batch_size=64,
            device=torch.device("cpu"),
        ).logits
        for s in signals
    ]  # fmt: skip
    ictal = []
    for recording in index.recordings:
        steps = np.zeros(recording.samples // SAMPLES_PER_STEP)
        for start, stop in recording.seizures:
            steps[start // SAMPLES_PER_STEP : stop // SAMPLES_PER_STEP] = 1
        ictal.append(steps)
    return logits, ictal


def event_f1(
    dev: Sequence[Floats], dev_index: WindowIndex, test: Sequence[Floats], test_index: WindowIndex
) -> float | None:
    """SzCORE's event F1 at the threshold that is best on the first patients; None where it is undefined."""
    rate_hz = RATE_HZ / SAMPLES_PER_STEP
    rule = EventConfig()
    thresholds = _candidates(dev, 60)
    by_threshold = list(events_by_threshold(dev, rate_hz, [rule.rule(t) for t in thresholds.tolist()]))
    found = [_f1(events, dev_index) for events in by_threshold]
    best = int(np.nanargmax([-1.0 if f is None else f for f in found]))
    (events,) = events_by_threshold(test, rate_hz, [rule.rule(float(thresholds[best]))])
    return _f1(events, test_index)


def _candidates(traces: Sequence[Floats], most: int) -> Floats:
    """Values that the traces take, ascending: the k-th highest of all steps for k in geometric progression."""
    highest_first = -np.sort(-np.concatenate(traces))
    values = np.unique(highest_first[np.rint(np.geomspace(1, highest_first.size, most)).astype(np.int64) - 1])
    return values[values > 0.0]


def _f1(events: Sequence[Floats], index: WindowIndex) -> float | None:
    names = [r.id for r in index.recordings]
    durations = [r.samples / RATE_HZ for r in index.recordings]
    reference = event_lists([r.seizures / RATE_HZ for r in index.recordings], durations, names)
    found = event_lists(list(events), durations, names)
    counts = szcore.count_events_by_recording(reference, found).pooled()
    f1 = counts.f1
    return None if math.isnan(f1) else f1


def one_run(share: float, seed: int, name: str, steps: int) -> dict[str, Any]:
    """Train with one strategy on one corpus, and score."""
    torch.set_num_threads(1)
    strategy = STRATEGIES[name]
    rng = np.random.default_rng([seed, int(share * 1e6)])
    index, signals = corpus(share, TRAIN_HOURS, rng)
    parts = [corpus(share, hours, rng) for hours in (DEV_HOURS, TEST_HOURS)]
    drawing = strategy.draw(index, steps, seed)
    model = train(WindowDataset(index, signals, SAMPLES_PER_STEP), drawing, strategy, seed)  # type: ignore[arg-type]
    ictal, drawn = index.ictal_samples_in(drawing.table), drawing.prior(index)
    (dev, dev_ictal), (test, test_ictal) = (traces(model, *part) for part in parts)
    truth = np.concatenate(test_ictal) >= 0.5
    every, area = np.concatenate(test), auprc(np.concatenate(test), truth)
    natural = prior.natural(index).time_step
    return {
        "share": share, "seed": seed, "strategy": name,
        "window_share": len(index.seizure_windows) / index.windows,
        "batches_without_seizure": float((ictal == 0).all(axis=1).mean()),
        "drawn_window_share": float((ictal > 0).mean()),
        "auprc": area, "prevalence": float(truth.mean()), "logit_spread": float(every.std()),
        "positive_share": float((every > 0).mean()),
        "collapsed": bool(area < CHANCE_FACTOR * truth.mean() or not (every > 0).any()),
        "event_f1": event_f1([sigmoid(t) for t in dev], parts[0][0], [sigmoid(t) for t in test], parts[1][0]),
        **_calibration(dev, dev_ictal, test, truth, natural, drawn),
    }  # fmt: skip


def _calibration(
    dev: Sequence[Floats], dev_ictal: Sequence[Floats], test: Sequence[Floats], truth: npt.NDArray[np.bool_],
    natural: float, drawn: float,
) -> dict[str, float]:  # fmt: skip
    """ECE and Brier skill on the test patients: raw, prior taken back, and with the temperature of the dev patients."""
    raw = np.concatenate(test)
    drawn = min(max(drawn, 1e-6), 1 - 1e-6)
    tuning, corrected = correct_prior(np.concatenate(dev), natural, drawn), correct_prior(raw, natural, drawn)
    forms = {"raw": raw, "corrected": corrected}
    if tuning.std() > 1e-6:
        temperature = fit_temperature(tuning, np.concatenate(dev_ictal) >= 0.5)
        forms["calibrated"] = Calibration(temperature=temperature).apply(corrected)
    result = {}
    for form, values in forms.items():
        probability = sigmoid(values)
        result[f"ece_{form}"] = ece(probability, truth)
        result[f"brier_skill_{form}"] = brier_skill(probability, truth)
    return result


def run_all(
    names: Sequence[str], shares: Sequence[float], seeds: int, steps: int, jobs: int, kept: Path
) -> list[dict[str, Any]]:
    """Every run that is not in the file yet, in other processes; each is written as soon as it is done."""
    runs = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    runs = [run for run in runs if run["steps"] == steps]
    done = {(run["share"], run["seed"], run["strategy"]) for run in runs}
    waiting = [
        (share, seed, name)
        for seed in range(seeds)
        for share in shares
        for name in names
        if (share, seed, name) not in done
    ]
    started = time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=get_context("forkserver")) as pool, kept.open("a") as file:
        futures = [pool.submit(one_run, *task, steps) for task in waiting]
        for number, future in enumerate(as_completed(futures), 1):
            runs.append({**future.result(), "steps": steps})
            file.write(json.dumps(runs[-1]) + "\n")
            file.flush()
            left_s = (time.monotonic() - started) / number * (len(waiting) - number)
            print(f"\r{number}/{len(waiting)} runs, {left_s / 60:.0f} min left ", end="", flush=True)
    print()
    return runs


def rows(runs: Sequence[dict[str, Any]], share: float) -> Iterator[list[str]]:
    """One line of the table for every strategy."""
    for name in STRATEGIES:
        mine = [run for run in runs if run["strategy"] == name and run["share"] == share]
        if mine:
            f1 = [run["event_f1"] for run in mine if run["event_f1"] is not None]
            yield [
                name,
                f"{_mean(mine, 'batches_without_seizure'):.0%}",
                f"{_mean(mine, 'drawn_window_share'):.1%}",
                f"{sum(run['collapsed'] for run in mine)} of {len(mine)}",
                f"{_median(mine, 'auprc'):.2f}",
                f"{statistics.median(f1):.2f}" if f1 else "-",
                " / ".join(f"{_median(mine, f'ece_{form}'):.3f}" for form in ("raw", "corrected", "calibrated")),
                " / ".join(
                    f"{_median(mine, f'brier_skill_{form}'):.2f}" for form in ("raw", "corrected", "calibrated")
                ),
            ]


HEADER = [
    "strategy", "batches without a seizure", "seizure windows drawn", "collapsed", "AUPRC", "event F1",
    "ECE raw / prior back / calibrated", "Brier skill raw / prior back / calibrated",
]  # fmt: skip


def picture(runs: Sequence[dict[str, Any]], shares: Sequence[float], path: Path) -> None:
    """AUPRC of every run, one panel for each share of seizure windows; collapsed runs in the colour of a seizure."""
    names = [name for name in STRATEGIES if any(run["strategy"] == name for run in runs)]
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "ictal", "font.size": 8})
    figure = Figure(figsize=(8.6, 3.1), layout="constrained")
    panels = figure.subplots(1, len(shares), sharey=True, squeeze=False)[0]
    for axes, share in zip(panels, shares, strict=True):
        for place, name in enumerate(names):
            mine = [run for run in runs if run["strategy"] == name and run["share"] == share]
            for collapsed, colour in ((False, LIGHT["detection"]), (True, LIGHT["seizure"])):
                areas = [run["auprc"] for run in mine if run["collapsed"] is collapsed]
                axes.scatter(areas, [place] * len(areas), s=14, alpha=0.5, color=colour, linewidths=0)
            lost = sum(run["collapsed"] for run in mine)
            if lost:
                axes.text(1.02, place, f"{lost} of {len(mine)}", va="center", color=LIGHT["seizure"], clip_on=False)
        axes.set(title=f"{share:.1%} seizure windows", xlim=(-0.03, 1.0), xlabel="AUPRC", yticks=range(len(names)))
        axes.set_yticklabels(names)
        axes.grid(axis="y", color=LIGHT["line"], linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
    panels[0].invert_yaxis()
    figure.savefig(path, metadata={"Date": None})


def _mean(runs: Sequence[dict[str, Any]], key: str) -> float:
    return statistics.fmean(run[key] for run in runs)


def _median(runs: Sequence[dict[str, Any]], key: str) -> float:
    values = [run[key] for run in runs if key in run]
    return statistics.median(values) if values else math.nan


def main() -> None:
    """Run what is missing and print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.002, 0.005, 0.01, 0.08])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("incident"))
    parser.add_argument("--picture", type=Path, default=None)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    runs = run_all(
        options.strategies, options.shares, options.seeds, options.steps, options.jobs, options.out / "runs.jsonl"
    )
    if options.picture:
        picture(runs, options.shares, options.picture)
    for share in options.shares:
        here = [run for run in runs if run["share"] == share]
        print(f"\n### {share:.1%} of the windows hold a seizure ({_mean(here, 'window_share'):.2%} made)\n")
        print("| " + " | ".join(HEADER) + " |\n|" + "---|" * len(HEADER))
        for row in rows(here, share):
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
