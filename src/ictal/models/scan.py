"""The selective state-space scan: every step's output from everything before it, in time linear in the length.

For each head, with a state `h` of (state, head_dim) numbers:

    h_t = exp(dt_t * a) * h_{t-1} + dt_t * b_t x_t        y_t = c_t h_t

This is the scalar-decay recurrence of Mamba-2; `b` and `c` are shared by all heads. It is computed in its dual form:
within chunks of at most `chunk` steps as masked matrix products, between chunks by handing on states, in groups, so
that no loop over time is unrolled. `tests/reference/scan.py` holds the plain loop.

Invariant: decays are only ever formed as `exp` of a sum of non-positive logarithms over the steps between two points,
so they lie in [0, 1] whatever the length. A step with `dt = 0` changes nothing, which makes padding exact.

Source: Dao and Gu 2024, "Transformers are SSMs", arXiv 2405.21060.

Shape legend: B batch, L length, H heads, P head_dim, N state, K chunks, Q steps in a chunk.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, NestedIOFunction, once_differentiable
from torch.nn import functional

_CHUNK = (32, 64)
_GROUP_CHUNKS = 32
_LOG2_E = math.log2(math.e)


def scan(
    x: Float[Tensor, "batch length head head_dim"],
    dt: Float[Tensor, "batch length head"],
    a: Float[Tensor, "*each head"],
    b: Float[Tensor, "batch length state"],
    c: Float[Tensor, "batch length state"],
    *,
    initial_state: Float[Tensor, "batch head head_dim state"] | None = None,
    chunk: int | None = None,
) -> tuple[Float[Tensor, "batch length head head_dim"], Float[Tensor, "batch head head_dim state"]]:
    """Output of every step, and the state after the last one.

    Args:
        x: Input (B, L, H, P), float64, float32 or bfloat16; the output has its type.
        dt: Step sizes (B, L, H), never negative.
        a: Decay rates (H) or, where they differ within the batch, (B, H); never positive.
        b: Input directions (B, L, N).
        c: Output directions (B, L, N).
        initial_state: State before the first step (B, H, P, N); none means zero.
        chunk: Most steps that one matrix product spans; the result does not depend on it. None takes as many as the
            state has numbers, at least 32 and at most 64.

    Returns:
        The output (B, L, H, P) and the final state (B, H, P, N), the latter in float32 or wider.
    """
    batch, length, heads, head_dim = x.shape
    state = b.shape[-1]
    wide = torch.promote_types(x.dtype, torch.float32)
    chunks, steps = _even_chunks(length, min(max(state, _CHUNK[0]), _CHUNK[1]) if chunk is None else chunk)
    x, dt, b, c = (_chunked(values, chunks, steps) for values in (x, dt.to(wide), b.to(x.dtype), c.to(x.dtype)))
    reached = (dt * a.to(wide).reshape(-1, 1, 1, heads)).cumsum(dim=2)
    if initial_state is None:
        initial_state = reached.new_zeros(batch, heads, head_dim, state)
    y, final = _Chunks.apply(initial_state.to(wide).permute(0, 3, 1, 2), x, dt, b, c, reached)  # type: ignore[no-untyped-call]
    return y.flatten(1, 2)[:, :length], final.permute(0, 2, 3, 1)


def _even_chunks(length: int, chunk: int) -> tuple[int, int]:
    """How many chunks, and of how many steps, cover the length with the least padding."""
    assert length >= 1
    assert chunk >= 1
    chunks = -(-length // chunk)
    return chunks, -(-length // chunks)


def _chunked(values: Tensor, chunks: int, steps: int) -> Tensor:
    """(B, L, ...) as (B, K, Q, ...), zeros after the end."""
    missing = chunks * steps - values.shape[1]
    if missing:
        values = functional.pad(values, (0, 0) * (values.ndim - 2) + (0, missing))
    return torch.unflatten(values, 1, (chunks, steps))


class _Operands(NamedTuple):
    """Of the chunks; step sizes and decays in float32 or wider."""

    x: Float[Tensor, "batch chunk step head head_dim"]
    dt: Float[Tensor, "batch chunk step head"]
    b: Float[Tensor, "batch chunk step state"]
    c: Float[Tensor, "batch chunk step state"]
    reached: Float[Tensor, "batch chunk step head"]
    """Logarithm of the decay since the chunk's start."""

    def heads(self, columns: Tensor) -> Tensor:
        """(..., H * P) as (..., H, P)."""
        return torch.unflatten(columns, -1, self.x.shape[3:])

    def factors(self, values: Tensor) -> Tensor:
        """(..., H) as what scales the heads of (..., H, P)."""
        return values.to(self.x.dtype).unsqueeze(-1)

    def dots(self, some: Tensor, others: Tensor) -> Tensor:
        """Products of (..., P) and (..., P), in float32 or wider: their differences are small."""
        return (some.to(self.dt.dtype) * others).sum(dim=-1)

    def since(self) -> Tensor:
        """Decay of each step since the chunk's start (B, K, Q, H, 1)."""
        return self.factors(_exp(self.reached))

    def until(self) -> Tensor:
        """Decay of each step until the chunk's end (B, K, Q, H)."""
        return _exp(self.reached[:, :, -1:] - self.reached)

    def given(self) -> Tensor:
        """What each step adds to the state that leaves its chunk, b aside (B, K, Q, H * P)."""
        return (self.x * self.factors(self.dt * self.until())).flatten(3)

    def scaled(self) -> Tensor:
        """`dt_t x_t` by head (B, K, H, Q, P)."""
        turned = self.x.transpose(2, 3)
        return torch.mul(turned, self.factors(self.dt).transpose(2, 3), out=turned.new_empty(turned.shape))

    def products(self) -> Tensor:
        """`c_t . b_s` for s <= t, in (B, K, 1, t, s)."""
        return (self.c @ self.b.mT).tril_().unsqueeze(2)

    def decays(self) -> Tensor:
        """Decay from step s to step t, in (B, K, H, t, s); one where s comes after t."""
        halvings = (self.reached * _LOG2_E).transpose(2, 3).contiguous()
        return (halvings.unsqueeze(-1) - halvings.unsqueeze(-2)).tril_().exp2_()


