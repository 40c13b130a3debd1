"""A made-up run, complete and plausible, for the tests of the report and for looking at the page."""

from __future__ import annotations

import numpy as np

from ictal.report.contents import (
    Contents,
    EegExample,
    LeakageAudit,
    RecordingStrip,
    ReliabilityBins,
    Said,
    SensitivityBand,
    SensitivityCurve,
    TrainingCurves,
    ValidationPoint,
    Verdict,
    Watched,
)

CHANNELS = (
    "Fp1",
    "F3",
    "C3",
    "P3",
    "F7",
    "T3",
    "T5",
    "O1",
    "Fz",
    "Cz",
    "Pz",
    "Fp2",
    "F4",
    "C4",
    "P4",
    "F8",
    "T4",
    "T6",
    "O2",
)
RATE_HZ = 256
ENTROPY = 0.5004

CORPUS = {
    "corpus": "tusz",
    "recordings": 42,
    "patients": 24,
    "hours": 6.02,
    "seizures": 31,
    "seizure_seconds": 228.4,
    "labels": {"bckg": 4180, "fnsz": 322, "gnsz": 120, "seiz": 31},
    "findings": [
        {"code": "edf-truncated", "path": "edf/train/aaaaaabc/s001_2010/01_tcp_ar/aaaaaabc_s001_t000.edf",
         "message": "The file ends before its header says", "severity": "warning"},
    ],
}  # fmt: skip
PLAN = {
    "windows": 3910,
    "seizure_windows": 231,
    "strata": {"full": 17, "partial": 214, "ambiguous": 0, "peri_ictal": 479, "interictal": 1200, "seizure_free": 2000},
    "natural_prevalence": {"window": 231 / 3910, "time_step": 0.01054},
    "drawn_prevalence": {"window": 0.5, "time_step": 0.2013},
    "splits": {
        "train": {"patients": 15, "recordings": 27, "hours": 3.9, "seizures": 19, "windows": 2500,
                  "seizure_windows": 150},
        "dev": {"patients": 4, "recordings": 7, "hours": 1.0, "seizures": 6, "windows": 700, "seizure_windows": 41},
        "eval": {"patients": 5, "recordings": 8, "hours": 1.1, "seizures": 6, "windows": 710, "seizure_windows": 40},
    },
    "batches": {"size": 16, "seizure_min": 8, "seizure_mean": 8.0, "seizure_max": 8, "guaranteed": True,
                "checked": 600},
    "coverage": {"seizure_windows": 1.0, "background_windows": 0.73},
    "feasibility": {
        "chances": [
            {"event": "a probe of 500 windows holds no seizure", "log10_probability": -15.4, "probability": 4e-16},
            {"event": "a batch of 16 drawn uniformly holds no seizure", "log10_probability": -0.42,
             "probability": 0.378},
            {"event": "a planned batch holds fewer than 8 seizure windows", "log10_probability": None,
             "probability": 0.0},
        ],
        "probe_needed_for_99_percent": 75,
    },
}  # fmt: skip
INCIDENT = {
    "batches": 600,
    "rows": [
        {"strategy": name, "probe_found": probe, "drawn_seizure_share": drawn, "batches_without_seizure": none,
         "seizure_windows_seen": seen}
        for name, probe, drawn, none, seen in (
            ("uniform", None, 0.0591, 0.377, 0.91),
            ("the report's probe of 500 windows, as it was written", 29, 0.0763, 0.2884, 0.94),
            ("the report's probe of 2,500 windows, as it was written", 148, 0.1834, 0.039, 1.0),
            ("the same weight, on exact labels", None, 0.2003, 0.0283, 1.0),
            ("ictal: exactly 8 of 16", None, 0.5, 0.0, 1.0),
        )
    ],
}  # fmt: skip


MACRO = {
    "sensitivity": 0.83, "precision": 0.83, "f1": 0.83, "false_alarms_per_24h": 17.1,
    "undefined": {"sensitivity": ["aaaaaabq"], "precision": ["aaaaaabq"], "f1": ["aaaaaabq"],
                  "false_alarms_per_24h": []},
}  # fmt: skip


