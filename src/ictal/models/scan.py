"""The selective state-space scan: every step's output from everything before it, in time linear in the length.

For each head, with a state `h` of (state, head_dim) numbers:

    h_t = exp(dt_t * a) * h_{t-1} + dt_t * b_t x_t        y_t = c_t h_t

This is the scalar-decay recurrence of Mamba-2; `b` and `c` are shared by all heads. It is computed in its dual form:
within chunks of at most `chunk` steps as masked matrix products, between chunks by carrying states through a matrix of
chunk decays, group by group, so that no loop over time is unrolled. `tests/reference/scan.py` holds the plain loop.

Invariant: decays are only ever formed as `exp` of a sum of non-positive logarithms over the steps between two points,
so they lie in [0, 1] whatever the length. A step with `dt = 0` changes nothing, which makes padding exact.

Source: Dao and Gu 2024, "Transformers are SSMs", arXiv 2405.21060.

Shape legend: B batch, L length, H heads, P head_dim, N state, K chunks, Q steps in a chunk.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, NestedIOFunction, once_differentiable
from torch.nn import functional

_CHUNK = (32, 64)
_GROUP_CHUNKS = 32


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
    scaled = _chunked(x * dt.to(x.dtype).unsqueeze(-1), chunks, steps)
    b = _chunked(b.to(x.dtype), chunks, steps)
    c = _chunked(c.to(x.dtype), chunks, steps)
    log_decay = dt.to(wide) * a.to(wide).reshape(-1, 1, heads)
    reached = _chunked(log_decay, chunks, steps).cumsum(dim=2)
    whole = reached[:, :, -1]

    remaining = torch.exp(whole.unsqueeze(2) - reached)
    weighted = (scaled * remaining.to(x.dtype).unsqueeze(-1)).flatten(3)
    added = (b.mT @ weighted).to(wide).view(batch, chunks, state, heads, head_dim)
    first = added.new_zeros(batch, state, heads, head_dim) if initial_state is None else _inner(initial_state.to(wide))
    entering, final = _carry(added, whole, first)

    carried = (c @ entering.to(x.dtype).flatten(3)).view_as(scaled) * torch.exp(reached).to(x.dtype).unsqueeze(-1)
    inside: Tensor = _WithinChunks.apply(scaled.transpose(2, 3), reached.transpose(2, 3), b, c)  # type: ignore[no-untyped-call]
    return (inside.transpose(2, 3) + carried).flatten(1, 2)[:, :length], final.permute(0, 2, 3, 1)


def _inner(state: Tensor) -> Tensor:
    """A state (B, H, P, N) in the order that the matrix products want: (B, N, H, P)."""
    return state.permute(0, 3, 1, 2)


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


class _WithinChunks(torch.autograd.Function):
    """What the steps of each chunk give to the later (and same) steps of that chunk.

    `y_t = sum over s <= t of exp(reached_t - reached_s) (c_t . b_s) x_s`. Nothing of size Q x Q x H is kept for the
    backward pass, which forms the decays again, and gets the gradient of `reached` without a further product: as
    `reached_t` scales the whole of `y_t`, and `-reached_s` all that `x_s` gives, it is `dy_t . y_t - dx_t . x_t`.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, reached: Tensor, b: Tensor, c: Tensor) -> Tensor:
        """Args: x (B, K, H, Q, P), reached (B, K, H, Q), b and c (B, K, Q, N); returns (B, K, H, Q, P)."""
        mixing = _decays(reached).mul_((c @ b.mT).unsqueeze(2))
        y = mixing.to(x.dtype) @ x
        ctx.save_for_backward(x, reached, b, c, y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: NestedIOFunction, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients of x, reached, b and c."""
        x, reached, b, c, y = ctx.saved_tensors
        decays = _decays(reached)
        dproducts = (dy @ x.mT).mul(decays).sum(dim=2).to(b.dtype)
        dx = decays.mul_((c @ b.mT).unsqueeze(2)).to(x.dtype).mT @ dy
        dreached = ((dy * y).to(reached.dtype) - (dx * x).to(reached.dtype)).sum(dim=-1)
        return dx, dreached, dproducts.mT @ c, dproducts @ b


def _decays(reached: Tensor) -> Tensor:
    """Decay from step s to step t of each chunk (B, K, H, Q, Q); zero where s comes after t."""
    steps = reached.shape[-1]
    later = torch.ones(steps, steps, dtype=torch.bool, device=reached.device).triu_(1)
    return (reached.unsqueeze(-1) - reached.unsqueeze(-2)).masked_fill_(later, -torch.inf).exp_()


def _carry(added: Tensor, log_decay: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """The state entering every chunk, and the state after the last.

    Args:
        added: What each chunk adds to the state (B, K, N, H, P).
        log_decay: Logarithm of each whole chunk's decay (B, K, H).
        first: State entering the first chunk (B, N, H, P).
    """
    chunks = added.shape[1]
    if chunks > _GROUP_CHUNKS:
        return _carry_grouped(added, log_decay, first)
    every = torch.cat([first.unsqueeze(1), added], dim=1)
    decay = torch.exp(_sums_between(functional.pad(log_decay, (0, 0, 1, 0)).transpose(1, 2)))
    states = torch.einsum("bhij,bjnhp->binhp", decay, every)
    return states[:, :-1], states[:, -1]


def _carry_grouped(added: Tensor, log_decay: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """`_carry` for many chunks: within groups from nothing, then the groups' own results from group to group."""
    batch, chunks = added.shape[:2]
    groups = -(-chunks // _GROUP_CHUNKS)
    added = _chunked(added, groups, _GROUP_CHUNKS)
    log_decay = _chunked(log_decay, groups, _GROUP_CHUNKS)
    inside, after = _carry(added.flatten(0, 1), log_decay.flatten(0, 1), torch.zeros_like(added[:, :, 0]).flatten(0, 1))
    arriving, final = _carry(torch.unflatten(after, 0, (batch, groups)), log_decay.sum(dim=2), first)
    before = torch.exp(functional.pad(log_decay, (0, 0, 1, 0))[:, :, :-1].cumsum(dim=2))
    entering = torch.unflatten(inside, 0, (batch, groups)) + before[:, :, :, None, :, None] * arriving.unsqueeze(2)
    return entering.flatten(1, 2)[:, :chunks], final


def _sums_between(values: Tensor) -> Tensor:
    """Sum of the values after j up to and with i, for all j <= i, as (..., i, j); minus infinity where j > i.

    Each sum is added up by itself: the difference of two long cumulative sums would lose the small ones.
    """
    steps = values.shape[-1]
    after = torch.ones(steps, steps, dtype=torch.bool, device=values.device).tril(-1)
    sums = values.unsqueeze(-1).expand(*values.shape, steps).masked_fill(~after, 0).cumsum(dim=-2)
    return sums.masked_fill(after.mT, -torch.inf)
