"""Train the model that ships with ictal, with ictal's own commands, from nothing but this file and its settings.

    python benchmarks/pretrain.py OUT --clips ../shared/data/chbmit_clips

A synthetic corpus is written; the eight CHB-MIT clips (ODC-By 1.0) join its training part; plan, prepare, train,
evaluate. Then the model folder is written to OUT/tiny, with its card. Copied over `src/ictal/pretrained/tiny` it is
the shipped model: on one machine the same seeds give the same bytes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

SETTINGS = Path(__file__).with_suffix(".toml")
CORPUS = {"patients": 24, "hours": 10, "seed": 0, "seizure-share": 0.02}
PARTS = ("train", "dev", "eval")
DATA = (
    "ictal synth --patients 24 --hours 10 --seed 0 --seizure-share 0.02 (synthetic EEG, no people), and eight clips of "
    "two children cut from the CHB-MIT Scalp EEG Database 1.0.0 (Open Data Commons Attribution 1.0; A. Shoeb, PhD "
    "thesis, MIT 2009; Goldberger et al. 2000; doi:10.13026/C2K01R) in its training part"
)


def main() -> None:
    """Make the corpus, the run and the model folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to work in")
    parser.add_argument("--clips", type=Path, required=True, help="folder of the CHB-MIT clips")
    parser.add_argument("--kind", choices=("bimamba", "mamba"), default="bimamba", help="mamba reads forward only")
    options = parser.parse_args()
    corpus, run = options.out / "corpus", options.out / options.kind
    if not corpus.exists():
        ictal("synth", corpus, *(word for name, value in CORPUS.items() for word in (f"--{name}", value)))
        add_clips(options.clips, corpus / "edf" / "train")
    places = ["--corpus.path", corpus, "--machine.store", options.out / "store", "--model.kind", options.kind]
    ictal("plan", run, "--config", SETTINGS, *places)
    for verb in (("prepare", run), ("train", run), ("evaluate", run, "--open-eval")):
        ictal(*verb)
    name = "tiny" if options.kind == "bimamba" else "tiny-live"
    ictal("export", run, options.out / name, "--data", DATA, "--licence", "Apache-2.0")


def add_clips(clips: Path, part: Path) -> None:
    """Each clip with its whole-recording annotation, under the name of its patient."""
    for edf in sorted(clips.glob("*.edf")):
        folder = part / edf.stem.split("_", maxsplit=1)[0]
        folder.mkdir(parents=True, exist_ok=True)
        for path in (edf, edf.with_suffix(".csv_bi")):
            shutil.copyfile(path, folder / path.name)


def ictal(*words: object) -> None:
    """Run a command; findings (exit code 1) are no failure."""
    done = subprocess.run([sys.executable, "-m", "ictal", *map(str, words)], check=False)
    if done.returncode not in {0, 1}:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
