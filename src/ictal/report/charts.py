"""Charts drawn on matplotlib axes; the page and the picture of the result share them.

Every chart says in words on itself what its lines are: no legend to match by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter

from ictal.report.contents import Document, ReliabilityBins, SensitivityCurve, Series, TrainingCurves
from ictal.report.numbers import percent
from ictal.report.palette import LIGHT

SMALL = 8.0
FEW_STEPS = 100
"""A point of the reliability plot that rests on fewer time steps is drawn hollow."""
BACKED = {"facecolor": LIGHT["surface"], "alpha": 0.85, "edgecolor": "none", "pad": 1.0}
"""Box behind a label that lies on lines."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Share of seizures at one stage of the data's way."""

    name: str
    group: str
    unit: str
    full: float
    """Share that is ictal, or of windows that are ictal all through."""
    partial: float = 0.0
    """Share of windows that are ictal in part."""

    @property
    def share(self) -> float:
        """Share with seizure in all."""
        return self.full + self.partial


def balance_stages(corpus: Document | None, plan: Document) -> tuple[Stage, ...]:
    """Class balance from the corpus to the reported probability, in the order of the data's way."""
    partial, full = plan["strata"]["partial"], plan["strata"]["full"]
    natural, drawn = plan["natural_prevalence"], plan["drawn_prevalence"]
    corrected = plan["prior"]["natural"] if "prior" in plan else natural
    is_partial, before = partial / (partial + full), "before the plan, all parts"
    stages = [
        Stage(name="windows", group=before, unit="windows with a seizure",
              full=natural["window"] * (1 - is_partial), partial=natural["window"] * is_partial),
        Stage(name="windows drawn", group="drawn for training", unit="drawn windows with a seizure",
              full=drawn["window"] * (1 - is_partial), partial=drawn["window"] * is_partial),
        Stage(name="time steps drawn", group="drawn for training", unit="drawn time steps that are ictal",
              full=drawn["time_step"]),
        Stage(name="prior of the output", group="after correction",
              unit="prior of the corrected probabilities", full=corrected["time_step"]),
    ]  # fmt: skip
    if corpus is not None and corpus["hours"] > 0:
        share = corpus["seizure_seconds"] / (3600 * corpus["hours"])
        recorded = Stage(name="recorded time", group=before, unit="seconds that are ictal", full=share)
        stages.insert(0, recorded)
    return tuple(stages)


def tidy(ax: Axes) -> None:
    """Two spines, quiet grid, small ticks."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LIGHT["muted"])
    ax.tick_params(colors=LIGHT["muted"], labelcolor=LIGHT["ink"], labelsize=SMALL, length=3)
    ax.grid(visible=True, color=LIGHT["line"], linewidth=0.6)
    ax.set_axisbelow(True)


def label(ax: Axes, *, x: str = "", y: str = "", title: str = "") -> None:
    """Names of the axes, with units, and what the chart shows."""
    ax.set_xlabel(x, fontsize=SMALL, color=LIGHT["muted"])
    ax.set_ylabel(y, fontsize=SMALL, color=LIGHT["muted"])
    ax.set_title(title, fontsize=9.5, color=LIGHT["ink"], loc="left", fontweight="bold", pad=8)


def balance(ax: Axes, stages: Sequence[Stage]) -> None:
    """Bars from 0 to 100 %: seizure from the left, background the rest."""
    starts_group = np.array([True, *(a.group != b.group for a, b in pairwise(stages))])
    places = -np.arange(len(stages)) - np.cumsum(starts_group) * 0.6
    for place, stage, starts in zip(places, stages, starts_group, strict=True):
        if starts:
            ax.text(0, place + 0.42, stage.group, va="bottom", fontsize=SMALL, color=LIGHT["muted"])
        ax.barh(place, 1, height=0.62, color=LIGHT["quiet"], linewidth=0)
        ax.barh(place, stage.full, height=0.62, color=LIGHT["seizure"], linewidth=0)
        if stage.partial:
            ax.barh(
                place, stage.partial, left=stage.full, height=0.62, color=LIGHT["partial"],
                hatch="/////", hatchcolor=LIGHT["seizure"], linewidth=0,
            )  # fmt: skip
        ax.text(max(stage.share, 0.0) + 0.012, place, percent(stage.share), va="center", fontsize=9,
                color=LIGHT["ink"], fontweight="bold")  # fmt: skip
    tidy(ax)
    ax.grid(visible=False)
    ax.spines["left"].set_visible(False)
    ax.set_yticks(places, [stage.name for stage in stages])
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1)
    ax.set_ylim(places[-1] - 0.5, places[0] + 0.95)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, symbol="\u202f%"))


def incident(ax: Axes, rows: Sequence[Document], natural: float | None) -> None:
    """Share of drawn windows that hold a seizure, by strategy, against the corpus's own share."""
    places = np.arange(len(rows))[::-1]
    for place, row in zip(places, rows, strict=True):
        share = row["drawn_seizure_share"]
        colour = LIGHT["good"] if place == 0 else LIGHT["seizure"]
        ax.plot([0, share], [place, place], color=colour, linewidth=2)
        ax.plot(share, place, "D" if place == 0 else "o", color=colour, markersize=6)
        ax.annotate(percent(share), (share, place), xytext=(8, 0), textcoords="offset points",
                    va="center", fontsize=SMALL, color=LIGHT["ink"])  # fmt: skip
    if natural is not None:
        ax.axvline(natural, color=LIGHT["muted"], linestyle="--", linewidth=1)
        ax.annotate("share in the corpus", (natural, len(rows) - 0.45), xytext=(4, 0),
                    textcoords="offset points", fontsize=SMALL, color=LIGHT["muted"])  # fmt: skip
    tidy(ax)
    ax.grid(visible=False, axis="y")
    ax.set_yticks(places, [str(row["strategy"]) for row in rows])
    ax.set_ylim(-0.6, len(rows) - 0.1)
    ax.set_xlim(0, 1.15 * max([row["drawn_seizure_share"] for row in rows] + [natural or 0.01]))
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, symbol="\u202f%"))
    label(ax, x="share of the drawn windows that hold a seizure")


