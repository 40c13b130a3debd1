"""Seizures: a rhythm that builds up, slows from about 7-12 to 2-4 Hz, sharpens, spreads, stops and leaves slowing.

A seizure is one rhythm whose phase every electrode follows with its own delay, lag and strength. Focal seizures begin
under one electrode and recruit the others by distance; generalised ones begin everywhere at once, strongest in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.recordings.synthetic import head, noise
from ictal.recordings.synthetic.canvas import Canvas
from ictal.recordings.synthetic.patients import SeizureTraits

Array = npt.NDArray[np.float32]

_INVOLVED_SHARE = 0.3
_END_S = 0.7


@dataclass(frozen=True, kw_only=True)
class Involvement:
    """When the rhythm reached one TCP channel, as a reader would mark it."""

    channel: str
    onset_sample: int


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How each electrode takes part; all arrays have shape (electrodes,).

    Args:
        delay_share: Share of the seizure that passes before it is recruited; 0 at the focus.
        strength: Share of the peak that it reaches.
        reach: Share that volume conduction shows it from the start.
        lag_rad: How much later in its cycle each wave arrives.
    """

    delay_share: npt.NDArray[np.float64]
    strength: npt.NDArray[np.float64]
    reach: npt.NDArray[np.float64]
    lag_rad: npt.NDArray[np.float64]


def paint_seizure(
    rng: np.random.Generator, canvas: Canvas, traits: SeizureTraits, start: int, stop: int
) -> tuple[Involvement, ...]:
    """Add one seizure in `[start, stop)` and the slowing after it; the background recedes meanwhile.

    Returns:
        The TCP channels that take part, each with its own onset; at least one begins at `start`.
    """
    samples = stop - start
    spread = _spread(rng, traits)
    canvas.scale(start, _receding(samples, canvas.rate_hz))
    canvas.paint_each(start, _rhythm(rng, traits, spread, samples, canvas.rate_hz))
    _paint_aftermath(rng, canvas, traits, stop)
    return _involvement(spread, start, samples)


def _spread(rng: np.random.Generator, traits: SeizureTraits) -> Spread:
    electrodes = len(head.ELECTRODES)
    if traits.focus is None:
        front = 0.55 + 0.45 * head.fields(("F3", "F4", "FZ"), 0.8).max(axis=1).astype(np.float64)
        sides = 1 + 0.1 * rng.standard_normal(electrodes)
        lag_rad = 0.35 * (1 - head.POSITIONS[:, 1])
        return Spread(delay_share=np.zeros(electrodes), strength=front * sides, reach=front * sides, lag_rad=lag_rad)
    distance = head.DISTANCES[head.INDEX[traits.focus]]
    strength = np.exp(-0.5 * (distance / traits.width) ** 2) * (1 + 0.12 * rng.standard_normal(electrodes))
    return Spread(
        delay_share=traits.spread_share * np.clip((distance - 0.3) / 1.7, 0, 1),
        strength=np.where(distance == 0, 1.0, strength),
        reach=np.minimum(head.field(traits.focus, 0.4).astype(np.float64), strength),
        lag_rad=0.9 * distance,
    )


def _rhythm(rng: np.random.Generator, traits: SeizureTraits, spread: Spread, samples: int, rate_hz: int) -> Array:
    """The ictal rhythm at every electrode, shape (electrodes, samples)."""
    place = np.arange(samples) / samples
    slowing = noise.smoothstep(place, 0.0, 1.1)
    frequency = traits.start_hz * (traits.stop_hz / traits.start_hz) ** slowing
    frequency *= 1 + 0.05 * noise.wander(rng, 1, samples, 0.7 * rate_hz)[0]
    phase = 2 * np.pi * np.cumsum(frequency) / rate_hz
    restless = 0.25 * _shared_wander(rng, samples, rate_hz)
    lagged = (phase - spread.lag_rad[:, None]).astype(np.float32) + restless
    sharpness = traits.sharpness if traits.focus is None else traits.sharpness * noise.smoothstep(place, 0.15, 0.7)
    wave = _waveform(lagged, np.asarray(sharpness, dtype=np.float32))
    wave *= _recruitment(spread, place)
    wave *= 1 + 0.2 * _shared_wander(rng, samples, 0.6 * rate_hz)
    wave *= traits.peak_uv * _build_up(traits, samples, rate_hz)
    return wave


