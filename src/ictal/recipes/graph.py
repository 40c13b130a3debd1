"""A detector's network as a graph that runs without `ictal`: PyTorch's `torch.export`, or ONNX.

The graph takes one window, `signal_uv` (1, channels, samples) in µV as preprocessed, `valid_samples` (1) and
`valid_channels` (1, channels), and gives by name what the network says: `logits` (1, steps), before the prior's
correction and the calibration, which the model card writes out, and, where types of seizures are told apart,
`type_log_probabilities` (1, steps, types) in the order of `model.seizure_types`. What was written is read again by the
program that will run it, and has to answer as the network does.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from ictal.errors import InputError
from ictal.models.detector import Detector as Network
from ictal.recipes.detector import Detector
from ictal.recipes.extras import needed

Form: TypeAlias = Literal["torch-export", "onnx"]
FILES: dict[Form, str] = {"torch-export": "model.pt2", "onnx": "model.onnx"}
LOGITS, TYPES = "logits", "type_log_probabilities"
"""Names of a graph's outputs."""
TOLERANCE = 1e-4
"""Largest difference of an output's numbers, as a share of the largest of them or of 1, whichever is more."""
_CHECKED_WINDOWS = 4
_Window: TypeAlias = tuple[Tensor, Tensor, Tensor]
_Graph: TypeAlias = Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]]


class _Named(nn.Module):
    """A network with its outputs by name."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, signal_uv: Tensor, valid_samples: Tensor, valid_channels: Tensor) -> dict[str, Tensor]:
        logits, types = self.network.answers(signal_uv, valid_samples, valid_channels)
        return {LOGITS: logits, TYPES: types} if self.network.config.seizure_types else {LOGITS: logits}


def write(target: Path, detector: Detector, form: Form) -> dict[str, float]:
    """Write a detector's network as a graph and check it; returns how far each output differs at most, by its name.

    Raises:
        InputError: if the exporter cannot follow the network (code `export-network`), a package is missing
            (`package-missing`), or the graph answers otherwise than the network (`export-differs`).
    """
    assert isinstance(detector.model, Network)
    model, windows = _Named(detector.model.cpu()).eval(), _windows(detector)
    with _quiet(), torch.no_grad():
        program = _followed(model, windows[0], detector.config.model.module or detector.config.model.kind)
        graph = (
            _torch_export(target, program) if form == "torch-export" else _onnx(target, program, [*model(*windows[0])])
        )
        differences = _differences(graph, model, windows)
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise InputError(
                "The graph answers otherwise than the network",
                where=target,
                got=f"{name} that differ by {difference:.2g} of the largest",
                expected=f"at most {TOLERANCE:g}",
                remedy="leave --to out, and report this with the versions of torch and onnxruntime",
                code="export-differs",
            )
    return differences


def _windows(detector: Detector) -> list[_Window]:
    """Windows of noise, the first of them whole, the others ending sooner and lacking more and more channels."""
    length = detector.config.windows.grid(detector.config.signals.rate_hz).length_samples
    generator = torch.Generator().manual_seed(0)
    scale_uv = detector.config.model.input_scale_uv
    valid = [length, *np.linspace(1, length - 1, _CHECKED_WINDOWS - 1).astype(int).tolist()]
    channels = len(detector.channels)
    present = [torch.arange(channels)[None] >= min(number, channels - 1) for number in range(_CHECKED_WINDOWS)]
    return [
        (torch.randn((1, channels, length), generator=generator) * scale_uv, torch.tensor([samples]), mask)
        for samples, mask in zip(valid, present, strict=True)
    ]


def _differences(graph: _Graph, network: _Named, windows: list[_Window]) -> dict[str, float]:
    """Of each output the largest difference in any window."""
    pairs = [(graph(*window), network(*window)) for window in windows]
    found, expected = pairs[0]
    assert list(found) == list(expected), (list(found), list(expected))
    every = {
        name: [(found[name] - one[name]).abs().max() / one[name].abs().max().clamp(min=1) for found, one in pairs]
        for name in expected
    }
    return {name: float(torch.stack(differences).max()) for name, differences in every.items()}


def _followed(model: nn.Module, window: _Window, name: str) -> torch.export.ExportedProgram:
    """The operations that the network does on any window of this size.

    Where it fails the exporter prints all that it has seen; the error says in one line what stopped it.
    """
    try:
        with redirect_stderr(io.StringIO()):
            return torch.export.export(model, window)
    except RuntimeError as error:
        raise InputError(
            "The network cannot be written as a graph",
            where=name,
            got=str(error).strip().splitlines()[0],
            expected="a network whose operations do not depend on the numbers that it is given",
            remedy="leave --to out: the model folder holds weights that `ictal` reads",
            code="export-network",
        ) from error


def _torch_export(target: Path, program: torch.export.ExportedProgram) -> _Graph:
    torch.export.save(program, target)
    read: _Graph = torch.export.load(target).module()
    return read


def _onnx(target: Path, exported: torch.export.ExportedProgram, outputs: list[str]) -> _Graph:
    runtime = needed("onnxruntime", extra="onnx", what="--to onnx")
    needed("onnxscript", extra="onnx", what="--to onnx")
    program = torch.onnx.export(exported, output_names=outputs, verbose=False)
    assert program is not None
    program.save(target)
    session = runtime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def graph(*values: Tensor) -> dict[str, Tensor]:
        fed = {name: value.numpy() for name, value in zip(names, values, strict=True)}
        return {name: torch.from_numpy(one) for name, one in zip(outputs, session.run(outputs, fed), strict=True)}

    return graph


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch's exporters say about themselves: deprecations of their own, packages nobody needs here."""
    exporters = [logging.getLogger(name) for name in ("torch.onnx", "torch.fx.experimental.symbolic_shapes")]
    levels = [exporter.level for exporter in exporters]
    for exporter in exporters:
        exporter.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            yield
        finally:
            for exporter, level in zip(exporters, levels, strict=True):
                exporter.setLevel(level)
