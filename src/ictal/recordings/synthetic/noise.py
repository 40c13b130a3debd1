"""Random signals with a stated power spectrum, and the small curves that shape events.

Invariant: a one-sided density in µV²/Hz goes in, a signal in µV of that density comes out, at any rate and length.
Mixing goes through `np.einsum`, never through BLAS, whose sums may differ with the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.fft

Array = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]
Density = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def spectrum(
    rng: np.random.Generator, density_uv2_per_hz: Array, channels: int, samples: int, rate_hz: int
) -> Spectrum:
    """Random Fourier coefficients of independent channels, for `irfft` to `samples` samples.

    Args:
        rng: Source of randomness.
        density_uv2_per_hz: One-sided density at each bin that is wanted, any run of bins.
        channels: Number of independent channels.
        samples: Length of the signal that the coefficients belong to.
        rate_hz: Its rate.
    """
    bins = len(density_uv2_per_hz)
    scale = 0.5 * np.sqrt(density_uv2_per_hz * np.float32(samples * rate_hz))
    coefficients = rng.standard_normal((channels, 2 * bins), dtype=np.float32).view(np.complex64)
    coefficients *= scale.astype(np.float32)
    return coefficients


def noise(rng: np.random.Generator, density: Density, channels: int, samples: int, rate_hz: int) -> Array:
    """Stationary Gaussian noise of a given density in µV, shape (channels, samples).

    The transform is a little longer than asked, so that the end does not meet the beginning.
    """
    length = scipy.fft.next_fast_len(samples + rate_hz, real=True)
    frequencies = np.arange(length // 2 + 1, dtype=np.float64) * (rate_hz / length)
    coefficients = spectrum(rng, density(frequencies).astype(np.float32), channels, length, rate_hz)
    signal: Array = scipy.fft.irfft(coefficients, n=length)[:, :samples]
    return signal


def band(centre_hz: float, width_hz: float, rms_uv: float) -> Density:
    """Density of a rhythm: a bell around its frequency with the given root mean square."""

    def density(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        bell = np.exp(-0.5 * ((frequency - centre_hz) / width_hz) ** 2)
        return np.asarray(rms_uv**2 * bell / (width_hz * np.sqrt(2 * np.pi)))

    return density


def mix(matrix: Array, sources: Array) -> Array:
    """Each source seen at each electrode: (electrodes, sources) times (sources, samples)."""
    seen: Array = np.einsum("es,st->et", matrix, sources)
    return seen


def smoothstep(x: npt.ArrayLike, start: float, stop: float) -> npt.NDArray[np.float64]:
    """Soft rise from 0 at `start` to 1 at `stop`."""
    t = np.clip((np.asarray(x, dtype=np.float64) - start) / (stop - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def wander(rng: np.random.Generator, channels: int, samples: int, every_samples: float) -> Array:
    """Slow unit-variance wandering: independent knots every so many samples, joined by cosines, (channels, samples)."""
    knots = rng.standard_normal((channels, int(samples / every_samples) + 2))
    place = np.arange(samples) / every_samples
    left = place.astype(np.int64)
    share = 0.5 - 0.5 * np.cos(np.pi * (place - left))
    curve: Array = (knots[:, left] * (1 - share) + knots[:, left + 1] * share).astype(np.float32)
    return curve


def bump(samples: int, rise: float = 1.5, fall: float = 2.5) -> Array:
    """One deflection of height 1 that rises and falls inside `samples`; unequal powers make it lean."""
    x = (np.arange(samples) + 0.5) / samples
    curve = x**rise * (1 - x) ** fall
    return np.asarray(curve / curve.max(), dtype=np.float32)
