"""Matrix products written as convolutions are matrix products."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from ictal.models import products

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2e-2}


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    columns=st.integers(1, 40),
    rows_of_weight=st.integers(1, 40),
    kind=st.sampled_from(list(TOLERANCE)),
)
def test_a_convolution_of_one_tap_is_the_linear_map(
    shape: list[int], columns: int, rows_of_weight: int, kind: torch.dtype
) -> None:
    """Any number of rows, also none that divides into images: the product and both gradients."""
    generator = torch.Generator().manual_seed(columns)
    leaves = [torch.randn(*size, generator=generator) for size in ((*shape, columns), (rows_of_weight, columns))]
    direction = torch.randn(*shape, rows_of_weight, generator=generator, dtype=torch.float64)
    found, expected = [], []
    for results, linear, of_kind in ((found, products.linear, kind), (expected, functional.linear, torch.float64)):
        rows, weight = (leaf.to(kind).to(of_kind, copy=True).requires_grad_() for leaf in leaves)
        out = linear(rows, weight)
        (out.double() * direction).sum().backward()
        results += [out.detach(), rows.grad, weight.grad]
    for value, exact in zip(found, expected, strict=True):
        assert value is not None
        assert exact is not None
        assert value.shape == exact.shape
        error = (value.double() - exact).abs().max() / exact.abs().max().clamp_min(1e-6)
        assert float(error) < TOLERANCE[kind]


@pytest.mark.filterwarnings("ignore:TF32 acceleration on top of oneDNN")
def test_without_onednn_the_numbers_are_the_same() -> None:
    """As on processors that torch is built without it for."""
    rows, weight = torch.randn(300, 50), torch.randn(40, 50)
    with torch.backends.mkldnn.flags(enabled=False):
        found = products.linear(rows, weight)
    torch.testing.assert_close(found, functional.linear(rows, weight))


class _Linear(nn.Module):
    def forward(self, rows: Tensor, weight: Tensor) -> Tensor:
        return products.linear(rows, weight)


def test_a_graph_holds_the_linear_map() -> None:
    """What is exported has the operation by its name, and not the convolution that a processor is given."""
    graph = torch.export.export(_Linear(), (torch.randn(32, 5), torch.randn(4, 5))).graph
    assert [str(node.target) for node in graph.nodes if node.op == "call_function"] == ["aten.linear.default"]
