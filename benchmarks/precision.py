"""What training in bfloat16, or by another backend, does to a detector: the same runs, scored on unseen patients.

    python benchmarks/precision.py [--seeds 3] [--steps 150] [--patients 24] [--hours 4] [--threads 1] [--keep FOLDER]

A synthetic corpus is planned and prepared as `ictal demo` does it. For every seed, which draws weights and batches, the
default detector is trained three times: by `chunked` and by `fused` in float32, and by `fused` under bfloat16 autocast.
Each is evaluated on the eval part by `chunked` in float32. Printed are AUROC and average precision per second of EEG,
seizures found and false alarms; then, for each measure, the mean difference from `chunked` beside its spread over
seeds. What numbers of less precision cost has to be seen against what another seed changes.
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

WAYS = {
    "chunked, float32": ("--machine.backend", "chunked"),
    "fused, float32": ("--machine.backend", "fused"),
    "fused, bf16": ("--machine.backend", "fused", "--train.precision", "bf16"),
}
MEASURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "AUROC": lambda found: float(found["ranking"]["second"]["auroc"]),
    "average precision": lambda found: float(found["ranking"]["second"]["auprc"]),
    "sensitivity": lambda found: float(found["scorers"]["szcore_event"]["sensitivity"]),
    "false alarms/24 h": lambda found: float(found["scorers"]["szcore_event"]["false_alarms_per_24h"]),
}


def settings(folder: Path, options: argparse.Namespace) -> list[object]:
    """Those of the demo, on this machine."""
    demo = tomllib.loads(files("ictal.recipes").joinpath("demo.toml").read_text())
    chosen = {f"{section}.{name}": value for section, table in demo.items() for name, value in table.items()}
    chosen |= {
        "corpus.path": folder / "corpus",
        "machine.store": folder / "store",
        "machine.threads": options.threads,
        "train.steps": options.steps,
    }
    return [word for name, value in chosen.items() for word in (f"--{name}", value)]


def scored(folder: Path, shared: list[object], seed: int, way: str) -> dict[str, float]:
    """Train and evaluate one run."""
    run = folder / f"{way.replace(', ', '-')}-{seed}"
    command("plan", run, *shared, "--batch.seed", seed, "--train.seed", seed)
    command("prepare", run)
    begin = time.process_time()
    command("train", run, *WAYS[way])
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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        synth = SynthConfig(patients=options.patients, hours=options.hours, seed=0, seizure_share=0.02)
        write_corpus(folder / "corpus", synth, workers=options.threads)
        shared = settings(folder, options)
        print(f"{'':26}{'AUROC':>12}{'av. prec.':>12}{'sens.':>12}{'FA/24 h':>12}{'CPU s':>9}")
        rows = {way: [scored(folder, shared, seed, way) for seed in range(options.seeds)] for way in WAYS}
    base = rows["chunked, float32"]
    for name in MEASURES:
        spread = statistics.stdev(row[name] for row in base) if len(base) > 1 else float("nan")
        for way in list(WAYS)[1:]:
            change = statistics.mean(row[name] - other[name] for row, other in zip(rows[way], base, strict=True))
            print(f"{name:18} {way:16} {change:+.4f}; standard deviation over seeds {spread:.4f}")


if __name__ == "__main__":
    main()
