"""A trained detector on disk: weights without pickled code, and everything that its numbers depend on beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialised
from torch import Tensor, nn

from ictal.appearing import appearing
from ictal.detection.calibration import Calibration, correct_prior, sigmoid
from ictal.detection.events import events, onset_span
from ictal.detection.tuning import OperatingPoint
from ictal.errors import InputError, check_setting, command
from ictal.models.backends import Chosen, choose
from ictal.models.detector import build
from ictal.recipes import config as configs
from ictal.recipes.config import Config, MachineConfig
from ictal.recipes.run import missing, read_json, write_text
from ictal.training.inference import SignalSource, Traces, recording_traces
from ictal.windows.prior import Prevalence, Prior

TRAINED_WITH = ("signals", "windows", "batch", "model", "train", "augment", "guard")
"""Sections of the configuration that decide the weights."""
WEIGHTS, CARD, PROVENANCE = "model.safetensors", "detector.json", "provenance.json"
BACKEND = "backend.json"
"""What a run was told to compute its Mamba layers with, and what did."""
SHIPPED = Path(__file__).parent / "shipped"
"""Model folders that come with the program."""
Trace = npt.NDArray[np.float64]
SayBackend: TypeAlias = Callable[[str, str], None]
"""Is told the backend that was chosen, and what was asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detector:
    """A model with what turns its logits into events."""

    model: nn.Module
    config: Config
    channels: tuple[str, ...]
    prior: Prior
    batches_hash: str
    calibration: Calibration | None = None
    operating_point: OperatingPoint | None = None
    unreached: str | None = None
    """Why no threshold met the target on the dev part; None if one did."""
    limits: str = ""
    """What whoever uses it must know; empty where its folder says nothing."""
    backend: Chosen | None = None
    """What computes its Mamba layers, once it is loaded; None where there are none."""

    @property
    def steps_hz(self) -> float:
        """Time steps per second."""
        return self.config.signals.rate_hz / self.config.model.samples_per_step

    def say_backend(self, chosen: SayBackend | None) -> None:
        """Tell somebody what computes the Mamba layers, and what was asked for; nothing where there are none."""
        if chosen is not None and self.backend is not None:
            chosen(self.backend, self.config.machine.backend)

    def traces(self, signal: SignalSource) -> Traces:
        """What the model says of every time step of a recording, as one trained at the natural prevalence would."""
        grid = self.config.windows.grid(self.config.signals.rate_hz)
        raw = recording_traces(
            self.model,
            signal,
            length_samples=grid.length_samples,
            samples_per_step=self.config.model.samples_per_step,
            batch_size=self.config.batch.size,
            device=device_of(self.config),
        )
        corrected = correct_prior(raw.logits, self.prior.natural.time_step, self.prior.drawn.time_step)
        return raw._replace(logits=corrected)

    def probability(self, logits: Trace) -> Trace:
        """Calibrated probability of each time step being ictal."""
        assert self.calibration is not None, "the detector is not calibrated"
        return sigmoid(self.calibration.apply(logits))

    def events_at(self, probability: Trace, threshold: float) -> Trace:
        """Events of a recording at a threshold: (events, 2) seconds."""
        return events(probability, self.steps_hz, self.config.events.rule(threshold))

    def onsets(self, probability: Trace, found_s: Trace) -> Trace:
        """Between when and when each detection begins: (events, 2) seconds."""
        assert self.operating_point is not None, "the detector has no operating point"
        rule = self.config.events.rule(self.operating_point.threshold)
        return onset_span(probability, self.steps_hz, found_s, rule)

    def detect(self, probability: Trace, duration_s: float) -> Trace:
        """Events of a recording at the operating point; the last step may reach past the end, an event may not."""
        assert self.operating_point is not None, "the detector has no operating point"
        return np.minimum(self.events_at(probability, self.operating_point.threshold), duration_s)


def trained_alike(a: Config, b: Config) -> bool:
    """Whether two configurations agree in all that decides the weights."""
    return all(getattr(a, section) == getattr(b, section) for section in TRAINED_WITH)


def device_of(config: Config) -> torch.device:
    """The device to compute on.

    Raises:
        InputError: if torch knows no such device or this machine has none.
    """
    try:
        return torch.empty(0, device=config.machine.device).device
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        raise InputError(
            "The device cannot be used",
            where="machine.device",
            got=f"{config.machine.device}: {str(error).splitlines()[0]}",
            expected="a device of this machine that torch can use",
            remedy='set machine.device = "cpu", or install the torch that fits the device',
            code="device",
        ) from error


