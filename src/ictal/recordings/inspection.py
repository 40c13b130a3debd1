"""One recording as the audit sees it: everything that can be read of it, and everything that is wrong with it.

Where the rest of the program stops at the first fault, an inspection collects them all as findings. An `error` is what
planning would refuse; a `warning` is what is set aside, repaired or should be known.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from ictal.errors import InputError
from ictal.recordings import corpus as corpora
from ictal.recordings import edf, flags, montages
from ictal.recordings.annotations import beside
from ictal.recordings.channels import is_scalp, reference
from ictal.recordings.corpus import Labelled
from ictal.recordings.events import Annotation, gaps, seizure_types, seizures
from ictal.recordings.flags import Flags
from ictal.recordings.labels import kind_of
from ictal.recordings.layouts.layout import Recording
from ictal.recordings.montages import MissingPolicy

Severity: TypeAlias = Literal["error", "warning"]

TWIN_TOLERANCE_S = 0.01
GAP_TOLERANCE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault, or one thing that should be known."""

    code: str
    path: str
    message: str
    severity: Severity


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Which montages a recording's channels allow.

    Args:
        montages: Those that need no repair.
        missing: What the nearest montage of the whole scalp lacks; empty if one needs no repair.
        interpolated: Electrodes that the policy computes for that montage.
        absent: Channels of that montage that the policy leaves at zero.
    """

    montages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    interpolated: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """One recording as far as it could be read.

    Args:
        recording: The recording.
        header: Of its EDF, if that could be read.
        annotations: Files beside it.
        stated_s: Its length as the annotation states it, if it does.
        labelled: Header and annotation brought together, with the types of the seizures, if they agree.
        labels: Rows of the annotation that is used, by label as written.
        fit: Which montages its channels allow.
        reference: Common reference that its scalp channels name, or empty.
        flags: Of its signals, if they were read.
        findings: What is wrong with it.
    """

    recording: Recording
    header: edf.Header | None
    annotations: tuple[Path, ...]
    stated_s: float | None
    labelled: Labelled | None
    labels: Counter[str] = field(default_factory=Counter)
    fit: Fit
    reference: str
    flags: Flags | None
    findings: tuple[Finding, ...]


_Signature: TypeAlias = tuple[tuple[str, str, int, bool], ...]


@dataclass(frozen=True, kw_only=True)
class Inspector:
    """Inspects the recordings of one corpus.

    Args:
        root: The corpus's folder; paths are shown below it.
        mapping: See `labels.kind_of`.
        consensus: See `events.seizures`.
        policy: What is done about missing electrodes; see `montages.derive`.
        deep: Whether signals are read.
    """

    root: Path
    mapping: Mapping[str, str]
    consensus: str
    policy: MissingPolicy
    deep: bool
    _fits: dict[_Signature, Fit] = field(default_factory=dict)
    """Of electrodes as they were met before; few corpora have many lists of them."""

    def __call__(self, recording: Recording) -> Inspected:
        """Look at a recording."""
        collector = _Collector(self.root)
        header = _header(recording, collector)
        paths, annotations = _annotations(recording, collector)
        stated = [(a, _seizures(a, self.mapping, self.consensus, collector)) for a in annotations]
        readable = [(annotation, seizures_s) for annotation, seizures_s in stated if seizures_s is not None]
        _compare_twins(readable, collector)
        _check_tiling(annotations, collector)
        return Inspected(
            recording=recording,
            header=header,
            annotations=paths,
            stated_s=annotations[0].duration_s if annotations else None,
            labelled=_label(recording, header, readable, self.mapping, collector),
            labels=Counter(event.label for annotation in annotations[:1] for event in annotation.events),
            fit=Fit() if header is None else self._fit(header, collector),
            reference="" if header is None else _reference(header),
            flags=_flags(header, collector) if self.deep and header is not None else None,
            findings=tuple(collector.findings),  # the last: all others have been looked at
        )

    def _fit(self, header: edf.Header, collector: _Collector) -> Fit:
        relevant = (signal for signal in header.signals if montages.takes_part(signal.label))
        signature = tuple((s.label, s.dimension, s.samples_per_record, math.isnan(s.gain_uv)) for s in relevant)
        if signature not in self._fits:
            fit, fault = _fit(header, self.policy)
            if fault is not None:  # it names this file
                collector.error(fault, header.path, "warning")
                return fit
            self._fits[signature] = fit
        return self._fits[signature]


def shown_path(path: Path, root: Path) -> str:
    """A file as its path below the corpus; a corrected annotation may lie elsewhere."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


