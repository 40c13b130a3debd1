"""One synthetic recording from its plan: the signals in µV, and what truly happens in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ictal.recordings.synthetic.artefacts import draw_beats, paint_artefacts
from ictal.recordings.synthetic.background import background
from ictal.recordings.synthetic.extras import channels
from ictal.recordings.synthetic.mimics import Mimic, paint_mimics
from ictal.recordings.synthetic.patients import PatientTraits
from ictal.recordings.synthetic.plan import PlannedRecording
from ictal.recordings.synthetic.seizures import Involvement, paint_seizure
from ictal.recordings.synthetic.vigilance import Episode, draw_episodes

Array = npt.NDArray[np.float32]

_QUIET_BEFORE_S = 10
_QUIET_AFTER_S = 30


@dataclass(frozen=True, kw_only=True)
class MadeRecording:
    """Signals and truth of one recording.

    Args:
        channels_uv: Every channel by its label, in file order.
        rate_hz: Samples per second of all channels.
        involvements: For each planned seizure, the TCP channels that take part.
        mimics: Events that are no seizures.
        episodes: How awake the patient was.
    """

    channels_uv: dict[str, Array]
    rate_hz: int
    involvements: tuple[tuple[Involvement, ...], ...]
    mimics: tuple[Mimic, ...]
    episodes: tuple[Episode, ...]


def make_recording(rng: np.random.Generator, traits: PatientTraits, plan: PlannedRecording) -> MadeRecording:
    """Paint one recording."""
    episodes = draw_episodes(rng, plan.duration_s, traits.sleepiness)
    canvas = background(rng, traits, episodes, plan.duration_s)
    involvements: list[tuple[Involvement, ...]] = []
    for start, stop in plan.seizures:
        assert traits.seizure is not None
        involvements.append(paint_seizure(rng, canvas, traits.seizure, start, stop))
    beats_s = draw_beats(rng, plan.duration_s, traits.heart_bpm)
    paint_artefacts(rng, canvas, traits, episodes, beats_s)
    mimics = paint_mimics(rng, canvas, traits.mimics_per_10_min, _around(plan, traits.rate_hz))
    return MadeRecording(
        channels_uv=channels(rng, canvas, traits.reference, beats_s),
        rate_hz=traits.rate_hz,
        involvements=tuple(involvements),
        mimics=mimics,
        episodes=episodes,
    )


def _around(plan: PlannedRecording, rate_hz: int) -> tuple[tuple[int, int], ...]:
    """Seizures with the time before and after them in which nothing else may look like one."""
    return tuple((start - _QUIET_BEFORE_S * rate_hz, stop + _QUIET_AFTER_S * rate_hz) for start, stop in plan.seizures)
