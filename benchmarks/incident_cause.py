"""The true cause of the incident, a parser that skips what it cannot read: when, and with which words, is it seen?

    python benchmarks/incident_cause.py [--hours 2] [--out FOLDER]

A synthetic corpus in TUSZ's layout is made; then the reader of annotations is broken as it was in the incident, so that
every row is skipped, and the command line is used as a person would: `ictal audit`, then `ictal plan`. The same is done
with the files broken instead of the reader: rows in the format that the incident's parser had been written for; and
with labels that are lost only after an honest plan, on their way to the model, which is as late as they can be.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ictal import cli
from ictal.recordings.annotations import beside
from ictal.recordings.events import Annotation
from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus
from ictal.windows import dataset

SEED = 0


def run(words: list[str]) -> tuple[int, float, str]:
    """Exit code, seconds and everything that a command says."""
    said = io.StringIO()
    started = time.monotonic()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main(words)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    return code, time.monotonic() - started, said.getvalue()


@contextlib.contextmanager
def lenient_reader() -> Iterator[None]:
    """Every row of every annotation is skipped, as by the incident's `except: continue`."""
    honest = beside.read

    def skipping(path: Path, edf_path: Path | None = None) -> Annotation:
        return replace(honest(path, edf_path), events=())

    beside.read = skipping
    try:
        yield
    finally:
        beside.read = honest


@contextlib.contextmanager
def forgetful_dataset() -> Iterator[None]:
    """Every label of every batch is zero."""
    honest = dataset.step_labels

    def zeros(*given: Any) -> tuple[Any, Any]:
        labels, weights = honest(*given)
        return 0 * labels, weights

    dataset.step_labels = zeros  # type: ignore[assignment]
    try:
        yield
    finally:
        dataset.step_labels = honest


def rewrite_rows(corpus: Path) -> None:
    """Rows of all annotation files in the invented format `start,stop,label` without channel and confidence."""
    for path in [*corpus.rglob("*.csv"), *corpus.rglob("*.csv_bi")]:
        lines = path.read_text().splitlines()
        rows = [",".join(line.split(",")[1:4]) if line[:1] not in {"#", "", "c"} else line for line in lines]
        path.write_text("\n".join(rows) + "\n")


def show(title: str, words: list[str]) -> None:
    """Run a command and print what it came to, findings cut to the first lines."""
    code, seconds, said = run(words)
    lines = [line for line in said.splitlines() if line.strip()]
    print(f"\n#### {title}\n\n`ictal {words[0]}`: exit code {code} after {seconds:.1f} s\n\n```")
    print("\n".join(lines[:24]) + (f"\n... {len(lines) - 24} more lines" if len(lines) > 24 else ""))
    print("```")


def main() -> None:
    """Break it twice and look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--out", type=Path, default=Path("incident-cause"))
    options = parser.parse_args()
    corpus, run_folder = options.out / "corpus", options.out / "run"
    shutil.rmtree(options.out, ignore_errors=True)
    write_corpus(corpus, SynthConfig(patients=12, hours=options.hours, seed=SEED, seizure_share=0.05), workers=1)
    plan = ["plan", str(run_folder), "--corpus.path", str(corpus), "--split.method", "stratified"]
    with lenient_reader():
        show("The reader skips every row: audit", ["audit", str(corpus)])
        show("The reader skips every row: plan", plan)
    run([*plan, "--machine.store", str(options.out / "store")])
    run(["prepare", str(run_folder)])
    with forgetful_dataset():
        show("Labels are lost on their way to the model: train", ["train", str(run_folder)])
    rewrite_rows(corpus)
    show("The files are in another format: audit", ["audit", str(corpus)])
    show("The files are in another format: plan", plan)


if __name__ == "__main__":
    main()
