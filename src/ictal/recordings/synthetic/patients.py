"""What stays the same in one synthetic patient: spectra, gains, habits, and the kind of seizure, if any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATES_HZ = (250, 256, 400, 512)
_RATE_SHARES = (0.36, 0.5, 0.08, 0.06)
_TEMPORAL_FOCI = ("T3", "T4", "F7", "F8", "T5", "T6")
_OTHER_FOCI = ("F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")


@dataclass(frozen=True, kw_only=True)
class SeizureTraits:
    """The stereotyped seizure of one patient.

    Args:
        label: Its TUSZ label.
        focus: Electrode over its origin; None for a generalised seizure.
        start_hz: Frequency of the rhythm at the onset.
        stop_hz: Frequency at the end.
        peak_uv: Height of the rhythm at its strongest electrode, in µV root mean square.
        width: Reach of the field, in head radii.
        spread_share: Share of the seizure that passes until the far side of the head takes part.
        subtle: Whether it starts below the background instead of in it.
        sharpness: 0 keeps the rhythm rounded to the end, 1 makes it spike and wave.
    """

    label: str
    focus: str | None
    start_hz: float
    stop_hz: float
    peak_uv: float
    width: float
    spread_share: float
    subtle: bool
    sharpness: float


@dataclass(frozen=True, kw_only=True)
class PatientTraits:
    """The parameters of one patient; amplitudes are root mean square in µV unless the name says otherwise."""

    rate_hz: int
    reference: str
    start_year: int
    background_uv: float
    slope: float
    alpha_hz: float
    alpha_uv: float
    alpha_left_share: float
    beta_uv: float
    drift_uv: float
    muscle_tone_uv: float
    muscle_bursts_per_min: float
    blinks_per_min: float
    blink_peak_uv: float
    pops_per_10_min: float
    line_uv: float
    sleepiness: float
    heart_bpm: float
    heart_artefact_uv: float
    mimics_per_10_min: float
    seizure: SeizureTraits | None


def draw_traits(rng: np.random.Generator, *, seizure_kind: str | None) -> PatientTraits:
    """Draw one patient, with seizures of the given TUSZ label or with none."""
    return PatientTraits(
        rate_hz=int(rng.choice(RATES_HZ, p=_RATE_SHARES)),
        reference=str(rng.choice(["REF", "LE"], p=[0.85, 0.15])),
        start_year=int(rng.integers(2004, 2016)),
        background_uv=float(rng.uniform(7.0, 12.0)),
        slope=float(rng.uniform(1.5, 2.1)),
        alpha_hz=float(rng.uniform(8.6, 10.9)),
        alpha_uv=float(rng.uniform(12.0, 24.0)),
        alpha_left_share=float(rng.uniform(0.7, 1.05)),
        beta_uv=float(rng.uniform(1.2, 4.0)),
        drift_uv=float(rng.uniform(3.0, 9.0)),
        muscle_tone_uv=float(rng.lognormal(0.4, 0.6)),
        muscle_bursts_per_min=float(rng.gamma(2.0, 0.6)),
        blinks_per_min=float(rng.uniform(8, 22)),
        blink_peak_uv=float(rng.uniform(90, 150)),
        pops_per_10_min=float(rng.gamma(1.5, 1.2)),
        line_uv=float(rng.lognormal(-0.3, 0.9)),
        sleepiness=float(rng.choice([0.0, 0.25, 0.6], p=[0.4, 0.35, 0.25])),
        heart_bpm=float(rng.uniform(60, 100)),
        heart_artefact_uv=float(rng.choice([0.0, 6.0, 14.0], p=[0.6, 0.25, 0.15])),
        mimics_per_10_min=float(rng.uniform(1.0, 3.0)),
        seizure=None if seizure_kind is None else _draw_seizure(rng, seizure_kind),
    )


def _draw_seizure(rng: np.random.Generator, kind: str) -> SeizureTraits:
    if kind in {"cpsz", "fnsz"}:
        return _draw_focal(rng, kind)
    return _draw_generalised(rng, kind)


def _draw_focal(rng: np.random.Generator, kind: str) -> SeizureTraits:
    return SeizureTraits(
        label=kind,
        focus=str(rng.choice(_TEMPORAL_FOCI if kind == "cpsz" else _OTHER_FOCI)),
        start_hz=float(rng.uniform(7.0, 11.5)),
        stop_hz=float(rng.uniform(2.2, 3.8)),
        peak_uv=float(rng.uniform(38, 62)),
        width=float(rng.uniform(0.65, 1.0)),
        spread_share=float(rng.uniform(0.35, 0.7)),
        subtle=bool(rng.random() < 0.35),
        sharpness=float(rng.uniform(0.3, 0.8)),
    )


def _draw_generalised(rng: np.random.Generator, kind: str) -> SeizureTraits:
    absence = kind == "absz"
    return SeizureTraits(
        label=kind,
        focus=None,
        start_hz=float(rng.uniform(3.3, 3.8) if absence else rng.uniform(6.0, 9.0)),
        stop_hz=float(rng.uniform(2.5, 3.0) if absence else rng.uniform(2.2, 3.2)),
        peak_uv=float(rng.uniform(60, 90) if absence else rng.uniform(45, 75)),
        width=2.0,
        spread_share=0.0,
        subtle=False,
        sharpness=1.0 if absence else float(rng.uniform(0.6, 1.0)),
    )