def backend_of(config: Config) -> Chosen:
    """What will compute the model's Mamba layers; "chunked" for a model that has none and asks for nothing else.

    Raises:
        InputError: if the backend that was named cannot run on the device, or the model has nothing for it to compute.
    """
    model, backend = config.model, config.machine.backend
    if has_scan(config):
        return choose(backend, device_of(config), state=model.state, head_dim=model.head_dim)
    check_setting(
        backend in {"auto", "chunked"},
        "machine.backend",
        backend,
        f'"auto": a model of kind "{model.kind}" has no scan',
    )
    return "chunked"


def has_scan(config: Config) -> bool:
    """Whether the model has Mamba layers."""
    return config.model.kind in {"bimamba", "mamba"}


def backend_that_ran(folder: Path) -> dict[str, str]:
    """What computed the Mamba layers in training, by the name `backend`; nothing where there were none."""
    path = folder / BACKEND
    return {"backend": str(read_json(path)["ran"])} if path.exists() else {}


def save(folder: Path, detector: Detector, weights: Mapping[str, Tensor] | None = None) -> None:
    """Keep a detector; without weights, only what is said about it."""
    if weights is not None:
        with appearing(folder / WEIGHTS) as draft:
            draft.write_bytes(serialised({name: value.contiguous().cpu() for name, value in weights.items()}))
    card = {
        "channels": list(detector.channels),
        "prior": asdict(detector.prior),
        "batches_hash": detector.batches_hash,
        "calibration": None if detector.calibration is None else asdict(detector.calibration),
        "operating_point": None if detector.operating_point is None else asdict(detector.operating_point),
        "unreached": detector.unreached,
        "config": configs.tree(detector.config),
    }
    write_text(folder / CARD, json.dumps(card, indent=1))


def folder_of(model: str) -> Path:
    """The folder of a model that comes with the program, if this is its name, or of this path (`./tiny`)."""
    shipped = SHIPPED / model
    return shipped if Path(model).name == model and shipped.is_dir() else Path(model)


def require_ready(detector: Detector, folder: Path) -> Detector:
    """The detector, if it can turn a recording into events.

    Raises:
        InputError: if it has no threshold yet (code `step-missing`).
    """
    if detector.operating_point is None:
        raise InputError(
            "The detector has no threshold yet",
            where=folder / CARD,
            got="no operating point",
            expected="a threshold chosen on the dev part",
            remedy=f"run `{command('evaluate', folder)}` first",
            code="step-missing",
        )
    return detector


def load(folder: Path, machine: MachineConfig | None = None) -> Detector:
    """Read a detector.

    Args:
        folder: Of the run that made it, or of an exported model.
        machine: Where it is to compute; None means where it was trained.

    Raises:
        InputError: if the folder holds none, its weights do not fit its model, or the device cannot be used.
    """
    if not folder.is_dir():
        raise InputError(
            "There is no such model",
            where=folder,
            got="a file" if folder.exists() else "nothing",
            expected="the folder of an evaluated run or of an exported model, or `tiny`",
            remedy=f"check its path; a run's is made by `{command('train', folder)}`",
            code="step-missing",
        )
    for name in (WEIGHTS, CARD):
        if not (folder / name).exists():
            raise missing(folder / name, command("train", folder))
    card = read_json(folder / CARD)
    config = configs.check(card["config"], str(folder / CARD))
    config = config if machine is None else replace(config, machine=machine)
    prior = Prior(natural=Prevalence(**card["prior"]["natural"]), drawn=Prevalence(**card["prior"]["drawn"]))
    backend = backend_of(config)
    model = build(config.model, len(card["channels"]), prior.drawn.time_step, backend)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (RuntimeError, SafetensorError) as error:
        raise InputError(
            "The weights do not fit the model",
            where=folder / WEIGHTS,
            got=str(error),
            expected=f"the weights that {CARD} describes",
            remedy="train again, or restore the file",
            code="weights",
        ) from error
    return Detector(
        model=model.to(device_of(config)),
        config=config,
        channels=tuple(card["channels"]),
        prior=prior,
        batches_hash=card["batches_hash"],
        calibration=Calibration(**card["calibration"]) if card["calibration"] else None,
        operating_point=OperatingPoint(**card["operating_point"]) if card["operating_point"] else None,
        unreached=card["unreached"],
        limits=read_json(folder / PROVENANCE)["limits"] if (folder / PROVENANCE).exists() else "",
        backend=backend if has_scan(config) else None,
    )
