"""A recording as one line: the reference above, the detections below, hits and errors told apart by shape and colour.

Events are drawn as SzCORE's event scorer counts them (neighbours closer than 90 s are merged, what is longer than 300 s
is cut), and its tolerances decide what is a hit, so that the marks on a line are the counts of its recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from ictal.report.contents import RecordingStrip, SpansS
from ictal.report.parts import drawing
from ictal.scoring.eventlists import TICKS_PER_S, event_lists
from ictal.scoring.szcore import outcomes

LEGEND = (
    ("found", "seizure, detected"),
    ("missed", "seizure, missed"),
    ("hit", "detection, right"),
    ("alarm", "false alarm"),
)
WIDTH = 600
HEIGHT = 26
_THINNEST = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """The scored events of a recording by outcome."""

    found: SpansS
    missed: SpansS
    hits: SpansS
    false_alarms: SpansS


def marks(strip: RecordingStrip) -> Marks:
    """Hits and errors of a recording."""
    name, lengths_s = strip.recording, [strip.duration_s]
    found = outcomes(
        event_lists([strip.reference_s], lengths_s, [f"reference of {name}"]),
        event_lists([strip.detections_s], lengths_s, [f"detections of {name}"]),
    )
    reference, detections = found.references / TICKS_PER_S, found.hypotheses / TICKS_PER_S
    return Marks(
        found=reference[found.detected],
        missed=reference[~found.detected],
        hits=detections[~found.false],
        false_alarms=detections[found.false],
    )


def describe(strip: RecordingStrip, outcome: Marks) -> str:
    """The strip in words."""
    reference, alarms = len(outcome.found) + len(outcome.missed), len(outcome.false_alarms)
    return (
        f"{strip.recording}: {len(outcome.found)} of {reference} seizures detected, "
        f"{alarms} false {'alarm' if alarms == 1 else 'alarms'}"
    )


def draw(strip: RecordingStrip, outcome: Marks) -> Markup:
    """The strip as SVG; its whole width is the recording."""
    shapes = (
        ("found", outcome.found, 2, 9),
        ("missed", outcome.missed, 2, 9),
        ("hit", outcome.hits, 15, 9),
        ("alarm", outcome.false_alarms, 17, 5),
    )
    paths = "".join(
        f'<path class="{name}" d="{_bars(spans_s, strip.duration_s, top, height)}"/>'
        for name, spans_s, top, height in shapes
        if len(spans_s)
    )
    return drawing(
        f'<svg class="strip" role="img" aria-label="{escape(describe(strip, outcome))}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"><path class="base" d="M0 13H{WIDTH}"/>{paths}</svg>'
    )


def _bars(spans_s: SpansS, duration_s: float, top: int, height: int) -> str:
    """Path of one bar per span, none thinner than the eye can see."""
    starts = spans_s[:, 0] / duration_s * WIDTH
    widths = np.maximum((spans_s[:, 1] - spans_s[:, 0]) / duration_s * WIDTH, _THINNEST)
    return "".join(
        f"M{start:.1f} {top}h{width:.1f}v{height}h-{width:.1f}z" for start, width in zip(starts, widths, strict=True)
    )
