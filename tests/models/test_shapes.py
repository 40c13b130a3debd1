"""The shapes that models state are checked in every test: by a hook that pytest installs (`--jaxtyping-packages`).

The scan and the chunked layer are checked here by themselves: `torch.compile` traces them, and cannot trace a check.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import beartype
import pytest
import torch
from beartype.door import is_bearable
from jaxtyping import TypeCheckError, jaxtyped

from ictal.models import chunked, kernels, mamba
from ictal.models.backends import triton_operands
from ictal.models.detector import Detector, DetectorConfig
from ictal.models.mamba import BiMamba2, Mamba2
from ictal.models.scan import scan
from ictal.models.stem import channel_mean, kept
from ictal.models.streaming import Stream

ROOT = Path(__file__).resolve().parents[2]
STATED = ("backends", "baselines", "chunked", "detector", "fused", "mamba", "scan", "stem", "streaming")


@pytest.mark.parametrize("name", STATED)
def test_every_public_function_states_its_shapes(name: str) -> None:
    """No argument and no result is a tensor of no stated shape."""
    tree = ast.parse((ROOT / "src" / "ictal" / "models" / f"{name}.py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    private = {
        node
        for outer in tree.body
        if isinstance(outer, ast.ClassDef) and outer.name[0] == "_"
        for node in ast.walk(outer)
    }
    for function in functions:
        if (function.name.startswith("_") and function.name != "__init__") or function in private:
            continue
        arguments = [*function.args.args, *function.args.kwonlyargs]
        for annotation in (*(argument.annotation for argument in arguments), function.returns):
            if annotation is not None:
                assert "Tensor" not in _unshaped(ast.unparse(annotation)), f"{name}:{function.lineno} {function.name}"


def _unshaped(annotation: str) -> str:
    for kind in ("Float", "Int", "Bool"):
        annotation = annotation.replace(f"{kind}[Tensor,", "")
    return annotation


def test_a_wrong_shape_is_caught() -> None:
    """In signals, masks and counts of another batch, another kind of number, and between arguments."""
    model = Detector(DetectorConfig(samples_per_step=16), 3, 0.2).eval()
    signal = torch.zeros(2, 3, 320)
    whole, mask = torch.tensor([320, 320]), torch.ones(2, 3, dtype=torch.bool)
    assert model(signal, whole, mask).shape == (2, 20)
    for wrong in (
        (signal[0], whole, mask),
        (signal, whole[:1], mask),
        (signal, whole, mask[:1]),
        (signal, whole, mask.float()),
        (signal, whole.float(), mask),
        (signal.long(), whole, mask),
    ):
        with pytest.raises(TypeCheckError):
            model(*wrong)
    with pytest.raises(TypeCheckError):
        channel_mean(torch.zeros(2, 3, 4), torch.ones(2, 4, dtype=torch.bool))
    with pytest.raises(TypeCheckError):
        kept(torch.zeros(2, 2, dtype=torch.int64), 3, 4)
    with pytest.raises(TypeCheckError):
        Mamba2(8, state=4, head_dim=4)(torch.zeros(2, 5, 8), torch.ones(2, 4, dtype=torch.bool))
    with pytest.raises(TypeCheckError):
        Stream(Detector(DetectorConfig(kind="mamba", samples_per_step=16), 3, 0.2)).push(torch.zeros(1, 3, 16))


def test_the_scan_keeps_to_its_shapes() -> None:
    """Output and state of every operand's shape; step sizes of another length are caught."""
    checked = jaxtyped(typechecker=beartype.beartype)(scan)
    x, dt, b = torch.randn(2, 9, 3, 4), torch.rand(2, 9, 3), torch.randn(2, 9, 5)
    _, state = checked(x, dt, -torch.rand(3), b, b)
    checked(x.double(), dt, -torch.rand(2, 3), b, b, initial_state=state)
    with pytest.raises(TypeCheckError):
        checked(x, dt[:, 1:], -torch.rand(3), b, b)


