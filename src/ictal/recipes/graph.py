"""A detector's network as a graph that runs without `ictal`: PyTorch's `torch.export`, or ONNX.

The graph takes one window, `signal_uv` (1, channels, samples) in µV as preprocessed, `valid_samples` (1) and
`valid_channels` (1, channels), and gives `logits` (1, steps) as they come from the network: before the prior's
correction and the calibration, which the model card writes out. What was written is read again by the program that will
run it, and has to answer as the network does.
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
from ictal.recipes.detector import Detector
from ictal.recipes.extras import needed

Form: TypeAlias = Literal["torch-export", "onnx"]
FILES: dict[Form, str] = {"torch-export": "model.pt2", "onnx": "model.onnx"}
TOLERANCE = 1e-4
"""Largest difference of a logit, as a share of the largest logit or of 1, whichever is more."""
_CHECKED_WINDOWS = 4
_Window: TypeAlias = tuple[Tensor, Tensor, Tensor]
_Graph: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]


def write(target: Path, detector: Detector, form: Form) -> float:
    """Write a detector's network as a graph and check it; returns the largest difference between their logits.

    Raises:
        InputError: if the exporter cannot follow the network (code `export-network`), a package is missing
            (`package-missing`), or the graph answers otherwise than the network (`export-differs`).
    """
    model = detector.model.cpu().eval()
    windows = _windows(detector)
    with _quiet(), torch.no_grad():
        program = _followed(model, windows[0], detector.config.model.module or detector.config.model.kind)
        graph = (_torch_export if form == "torch-export" else _onnx)(target, program)
        difference = max(_difference(graph, model, window) for window in windows)
    if not difference <= TOLERANCE:
        raise InputError(
            "The graph answers otherwise than the network",
            where=target,
            got=f"logits that differ by {difference:.2g} of the largest",
            expected=f"at most {TOLERANCE:g}",
            remedy="leave --to out, and report this with the versions of torch and onnxruntime",
            code="export-differs",
        )
    return difference


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


def _difference(graph: _Graph, model: nn.Module, window: _Window) -> float:
    expected: Tensor = model(*window)
    return float((graph(*window) - expected).abs().max() / expected.abs().max().clamp(min=1))


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


def _onnx(target: Path, exported: torch.export.ExportedProgram) -> _Graph:
    runtime = needed("onnxruntime", extra="onnx", what="--to onnx")
    needed("onnxscript", extra="onnx", what="--to onnx")
    program = torch.onnx.export(exported, output_names=["logits"], verbose=False)
    assert program is not None
    program.save(target)
    session = runtime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def graph(*values: Tensor) -> Tensor:
        fed = {name: value.numpy() for name, value in zip(names, values, strict=True)}
        return torch.from_numpy(session.run(["logits"], fed)[0])

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
