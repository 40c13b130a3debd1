"""What computes a Mamba layer, chosen once, when a model is built.

All backends compute the same numbers, to rounding: tests hold each of them against the plain recurrence. One that is
asked for by name runs or raises; none stands in for another (incidents e7, e12).

- `chunked`: matrix products in torch's own operations, on any device; the one that can be exported;
- `fused`: one compiled pass through the core's caches between the projections (numba), on a processor;
- `compiled`: `chunked` through `torch.compile`;
- `triton`: `chunked` with the scan of the package `fla-core`, on a CUDA device.

The projections are those of `products` in all of them.
"""

from __future__ import annotations

from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ictal.errors import InputError
from ictal.models import chunked
from ictal.models.chunked import Mix

Chosen = Literal["chunked", "fused", "compiled", "triton"]
Backend = Literal["auto", "chunked", "fused", "compiled", "triton"]

FUSED_MULTIPLE = 16
"""`fused` wants heads and states of a multiple of so many numbers: whole vectors."""


def choose(backend: Backend, device: torch.device, *, state: int, head_dim: int) -> Chosen:
    """The backend that will run.

    Args:
        backend: What was asked for; `auto` takes `fused` on a processor where the sizes allow it and numba can keep
            what it compiles, `triton` on a CUDA device where `fla-core` is installed, and `chunked` everywhere else.
        device: Where the model will compute.
        state: Numbers that each head remembers per number of its input.
        head_dim: Numbers per head.

    Raises:
        InputError: if the backend that was named cannot run here (code `backend`).
    """
    hindrance = {"fused": lambda: _not_fused(device, state, head_dim), "triton": lambda: _not_triton(device)}
    if backend == "auto":
        fastest: Chosen = "fused" if device.type == "cpu" else "triton"
        return "chunked" if hindrance[fastest]() else fastest
    if backend == "compiled":
        _compile_one(device)
    elif backend in hindrance and (found := hindrance[backend]()):
        raise _refusal(backend, *found)
    return backend


def mixer(backend: Chosen) -> Mix:
    """The function that computes a layer between its projections."""
    match backend:
        case "chunked":
            return chunked.mix
        case "compiled":
            return _compiled()
        case "fused":
            from ictal.models import fused  # noqa: PLC0415 - numba is imported where it is asked for

            return fused.mix
        case "triton":
            return _with_triton


def triton_operands(
    x: Float[Tensor, "batch length head head_dim"],
    dt: Float[Tensor, "batch length head"],
    a: Float[Tensor, "*each head"],
    b: Float[Tensor, "batch length state"],
    c: Float[Tensor, "batch length state"],
) -> dict[str, Float[Tensor, "batch length head ..."]]:
    """The scan's operands as those of gated linear attention: q, k (B, L, H, N), v (B, L, H, P), log decay g (B, L, H).

    `h_t = exp(dt_t a) h_{t-1} + b_t (dt_t x_t)` and `y_t = c_t h_t` are its recurrence with a scale of one; it wants b
    and c for each head.
    """
    heads = x.shape[2]
    k, q = (values.to(x.dtype).unsqueeze(2).expand(-1, -1, heads, -1).contiguous() for values in (b, c))
    wide = torch.promote_types(x.dtype, torch.float32)
    return {"q": q, "k": k, "v": x * dt.to(x.dtype).unsqueeze(-1), "g": dt.to(wide) * a.to(wide).reshape(-1, 1, heads)}


def _triton_scan(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    from fla.ops.simple_gla import chunk_simple_gla  # noqa: PLC0415 - an extra

    y, final = chunk_simple_gla(**triton_operands(x, dt, a, b, c), scale=1.0, output_final_state=True)
    return y, final.transpose(2, 3)


def _with_triton(projected: Tensor, keep: Tensor | None, weights: chunked.Weights, floor: float) -> Tensor:
    return chunked.mix_whole(projected, keep, weights, floor, scan=_triton_scan)


@lru_cache
def _compiled() -> Mix:
    """`fullgraph`: what cannot be compiled raises, and does not run some other way."""
    return partial(chunked.mix, whole=torch.compile(chunked.mix_whole, fullgraph=True))


def _compile_one(device: torch.device) -> None:
    """Stop if `torch.compile` does not work here: on a processor it needs a C++ compiler and Python's headers."""
    try:
        torch.compile(torch.sin, fullgraph=True)(torch.zeros(8, device=device))
    except RuntimeError as error:
        raise _refusal("compiled", str(error).strip().splitlines()[0], _COMPILER) from error


_COMPILER = "a compiler for torch.compile (Debian: apt install g++ python3-dev)"


def _not_fused(device: torch.device, state: int, head_dim: int) -> tuple[str, str] | None:
    if device.type != "cpu":
        return f"device {device}", "a processor"
    if state % FUSED_MULTIPLE or head_dim % FUSED_MULTIPLE:
        return f"model.state {state}, model.head_dim {head_dim}", f"multiples of {FUSED_MULTIPLE}"
    try:
        import_module("ictal.models.fused")  # where numba can compile, but keep nothing, it says so here
    except RuntimeError as error:
        return str(error), "a folder for what numba compiles, such as NUMBA_CACHE_DIR"
    return None


def _not_triton(device: torch.device) -> tuple[str, str] | None:
    if device.type != "cuda":
        return f"device {device}", "a CUDA device"
    missing = [name for name in ("triton", "fla") if find_spec(name) is None]
    return (f"no package {missing[0]}", "pip install 'ictal[cuda]'") if missing else None


def _refusal(backend: str, got: str, expected: str) -> InputError:
    return InputError(
        "The backend cannot run",
        where="machine.backend",
        got=f"{backend}: {got}",
        expected=expected,
        remedy='provide it, or set machine.backend = "auto"',
        code="backend",
    )
