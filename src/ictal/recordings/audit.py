"""The audit of a corpus: what is in it, and everything that is wrong with it, before any signal is read.

The audit ends with a list of findings; see `inspection` for those of one recording. Here are the counts, and what only
the whole corpus shows: patients in two parts, signals that occur twice, files without partner, labels that are lost.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from ictal.errors import InputError
from ictal.recordings import corpus as corpora
from ictal.recordings import montages
from ictal.recordings.annotations import beside
from ictal.recordings.channels import canonical
from ictal.recordings.corpus import NO_ALIASES, Corpus, Labelled
from ictal.recordings.duplicates import duplicates
from ictal.recordings.events import MAJORITY
from ictal.recordings.inspection import Finding, Inspected, Inspector, shown_path
from ictal.recordings.labels import NO_MAPPING
from ictal.recordings.layouts.layout import Recording
from ictal.recordings.montages import MissingPolicy
from ictal.recordings.prior import PRIOR_LOG10_LIMIT, PRIORS, PriorTest, prior_test
from ictal.recordings.tallies import Tally, rates, tallies

Json: TypeAlias = "str | int | float | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What a corpus holds; counts are over the recordings that could be read."""

    corpus: str
    root: Path
    inspected: tuple[Inspected, ...]
    """Every recording, by id."""
    labels: Mapping[str, int]
    """Rows of the annotations that are used, by label as written."""
    channels: Mapping[str, int]
    """Recordings that have a channel, by its canonical name."""
    rates_hz: Mapping[str, int]
    montages: Mapping[str, int]
    tallies: Mapping[str, Mapping[str, Tally]]
    """By split, patient, montage, rate, reference and type."""
    other_files: Mapping[str, int]
    """Files that are neither recording nor annotation, by suffix."""
    prior: PriorTest | None
    findings: tuple[Finding, ...]

    @property
    def labelled(self) -> tuple[Labelled, ...]:
        """Recordings whose header and annotation could be read and agree."""
        return tuple(one.labelled for one in self.inspected if one.labelled is not None)

    @property
    def recordings(self) -> int:
        """EDF files."""
        return len(self.inspected)

    @property
    def hours(self) -> float:
        """Recorded time."""
        return math.fsum(one.header.duration_s for one in self.inspected if one.header is not None) / 3600

    @property
    def seizures(self) -> int:
        """Annotated seizures."""
        return sum(len(one.seizures_s) for one in self.labelled)

    @property
    def seizure_seconds(self) -> float:
        """Their time."""
        return math.fsum(stop_s - onset_s for one in self.labelled for onset_s, stop_s in one.seizures_s)

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
        ictal = [one for one in self.labelled if one.seizures_s]
        return {
            "corpus": self.corpus,
            "folder": self.root.resolve().name,
            "recordings": self.recordings,
            "patients": len({one.recording.patient for one in self.inspected}),
            "hours": self.hours,
            "seizures": self.seizures,
            "seizure_seconds": self.seizure_seconds,
            "seizure_recordings": len(ictal),
            "seizure_patients": len({one.recording.patient for one in ictal}),
            "share": None if math.isnan(self.share) else self.share,
            "labels": dict(self.labels),
            "channels": dict(self.channels),
            "rates_hz": dict(self.rates_hz),
            "montages": dict(self.montages),
            "tallies": {
                name: {key: asdict(tally) for key, tally in group.items()} for name, group in self.tallies.items()
            },
            "repaired": {
                "interpolated": sum(bool(one.fit.interpolated) for one in self.inspected),
                "masked": sum(bool(one.fit.absent) for one in self.inspected),
            },
            "other_files": dict(self.other_files),
            "prior": None if self.prior is None else asdict(self.prior),
            "findings": [asdict(finding) for finding in self.findings],
            "files": [_row(one) for one in self.inspected],
        }


