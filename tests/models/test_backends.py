"""Every backend of a Mamba layer against the layer written out step by step; which one is chosen, and who refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ictal.errors import InputError
from ictal.models import chunked, fused
from ictal.models.backends import Backend, Chosen, choose, mixer, triton_operands
from ictal.models.chunked import Mix, Weights
from tests.reference import scan as reference

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
FLOOR = 1e-5
CANCELLING = {"rates": 5}
"""Gradients that are small sums of large terms, by how much less exact float32 has them in every backend."""
TOLERANCE = {torch.float64: 1e-9, torch.float32: 5e-5, torch.bfloat16: 3e-2}
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="GPU")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def case(
    seed: int, length: int, *, ways: int, heads: int = 2, head_dim: int = 16, state: int = 16, batch: int = 2
) -> tuple[Tensor, Tensor, Weights]:
    """A random projection, steps kept from some step on up to some other, and weights, in float64."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    inner = heads * head_dim
    weights = Weights(
        taps=normal(ways, inner + 2 * state, 4) / 2,
        bias=normal(ways, inner + 2 * state) / 4,
        dt_bias=normal(ways, heads) - 2,
        rates=-normal(ways, heads).exp(),
        skip=normal(ways, heads),
        norm=normal(inner),
    )
    first = torch.randint(0, max(1, length // 3), (batch, 1), generator=generator)
    last = torch.randint(length // 2, length + 1, (batch, 1), generator=generator)
    keep = (torch.arange(length) >= first) & (torch.arange(length) < last)
    return normal(batch, length, 2 * inner + 2 * state + heads), keep, weights


def results(mix: Mix, projected: Tensor, keep: Tensor, weights: Weights, kind: torch.dtype) -> dict[str, Tensor]:
    """Output, and gradients of a weighted sum of it, with the projection in a type and weights no narrower than f32."""
    wide = torch.promote_types(kind, torch.float32)
    leaves = {name: value.detach().to(wide, copy=True).requires_grad_() for name, value in weights._asdict().items()}
    rows = projected.detach().to(kind, copy=True).requires_grad_()
    out = mix(rows, keep, Weights(**leaves), FLOOR)
    direction = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (out.double() * direction).sum().backward()
    gradients = {name: leaf.grad for name, leaf in {**leaves, "projected": rows}.items()}
    assert out.dtype in {kind, wide}
    return {"out": out.detach(), **{name: value for name, value in gradients.items() if value is not None}}


def check(mix: Mix, given_case: tuple[Tensor, Tensor, Weights], kind: torch.dtype, tolerance: float) -> None:
    """Output and every gradient agree with the written-out layer's, relative to the largest number of each."""
    projected, keep, weights = given_case
    found = results(mix, projected, keep, weights, kind)
    expected = results(reference.mix, projected.to(kind).double(), keep, weights, torch.float64)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        error = (found[name].double() - value).abs().max() / value.abs().max().clamp_min(0.1)
        assert float(error) < tolerance * CANCELLING.get(name, 1), name


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**20),
    length=st.integers(1, 140),
    way_in=st.sampled_from(
        [("chunked", torch.float64), ("chunked", torch.float32), *(("fused", k) for k in TOLERANCE)]
    ),
    ways=st.integers(1, 2),
)
def test_a_backend_is_the_layer_step_by_step(
    *, seed: int, length: int, way_in: tuple[Chosen, torch.dtype], ways: int
) -> None:
    """Any length, one direction or two, masks at both ends, every type: forward and backward."""
    backend, kind = way_in
    check(mixer(backend), case(seed, length, ways=ways), kind, TOLERANCE[kind])


@pytest.mark.parametrize("block", [1, 1000, 10**9])
def test_chunked_takes_any_number_of_windows_at_once(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one, three by three, or all: with masks and without."""
    monkeypatch.setattr(chunked, "_BLOCK", block)
    projected, keep, weights = case(4, 3, ways=2, batch=6)
    check(chunked.mix, (projected, keep, weights), torch.float64, TOLERANCE[torch.float64])
    everywhere = torch.ones_like(keep)
    unmasked, masked = (chunked.mix(projected, mask, weights, FLOOR) for mask in (None, everywhere))
    torch.testing.assert_close(unmasked, masked)


@pytest.mark.parametrize(("heads", "head_dim", "state"), [(1, 64, 64), (3, 16, 48)])
def test_fused_heads_may_have_any_whole_vectors(heads: int, head_dim: int, state: int) -> None:
    """Rows that are no multiple of what the loops take at once, and heads of several vectors."""
    given_case = case(5, 70, ways=2, heads=heads, head_dim=head_dim, state=state)
    check(fused.mix, given_case, torch.float32, TOLERANCE[torch.float32])


@pytest.mark.parametrize("rate", [1e-6, 30.0, 1e4])
def test_fused_decays_may_be_extreme(rate: float) -> None:
    """Forgetting at once and forgetting almost nothing, over many blocks, in float32.

    The gradient of a decay is a difference of products, and a rate multiplies its rounding, as in the chunked form.
    """
    projected, keep, weights = case(6, 700, ways=2)
    given_case = projected, keep, weights._replace(rates=torch.full_like(weights.rates, -rate))
    check(fused.mix, given_case, torch.float32, 1e-3 + 2e-6 * rate)


def test_threads_change_no_bit() -> None:
    """One thread and two give the same output and the same gradients."""
    given_case = case(7, 100, ways=2, batch=5)
    alone = results(fused.mix, *given_case, torch.float32)
    torch.set_num_threads(2)
    shared = results(fused.mix, *given_case, torch.float32)
    for name, value in alone.items():
        assert torch.equal(shared[name], value), name


def test_what_is_not_finite_stays_visible() -> None:
    """A weight that has become NaN is not computed away: guards must see it."""
    projected, keep, weights = case(8, 40, ways=2)
    for name in Weights._fields:
        broken = weights._replace(**{name: torch.full_like(getattr(weights, name), torch.nan)})
        assert not bool(results(fused.mix, projected, keep, broken, torch.float32)["out"].isfinite().all()), name


def test_compiled_runs_or_raises() -> None:
    """Where torch can compile, the result is the layer's; where it cannot, the refusal says what is missing."""
    try:
        chosen = choose("compiled", CPU, state=16, head_dim=16)
    except InputError as refusal:
        what_is_missing = str(refusal)
        chosen = None
    if chosen is None:
        assert "g++" in what_is_missing
    else:
        check(mixer(chosen), case(9, 70, ways=2), torch.float32, TOLERANCE[torch.float32])


def test_triton_is_given_the_same_recurrence() -> None:
    """Gated linear attention, `S_t = exp(g_t) S_{t-1} + k_t v_t`, `o_t = q_t S_t`, on its operands is the scan."""
    generator = torch.Generator().manual_seed(3)
    x, b, c = (torch.randn(2, 30, *shape, generator=generator, dtype=torch.float64) for shape in ((3, 4), (5,), (5,)))
    dt, a = torch.rand(2, 30, 3, generator=generator, dtype=torch.float64), -torch.tensor([0.1, 1.0, 9.0]).double()
    given_ = triton_operands(x, dt, a, b, c)
    state, outputs = torch.zeros(2, 3, 5, 4, dtype=torch.float64), []
    for t in range(30):
        state = given_["g"][:, t].exp()[..., None, None] * state + torch.einsum(
            "bhn,bhp->bhnp", given_["k"][:, t], given_["v"][:, t]
        )
        outputs.append(torch.einsum("bhn,bhnp->bhp", given_["q"][:, t], state))
    expected, _ = reference.scan(x, dt, a, b, c)
    torch.testing.assert_close(torch.stack(outputs, dim=1), expected)


@GPU
@pytest.mark.parametrize("backend", ["chunked", "compiled", "triton"])
@pytest.mark.parametrize("length", [1, 63, 64, 1000])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_backends_of_a_gpu_are_the_layer_step_by_step(backend: Backend, length: int, kind: torch.dtype) -> None:
    """Forward and backward on the device, against the written-out layer on the processor."""
    chosen = mixer(choose(backend, CUDA, state=16, head_dim=16))

    def on_device(projected: Tensor, keep: Tensor | None, weights: Weights, floor: float) -> Tensor:
        assert keep is not None
        moved = Weights(*(value.to(CUDA) for value in weights))
        return chosen(projected.to(CUDA), keep.to(CUDA), moved, floor).to(CPU)

    check(on_device, case(11, length, ways=2), kind, {torch.float32: 5e-3}.get(kind, 5e-2))


def test_the_fastest_backend_that_runs_is_chosen() -> None:
    """On a processor the fused one where sizes allow it; elsewhere, without an extra, the one in torch's own words."""
    assert choose("auto", CPU, state=16, head_dim=32) == "fused"
    assert choose("auto", CPU, state=6, head_dim=32) == "chunked"
    assert choose("auto", torch.device("meta"), state=16, head_dim=16) == "chunked"
    assert choose("chunked", CUDA, state=6, head_dim=3) == "chunked"
    assert mixer("chunked") is chunked.mix


@pytest.mark.parametrize(
    ("backend", "device", "state", "message"),
    [
        ("fused", CPU, 6, "multiples of 16"),
        ("fused", CUDA, 16, "a processor"),
        ("triton", CPU, 16, "a CUDA device"),
    ],
)
def test_a_backend_that_cannot_run_is_refused(backend: Backend, device: torch.device, state: int, message: str) -> None:
    """By name, with what it would need; nothing stands in for it."""
    with pytest.raises(InputError, match=message) as refused:
        choose(backend, device, state=state, head_dim=16)
    assert refused.value.code == "backend"
    assert refused.value.where == "machine.backend"


def test_where_numba_can_keep_nothing_it_is_not_used() -> None:
    """As for somebody without a home, in a container that nobody may write to: only who asks for it by name is told."""
    script = """
from numba.core import caching
caching.CacheImpl._locator_classes = []
import torch
from ictal.errors import InputError
from ictal.models.backends import choose
print(choose("auto", torch.device("cpu"), state=16, head_dim=16))
try:
    choose("fused", torch.device("cpu"), state=16, head_dim=16)
except InputError as error:
    print(error.code, "cannot cache" in str(error), "NUMBA_CACHE_DIR" in str(error))
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["chunked", "backend", "True", "True"]


def test_what_was_compiled_gives_the_bits_of_what_is_read_from_the_cache(tmp_path: Path) -> None:
    """Gradients of a process that compiles, and of the next one, which finds the code on disk."""
    script = """
import hashlib, torch
from ictal.models.mamba import BiMamba2
torch.set_num_threads(1)
torch.manual_seed(0)
layer = BiMamba2(48, state=16, head_dim=16, backend="fused")
layer(torch.randn(3, 100, 48)).square().sum().backward()
print(hashlib.sha256(b"".join(p.grad.numpy().tobytes() for p in layer.parameters())).hexdigest())
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}

    def gradients() -> str:
        command = [sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    compiled = gradients()
    assert list(tmp_path.rglob("*.nbc"))
    assert gradients() == compiled
