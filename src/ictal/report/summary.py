"""The result of a run as one picture: balance, skill, sensitivity against false alarms, EEG with its probability."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from ictal.report import charts
from ictal.report.contents import Contents, EegExample
from ictal.report.eeg import CUT_ROWS, envelope, gain_uv
from ictal.report.numbers import duration
from ictal.report.palette import LIGHT

WIDTH_PX, HEIGHT_PX, DPI, COLOURS = 1400, 800, 100, 128
_COLUMNS = 620


def summary_figure(contents: Contents) -> bytes:
    """The picture as PNG; a part that the run did not reach says so. Names are shown as they are, dollar signs too."""
    with mpl.rc_context({"text.parse_math": False}):
        return _png(_drawn(contents))


def _drawn(contents: Contents) -> Figure:
    figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, layout="constrained")
    figure.patch.set_facecolor(LIGHT["surface"])
    figure.suptitle(contents.verdict.headline, fontsize=13, fontweight="bold", color=LIGHT["ink"], x=0.012, ha="left")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.15))[0]
    axes = left.subplots(3, 1, gridspec_kw={"height_ratios": (1.15, 1, 1)})
    _balance(axes[0], contents)
    _skill(axes[1], contents)
    _sensitivity(axes[2], contents)
    trace, probability = right.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (5, 1)})
    _example(trace, probability, contents)
    return figure


def _png(figure: Figure) -> bytes:
    """The figure with a palette of its own: a third of the size of true colour, and no difference to see."""
    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    picture = picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    picture.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def _absent(ax: Axes, title: str) -> None:
    charts.label(ax, title=title)
    ax.set_axis_off()
    ax.text(0, 0.5, "not reached by this run", transform=ax.transAxes, color=LIGHT["muted"], style="italic")


def _balance(ax: Axes, contents: Contents) -> None:
    title = "Share of seizures, from corpus to training"
    if contents.plan is None:
        _absent(ax, title)
        return
    charts.balance(ax, charts.balance_stages(contents.corpus, contents.plan))
    charts.label(ax, title=title)


def _skill(ax: Axes, contents: Contents) -> None:
    if contents.training is None or len(contents.training.step) == 0:
        _absent(ax, "Skill in training")
        return
    charts.skill(ax, contents.training)
    charts.label(ax, x="step", y="skill", title="Skill in training")


def _sensitivity(ax: Axes, contents: Contents) -> None:
    title = "Sensitivity against false alarms"
    if contents.curve is None:
        _absent(ax, title)
        return
    charts.sensitivity(ax, contents.curve)
    charts.label(ax, x="false alarms per 24 h", y="seizures detected", title=title)


def _example(trace: Axes, probability: Axes, contents: Contents) -> None:
    if not contents.examples:
        _absent(trace, "EEG and detection")
        probability.set_axis_off()
        return
    example = contents.examples[0]
    _traces(trace, example)
    _probability(probability, example)


def _traces(ax: Axes, example: EegExample) -> None:
    gain = gain_uv(example.signal_uv)
    stop_s = example.start_s + example.signal_uv.shape[1] / example.rate_hz
    for row, signal_uv in enumerate(example.signal_uv):
        rows = np.clip((signal_uv - np.median(signal_uv)) / gain, -CUT_ROWS, CUT_ROWS)
        points = envelope(rows.astype(np.float64), _COLUMNS)
        times = np.linspace(example.start_s, stop_s, len(points))
        ax.plot(times, row + points, color=LIGHT["ink"], linewidth=0.5)
    for onset, stop in example.reference_s:
        ax.axvspan(onset, stop, color=LIGHT["seizure"], alpha=0.1, linewidth=0)
        ax.annotate(
            "annotated seizure", (onset, -1.2), fontsize=9, color=LIGHT["seizure"], fontweight="bold", va="bottom"
        )
    charts.tidy(ax)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_yticks(range(len(example.channels)), example.channels)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelbottom=False)
    ax.set_ylim(len(example.channels) - 0.2, -2)  # rows count downwards and negative is up
    ax.set_xlim(example.start_s, stop_s)
    name, length = example.recording.rsplit("/", maxsplit=1)[-1], duration(stop_s - example.start_s)
    charts.label(ax, title=f"{name}: {length}, {gain} µV per row, negative up")


def _probability(ax: Axes, example: EegExample) -> None:
    times = example.start_s + (np.arange(len(example.probability)) + 0.5) / example.probability_rate_hz
    ax.fill_between(times, example.probability, color=LIGHT["detection"], alpha=0.15, linewidth=0)
    ax.plot(times, example.probability, color=LIGHT["detection"], linewidth=1.4)
    ax.axhline(example.threshold, color=LIGHT["prior"], linestyle="--", linewidth=1)
    for onset, stop in example.detections_s:
        ax.plot([onset, stop], [1.1, 1.1], color=LIGHT["detection"], linewidth=5, solid_capstyle="butt")
        ax.annotate("detected", (onset, 1.1), xytext=(-4, 0), textcoords="offset points", fontsize=9, ha="right",
                    color=LIGHT["detection"], fontweight="bold", va="center")  # fmt: skip
    charts.tidy(ax)
    ax.set_ylim(0, 1.25)
    ax.set_yticks([0, 0.5, 1])
    charts.label(ax, x="seconds from the start of the recording", y="probability")
