"""Everything a report shows, as plain values: the recipes fill it, the page only draws.

Parts that a run did not reach are None: a run that a guard stopped still gets a report. Documents keep the keys of the
machine-readable contract (`ictal audit --json`, `ictal plan --json`, `ictal evaluate --json`); extra keys are ignored.
Ratios that are undefined are NaN or None and are shown as such, never as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Document: TypeAlias = Mapping[str, Any]
"""A JSON document of the contract."""
Series: TypeAlias = npt.NDArray[np.float64]
"""One number per step, threshold or bin: shape (n,)."""
SpansS: TypeAlias = npt.NDArray[np.float64]
"""Half-open spans in seconds from the start of the recording: shape (n, 2)."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the run came to, in one sentence with its evidence."""

    healthy: bool
    headline: str
    evidence: tuple[str, ...] = ()
    kind: str = ""
    """The guard's short name of it (`healthy`, `no-skill`, `unproven`)."""

    @property
    def badge(self) -> str:
        """It in a word."""
        return self.kind or ("healthy" if self.healthy else "stopped")


@dataclass(frozen=True, kw_only=True)
class LeakageAudit:
    """What was looked at to see that nobody is scored who was learnt from."""

    patients: int
    """In all parts together."""
    patients_in_two_parts: tuple[str, ...]
    signals: int | None = None
    """Stored signals that were compared by their checksum, none of which is in two parts or under two patients, or they
    could not have been stored; None where no signal was prepared yet."""
    copies: tuple[tuple[str, str], ...] = ()
    """Recordings of one patient and part with the same signal."""
    openings: int = 0
    """How often the evaluation part was opened in this run folder."""


@dataclass(frozen=True, kw_only=True)
class ValidationPoint:
    """What a validation on whole recordings of the dev part measured during training."""

    step: int
    """Steps done."""
    auprc: float
    """Over time steps."""
    sensitivity: float
    """To events, at the rate of false alarms that selection allows."""
    best: bool
    """Whether no validation before was as good."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A guard of the run."""

    guard: str
    mode: str
    """`stop` or `warn`."""
    watches: str
    """What makes it speak."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a guard said."""

    step: int
    kind: str
    message: str
    stopped: bool = False
    """Whether the run ended with it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingCurves:
    """One value per recorded training step."""

    step: npt.NDArray[np.int64]
    loss: Series
    """Nats per time step."""
    skill: Series
    """0 is knowing the prior only, 1 every label."""
    learning_rate: Series
    logit_spread: Series
    """Standard deviation of the logits in the batch."""
    separation: Series
    """Mean logit of ictal time steps minus mean logit of background time steps."""
    blind_loss: float
    """Loss of the model that has learnt the drawn prior and nothing else, in nats per time step."""
    validation: tuple[ValidationPoint, ...] = ()
    stopped_at: int | None = None
    """Step at which a guard stopped the run."""
    watched: tuple[Watched, ...] = ()
    """The guards."""
    said: tuple[Said, ...] = ()
    """Warnings, and what stopped the run."""
    seizure_windows: npt.NDArray[np.int64] | None = None
    """Windows with a seizure in each step's batches, counted in the labels that the model was given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SensitivityBand:
    """Between which bounds other patients would put the best sensitivity at no more than each rate of false alarms."""

    rates_per_24h: Series
    lower: Series
    upper: Series

    def at(self, rate_per_24h: float) -> tuple[float, float] | None:
        """The bounds at a rate; None if it is not one of those that were looked at."""
        place = np.flatnonzero(self.rates_per_24h == rate_per_24h)
        return (float(self.lower[place[0]]), float(self.upper[place[0]])) if place.size else None


@dataclass(frozen=True, kw_only=True, eq=False)
class SensitivityCurve:
    """Event sensitivity against false alarms over all thresholds, on patients never seen in training."""

    false_alarms_per_24h: Series
    sensitivity: Series
    threshold: Series
    operating: int | None
    """Place of the chosen operating point; None where the target is unreachable."""
    target_false_alarms_per_24h: float | None = None
    level: float = float("nan")
    """Of the intervals."""
    sensitivity_interval: tuple[float, float] | None = None
    """Of the operating point, over patients; None where it is undefined."""
    false_alarms_interval: tuple[float, float] | None = None
    """Likewise."""
    band: SensitivityBand | None = None
    """Around the curve; None where patients are too few."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReliabilityBins:
    """What was said against what was so, by bins of the corrected probability; empty bins may be left out or NaN."""

    mean_probability: Series
    observed_share: Series
    count: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordingStrip:
    """One recording as a line: what was annotated and what was detected."""

    recording: str
    patient: str
    duration_s: float
    reference_s: SpansS
    detections_s: SpansS


@dataclass(frozen=True, kw_only=True, eq=False)
class EegExample:
    """A stretch of EEG with what the detector said about it. All times are from the start of the recording."""

    recording: str
    patient: str
    caption: str
    """Why this stretch is shown."""
    name: str
    """The same in two or three words, for what leads to it."""
    start_s: float
    rate_hz: float
    channels: tuple[str, ...]
    signal_uv: npt.NDArray[np.float32]
    """Shape (channels, samples); its first sample is at `start_s`."""
    probability: Series
    """Calibrated probability per output step; its first step starts at `start_s`."""
    probability_rate_hz: float
    threshold: float
    reference_s: SpansS
    detections_s: SpansS


@dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """One report.

    Attributes:
        title: Heading of the page.
        verdict: What the run came to.
        corpus: The document of `ictal audit --json`.
        leakage: Whether anybody is scored who was learnt from.
        plan: The document of `ictal plan --json`.
        incident: The replay of the incident: `rows` (each with `strategy`, `probe_found`, `drawn_seizure_share`,
            `batches_without_seizure`, `seizure_windows_seen`) and, if known, `batches` (how many each drew).
        training: The curves of training.
        evaluation: The document of `ictal evaluate --json`: `scorers`, each with its pooled counts and ratios,
            `window_auroc`, `window_auprc`, `ece`, `ranking`, `operating_point`, `scorer_version`, `nan_policy`.
        curve: Sensitivity against false alarms.
        reliability: Calibration.
        calibrated: How logits were calibrated, in words.
        strips: One line per recording.
        examples: EEG of the best and worst recordings.
        provenance: Commands, hashes, versions and seeds, by name.
        warnings: What a reader should know before believing the numbers.
    """

    title: str
    verdict: Verdict
    corpus: Document | None = None
    leakage: LeakageAudit | None = None
    plan: Document | None = None
    incident: Document | None = None
    training: TrainingCurves | None = None
    evaluation: Document | None = None
    curve: SensitivityCurve | None = None
    reliability: ReliabilityBins | None = None
    calibrated: str = ""
    strips: tuple[RecordingStrip, ...] = ()
    examples: tuple[EegExample, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
