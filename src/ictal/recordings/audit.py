"""The audit of a corpus: what is in it, and everything that is wrong with it, before any signal is read.

Where the rest of the program stops at the first fault, the audit collects them all as findings. An `error` is what
planning would refuse; a `warning` is what is set aside or should be known.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from ictal.errors import InputError
from ictal.recordings import corpus as corpora
from ictal.recordings import edf, montages
from ictal.recordings.annotations import beside
from ictal.recordings.channels import canonical, is_scalp
from ictal.recordings.corpus import Corpus, Labelled, Recording
from ictal.recordings.events import Annotation, gaps, seizures
from ictal.recordings.labels import NO_MAPPING, kind_of
from ictal.recordings.prior import PRIOR_LOG10_LIMIT, PRIORS, PriorTest, prior_test

Severity: TypeAlias = Literal["error", "warning"]
Json: TypeAlias = "str | int | float | list[Json] | dict[str, Json] | None"

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
class Audit:
    """What a corpus holds; counts are over the recordings that could be read."""

    corpus: str
    root: Path
    recordings: int
    patients: int
    hours: float
    seizures: int
    seizure_seconds: float
    seizure_recordings: int
    seizure_patients: int
    labels: Mapping[str, int]
    channels: Mapping[str, int]
    rates_hz: Mapping[str, int]
    montages: Mapping[str, int]
    prior: PriorTest | None
    findings: tuple[Finding, ...]

    @property
    def share(self) -> float:
        """Seizure share of recorded time; NaN where nothing is recorded."""
        return self.seizure_seconds / (3600 * self.hours) if self.hours else math.nan

    @property
    def exit_code(self) -> int:
        """0 nothing found, 1 warnings only, 2 any error."""
        severities = {finding.severity for finding in self.findings}
        return 2 if "error" in severities else 1 if severities else 0

    def document(self) -> dict[str, Json]:
        """The audit as one JSON document; an undefined share is null."""
        return {
            "corpus": self.corpus,
            "recordings": self.recordings,
            "patients": self.patients,
            "hours": self.hours,
            "seizures": self.seizures,
            "seizure_seconds": self.seizure_seconds,
            "seizure_recordings": self.seizure_recordings,
            "seizure_patients": self.seizure_patients,
            "share": None if math.isnan(self.share) else self.share,
            "labels": dict(self.labels),
            "channels": dict(self.channels),
            "rates_hz": dict(self.rates_hz),
            "montages": dict(self.montages),
            "prior": None if self.prior is None else asdict(self.prior),
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit(
    root: Path,
    *,
    corpus: str = "auto",
    mapping: Mapping[str, str] = NO_MAPPING,
    prior: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Audit every recording of a corpus.

    Args:
        root: The corpus's folder.
        corpus: Its layout; see `corpus.discover`.
        mapping: See `labels.kind_of`.
        prior: Share of windows with seizure to expect; None means the published one, where there is one.
        progress: Called with (done, total).

    Raises:
        InputError: only if there is no such folder or layout.
    """
    found = corpora.discover(root, corpus)
    seen = []
    for done, recording in enumerate(found.recordings, 1):
        seen.append(_look(found.root, recording, mapping))
        if progress is not None:
            progress(done, len(found.recordings))
    return _summary(found, seen, PRIORS.get(found.name) if prior is None else prior)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One recording as far as it could be read."""

    recording: Recording
    header: edf.Header | None
    labelled: Labelled | None
    labels: Counter[str] = field(default_factory=Counter)
    montages: tuple[str, ...]
    findings: tuple[Finding, ...]


class _Collector:
    """Findings about one recording, in the order they are met."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.findings: list[Finding] = []

    def error(self, error: InputError, path: Path, severity: Severity) -> None:
        message = f"{error.what} ({error.where}; got {error.got}; expected {error.expected}); {error.remedy}"
        self.add(error.code, path, message, severity)

    def add(self, code: str, path: Path, message: str, severity: Severity) -> None:
        shown = path.relative_to(self.root).as_posix()
        self.findings.append(Finding(code=code, path=shown, message=message, severity=severity))


def _look(root: Path, recording: Recording, mapping: Mapping[str, str]) -> _Seen:
    collector = _Collector(root)
    header = _header(recording, collector)
    annotations = _annotations(recording, collector)
    stated = [(a, _seizures(a, mapping, collector)) for a in annotations]
    readable = [(annotation, seizures_s) for annotation, seizures_s in stated if seizures_s is not None]
    _compare_twins(readable, collector)
    _check_tiling(annotations, collector)
    labelled = _label(recording, header, readable, collector)
    return _Seen(
        recording=recording,
        header=header,
        labelled=labelled,
        labels=Counter(event.label for annotation in annotations[:1] for event in annotation.events),
        montages=_montages(header, collector),
        findings=tuple(collector.findings),
    )


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


def _annotations(recording: Recording, collector: _Collector) -> list[Annotation]:
    """Every annotation beside a recording that its reader accepts."""
    annotations = []
    try:
        beside.find(recording.edf)
    except InputError as error:
        collector.error(error, recording.edf, "error")
    for path in beside.find_all(recording.edf):
        try:
            annotations.append(beside.read(path, recording.edf))
        except InputError as error:
            collector.error(error, path, "error")
    return annotations


def _seizures(annotation: Annotation, mapping: Mapping[str, str], collector: _Collector) -> _Seizures | None:
    """The annotation's seizures, or None and one finding for each unknown label."""
    first = {event.label: event for event in reversed(annotation.events)}
    unknown = False
    for label, event in sorted(first.items()):
        try:
            kind_of(label, where=annotation.where(event), mapping=mapping)
        except InputError as error:
            collector.error(error, annotation.path, "error")
            unknown = True
    return None if unknown else seizures(annotation, mapping)


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
    collector: _Collector,
) -> Labelled | None:
    if header is None or not readable:
        return None
    annotation, seizures_s = readable[0]
    try:
        return corpora.label(recording, header, annotation, seizures_s)
    except InputError as error:
        about = recording.edf if beside.is_list(annotation.path) else annotation.path
        collector.error(error, about, "warning")
        return None


