"""What bfloat16, another backend or another shape does to a detector: the same training, scored on unseen patients.

    python benchmarks/precision.py [--compare numbers] [--seeds 3] [--steps 150] [--patients 24] [--hours 4]
                                   [--threads 1] [--keep FOLDER]

A synthetic corpus is planned and prepared as `ictal demo` does it. For every seed, which draws weights and batches, a
detector is trained in each of the compared ways. `numbers`: the default one by `chunked` and by `fused` in float32, and
by `fused` under bfloat16 autocast. `expand`: `base` at a quarter of its width and half of its layers, and as many
parameters in twice as many layers, nearly, whose inner width is the width. Each is evaluated on the eval part by
`chunked` in float32. Printed are AUROC and average precision per second of EEG, seizures found and false alarms; then,
for each measure, the mean difference from the first way beside its spread over seeds. What a way costs has to be seen
against what another seed changes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from training import command

from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus

FUSED: dict[str, object] = {"machine.backend": "fused"}
SMALL_BASE = FUSED | {"model.width": 64, "model.state": 16, "model.head_dim": 16}
WAYS = {
    "numbers": {
        "chunked, float32": FUSED | {"machine.backend": "chunked"},
        "fused, float32": FUSED,
        "fused, bf16": FUSED | {"train.precision": "bf16"},
    },
    "expand": {
        "expand 2, 5 layers": SMALL_BASE | {"model.expand": 2, "model.layers": 5},
        "expand 1, 9 layers": SMALL_BASE | {"model.expand": 1, "model.layers": 9},
    },
}
MEASURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "AUROC": lambda found: float(found["ranking"]["second"]["auroc"]),
    "average precision": lambda found: float(found["ranking"]["second"]["auprc"]),
    "sensitivity": lambda found: float(found["scorers"]["szcore_event"]["sensitivity"]),
    "false alarms/24 h": lambda found: float(found["scorers"]["szcore_event"]["false_alarms_per_24h"]),
}


def settings(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Those of the demo, on this machine."""
    demo = tomllib.loads(files("ictal.recipes").joinpath("demo.toml").read_text())
    chosen = {f"{section}.{name}": value for section, table in demo.items() for name, value in table.items()}
    chosen |= {
        "corpus.path": folder / "corpus",
        "machine.store": folder / "store",
        "machine.threads": options.threads,
        "train.steps": options.steps,
    }
    return chosen


def scored(folder: Path, chosen: dict[str, object], seed: int, way: str) -> dict[str, float]:
    """Train and evaluate one run."""
    run = folder / f"{way.replace(', ', '-')}-{seed}"
    chosen = chosen | {"batch.seed": seed, "train.seed": seed}
    command("plan", run, *(word for name, value in chosen.items() for word in (f"--{name}", value)))
    command("prepare", run)
    begin = time.process_time()
    command("train", run)
    taken_s = time.process_time() - begin
    command("evaluate", run, "--open-eval", "--machine.backend", "chunked")
    found = json.loads((run / "evaluation.json").read_text())
    values = {name: measure(found) for name, measure in MEASURES.items()}
    print(f"seed {seed}  {way:18}" + "".join(f"{v:12.4f}" for v in values.values()) + f"{taken_s:9.0f}", flush=True)
    return values


def main() -> None:
    """Print a row per run, and what a way changes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"seeds": 3, "steps": 150, "patients": 24, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--compare", choices=list(WAYS), default="numbers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        synth = SynthConfig(patients=options.patients, hours=options.hours, seed=0, seizure_share=0.02)
        write_corpus(folder / "corpus", synth, workers=options.threads)
        shared = settings(folder, options)
        print(f"{'':26}{'AUROC':>12}{'av. prec.':>12}{'sens.':>12}{'FA/24 h':>12}{'CPU s':>9}")
        rows = {
            way: [scored(folder, shared | changed, seed, way) for seed in range(options.seeds)]
            for way, changed in WAYS[options.compare].items()
        }
    base, *others = rows.values()
    for name in MEASURES:
        spread = statistics.stdev(row[name] for row in base) if len(base) > 1 else float("nan")
        for way, changed in zip(list(rows)[1:], others, strict=True):
            change = statistics.mean(row[name] - other[name] for row, other in zip(changed, base, strict=True))
            print(f"{name:18} {way:16} {change:+.4f}; standard deviation over seeds {spread:.4f}")


if __name__ == "__main__":
    main()