class _Collector:
    """Findings about one recording, in the order they are met."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.findings: list[Finding] = []

    def error(self, error: InputError, path: Path, severity: Severity) -> None:
        message = f"{error.what} ({error.where}; got {error.got}; expected {error.expected}); {error.remedy}"
        self.add(error.code, path, message, severity)

    def add(self, code: str, path: Path, message: str, severity: Severity) -> None:
        self.findings.append(Finding(code=code, path=shown_path(path, self.root), message=message, severity=severity))


_Seizures: TypeAlias = tuple[tuple[float, float], ...]


def _header(recording: Recording, collector: _Collector) -> edf.Header | None:
    try:
        header = edf.read_header(recording.edf)
    except InputError as error:
        collector.error(error, recording.edf, "warning")
        return None
    for note in header.notes:
        collector.add("edf-odd", recording.edf, note, "warning")
    return header


def _annotations(recording: Recording, collector: _Collector) -> tuple[tuple[Path, ...], list[Annotation]]:
    """Every annotation file beside a recording, and what is in those that their readers accept."""
    annotations: list[Annotation] = []
    try:
        paths = corpora.annotations_of(recording)
    except InputError as error:
        collector.error(error, recording.edf, "error")
        return (), annotations
    for path in paths:
        try:
            annotations.append(beside.read(path, recording.edf))
        except InputError as error:
            collector.error(error, path, "error")
    return paths, annotations


def _seizures(
    annotation: Annotation, mapping: Mapping[str, str], consensus: str, collector: _Collector
) -> _Seizures | None:
    """The annotation's seizures, or None and one finding for each unknown label or for the seizure that is none."""
    first = {event.label: event for event in reversed(annotation.events)}
    unknown = False
    for label, event in sorted(first.items()):
        try:
            kind_of(label, where=annotation.where(event), mapping=mapping)
        except InputError as error:
            collector.error(error, annotation.path, "error")
            unknown = True
    if unknown:
        return None
    try:
        return seizures(annotation, mapping, consensus)
    except InputError as error:
        collector.error(error, annotation.path, "error")
        return None


def _compare_twins(readable: list[tuple[Annotation, _Seizures]], collector: _Collector) -> None:
    for twin, theirs in readable[1:]:
        used, ours = readable[0]
        if not _equal(ours, theirs):
            message = f"{used.path.name} has {_shown(ours)}, {twin.path.name} has {_shown(theirs)}; the first is used"
            collector.add("twin-mismatch", twin.path, message, "warning")


def _check_tiling(annotations: list[Annotation], collector: _Collector) -> None:
    """A `.csv_bi` or `.tse_bi` labels every second, background too; seconds without a row hint at lost rows."""
    for annotation in annotations:
        if annotation.path.suffix in {".csv_bi", ".tse_bi"} and annotation.duration_s is not None:
            free = gaps(((event.onset_s, event.stop_s) for event in annotation.events), annotation.duration_s)
            free_s = math.fsum(stop_s - onset_s for onset_s, stop_s in free)
            if free_s > GAP_TOLERANCE_S:
                message = f"{free_s:.4f} s have no row ({_spans(free)}); they are read as background"
                collector.add("annotation-gap", annotation.path, message, "warning")