def _shared_wander(rng: np.random.Generator, samples: int, every_samples: float) -> Array:
    """Wandering of unit variance at every electrode, much the same at neighbours."""
    own = noise.wander(rng, len(head.ELECTRODES), samples, every_samples)
    return noise.mix(head.mixing(1.1, 0.03), own)


def _waveform(phase: Array, sharpness: Array) -> Array:
    """From a rounded rhythm to spike and slow wave, both of unit root mean square; spikes point to negative.

    The rounded wave is turned by 3.73 rad, where it resembles the sharp one most, so that blends keep their height.
    """
    turned = phase - np.float32(3.73)
    rounded = np.sin(turned) + 0.2 * np.sin(2 * turned + 0.6)
    sharp = -1.1 * np.exp(14 * (np.cos(phase) - 1)) - 1.5 * np.exp(1.6 * (np.cos(phase - 2.4) - 1)) + 0.65
    mixed: Array = (1 - sharpness) * rounded / np.float32(0.72) + sharpness * sharp / np.float32(0.47)
    return mixed


def _recruitment(spread: Spread, place: npt.NDArray[np.float64]) -> Array:
    """Strength of each electrode over the seizure: what conduction shows, and its own once it is recruited."""
    since = place[None, :] - spread.delay_share[:, None]
    own = (spread.strength - spread.reach)[:, None] * noise.smoothstep(since, 0, 0.15)
    return (spread.reach[:, None] + own).astype(np.float32)


def _build_up(traits: SeizureTraits, samples: int, rate_hz: int) -> Array:
    """Height over time: from the level of the onset to the peak, then an abrupt end."""
    place = np.arange(samples) / samples
    level, full_at = (0.18, 0.55) if traits.subtle else (0.4, 0.3)
    if traits.label == "absz":
        level, full_at = 0.7, 0.1
    rise = level + (1 - level) * noise.smoothstep(place, 0, full_at) + 0.3 * noise.smoothstep(place, full_at, 0.9)
    time_s = np.arange(samples) / rate_hz
    ends = noise.smoothstep(time_s, 0, 0.3) * noise.smoothstep(-time_s, -samples / rate_hz, -samples / rate_hz + _END_S)
    return (rise * ends).astype(np.float32)


def _receding(samples: int, rate_hz: int) -> Array:
    """Gain of the background during the seizure."""
    return (1 - 0.4 * noise.smoothstep(np.arange(samples) / rate_hz, 0, 3)).astype(np.float32)


def _paint_aftermath(rng: np.random.Generator, canvas: Canvas, traits: SeizureTraits, stop: int) -> None:
    """Post-ictal attenuation and slowing, 15 to 60 s, fading; an absence leaves none."""
    if traits.label == "absz":
        return
    samples = int(rng.uniform(15, 60) * canvas.rate_hz)
    fading = (1 - noise.smoothstep(np.arange(samples) / samples, 0.3, 1.0)).astype(np.float32)
    canvas.scale(stop, 1 - 0.6 * fading)
    sites = ("FZ", "CZ", "PZ", "T3", "T4") if traits.focus is None else (traits.focus,)
    sources = noise.noise(rng, noise.band(1.7, 0.6, 26.0), len(sites), samples, canvas.rate_hz)
    slowing = noise.mix(head.fields(sites, 0.7), sources)
    canvas.paint_each(stop, slowing * fading * noise.smoothstep(np.arange(samples), 0, canvas.rate_hz).astype("f4"))


def _involvement(spread: Spread, start: int, samples: int) -> tuple[Involvement, ...]:
    """The TCP pairs with an electrode that takes part, from the moment the first of the two does."""
    marked: list[Involvement] = []
    for pair in head.TCP_PAIRS:
        taking_part = [head.INDEX[name] for name in pair if spread.strength[head.INDEX[name]] >= _INVOLVED_SHARE]
        if taking_part:
            delay = min(float(spread.delay_share[number]) for number in taking_part)
            marked.append(Involvement(channel="-".join(pair), onset_sample=start + int(delay * samples)))
    return tuple(marked)