def _montages(header: edf.Header | None, collector: _Collector) -> tuple[str, ...]:
    """Montages that the recording allows; if none has all 19 electrodes, the nearest one is a finding."""
    if header is None:
        return ()
    faults: dict[str, InputError] = {}
    for name, montage in montages.MONTAGES.items():
        try:
            montages.derive(montage, header)
        except InputError as error:
            faults[name] = error
    if faults.keys() >= set(montages.WHOLE_SCALP):
        nearest = min(montages.WHOLE_SCALP, key=lambda name: len(montages.missing(montages.MONTAGES[name], header)))
        collector.error(faults[nearest], header.path, "warning")
    return tuple(name for name in montages.MONTAGES if name not in faults)


def _summary(found: Corpus, seen: list[_Seen], prior: float | None) -> Audit:
    labelled = [s.labelled for s in seen if s.labelled is not None]
    headers = [s.header for s in seen if s.header is not None]
    ictal = [one for one in labelled if one.seizures_s]
    test = None if prior is None or not labelled else prior_test(labelled, prior)
    findings = [finding for s in seen for finding in s.findings]
    findings += [*_split_findings(found), *_unpaired(found), *_missing(found)]
    findings += _seizure_findings(found, labelled, test)
    return Audit(
        corpus=found.name,
        root=found.root,
        recordings=len(seen),
        patients=len({s.recording.patient for s in seen}),
        hours=math.fsum(header.duration_s for header in headers) / 3600,
        seizures=sum(len(one.seizures_s) for one in labelled),
        seizure_seconds=math.fsum(stop_s - onset_s for one in labelled for onset_s, stop_s in one.seizures_s),
        seizure_recordings=len(ictal),
        seizure_patients=len({one.recording.patient for one in ictal}),
        labels=_ranked(label for s in seen for label in s.labels.elements()),
        channels=_ranked(name for h in headers for name in {canonical(label) for label in h.labels}),
        rates_hz=_ranked(rate for h in headers for rate in _scalp_rates(h)),
        montages={name: sum(name in s.montages for s in seen) for name in montages.MONTAGES},
        prior=test,
        findings=tuple(dict.fromkeys(findings)),  # a list's fault is met with each of its recordings
    )


def _ranked(items: Iterator[str]) -> dict[str, int]:
    """Counts, the most frequent first, equal ones by name."""
    return dict(sorted(Counter(items).items(), key=lambda item: (-item[1], item[0])))


def _scalp_rates(header: edf.Header) -> set[str]:
    return {f"{signal.rate_hz:g}" for signal in header.signals if is_scalp(signal.label)}


def _split_findings(found: Corpus) -> Iterator[Finding]:
    splits: dict[str, set[str]] = {}
    for recording in found.recordings:
        if recording.split is not None:
            splits.setdefault(recording.patient, set()).add(recording.split)
    for patient, names in splits.items():
        if len(names) > 1:
            message = f"patient {patient} is in {' and '.join(sorted(names))}; a split must keep each patient whole"
            yield Finding(code="patient-in-two-splits", path=patient, message=message, severity="error")


def _unpaired(found: Corpus) -> Iterator[Finding]:
    """Annotations without an EDF: somewhere a recording was lost, or a name misspelt."""
    paired = {path for recording in found.recordings for path in beside.find_all(recording.edf)}
    for path in sorted(found.root.rglob("*")):
        if path not in paired and path.is_file() and _is_annotation(path):
            shown = path.relative_to(found.root).as_posix()
            message = "the annotation has no EDF beside it"
            yield Finding(code="annotation-unpaired", path=shown, message=message, severity="warning")


def _missing(found: Corpus) -> Iterator[Finding]:
    """Recordings that a list names and that are not beside it."""
    lists = {path for recording in found.recordings for path in beside.find_all(recording.edf)}
    for path in sorted(lists):
        try:
            names = beside.listed(path) or frozenset()
        except InputError:
            continue  # already a finding of every recording that it is about
        absent = sorted(name for name in names if not path.with_name(name).is_file())
        if absent:
            message = f"{len(absent)} recording(s) of the list are not beside it: {', '.join(absent[:5])}"
            shown = path.relative_to(found.root).as_posix()
            yield Finding(code="recording-missing", path=shown, message=message, severity="warning")


def _is_annotation(path: Path) -> bool:
    if path.suffix == ".csv":
        with path.open("rb") as file:
            return file.read(11) == b"# version ="
    return path.suffix in {".csv_bi", *beside.TSE_SUFFIXES} or path.name.endswith(beside.BIDS_SUFFIX)


def _seizure_findings(found: Corpus, labelled: list[Labelled], test: PriorTest | None) -> Iterator[Finding]:
    luck = "" if test is None else f"; {test.sentence}"
    if not labelled:
        message = f"none of the {len(found.recordings)} EDF files is usable"
        yield Finding(code="corpus-empty", path=".", message=message, severity="error")
    elif not any(one.seizures_s for one in labelled):
        message = f"no recording holds a seizure: nothing can be learnt, and the labels may be lost{luck}"
        yield Finding(code="no-seizures", path=".", message=message, severity="error")
    elif test is not None and test.log10_tail < PRIOR_LOG10_LIMIT:
        message = f"too few seizures for this corpus: labels may be lost{luck}"
        yield Finding(code="prior", path=".", message=message, severity="warning")
