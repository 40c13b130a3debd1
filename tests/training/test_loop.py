"""The training loop: it learns, stops when told, and goes on as if it had not."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch

from ictal.errors import InputError
from ictal.training import checkpoint
from ictal.training.interruption import Interrupted
from ictal.training.loop import require_precision
from tests.training.small import silent, trainer


def test_it_learns_what_can_be_learnt(tmp_path: Path) -> None:
    """Skill ends far above 0 and the log has one line a step with the planned composition."""
    trainer(tmp_path).run(silent)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(60))
    assert {row["seizure_windows"] for row in rows} == {4}
    assert rows[-1]["skill"] > 0.3
    assert rows[-1]["separation"] > 1


@pytest.mark.parametrize("interrupted_after", [1, 23, 40])
def test_an_interrupted_run_ends_bit_identical(tmp_path: Path, interrupted_after: int) -> None:
    """SIGTERM at any step, then the same call again: weights, average and log are those of the whole run."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    first = trainer(whole)
    first.run(silent)

    def stop(done: int, _record: dict[str, float]) -> None:
        if done == interrupted_after:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as interrupted:
        trainer(parts).run(stop)
    assert interrupted.value.signal_number == signal.SIGTERM
    second = trainer(parts)
    second.run(silent)
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
        assert torch.equal(first.average[name], second.average[name])
    assert (whole / "train.jsonl").read_text() == (parts / "train.jsonl").read_text()


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    """Lines of the log after the checkpoint are forgotten and written again."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    trainer(whole).run(silent)

    def die(done: int, _record: dict[str, float]) -> None:
        if done == 33:
            raise MemoryError

    with pytest.raises(MemoryError):
        trainer(parts).run(die)
    second = trainer(parts)
    second.run(silent)
    assert (whole / "train.jsonl").read_text() == (parts / "train.jsonl").read_text()


def test_a_finished_run_does_nothing_more(tmp_path: Path) -> None:
    """Running it again changes nothing."""
    trainer(tmp_path).run(silent)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    trainer(tmp_path).run(silent)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    """It says which run it belongs to."""
    run = trainer(tmp_path)
    run.run(silent)
    with pytest.raises(InputError, match="other settings"):
        checkpoint.load(run.checkpoint_path, "another run")


@pytest.mark.parametrize(
    ("kept", "named"), [({"step": 3, "guards": []}, "guards, model"), (torch.zeros(2), "average, model")]
)
def test_a_checkpoint_of_another_version_is_named_as_such(tmp_path: Path, kept: object, named: str) -> None:
    """Whole, but with fields that this version does not keep, or without those that it does."""
    torch.save(kept, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="another version") as refused:
        checkpoint.load(tmp_path / "checkpoint.pt", "this run")
    assert named in str(refused.value.got)


def test_half_precision_trains_and_keeps_its_weights_whole(tmp_path: Path) -> None:
    """The forward pass is in bf16, loss and weights are not; it learns what the other learns."""
    run = trainer(tmp_path, precision="bf16")  # type: ignore[arg-type]
    run.run(silent)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert rows[-1]["skill"] > 0.3
    assert {value.dtype for value in run.model.state_dict().values()} == {torch.float32}


def test_a_device_without_half_precision_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named with what to set; nothing is emulated, and the processor computes in both."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: including_emulation)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Tesla T4 as {device}")
    with pytest.raises(InputError, match=r"(?s)Tesla T4 as cuda:1.*float32") as refused:
        require_precision(torch.device("cuda", 1), "bf16")
    assert refused.value.code == "precision"
    require_precision(torch.device("cuda", 1), "float32")
    require_precision(torch.device("cpu"), "bf16")


@pytest.mark.parametrize("shift", [-2.0, 1.5])
def test_an_adjusted_loss_sees_the_logits_that_guards_and_log_see(tmp_path: Path, shift: float) -> None:
    """The answer and what is added to it take the loss to the same place; the model need not answer it itself."""
    plain, adjusted = tmp_path / "plain", tmp_path / "adjusted"
    plain.mkdir()
    adjusted.mkdir()
    first, second = trainer(plain), trainer(adjusted)
    second.logit_shift = shift
    head = second.model.head
    assert isinstance(head, torch.nn.Linear)
    with torch.no_grad():
        head.bias -= shift
    first.run(silent)
    second.run(silent)
    rows = [[json.loads(line) for line in (f / "train.jsonl").read_text().splitlines()] for f in (plain, adjusted)]
    for own, other in zip(*rows, strict=True):
        assert own["loss"] == pytest.approx(other["loss"], rel=1e-3)
    plain_head = first.model.head
    assert isinstance(plain_head, torch.nn.Linear)
    torch.testing.assert_close(head.bias.detach(), plain_head.bias.detach() - shift, rtol=0, atol=1e-2)


def test_where_the_time_goes_is_written_beside_the_log(tmp_path: Path) -> None:
    """One line a step with the parts of its time; the log itself stays the same for the same run."""
    trainer(tmp_path, steps=5).run(silent)
    rows = [json.loads(line) for line in (tmp_path / "timing.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(5))
    parts = {"data_s", "transfer_s", "forward_s", "backward_s", "guards_s", "optimiser_s"}
    assert all(set(row) == {"step", *parts} and all(row[part] >= 0 for part in parts) for row in rows)
