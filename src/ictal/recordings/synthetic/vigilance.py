"""How awake a synthetic patient is: a walk through eyes open, eyes closed, drowsiness and sleep."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


class State(enum.Enum):
    """What decides the background's rhythms."""

    OPEN = "eyes open"
    CLOSED = "eyes closed"
    DROWSY = "drowsy"
    SLEEP = "sleep"


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One stretch of time in one state."""

    state: State
    onset_s: float
    stop_s: float


_LENGTH_S = {State.OPEN: (6, 35), State.CLOSED: (6, 40), State.DROWSY: (15, 60), State.SLEEP: (60, 240)}


def draw_episodes(rng: np.random.Generator, duration_s: float, sleepiness: float) -> tuple[Episode, ...]:
    """Walk from state to state until the recording ends.

    Args:
        rng: Source of randomness.
        duration_s: Length to cover.
        sleepiness: Chance that closed eyes lead into drowsiness; 0 stays awake.
    """
    episodes: list[Episode] = []
    state = State.CLOSED if rng.random() < 0.5 else State.OPEN
    time_s = 0.0
    while time_s < duration_s:
        stop_s = min(time_s + float(rng.uniform(*_LENGTH_S[state])), duration_s)
        episodes.append(Episode(state=state, onset_s=time_s, stop_s=stop_s))
        state, time_s = _next(rng, state, sleepiness), stop_s
    return tuple(episodes)


def _next(rng: np.random.Generator, state: State, sleepiness: float) -> State:
    chance = rng.random()
    if state is State.OPEN:
        return State.CLOSED
    if state is State.CLOSED:
        return State.DROWSY if chance < sleepiness else State.OPEN
    if state is State.DROWSY:
        return State.SLEEP if chance < 0.6 else State.OPEN
    return State.DROWSY if chance < 0.5 else State.OPEN


def weights(episodes: tuple[Episode, ...], samples: int, rate_hz: int) -> dict[State, Array]:
    """How much each state is present at each sample, softened over a second; they add up to 1."""
    index = np.zeros(samples + rate_hz, dtype=np.int64)
    states = list(State)
    for episode in episodes:
        index[round(episode.onset_s * rate_hz) :] = states.index(episode.state)
    window = np.hanning(rate_hz + 2)[1:-1]
    window /= window.sum()
    soft = [np.convolve(index == number, window, mode="same")[:samples] for number in range(len(states))]
    return {state: curve.astype(np.float32) for state, curve in zip(states, soft, strict=True)}
