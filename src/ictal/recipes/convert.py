"""`ictal convert`: a corpus of any layout as a BIDS dataset with HED-SCORE events, as SzCORE exchanges them.

Signals are copied byte for byte. A recording's patient becomes its subject and its place among that patient's
recordings its run; where it came from stands in `scans.tsv` and beside it. Seizures become those that training here
would see, with the type that covers most of each. What is there, of the same recording, and has not changed is not made
again, so an interrupted conversion goes on; a dataset that holds more than the corpus does is refused.

Source: BIDS 1.9 (EEG), HED-SCORE, SzCORE's dataset layout.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ictal.appearing import appearing
from ictal.errors import InputError
from ictal.recipes.config import load
from ictal.recordings import corpus as corpora
from ictal.recordings.annotations import bids
from ictal.recordings.annotations.text import write_whole
from ictal.recordings.channels import is_scalp, reference
from ictal.recordings.corpus import Corpus, Labelled, Quarantined
from ictal.recordings.edf import Header
from ictal.recordings.events import Event
from ictal.recordings.labels import BACKGROUND, hed_score

TASK = "szMonitoring"

_EEG = "_eeg"
_NONE = "n/a"
_UNITS = {"uv": "µV", "mv": "mV", "v": "V"}


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What was made of a corpus."""

    recordings: int
    made: int
    """Of these, those that were not there before."""
    seizures: int
    quarantined: tuple[Quarantined, ...]

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        return {**asdict(self), "quarantined": [asdict(one) for one in self.quarantined]}


def to_bids(
    corpus: Corpus,
    labelled: Sequence[Labelled],
    quarantined: Sequence[Quarantined],
    out: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Converted:
    """Write a BIDS dataset.

    Args:
        corpus: Where the recordings are from.
        labelled: Its recordings that can be used, with the types of their seizures.
        quarantined: Those that cannot: they are left out, and named.
        out: The dataset's folder.
        progress: Called with (done, total), in recordings.

    Raises:
        InputError: if two patients have one name without signs (code `convert-name`), or the folder holds something
            else, or a recording more (code `convert-folder`).
    """
    subjects = _subjects(labelled)
    copies = _copies(labelled, subjects)
    _require_own(out, set(copies))
    out.mkdir(parents=True, exist_ok=True)
    _describe(out, corpus, labelled, subjects)
    scans: dict[str, list[str]] = {}
    made = 0
    for done, (copy, one) in enumerate(zip(copies, labelled, strict=True), 1):
        subject = subjects[one.recording.patient]
        made += _recording(one, out / copy)
        scans.setdefault(subject, []).append("\t".join([f"eeg/{copy.name}", _started(one.header), _source(one)]))
        if progress is not None:
            progress(done, len(labelled))
    for subject, rows in scans.items():
        path = out / subject / "ses-01" / f"{subject}_ses-01_scans.tsv"
        write_whole(path, ["filename\tacq_time\tsource", *rows])
    return Converted(
        recordings=len(labelled),
        made=made,
        seizures=sum(len(one.seizures_s) for one in labelled),
        quarantined=tuple(quarantined),
    )


def convert(
    folder: Path,
    out: Path,
    file: Path | None,
    overrides: Sequence[str],
    progress: Callable[[int, int], None] | None = None,
) -> Converted:
    """Read a corpus with the settings of a configuration, and write it as BIDS; errors as of `to_bids` and reading."""
    wanted = load(file, overrides).corpus
    corpus = corpora.discover(folder, wanted.layout, wanted.same_patient, wanted.corrections)
    labelled, quarantined = corpora.read_labels(corpus, mapping=wanted.label_mapping, consensus=wanted.consensus)
    return to_bids(corpus, labelled, quarantined, out, progress)


def _subjects(labelled: Iterable[Labelled]) -> dict[str, str]:
    """The subject of each patient: letters and digits alone."""
    subjects: dict[str, str] = {}
    for patient in sorted({one.recording.patient for one in labelled}):
        subject = "sub-" + re.sub(r"[^A-Za-z0-9]", "", patient.removeprefix("sub-"))
        other = next((name for name, taken in subjects.items() if taken == subject), None)
        if subject == "sub-" or other is not None:
            raise InputError(
                "A patient has no name of their own in BIDS, which knows letters and digits alone",
                where=patient,
                got=subject + (f", the subject of {other}" if other else ""),
                expected="a name that no other patient has",
                remedy="rename the patient's files",
                code="convert-name",
            )
        subjects[patient] = subject
    return subjects


def _copies(labelled: Iterable[Labelled], subjects: dict[str, str]) -> list[Path]:
    """Where in the dataset each recording goes: a run of its patient."""
    runs: Counter[str] = Counter()
    copies = []
    for one in labelled:
        subject = subjects[one.recording.patient]
        runs[subject] += 1
        name = f"{subject}_ses-01_task-{TASK}_run-{runs[subject]:02d}{_EEG}{one.recording.edf.suffix.lower()}"
        copies.append(Path(subject) / "ses-01" / "eeg" / name)
    return copies


def _require_own(out: Path, copies: Container[Path]) -> None:
    """Refuse a folder with anything else than an earlier conversion left, or with a recording that this one has not."""
    described = out / "dataset_description.json"
    got = ""
    if out.exists() and any(out.iterdir()) and not (described.is_file() and '"ictal"' in described.read_text()):
        got = "files that `ictal convert` did not write"
    there = [path for suffix in (".edf", ".bdf") for path in out.glob(f"sub-*/ses-*/eeg/*{_EEG}{suffix}")]
    strangers = sorted(path for path in there if path.relative_to(out) not in copies)
    if got or strangers:
        raise InputError(
            "The folder holds something else",
            where=out,
            got=got or f"{strangers[0].relative_to(out)}, which no recording of the corpus would become",
            expected="an empty folder, or one that an earlier conversion of the same recordings began",
            remedy="choose another folder",
            code="convert-folder",
        )


def _describe(out: Path, corpus: Corpus, labelled: Sequence[Labelled], subjects: dict[str, str]) -> None:
    """The files about the whole dataset."""
    name = _cell(corpus.root.resolve().name)
    _write_json(
        out / "dataset_description.json",
        {
            "Name": name,
            "BIDSVersion": "1.9.0",
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "ictal", "Description": f"converted from a {corpus.name} corpus"}],
        },
    )
    text = (
        f"{name}, a {corpus.name} corpus, converted to BIDS by ictal.",
        "Signals are byte for byte those of the source; scans.tsv says which file each comes from.",
        "Events are seizures of the whole recording (HED-SCORE); a recording without one has a bckg row.",
    )
    write_whole(out / "README", list(text))
    split = {one.recording.patient: one.recording.split or _NONE for one in labelled}
    rows = [f"{subject}\t{_cell(patient)}\t{split[patient]}" for patient, subject in subjects.items()]
    write_whole(out / "participants.tsv", ["participant_id\tsource\tsplit", *rows])
    _write_json(
        out / "participants.json",
        {
            "source": {"Description": "The patient's name in the corpus"},
            "split": {"Description": "Part of the corpus that the patient serves in (train, dev, eval)"},
        },
    )
    _write_json(out / "scans.json", {"source": {"Description": "The recording's path in the corpus, without suffix"}})
    bids.write_meanings(out / f"task-{TASK}_events.json")


