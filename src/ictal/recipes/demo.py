"""`ictal demo`: synthetic corpus, audit, plan, prepare, train, evaluate, report; the whole program on a laptop."""

from __future__ import annotations

import json
import time
import tomllib
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from ictal.errors import InputError
from ictal.recipes import config as configs
from ictal.recipes import evaluate, plan, prepare, report, train
from ictal.recipes.audit import Settings, audit_folder
from ictal.recipes.console import Console
from ictal.recipes.run import Run
from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus


def demo(out: Path, synth: SynthConfig, overrides: list[str], console: Console) -> dict[str, Any]:
    """Do everything, in one folder; what is there already is used again.

    Raises:
        GuardStop: if a guard stops the training.
        Interrupted: if somebody does; the same command goes on.
    """
    started = time.monotonic()
    out = out.absolute()
    run = _run(out, overrides)
    with console.step("corpus", f"{synth.hours:g} h of synthetic EEG, {synth.patients} patients") as progress:
        _write_corpus(out / "corpus", synth, run.config.machine.workers, progress)
    with console.step("audit", "what is in it") as progress:
        _, audited = audit_folder(out / "corpus", Settings(), progress=progress)
    with console.step("plan", "windows, split and batches, before any signal is read") as progress:
        planned = plan.plan_run(run, progress)
        document = plan.document(run, planned)
        plan.save(run, planned, document)
        run.write_json("audit.json", audited)
    with console.recorded("prepare", "signals into the store") as progress:
        prepare.prepare_run(run, planned, progress)
    with console.training(run.config.train.steps) as training:
        train.train_run(run, planned, training, console.chosen)
    with console.step("evaluate", "patients that were never seen") as progress:
        evaluated = evaluate.evaluate_run(run, planned, progress, open_eval=True)
        evaluate.save(run, planned, evaluated)
    with console.step("report", "one page") as _:
        page = report.write(run, planned)
    return {
        **evaluated.document,
        "plan": document,
        "incident": run.read_json("incident.json", "plan"),
        "verdict": run.read_json("verdict.json", "train"),
        "seconds": time.monotonic() - started,
        "report": str(page),
    }


def _run(out: Path, overrides: list[str]) -> Run:
    base = tomllib.loads(files("ictal.recipes").joinpath("demo.toml").read_text())
    base["corpus"] = {"path": str(out / "corpus"), "layout": "tusz"}
    base["machine"] |= {"store": str(out / "store")}
    return Run(folder=out / "run", config=configs.load(None, overrides, base=base))


def _write_corpus(folder: Path, synth: SynthConfig, workers: int, progress: plan.Progress) -> None:
    """Write the corpus, or make sure that the one there is the one asked for."""
    if not folder.exists():
        write_corpus(folder, synth, workers=workers, progress=progress)
        return
    truth = folder / "truth.json"
    there = json.loads(truth.read_text())["made_with"] if truth.exists() else "a corpus of unknown making"
    if there != asdict(synth):
        raise InputError(
            "The folder holds another demo",
            where=folder,
            got=there,
            expected=asdict(synth),
            remedy="use another --out, or delete this one",
            code="output-exists",
        )
