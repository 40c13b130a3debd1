"""Mamba-2 blocks: public names, causality, masks and both directions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ictal.models.mamba import BiMamba2, Mamba2
from tests.reference import scan as reference

WIDTH, STATE, HEAD_DIM = 8, 6, 4


def hidden(length: int = 50) -> Tensor:
    return torch.randn(2, length, WIDTH, generator=torch.Generator().manual_seed(3))


def test_parameters_have_the_public_names_and_shapes() -> None:
    """Names and shapes are those of the published Mamba-2 layer, so its weights load."""
    layer = Mamba2(WIDTH, state=STATE, head_dim=HEAD_DIM)
    inner, heads = 2 * WIDTH, 2 * WIDTH // HEAD_DIM
    mixed = inner + 2 * STATE
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {
        "in_proj.weight": (inner + mixed + heads, WIDTH),
        "conv1d.weight": (mixed, 1, 4),
        "conv1d.bias": (mixed,),
        "dt_bias": (heads,),
        "A_log": (heads,),
        "D": (heads,),
        "norm.weight": (inner,),
        "out_proj.weight": (WIDTH, inner),
    }
    assert set(dict(layer.named_parameters())) < set(
        dict(BiMamba2(WIDTH, state=STATE, head_dim=HEAD_DIM).named_parameters())
    )


def test_a_layer_is_what_its_formula_says() -> None:
    """Projection, causal convolution, plain recurrence, skip, gate, norm, projection, written out."""
    layer = Mamba2(WIDTH, state=STATE, head_dim=HEAD_DIM).double()
    u = hidden().double()
    inner, heads = 2 * WIDTH, 2 * WIDTH // HEAD_DIM
    z, mixed, dt = layer.in_proj(u).split([inner, inner + 2 * STATE, heads], dim=-1)
    past = functional.pad(mixed, (0, 0, 3, 0))
    taps = layer.conv1d.weight[:, 0]
    mixed = sum((past[:, k : k + 50] * taps[:, k] for k in range(4)), layer.conv1d.bias)
    x, b, c = functional.silu(mixed).split([inner, STATE, STATE], dim=-1)
    x = x.reshape(2, 50, heads, HEAD_DIM)
    y, _ = reference.scan(x, functional.softplus(dt + layer.dt_bias), -layer.A_log.exp(), b, c)
    y = (y + layer.D[:, None] * x).reshape(2, 50, inner) * functional.silu(z)
    y = y / torch.sqrt(y.square().mean(dim=-1, keepdim=True) + 1e-5) * layer.norm.weight
    torch.testing.assert_close(layer(u), y @ layer.out_proj.weight.T, rtol=1e-8, atol=1e-8)


def test_one_direction_sees_only_the_past() -> None:
    """A change at step 30 leaves the steps before it as they were."""
    layer, u = Mamba2(WIDTH, state=STATE, head_dim=HEAD_DIM), hidden()
    changed = u.clone()
    changed[:, 30:] += 1
    same = (layer(changed) - layer(u)).abs().amax(dim=(0, 2)) < 1e-6
    assert bool(same[:30].all())
    assert not bool(same[30:].any())


def test_both_directions_reach_every_step() -> None:
    """A change at step 30 is felt on both sides of it."""
    layer, u = BiMamba2(WIDTH, state=STATE, head_dim=HEAD_DIM), hidden()
    changed = u.clone()
    changed[:, 30] += 1
    assert bool(((layer(changed) - layer(u)).abs().amax(dim=(0, 2)) > 0).all())


def test_time_reversed_with_directions_swapped_is_the_same_layer() -> None:
    """With the directions' own parameters exchanged, reversed input gives reversed output."""
    layer = BiMamba2(WIDTH, state=STATE, head_dim=HEAD_DIM)
    with torch.no_grad():
        for parameter in layer.reverse.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    swapped = BiMamba2(WIDTH, state=STATE, head_dim=HEAD_DIM)
    weights = layer.state_dict()
    own = [name.removeprefix("reverse.") for name in weights if name.startswith("reverse.")]
    exchanged = {name: weights[f"reverse.{name}"] for name in own} | {f"reverse.{name}": weights[name] for name in own}
    swapped.load_state_dict(weights | exchanged)
    u = hidden()
    torch.testing.assert_close(swapped(u.flip(1)), layer(u).flip(1), rtol=1e-5, atol=1e-6)


def test_steps_not_kept_neither_give_nor_take() -> None:
    """Kept steps of a padded sequence answer as the unpadded sequence does, in both directions."""
    layer, u = BiMamba2(WIDTH, state=STATE, head_dim=HEAD_DIM), hidden()
    keep = (torch.arange(50) < 31).expand(2, -1)
    torch.testing.assert_close(layer(u, keep)[:, :31], layer(u[:, :31]), rtol=1e-5, atol=1e-6)
    before = (torch.arange(50) >= 19).expand(2, -1)
    torch.testing.assert_close(layer(u, before)[:, 19:], layer(u[:, 19:]), rtol=1e-5, atol=1e-6)
