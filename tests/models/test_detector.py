"""The detector: what padding, order of channels, gain and training may and may not do to its answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ictal.errors import InputError
from ictal.models.detector import Detector, DetectorConfig, build, parameter_count

KINDS = [kind for kind in get_args(get_type_hints(DetectorConfig)["kind"]) if kind != "module"]
NAMELESS = ("bimamba", "mamba", "gru", "linear")
"""Kinds that know no electrode by its place."""
CHANNELS = 5
PRESETS = {"tiny": DetectorConfig(), "base": DetectorConfig.base(), "large": DetectorConfig.large()}


@pytest.fixture(autouse=True)
def _one_seed_one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def detector(*, drawn_prior: float = 0.2, **fields: object) -> Detector:
    """A detector for five channels with a head that does not hide what comes before it."""
    model = build(DetectorConfig(**{"samples_per_step": 16, **fields}), CHANNELS, drawn_prior)  # type: ignore[arg-type]
    with torch.no_grad():
        model.head.weight.normal_()
    return model.eval()


def signal(batch: int, samples: int, seed: int = 1) -> Tensor:
    return 40 * torch.randn(batch, CHANNELS, samples, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 2, 33])
def test_every_step_gets_a_logit(kind: str, steps: int) -> None:
    """(batch, channel, time) gives (batch, time / samples_per_step)."""
    assert detector(kind=kind)(signal(3, 16 * steps)).shape == (3, steps)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("valid", [1, 16, 100, 479, 480, 640])
def test_padding_never_reaches_a_valid_step(kind: str, valid: int) -> None:
    """Whatever follows the valid samples, and however much of it: valid steps answer as in the shorter window."""
    model = detector(kind=kind)
    steps = -(-valid // 16)
    long = signal(2, 960)
    short = long[..., : 16 * steps].clone()
    short[..., valid:] = 0
    counts = torch.tensor([valid, valid])
    expected = model(short, counts)
    padded = long.clone()
    padded[..., valid:] = 1e6
    torch.testing.assert_close(model(padded, counts)[:, :steps], expected, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("samples_per_step", "steps_per_row"), [(1, 16), (2, 8), (8, 2)])
def test_a_row_answers_for_as_many_steps_as_are_asked_for(kind: str, samples_per_step: int, steps_per_row: int) -> None:
    """Up to one for each sample; a recording may end inside a row, and nothing after its end reaches a step before."""
    model = detector(kind=kind, samples_per_step=samples_per_step, steps_per_row=steps_per_row)
    x, valid = signal(2, 640), torch.tensor([100, 100])
    answer = model(x, valid)
    assert answer.shape == (2, 640 // samples_per_step)
    short = x[..., :112].clone()
    short[..., 100:] = torch.nan
    steps = -(-100 // samples_per_step)
    torch.testing.assert_close(model(short, valid)[:, :steps], answer[:, :steps], rtol=1e-5, atol=3e-5)
    inside = model(x).unflatten(1, (-1, steps_per_row))
    assert bool((inside.std(dim=2) > 1e-3).all())  # the steps of a row have answers of their own


@pytest.mark.parametrize("kind", KINDS)
def test_all_samples_valid_is_no_mask(kind: str) -> None:
    """Counting every sample as valid changes nothing."""
    model, x = detector(kind=kind), signal(2, 320)
    torch.testing.assert_close(model(x, torch.tensor([320, 320])), model(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("garbage", [0.0, 1e6, torch.nan, torch.inf])
def test_an_absent_channel_never_reaches_a_logit(kind: str, garbage: float) -> None:
    """Whatever it holds, no number at all included, the answers are the same to the last bit."""
    model, x = detector(kind=kind), signal(2, 320)
    valid = torch.tensor([[True, True, False, True, True], [False, True, True, False, True]])
    counts = torch.tensor([320, 200])
    expected = model(x, counts, valid)
    other = torch.where(valid.unsqueeze(-1), x, garbage)
    assert torch.equal(model(other, counts, valid), expected)
    assert not torch.allclose(expected, model(x, counts), atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_an_absent_channel_gets_no_gradient_and_gives_none(kind: str) -> None:
    """Nothing is learnt from it; what is learnt is finite even where it holds no number."""
    model, x = detector(kind=kind).train(), signal(2, 320)
    x[:, 1] = torch.nan
    x.requires_grad_()
    model(x, None, torch.tensor([[True, False, True, True, True]]).expand(2, -1)).square().mean().backward()
    assert x.grad is not None
    assert not x.grad[:, 1].any()
    assert bool((x.grad[:, [0, 2, 3, 4]] != 0).any(dim=2).all())
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_all_channels_valid_is_no_mask(kind: str) -> None:
    """Weights that were trained without a mask answer as they did."""
    model, x = detector(kind=kind), signal(2, 320)
    whole = torch.ones(2, CHANNELS, dtype=torch.bool)
    torch.testing.assert_close(model(x, None, whole), model(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", NAMELESS)
def test_without_a_channel_it_is_a_smaller_montage(kind: str) -> None:
    """Where no channel has a name, the answer is that of the same detector on the channels that are left."""
    model, x = detector(kind=kind), signal(2, 320)
    left = [0, 2, 3]
    fewer = build(model.config, len(left), 0.2).eval()
    fewer.load_state_dict(model.state_dict())
    valid = torch.zeros(2, CHANNELS, dtype=torch.bool)
    valid[:, left] = True
    torch.testing.assert_close(model(x, None, valid), fewer(x[:, left]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["shallow", "unet"])
def test_weights_of_absent_electrodes_go_to_the_others(kind: str) -> None:
    """One signal on all electrodes, alike weighted: fewer of them give the same answer."""
    model = detector(kind=kind)
    first = model.stem.spatial if kind == "shallow" else model.stem.down[0].conv
    electrodes = 2 if kind == "shallow" else 1
    with torch.no_grad():
        first.weight.copy_(first.weight.mean(dim=electrodes, keepdim=True).expand_as(first.weight))
    x = signal(2, 320)[:, :1].expand(-1, CHANNELS, -1)
    valid = torch.tensor([[True, True, False, True, True], [False, True, False, False, True]])
    torch.testing.assert_close(model(x, None, valid), model(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_without_any_channel_has_finite_answers(kind: str) -> None:
    """There is no such recording; a batch that held one would not be lost to it."""
    model = detector(kind=kind)
    assert bool(model(signal(2, 320), None, torch.zeros(2, CHANNELS, dtype=torch.bool)).isfinite().all())


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_answers_the_same_in_any_batch(kind: str) -> None:
    """No statistic is taken over the batch."""
    model, x = detector(kind=kind), signal(4, 320)
    torch.testing.assert_close(model(x)[2:3], model(x[2:3]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", NAMELESS)
def test_no_channel_is_known_by_its_place(kind: str) -> None:
    """The order of the channels does not matter, so a focus on an electrode never seen is no other focus."""
    model, x = detector(kind=kind), signal(2, 320)
    torch.testing.assert_close(model(x[:, [3, 0, 4, 1, 2]]), model(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prior", [0.001, 0.2, 0.9])
def test_the_untrained_answer_is_the_drawn_prior(kind: str, prior: float) -> None:
    """Before training, mean probability is the prior and no step is far from it."""
    model = build(DetectorConfig(kind=kind, samples_per_step=16), CHANNELS, prior).eval()  # type: ignore[arg-type]
    probability = torch.sigmoid(model(signal(8, 960))).detach()
    assert float(probability.mean()) == pytest.approx(prior, rel=0.03)
    assert float((torch.logit(probability) - torch.logit(torch.tensor(prior))).abs().max()) < 0.1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_parameter_of_every_preset_gets_a_gradient(preset: str, kind: str) -> None:
    """One backward pass reaches every row and 9,999 in 10,000 numbers of every tensor: no part of the network is dead.

    Single numbers underflow in float32. The biases of attention's keys, a third of `in_proj_bias`, add the same to all
    scores of a query, which the softmax takes away again, so what gradient they have is rounding.
    """
    config = DetectorConfig(**{**vars(PRESETS[preset]), "kind": kind, "dropout": 0.0})  # type: ignore[arg-type]
    model = build(config, CHANNELS, 0.2).train()
    labels = (torch.arange(12) > 6).float().expand(2, -1)
    functional.binary_cross_entropy_with_logits(model(signal(2, 12 * config.samples_per_step)), labels).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
        alive = torch.atleast_2d(parameter.grad).flatten(1) != 0
        reached = float(alive.float().mean())
        assert bool(alive.any(dim=1).all()), name
        assert reached > (2 / 3 if name.endswith("in_proj_bias") else 0.9999), (name, reached)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_head_tells_types_apart_and_changes_no_logit(kind: str) -> None:
    """Its weights are all that is added; each step has a distribution, and each of its parameters a gradient."""
    plain = detector(kind=kind, samples_per_step=8, steps_per_row=2)
    typed = detector(kind=kind, samples_per_step=8, steps_per_row=2, seizure_types=("fnsz", "gnsz", "absz"))
    missing = typed.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing == ["type_head.weight", "type_head.bias"]
    x, counts = signal(2, 320), torch.tensor([320, 100])
    assert torch.equal(typed(x, counts), plain(x, counts))
    logits, told = typed.answers(x, counts)
    assert torch.equal(logits, plain(x, counts))
    assert told.shape == (2, 40, 3)
    assert plain.answers(x, counts).types.shape == (2, 40, 0)
    torch.testing.assert_close(told.exp().sum(dim=2), torch.ones(2, 40))
    assert torch.equal(told[:, ::2], told[:, 1::2])
    told[..., 1].sum().backward()  # type: ignore[no-untyped-call]
    assert typed.type_head is not None
    assert all(bool((p.grad != 0).all()) for p in typed.type_head.parameters() if p.grad is not None)


def test_artefacts_stay_finite_and_silence_too() -> None:
    """An electrode off by a volt, and a flat recording, give finite answers and gradients."""
    model = detector().train()
    x = signal(3, 320)
    x[0, 2] = 1e6
    x[1] = 0
    model(x).square().mean().backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


def test_presets_have_the_sizes_they_promise() -> None:
    """The default fits a laptop, `base` is about five million parameters, `large` about forty."""
    with torch.device("meta"):
        large = Detector(DetectorConfig.large(), 19, 0.1)
    assert 36e6 < parameter_count(large) < 44e6
    assert parameter_count(build(DetectorConfig(), 19, 0.1)) < 500_000
    assert 4e6 < parameter_count(build(DetectorConfig.base(), 19, 0.1)) < 6e6


def test_a_tiny_detector_learns_eight_windows_by_heart() -> None:
    """Loss on eight random windows with random labels falls to almost nothing: gradients point the right way."""
    model = build(DetectorConfig(samples_per_step=16, dropout=0.0), CHANNELS, 0.5)
    x = signal(8, 320)
    labels = (torch.rand(8, 1, generator=torch.Generator().manual_seed(2)) > 0.5).float().expand(-1, 20)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(80):
        loss = functional.binary_cross_entropy_with_logits(model(x), labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(loss.detach()) < 0.05


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("head_dim", 7),
        ("samples_per_step", 0),
        ("steps_per_row", 0),
        ("dropout", 1.0),
        ("input_scale_uv", 0.0),
        ("width", 0),
        ("layers", 0),
        ("seizure_types", ("fnsz",)),
        ("seizure_types", ("fnsz", "fnsz")),
    ],
)
def test_a_detector_that_cannot_be_built_is_refused_by_name(field: str, value: object) -> None:
    """The error names the setting."""
    with pytest.raises(InputError) as refused:
        DetectorConfig(**{field: value})  # type: ignore[arg-type]
    assert refused.value.where == f"model.{field}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"samples_per_step": 10}, "multiple of 4"),
        ({"samples_per_step": 1, "steps_per_row": 6}, "multiple of 4"),
        ({"samples_per_step": 3, "steps_per_row": 8, "kind": "unet"}, "power of two"),
        ({"samples_per_step": 1, "steps_per_row": 8, "kind": "module", "module": "torch.nn.Identity"}, "1, with kind"),
    ],
)
def test_a_row_that_no_stem_can_make_is_refused(fields: dict[str, object], expected: str) -> None:
    """With both settings that decide its length, and what would do."""
    with pytest.raises(InputError) as refused:
        DetectorConfig(**fields)  # type: ignore[arg-type]
    assert "model.steps_per_row" in str(refused.value.where)
    assert expected in str(refused.value.expected)
