"""The `triton` backend without a GPU: `fla-core`'s kernels, forward and backward, by Triton's interpreter.

Every kernel runs as it is written, operation by operation in NumPy, so that what the layer computes through them is
compared with the layer written out step by step in float64; the errors of `chunked` in the same precision stand beside.
It says nothing about a GPU's compiler or its speed, and takes some minutes.

The interpreter is mended in three places: its integers are Python's in a loop, where a kernel asks them for a wider
type; it multiplies the bits of bfloat16 as if they were whole numbers; and choosing the fastest of several block sizes
needs a device, so that the first of them is taken. Triton is large and not among our dependencies:

    python -m venv /tmp/triton
    echo $PWD/.venv/lib/python3.11/site-packages > /tmp/triton/lib/python3.11/site-packages/ictal.pth
    /tmp/triton/bin/pip install --no-deps triton==3.9.0 fla-core==0.6.0 einops==0.8.2
    PYTHONPATH=. TRITON_INTERPRET=1 OMP_NUM_THREADS=1 /tmp/triton/bin/python benchmarks/triton_interpreted.py
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.runtime import autotuner, interpreter

from ictal.models.backends import mixer
from ictal.models.chunked import Mix
from tests.models.test_backends import case, results
from tests.reference import scan as reference

warnings.filterwarnings("ignore", message="Triton is not supported")
from fla.ops.common import chunk_h  # noqa: E402 - it warns where there is no GPU

LENGTHS = (1, 63, 64, 65, 200, 1000)


class _Step(int):
    """A number of a loop that can be asked for another type, as a compiled kernel's can."""

    def to(self, _: object) -> _Step:
        return self


def _steps(*bounds: int) -> Iterator[_Step]:
    return map(_Step, range(*bounds))


def _is_bf16(handle: Any) -> bool:
    return bool(handle.dtype.scalar == tl.bfloat16 and handle.data.dtype == np.uint16)


def _wide(handle: Any) -> npt.NDArray[Any]:
    return (handle.data.astype(np.uint32) << 16).view(np.float32) if _is_bf16(handle) else np.asarray(handle.data)


def _narrow(values: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    rounded = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).bfloat16()
    return np.asarray(rounded.view(torch.uint16).numpy())


def _elementwise(plain: Callable[..., Any]) -> Callable[..., Any]:
    """An operation of the interpreter, with bfloat16 taken for the numbers that its bits stand for."""

    def operation(builder: object, *handles_and_op: Any) -> Any:
        *handles, op = handles_and_op
        if not _is_bf16(handles[0]):
            return plain(builder, *handles, op)
        result = op(*map(_wide, handles))
        return interpreter.TensorHandle(result if result.dtype == bool else _narrow(result), handles[0].dtype.scalar)

    return operation


def _dot(_: object, a: Any, b: Any, added: Any, *_how: object) -> Any:
    product = np.matmul(_wide(a), _wide(b), dtype=added.data.dtype)
    return interpreter.TensorHandle(product + added.data, added.dtype.scalar)


def mend() -> None:
    """Make the interpreter fit for these kernels."""
    builder = interpreter.InterpreterBuilder
    builder.create_dot = _dot
    builder.binary_op, builder.unary_op = _elementwise(builder.binary_op), _elementwise(builder.unary_op)
    autotuner.Autotuner._bench = lambda *_, **__: [0.0, 0.0, 0.0]  # noqa: SLF001
    chunk_h.range = _steps


def errors(mix: Mix, length: int, kind: torch.dtype) -> str:
    """Greatest error of the output, and of any gradient, relative to the greatest number of each."""
    projected, keep, weights = case(11, length, ways=2)
    found = results(mix, projected, keep, weights, kind)
    expected = results(reference.mix, projected.to(kind).double(), keep, weights, torch.float64)

    def error(name: str) -> float:
        value: Tensor = expected[name]
        return float((found[name].double() - value).abs().max() / value.abs().max().clamp_min(0.1))

    worst = max((name for name in expected if name != "out"), key=error)
    return f"{error('out'):9.1e} {error(worst):9.1e} ({worst})"


def main() -> None:
    """All lengths in both types."""
    mend()
    torch.set_num_threads(1)
    print(f"triton {triton.__version__}; errors of the output, and of the gradient that is worst")
    for kind in (torch.float32, torch.bfloat16):
        for length in LENGTHS:
            said = "  ".join(f"{name} {errors(mixer(name), length, kind)}" for name in ("triton", "chunked"))
            print(f"{str(kind).removeprefix('torch.'):9} {length:5} steps  {said}", flush=True)


if __name__ == "__main__":
    main()
