"""Draws the pictures of docs/concepts.md with the functions they explain: python docs/pictures/draw.py [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ictal.detection.calibration import correct_prior, sigmoid
from ictal.detection.events import EventRule, events
from ictal.report.palette import LIGHT
from ictal.scoring.szcore import count_events
from ictal.timeline.grid import WindowGrid
from ictal.windows.index import IndexedRecording, build
from ictal.windows.labels import STRATA, LabelRule

SEIZURE_S = (310, 395)
COLOURS = {
    "full": LIGHT["seizure"],
    "partial": LIGHT["partial"],
    "peri_ictal": LIGHT["prior"],
    "interictal": LIGHT["quiet"],
}


def strata() -> Figure:
    """Windows of 60 s, every 20 s, over ten minutes with one seizure."""
    one = IndexedRecording(id="r", patient="p", samples=600, seizures=np.array([SEIZURE_S]), types=("seiz",))
    index = build([one], WindowGrid(length_samples=60, stride_samples=20), LabelRule(peri_ictal_samples=120))
    windows = np.arange(index.windows)
    kinds = [STRATA[kind] for kind in index.stratum_of(windows)]
    _, starts = index.locate(windows)
    figure, axes = _figure(height=2.9)
    axes.axvspan(*SEIZURE_S, color=LIGHT["seizure"], alpha=0.15, linewidth=0)
    axes.text(np.mean(SEIZURE_S), 3.75, "seizure", ha="center", color=LIGHT["seizure"])
    for number, (start, kind) in enumerate(zip(starts, kinds, strict=True)):
        axes.barh(number % 4, 58, left=start + 1, height=0.75, color=COLOURS[kind])
    for kind, colour in COLOURS.items():
        axes.barh(0, 0, color=colour, label=kind)
    axes.set(xlim=(0, 600), ylim=(-0.6, 4.4), yticks=[], xlabel="seconds of the recording")
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.18), frameon=False)
    return figure


def prior() -> Figure:
    """What a model that learnt at 13 % says, and what it means at 1 %."""
    said = np.linspace(0.001, 0.999, 999)
    meant = sigmoid(correct_prior(np.log(said / (1 - said)), natural=0.01, drawn=0.13))
    figure, axes = _figure(height=3.2, width=4.6)
    axes.plot(said, said, color=LIGHT["quiet"], linestyle="--", label="taken at its word")
    axes.plot(said, meant, color=LIGHT["detection"], label="with the drawn prior taken out")
    axes.plot(0.13, 0.01, "o", color=LIGHT["seizure"], label='"I know nothing": 13 % drawn, 1 % in nature')
    axes.set(xlabel="probability that the model says", ylabel="probability that it means", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def false_alarms() -> Figure:
    """Two hours of probabilities with two seizures, and what three thresholds make of them."""
    reference = [(1500.0, 1580.0), (5200.0, 5260.0)]
    probability = _trace(reference)
    figure, axes = _figure(height=3.4)
    minutes = np.arange(len(probability)) / 60
    axes.plot(minutes, probability, color=LIGHT["ink"], linewidth=0.7)
    for onset_s, stop_s in reference:
        axes.axvspan(onset_s / 60, stop_s / 60, color=LIGHT["seizure"], alpha=0.25, linewidth=0)
    shown = {0.3: LIGHT["false"], 0.7: LIGHT["detection"], 0.95: LIGHT["good"]}
    for number, (on, colour) in enumerate(shown.items(), start=1):
        found = events(probability, 1.0, EventRule(on=on))
        counts = count_events(reference, found, float(len(probability)))
        axes.axhline(on, color=colour, linewidth=0.8, linestyle="--")
        axes.broken_barh(
            [(a / 60, max((b - a) / 60, 0.6)) for a, b in found], (-0.1 * number - 0.03, 0.06), color=colour
        )
        said = f"{counts.true_positives} of 2, {counts.false_positives / len(probability) * 86400:.0f} per 24 h"
        axes.text(121, on, f"{on:g}: {said}", color=colour, va="center")
    axes.set(xlim=(0, 120), ylim=(-0.37, 1), xlabel="minutes", ylabel="probability", yticks=[0, 0.5, 1])
    return figure


def _trace(reference: list[tuple[float, float]]) -> np.ndarray:
    draw = np.random.default_rng(1)
    logit = np.convolve(draw.normal(0, 2.0, 7260), np.ones(20) / 9, "same")[:7200] - 4
    for (onset_s, stop_s), height in zip(reference, (7.0, 4.6), strict=True):
        logit[int(onset_s) : int(stop_s)] += height
    for at_s in (2700, 3900, 6300):
        logit[at_s : at_s + 40] += 3.9
    return sigmoid(logit)


def _figure(*, height: float, width: float = 7.5) -> tuple[Figure, mpl.axes.Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def main() -> None:
    """Write the pictures into a folder, by default beside this file."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    mpl.rcParams.update({"svg.hashsalt": "ictal", "svg.fonttype": "none", "font.size": 9})
    for name, draw in {"strata": strata, "prior": prior, "false_alarms": false_alarms}.items():
        draw().savefig(folder / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
