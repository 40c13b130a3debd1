"""What truly happens in a synthetic corpus, for tests and for judging a detector: `truth.json` at its root."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ictal.recordings.synthetic.patients import PatientTraits
from ictal.recordings.synthetic.plan import Split


@dataclass(frozen=True, kw_only=True)
class TrueEvent:
    """Something that happens from `onset_sample` up to, not including, `stop_sample` of the file's rate."""

    kind: str
    onset_sample: int
    stop_sample: int
    onset_s: float
    stop_s: float


@dataclass(frozen=True, kw_only=True)
class TrueSeizure(TrueEvent):
    """A seizure; `kind` is its TUSZ label, `channels` says when each TCP channel that takes part begins to."""

    focus: str | None
    channels: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class TrueMimic(TrueEvent):
    """An event that looks like a seizure and is none."""

    electrodes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrueEpisode:
    """A stretch of one state of vigilance; its borders are soft, over about a second."""

    state: str
    onset_s: float
    stop_s: float


@dataclass(frozen=True, kw_only=True)
class TrueRecording:
    """One recording; `id` is its path below the root without suffix."""

    id: str
    patient: str
    split: Split
    rate_hz: int
    duration_s: int
    seizures: tuple[TrueSeizure, ...]
    mimics: tuple[TrueMimic, ...]
    vigilance: tuple[TrueEpisode, ...]


@dataclass(frozen=True, kw_only=True)
class TruePatient:
    """One patient: the parameters that were drawn."""

    name: str
    split: Split
    traits: PatientTraits


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The whole corpus."""

    made_with: dict[str, float]
    """Every setting of the corpus, by name."""
    patients: tuple[TruePatient, ...]
    recordings: tuple[TrueRecording, ...]

    @property
    def recorded_s(self) -> int:
        """Recorded time in all."""
        return sum(recording.duration_s for recording in self.recordings)

    @property
    def ictal_s(self) -> float:
        """Ictal time in all."""
        seizures = (seizure for recording in self.recordings for seizure in recording.seizures)
        return sum(seizure.stop_s - seizure.onset_s for seizure in seizures)


def write_truth(path: Path, truth: Truth) -> None:
    """Write `truth.json`."""
    path.write_text(json.dumps(asdict(truth), indent=1) + "\n", encoding="utf-8")