class _Chunks(torch.autograd.Function):
    """The recurrence by chunks, with its own backward pass.

    Within a chunk, with `reached_t` the logarithm of the decay from its start to step t and h the state that enters it,

        y_t = exp(reached_t) c_t h + sum over s <= t of exp(reached_t - reached_s) (c_t . b_s) dt_s x_s

    The first part, and what a chunk adds to the state, are products of all heads at once; the second is one per head,
    by matrices Q x Q that are not kept for the backward pass. The gradient of `reached` needs no further product:
    `reached_t` scales the whole of `y_t` and `-reached_s` all that `x_s` gives, so it is `dy_t . y_t - dx_t . x_t`, and
    the last of a chunk scales the state that leaves it besides: what `x` gave to that, and what is left of h.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, first: Tensor, *operands: Tensor) -> tuple[Tensor, Tensor]:
        """Output (B, K, Q, H, P) and final state (B, N, H, P), from the first state (B, N, H, P) and `_Operands`."""
        of = _Operands(*operands)
        added = of.heads((of.b.mT @ of.given()).to(first.dtype))
        entering, final = _carry(added, of.reached[:, :, -1], first)
        y = of.heads(of.c @ entering.to(of.x.dtype).flatten(3)).to(first.dtype).mul_(of.since())
        mixing = of.decays().mul_(of.products()).to(of.x.dtype)
        y.add_((mixing @ of.scaled()).transpose(2, 3))
        ctx.save_for_backward(entering, y, *operands)
        return y.to(of.x.dtype), final

    @staticmethod
    @once_differentiable
    def backward(ctx: NestedIOFunction, dy: Tensor, dfinal: Tensor) -> tuple[Tensor, ...]:
        """Gradients of all that `forward` was given."""
        entering, y, *operands = ctx.saved_tensors
        of = _Operands(*operands)
        dscaled, db, dc, ddecay, dfirst = _between_back(of, entering, dy, dfinal)
        dwithin, dproducts = _within_back(of, dy.transpose(2, 3).contiguous())
        dwithin = dwithin.transpose(2, 3)
        left = of.dots(of.x, dscaled)
        ddt = left + of.dots(of.x, dwithin)
        dreached = of.dots(dy, y) - ddt * of.dt
        dreached[:, :, -1] += ddecay * _exp(of.reached[:, :, -1]) + (left * of.dt).sum(dim=2)
        dx = dscaled.add_(dwithin).mul_(of.factors(of.dt))
        return dfirst, dx, ddt, db.add_(dproducts.mT @ of.c), dc.add_(dproducts @ of.b), dreached


def _between_back(
    of: _Operands, entering: Tensor, dy: Tensor, dfinal: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients, by way of the states, of `dt x`, b, c, the decay of whole chunks (B, K, H), and the first state."""
    kind = of.x.dtype
    dcarried = (dy * of.since()).flatten(3)
    dc = dcarried @ entering.to(kind).flatten(3).mT
    dentering = of.heads((of.c.mT @ dcarried).to(dfinal.dtype))
    dleaving, dfirst = _carry(dentering, of.reached[:, :, -1], dfinal, back=True)
    dadded = dleaving.to(kind).flatten(3)
    db = of.given() @ dadded.mT
    dscaled = of.heads(of.b @ dadded).mul_(of.factors(of.until()))
    return dscaled, db, dc, (dleaving * entering).sum(dim=(2, 4)), dfirst