def loss(ax: Axes, curves: TrainingCurves) -> None:
    """Training loss against that of the drawn prior alone."""
    _series(ax, curves, curves.loss, LIGHT["detection"])
    ax.axhline(curves.blind_loss, color=LIGHT["prior"], linestyle="--", linewidth=1.2)
    ax.annotate("knowing the drawn prior only", (1, curves.blind_loss), xytext=(-2, 4),
                xycoords=("axes fraction", "data"), textcoords="offset points", ha="right", fontsize=SMALL,
                color=LIGHT["prior"])  # fmt: skip
    ax.set_ylim(0, max(1.25 * curves.blind_loss, 1.05 * float(np.nanmax(curves.loss))))
    label(ax, x="step", y="nats per time step", title="Loss")


def skill(ax: Axes, curves: TrainingCurves) -> None:
    """Skill of the batches."""
    _series(ax, curves, curves.skill, LIGHT["detection"])
    ax.axhline(0, color=LIGHT["prior"], linestyle="--", linewidth=1.2)
    ax.annotate("0: the prior only", (1, 0), xytext=(-2, 4), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", fontsize=SMALL, color=LIGHT["prior"])  # fmt: skip
    low = min(-0.1, 1.1 * float(np.nanmin(curves.skill, initial=0.0)))
    ax.set_ylim(max(low, -1.5), 1.02)
    label(ax, x="step", y="0: the prior only, 1: everything", title="Skill")


def separation(ax: Axes, curves: TrainingCurves) -> None:
    """How far apart the classes' logits are, and how wide logits spread."""
    _series(ax, curves, curves.separation, LIGHT["detection"])
    _series(ax, curves, curves.logit_spread, LIGHT["seizure"], style=":")
    for series, name, colour in (
        (curves.separation, "ictal − background", LIGHT["detection"]),
        (curves.logit_spread, "spread of all logits", LIGHT["seizure"]),
    ):
        known = np.flatnonzero(np.isfinite(series))[-1:]
        for last in known:
            ax.annotate(name, (curves.step[last], series[last]), xytext=(-2, 11), textcoords="offset points",
                        ha="right", fontsize=SMALL, color=colour, bbox=BACKED)  # fmt: skip
    ax.margins(y=0.18)
    label(ax, x="step", y="logits", title="Class separation")


def learning_rate(ax: Axes, curves: TrainingCurves) -> None:
    """The schedule as it was run."""
    ax.plot(curves.step, curves.learning_rate, color=LIGHT["detection"], linewidth=1.4)
    tidy(ax)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    label(ax, x="step", y="learning rate", title="Learning rate")


def validation(ax: Axes, curves: TrainingCurves) -> None:
    """What whole recordings of the dev part gave as training went on; the kept weights are ringed."""
    steps = [point.step for point in curves.validation]
    for values, name, style, colour in (
        ([point.auprc for point in curves.validation], "AUPRC", "-D", LIGHT["detection"]),
        ([point.sensitivity for point in curves.validation], "sensitivity", ":o", LIGHT["seizure"]),
    ):
        ax.plot(steps, values, style, color=colour, markersize=4.5, linewidth=1.4)
        ax.annotate(name, (steps[-1], values[-1]), xytext=(-2, 7), textcoords="offset points", ha="right",
                    fontsize=SMALL, color=colour, bbox=BACKED)  # fmt: skip
    kept = [point for point in curves.validation if point.best]
    if kept:
        ax.plot(kept[-1].step, kept[-1].auprc, "o", markerfacecolor="none", markeredgecolor=LIGHT["good"],
                markeredgewidth=2, markersize=11)  # fmt: skip
    tidy(ax)
    ax.set_ylim(-0.03, 1.12)
    label(ax, x="step", y="share", title="Whole recordings of the dev part")


def seizures_drawn(ax: Axes, curves: TrainingCurves) -> None:
    """Seizure windows in every step's batches, as the labels have them."""
    assert curves.seizure_windows is not None
    ax.plot(curves.step, curves.seizure_windows, color=LIGHT["seizure"], linewidth=1.4, drawstyle="steps-mid")
    tidy(ax)
    ax.set_ylim(0, 1.25 * max(1, int(curves.seizure_windows.max())))
    label(ax, x="step", y="windows", title="Seizure windows in each step")


def _series(ax: Axes, curves: TrainingCurves, values: Series, colour: str, style: str = "-") -> None:
    """A noisy series, thin, under its running mean."""
    ax.plot(curves.step, values, color=colour, linewidth=0.7, alpha=0.35)
    ax.plot(curves.step, smoothed(values), style, color=colour, linewidth=1.6)
    if curves.stopped_at is not None:
        ax.axvline(curves.stopped_at, color=LIGHT["seizure"], linewidth=1)
    tidy(ax)


def smoothed(values: Series) -> Series:
    """Running mean of what is defined over a twentieth of the series, shorter at its start; it looks back only."""
    width, known = max(len(values) // 20, 1), np.isfinite(values)
    total, counted = (np.concatenate([[0.0], np.cumsum(of)]) for of in (np.where(known, values, 0.0), known))
    stops = np.arange(1, len(values) + 1)
    starts = np.maximum(stops - width, 0)
    number = counted[stops] - counted[starts]
    mean = np.full(len(values), np.nan)
    np.divide(total[stops] - total[starts], number, out=mean, where=number > 0)
    return mean


def sensitivity(ax: Axes, curve: SensitivityCurve) -> None:
    """Event sensitivity against false alarms per 24 h, with the operating point and the target."""
    alarms, found = best_within(curve)
    shade(ax, curve, LIGHT["detection"])
    ax.plot(alarms, found, color=LIGHT["detection"], linewidth=1.8, drawstyle="steps-post")
    if curve.target_false_alarms_per_24h is not None:
        ax.axvline(curve.target_false_alarms_per_24h, color=LIGHT["prior"], linestyle="--", linewidth=1.2)
        ax.annotate("target", (curve.target_false_alarms_per_24h, 0.03), xytext=(4, 0), textcoords="offset points",
                    fontsize=SMALL, color=LIGHT["prior"])  # fmt: skip
    ax.set_xscale("symlog", linthresh=1, linscale=0.35)
    ax.set_xlim(0, max(48.0, float(np.nanmax(alarms, initial=0.0))))
    ticks = [tick for tick in (0, 1, 2, 5, 10, 24, 50, 100, 200, 500, 1000) if tick <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0, 1.04)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol="\u202f%"))
    tidy(ax)
    label(ax, x="false alarms per 24 h", y="seizures detected")
    if curve.operating is not None:
        _operating_point(ax, curve, curve.operating)


