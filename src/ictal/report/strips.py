"""A recording as one line: the reference above, the detections below, hits and errors told apart by shape and colour.

Events are drawn as SzCORE's event scorer counts them (neighbours closer than 90 s are merged, what is longer than 300 s
is cut), and its tolerances decide what is a hit, so that the marks on a line are the counts of its recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from ictal.report.contents import RecordingStrip, SpansS
from ictal.report.parts import drawing
from ictal.scoring.szcore import SZCORE

LEGEND = (
    ("found", "seizure, detected"),
    ("missed", "seizure, missed"),
    ("hit", "detection, right"),
    ("alarm", "false alarm"),
)
WIDTH = 600
HEIGHT = 26
_THINNEST = 4.0
_ONE_LENGTH = 1e-6  # cutting 300.0000000001 s must not leave a rest


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """The scored events of a recording by outcome."""

    found: SpansS
    missed: SpansS
    hits: SpansS
    false_alarms: SpansS


def scored_pieces(spans_s: SpansS) -> SpansS:
    """Events as SzCORE counts them: merged over short gaps, then cut into pieces of at most its longest event."""
    spans_s = spans_s[np.argsort(spans_s[:, 0], kind="stable")]
    merged: list[list[float]] = []
    for onset, stop in spans_s:
        if merged and onset - merged[-1][1] < SZCORE.min_duration_between_events_s:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([onset, stop])
    pieces = [piece for onset, stop in merged for piece in _cut(onset, stop)]
    return np.array(pieces, dtype=np.float64).reshape(-1, 2)


def _cut(onset: float, stop: float) -> list[tuple[float, float]]:
    longest = SZCORE.max_event_duration_s
    starts = np.arange(onset, stop - _ONE_LENGTH, longest)
    return [(start, min(start + longest, stop)) for start in starts]


def marks(strip: RecordingStrip) -> Marks:
    """Hits and errors of a recording."""
    reference, detections = scored_pieces(strip.reference_s), scored_pieces(strip.detections_s)
    widened = reference + np.array([-SZCORE.tolerance_start_s, SZCORE.tolerance_end_s])
    is_found, is_hit = _overlaps(widened, detections), _overlaps(detections, widened)
    return Marks(
        found=reference[is_found],
        missed=reference[~is_found],
        hits=detections[is_hit],
        false_alarms=detections[~is_hit],
    )


def _overlaps(spans_s: SpansS, others_s: SpansS) -> npt.NDArray[np.bool_]:
    """Which of `spans_s` overlap any of `others_s`."""
    starts, stops = spans_s[:, :1], spans_s[:, 1:]
    return np.asarray(((starts < others_s[:, 1]) & (others_s[:, 0] < stops)).any(axis=1), dtype=np.bool_)


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
