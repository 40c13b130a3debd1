"""`ictal audit`: what a corpus holds, what is wrong with it, and how its windows would divide into strata."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ictal.appearing import appearing
from ictal.recordings.audit import Audit, audit
from ictal.recordings.corpus import NO_ALIASES, Labelled
from ictal.recordings.events import MAJORITY
from ictal.recordings.labels import NO_MAPPING
from ictal.recordings.montages import MissingPolicy
from ictal.signals.preprocess import PreprocessConfig
from ictal.timeline import spans as sp
from ictal.windows.index import IndexedRecording, WindowConfig, WindowIndex, build


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What of a configuration an audit depends on."""

    layout: str = "auto"
    mapping: Mapping[str, str] = field(default_factory=lambda: NO_MAPPING)
    consensus: str = MAJORITY
    same_patient: Mapping[str, str] = field(default_factory=lambda: NO_ALIASES)
    corrected: Path | None = None
    missing: MissingPolicy = "error"
    rate_hz: int = PreprocessConfig.rate_hz
    windows: WindowConfig = field(default_factory=WindowConfig)


def settings(
    file: Path | None, overrides: Sequence[str], *, layout: str = "auto", mapping: Mapping[str, str] = NO_MAPPING
) -> Settings:
    """The settings of a configuration file and of the command line; torch is loaded only if there are any.

    Args:
        file: TOML file, or None.
        overrides: See `config.load`.
        layout: The corpus's layout; `auto` leaves it to the configuration.
        mapping: See `labels.kind_of`; goes before the configuration's.

    Raises:
        InputError: see `config.load`.
    """
    if file is None and not overrides:
        return Settings(layout=layout, mapping=mapping)
    from ictal.recipes.config import load  # noqa: PLC0415 - loads torch, which an audit does without

    config = load(file, overrides)
    return Settings(
        layout=config.corpus.layout if layout == "auto" else layout,
        mapping={**config.corpus.label_mapping, **mapping},
        consensus=config.corpus.consensus,
        same_patient=config.corpus.same_patient,
        corrected=config.corpus.corrections,
        missing=config.signals.missing,
        rate_hz=config.signals.rate_hz,
        windows=config.windows,
    )


def audit_folder(
    folder: Path,
    settings: Settings,
    *,
    prior: float | None = None,
    deep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Audit, dict[str, Any]]:
    """The audit, and its document for people and machines, with the configured windows by stratum.

    Raises:
        InputError: if there is no such folder or layout.
    """
    found = audit(
        folder,
        corpus=settings.layout,
        same_patient=settings.same_patient,
        mapping=settings.mapping,
        consensus=settings.consensus,
        prior=prior,
        policy=settings.missing,
        corrected=settings.corrected,
        deep=deep,
        progress=progress,
    )
    return found, {**found.document(), "windows": _windows(found, settings)}


def needed_to_plan(layout: str, document: Mapping[str, Any]) -> tuple[str, ...]:
    """What `ictal plan` has to be told of an audited corpus because its defaults would be refused.

    Args:
        layout: The layout that was asked for.
        document: The audit's.
    """
    fits: Mapping[str, int] = document["montages"]
    best = max(fits, key=lambda name: fits[name])
    named = () if layout == "auto" else ("--corpus.layout", layout)
    split = () if "train" in document["tallies"]["split"] else ("--split.method", "stratified")
    montage = () if fits[PreprocessConfig.montage] or not fits[best] else ("--signals.montage", best)
    return (*named, *split, *montage)


def write_page(path: Path, document: Mapping[str, Any]) -> None:
    """Write the audit as one HTML file that needs nothing else."""
    from ictal.report.audit import render  # noqa: PLC0415 - drawing takes a second to import

    path.parent.mkdir(parents=True, exist_ok=True)
    with appearing(path) as draft:
        draft.write_text(render(document), encoding="utf-8")


def write_tables(folder: Path, found: Audit) -> None:
    """Write recordings and events as Parquet."""
    from ictal.recordings import tables  # noqa: PLC0415 - pyarrow takes a third of a second to import

    tables.write(found, folder)


def _windows(found: Audit, settings: Settings) -> dict[str, Any]:
    """Number of windows in each stratum, over the whole corpus and in each of its parts."""
    by_part: dict[str, list[Labelled]] = {"all": list(found.labelled)}
    for one in found.labelled:
        if one.recording.split is not None:
            by_part.setdefault(one.recording.split, []).append(one)
    grid = settings.windows
    return {
        "length_s": grid.length_s,
        "stride_s": grid.stride_s,
        "rate_hz": settings.rate_hz,
        "strata": {part: _index(some, settings).strata() for part, some in by_part.items() if some},
    }


def _index(labelled: Sequence[Labelled], settings: Settings) -> WindowIndex:
    rate_hz = settings.rate_hz
    recordings = []
    for one in labelled:
        samples = int(sp.samples_from_seconds([one.duration_s], rate_hz)[0])
        seizures = sp.clip(sp.spans_from_seconds(one.seizures_s, rate_hz), 0, samples)
        recording = one.recording
        recordings.append(
            IndexedRecording(id=recording.id, patient=recording.patient, samples=samples, seizures=seizures)
        )
    return build(recordings, settings.windows.grid(rate_hz), settings.windows.rule(rate_hz))
