"""The processes that train together: `torchrun` starts them, each draws its own batches, all take the same steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


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

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model as it is trained: gradients are averaged over the ranks as they come."""
        return DistributedDataParallel(model) if self.ranks > 1 else model

    def barrier(self) -> None:
        """Wait until all are here."""
        if self.ranks > 1:
            dist.barrier()


ALONE = Ranks()


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started, and leave them at the end; alone where it did not."""
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(rank=dist.get_rank(), ranks=dist.get_world_size())
    finally:
        dist.destroy_process_group()
