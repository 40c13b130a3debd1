"""`ictal export`: the detector of a run as a folder of its own, to keep, to publish, and to detect with.

A model folder holds weights and `detector.json` as the run folder does, so it is read wherever a run folder is; beside
them `provenance.json` (hashes of corpus and plan, scores, licence, versions) and a model card. Names of patients and
recordings and paths of the machine stay behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from ictal.errors import InputError, command
from ictal.models.detector import parameter_count
from ictal.recipes import detector as detectors
from ictal.recipes import graph
from ictal.recipes.config import CorpusConfig, MachineConfig
from ictal.recipes.detector import PROVENANCE, Detector
from ictal.recipes.run import damaged, missing, read_json, write_text
from ictal.report import card
from ictal.training.logs import LogConfig

MODEL_CARD = "README.md"
_OF_ONE_MACHINE = ("command", "machine")
_OF_ONE_PERSON = ("per_patient", "per_recording", "macro")


def export(
    source: Path,
    out: Path,
    *,
    form: graph.Form | None = None,
    licence: str = "",
    limits: str = "",
    attribution: str = "",
) -> dict[str, Any]:
    """Write the model folder of a run, or of another model folder; it appears whole or not at all.

    Args:
        source: Folder of a run that was evaluated, or of a model.
        out: Folder to make; it may exist if it is empty.
        form: Also write the network as a graph of this form.
        licence: Of the weights, as an SPDX name; empty keeps what a model folder says.
        limits: A sentence that is shown wherever the model is used; empty keeps what a model folder says.
        attribution: Whose data it was made from, where their licence asks for it; empty keeps what a model folder says.

    Returns:
        What `provenance.json` holds.

    Raises:
        InputError: if there is no evaluated detector, its evaluation is of another, the place is taken
            (`output-exists`), a model folder's weights are not those that its provenance tells of (`file-damaged`), or
            as `graph.write` does.
    """
    detector = _portable(detectors.require_ready(detectors.load(source, MachineConfig(backend="chunked")), source))
    provenance = _provenance(source, detector)
    stated = {"licence": licence, "limits": limits, "attribution": attribution}
    provenance |= {name: text for name, text in stated.items() if text}
    with _appearing(out) as folder:
        detectors.save(folder, detector, load_file(source / detectors.WEIGHTS))
        if form is not None:
            differences = graph.write(folder / graph.FILES[form], detector, form)
            provenance["graph"] = {"file": graph.FILES[form], "differences": differences}
        write_text(folder / PROVENANCE, json.dumps(provenance, indent=1, allow_nan=False))
        held = {**read_json(folder / detectors.CARD), "parameters": parameter_count(detector.model)}
        write_text(folder / MODEL_CARD, card.render(out.absolute().name, held, provenance))
    return provenance


def _portable(detector: Detector) -> Detector:
    """Without what belongs to the corpus's folder, the machine and its services."""
    config = replace(detector.config, corpus=CorpusConfig(), machine=MachineConfig(), log=LogConfig())
    return replace(detector, config=config)


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder to write into, which gets its name when all is written, and is gone if something fails."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            "The place for the model is taken",
            where=out,
            got="a folder that holds something, or a file",
            expected="a new or an empty folder",
            remedy="name another folder or remove this one",
            code="output-exists",
        )
    partial = out.absolute().with_name(f".{out.absolute().name}.{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _provenance(source: Path, detector: Detector) -> dict[str, Any]:
    weights_hash = hashlib.blake2b((source / detectors.WEIGHTS).read_bytes(), digest_size=16).hexdigest()
    if (source / PROVENANCE).exists():
        kept = {name: value for name, value in read_json(source / PROVENANCE).items() if name != "graph"}
        if kept["weights_hash"] != weights_hash:
            raise damaged(source / detectors.WEIGHTS, f"weights {weights_hash}, not {kept['weights_hash']}")
        return kept
    plan, verdict, evaluation, versions = (
        _of_run(source, name, step)
        for name, step in (
            ("plan.json", "plan"),
            ("verdict.json", "train"),
            ("evaluation.json", "evaluate"),
            ("versions.json", "evaluate"),
        )
    )
    _require_same(source, detector, plan, evaluation)
    return {
        "licence": "",
        "limits": "",
        "weights_hash": weights_hash,
        "corpus_hash": plan["index_hash"],
        "plan_hash": plan["plan_hash"],
        "batches_hash": detector.batches_hash,
        "corpus": plan["corpus"],
        "parts": plan["splits"],
        "training": {
            "steps": verdict["step"],
            "verdict": verdict["kind"],
            **verdict["evidence"],
            **detectors.backend_that_ran(source),
        },
        "evaluation": _scores(evaluation),
        "versions": {name: value for name, value in versions.items() if name not in _OF_ONE_MACHINE},
    }


def _of_run(folder: Path, name: str, step: str) -> dict[str, Any]:
    if not (folder / name).exists():
        raise missing(folder / name, command(step, folder))
    return read_json(folder / name)


def _require_same(source: Path, detector: Detector, plan: Mapping[str, Any], evaluation: Mapping[str, Any]) -> None:
    """Stop if plan, detector and scores of a folder do not belong together."""
    point, chosen = evaluation["operating_point"], detector.operating_point
    assert chosen is not None
    same_plan = evaluation["plan_hash"] == plan["plan_hash"] and detector.batches_hash == plan["batches_hash"]
    if not (same_plan and point["threshold"] == chosen.threshold):
        raise InputError(
            "The evaluation is not of this detector",
            where=source / "evaluation.json",
            got=f"plan {evaluation['plan_hash']}, threshold {point['threshold']:.4g}",
            expected=f"plan {plan['plan_hash']}, threshold {chosen.threshold:.4g}",
            remedy=f"run `{command('evaluate', source)}` again",
            code="plan-changed",
        )


def _scores(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """What an evaluation found, without what it found in single patients."""
    scorers = {
        name: {key: value for key, value in score.items() if key not in _OF_ONE_PERSON}
        for name, score in evaluation["scorers"].items()
    }
    kept = ("part", "recordings", "unseen_patients", "independent_of_tuning", "eval_openings", "ranking", "ece")
    return {**{name: evaluation[name] for name in kept}, "backend": evaluation.get("backend"), "scorers": scorers}