def shade(ax: Axes, curve: SensitivityCurve, colour: str) -> None:
    """The curve's band, if it has one."""
    if curve.band is not None:
        ax.fill_between(
            curve.band.rates_per_24h, curve.band.lower, curve.band.upper, step="post",
            color=colour, alpha=0.18, linewidth=0,
        )  # fmt: skip


def best_within(curve: SensitivityCurve) -> tuple[Series, Series]:
    """False alarms per 24 h, ascending, and the highest sensitivity of any threshold that makes no more than each."""
    order = np.lexsort((-curve.sensitivity, curve.false_alarms_per_24h))
    return curve.false_alarms_per_24h[order], np.maximum.accumulate(curve.sensitivity[order])


def _operating_point(ax: Axes, curve: SensitivityCurve, place: int) -> None:
    """A ring on the curve with its numbers beside it, on the side where there is room."""
    x, y = float(curve.false_alarms_per_24h[place]), float(curve.sensitivity[place])
    if curve.sensitivity_interval is not None:
        ax.plot([x, x], curve.sensitivity_interval, color=LIGHT["seizure"], linewidth=1.2, marker="_", zorder=4)
    if curve.false_alarms_interval is not None:
        ax.plot(curve.false_alarms_interval, [y, y], color=LIGHT["seizure"], linewidth=1.2, marker="|", zorder=4)
    ax.plot(x, y, "o", color=LIGHT["surface"], markeredgecolor=LIGHT["seizure"], markeredgewidth=2.2, markersize=9,
            zorder=5, clip_on=False)  # fmt: skip
    is_far_right = ax.transAxes.inverted().transform(ax.transData.transform((x, y)))[0] > 0.65
    ax.annotate(
        f"operating point\n{percent(y)} at {x:.1f} per 24 h",
        (x, y),
        xytext=(-12 if is_far_right else 12, -8 if y > 0.3 else 8),
        textcoords="offset points",
        ha="right" if is_far_right else "left",
        va="top" if y > 0.3 else "bottom",
        fontsize=SMALL,
        color=LIGHT["seizure"],
        fontweight="bold",
        bbox=BACKED,
    )


