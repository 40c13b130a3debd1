"""The command line on Modal: the same words, on a machine with a GPU, with store and runs on a volume that stays.

    modal volume put ictal /data/tusz/v2.0.3 tusz
    modal run examples/modal/app.py --words "plan runs/tusz --config examples/tusz.toml --corpus.path tusz"
    modal run examples/modal/app.py --words "prepare runs/tusz" --gpu ""
    modal run --detach examples/modal/app.py --words "train runs/tusz --machine.device cuda"

Paths are relative to the volume. A run that was cut off goes on with the same words.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import modal

REPOSITORY = Path(__file__).resolve().parents[2] if modal.is_local() else Path("/repository")
VOLUME = "/volume"
HOURS = 24

image = (
    modal.Image.debian_slim(python_version="3.11")
    .add_local_dir(REPOSITORY, "/repository", copy=True, ignore=[".venv", ".git", "demo"])
    .run_commands("pip install --constraint /repository/constraints.txt /repository")
)
volume = modal.Volume.from_name("ictal", create_if_missing=True)
app = modal.App("ictal", image=image)


@app.function(
    volumes={VOLUME: volume},
    gpu="H100",
    cpu=8,
    memory=32_768,
    timeout=HOURS * 3600,
    retries=modal.Retries(max_retries=3),
)
def ictal(words: list[str], folder: str = VOLUME) -> int:
    """Run `ictal` with these words in the volume; what it wrote is kept whatever its exit code."""
    code = subprocess.run([sys.executable, "-m", "ictal", *words], cwd=folder, check=False).returncode  # noqa: S603 - our own words
    if not modal.is_local():
        volume.commit()
    return code


@app.local_entrypoint()
def main(words: str, gpu: str = "H100") -> None:
    """Run the words there and leave with their exit code."""
    sys.exit(ictal.with_options(gpu=gpu or None).remote(shlex.split(words)))
