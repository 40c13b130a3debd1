"""The background: a 1/f spectrum with spatial correlation, rhythms that follow vigilance, and sleep's graphoelements.

Everything below about 26 Hz changes with vigilance and is made at 64 Hz; everything above is stationary and is made as
Fourier coefficients at the recording's rate. Both meet in one inverse transform, with a crossover that keeps the power.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

from ictal.recordings.synthetic import head, noise
from ictal.recordings.synthetic.canvas import Canvas
from ictal.recordings.synthetic.patients import PatientTraits
from ictal.recordings.synthetic.vigilance import Episode, State, weights

Array = npt.NDArray[np.float32]
Gates = dict[State, Array]

SLOW_RATE_HZ = 64
_CROSSOVER_HZ = (22.0, 30.0)
_MUSCLE_SITES = ("T3", "T4", "F7", "F8", "FP1", "FP2")


def background(
    rng: np.random.Generator, traits: PatientTraits, episodes: tuple[Episode, ...], duration_s: int
) -> Canvas:
    """A whole recording of background EEG, without artefacts or seizures."""
    padded_s = scipy.fft.next_fast_len(duration_s + 2, real=True)
    slow = _slow_layer(rng, traits, episodes, padded_s)
    coefficients = _fast_layer(rng, traits, padded_s)
    slow_coefficients = scipy.fft.rfft(slow)
    taper = _crossover(np.arange(slow_coefficients.shape[1]) / padded_s) * (traits.rate_hz / SLOW_RATE_HZ)
    slow_coefficients *= taper.astype(np.float32)
    coefficients[:, : slow_coefficients.shape[1]] += slow_coefficients
    eeg: Array = scipy.fft.irfft(coefficients, n=padded_s * traits.rate_hz, overwrite_x=True)
    return Canvas(eeg_uv=np.ascontiguousarray(eeg[:, : duration_s * traits.rate_hz]), rate_hz=traits.rate_hz)


def _crossover(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Amplitude share of the slow layer; the fast layer has what is left of the power."""
    return np.cos(0.5 * np.pi * noise.smoothstep(frequency, *_CROSSOVER_HZ))


