"""What every recording has besides brain: eye movements, muscle, electrode pops, line noise, the heart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ictal.recordings.synthetic import head, noise
from ictal.recordings.synthetic.canvas import Canvas
from ictal.recordings.synthetic.patients import PatientTraits
from ictal.recordings.synthetic.vigilance import Episode, State

Array = npt.NDArray[np.float32]

LINE_HZ = 60
_MUSCLE_CENTRES = ("T3", "T4", "F7", "F8", "FP1", "FP2")
_MUSCLE_SHARES = (0.27, 0.27, 0.14, 0.14, 0.09, 0.09)


def paint_artefacts(
    rng: np.random.Generator,
    canvas: Canvas,
    traits: PatientTraits,
    episodes: tuple[Episode, ...],
    beats_s: npt.NDArray[np.float64],
) -> None:
    """Add all artefacts of one recording."""
    for episode in episodes:
        if episode.state is State.OPEN:
            _paint_blinks(rng, canvas, traits, episode)
            _paint_gaze(rng, canvas, episode)
    _paint_muscle(rng, canvas, traits, episodes)
    _paint_pops(rng, canvas, traits)
    _paint_line(rng, canvas, traits)
    _paint_heart(canvas, traits, beats_s)


def muscle(rng: np.random.Generator, samples: int, rate_hz: int, rms_uv: float) -> Array:
    """Muscle activity of constant strength: broad, from 20 Hz up past 100 Hz."""

    def density(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        rise = noise.smoothstep(frequency, 12, 40)
        return np.asarray(rms_uv**2 / 75 * rise / (1 + (frequency / 90) ** 2))

    return np.ravel(noise.noise(rng, density, 1, samples, rate_hz))


def draw_beats(rng: np.random.Generator, duration_s: int, heart_bpm: float) -> npt.NDArray[np.float64]:
    """Times of the heart's beats in seconds, with the variation that breathing gives them."""
    count = int(duration_s * heart_bpm / 60 * 1.3) + 10
    breathing = 0.04 * np.sin(np.arange(count) * 2 * np.pi * 15 / heart_bpm)
    intervals = 60 / heart_bpm * (1 + breathing + 0.02 * rng.standard_normal(count))
    times = np.cumsum(intervals) - rng.uniform(0, intervals[0])
    return np.asarray(times[times < duration_s - 1])


def _paint_blinks(rng: np.random.Generator, canvas: Canvas, traits: PatientTraits, episode: Episode) -> None:
    minutes = (episode.stop_s - episode.onset_s) / 60
    onsets_s = np.sort(rng.uniform(episode.onset_s, episode.stop_s, rng.poisson(traits.blinks_per_min * minutes)))
    eyes = head.eyes_field()
    for onset_s in onsets_s:
        lid = noise.bump(int(rng.uniform(0.22, 0.4) * canvas.rate_hz), 1.6, 2.6)
        wave = traits.blink_peak_uv * rng.uniform(0.65, 1.15) * lid
        canvas.paint(canvas.at(onset_s), eyes, wave.astype(np.float32))


def _paint_gaze(rng: np.random.Generator, canvas: Canvas, episode: Episode) -> None:
    """Saccades to the side: a fast step, then the amplifier's slow return to the baseline."""
    minutes = (episode.stop_s - episode.onset_s) / 60
    for onset_s in rng.uniform(episode.onset_s, episode.stop_s, rng.poisson(5 * minutes)):
        time_s = np.arange(int(1.6 * canvas.rate_hz)) / canvas.rate_hz
        step = noise.smoothstep(time_s, 0, 0.05) * np.exp(-time_s / 0.45)
        height_uv = rng.uniform(25, 55) * rng.choice([-1.0, 1.0])
        canvas.paint(canvas.at(onset_s), head.gaze_field(), (height_uv * step).astype(np.float32))


def _paint_muscle(
    rng: np.random.Generator, canvas: Canvas, traits: PatientTraits, episodes: tuple[Episode, ...]
) -> None:
    """Bursts over the temples and the forehead; a sleeper has few."""
    for episode in episodes:
        share = 0.15 if episode.state is State.SLEEP else 1.0
        minutes = share * (episode.stop_s - episode.onset_s) / 60
        count = rng.poisson(traits.muscle_bursts_per_min * minutes)
        for onset_s in rng.uniform(episode.onset_s, episode.stop_s, count):
            samples = int(rng.uniform(0.4, 6.0) * canvas.rate_hz)
            envelope = noise.bump(samples, 0.4, 0.5)
            centres = rng.choice(_MUSCLE_CENTRES, size=int(rng.integers(1, 4)), replace=False, p=_MUSCLE_SHARES)
            rms_uv = float(rng.lognormal(2.6, 0.5))
            for centre in centres:
                wave = envelope * muscle(rng, samples, canvas.rate_hz, rms_uv)
                canvas.paint(canvas.at(onset_s), head.field(str(centre), 0.35), wave)


def _paint_pops(rng: np.random.Generator, canvas: Canvas, traits: PatientTraits) -> None:
    """An electrode that moves: one channel jumps and creeps back."""
    duration_s = canvas.samples / canvas.rate_hz
    loose = rng.choice(head.ELECTRODES[:19], size=2, replace=False)
    for onset_s in rng.uniform(0, duration_s, rng.poisson(traits.pops_per_10_min * duration_s / 600)):
        time_s = np.arange(int(3 * canvas.rate_hz)) / canvas.rate_hz
        height_uv = rng.uniform(80, 280) * rng.choice([-1.0, 1.0])
        wave = height_uv * np.exp(-time_s / rng.uniform(0.1, 0.5)) * noise.smoothstep(-time_s, -3.0, -2.5)
        canvas.paint(canvas.at(onset_s), head.field(str(rng.choice(loose)), 0.01), wave.astype(np.float32))


def _paint_line(rng: np.random.Generator, canvas: Canvas, traits: PatientTraits) -> None:
    """Mains hum: a little everywhere, much where an electrode sits badly."""
    electrodes = len(head.ELECTRODES)
    strength = traits.line_uv * rng.lognormal(-0.8, 0.7, electrodes)
    strength[rng.random(electrodes) < 0.05] += rng.uniform(2, 7)
    phase = 2 * np.pi * LINE_HZ * (np.arange(canvas.samples) / canvas.rate_hz) + rng.uniform(0, 2 * np.pi)
    hum = (np.sqrt(2) * np.sin(phase)).astype(np.float32)
    canvas.paint(0, strength.astype(np.float32), hum)


def _paint_heart(canvas: Canvas, traits: PatientTraits, beats_s: npt.NDArray[np.float64]) -> None:
    """The heart's R wave in the channels near the left neck, where a patient shows it at all."""
    if traits.heart_artefact_uv == 0:
        return
    seen = head.field("A1", 0.8) - 0.5 * head.field("A2", 0.8)
    wave = (traits.heart_artefact_uv * heartbeat(canvas.rate_hz)).astype(np.float32)
    for beat_s in beats_s:
        canvas.paint(canvas.at(beat_s), seen, wave)


def heartbeat(rate_hz: int) -> Array:
    """One beat: P, Q, R, S and T as bells, R of height 1."""
    time_s = np.arange(int(0.7 * rate_hz)) / rate_hz
    waves = ((0.08, 0.025, 0.12), (0.19, 0.008, -0.12), (0.21, 0.010, 1.0), (0.235, 0.009, -0.22), (0.45, 0.045, 0.25))
    beat = sum(height * np.exp(-0.5 * ((time_s - at_s) / width_s) ** 2) for at_s, width_s, height in waves)
    return np.asarray(beat, dtype=np.float32)