@pytest.mark.parametrize("layer", [Mamba2, BiMamba2])
def test_the_chunked_layer_keeps_to_its_shapes(layer: type[Mamba2], monkeypatch: pytest.MonkeyPatch) -> None:
    """All that it consists of, whole and resumed; weights of another layer are caught."""
    for name in ("parted", "operands", "skipped", "finished", "mix"):
        checked = jaxtyped(typechecker=beartype.beartype)(getattr(chunked, name))
        monkeypatch.setattr(chunked, name, checked)
        if name != "mix":
            monkeypatch.setattr(mamba, name, checked)
    made, hidden = layer(8, state=5, head_dim=4), torch.randn(2, 9, 8)
    made(hidden, torch.ones(2, 9, dtype=torch.bool))
    if layer is Mamba2:
        _, memory = made.resume(hidden, None)
        made.resume(hidden, memory)
    projected, weights = made.in_proj(hidden), made.weights()
    y = torch.zeros(2, 9, 4, 4)
    for wrong in (
        lambda: chunked.mix(projected[0], None, weights, 1e-5),
        lambda: chunked.mix(projected, torch.ones(2, 8, dtype=torch.bool), weights, 1e-5),
        lambda: chunked.mix(projected, torch.ones(2, 9), weights, 1e-5),
        lambda: chunked.finished(y, torch.zeros(2, 8, 16), weights.norm, 1e-5),
        lambda: chunked.skipped(y, weights.skip),
    ):
        with pytest.raises(TypeCheckError):
            wrong()


def test_the_fused_layer_keeps_to_its_shapes() -> None:
    """Masks of another length or kind are caught, and one of a single window, which would be taken for all."""
    layer = Mamba2(16, state=16, head_dim=16, backend="fused")
    hidden = torch.randn(2, 9, 16)
    assert layer(hidden, torch.ones(2, 9, dtype=torch.bool)).shape == hidden.shape
    projected, weights = layer.in_proj(hidden), layer.weights()
    for wrong in (torch.ones(2, 8, dtype=torch.bool), torch.ones(1, 9, dtype=torch.bool), torch.ones(2, 9)):
        with pytest.raises(TypeCheckError):
            layer.mix(projected, wrong, weights, 1e-5)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16])
def test_the_kernels_are_given_what_they_state(kind: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each array of a step, forward and backward; others would be told apart."""
    stated = {name: Stated(getattr(kernels, name)) for name in ("forward", "backward")}
    for name, kernel in stated.items():
        monkeypatch.setattr(kernels, name, kernel)
    layer = BiMamba2(16, state=16, head_dim=32, backend="fused")
    projected = torch.randn(3, 70, layer.in_proj.out_features).to(kind).requires_grad_()
    keep = torch.arange(70) < torch.tensor([70, 41, 1]).unsqueeze(1)
    layer.mix(projected, keep, layer.weights(), 1e-5).square().sum().backward()  # type: ignore[no-untyped-call]
    for kernel in stated.values():
        assert all(kernel.fits(given) for given in kernel.calls)
        given = kernel.calls[0]
        for name in ("rows", "dt", "taps", "bias", "rates", "skip", "summed"):
            assert not kernel.fits({**given, name: given[name][1:]}), name
        assert not kernel.fits({**given, "dt": given["dt"].astype(int)})


class Stated:
    """A kernel that keeps what it is given, and knows whether that is what its signature states.

    Args:
        kernel: As numba has compiled it, which looks at no annotation.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel, self.signature = kernel, inspect.signature(kernel.py_func, eval_str=True)
        self.calls: list[dict[str, Any]] = []

    def __call__(self, *arguments: object) -> None:
        """What the kernel does."""
        self.calls.append(self.signature.bind(*arguments).arguments)
        self.kernel(*arguments)

    def fits(self, given: dict[str, Any]) -> bool:
        """All of it, with one meaning of every dimension's name."""
        with jaxtyped("context"):  # type: ignore[call-overload]
            return all(is_bearable(value, self.signature.parameters[name].annotation) for name, value in given.items())


def test_operands_of_another_length_are_caught() -> None:
    """Before the package that is given them is asked for."""
    x, dt, b = torch.randn(2, 9, 3, 4), torch.rand(2, 9, 3), torch.randn(2, 9, 5)
    assert triton_operands(x, dt, -torch.rand(3), b, b)["g"].shape == (2, 9, 3)
    with pytest.raises(TypeCheckError):
        triton_operands(x, dt[:, 1:], -torch.rand(3), b, b)
