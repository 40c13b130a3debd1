"""The words of the report, for clinicians and for builders of models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TERMS: Mapping[str, str] = MappingProxyType(
    {
        "Ictal": "During a seizure. Everything else is background.",
        "Recording": "One EDF file: a continuous stretch of EEG of one patient.",
        "Window": "A stretch of fixed length, seen by the model at once. Windows overlap; recordings are scored whole.",
        "Partly, fully ictal": "A window of which some, or all, of the recorded time lies in a seizure.",
        "Time step": "The model's unit of output: one probability for each short, equal slice of the recording.",
        "Prevalence": "Share that is ictal, of windows or time steps. Natural: in the corpus. Drawn: in the batches.",
        "Batch plan": "Which windows make up every training batch, fixed and counted before training starts.",
        "Prior correction": "Balanced batches make a model expect too many seizures. By how much is known exactly from "
        "the drawn and the natural prevalence, and is taken out of its probabilities again.",
        "Loss of the prior": "That of a model that knows how common seizures are and nothing else. A loss that "
        "falls to this value has learnt nothing about EEG.",
        "Skill": "Where the loss lies. 0: only the drawn prior is known. 1: each answer is certain and right.",
        "Sensitivity": "Share of the annotated seizures that were detected (recall).",
        "Precision": "Share of the detections that met an annotated seizure.",
        "False alarms per 24 h": "Detections that met no annotated seizure, per day of scored EEG.",
        "Operating point": "The threshold in use, chosen on tuning patients for a stated rate of false alarms.",
        "AUROC, AUPRC": "How well scores rank seizure windows above others, over all thresholds at once.",
        "Calibration": "Of all moments given 30\u202f%, about three in ten are ictal. Its error is the mean distance.",
        "SzCORE": "A published way to score seizure detectors. By event: any overlap finds a seizure, with 30 s before "
        "and 60 s after as tolerance; events less than 90 s apart are merged, longer ones than 300 s are cut.",
    }
)