def ratios(reference: int, found: int, false: int, hours: float) -> dict[str, float | int | None]:
    """Counts and their ratios as the scorer's document has them: undefined is None."""
    detected = found + false
    return {
        "sensitivity": found / reference if reference else None,
        "precision": found / detected if detected else None,
        "f1": 2 * found / (reference + detected) if reference + detected else None,
        "false_alarms_per_24h": false / hours * 24 if hours else None,
        "reference": reference,
        "true_positives": found,
        "false_positives": false,
        "hours": hours,
    }


def ranked(kind: str, auroc: float | None = 0.9712) -> dict[str, object]:
    """How windows, seconds or steps are ordered; undefined without a seizure among them."""
    measures = {"auroc": auroc, "auprc": 0.8123, "ece": 0.0041, "brier": 0.02, "brier_skill": 0.61}
    bounds = {"lower": 0.9 if auroc else None, "upper": 1.0 if auroc else None}
    count = {"window": 1020, "second": 5400, "step": 43200}[kind]
    return {"count": count, "ictal": 20, **measures, "intervals": dict.fromkeys(measures, bounds)}


def ranking() -> dict[str, object]:
    """Of all three."""
    kinds = ("window", "second", "step")
    stated = {"scorer": "ictal-ranking", "scorer_version": "1.0.0", "level": 0.95}
    return {**stated, **{kind: ranked(kind) for kind in kinds}}


def evaluation() -> dict[str, object]:
    """An evaluation with one patient whose ratios are undefined."""
    stated = {"scorer": "ictal-szcore", "scorer_version": "1.0.0", "nan_policy": "current"}
    intervals = {"level": 0.95, "sensitivity": {"lower": 0.5, "upper": 1.0}}
    return {
        "scorers": {
            "szcore_event": {
                **ratios(6, 5, 1, 1.1),
                **stated,
                "intervals": intervals,
                "macro": dict.fromkeys(("current", "legacy"), MACRO),
                "per_patient": {"aaaaaaaz": ratios(6, 5, 1, 0.7), "aaaaaabq": ratios(0, 0, 0, 0.4)},
            },
            "szcore_sample": {**ratios(61, 47, 12, 1.1), **stated},
        },
        "unseen_patients": True,
        "window_auroc": 0.9712,
        "window_auprc": 0.8123,
        "ece": 0.0041,
        "ranking": ranking(),
        "operating_point": {"threshold": 0.3217, "sensitivity": 0.83, "false_alarms_per_24h": 22.9,
                            "target_per_24h": 24.0, "tuned_on": "dev", "target_reached": True, "reason": None},
    }  # fmt: skip