def _one_over_f(traits: PatientTraits, rms_uv: float) -> noise.Density:
    """1/f^slope above 1 Hz, flat below, with the given root mean square between 0.5 and 30 Hz."""

    def shape(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        high_pass = frequency**2 / (frequency**2 + 0.3**2)
        return np.asarray(high_pass * (frequency**2 + 1.0) ** (-traits.slope / 2))

    grid = np.arange(0.5, 30, 0.01)
    power = rms_uv**2 / (shape(grid).sum() * 0.01)
    return lambda frequency: power * shape(frequency)


def _fast_layer(rng: np.random.Generator, traits: PatientTraits, padded_s: int) -> npt.NDArray[np.complex64]:
    """Coefficients of all bins: zero below the crossover, 1/f tail, muscle tone and amplifier noise above."""
    samples = padded_s * traits.rate_hz
    first = int(_CROSSOVER_HZ[0] * padded_s)
    frequency = np.arange(first, samples // 2 + 1) / padded_s
    left = 1 - _crossover(frequency) ** 2
    electrodes = len(head.ELECTRODES)

    brain = left * (_one_over_f(traits, traits.background_uv)(frequency) + 0.004)
    layer = noise.spectrum(rng, brain.astype(np.float32), electrodes, samples, traits.rate_hz)
    mixed = noise.mix(head.mixing(0.45, 0.3), layer.view(np.float32)).view(np.complex64)
    tone = np.sqrt(left * noise.band(60.0, 30.0, 1.0)(frequency) / np.maximum(brain, 1e-12)).astype(np.float32)
    gain = traits.muscle_tone_uv * (0.1 + head.fields(_MUSCLE_SITES, 0.3).max(axis=1))
    mixed += layer * tone * gain.astype(np.float32)[:, None]
    whole = np.zeros((electrodes, samples // 2 + 1), dtype=np.complex64)
    whole[:, first:] = mixed
    return whole


def _slow_layer(rng: np.random.Generator, traits: PatientTraits, episodes: tuple[Episode, ...], padded_s: int) -> Array:
    """Everything that follows vigilance, at `SLOW_RATE_HZ`, shape (electrodes, samples)."""
    samples = padded_s * SLOW_RATE_HZ
    gates = weights(episodes, samples, SLOW_RATE_HZ)
    layer = _base(rng, traits, gates, samples)
    for gate, matrix, density in _rhythms(traits, gates):
        sources = noise.noise(rng, density, matrix.shape[1], samples, SLOW_RATE_HZ)
        layer += noise.mix(matrix, sources * gate)
    canvas = Canvas(eeg_uv=layer, rate_hz=SLOW_RATE_HZ)
    for episode in episodes:
        if episode.state is State.SLEEP:
            _paint_sleep(rng, canvas, episode)
        if episode.state is State.DROWSY:
            _paint_eye_rolls(rng, canvas, episode)
    return layer


def _base(rng: np.random.Generator, traits: PatientTraits, gates: Gates, samples: int) -> Array:
    """The 1/f background of every state, and slow drift that no two electrodes share."""
    electrodes = len(head.ELECTRODES)
    sources = noise.noise(rng, _one_over_f(traits, traits.background_uv), electrodes, samples, SLOW_RATE_HZ)
    waxing = 1 + 0.15 * noise.wander(rng, 1, samples, 8 * SLOW_RATE_HZ)
    gain = rng.uniform(0.85, 1.15, (electrodes, 1)).astype(np.float32)
    level = gates[State.OPEN] * 0.85 + gates[State.CLOSED] + gates[State.DROWSY] + gates[State.SLEEP] * 1.1
    base = noise.mix(head.mixing(0.9, 0.12), sources)
    base *= gain * (waxing * level)
    drift = noise.wander(rng, electrodes, samples, 4 * SLOW_RATE_HZ)
    base += traits.drift_uv * drift
    return base


def _rhythms(traits: PatientTraits, gates: Gates) -> list[tuple[Array, Array, noise.Density]]:
    """Each rhythm of the background: when it is there, where it is seen, what its spectrum is."""
    opened, closed, drowsy, asleep = (gates[state] for state in State)
    left, right = traits.alpha_left_share, 1.0
    alpha_sites = ("O1", "O2", "P3", "P4")
    alpha = head.fields(alpha_sites, 0.5) * np.array([left, right, 0.35 * left, 0.35 * right], dtype=np.float32)
    theta_sites, delta_sites = ("FZ", "CZ", "T3", "T4", "PZ"), ("FZ", "F3", "F4", "CZ", "T3", "T4", "PZ")
    beta_sites = ("F3", "F4", "FZ", "C3", "C4", "CZ")
    return [
        (closed + 0.1 * opened + 0.15 * drowsy, alpha, noise.band(traits.alpha_hz, 0.4, traits.alpha_uv)),
        (opened + 0.7 * closed, head.fields(("C3", "C4"), 0.35), noise.band(traits.alpha_hz + 0.6, 0.5, 3.0)),
        (0.15 * closed + drowsy + 0.4 * asleep, head.fields(theta_sites, 0.7), noise.band(5.2, 0.8, 8.0)),
        (0.1 * drowsy + asleep, head.fields(delta_sites, 0.7), noise.band(1.6, 0.7, 17.0)),
        (opened + closed + 0.8 * drowsy, head.fields(beta_sites, 0.45), noise.band(20.0, 3.0, traits.beta_uv)),
    ]


def _paint_sleep(rng: np.random.Generator, canvas: Canvas, episode: Episode) -> None:
    """Spindles, and vertex waves of which some are K complexes."""
    minutes = (episode.stop_s - episode.onset_s) / 60
    for onset_s in rng.uniform(episode.onset_s, episode.stop_s, rng.poisson(4 * minutes)):
        samples = int(rng.uniform(0.6, 1.5) * canvas.rate_hz)
        phase = 2 * np.pi * rng.uniform(12, 14) * np.arange(samples) / canvas.rate_hz
        wave = rng.uniform(18, 32) * np.sin(phase) * np.hanning(samples)
        canvas.paint(canvas.at(onset_s), head.field(str(rng.choice(["CZ", "FZ"])), 0.65), wave.astype(np.float32))
    for onset_s in rng.uniform(episode.onset_s, episode.stop_s, rng.poisson(4 * minutes)):
        slow = rng.random() < 0.3
        sharp = -rng.uniform(50, 100) * noise.bump(int((0.35 if slow else 0.2) * canvas.rate_hz), 2, 2)
        after = rng.uniform(25, 60) * noise.bump(int((0.7 if slow else 0.3) * canvas.rate_hz), 1.5, 2)
        canvas.paint(canvas.at(onset_s), head.field("CZ", 0.55), np.concatenate([sharp, after]).astype(np.float32))


def _paint_eye_rolls(rng: np.random.Generator, canvas: Canvas, episode: Episode) -> None:
    """Slow sideways rolling of the eyes while falling asleep."""
    samples = canvas.at(episode.stop_s) - canvas.at(episode.onset_s)
    phase = 2 * np.pi * rng.uniform(0.2, 0.4) * np.arange(samples) / canvas.rate_hz
    swing = noise.wander(rng, 1, samples, 3 * canvas.rate_hz)[0] * np.sin(phase) * 30 * noise.bump(samples, 0.2, 0.2)
    canvas.paint(canvas.at(episode.onset_s), head.gaze_field(), swing.astype(np.float32))
