"""A stretch of EEG as an electroencephalographer reads it, with the detector's probability on the same time axis.

Channels are stacked from top to bottom, negative is up, and one gain holds for all of them. Each trace is the exact
minimum and maximum of every column of the drawing (no sample is skipped), written as an SVG path of integer steps.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from ictal.report.contents import EegExample, SpansS
from ictal.report.numbers import clock, compact, nice_step
from ictal.report.parts import drawing

COLUMNS = 980
LEFT, TOP, ROW, RIGHT = 62, 40, 27, 74
GAP, PROBABILITY_HEIGHT = 34, 74
GAINS_UV = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000)
"""Distances between two neighbouring channels to choose from, in µV."""
_UNITS_PER_PIXEL = 4
CUT_ROWS = 1.2
"""Deflections beyond so many rows are cut in the drawing."""


def gain_uv(signal_uv: npt.NDArray[np.float32]) -> int:
    """µV between two neighbouring channels: the smallest for which 98 % of the samples stay on their own row."""
    needed = 2 * float(np.percentile(np.abs(signal_uv - np.median(signal_uv, axis=1, keepdims=True)), 98))
    return next((gain for gain in GAINS_UV if gain >= needed), GAINS_UV[-1])


def envelope(trace: npt.NDArray[np.float64], columns: int) -> npt.NDArray[np.float64]:
    """Minimum and maximum of each column in turn: shape (2 * columns,); a short trace is returned as it is."""
    if len(trace) <= 2 * columns:
        return trace
    edges = np.linspace(0, len(trace), columns + 1).astype(np.int64)[:-1]
    pair = np.stack([np.minimum.reduceat(trace, edges), np.maximum.reduceat(trace, edges)], axis=1)
    pair[1::2] = pair[1::2, ::-1]
    return pair.ravel()


def draw(example: EegExample) -> Markup:
    """The whole figure as SVG."""
    assert np.isfinite(example.signal_uv).all(), "an EEG example holds a value that is not finite"
    rows = len(example.channels)
    bottom = TOP + rows * ROW
    width, height = LEFT + COLUMNS + RIGHT, bottom + GAP + PROBABILITY_HEIGHT + 40
    pieces = [
        _time_grid(example, bottom + GAP + PROBABILITY_HEIGHT),
        _bands(example, bottom),
        _traces(example),
        _scale_bar(gain_uv(example.signal_uv)),
        _probability(example, bottom + GAP),
    ]
    return drawing(
        f'<svg class="eeg" role="img" aria-label="{escape(describe(example))}" viewBox="0 0 {width} {height}">'
        f"{''.join(pieces)}</svg>"
    )


def describe(example: EegExample) -> str:
    """The figure in words."""
    peak = example.probability.max()
    return (
        f"EEG of {example.recording} from {clock(example.start_s)}, {_length_s(example):.0f} s, "
        f"{len(example.channels)} channels, negative up; {len(in_view(example, example.reference_s))} annotated and "
        f"{len(in_view(example, example.detections_s))} detected events; probability peaks at {peak:.2f}, threshold "
        f"{example.threshold:.2f}. {example.caption}"
    )


def in_view(example: EegExample, spans_s: SpansS) -> SpansS:
    """The spans that the stretch shows at least in part."""
    return spans_s[(spans_s[:, 0] < example.start_s + _length_s(example)) & (spans_s[:, 1] > example.start_s)]


def _length_s(example: EegExample) -> float:
    return float(example.signal_uv.shape[1] / example.rate_hz)


def _x(example: EegExample, time_s: float) -> float:
    return float(LEFT + (time_s - example.start_s) / _length_s(example) * COLUMNS)


def _time_grid(example: EegExample, bottom: float) -> str:
    step = nice_step(_length_s(example), 12)
    first = math.ceil(example.start_s / step) * step
    times = np.arange(first, example.start_s + _length_s(example) + 1e-9, step)
    lines = "".join(f"M{_x(example, t):.1f} {TOP}V{bottom}" for t in times)
    labels = "".join(
        f'<text class="tick" x="{_x(example, t):.1f}" y="{bottom + 15}" text-anchor="middle">{clock(t)}</text>'
        for t in times
    )
    title = (
        f'<text class="axis" x="{LEFT + COLUMNS / 2}" y="{bottom + 32}" text-anchor="middle">'
        f"time from the start of the recording (h:mm:ss; a line every {step:g} s)</text>"
    )
    return f'<path class="grid" d="{lines}"/>{labels}{title}'


def _bands(example: EegExample, bottom: float) -> str:
    """Annotated seizures as a shade with a bar above the EEG, detections as a bar below it."""
    reference, detections = _inside(example, example.reference_s), _inside(example, example.detections_s)
    shade = "".join(
        f'<rect class="shade" x="{a:.1f}" y="{TOP}" width="{b - a:.1f}" height="{bottom + 8 - TOP}"/>'
        f'<rect class="found" x="{a:.1f}" y="{TOP - 26}" width="{b - a:.1f}" height="6"/>'
        f'<text class="seizure" x="{a:.1f}" y="{TOP - 30}">annotated seizure</text>'
        for a, b in reference
    )
    bars = "".join(
        f'<rect class="hit" x="{a:.1f}" y="{bottom + GAP - 14}" width="{b - a:.1f}" height="6"/>' for a, b in detections
    )
    return shade + bars


def _inside(example: EegExample, spans_s: SpansS) -> list[tuple[float, float]]:
    """Spans in drawing units, cut to what is shown; those that lie elsewhere are left out."""
    cut = np.clip(in_view(example, spans_s), example.start_s, example.start_s + _length_s(example))
    return [(_x(example, a), _x(example, b)) for a, b in cut]


def _traces(example: EegExample) -> str:
    gain = gain_uv(example.signal_uv)
    pieces = []
    for row, (channel, signal_uv) in enumerate(zip(example.channels, example.signal_uv, strict=True)):
        middle = TOP + (row + 0.5) * ROW
        pieces.append(
            f'<text class="channel" x="{LEFT - 8}" y="{middle + 3.5}" text-anchor="end">{escape(channel)}</text>'
            f"{_trace(signal_uv.astype(np.float64), gain, middle)}"
        )
    return "".join(pieces)


def _trace(signal_uv: npt.NDArray[np.float64], gain: int, middle: float) -> str:
    rows = np.clip((signal_uv - np.median(signal_uv)) / gain, -CUT_ROWS, CUT_ROWS)
    points = envelope(rows, COLUMNS)
    levels = np.rint(points * ROW * _UNITS_PER_PIXEL).astype(np.int64)  # SVG counts downwards: negative is up
    scale = COLUMNS / (len(levels) - 1)
    steps = np.stack([np.ones(len(levels) - 1, dtype=np.int64), np.diff(levels)], axis=1).ravel()
    return (
        f'<path class="trace" transform="translate({LEFT} {middle}) scale({scale:.5f} {1 / _UNITS_PER_PIXEL})" '
        f'd="M0 {levels[0]}l{compact(steps)}"/>'
    )


def _scale_bar(gain: int) -> str:
    x = LEFT + COLUMNS + 10
    return (
        f'<path class="bar" d="M{x} {TOP + 4}h8m-4 0v{ROW}m-4 0h8"/>'
        f'<text class="tick" x="{x + 12}" y="{TOP + 4 + ROW / 2 + 3.5}">{gain} µV</text>'
        f'<text class="tick" x="{x}" y="{TOP + ROW + 22}">negative</text>'
        f'<text class="tick" x="{x}" y="{TOP + ROW + 35}">up ↑</text>'
    )


def _probability(example: EegExample, top: float) -> str:
    def y(value: float) -> float:
        return top + (1 - value) * PROBABILITY_HEIGHT

    values = envelope(example.probability.astype(np.float64), COLUMNS)
    span = len(example.probability) / example.probability_rate_hz / _length_s(example) * COLUMNS
    places = LEFT + (np.arange(len(values)) + 0.5) * span / len(values)
    line = "L".join(f"{a:.1f} {y(b):.1f}" for a, b in zip(places, values, strict=True))
    base = y(0)
    ticks = "".join(
        f'<text class="tick" x="{LEFT - 8}" y="{y(v) + 3.5:.1f}" text-anchor="end">{v:g}</text>' for v in (0, 0.5, 1)
    )
    return (
        f'<path class="frame" d="M{LEFT} {top}V{base}H{LEFT + COLUMNS}"/>{ticks}'
        f'<path class="area" d="M{places[0]:.1f} {base}L{line}V{base}z"/><path class="probability" d="M{line}"/>'
        f'<path class="threshold" d="M{LEFT} {y(example.threshold):.1f}h{COLUMNS}"/>'
        f'<text class="tick" x="{LEFT + COLUMNS + 6}" y="{y(example.threshold) + 3.5:.1f}">'
        f"on ≥ {example.threshold:.2f}</text>"
        f'<text class="axis" transform="translate({LEFT - 40} {top + PROBABILITY_HEIGHT / 2}) rotate(-90)" '
        f'text-anchor="middle">probability</text>'
    )