def audit(
    root: Path,
    *,
    corpus: str = "auto",
    same_patient: Mapping[str, str] = NO_ALIASES,
    mapping: Mapping[str, str] = NO_MAPPING,
    consensus: str = MAJORITY,
    prior: float | None = None,
    policy: MissingPolicy = "error",
    corrected: Path | None = None,
    deep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Audit every recording of a corpus.

    Args:
        root: The corpus's folder.
        corpus: Its layout; see `corpus.discover`.
        same_patient: See `corpus.discover`.
        mapping: See `labels.kind_of`.
        consensus: See `events.seizures`.
        prior: Share of windows with seizure to expect; None means the published one, where there is one.
        policy: About missing electrodes, see `montages.derive`: what it can repair is no finding but a repair.
        corrected: See `corpus.discover`.
        deep: Read the signals too: checksums, flat and saturated channels, values out of range.
        progress: Called with (done, total).

    Raises:
        InputError: only if there is no such folder or layout.
    """
    found = corpora.discover(root, corpus, same_patient, corrected)
    inspect = Inspector(root=found.root, mapping=mapping, consensus=consensus, policy=policy, deep=deep)
    inspected = []
    for done, recording in enumerate(found.recordings, 1):
        inspected.append(inspect(recording))
        if progress is not None:
            progress(done, len(found.recordings))
    return _summary(found, tuple(inspected), PRIORS.get(found.name) if prior is None else prior)


def _summary(found: Corpus, inspected: tuple[Inspected, ...], prior: float | None) -> Audit:
    labelled = [one.labelled for one in inspected if one.labelled is not None]
    headers = [one.header for one in inspected if one.header is not None]
    test = None if prior is None or not labelled else prior_test(labelled, prior)
    files = _other_files(found, inspected)
    findings = [finding for one in inspected for finding in one.findings]
    findings += [*_split_findings(found), *_repeated(found, inspected), *_unpaired(found, files)]
    findings += [*_missing(found, inspected), *_seizure_findings(found, inspected, test)]
    return Audit(
        corpus=found.name,
        root=found.root,
        inspected=inspected,
        labels=_ranked(label for one in inspected for label in one.labels.elements()),
        channels=_ranked(name for header in headers for name in {canonical(label) for label in header.labels}),
        rates_hz=_ranked(rate for header in headers for rate in rates(header)),
        montages={name: sum(name in one.fit.montages for one in inspected) for name in montages.MONTAGES},
        tallies=tallies(inspected),
        other_files=_ranked(path.suffix or path.name for path in files if not _is_annotation(path)),
        prior=test,
        findings=tuple(dict.fromkeys(findings)),  # a list's fault is met with each of its recordings
    )


def _row(one: Inspected) -> dict[str, Json]:
    """One recording: its three durations, what it holds, and what was made of it."""
    seizures_s = () if one.labelled is None else one.labelled.seizures_s
    return {
        "id": one.recording.id,
        "patient": one.recording.patient,
        "split": one.recording.split,
        "duration_s": {
            "annotation": one.stated_s,
            "header": None if one.header is None else one.header.duration_s,
            "data": None if one.header is None else one.header.data_s,
        },
        "rates_hz": [] if one.header is None else list(rates(one.header)),
        "reference": one.reference,
        "seizures": len(seizures_s),
        "seizure_seconds": math.fsum(stop_s - onset_s for onset_s, stop_s in seizures_s),
        "missing": list(one.fit.missing),
        "interpolated": list(one.fit.interpolated),
        "absent": list(one.fit.absent),
        "signals": None if one.flags is None else asdict(one.flags),
    }


def _ranked(items: Iterable[str]) -> dict[str, int]:
    """Counts, the most frequent first, equal ones by name."""
    return dict(sorted(Counter(items).items(), key=lambda item: (-item[1], item[0])))


def _split_findings(found: Corpus) -> Iterator[Finding]:
    splits: dict[str, set[str]] = {}
    for recording in found.recordings:
        if recording.split is not None:
            splits.setdefault(recording.patient, set()).add(recording.split)
    for patient, names in splits.items():
        if len(names) > 1:
            message = f"patient {patient} is in {' and '.join(sorted(names))}; a split must keep each patient whole"
            yield Finding(code="patient-in-two-splits", path=patient, message=message, severity="error")


def _repeated(found: Corpus, inspected: Sequence[Inspected]) -> Iterator[Finding]:
    """Signals that occur twice: a leak if they are of two patients or parts, else a copy to know of."""
    of = {one.header.path: one.recording for one in inspected if one.header is not None}
    try:
        groups = duplicates([one.header for one in inspected if one.header is not None])
    except InputError as error:
        message = f"signals were not compared: {error.what} ({error.where}; {error.got})"
        yield Finding(code=error.code, path=".", message=message, severity="warning")
        return
    for group in groups:
        first, *others = (of[header.path] for header in group)
        for other in others:
            leaks = (first.patient, first.split) != (other.patient, other.split)
            message = f"the same signal as {first.id}" + (", of another patient or split" if leaks else "")
            yield Finding(
                code="signal-repeated",
                path=other.edf.relative_to(found.root).as_posix(),
                message=message,
                severity="error" if leaks else "warning",
            )


def _other_files(found: Corpus, inspected: Iterable[Inspected]) -> list[Path]:
    """Files that belong to no recording."""
    known = {path for one in inspected for path in (one.recording.edf, *one.annotations, *_overruled(one.recording))}
    return [path for path in sorted(found.root.rglob("*")) if path not in known and path.is_file()]


def _overruled(recording: Recording) -> tuple[Path, ...]:
    """Annotations beside the EDF that do not count, since there is a corrected one."""
    return () if recording.corrected is None else beside.find_all(recording.edf)


def _unpaired(found: Corpus, files: Iterable[Path]) -> Iterator[Finding]:
    """Annotations without an EDF: somewhere a recording was lost, or a name misspelt."""
    for path in filter(_is_annotation, files):
        shown = path.relative_to(found.root).as_posix()
        message = "the annotation has no EDF beside it"
        yield Finding(code="annotation-unpaired", path=shown, message=message, severity="warning")


def _missing(found: Corpus, inspected: Iterable[Inspected]) -> Iterator[Finding]:
    """Recordings that a list names and that are not beside it."""
    for path in sorted({path for one in inspected for path in one.annotations if beside.is_list(path)}):
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


def _seizure_findings(found: Corpus, inspected: Sequence[Inspected], test: PriorTest | None) -> Iterator[Finding]:
    labelled = [one.labelled for one in inspected if one.labelled is not None]
    annotation = next((shown_path(path, found.root) for one in inspected for path in one.annotations), None)
    luck = "" if test is None else f"; {test.sentence}; look at {annotation}"
    if not labelled:
        message = f"none of the {len(found.recordings)} EDF files is usable"
        yield Finding(code="corpus-empty", path=".", message=message, severity="error")
    elif not any(one.seizures_s for one in labelled):
        message = f"no recording holds a seizure: nothing can be learnt, and the labels may be lost{luck}"
        yield Finding(code="no-seizures", path=".", message=message, severity="error")
    elif test is not None and test.log10_tail < PRIOR_LOG10_LIMIT:
        message = f"too few seizures for this corpus: labels may be lost{luck}"
        yield Finding(code="prior", path=".", message=message, severity="warning")
