"""The processes that train together: `torchrun` starts them, each draws its own batches, all take the same steps."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """This process among those that train together; alone unless `torchrun` started it."""

    rank: int = 0
    ranks: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes: log, checkpoint, detector."""
        return self.rank == 0

    def summed(self, values: Tensor) -> Tensor:
        """The values added over all ranks."""
        if self.ranks > 1:
            dist.all_reduce(values)
        return values

    def as_first(self, values: Tensor) -> Tensor:
        """The first rank's values, on every rank."""
        if self.ranks > 1:
            dist.broadcast(values, 0)
        return values

    def gathered(self, value: T) -> list[T]:
        """The value of every rank, on every rank."""
        if self.ranks == 1:
            return [value]
        every: list[T | None] = [None] * self.ranks
        dist.all_gather_object(every, value)
        return cast("list[T]", every)

    def add_gradients(self, model: nn.Module) -> None:
        """Give every rank the sum of all ranks' gradients, in one message."""
        if self.ranks == 1:
            return
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        summed = self.summed(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(summed, [p.numel() for p in trained])
        for parameter, part in zip(trained, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def barrier(self) -> None:
        """Wait until all are here."""
        if self.ranks > 1:
            dist.barrier()


ALONE = Ranks()


def own_device(device: torch.device) -> torch.device:
    """The device of this process: of a node's GPUs each of its processes that `torchrun` started takes its own."""
    if device.type != "cuda" or not dist.is_torchelastic_launched():
        return device
    return torch.device("cuda", dist.get_node_local_rank())


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started, and leave them at the end; alone where it did not.

    Args:
        device: This process's own.
    """
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    # Optimisers import this module, whose default arguments would keep the group, and its threads, past the end of
    # Python if it were there already: a thread that then lets go of a tensor ends the process with SIGABRT.
    importlib.import_module("torch.distributed.nn")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(rank=dist.get_rank(), ranks=dist.get_world_size())
    finally:
        dist.destroy_process_group()
