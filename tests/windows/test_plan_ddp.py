"""Two real processes of `torch.distributed` draw one plan between them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from ictal.timeline.grid import WindowGrid
from ictal.windows.index import build
from ictal.windows.plan import BatchConfig, balanced
from tests.windows.strategies import many_recordings

RANKS, STEPS = 2, 25
CONFIG = BatchConfig(size=8, seizure_windows=2.5, patient_share_max=0.5)
PROGRAM = """
import json, sys
import torch.distributed as dist
from torch.utils.data import DataLoader
from tests.windows import test_plan_ddp as here

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=here.RANKS)
plan = here.plan(dist.get_rank(), dist.get_world_size())
loader = DataLoader(range(plan.index.windows), batch_sampler=list(plan.batches(0, here.STEPS)))
mine = [batch.tolist() for batch in loader]
gathered = [None] * here.RANKS
dist.all_gather_object(gathered, mine)
if rank == 0:
    print(json.dumps(gathered))
dist.destroy_process_group()
"""


def plan(rank: int, ranks: int) -> object:
    """The plan of both."""
    index = build(many_recordings(12, 2, 6), WindowGrid(length_samples=600, stride_samples=100))
    return balanced(index, CONFIG, rank=rank, ranks=ranks)


def test_two_processes_draw_the_plan_without_overlap_each_with_its_quota(tmp_path: Path) -> None:
    """The union of the ranks is what one process with both batches draws; no window is twice in one of these steps."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for rank in range(RANKS)
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    drawn = np.array(json.loads(said[0][0]))
    assert (drawn.transpose(1, 0, 2).reshape(-1, 8) == plan(0, 1).table(0, RANKS * STEPS)).all()  # type: ignore[attr-defined]
    both = drawn.transpose(1, 0, 2).reshape(STEPS, -1)
    assert all(len(set(step)) == len(step) for step in both.tolist())
    index = plan(0, 1).index  # type: ignore[attr-defined]
    quotas = (index.stratum_of(drawn) < 2).sum(axis=2)
    assert set(quotas.ravel().tolist()) == {2, 3}
    assert quotas.sum() == RANKS * STEPS * 2.5