def _within_back(of: _Operands, dy: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients, by way of the chunk itself, of `dt x` by head (B, K, H, Q, P) and of the products (B, K, Q, Q)."""
    decays = of.decays()
    dproducts = (dy @ of.scaled().mT).mul_(decays).sum(dim=2).tril_()
    return decays.mul_(of.products()).to(dy.dtype).mT @ dy, dproducts


def _exp(logarithm: Tensor) -> Tensor:
    """`exp` as a power of two: torch's own takes many times as long where MKL computes it."""
    return torch.exp2(logarithm * _LOG2_E)


def _carry(added: Tensor, log_decay: Tensor, first: Tensor, *, back: bool = False) -> tuple[Tensor, Tensor]:
    """The state entering every chunk, and the state after the last.

    Args:
        added: What each chunk adds to the state (B, K, N, H, P).
        log_decay: Logarithm of each whole chunk's decay (B, K, H).
        first: State entering the first chunk (B, N, H, P).
        back: Whether the last chunk is the first.
    """
    chunks = added.shape[1]
    if chunks > _GROUP_CHUNKS:
        return _carry_grouped(added, log_decay, first, back=back)
    decay, states = _exp(log_decay)[:, :, None, :, None], [first]
    for chunk in range(chunks)[:: -1 if back else 1]:
        states.append(torch.addcmul(added[:, chunk], decay[:, chunk], states[-1]))
    *entering, final = states
    return torch.stack(entering[:: -1 if back else 1], dim=1), final


def _carry_grouped(added: Tensor, log_decay: Tensor, first: Tensor, *, back: bool) -> tuple[Tensor, Tensor]:
    """`_carry` for many chunks: within groups from nothing, then the groups' own results from group to group."""
    batch, chunks = added.shape[:2]
    groups = -(-chunks // _GROUP_CHUNKS)
    added = _chunked(added, groups, _GROUP_CHUNKS)
    log_decay = _chunked(log_decay, groups, _GROUP_CHUNKS)
    nothing = torch.zeros_like(added[:, :, 0]).flatten(0, 1)
    inside, after = _carry(added.flatten(0, 1), log_decay.flatten(0, 1), nothing, back=back)
    arriving, final = _carry(torch.unflatten(after, 0, (batch, groups)), log_decay.sum(dim=2), first, back=back)
    turned = log_decay.flip(2) if back else log_decay
    before = _exp(functional.pad(turned, (0, 0, 1, 0))[:, :, :-1].cumsum(dim=2))
    before = before.flip(2) if back else before
    entering = torch.unflatten(inside, 0, (batch, groups)) + before[:, :, :, None, :, None] * arriving.unsqueeze(2)
    return entering.flatten(1, 2)[:, :chunks], final