def training(steps: int, rng: np.random.Generator) -> TrainingCurves:
    """A run that learns."""
    step = np.arange(1, steps + 1)
    loss = 0.13 + 0.42 * np.exp(-step / (0.22 * steps)) + rng.normal(0, 0.035, steps) * (0.4 + np.exp(-step / steps))
    warmup = np.minimum(step / (0.08 * steps), 1)
    return TrainingCurves(
        step=step,
        loss=loss,
        skill=1 - loss / ENTROPY,
        learning_rate=1e-3 * warmup * 0.5 * (1 + np.cos(np.pi * step / steps)),
        logit_spread=1 + 2.4 * (1 - np.exp(-step / (0.3 * steps))) + rng.normal(0, 0.1, steps),
        separation=5.2 * (1 - np.exp(-step / (0.3 * steps))) + rng.normal(0, 0.3, steps),
        blind_loss=ENTROPY,
        validation=tuple(
            ValidationPoint(step=int(s), auprc=0.5 + 0.1 * k, sensitivity=0.5 + 0.1 * k, best=k < 3)
            for k, s in enumerate(np.linspace(steps // 4, steps, 4))
        ),
        watched=(Watched(guard="skill", mode="stop", watches="When the loss is that of the prior."),),
        said=(Said(step=7, kind="gradient-vanished", message="A gradient has vanished"),),
        seizure_windows=np.full(steps, 8),
    )


def curve() -> SensitivityCurve:
    """Thresholds ascending."""
    threshold = np.linspace(0.01, 0.99, 120)
    return SensitivityCurve(
        false_alarms_per_24h=420 * (1 - threshold) ** 4.2,
        sensitivity=np.floor(6 * np.minimum(1, 1.35 * (1 - threshold) ** 0.55)) / 6,
        threshold=threshold,
        operating=61,
        target_false_alarms_per_24h=24.0,
        level=0.95,
        sensitivity_interval=(0.5, 1.0),
        false_alarms_interval=(4.2, 61.0),
        band=SensitivityBand(
            rates_per_24h=np.array([0.0, 1, 2, 5, 10, 24, 50, 100, 500]),
            lower=np.array([0, 0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7]),
            upper=np.array([0.1, 0.8, 0.9, 0.9, 0.9, 0.9, 1, 1, 1]),
        ),
    )


def eeg(
    seconds: float,
    rng: np.random.Generator,
    *,
    seizure_s: tuple[float, float] | None,
    channels: tuple[str, ...] = CHANNELS,
) -> np.ndarray:
    """Pink noise with alpha, and a seizure that slows from 9 to 3 Hz."""
    samples = int(seconds * RATE_HZ)
    white = rng.normal(size=(len(channels) + 1, samples))
    frequency = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    shape = 1 / np.maximum(frequency, 0.8) ** 0.9 * (frequency < 70)
    pink = np.fft.irfft(np.fft.rfft(white) * shape, n=samples)
    pink = 14 * (0.7 * pink[:-1] + 0.7 * pink[-1]) / pink.std()
    time = np.arange(samples) / RATE_HZ
    pink[[channels.index(c) for c in ("O1", "O2") if c in channels]] += 16 * np.sin(2 * np.pi * 10.2 * time)
    if seizure_s is not None:
        onset, stop = seizure_s
        inside = (time >= onset) & (time < stop)
        part = (time[inside] - onset) / (stop - onset)
        phase = 2 * np.pi * np.cumsum(9 - 6 * part) / RATE_HZ
        wave = np.sin(phase) + 0.5 * np.sin(2 * phase + 0.6)
        reach = np.exp(-np.arange(len(channels)) / 5)[:, None]
        pink[:, inside] += 75 * reach ** (1 - 0.8 * part) * wave * np.minimum(part * 4, 1)
    return pink.astype(np.float32)


def example(
    recording: str, caption: str, rng: np.random.Generator, *, seconds: float = 60.0, reported: bool = True,
    annotated: bool = True, channels: tuple[str, ...] = CHANNELS,
) -> EegExample:  # fmt: skip
    """A stretch that starts at 300 s with a seizure from 18 s to 47 s in it."""
    step_s = np.arange(int(seconds * 8)) / 8
    bump = 1 / (1 + np.exp(-(step_s - 21) * 1.2)) - 1 / (1 + np.exp(-(step_s - 48) * 0.8))
    probability = np.clip((0.93 if reported else 0.2) * bump + rng.beta(1, 40, len(step_s)), 0, 1)
    return EegExample(
        recording=recording,
        patient=recording.split("_", maxsplit=1)[0],
        caption=caption,
        name=caption.partition(":")[0].lower(),
        start_s=300.0,
        rate_hz=RATE_HZ,
        channels=channels,
        signal_uv=eeg(seconds, rng, seizure_s=(18, 47) if annotated else None, channels=channels),
        probability=probability,
        probability_rate_hz=8.0,
        threshold=0.3217,
        reference_s=np.array([[318.0, 347.0]]) if annotated else np.empty((0, 2)),
        detections_s=np.array([[320.1, 349.5]]) if reported else np.empty((0, 2)),
    )


def strips(count: int, rng: np.random.Generator) -> tuple[RecordingStrip, ...]:
    """Recordings with found, missed and invented seizures, and silent ones."""
    lines = []
    for n in range(count):
        duration_s = float(rng.integers(300, 1500))
        onsets = np.sort(rng.uniform(20, duration_s - 60, n % 3))
        reference = np.stack([onsets, onsets + rng.uniform(12, 50, len(onsets))], axis=1)
        detections = reference[rng.random(len(reference)) < 0.8] + 2
        if n % 4 == 1:
            onset = duration_s * 0.93
            detections = np.concatenate([detections, [[onset, onset + 9]]])
        lines.append(
            RecordingStrip(recording=f"aaaaaa{n:02d}_s001_t000", patient=f"aaaaaa{n:02d}", duration_s=duration_s,
                           reference_s=reference, detections_s=detections)
        )  # fmt: skip
    return tuple(lines)


def full(*, steps: int = 80, recordings: int = 9, seed: int = 0) -> Contents:
    """A healthy run with every part of the report."""
    rng = np.random.default_rng(seed)
    mean = np.linspace(0.02, 0.97, 12)
    count = np.array([7200, 310, 120, 60, 41, 33, 20, 18, 22, 25, 40, 120])
    return Contents(
        title="Demonstration on a synthetic corpus",
        verdict=Verdict(
            healthy=True,
            kind="healthy",
            headline="The detector learnt to tell seizures, and finds 5 of 6 in patients it never saw.",
            evidence=(
                "Every one of 600 batches held exactly 8 of 16 seizure windows.",
                "Skill 0.71 after 600 steps; 0 would be knowing the drawn prior only.",
                "No patient is in two parts of the split.",
            ),
        ),
        corpus=CORPUS,
        leakage=LeakageAudit(
            patients=24, patients_in_two_parts=(), signals=42, copies=(("a_s001_t000", "a_s001_t001"),), openings=1
        ),
        plan=PLAN,
        incident=INCIDENT,
        training=training(steps, rng),
        evaluation=evaluation(),
        curve=curve(),
        reliability=ReliabilityBins(
            mean_probability=mean, observed_share=np.clip(mean + rng.normal(0, 0.05, 12), 0, 1), count=count
        ),
        strips=strips(recordings, rng),
        examples=(
            example("aaaaaa01_s001_t000", "Best: found 2 s after its annotated onset, no false alarm.", rng),
            example("aaaaaa02_s001_t000", "Worst: a seizure that was missed.", rng, reported=False),
        ),
        provenance={
            "command": "ictal demo --out demo",
            "config hash": "6f1c2ab0d7e14c55b0ce",
            "index hash": "0b51f1dbb2c84a1f",
            "seed": "0",
            "ictal": "0.1.0",
            "torch": "2.13.0+cpu",
            "python": "3.11.9",
        },
        warnings=("1 recording was set aside as damaged: aaaaaabc_s001_t000 (edf-truncated).",),
    )


def stopped() -> Contents:
    """A run that a guard stopped before it was evaluated."""
    rng = np.random.default_rng(1)
    curves = training(60, rng)
    flat = np.full(60, ENTROPY) + rng.normal(0, 0.01, 60)
    return Contents(
        title="A run that was stopped",
        verdict=Verdict(
            healthy=False,
            kind="no-skill",
            headline="Stopped at step 60: the model has learnt how often seizures are drawn and nothing else.",
            evidence=(f"Skill {1 - flat[-1] / ENTROPY:.3f}; 0.02 is asked for after 60 steps.",),
        ),
        plan=PLAN,
        training=TrainingCurves(
            step=curves.step,
            loss=flat,
            skill=1 - flat / ENTROPY,
            learning_rate=curves.learning_rate,
            logit_spread=np.full(60, 0.05),
            separation=np.zeros(60),
            blind_loss=ENTROPY,
            stopped_at=60,
        ),
    )


def bare() -> Contents:
    """A run that came to nothing at all."""
    return Contents(title="Nothing", verdict=Verdict(healthy=False, headline="The corpus holds no seizure."))
