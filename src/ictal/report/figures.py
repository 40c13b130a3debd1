"""Charts as inline SVG that follows the reader's colour scheme.

Text stays text, ids are removed (several figures share one page) and the drawing is the same for the same numbers.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from ictal.report import charts
from ictal.report.charts import Stage
from ictal.report.contents import Document, ReliabilityBins, SensitivityCurve, TrainingCurves
from ictal.report.numbers import decimal, level
from ictal.report.palette import follow_scheme
from ictal.report.parts import drawing

_ID = re.compile(r'<g id="[^"]*"')
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_FONT = re.compile(r"font: ([^;\"']*?px) [^;\"]*")
_SPACE = re.compile(r">\s+<")
_OPENING = re.compile(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", re.DOTALL)


def svg(name: str, alt: str, width_in: float, height_in: float, draw: Callable[[Figure], None]) -> Markup:
    """One figure: `draw` fills it, `name` keeps its inner references apart from other figures'."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "text.parse_math": False}):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        draw(figure)
        for backdrop in (figure.patch, *(ax.patch for ax in figure.axes)):
            backdrop.set_visible(False)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return drawing(_inline(buffer.getvalue(), alt))


def _inline(document: str, alt: str) -> str:
    """The `<svg>` element alone, without what only a file of its own needs."""
    body = document[document.index("<svg ") :]
    body = _METADATA.sub("", body)
    body = _ID.sub("<g", body)
    body = _FONT.sub(r"font: \1 var(--sans)", body)
    body = follow_scheme(_SPACE.sub("><", body))
    body = _OPENING.sub(rf'<svg class="chart" role="img" aria-label="{_literal(alt)}" \1>', body, count=1)
    return body.strip()


def _literal(text: str) -> str:
    """Escaped for HTML and for use as a regular expression's replacement."""
    return str(escape(text)).replace("\\", r"\\")


def balance(stages: Sequence[Stage]) -> Markup:
    """Class balance at every stage."""
    words = "; ".join(f"{stage.name} {100 * stage.share:.2g} %" for stage in stages)

    def draw(figure: Figure) -> None:
        charts.balance(figure.subplots(), stages)

    return svg("balance", f"Share of seizures at each stage: {words}.", 9, 0.4 * len(stages) + 1.3, draw)


def incident(rows: Sequence[Document], natural: float | None) -> Markup:
    """What every way of drawing gave."""
    words = "; ".join(f"{row['strategy']}: {100 * row['drawn_seizure_share']:.2g} %" for row in rows)

    def draw(figure: Figure) -> None:
        charts.incident(figure.subplots(), rows, natural)

    return svg("incident", f"Share of drawn windows with a seizure. {words}.", 9, 0.34 * len(rows) + 0.9, draw)


def training(curves: TrainingCurves) -> Markup:
    """Loss, skill, separation and learning rate by step."""
    panels = [charts.loss, charts.skill, charts.separation, charts.learning_rate]
    if curves.seizure_windows is not None:
        panels.append(charts.seizures_drawn)
    if curves.validation:
        panels.append(charts.validation)
    rows = -(-len(panels) // 2)

    def draw(figure: Figure) -> None:
        grid = figure.add_gridspec(rows, 2, hspace=0.14)
        for number, panel in enumerate(panels):
            alone = number == len(panels) - 1 and number % 2 == 0
            panel(figure.add_subplot(grid[number // 2, :] if alone else grid[number // 2, number % 2]), curves)

    return svg(
        "training",
        f"Training over {len(curves.step)} recorded steps: loss from {curves.loss[0]:.3f} to {curves.loss[-1]:.3f} "
        f"nats (the drawn prior alone costs {curves.blind_loss:.3f}), skill from {curves.skill[0]:.2f} to "
        f"{curves.skill[-1]:.2f}, class separation to {decimal(float(curves.separation[-1]), 1)} logits."
        f"{_validated(curves)}",
        9,
        2.6 * rows,
        draw,
    )


def _validated(curves: TrainingCurves) -> str:
    if not curves.validation:
        return ""
    last = curves.validation[-1]
    return f" Dev part after {last.step} steps: AUPRC {last.auprc:.2f}, sensitivity {last.sensitivity:.2f}."


def sensitivity(curve: SensitivityCurve) -> Markup:
    """Event sensitivity against false alarms per 24 h."""
    point = (
        "The target is unreachable: there is no operating point."
        if curve.operating is None
        else f"Operating point: sensitivity {curve.sensitivity[curve.operating]:.2f} at "
        f"{curve.false_alarms_per_24h[curve.operating]:.1f} false alarms per 24 h{_intervals(curve)}."
    )

    def draw(figure: Figure) -> None:
        charts.sensitivity(figure.subplots(), curve)

    return svg("sensitivity", f"Event sensitivity against false alarms per 24 h. {point}", 9, 3.6, draw)


def _intervals(curve: SensitivityCurve) -> str:
    """The operating point's intervals in words."""
    if curve.sensitivity_interval is None or curve.false_alarms_interval is None:
        return ""
    (low, high), (few, many) = curve.sensitivity_interval, curve.false_alarms_interval
    return f"; {level(curve.level)} intervals over patients {low:.2f} to {high:.2f} and {few:.1f} to {many:.1f}"


def reliability(bins: ReliabilityBins) -> Markup:
    """Calibration, and what it rests on."""

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        charts.reliability(left, bins)
        charts.bin_counts(right, bins)

    alt = f"Stated probability against the share of time that was ictal, in {int((bins.count > 0).sum())} bins."
    return svg("reliability", alt, 9, 3.5, draw)
