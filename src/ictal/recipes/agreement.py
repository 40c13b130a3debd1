"""`ictal agreement`: how far experts, or any tools, agree who annotated the same recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ictal.errors import InputError
from ictal.recipes.score import annotations_below, duration_of, read_annotation
from ictal.recordings.annotations import beside
from ictal.recordings.corpus import NO_ALIASES
from ictal.recordings.events import Annotation, agreed, seizure_types, seizures
from ictal.recordings.labels import NO_MAPPING
from ictal.recordings.layouts.folder import patient_of
from ictal.scoring.agreement import SEIZURE, Recordings, Voice, document

Said: TypeAlias = dict[str, Annotation]
"""What one voice says, by recording."""

SEED = 0


def agreement(
    folders: Sequence[Path], *, mapping: Mapping[str, str] = NO_MAPPING, same_patient: Mapping[str, str] = NO_ALIASES
) -> dict[str, Any]:
    """Compare every voice with every other, and each with what most of them say where there are three or more.

    Args:
        folders: One folder with what several experts say in one list (Helsinki), its EDFs need not be there; or a
            folder of annotations for each voice, with the same names.
        mapping: How to read labels outside the vocabulary.
        same_patient: Other names of a patient, and the name to use.

    Raises:
        InputError: if there is only one voice (code `one-voice`), or the voices do not speak of the same recordings of
            the same length (code `hypothesis-mismatch`).
    """
    voices = _experts(folders[0]) if len(folders) == 1 else _folders(folders)
    first = next(iter(voices.values()))
    owners = [patient_of(Path(name).name) for name in first]
    recordings = Recordings(
        names=list(first),
        patients=[same_patient.get(owner, owner) for owner in owners],
        durations_s=[min(duration_of(own, said[name]) for said in voices.values()) for name, own in first.items()],
    )
    spoken = [_voice(name, said, mapping) for name, said in voices.items()]
    most = _majority(spoken) if len(spoken) > 2 else None
    return document(spoken, most, recordings, np.random.default_rng(SEED))


def _experts(folder: Path) -> dict[str, Said]:
    """The voices of a list about many recordings."""
    lists = [path for path in sorted(folder.glob("*")) if path.is_file() and beside.is_list(path)]
    names = sorted(beside.listed(lists[0]) or ()) if lists else []
    read = {Path(name).stem: beside.read(lists[0], Path(name)) for name in names}
    raters = {rater: None for annotation in read.values() for rater in annotation.raters}
    if len(raters) < 2:
        raise InputError(
            "There is only one voice",
            where=folder,
            got=f"{len(lists)} lists of annotations, {len(raters)} experts in them",
            expected="a list by two experts or more, or a folder for each voice",
            remedy="name another folder that annotates the same recordings",
            code="one-voice",
        )
    return {
        rater: {
            name: replace(one, events=tuple(event for event in one.events if event.rater == rater), raters=())
            for name, one in read.items()
        }
        for rater in raters
    }


def _folders(folders: Sequence[Path]) -> dict[str, Said]:
    """One voice for each folder, by the folder's name."""
    files = {str(folder): annotations_below(folder) for folder in folders}
    everything = next(iter(files.values()))
    for folder, found in files.items():
        strangers = sorted(found.keys() ^ everything.keys())
        if strangers or len(files) < len(folders):
            raise InputError(
                "The voices do not speak of the same recordings",
                where=folder,
                got=f"{strangers[0]} in one folder alone" if strangers else "one folder twice",
                expected="a folder for each voice, with annotations of the same names",
                remedy="complete the folders, or take the recording out of all of them",
                code="hypothesis-mismatch",
            )
    return {folder: {name: read_annotation(found[name]) for name in sorted(found)} for folder, found in files.items()}


def _voice(name: str, said: Said, mapping: Mapping[str, str]) -> Voice:
    events = [seizures(annotation, mapping) for annotation in said.values()]
    labels = [seizure_types([one], own, mapping) for one, own in zip(said.values(), events, strict=True)]
    return Voice(name=name, events_s=[np.array(own).reshape(-1, 2) for own in events], labels=labels)


def _majority(voices: Sequence[Voice]) -> Voice:
    """Where more than half of the voices say that there is a seizure, whatever they call it."""
    heard = [
        agreed([tuple((float(a), float(b)) for a, b in said) for said in each], len(voices) // 2 + 1)
        for each in zip(*(voice.events_s for voice in voices), strict=True)
    ]
    return Voice(
        name="majority",
        events_s=[np.array(own, dtype=np.float64).reshape(-1, 2) for own in heard],
        labels=[[SEIZURE] * len(own) for own in heard],
    )
