"""Events that look like seizures and are none, so that a detector has something to be wrong about.

Each lacks what makes a seizure: none slows down, none spreads, and most keep to one electrode or to muscle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.recordings.synthetic import head, noise
from ictal.recordings.synthetic.artefacts import muscle
from ictal.recordings.synthetic.canvas import Canvas

Array = npt.NDArray[np.float32]
Painter = Callable[[np.random.Generator, Canvas, int, int], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Mimic:
    """One event that is no seizure, with the electrodes that show it."""

    kind: str
    onset_sample: int
    stop_sample: int
    electrodes: tuple[str, ...]


def paint_mimics(
    rng: np.random.Generator, canvas: Canvas, per_10_min: float, taken: tuple[tuple[int, int], ...]
) -> tuple[Mimic, ...]:
    """Add mimics at random times.

    Args:
        rng: Source of randomness.
        canvas: What they are added to.
        per_10_min: Expected number in ten minutes.
        taken: Spans of samples that no mimic may touch (seizures with what surrounds them).
    """
    mimics: list[Mimic] = []
    busy = list(taken)
    for _ in range(rng.poisson(per_10_min * canvas.samples / canvas.rate_hz / 600)):
        kind = str(rng.choice(list(_PAINTERS), p=_SHARES))
        samples = canvas.at(float(rng.uniform(*_LENGTH_S[kind])))
        start = _free_place(rng, canvas, samples, busy)
        if start is None:
            continue
        electrodes = _PAINTERS[kind](rng, canvas, start, samples)
        mimics.append(Mimic(kind=kind, onset_sample=start, stop_sample=start + samples, electrodes=electrodes))
        busy.append((start - 5 * canvas.rate_hz, start + samples + 5 * canvas.rate_hz))
    return tuple(sorted(mimics, key=lambda mimic: mimic.onset_sample))


def _free_place(rng: np.random.Generator, canvas: Canvas, samples: int, busy: list[tuple[int, int]]) -> int | None:
    """A start at which nothing else happens; None when a few tries find none, and then there is one mimic fewer."""
    latest = canvas.samples - samples - canvas.rate_hz
    if latest <= canvas.rate_hz:
        return None
    for start in rng.integers(canvas.rate_hz, latest, 20):
        if all(start + samples <= first or start >= last for first, last in busy):
            return int(start)
    return None


def _edges(samples: int, rate_hz: int) -> Array:
    """Full strength with half-second edges."""
    place = np.arange(samples)
    edge = rate_hz / 2
    return (noise.smoothstep(place, 0, edge) * noise.smoothstep(-place, -samples, -samples + edge)).astype(np.float32)


def _phase(rng: np.random.Generator, samples: int, rate_hz: int, frequency_hz: float, jitter: float) -> Array:
    """Phase of a rhythm whose frequency only trembles around one value."""
    frequency = frequency_hz * (1 + jitter * noise.wander(rng, 1, samples, rate_hz / 2)[0])
    return (2 * np.pi * np.cumsum(frequency, dtype=np.float64) / rate_hz).astype(np.float32)


def _paint_rhythm(rng: np.random.Generator, canvas: Canvas, start: int, samples: int) -> tuple[str, ...]:
    """One electrode swings at a fixed 4 to 6 Hz, as from a patting hand or a pump."""
    site = str(rng.choice(head.ELECTRODES[:19]))
    phase = _phase(rng, samples, canvas.rate_hz, float(rng.uniform(4, 6)), 0.015)
    wave = rng.uniform(35, 90) * (np.sin(phase) + 0.25 * np.sin(2 * phase + 0.7)) * _edges(samples, canvas.rate_hz)
    canvas.paint(start, head.field(site, 0.2), wave.astype(np.float32))
    return (site,)


def _paint_tremor(rng: np.random.Generator, canvas: Canvas, start: int, samples: int) -> tuple[str, ...]:
    """The head trembles on the pillow: both occipital electrodes, in opposite phase, at about 2 Hz."""
    phase = _phase(rng, samples, canvas.rate_hz, float(rng.uniform(1.6, 2.8)), 0.02)
    strength = 1 + 0.2 * noise.wander(rng, 1, samples, canvas.rate_hz)[0]
    wave = rng.uniform(40, 80) * strength * (np.sin(phase) + 0.3 * np.sin(2 * phase)) * _edges(samples, canvas.rate_hz)
    canvas.paint(start, head.field("O1", 0.25) - 0.8 * head.field("O2", 0.25), wave.astype(np.float32))
    return ("O1", "O2")


def _paint_chewing(rng: np.random.Generator, canvas: Canvas, start: int, samples: int) -> tuple[str, ...]:
    """Bursts of both temporal muscles once or twice a second, with a little movement of the tongue."""
    phase = _phase(rng, samples, canvas.rate_hz, float(rng.uniform(1.0, 2.0)), 0.06)
    bite = np.exp(4 * (np.cos(phase) - 1)) * _edges(samples, canvas.rate_hz)
    rms_uv = float(rng.uniform(25, 60))
    for site in ("T3", "T4"):
        wave = bite * muscle(rng, samples, canvas.rate_hz, rms_uv * float(rng.uniform(0.7, 1.2)))
        canvas.paint(start, head.field(site, 0.45), wave)
    tongue = rng.uniform(8, 20) * np.sin(phase + 1.0) * _edges(samples, canvas.rate_hz)
    canvas.paint(start, head.eyes_field(), tongue.astype(np.float32))
    return ("T3", "T4", "F7", "F8")


def _paint_electrode(rng: np.random.Generator, canvas: Canvas, start: int, samples: int) -> tuple[str, ...]:
    """A loose electrode moved by breath or pulse: one channel jumps and creeps back, again and again."""
    site = str(rng.choice(head.ELECTRODES[:19]))
    phase = _phase(rng, samples, canvas.rate_hz, float(rng.uniform(0.9, 2.5)), 0.05)
    saw = np.exp(-3.0 * np.mod(phase, 2 * np.pi) / (2 * np.pi)) - 0.3
    height = rng.uniform(60, 140) * (1 + 0.3 * noise.wander(rng, 1, samples, canvas.rate_hz / 2)[0])
    canvas.paint(start, head.field(site, 0.01), (height * saw * _edges(samples, canvas.rate_hz)).astype(np.float32))
    return (site,)


def _paint_wicket(rng: np.random.Generator, canvas: Canvas, start: int, samples: int) -> tuple[str, ...]:
    """A run of arched 6 to 11 Hz waves over one temple, waxing and waning."""
    site = str(rng.choice(["T3", "T4"]))
    phase = _phase(rng, samples, canvas.rate_hz, float(rng.uniform(6, 11)), 0.02)
    arch = np.abs(np.cos(phase / 2)) - 2 / np.pi
    wave = -rng.uniform(70, 110) * arch * noise.bump(samples, 0.6, 0.6)
    canvas.paint(start, head.field(site, 0.5), wave.astype(np.float32))
    return (site,)


def _paint_alpha_variant(rng: np.random.Generator, canvas: Canvas, start: int, samples: int) -> tuple[str, ...]:
    """The posterior rhythm at half its frequency for some seconds, notched, on both sides."""
    phase = _phase(rng, samples, canvas.rate_hz, float(rng.uniform(4.3, 5.3)), 0.02)
    wave = rng.uniform(25, 40) * (np.sin(phase) + 0.6 * np.sin(2 * phase + 0.5)) * noise.bump(samples, 0.5, 0.5)
    canvas.paint(start, head.fields(("O1", "O2"), 0.5).max(axis=1), wave.astype(np.float32))
    return ("O1", "O2")


_PAINTERS: dict[str, Painter] = {
    "rhythmic-artefact": _paint_rhythm,
    "tremor": _paint_tremor,
    "chewing": _paint_chewing,
    "electrode": _paint_electrode,
    "wicket": _paint_wicket,
    "alpha-variant": _paint_alpha_variant,
}
_SHARES = (0.24, 0.14, 0.26, 0.16, 0.1, 0.1)
_LENGTH_S = {
    "rhythmic-artefact": (5, 30),
    "tremor": (6, 25),
    "chewing": (6, 30),
    "electrode": (5, 25),
    "wicket": (2, 5),
    "alpha-variant": (2, 5),
}
