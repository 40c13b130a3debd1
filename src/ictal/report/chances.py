"""What a plan's feasibility says, as one picture: probes that find nothing, and batches without a seizure."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ictal.report import charts
from ictal.report.palette import LIGHT
from ictal.windows.feasibility import PROBES, log_none_in_probe

WIDTH_IN, HEIGHT_IN, DPI = 12.0, 4.2, 100
_FLOOR_LOG10 = -40.0
"""Chances below are drawn here: they are no chances."""


def chances_figure(plan: Mapping[str, Any]) -> bytes:
    """The picture as PNG.

    Args:
        plan: The plan's document, as `ictal plan --json` prints it.
    """
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    figure.patch.set_facecolor(LIGHT["surface"])
    left, right = figure.subplots(1, 2)
    train = plan["splits"]["train"]
    _probes(left, train["windows"], train["seizure_windows"])
    _batches(right, plan["feasibility"]["strategies"])
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def _probes(ax: Axes, windows: int, seizure: int) -> None:
    sizes = np.unique(np.geomspace(1, windows, 200).astype(int))
    log10 = [max(log_none_in_probe(windows, seizure, int(n)) / np.log(10), _FLOOR_LOG10) for n in sizes]
    ax.plot(sizes, log10, color=LIGHT["detection"])
    for probe in PROBES:
        if probe <= windows:
            ax.axvline(probe, color=LIGHT["line"], zorder=0)
            ax.annotate(
                f"{probe:,}", (probe, 0.5), fontsize=8, color=LIGHT["muted"], ha="center", annotation_clip=False
            )
    ax.set_xscale("log")
    title = f"Probing {windows:,} windows, {seizure:,} of them with a seizure"
    charts.label(ax, x="windows that a probe looks at", y="log10 of the chance that it finds none", title=title)


def _batches(ax: Axes, strategies: list[Mapping[str, Any]]) -> None:
    names = [row["strategy"] for row in strategies][::-1]
    shares = [0.0 if row["log10_batch_without"] is None else 10 ** row["log10_batch_without"] for row in strategies]
    bars = ax.barh(names, [100 * share for share in shares[::-1]], color=LIGHT["seizure"], height=0.6)
    ax.bar_label(bars, [f"{share:.1%}" for share in shares[::-1]], padding=3, fontsize=8, color=LIGHT["ink"])
    ax.set_xlim(0, 112)
    ax.tick_params(axis="y", labelsize=8)
    charts.label(ax, x="batches without a seizure, %", title="What each way of drawing leaves out")