def reliability(ax: Axes, bins: ReliabilityBins) -> None:
    """Observed share against stated probability; the diagonal is perfect, hollow points rest on few steps."""
    filled = bins.count > 0
    stated, observed, colour = bins.mean_probability[filled], bins.observed_share[filled], LIGHT["detection"]
    few = bins.count[filled] < FEW_STEPS
    ax.plot([0, 1], [0, 1], color=LIGHT["prior"], linestyle="--", linewidth=1.2)
    ax.plot(stated, observed, color=colour, linewidth=1, alpha=0.5)
    for these, inside in ((~few, colour), (few, LIGHT["surface"])):
        ax.plot(stated[these], observed[these], "o", color=inside, markeredgecolor=colour, markersize=5.5, zorder=5,
                clip_on=False)  # fmt: skip
    ax.annotate("perfectly calibrated", (0.35, 0.35), xytext=(10, -12), textcoords="offset points", fontsize=SMALL,
                color=LIGHT["prior"])  # fmt: skip
    tidy(ax)
    _root_axis(ax, "x")
    _root_axis(ax, "y")
    label(ax, x="stated probability", y="share that was ictal", title="Stated against observed")


def bin_counts(ax: Axes, bins: ReliabilityBins) -> None:
    """How many time steps each bin rests on."""
    filled = bins.count > 0
    ax.vlines(bins.mean_probability[filled], 0.8, bins.count[filled], color=LIGHT["detection"], linewidth=2)
    ax.plot(bins.mean_probability[filled], bins.count[filled], "o", color=LIGHT["detection"], markersize=5)
    ax.set_yscale("log")
    ax.set_ylim(bottom=0.8)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    tidy(ax)
    _root_axis(ax, "x")
    label(ax, x="stated probability", y="time steps (log)", title="How much each point rests on")


def _root_axis(ax: Axes, which: Literal["x", "y"]) -> None:
    """Probabilities from 0 to 1 on a square-root scale."""
    limits, ticks = (-0.0002, 1.0), (0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1)
    names = [f"{tick:g}" for tick in ticks]
    if which == "x":
        ax.set_xscale("function", functions=(_signed_root, _signed_square))
        ax.set_xlim(*limits)
        ax.set_xticks(ticks, names)
    else:
        ax.set_yscale("function", functions=(_signed_root, _signed_square))
        ax.set_ylim(*limits)
        ax.set_yticks(ticks, names)


def _signed_root(values: Series) -> Series:
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: Series) -> Series:
    return np.sign(values) * np.square(values)