def _equal(ours: _Seizures, theirs: _Seizures) -> bool:
    if len(ours) != len(theirs):
        return False
    pairs = zip(ours, theirs, strict=True)
    return all(abs(a - b) <= TWIN_TOLERANCE_S for x, y in pairs for a, b in zip(x, y, strict=True))


def _shown(seizures_s: _Seizures) -> str:
    total_s = sum(stop_s - onset_s for onset_s, stop_s in seizures_s)
    return f"{len(seizures_s)} seizure(s) of {total_s:.4f} s ({_spans(seizures_s)})" if seizures_s else "no seizure"


def _spans(intervals_s: _Seizures) -> str:
    shown = [f"{onset_s:.4f}-{stop_s:.4f}" for onset_s, stop_s in intervals_s[:3]]
    return ", ".join([*shown, "..."] if len(intervals_s) > 3 else shown)


def _label(
    recording: Recording,
    header: edf.Header | None,
    readable: list[tuple[Annotation, _Seizures]],
    mapping: Mapping[str, str],
    collector: _Collector,
) -> Labelled | None:
    if header is None or not readable:
        return None
    annotation, seizures_s = readable[0]
    try:
        labelled = corpora.label(recording, header, annotation, seizures_s)
    except InputError as error:
        about = recording.edf if beside.is_list(annotation.path) else annotation.path
        collector.error(error, about, "warning")
        return None
    types = seizure_types([annotation for annotation, _ in readable], labelled.seizures_s, mapping)
    return replace(labelled, types=types)


def _fit(header: edf.Header, policy: MissingPolicy) -> tuple[Fit, InputError | None]:
    """Montages that the recording allows, and what is wrong if none of the whole scalp can be made, even repaired."""
    faults: dict[str, InputError] = {}
    for name, montage in montages.MONTAGES.items():
        try:
            montages.derive(montage, header)
        except InputError as error:
            faults[name] = error
    able = tuple(name for name in montages.MONTAGES if name not in faults)
    if not faults.keys() >= set(montages.WHOLE_SCALP):
        return Fit(montages=able), None
    whole = [montages.MONTAGES[name] for name in montages.WHOLE_SCALP]
    nearest = min(whole, key=lambda montage: len(montages.missing(montage, header)))
    missing = montages.missing(nearest, header)
    try:
        repaired = montages.derive(nearest, header, policy=policy)
    except InputError as error:
        return Fit(montages=able, missing=missing), error
    channels = zip(repaired.channels, repaired.validity, strict=True)
    absent = tuple(channel for channel, validity in channels if validity == "absent")
    return Fit(montages=able, missing=missing, interpolated=repaired.interpolated, absent=absent), None


def _reference(header: edf.Header) -> str:
    """What the labels of the scalp name as their common reference; several are joined by a slash."""
    named = {reference(signal.label) for signal in header.signals if is_scalp(signal.label)}
    return "/".join(sorted(named - {""}))


def _flags(header: edf.Header, collector: _Collector) -> Flags | None:
    """What only the signals tell; extras (EKG, markers) may be flat, scalp channels may not."""
    try:
        found = flags.examined(header)
    except InputError as error:
        collector.error(error, header.path, "warning")
        return None
    for code, labels, what in (
        ("signal-flat", found.flat, "hold one value throughout"),
        ("signal-saturated", found.saturated, f"are at a limit for over {flags.SATURATED_SHARE:.0%} of the time"),
        ("signal-out-of-range", found.out_of_range, "go beyond the digital range that the header states"),
        (
            "channel-contradictory",
            found.contradictory,
            "occur twice with different samples, of which the first are read",
        ),
    ):
        scalp = [label for label in labels if is_scalp(label)]
        if scalp:
            collector.add(code, header.path, f"{len(scalp)} channel(s) {what}: {', '.join(scalp)}", "warning")
    return found
