"""The chunked scan against the plain loop, and what a recurrence must satisfy."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ictal.models.scan import scan
from tests.reference import scan as reference

TOLERANCE = {torch.float64: 1e-10, torch.float32: 2e-5, torch.bfloat16: 4e-2}


def operands(
    seed: int, length: int, *, dtype: torch.dtype = torch.float64, heads: int = 2, step_scale: float = 1.0
) -> dict[str, Tensor]:
    """Random input of the scan: two in the batch, head_dim 3, state 4."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    values = {
        "x": normal(2, length, heads, 3),
        "dt": step_scale * normal(2, length, heads).abs(),
        "a": -normal(heads).exp(),
        "b": normal(2, length, 4),
        "c": normal(2, length, 4),
    }
    return {name: value.to(dtype) for name, value in values.items()}


def state_for(values: dict[str, Tensor], seed: int) -> Tensor:
    """A random state to start from, fitting the operands."""
    shape = (2, values["a"].shape[-1], 3, 4)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=values["x"].dtype)


def relative_error(got: Tensor, expected: Tensor) -> float:
    return float((got.double() - expected).abs().max() / expected.abs().max().clamp_min(1e-12))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**20),
    length=st.integers(1, 150),
    chunk=st.integers(1, 70),
    dtype=st.sampled_from(list(TOLERANCE)),
    started=st.booleans(),
    step_scale=st.sampled_from([0.01, 1.0]),
)
def test_chunked_scan_is_the_recurrence(
    *, seed: int, length: int, chunk: int, dtype: torch.dtype, started: bool, step_scale: float
) -> None:
    """Output and final state equal the loop's for every length, chunk size, type and initial state."""
    values = operands(seed, length, dtype=dtype, step_scale=step_scale)
    initial = state_for(values, seed) if started else None
    y, final = scan(**values, initial_state=initial, chunk=chunk)
    expected_y, expected_final = reference.scan(**values, initial_state=initial)
    assert y.dtype == dtype
    assert y.shape == values["x"].shape
    assert relative_error(y, expected_y) < TOLERANCE[dtype]
    assert relative_error(final, expected_final) < TOLERANCE[dtype]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**20), length=st.integers(1, 60), chunk=st.integers(1, 40), started=st.booleans())
def test_chunked_scan_has_the_gradients_of_the_recurrence(*, seed: int, length: int, chunk: int, started: bool) -> None:
    """Gradients of a random function of output and final state agree for every operand."""
    values = operands(seed, length)
    if started:
        values["initial_state"] = state_for(values, seed)
    gradients = []
    for function in (lambda **v: scan(**v, chunk=chunk), reference.scan):
        leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
        y, final = function(**leaves)
        weight = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        ((y * weight).sum() + final.square().sum()).backward()
        gradients.append({name: leaf.grad for name, leaf in leaves.items()})
    for name, expected in gradients[1].items():
        assert expected is not None
        torch.testing.assert_close(gradients[0][name], expected, rtol=1e-9, atol=1e-9, msg=name)


def test_many_chunks_are_carried_in_groups() -> None:
    """More chunks than one decay matrix holds (and a second level of groups) still give the recurrence."""
    values = operands(3, 1_100, step_scale=0.01)
    initial = state_for(values, 4)
    y, final = scan(**values, initial_state=initial, chunk=1)
    expected_y, expected_final = reference.scan(**values, initial_state=initial)
    assert relative_error(y, expected_y) < 1e-10
    assert relative_error(final, expected_final) < 1e-10


def test_two_halves_with_the_state_handed_over_equal_the_whole() -> None:
    """A stream cut anywhere goes on as if it had not been cut."""
    values = operands(5, 101)
    whole, final = scan(**values)
    head = {name: value if name == "a" else value[:, :37] for name, value in values.items()}
    tail = {name: value if name == "a" else value[:, 37:] for name, value in values.items()}
    first, middle = scan(**head)
    second, end = scan(**tail, initial_state=middle)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(end, final)


def test_decay_rates_may_differ_within_the_batch() -> None:
    """Rates (batch, heads) act on each of the batch as rates (heads) would."""
    values = operands(6, 40)
    rates = torch.stack([values["a"], 3 * values["a"]])
    together, _ = scan(**(values | {"a": rates}))
    for i in range(2):
        alone, _ = scan(**{name: rates[i] if name == "a" else value[i : i + 1] for name, value in values.items()})
        torch.testing.assert_close(together[i : i + 1], alone)


@pytest.mark.parametrize("decay", [1e-6, 30.0, 1e4])
def test_extreme_decays_stay_finite_and_right(decay: float) -> None:
    """In float32 neither forgetting at once nor forgetting almost nothing overflows, forward or backward."""
    values = operands(7, 2_500, dtype=torch.float32)
    values["a"] = torch.tensor([-decay, -1e-3])
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    y, _ = scan(**leaves)
    y.square().mean().backward()
    assert relative_error(y.detach(), reference.scan(**values)[0]) < 2e-4
    assert all(leaf.grad is not None and bool(leaf.grad.isfinite().all()) for leaf in leaves.values())


def test_a_step_of_size_zero_changes_nothing() -> None:
    """Steps with dt = 0 leave the state as it was, which is what makes padding exact."""
    values = operands(8, 50)
    padded = values | {"dt": values["dt"] * (torch.arange(50) < 30)[None, :, None]}
    short = {name: value if name == "a" else value[:, :30] for name, value in values.items()}
    y, final = scan(**padded)
    expected_y, expected_final = scan(**short)
    torch.testing.assert_close(y[:, :30], expected_y)
    torch.testing.assert_close(final, expected_final)