def _recording(one: Labelled, edf: Path) -> bool:
    """Write one recording and what goes with it, its events last; whether anything was missing or has changed."""
    folder, stem = edf.parent, edf.stem.removesuffix(_EEG)
    events, sidecar = folder / f"{stem}_events.tsv", edf.with_suffix(".json")
    found = tuple(
        Event(onset_s=round(onset_s, 4), stop_s=round(stop_s, 4), label=hed_score(kind))
        for (onset_s, stop_s), kind in zip(one.seizures_s, one.types, strict=True)
    )
    described = _json(_sidecar(one))
    told = sidecar.read_text(encoding="utf-8") if sidecar.exists() else ""
    same = _unchanged(one.recording.edf, edf) and told == f"{described}\n"
    if same and events.exists() and _seizures_in(events) == found:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    events.unlink(missing_ok=True)  # until all is what it tells of
    with appearing(edf) as draft:
        shutil.copy2(one.recording.edf, draft)
    write_whole(sidecar, [described])
    write_whole(folder / f"{stem}_channels.tsv", ["name\ttype\tunits\tsampling_frequency", *_channels(one.header)])
    bids.write(events, events=found, duration_s=one.duration_s, start=one.header.start)
    return True


def _unchanged(source: Path, copy: Path) -> bool:
    """Whether a copy has its source's size and time of last change."""
    if not copy.exists():
        return False
    ours, theirs = copy.stat(), source.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def _seizures_in(events: Path) -> tuple[Event, ...]:
    return tuple(event for event in bids.read(events).events if event.label != BACKGROUND)


def _sidecar(one: Labelled) -> dict[str, Any]:
    scalp = [signal for signal in one.header.signals if is_scalp(signal.label)]
    references = sorted({reference(signal.label) for signal in scalp} - {""})
    return {
        "TaskName": TASK,
        "TaskDescription": "Clinical monitoring for seizures",
        "SamplingFrequency": max((signal.rate_hz for signal in scalp or one.header.signals), default=0.0),
        "EEGReference": ", ".join(references) or _NONE,
        "PowerLineFrequency": _NONE,
        "SoftwareFilters": _NONE,
        "EEGChannelCount": len(scalp),
        "RecordingDuration": one.duration_s,
        "RecordingType": "continuous",
        "Source": _source(one),
    }


def _channels(header: Header) -> list[str]:
    """One row per channel; a label that occurs again is numbered, for names are unique in BIDS."""
    seen: Counter[str] = Counter()
    rows = []
    for signal in header.signals:
        seen[signal.label] += 1
        again = f"-{seen[signal.label]}" if seen[signal.label] > 1 else ""
        kind = "EEG" if is_scalp(signal.label) else "MISC"
        units = _UNITS.get(signal.dimension.lower(), _NONE)
        rows.append(f"{_cell(signal.label)}{again}\t{kind}\t{units}\t{signal.rate_hz:g}")
    return rows


def _started(header: Header) -> str:
    return _NONE if header.start is None else f"{header.start:%Y-%m-%dT%H:%M:%S}"


def _source(one: Labelled) -> str:
    """The recording's path in the corpus, without suffix."""
    return _cell(one.recording.id)


def _cell(text: str) -> str:
    """A text for a table, which knows no quotes: in one line, without tabs, and `n/a` for nothing."""
    return " ".join(text.encode(errors="backslashreplace").decode().split()) or _NONE


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, [_json(content)])
