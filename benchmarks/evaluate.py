"""Peak memory and time of an evaluation against the hours that it scores: logits to results, the network aside.

Run as `python benchmarks/evaluate.py [--hours 25 100 400 1600]`. Every corpus is computed in a process of its own,
which reports the most memory that it has held (the resident set, of which the program itself takes most). Recordings
are an hour long, of twenty patients, at 8 steps a second; the same corpus tunes and is scored.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from torch import nn

from ictal.recipes.config import Config
from ictal.recipes.detector import Detector
from ictal.recipes.evaluate import ScoredPart, results, tuned
from ictal.recipes.spool import Spool
from ictal.windows.index import IndexedRecording, build
from ictal.windows.prior import Prevalence, Prior

SECONDS, PATIENTS = 3_600, 20


def main() -> None:
    """Print a line for each corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, nargs="+", default=[25, 100, 400, 1_600])
    parser.add_argument("--alone", action="store_true", help="compute one corpus in this process")
    args = parser.parse_args()
    if args.alone:
        evaluate(args.hours[0])
        return
    print("| hours | probabilities, MB | peak of memory, MB | s |\n|---|---|---|---|")
    for hours in args.hours:
        subprocess.run([sys.executable, __file__, "--alone", "--hours", str(hours)], check=True)


def evaluate(hours: int) -> None:
    """Tune on a corpus of so many hours, score it, and print what that took."""
    config, generator = Config(), np.random.default_rng(0)
    steps_hz = config.signals.rate_hz // config.model.samples_per_step
    prior = Prior(natural=Prevalence(window=0.05, time_step=0.01), drawn=Prevalence(window=0.5, time_step=0.3))
    detector = Detector(model=nn.Identity(), config=config, channels=(), prior=prior, batches_hash="")
    before = _held_mb()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        scored = _corpus(hours, Path(folder), steps_hz, config, generator)
        made = time.perf_counter()
        detector = tuned(detector, scored)
        document = results(detector, scored, "dev").document
    taken_s = time.perf_counter() - made
    assert document["recordings"] == hours
    held_mb = hours * SECONDS * steps_hz * 8 / 1e6
    print(f"| {hours:,} | {held_mb:,.0f} | {_held_mb():,.0f} (before: {before:,.0f}) | {taken_s:.0f} |", flush=True)
    print(f"  the corpus was made in {made - began:.0f} s", file=sys.stderr)


def _corpus(hours: int, folder: Path, steps_hz: int, config: Config, generator: np.random.Generator) -> ScoredPart:
    """Logits that rise in seizures, with false alarms; a seizure in every third hour."""
    rate_hz, recordings, references = config.signals.rate_hz, [], []
    spool, no_types = Spool(folder), Spool(folder)
    for number in range(hours):
        onset_s = float(generator.integers(600, 3_000))
        seizures_s = np.array([[onset_s, onset_s + 60.0]] * (number % 3 == 0)).reshape(-1, 2)
        noise = generator.normal(size=SECONDS * steps_hz + 79)
        logits = 1.5 * np.convolve(noise, np.ones(80) / 80**0.5, mode="valid") - 5.0
        for start_s, stop_s in seizures_s:
            logits[int(start_s * steps_hz) : int(stop_s * steps_hz)] += generator.uniform(1.0, 6.0)
        spool.append(logits)
        references.append(seizures_s)
        seizures = np.rint(seizures_s * rate_hz).astype(np.int64)
        patient = f"p{number % PATIENTS}"
        recordings.append(
            IndexedRecording(id=f"r{number}", patient=patient, samples=SECONDS * rate_hz, seizures=seizures)
        )
        no_types.append(np.empty((logits.size, 0)))
    return ScoredPart(
        part="dev",
        index=build(recordings, config.windows.grid(rate_hz)),
        logits=spool,
        type_traces=no_types,
        samples_per_step=config.model.samples_per_step,
        reference_s=tuple(references),
        durations_s=(float(SECONDS),) * hours,
        types=tuple(("sz",) * len(one) for one in references),
        montages=("AR",) * hours,
    )


def _held_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
