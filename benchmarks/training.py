"""A step of `ictal train` against a bare loop: what guards, averaging and logs cost, and whether the loader keeps up.

    python benchmarks/training.py [--size base] [--batch 8] [--rounds 8] [--threads 1] [--device cpu]

A synthetic corpus of 19 channels at 256 Hz is planned and prepared. Then the run trains with everything on that it has
by default, and after each of its steps a bare PyTorch loop (`DataLoader`, forward, loss, backward, clip, AdamW) takes
one with a model of the same size on the same batches. Medians and their ratio, of the wall clock and of the process's
own time, which other work on the machine disturbs less; the parts of a step; at last the windows that the loader alone
gives in a second, read here and by other processes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from ictal import cli
from ictal.models.detector import DetectorConfig, build
from ictal.recipes import plan as planning
from ictal.recipes.detector import backend_of
from ictal.recipes.plan import Planned
from ictal.recipes.run import Run, open_planned
from ictal.recipes.train import trainer_of
from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus
from ictal.training import loading
from ictal.training.loop import Trainer
from ictal.training.ranks import ALONE

SIZES = {"tiny": DetectorConfig(), "base": DetectorConfig.base(), "large": DetectorConfig.large()}
SYNTH = SynthConfig(patients=12, hours=2, seed=0, seizure_share=0.05)
WARM = 2
"""First steps that are not counted."""


def planned_run(folder: Path, options: argparse.Namespace) -> tuple[Run, Planned]:
    """A run of the synthetic corpus, planned and prepared."""
    write_corpus(folder / "corpus", SYNTH, workers=1)
    model = {f"model.{name}": value for name, value in vars(SIZES[options.size]).items() if value not in ("", ())}
    settings = {
        "corpus.path": folder / "corpus",
        "machine.store": folder / "store",
        "machine.threads": options.threads,
        "machine.device": options.device,
        "split.method": "stratified",
        "batch.size": options.batch,
        "batch.seizure_windows": options.batch // 2,
        "train.steps": WARM + options.rounds,
        "train.warmup_steps": 2,
        "train.checkpoint_steps": 10_000,
        **model,
    }
    run = folder / "run"
    command("plan", run, *(word for key, value in settings.items() for word in (f"--{key}", value)))
    command("prepare", run)
    opened = open_planned(run, ())
    return opened, planning.load(opened)


def command(*words: object) -> None:
    """Run a command of `ictal` in silence."""
    code: object = None
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code
    if code not in {0, 1}:
        sys.exit(said.getvalue())


@dataclass(frozen=True)
class Seconds:
    """Time that something took, or a moment."""

    wall: float
    process: float

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall - other.wall, self.process - other.process)


def now(device: torch.device) -> Seconds:
    """This moment, after a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return Seconds(time.perf_counter(), time.process_time())


def bare(trainer: Trainer, model: nn.Module) -> Iterator[Seconds]:
    """Time of each step of a loop that does nothing but train."""
    config = trainer.config
    loader = iter(DataLoader(trainer.dataset, batch_sampler=trainer.plan.batches(0, config.steps), collate_fn=same))
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    while True:
        started = now(trainer.device)
        batch = next(loader).to(trainer.device)
        optimiser.zero_grad()
        logits = model(batch.signal_uv, batch.valid_samples)
        losses = functional.binary_cross_entropy_with_logits(logits, batch.labels, reduction="none")
        ((losses * batch.weights).sum() / batch.weights.sum()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimiser.step()
        yield now(trainer.device) - started


def same(batch: Any) -> Any:
    """The dataset gives whole batches, whatever a DataLoader takes their parts for."""
    return batch


def in_turn(run: Run, planned: Planned) -> tuple[list[Seconds], list[Seconds], list[dict[str, float]]]:
    """Times of our steps and of the bare ones, one after the other, and where ours went."""
    trainer, _, prior = trainer_of(
        run, planned, ranks=ALONE, folder=run.folder, device=torch.device(run.config.machine.device)
    )
    config = run.config
    model = build(config.model, len(trainer.augmentation.mirror), prior.answer, backend_of(config))
    other = bare(trainer, model.to(trainer.device).train())
    ours: list[Seconds] = []
    theirs: list[Seconds] = []
    last = [now(trainer.device)]

    def progress(_done: int, _record: dict[str, float]) -> None:
        ours.append(now(trainer.device) - last[0])
        theirs.append(next(other))
        last[0] = now(trainer.device)

    trainer.run(progress)
    parts = [json.loads(line) for line in (run.folder / "timing.jsonl").read_text().splitlines()]
    return ours[WARM:], theirs[WARM:], parts[WARM:]


def loaded_per_s(run: Run, planned: Planned, workers: int, batches: int = 400) -> float:
    """Windows that the loader gives in a second, its start not counted."""
    trainer, _, _ = trainer_of(run, planned, ranks=ALONE, folder=run.folder, device=torch.device("cpu"))
    numbered = enumerate(trainer.plan.batches(0, batches + WARM))
    loader = loading.batches(trainer.dataset, numbered, shift=None, workers=workers, device=trainer.device)
    list(islice(loader, WARM))
    started = time.perf_counter()
    count = sum(len(batch.windows) for batch in loader)
    return count / (time.perf_counter() - started)


def show(ours: Sequence[Seconds], theirs: Sequence[Seconds], parts: Sequence[dict[str, float]]) -> None:
    """Medians, ratio and parts."""
    for clock in ("wall", "process"):
        step, other = (statistics.median(getattr(seconds, clock) for seconds in side) for side in (ours, theirs))
        print(f"{clock} time: our step {step:.4f} s, bare step {other:.4f} s, ratio {step / other:.3f}")
    names = [name for name in parts[0] if name.endswith("_s")]
    for name in names:
        share = statistics.median(p[name] / total.wall for p, total in zip(parts, ours, strict=True))
        print(f"  {name.removesuffix('_s'):10} {share:7.2%}")
    rest = statistics.median(1 - sum(p[n] for n in names) / t.wall for p, t in zip(parts, ours, strict=True))
    print(f"  {'logs':10} {rest:7.2%}  (and all else between two steps)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=list(SIZES), default="base")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        run, planned = planned_run(Path(name), options)
        print(
            f"{options.size}, {options.batch} windows of 60 s, 19 channels, {options.device}, {options.threads} threads"
        )
        show(*in_turn(run, planned))
        for workers in (0, 1, 2):
            print(f"loader, {workers} workers: {loaded_per_s(run, planned, workers):.0f} windows/s")


if __name__ == "__main__":
    main()
